// The columns of an Arrow record batch: its buffers, expanded and checked, as writers of values.
// SOURCE: Apache Arrow, "Columnar Format", "Buffer Listing for Each Layout", "Compression".
import { AppError } from '../../base/errors.ts';
import { Expander } from '../compression/compression.ts';
import type { ValueWriter } from '../lines/value-writers.ts';
import { MalformedFile } from '../malformed-file.ts';
import type { FlatTable } from './flat-table.ts';
import type { ArrowField } from './schema.ts';

const MAX_NODES = 20_000;
const MAX_BUFFERS = 100_000;
const CODECS = ['lz4', 'zstd'] as const;
/** In front of a compressed buffer: its size expanded, -1 = it is not compressed. */
const SIZE_BYTES = 8;

/** Dictionaries by id: writers of their values. */
export interface ArrowDictionaries {
  /** Throws MalformedFile for one that has not come. */
  get(id: number, isBase64: boolean): { readonly count: number; readonly value: ValueWriter };
}

/** Takes the nodes and buffers of a batch one after the other, as columns need them. */
export class BatchBuffers {
  readonly rows: number;
  readonly #body: Buffer;
  readonly #nodes: readonly number[];
  readonly #buffers: readonly number[];
  readonly #views: readonly number[];
  readonly #codec: 'lz4' | 'zstd' | null;
  readonly #expander = new Expander();
  #node = 0;
  #buffer = 0;
  #view = 0;
  #leftBytes: number;

  /** Of a table RecordBatch. `maxBytes`: of all buffers, expanded. Throws MalformedFile and RangeError. */
  constructor(header: FlatTable, body: Buffer, maxBytes: number) {
    this.rows = header.int64(0);
    this.#body = body;
    this.#nodes = header.int64s(1, 2, MAX_NODES);
    this.#buffers = header.int64s(2, 2, MAX_BUFFERS);
    this.#views = header.int64s(4, 1, MAX_NODES);
    this.#leftBytes = maxBytes;
    const compression = header.table(3);
    const codec = compression === null ? null : CODECS[compression.uint8(0, 0)];
    if (codec === undefined) throw new MalformedFile('a batch is compressed in an unknown way');
    this.#codec = codec;
  }

  /** Length of the next column, and whether any of its values is NULL. */
  node(): { readonly length: number; readonly hasNulls: boolean } {
    const length = this.#nodes[this.#node] ?? -1;
    const nulls = this.#nodes[this.#node + 1] ?? -1;
    this.#node += 2;
    if (length < 0) throw new MalformedFile('a batch has too few columns');
    return { length, hasNulls: nulls !== 0 };
  }

  /** The next buffer, which must have so many bytes; a wanted one is expanded. */
  buffer(leastBytes: number): Buffer {
    const bytes = this.#expand(this.#next());
    if (bytes.length < leastBytes)
      throw new MalformedFile(`a buffer has ${bytes.length} bytes where ${leastBytes} are needed`);
    return bytes;
  }

  /** How many buffers of bytes the next column of views has. */
  viewBuffers(): number {
    const count = this.#views[this.#view];
    this.#view += 1;
    if (count === undefined || count < 0 || count > MAX_BUFFERS)
      throw new MalformedFile('a column of views without its number of buffers');
    return count;
  }

  /** Passes over a field that nobody wants. */
  skip(field: ArrowField): void {
    this.node();
    if (field.dictionary !== null) {
      this.#next();
      this.#next();
      return;
    }
    for (let left = this.#buffersOf(field); left > 0; left -= 1) this.#next();
    for (const child of field.children) this.skip(child);
  }

  #buffersOf({ type }: ArrowField): number {
    switch (type.kind) {
      case 'null':
        return 0;
      case 'struct':
      case 'fixed-list':
        return 1;
      case 'bytes':
        return 3;
      case 'view':
        return 2 + this.viewBuffers();
      case 'other':
        return type.buffers;
      default:
        return 2;
    }
  }

  #next(): Buffer {
    const offset = this.#buffers[this.#buffer] ?? -1;
    const length = this.#buffers[this.#buffer + 1] ?? -1;
    this.#buffer += 2;
    if (offset < 0 || length < 0 || offset + length > this.#body.length)
      throw new MalformedFile('a batch has a buffer outside of its bytes');
    return this.#body.subarray(offset, offset + length);
  }

  #expand(bytes: Buffer): Buffer {
    if (this.#codec === null || bytes.length === 0) return bytes;
    if (bytes.length < SIZE_BYTES) throw new MalformedFile('a compressed buffer without its size');
    const size = bytes.readBigInt64LE(0);
    const packed = bytes.subarray(SIZE_BYTES);
    if (size === -1n) return packed;
    if (size < 0n || size > BigInt(this.#leftBytes))
      throw new MalformedFile(`a batch expands to more than the limit: write smaller batches`);
    try {
      const expanded = this.#expander.expand(this.#codec, packed, Number(size));
      if (expanded.length !== Number(size))
        throw new MalformedFile(`a buffer has ${expanded.length} bytes and says ${size}`);
      this.#leftBytes -= expanded.length;
      // lz4 is expanded into memory that is used again.
      return this.#codec === 'lz4' ? Buffer.from(expanded) : expanded;
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      throw new MalformedFile(`a buffer of a batch: ${thrown.message}`, { cause: thrown });
    }
  }
}
