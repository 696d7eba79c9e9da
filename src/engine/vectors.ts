// Raw access to DuckDB's vectors: typed arrays for fixed-width columns, coalesced bytes for strings, and
// a writer for table functions. Reads only bytes that belong to a value; views die with their chunk.
import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { present } from '../base/assert.ts';

/** Bytes of a `duckdb_string_t`: length (4), then 12 bytes inline, or 4 of prefix and an 8-byte pointer. */
const STRING_SLOT_BYTES = 16;
/** The longest string that lies inside its slot. */
const INLINE_BYTES = 12;

/** Little-endian view of one column's fixed-width slots. Undefined content where `isNull`. */
export function columnBytes(chunk: DuckDBDataChunk, column: number, widthBytes: number): Buffer {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
  return asBuffer(duckdb.vector_get_data(vector, chunk.rowCount * widthBytes));
}

/** Validity bits (bit set = not NULL, row r at byte r >> 3), or null when no row is NULL. */
export function columnValidity(chunk: DuckDBDataChunk, column: number): Uint8Array | null {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
  // The binding's type says Uint8Array, but it gives null for a vector without NULLs.
  const bits: Uint8Array | null = duckdb.vector_get_validity(
    vector,
    Math.ceil(chunk.rowCount / 64) * 8,
  );
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
 * binding in runs: DuckDB lays a vector's long strings one after another, so a run is found by exact
 * adjacency of pointers, and every byte read belongs to a string. (One call per string costs 10 times more.)
 */
export function stringColumn(chunk: DuckDBDataChunk, column: number): StringColumn {
  const rows = chunk.rowCount;
  const slots = columnBytes(chunk, column, STRING_SLOT_BYTES);
  const validity = columnValidity(chunk, column);
  const start = new Uint32Array(rows);
  const length = new Uint32Array(rows);
  const buffers: Buffer[] = [slots];
  const bufferOf = new Uint16Array(rows);
  const words = new DataView(slots.buffer, slots.byteOffset, slots.byteLength);
  let runFirstRow = 0;
  let runBytes = 0;
  let nextLow = 0;
  let nextHigh = 0;
  const endRun = (): void => {
    if (runBytes === 0) return;
    const pointerAt = slots.byteOffset + runFirstRow * STRING_SLOT_BYTES + 8;
    buffers.push(asBuffer(duckdb.get_data_from_pointer(arrayBufferOf(slots), pointerAt, runBytes)));
    runBytes = 0;
  };
  for (let row = 0; row < rows; row += 1) {
    if (validity !== null && ((present(validity[row >> 3], 'validity') >> (row & 7)) & 1) === 0)
      continue;
    const at = row * STRING_SLOT_BYTES;
    const bytes = words.getUint32(at, true);
    length[row] = bytes;
    if (bytes <= INLINE_BYTES) {
      start[row] = at + 4;
      continue;
    }
    const low = words.getUint32(at + 8, true);
    const high = words.getUint32(at + 12, true);
    if (runBytes === 0 || low !== nextLow || high !== nextHigh) {
      endRun();
      runFirstRow = row;
    }
    start[row] = runBytes;
    bufferOf[row] = buffers.length;
    runBytes += bytes;
    const sum = low + bytes;
    nextLow = sum >>> 0;
    nextHigh = sum > 0xffffffff ? high + 1 : high;
  }
  endRun();
  return { source: (row) => present(buffers[bufferOf[row] ?? 0], 'string run'), start, length };
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
