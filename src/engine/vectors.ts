// Raw access to DuckDB's vectors: typed arrays for fixed-width columns, coalesced bytes for strings, and
// a writer for table functions. Reads only bytes that belong to a value; views die with their chunk.
import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { present } from '../base/assert.ts';

/** Bytes of a `duckdb_string_t`: length (4), then 12 bytes inline, or 4 of prefix and an 8-byte pointer. */
const STRING_SLOT_BYTES = 16;
/** The longest string that lies inside its slot. */
const INLINE_BYTES = 12;
const TWO_POW_32 = 2 ** 32;
/** A run ends when it is this long: one call copies it. */
const MAX_RUN_BYTES = 64 * 1024 * 1024;

/** One column of values inside the engine: of a chunk, or the elements of a list column. */
export type NativeVector = duckdb.Vector;

/** The vector of a chunk's column. */
export function columnVector(chunk: DuckDBDataChunk, column: number): NativeVector {
  return duckdb.data_chunk_get_vector(chunk.chunk, column);
}

/** Little-endian view of one column's fixed-width slots. Undefined content where `isNull`. */
export function columnBytes(chunk: DuckDBDataChunk, column: number, widthBytes: number): Buffer {
  return vectorBytes(columnVector(chunk, column), chunk.rowCount, widthBytes);
}

/** As columnBytes, of the first `rows` slots of any vector. */
export function vectorBytes(vector: NativeVector, rows: number, widthBytes: number): Buffer {
  return asBuffer(duckdb.vector_get_data(vector, rows * widthBytes));
}

/** Validity bits (bit set = not NULL, row r at byte r >> 3), or null when no row is NULL. */
export function columnValidity(chunk: DuckDBDataChunk, column: number): Uint8Array | null {
  return vectorValidity(columnVector(chunk, column), chunk.rowCount);
}

/** As columnValidity, of any vector. */
export function vectorValidity(vector: NativeVector, rows: number): Uint8Array | null {
  // The binding's type says Uint8Array, but it gives null for a vector without NULLs.
  const bits: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8);
  return bits;
}

/** One string column of a chunk: where each row's bytes are. Rows that are NULL have no meaning here. */
export interface StringColumn {
  /** Per row: the buffer that holds the bytes. */
  readonly source: (row: number) => Buffer;
  /** Per row: first byte in its source. */
  readonly start: Uint32Array;
  /** Per row: length in bytes. */
  readonly length: Uint32Array;
}

/**
 * Finds the bytes of every string of a VARCHAR or BLOB column. Long strings are fetched over the
 * binding in runs: DuckDB lays a vector's long strings side by side, upwards or downwards, so a run is
 * found by exact adjacency of pointers, and every byte read belongs to a string. (One call per string
 * costs 10 times more.)
 */
export function stringColumn(chunk: DuckDBDataChunk, column: number): StringColumn {
  return stringVector(columnVector(chunk, column), chunk.rowCount);
}

