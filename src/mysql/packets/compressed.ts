// The compressed protocol: `u24 length | u8 sequence | u24 length before compression | zlib data`, where a
// length before compression of 0 marks bytes that are sent as they are. What is inside is the plain packet
// stream, cut anywhere. SOURCE: MySQL source docs, "Compressed Packet".
import { promisify } from 'node:util';
import { deflate, deflateSync, inflateSync } from 'node:zlib';
import { malformed } from './payload-reader.ts';

const HEADER_BYTES = 7;
/** Shorter pieces are not worth compressing (MySQL's MIN_COMPRESS_LENGTH). */
const MIN_COMPRESS_BYTES = 50;
/** Pieces up to this size are compressed at once; larger ones off the main thread. */
const SYNC_BYTES = 4 * 1024;
/** The largest piece the header can tell. Not less: mysql-connector-python joins no more than two pieces to a packet. */
const PIECE_BYTES = 0xffffff;
/** Rows are written for speed: higher levels cost several times as much for a few percent. */
const OPTIONS = { level: 3 } as const;

const deflateAsync = promisify<Buffer, { readonly level: number }, Buffer>(deflate);

/** Collects stream data and gives what was compressed in it. Keeps at most one compressed packet (16 MB). */
export class CompressedReader {
  /** Sequence id that the answer to what came last starts with. */
  nextSequence = 0;
  readonly #onBytes: (bytes: Buffer) => void;
  #parts: Buffer[] = [];
  #haveBytes = 0;
  #needBytes = HEADER_BYTES;

  constructor(onBytes: (bytes: Buffer) => void) {
    this.#onBytes = onBytes;
  }

  /** Bytes kept of a packet that is not whole yet. */
  get pendingBytes(): number {
    return this.#haveBytes;
  }

  /** Throws MYSQL_MALFORMED_PACKET for data that is no zlib stream of the length announced; the reader is dead then. */
  push(data: Buffer): void {
    this.#parts.push(data);
    this.#haveBytes += data.length;
    if (this.#haveBytes < this.#needBytes) return;
    const buffer = Buffer.concat(this.#parts, this.#haveBytes);
    let pos = 0;
    this.#needBytes = HEADER_BYTES;
    while (buffer.length - pos >= HEADER_BYTES) {
      const end = pos + HEADER_BYTES + buffer.readUIntLE(pos, 3);
      if (end > buffer.length) {
        this.#needBytes = end - pos;
        break;
      }
      this.nextSequence = (buffer.readUInt8(pos + 3) + 1) & 0xff;
      const plainBytes = buffer.readUIntLE(pos + 4, 3);
      this.#onBytes(expand(buffer.subarray(pos + HEADER_BYTES, end), plainBytes));
      pos = end;
    }
    this.#parts = pos === buffer.length ? [] : [buffer.subarray(pos)];
    this.#haveBytes = buffer.length - pos;
  }
}

function expand(body: Buffer, plainBytes: number): Buffer {
  if (plainBytes === 0) return body;
  let plain: Buffer;
  try {
    plain = inflateSync(body, { maxOutputLength: plainBytes });
  } catch (error) {
    throw malformed('compressed data', error);
  }
  if (plain.length !== plainBytes) throw malformed('length of compressed data');
  return plain;
}

/** Bytes of the plain stream as compressed packets, plus the sequence id that comes next. */
export async function compressStream(
  bytes: Buffer,
  firstSequence: number,
): Promise<{ readonly parts: readonly Buffer[]; readonly nextSequence: number }> {
  const parts: Buffer[] = [];
  let sequence = firstSequence;
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    const plain = bytes.subarray(start, start + PIECE_BYTES);
    const body =
      plain.length <= SYNC_BYTES ? deflateIfLong(plain) : await deflateAsync(plain, OPTIONS);
    push(parts, plain, body, sequence);
    sequence = (sequence + 1) & 0xff;
  }
  return { parts, nextSequence: sequence };
}

/** The same at once, for the few bytes that end a connection. */
export function compressLast(bytes: Buffer, firstSequence: number): Buffer {
  const parts: Buffer[] = [];
  let sequence = firstSequence;
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    const plain = bytes.subarray(start, start + PIECE_BYTES);
    push(parts, plain, deflateIfLong(plain), sequence);
    sequence = (sequence + 1) & 0xff;
  }
  return Buffer.concat(parts);
}

function deflateIfLong(plain: Buffer): Buffer {
  return plain.length < MIN_COMPRESS_BYTES ? plain : deflateSync(plain, OPTIONS);
}

/** As it is where compressing does not make it smaller. */
function push(parts: Buffer[], plain: Buffer, body: Buffer, sequence: number): void {
  const smaller = body.length < plain.length;
  const sent = smaller ? body : plain;
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUIntLE(sent.length, 0, 3);
  header.writeUInt8(sequence, 3);
  header.writeUIntLE(smaller ? plain.length : 0, 4, 3);
  parts.push(header, sent);
}
