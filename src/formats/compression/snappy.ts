// Snappy as Kafka uses it: raw blocks (librdkafka), or the xerial framing of the Java client, told
// apart by the frame's magic. The size a block declares is checked before memory is taken for it.
import { compressSync, uncompressSync } from 'snappy';
import { corrupt, tooLarge } from './expand-failure.ts';

/** SOURCE: xerial snappy-java, SnappyCodec: magic, then int32 version and int32 compatible version. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
/** Three bytes of snappy yield 64 bytes at the most, so a larger claim is false. */
const MOST_BYTES_PER_BYTE = 22;

/** Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. */
export function expandSnappy(data: Buffer, limitBytes: number): Buffer {
  const framed =
    data.length >= XERIAL_HEADER_BYTES &&
    data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC);
  return framed ? expandXerial(data, limitBytes) : expandBlock(data, limitBytes);
}

function expandXerial(data: Buffer, limitBytes: number): Buffer {
  const parts: Buffer[] = [];
  let totalBytes = 0;
  let at = XERIAL_HEADER_BYTES;
  while (at < data.length) {
    if (at + 4 > data.length) throw corrupt('snappy', 'cut off in a block length');
    const blockBytes = data.readInt32BE(at);
    at += 4;
    if (blockBytes <= 0 || at + blockBytes > data.length)
      throw corrupt('snappy', `a block of ${blockBytes} bytes where ${data.length - at} are left`);
    const part = expandBlock(data.subarray(at, at + blockBytes), limitBytes - totalBytes);
    totalBytes += part.length;
    parts.push(part);
    at += blockBytes;
  }
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, totalBytes);
}

function expandBlock(block: Buffer, limitBytes: number): Buffer {
  const declaredBytes = readDeclaredBytes(block);
  if (declaredBytes > limitBytes) throw tooLarge('snappy', limitBytes, declaredBytes);
  if (declaredBytes > block.length * MOST_BYTES_PER_BYTE)
    throw corrupt('snappy', `${block.length} bytes cannot hold the declared ${declaredBytes}`);
  try {
    // The library refuses data whose size differs from the declared one.
    const expanded = uncompressSync(block, { asBuffer: true });
    return typeof expanded === 'string' ? Buffer.from(expanded) : expanded;
  } catch (thrown) {
    throw corrupt('snappy', thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

/** The varint at the block's head: its expanded size. */
function readDeclaredBytes(block: Buffer): number {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block[index];
    if (byte === undefined) break;
    value += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return value;
  }
  throw corrupt('snappy', 'no size at its head');
}

/** One raw block. */
export function compressSnappy(data: Buffer): Buffer {
  return compressSync(data);
}
