// What the head of an LZ4 frame says of the frame. SOURCE: LZ4 Frame Format Description 1.6.4.
import { corrupt } from './expand-failure.ts';

const FLAG = {
  VERSION_MASK: 0xc0,
  VERSION: 0x40,
  INDEPENDENT_BLOCKS: 0x20,
  BLOCK_CHECKSUM: 0x10,
  CONTENT_SIZE: 0x08,
  CONTENT_CHECKSUM: 0x04,
  DICTIONARY: 0x01,
} as const;
/** Top bit of a block's size word: the block is not compressed. */
export const STORED_BLOCK = 0x80000000;

export interface Lz4Frame {
  readonly independentBlocks: boolean;
  readonly blockChecksumBytes: number;
  readonly contentChecksumBytes: number;
  readonly contentSizeBytes: number;
  readonly maxBlockBytes: number;
}

/** Of the two bytes behind the magic. Throws COMPRESSED_DATA_CORRUPT. */
export function readLz4Flags(flags: number, blockCode: number): Lz4Frame {
  if ((flags & FLAG.VERSION_MASK) !== FLAG.VERSION) throw corrupt('lz4', 'unknown frame version');
  if ((flags & FLAG.DICTIONARY) !== 0) throw corrupt('lz4', 'it needs a dictionary');
  const sizeCode = (blockCode >> 4) & 7;
  if (sizeCode < 4) throw corrupt('lz4', `unknown block size ${sizeCode}`);
  return {
    independentBlocks: (flags & FLAG.INDEPENDENT_BLOCKS) !== 0,
    blockChecksumBytes: (flags & FLAG.BLOCK_CHECKSUM) === 0 ? 0 : 4,
    contentChecksumBytes: (flags & FLAG.CONTENT_CHECKSUM) === 0 ? 0 : 4,
    contentSizeBytes: (flags & FLAG.CONTENT_SIZE) === 0 ? 0 : 8,
    maxBlockBytes: 1 << (8 + 2 * sizeCode),
  };
}
