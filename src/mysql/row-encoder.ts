// Encodes text-protocol result rows as ready-made MySQL packets. Runs in the process that holds the
// rows (the CN), which hands the chunks to the process that owns the socket: nothing is encoded twice.
// Must stay free of I/O and of knowledge of SQL types: the caller decides how a value is written.
import { assert } from '../base/assert.ts';
import { fail } from '../base/errors.ts';

/** Largest payload of one packet; a longer one continues in further packets (protocol: 2^24-1 bytes). */
export const MAX_PACKET_PAYLOAD_BYTES = 0xffffff;
/** Size at which a chunk is handed on. A chunk is larger only when one row is. */
export const ROW_CHUNK_BYTES = 128 * 1024;
/** Largest row that is encoded; MySQL's own upper bound for max_allowed_packet is 1 GB. */
export const MAX_ROW_BYTES = 256 * 1024 * 1024;

const HEADER_BYTES = 4;
/** Most results are small: the first buffer grows from here, later ones have full size at once. */
const FIRST_BUFFER_BYTES = 4 * 1024;
/** Up to this many bytes a plain loop beats the call into the runtime (bench/mysql-encode.ts). */
const SHORT_BYTES = 24;
const DIGIT_0 = 0x30;
const MINUS = 0x2d;
const TWO_POW_32 = 2 ** 32;

/**
 * Appends rows to a growing buffer and calls `onChunk` with about 128 KB at a time.
 *
 * For each row: `startRow()`, one value call per column in order, `endRow()`. After the last row
 * `flush()`. A chunk always ends where a row ends, and belongs to the receiver from then on (its
 * memory is not used again). `onChunk` is called synchronously, also from a value call.
 *
 * SOURCE: MySQL source docs, "Text Resultset Row" and "MySQL Packets".
 */
