// Packets in a byte stream: `u24 length | u8 sequence | payload`, payloads of 2^24-1 bytes continue in
// the next packet. Reading bounds what is kept; nothing here looks into a payload.
// SOURCE: MySQL source docs, "MySQL Packets".
import { fail } from '../../base/errors.ts';
import { MAX_PACKET_PAYLOAD_BYTES } from '../row-encoder.ts';

const HEADER_BYTES = 4;

export interface Packet {
  readonly payload: Buffer;
  /** Sequence id of its last part; the answer starts with the next one. */
  readonly sequence: number;
}

/** One payload as packets (several only from 16 MB on), plus the sequence id that comes next. */
export function framePayload(
  payload: Buffer,
  firstSequence: number,
): { readonly parts: readonly Buffer[]; readonly nextSequence: number } {
  const parts: Buffer[] = [];
  let sequence = firstSequence;
  for (let start = 0; ; start += MAX_PACKET_PAYLOAD_BYTES) {
    const length = Math.min(MAX_PACKET_PAYLOAD_BYTES, payload.length - start);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUIntLE(length, 0, 3);
    header.writeUInt8(sequence, 3);
    sequence = (sequence + 1) & 0xff;
    parts.push(header);
    if (length > 0) parts.push(payload.subarray(start, start + length));
    if (length < MAX_PACKET_PAYLOAD_BYTES) return { parts, nextSequence: sequence };
  }
}

/**
 * Collects stream data and gives whole packets, continued ones joined. When `onPacket` answers false, what
 * follows is left alone until `resume`: it may not be packets (a TLS hello after the request for TLS).
 */
export class PacketSplitter {
  /** Largest payload taken; may be raised after authentication. */
  maxPayloadBytes: number;
  readonly #onPacket: (packet: Packet) => unknown;
  #parts: Buffer[] = [];
  #haveBytes = 0;
  #needBytes = HEADER_BYTES;
  #continued: Buffer[] = [];
  #continuedBytes = 0;
  #refusedSequence = 0;
  #stopped = false;

  constructor(maxPayloadBytes: number, onPacket: (packet: Packet) => unknown) {
    this.maxPayloadBytes = maxPayloadBytes;
    this.#onPacket = onPacket;
  }

  /** Bytes kept of a packet that is not whole yet. */
  get pendingBytes(): number {
    return this.#haveBytes + this.#continuedBytes;
  }

  /** Sequence id of the packet that was refused as too large: the error answers it. */
  get refusedSequence(): number {
    return this.#refusedSequence;
  }

  /** Throws MYSQL_PACKET_TOO_LARGE as soon as a header announces too much; the splitter is dead then. */
  push(data: Buffer): void {
    this.#parts.push(data);
    this.#haveBytes += data.length;
    this.#split();
  }

  /** Goes on after `onPacket` answered false. Throws as `push` does. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#split();
  }

  #split(): void {
    if (this.#stopped || this.#haveBytes < this.#needBytes) return;
    const [only] = this.#parts;
    const buffer =
      this.#parts.length === 1 && only !== undefined
        ? only
        : Buffer.concat(this.#parts, this.#haveBytes);
    let pos = 0;
    this.#needBytes = HEADER_BYTES;
    while (!this.#stopped && buffer.length - pos >= HEADER_BYTES) {
      const length = buffer.readUIntLE(pos, 3);
      if (this.#continuedBytes + length > this.maxPayloadBytes) {
        this.#refusedSequence = buffer.readUInt8(pos + 3);
        throw fail('MYSQL_PACKET_TOO_LARGE', { limit: this.maxPayloadBytes });
      }
      const end = pos + HEADER_BYTES + length;
      if (end > buffer.length) {
        this.#needBytes = HEADER_BYTES + length;
        break;
      }
      this.#part(buffer.subarray(pos + HEADER_BYTES, end), buffer.readUInt8(pos + 3));
      pos = end;
    }
    this.#haveBytes = buffer.length - pos;
    this.#parts = this.#haveBytes === 0 ? [] : [buffer.subarray(pos)];
  }

  /** Takes back what came after the last whole packet (a TLS hello sent early). */
  takeRest(): Buffer {
    const rest = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#haveBytes = 0;
    this.#needBytes = HEADER_BYTES;
    this.#stopped = false;
    return rest;
  }

  #part(payload: Buffer, sequence: number): void {
    if (payload.length === MAX_PACKET_PAYLOAD_BYTES) {
      this.#continued.push(payload);
      this.#continuedBytes += payload.length;
      return;
    }
    if (this.#continued.length === 0) {
      this.#give({ payload, sequence });
      return;
    }
    this.#continued.push(payload);
    const whole = Buffer.concat(this.#continued);
    this.#continued = [];
    this.#continuedBytes = 0;
    this.#give({ payload: whole, sequence });
  }

  #give(packet: Packet): void {
    if (this.#onPacket(packet) === false) this.#stopped = true;
  }
}

/**
 * Follows ready-made packets cut anywhere and knows the sequence id after them, so that an error can be
 * sent in the middle of rows that another process encoded.
 */
export class SequenceFollower {
  #next: number;
  /** Payload bytes still to come of the packet under way. */
  #left = 0;
  #header = 0;
  #headerBytes = 0;

  constructor(firstSequence: number) {
    this.#next = firstSequence;
  }

  get nextSequence(): number {
    return this.#next;
  }

  /** True between packets: only then may something else be written. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#headerBytes === 0;
  }

  follow(chunk: Buffer): void {
    let pos = 0;
    const end = chunk.length;
    while (pos < end) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, end - pos);
        this.#left -= step;
        pos += step;
      } else if (this.#headerBytes === 0 && end - pos >= HEADER_BYTES) {
        this.#left = chunk.readUIntLE(pos, 3);
        this.#next = (chunk.readUInt8(pos + 3) + 1) & 0xff;
        pos += HEADER_BYTES;
      } else {
        this.#headerByte(chunk.readUInt8(pos));
        pos += 1;
      }
    }
  }

  #headerByte(byte: number): void {
    if (this.#headerBytes < 3) this.#header |= byte << (8 * this.#headerBytes);
    this.#headerBytes += 1;
    if (this.#headerBytes < HEADER_BYTES) return;
    this.#left = this.#header;
    this.#next = (byte + 1) & 0xff;
    this.#header = 0;
    this.#headerBytes = 0;
  }
}
