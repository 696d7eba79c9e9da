// Snappy as Kafka uses it: raw blocks (librdkafka), or the xerial framing of the Java client, told
// apart by the frame's magic. The size a block declares is checked before memory is taken for it.
import { compressSync } from 'snappy';
import { corrupt, tooLarge } from './expand-failure.ts';
import type { OutputBuffer } from './output-buffer.ts';
import { expandSnappyElements } from './snappy-block.ts';

/** SOURCE: xerial snappy-java, SnappyCodec: magic, then int32 version and int32 compatible version. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
/** Three bytes of snappy yield 64 bytes at the most, so a larger claim is false. */
const MOST_BYTES_PER_BYTE = 22;
const SIZE_BYTES_MAX = 5;

/** The result is a view into `out`. Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. */
export function expandSnappy(data: Buffer, limitBytes: number, out: OutputBuffer): Buffer {
  const framed =
    data.length >= XERIAL_HEADER_BYTES &&
    data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC);
  const size = framed
    ? expandXerial(data, limitBytes, out)
    : expandBlock(data, 0, data.length, limitBytes, out, 0);
  return out.bytes.subarray(0, size);
}

function expandXerial(data: Buffer, limitBytes: number, out: OutputBuffer): number {
  let size = 0;
  let at = XERIAL_HEADER_BYTES;
  while (at < data.length) {
    if (at + 4 > data.length) throw corrupt('snappy', 'cut off in a block length');
    const blockBytes = data.readInt32BE(at);
    at += 4;
    if (blockBytes <= 0 || at + blockBytes > data.length)
      throw corrupt('snappy', `a block of ${blockBytes} bytes where ${data.length - at} are left`);
    size = expandBlock(data, at, at + blockBytes, limitBytes, out, size);
    at += blockBytes;
  }
  return size;
}

/** Appends one raw block behind the first `size` bytes; returns the new size. */
function expandBlock(
  data: Buffer,
  from: number,
  end: number,
  limitBytes: number,
  out: OutputBuffer,
  size: number,
): number {
  let declaredBytes = 0;
  let at = from;
  for (let factor = 1; ; factor *= 128) {
    const byte = data[at];
    if (byte === undefined || at >= end || at - from >= SIZE_BYTES_MAX)
      throw corrupt('snappy', 'a block has no size at its head');
    at += 1;
    declaredBytes += (byte & 127) * factor;
    if (byte < 128) break;
  }
  if (declaredBytes > (end - at) * MOST_BYTES_PER_BYTE)
    throw corrupt('snappy', `${end - at} bytes cannot hold the declared ${declaredBytes}`);
  const newSize = size + declaredBytes;
  if (newSize > limitBytes) throw tooLarge('snappy', limitBytes, newSize);
  out.reserve(newSize, size);
  if (!expandSnappyElements(data, at, end, out.bytes, size, newSize))
    throw corrupt('snappy', 'a block is damaged');
  return newSize;
}

/** One raw block. */
export function compressSnappy(data: Buffer): Buffer {
  return compressSync(data);
}
