// Reads the fields of a protobuf message by their numbers: all that the metadata of ORC files needs.
import { ByteReader } from '../byte-reader.ts';
import { MalformedMessage } from '../malformed.ts';
import { MalformedFile } from '../malformed-file.ts';

/** Of a message; a number that is not safe, and a fixed one, is left out. */
export class Fields {
  readonly #numbers = new Map<number, number[]>();
  readonly #bytes = new Map<number, Buffer[]>();

  /** Throws MalformedFile. */
  constructor(message: Buffer) {
    const reader = new ByteReader();
    reader.open(message, 0, message.length);
    try {
      while (reader.at < reader.end) this.#read(reader);
    } catch (thrown) {
      if (!(thrown instanceof MalformedMessage)) throw thrown;
      throw new MalformedFile(`its metadata is damaged: ${thrown.message}`, { cause: thrown });
    }
  }

  #read(reader: ByteReader): void {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        add(this.#numbers, number, reader.varint());
        return;
      case 1:
        reader.take(8);
        return;
      case 2: {
        const start = reader.take(reader.varint());
        add(this.#bytes, number, reader.bytes.subarray(start, reader.at));
        return;
      }
      case 5:
        reader.take(4);
        return;
      default:
        throw new MalformedFile('its metadata is damaged');
    }
  }

  /** Throws MalformedFile where it is beyond the safe range. */
  number(number: number, otherwise = 0): number {
    const value = this.#numbers.get(number)?.at(-1) ?? otherwise;
    if (!Number.isSafeInteger(value))
      throw new MalformedFile('a number of its metadata is too large');
    return value;
  }

  /** A repeated number, packed or not. */
  numbers(number: number): number[] {
    const values = [...(this.#numbers.get(number) ?? [])];
    const reader = new ByteReader();
    for (const packed of this.#bytes.get(number) ?? []) {
      reader.open(packed, 0, packed.length);
      while (reader.at < reader.end) values.push(reader.varint());
    }
    return values;
  }

  text(number: number): string {
    return this.#bytes.get(number)?.at(-1)?.toString() ?? '';
  }

  texts(number: number): string[] {
    return (this.#bytes.get(number) ?? []).map((bytes) => bytes.toString());
  }

  messages(number: number): Fields[] {
    return (this.#bytes.get(number) ?? []).map((bytes) => new Fields(bytes));
  }
}

function add<T>(to: Map<number, T[]>, number: number, value: T): void {
  const list = to.get(number);
  if (list === undefined) to.set(number, [value]);
  else list.push(value);
}