export class RowEncoder {
  readonly #onChunk: (chunk: Buffer) => void;
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);
  #pos = 0;
  #rowStart = 0;
  #sequence: number;
  #rowCount = 0;

  /** `firstSequence` 0..255 is the sequence id of the first row's packet (the one after the column definitions). */
  constructor(firstSequence: number, onChunk: (chunk: Buffer) => void) {
    this.#sequence = firstSequence & 0xff;
    this.#onChunk = onChunk;
  }

  /** Sequence id (0..255) that the packet after all ended rows must carry. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Rows ended so far. */
  get rowCount(): number {
    return this.#rowCount;
  }

  startRow(): void {
    this.#reserve(HEADER_BYTES);
    this.#rowStart = this.#pos;
    this.#pos += HEADER_BYTES;
  }

  nullValue(): void {
    this.#reserve(1);
    this.#buffer[this.#pos++] = 0xfb;
  }

  /** The bytes [start, end) of `bytes`, taken as they are (they should be valid UTF-8). Copies them. */
  utf8(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#startValue(length);
    const buffer = this.#buffer;
    let pos = this.#pos;
    if (length <= SHORT_BYTES) {
      for (let i = start; i < end; i++) buffer[pos++] = bytes[i] ?? 0;
    } else {
      buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), pos);
    }
    this.#pos += length;
  }

  /** A string known to hold ASCII only (numbers, dates); another character would be cut to its low byte. */
  ascii(text: string): void {
    const length = text.length;
    this.#startValue(length);
    const buffer = this.#buffer;
    if (length <= SHORT_BYTES) {
      let pos = this.#pos;
      for (let i = 0; i < length; i++) buffer[pos++] = text.charCodeAt(i);
    } else {
      buffer.write(text, this.#pos, length, 'latin1');
    }
    this.#pos += length;
  }

  /** Any string, as UTF-8. Lone surrogates become U+FFFD. */
  string(text: string): void {
    const length = text.length;
    if (length <= SHORT_BYTES && this.#shortAscii(text)) return;
    const sizeBytes = Buffer.byteLength(text, 'utf8');
    this.#startValue(sizeBytes);
    if (sizeBytes > 0) this.#buffer.write(text, this.#pos, sizeBytes, 'utf8');
    this.#pos += sizeBytes;
  }

  /** An integer of at most 2^53 in magnitude, in decimal. */
  integer(value: number): void {
    this.#reserve(20);
    const buffer = this.#buffer;
    const lengthAt = this.#pos++;
    let rest = value;
    if (rest < 0) {
      buffer[this.#pos++] = MINUS;
      rest = -rest;
    }
    let end = this.#pos + digitCount(rest);
    this.#pos = end;
    // Doubles above 2^31 are slow to divide; split once so that both halves are small integers.
    if (rest >= 1e9) {
      let high = Math.floor(rest / 1e9);
      let low = (rest - high * 1e9) | 0;
      for (let i = 0; i < 9; i++) {
        const tenth = (low / 10) | 0;
        buffer[--end] = DIGIT_0 + (low - tenth * 10);
        low = tenth;
      }
      while (high >= 10) {
        const tenth = Math.floor(high / 10);
        buffer[--end] = DIGIT_0 + (high - tenth * 10);
        high = tenth;
      }
      buffer[--end] = DIGIT_0 + high;
    } else {
      let low = rest | 0;
      while (low >= 10) {
        const tenth = (low / 10) | 0;
        buffer[--end] = DIGIT_0 + (low - tenth * 10);
        low = tenth;
      }
      buffer[--end] = DIGIT_0 + low;
    }
    buffer[lengthAt] = this.#pos - lengthAt - 1;
  }

  /** A signed 64-bit integer given as its two 32-bit words (as an Int32Array view of the column holds them). */
  int64(low: number, high: number): void {
    const value = high * TWO_POW_32 + (low >>> 0);
    if (Number.isSafeInteger(value)) this.integer(value);
    else this.ascii(((BigInt(high) << 32n) | BigInt(low >>> 0)).toString());
  }

  endRow(): void {
    const payload = this.#pos - this.#rowStart - HEADER_BYTES;
    assert(payload >= 0, 'endRow follows startRow');
    this.#rowCount += 1;
    if (payload >= MAX_PACKET_PAYLOAD_BYTES) {
      this.#endLongRow(payload);
      return;
    }
    const buffer = this.#buffer;
    const at = this.#rowStart;
    buffer[at] = payload & 0xff;
    buffer[at + 1] = (payload >> 8) & 0xff;
    buffer[at + 2] = payload >> 16;
    buffer[at + 3] = this.#sequence;
    this.#sequence = (this.#sequence + 1) & 0xff;
    this.#rowStart = this.#pos;
    if (this.#pos >= ROW_CHUNK_BYTES) this.flush();
  }

  /** Takes back a row that was begun and cannot be ended; without one, does nothing. */
  abandonRow(): void {
    this.#pos = this.#rowStart;
  }

  /** Hands on what is ended and not yet handed on. Only between rows. */
  flush(): void {
    assert(this.#rowStart === this.#pos, 'flush between rows');
    if (this.#pos === 0) return;
    this.#emit();
  }

  #emit(): void {
    const chunk = this.#buffer.subarray(0, this.#pos);
    this.#buffer = Buffer.allocUnsafeSlow(ROW_CHUNK_BYTES);
    this.#pos = 0;
    this.#rowStart = 0;
    this.#onChunk(chunk);
  }

  /** A row of 16 MB or more: the same payload cut into packets of 2^24-1 bytes, the last one shorter (or empty). */
  #endLongRow(payload: number): void {
    const row = this.#buffer.subarray(this.#rowStart + HEADER_BYTES, this.#pos);
    this.#pos = this.#rowStart;
    const packets = Math.floor(payload / MAX_PACKET_PAYLOAD_BYTES) + 1;
    const out = Buffer.allocUnsafeSlow(this.#pos + payload + packets * HEADER_BYTES);
    this.#buffer.copy(out, 0, 0, this.#pos);
    let pos = this.#pos;
    for (let i = 0; i < packets; i++) {
      const start = i * MAX_PACKET_PAYLOAD_BYTES;
      const length = Math.min(MAX_PACKET_PAYLOAD_BYTES, payload - start);
      out.writeUIntLE(length, pos, 3);
      out[pos + 3] = this.#sequence;
      this.#sequence = (this.#sequence + 1) & 0xff;
      pos += HEADER_BYTES;
      row.copy(out, pos, start, start + length);
      pos += length;
    }
    this.#buffer = out;
    this.#pos = pos;
    this.#emit();
  }

  /** Writes a short string when it is all ASCII; otherwise leaves the position as it was and answers false. */
  #shortAscii(text: string): boolean {
    const length = text.length;
    this.#reserve(SHORT_BYTES + 1);
    const buffer = this.#buffer;
    const start = this.#pos;
    let pos = start + 1;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      buffer[pos++] = unit;
    }
    buffer[start] = length;
    this.#pos = pos;
    return true;
  }

  /** Room for a value of `length` bytes, with its length-encoded prefix written. */
  #startValue(length: number): void {
    this.#reserve(length + 9);
    const buffer = this.#buffer;
    if (length < 251) {
      buffer[this.#pos++] = length;
    } else if (length < 0x10000) {
      buffer[this.#pos++] = 0xfc;
      buffer[this.#pos++] = length & 0xff;
      buffer[this.#pos++] = length >> 8;
    } else if (length < 0x1000000) {
      buffer[this.#pos++] = 0xfd;
      this.#pos = buffer.writeUIntLE(length, this.#pos, 3);
    } else {
      buffer[this.#pos++] = 0xfe;
      this.#pos = buffer.writeBigUInt64LE(BigInt(length), this.#pos);
    }
  }

  #reserve(count: number): void {
    if (this.#pos + count > this.#buffer.length) this.#makeRoom(count);
  }

  /** Grows the first buffer; or hands on the ended rows and carries the begun one over to a new buffer. */
  #makeRoom(count: number): void {
    const begun = this.#pos - this.#rowStart;
    const needed = begun + count;
    if (needed > MAX_ROW_BYTES) {
      throw fail('LIMIT_EXCEEDED', { what: 'a result row', actual: needed, limit: MAX_ROW_BYTES });
    }
    const old = this.#buffer;
    if (this.#pos + count <= ROW_CHUNK_BYTES) {
      this.#buffer = Buffer.allocUnsafeSlow(
        Math.min(ROW_CHUNK_BYTES, Math.max(old.length * 4, this.#pos + count)),
      );
      old.copy(this.#buffer, 0, 0, this.#pos);
      return;
    }
    const rowStart = this.#rowStart;
    const size = needed <= ROW_CHUNK_BYTES ? ROW_CHUNK_BYTES : Math.max(needed, begun * 2);
    const next = Buffer.allocUnsafeSlow(size);
    old.copy(next, 0, rowStart, this.#pos);
    this.#buffer = next;
    this.#rowStart = 0;
    this.#pos = begun;
    if (rowStart > 0) this.#onChunk(old.subarray(0, rowStart));
  }
}

function digitCount(value: number): number {
  let count = 1;
  let bound = 10;
  while (value >= bound) {
    count += 1;
    bound *= 10;
  }
  return count;
}