/** As stringColumn, of any VARCHAR or BLOB vector. */
export function stringVector(vector: NativeVector, rows: number): StringColumn {
  const slots = vectorBytes(vector, rows, STRING_SLOT_BYTES);
  const validity = vectorValidity(vector, rows);
  const words = new Uint32Array(slots.buffer, slots.byteOffset, rows * 4);
  const start = new Uint32Array(rows);
  const length = new Uint32Array(rows);
  const bufferOf = new Uint32Array(rows);
  const runs = new StringRuns(slots);
  for (let row = 0; row < rows; row += 1) {
    if (validity !== null && (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 0) continue;
    const bytes = words[row * 4] ?? 0;
    length[row] = bytes;
    if (bytes <= INLINE_BYTES) {
      start[row] = row * STRING_SLOT_BYTES + 4;
      continue;
    }
    const low = words[row * 4 + 2] ?? 0;
    const high = words[row * 4 + 3] ?? 0;
    bufferOf[row] = runs.add(row, high * TWO_POW_32 + low, bytes);
    // Relative to its run's base for now known only by address: the low word is enough.
    start[row] = low;
  }
  const { buffers, bases } = runs.fetch();
  for (let row = 0; row < rows; row += 1) {
    const run = bufferOf[row] ?? 0;
    if (run > 0) start[row] = (start[row] ?? 0) - (bases[run] ?? 0);
  }
  return { source: (row) => present(buffers[bufferOf[row] ?? 0], 'string run'), start, length };
}

/** Collects addresses into runs of adjacent strings. Addresses are below 2^53 on every 64-bit system that runs Node. */
class StringRuns {
  readonly #slots: Buffer;
  /** Per run: first address, bytes, and the row whose slot points at the first address. Run 0 is the slots themselves. */
  readonly #base: number[] = [0];
  readonly #bytes: number[] = [0];
  readonly #row: number[] = [0];

  constructor(slots: Buffer) {
    this.#slots = slots;
  }

  /** Adds a string; gives the number of its run (from 1). */
  add(row: number, address: number, bytes: number): number {
    const run = this.#base.length - 1;
    const base = this.#base[run] ?? 0;
    const size = this.#bytes[run] ?? 0;
    if (run > 0 && size < MAX_RUN_BYTES) {
      if (address === base + size) {
        this.#bytes[run] = size + bytes;
        return run;
      }
      if (address + bytes === base) {
        this.#base[run] = address;
        this.#bytes[run] = size + bytes;
        this.#row[run] = row;
        return run;
      }
    }
    // The same string again, as in a dictionary or a constant.
    if (run > 0 && address >= base && address + bytes <= base + size) return run;
    this.#base.push(address);
    this.#bytes.push(bytes);
    this.#row.push(row);
    return run + 1;
  }

  /** The bytes of every run, and each base's low 32 bits. */
  fetch(): { readonly buffers: readonly Buffer[]; readonly bases: Uint32Array } {
    const buffers = [this.#slots];
    for (let run = 1; run < this.#base.length; run += 1) {
      const pointerAt =
        this.#slots.byteOffset + present(this.#row[run], 'row') * STRING_SLOT_BYTES + 8;
      const bytes = present(this.#bytes[run], 'bytes');
      buffers.push(
        asBuffer(duckdb.get_data_from_pointer(arrayBufferOf(this.#slots), pointerAt, bytes)),
      );
    }
    return { buffers, bases: Uint32Array.from(this.#base, (base) => base % TWO_POW_32) };
  }
}

/** Every value of a VARCHAR column as a string, null for NULL. */
export function readStrings(chunk: DuckDBDataChunk, column: number): (string | null)[] {
  const strings = stringColumn(chunk, column);
  const validity = columnValidity(chunk, column);
  const values: (string | null)[] = new Array(chunk.rowCount).fill(null);
  for (let row = 0; row < values.length; row += 1) {
    if (!isValid(validity, row)) continue;
    const from = present(strings.start[row], 'start');
    values[row] = strings
      .source(row)
      .toString('utf8', from, from + present(strings.length[row], 'length'));
  }
  return values;
}

/** Every value of a BIGINT column; check `columnValidity` where NULL can be. */
export function readBigints(chunk: DuckDBDataChunk, column: number): BigInt64Array {
  const bytes = columnBytes(chunk, column, 8);
  return new BigInt64Array(arrayBufferOf(bytes), bytes.byteOffset, chunk.rowCount);
}

/** Whether a row has a value, by `columnValidity`'s bits. */
export function isValid(validity: Uint8Array | null, row: number): boolean {
  return validity === null || ((present(validity[row >> 3], 'validity') >> (row & 7)) & 1) === 1;
}

/** Fills the output chunk of a table function. Rows 0..2047; the function returns how many it wrote. */
export class VectorWriter {
  readonly #chunk: DuckDBDataChunk['chunk'];

  constructor(chunk: DuckDBDataChunk['chunk']) {
    this.#chunk = chunk;
  }

  /** Text (must be UTF-8) or bytes for a VARCHAR or BLOB column; DuckDB copies them. */
  setBytes(column: number, row: number, bytes: Uint8Array): void {
    const vector = duckdb.data_chunk_get_vector(this.#chunk, column);
    duckdb.vector_assign_string_element_len(vector, row, bytes);
  }

  /** Writes the first `values.length` rows of a BIGINT column. */
  setBigints(column: number, values: BigInt64Array): void {
    this.#copy(column, values);
  }

  /** Writes the first `values.length` rows of an INTEGER column. */
  setIntegers(column: number, values: Int32Array): void {
    this.#copy(column, values);
  }

  #copy(column: number, values: BigInt64Array | Int32Array): void {
    const vector = duckdb.data_chunk_get_vector(this.#chunk, column);
    const { buffer, byteOffset, byteLength } = values;
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError('shared memory cannot be written');
    duckdb.copy_data_to_vector(vector, 0, buffer, byteOffset, byteLength);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function arrayBufferOf(bytes: Buffer): ArrayBuffer {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer)) throw new TypeError('vector data in shared memory');
  return buffer;
}
