// Reads Kafka's primitive types from one buffer, in place. Every length is checked against what is
// left before anything is allocated; must never read past the end.
// SOURCE: Kafka protocol guide, "Protocol Primitive Types"; KIP-482 (compact types).
import { fail } from '../../base/errors.ts';

/** Cursor over one message. All methods throw KAFKA_MALFORMED when the bytes run out or make no sense. */
export class Reader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }
  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  /** Moves over `count` bytes and returns where they start. */
  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || count > this.#buffer.length - at) {
      throw fail('KAFKA_MALFORMED', {
        detail: `${count} bytes wanted at ${at}, ${this.#buffer.length - at} left`,
      });
    }
    this.#at = at + count;
    return at;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#take(1));
  }
  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2));
  }
  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }
  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  /** Unsigned LEB128 of at most 32 bits. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw fail('KAFKA_MALFORMED', { detail: `varint longer than 5 bytes at ${this.#at}` });
  }

  /** A slice of the message, not a copy: it lives as long as the message's buffer. */
  slice(count: number): Buffer {
    const at = this.#take(count);
    return this.#buffer.subarray(at, at + count);
  }

  utf8(count: number): string {
    const at = this.#take(count);
    return this.#buffer.toString('utf8', at, at + count);
  }

  /** Lower case with dashes, as crypto.randomUUID writes it. */
  uuid(): string {
    const at = this.#take(16);
    const hex = this.#buffer.toString('hex', at, at + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** Length of a bytes or array value; -1 = null. */
  length32(flexible: boolean): number {
    return flexible ? this.uvarint() - 1 : this.int32();
  }

  /** Length of a string value; -1 = null. */
  length16(flexible: boolean): number {
    return flexible ? this.uvarint() - 1 : this.int16();
  }

  /** Skips a section of tagged fields that nobody reads. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left -= 1) {
      this.uvarint();
      this.#take(this.uvarint());
    }
  }
}
