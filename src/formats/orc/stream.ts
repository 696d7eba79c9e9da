// The bytes of one stream of an ORC stripe, read from the file piece by piece and expanded.
// SOURCE: ORC Specification v1, "Compression".
import { inflateRawSync } from 'node:zlib';
import { AppError } from '../../base/errors.ts';
import { Expander } from '../compression/compression.ts';
import { expandLz4Block } from '../compression/lz4-block.ts';
import { expandWithZlib } from '../compression/zlib-output.ts';
import { MalformedFile } from '../malformed-file.ts';

export type OrcCodec = 'none' | 'zlib' | 'snappy' | 'lz4' | 'zstd';

/** The file. */
export interface OrcInput {
  readonly size: number;
  /** Bytes that are there: the caller keeps within `size`. */
  read(offset: number, length: number): Buffer;
}

const HEAD_BYTES = 3;
/** Of a stream that is not compressed. */
const PIECE_BYTES = 256 * 1024;
/** Most bytes that one call may take. */
const MAX_TAKE_BYTES = 256 * 1024 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/** How the file's parts are compressed. */
export interface OrcCompression {
  readonly codec: OrcCodec;
  /** The most that a piece expands to. */
  readonly blockBytes: number;
}

export class OrcStream {
  readonly #input: OrcInput;
  readonly #compression: OrcCompression;
  readonly #expander = new Expander();
  #offset: number;
  readonly #end: number;
  #bytes: Buffer = NOTHING;
  #at = 0;

  constructor(input: OrcInput, offset: number, length: number, compression: OrcCompression) {
    if (offset < 0 || length < 0 || offset + length > input.size)
      throw new MalformedFile('a part of it lies outside of it');
    this.#input = input;
    this.#offset = offset;
    this.#end = offset + length;
    this.#compression = compression;
  }

  get hasMore(): boolean {
    while (this.#at === this.#bytes.length) {
      if (this.#offset === this.#end) return false;
      this.#refill();
    }
    return true;
  }

  byte(): number {
    if (this.#at === this.#bytes.length && !this.hasMore) throw cutOff();
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  /** The next bytes, which stay as they are. */
  take(count: number): Buffer {
    if (this.#bytes.length - this.#at >= count) {
      this.#at += count;
      return this.#bytes.subarray(this.#at - count, this.#at);
    }
    if (count > MAX_TAKE_BYTES) throw new MalformedFile(`a value of ${count} bytes`);
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      if (!this.hasMore) throw cutOff();
      const part = this.#bytes.subarray(this.#at, this.#at + left);
      this.#at += part.length;
      left -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** All that is left, at most `limitBytes`. */
  rest(limitBytes: number): Buffer {
    const parts: Buffer[] = [];
    let size = 0;
    while (this.hasMore) {
      const part = this.#bytes.subarray(this.#at);
      this.#at = this.#bytes.length;
      size += part.length;
      if (size > limitBytes)
        throw new MalformedFile(`a part of it has more than ${limitBytes} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  #refill(): void {
    const left = this.#end - this.#offset;
    this.#at = 0;
    if (this.#compression.codec === 'none') {
      this.#bytes = this.#read(Math.min(left, PIECE_BYTES));
      return;
    }
    if (left < HEAD_BYTES) throw cutOff();
    const head = this.#read(HEAD_BYTES).readUIntLE(0, HEAD_BYTES);
    const length = head >> 1;
    if (length > left - HEAD_BYTES) throw cutOff();
    const packed = this.#read(length);
    this.#bytes = (head & 1) === 1 ? packed : this.#expand(packed);
  }

  #read(length: number): Buffer {
    const bytes = this.#input.read(this.#offset, length);
    this.#offset += length;
    return bytes;
  }

  #expand(packed: Buffer): Buffer {
    const { codec, blockBytes } = this.#compression;
    try {
      switch (codec) {
        case 'none':
          return packed;
        case 'zlib':
          return expandWithZlib('deflate', packed, blockBytes, inflateRawSync);
        case 'zstd':
          return this.#expander.expand('zstd', packed, blockBytes);
        case 'snappy':
          return Buffer.from(this.#expander.expand('snappy', packed, blockBytes));
        case 'lz4': {
          const bytes = Buffer.allocUnsafe(blockBytes);
          const end = expandLz4Block(packed, 0, packed.length, bytes, 0, 0, blockBytes);
          if (end < 0) throw new MalformedFile('an lz4 block is damaged');
          return bytes.subarray(0, end);
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      throw new MalformedFile(thrown.message, { cause: thrown });
    }
  }
}

function cutOff(): MalformedFile {
  return new MalformedFile('a column ends before its rows do');
}
