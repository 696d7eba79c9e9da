// One door to the four compression formats. Expanding always has a hard limit on the expanded size
// and never trusts a size that the data itself declares.
import { compressGzip, expandGzip } from './gzip.ts';
import { compressLz4, expandLz4 } from './lz4.ts';
import { OutputBuffer } from './output-buffer.ts';
import { compressSnappy, expandSnappy } from './snappy.ts';
import { compressZstd, expandZstd } from './zstd.ts';

export type CompressionFormat = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Expands, using its memory again: a result is valid only until the next call. */
export class Expander {
  readonly #out = new OutputBuffer();

  /**
   * The expanded bytes, at most `limitBytes` of them. Throws LIMIT_EXCEEDED (user) when there are more,
   * COMPRESSED_DATA_CORRUPT (user) when the data does not expand. lz4 is the frame format, snappy is
   * either raw or xerial-framed.
   */
  expand(format: CompressionFormat, data: Buffer, limitBytes: number): Buffer {
    this.#out.begin();
    switch (format) {
      case 'gzip':
        return expandGzip(data, limitBytes);
      case 'snappy':
        return expandSnappy(data, limitBytes, this.#out);
      case 'lz4':
        return expandLz4(data, limitBytes, this.#out);
      case 'zstd':
        return expandZstd(data, limitBytes);
    }
  }
}

/** `Expander.expand` once, with memory of its own: the result stays valid. */
export function expand(format: CompressionFormat, data: Buffer, limitBytes: number): Buffer {
  return new Expander().expand(format, data, limitBytes);
}

/** The compressed bytes: lz4 as a frame, snappy raw (not xerial-framed). */
export function compress(format: CompressionFormat, data: Buffer): Buffer {
  switch (format) {
    case 'gzip':
      return compressGzip(data);
    case 'snappy':
      return compressSnappy(data);
    case 'lz4':
      return compressLz4(data);
    case 'zstd':
      return compressZstd(data);
  }
}
