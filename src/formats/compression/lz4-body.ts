// lz4 bodies: frames one after the other, of which some are to be passed over, with all checksums. What a block may
// look back to, 64 KiB, stays in front of the place where the next one is written.
// SOURCE: LZ4 Frame Format Description 1.6.4.
import type { BodyReader } from './body-reader.ts';
import { corrupt } from './expand-failure.ts';
import { expandLz4Block } from './lz4-block.ts';
import { type Lz4Frame, readLz4Flags, STORED_BLOCK } from './lz4-frame.ts';
import { XxHash32 } from './xxhash32.ts';

const FRAME_MAGIC = 0x184d2204;
const LEGACY_MAGIC = 0x184c2102;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const WINDOW_BYTES = 64 * 1024;

export async function* expandLz4Body(reader: BodyReader): AsyncGenerator<Buffer> {
  let isFirst = true;
  while (isFirst || (await reader.hasMore())) {
    isFirst = false;
    const start = reader.readBytes;
    const magic = (await reader.take(4, "a frame's head")).readUInt32LE(0);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      const length = await reader.take(4, 'a frame to be passed over');
      await reader.skip(length.readUInt32LE(0), 'a frame to be passed over');
    } else if (magic === FRAME_MAGIC) yield* expandFrame(reader);
    else if (magic === LEGACY_MAGIC)
      throw corrupt(
        'lz4',
        'it is of the legacy format, which has no checksums; use lz4 without -l',
      );
    else throw corrupt('lz4', `byte ${start} does not begin an LZ4 frame`);
  }
}

async function* expandFrame(reader: BodyReader): AsyncGenerator<Buffer> {
  const frame = await readFrameHead(reader);
  const content = new XxHash32();
  let size = 0;
  // Grows with the blocks that come: a small body need not pay for the 4 MiB that its head allows.
  let output: Buffer = Buffer.allocUnsafe(
    WINDOW_BYTES + Math.min(frame.maxBlockBytes, WINDOW_BYTES),
  );
  let history = 0;
  for (;;) {
    const word = (await reader.take(4, "a block's head")).readUInt32LE(0);
    if (word === 0) break;
    const isStored = word >= STORED_BLOCK;
    const bytes = isStored ? word - STORED_BLOCK : word;
    if (bytes > frame.maxBlockBytes) throw corrupt('lz4', `a block of ${bytes} bytes`);
    const block = await reader.take(bytes, 'a block');
    if (frame.blockChecksumBytes > 0) {
      const kept = new XxHash32().add(block).value();
      const sum = await reader.take(4, "a block's checksum");
      if (sum.readUInt32LE(0) !== kept) throw corrupt('lz4', 'the checksum of a block is wrong');
    }
    const start = frame.independentBlocks ? 0 : history;
    output = roomFor(output, start, start + frame.maxBlockBytes);
    const end = isStored
      ? start + block.copy(output, start)
      : expandLz4Block(block, 0, block.length, output, 0, start, start + frame.maxBlockBytes);
    if (end < 0) throw corrupt('lz4', 'a block is damaged');
    if (frame.contentChecksumBytes > 0) content.add(output, start, end);
    size += end - start;
    yield Buffer.from(output.subarray(start, end));
    history = Math.min(end, WINDOW_BYTES);
    if (!frame.independentBlocks && end > WINDOW_BYTES) output.copyWithin(0, end - history, end);
  }
  if (frame.contentSize !== null && BigInt(size) !== frame.contentSize)
    throw corrupt('lz4', `a frame has ${size} bytes and says ${frame.contentSize}`);
  if (frame.contentChecksumBytes > 0) {
    const sum = await reader.take(4, "a frame's checksum");
    if (sum.readUInt32LE(0) !== content.value())
      throw corrupt('lz4', 'the checksum of a frame is wrong');
  }
}

function roomFor(output: Buffer, usedBytes: number, wantedBytes: number): Buffer {
  if (wantedBytes <= output.length) return output;
  const larger = Buffer.allocUnsafe(wantedBytes);
  output.copy(larger, 0, 0, usedBytes);
  return larger;
}

async function readFrameHead(
  reader: BodyReader,
): Promise<Lz4Frame & { readonly contentSize: bigint | null }> {
  const first = await reader.take(2, "a frame's head");
  const frame = readLz4Flags(first.readUInt8(0), first.readUInt8(1));
  const size = await reader.take(frame.contentSizeBytes, "a frame's head");
  const sum = await reader.take(1, "a frame's head");
  const hash = new XxHash32().add(Buffer.concat([first, size])).value();
  if (sum.readUInt8(0) !== ((hash >> 8) & 255))
    throw corrupt('lz4', "the checksum of a frame's head is wrong");
  return { ...frame, contentSize: size.length === 0 ? null : size.readBigUInt64LE(0) };
}
