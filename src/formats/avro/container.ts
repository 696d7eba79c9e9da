// Avro object container files as they come: the head with its schema, then blocks of rows, each compressed by itself.
// Holds one block. SOURCE: Avro 1.12 specification, "Object Container Files".
import { crc32, inflateRawSync } from 'node:zlib';
import { AppError } from '../../base/errors.ts';
import { ByteReader } from '../byte-reader.ts';
import { BodyReader } from '../compression/body-reader.ts';
import { Expander } from '../compression/compression.ts';
import { expandBody } from '../compression/expand-body.ts';
import { expandWithZlib } from '../compression/zlib-output.ts';
import { MalformedMessage } from '../malformed.ts';
import { MalformedFile } from '../malformed-file.ts';
import { AvroSchemaProblem, type AvroType, parseAvroSchema } from './schema.ts';

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
const MAX_HEAD_BYTES = 16 * 1024 * 1024;
const MAX_HEAD_ENTRIES = 10_000;
const MAX_VARINT_BYTES = 10;
const CHECKSUM_BYTES = 4;

/** Names of codecs, as files have them. */
export const AVRO_CODECS = ['null', 'deflate', 'snappy', 'zstandard', 'bzip2'] as const;
export type AvroCodec = (typeof AVRO_CODECS)[number];

/** Rows of a file: `bytes` holds `count` of them one behind the other. Valid until the next block is read. */
export interface AvroBlock {
  readonly count: number;
  readonly bytes: Buffer;
}

export class AvroContainer {
  readonly type: AvroType;
  readonly codec: AvroCodec;
  readonly #reader: BodyReader;
  readonly #sync: Buffer;
  readonly #maxBlockBytes: number;
  readonly #expander = new Expander();

  private constructor(
    reader: BodyReader,
    head: { readonly type: AvroType; readonly codec: AvroCodec; readonly sync: Buffer },
    maxBlockBytes: number,
  ) {
    this.#reader = reader;
    this.type = head.type;
    this.codec = head.codec;
    this.#sync = head.sync;
    this.#maxBlockBytes = maxBlockBytes;
  }

  /** Reads the head. Throws MalformedFile. `maxBlockBytes`: of a block, as it comes and expanded. */
  static async open(
    body: AsyncIterable<Uint8Array>,
    maxBlockBytes: number,
  ): Promise<AvroContainer> {
    const reader = new BodyReader(body, (detail) => new MalformedFile(detail));
    if (!(await reader.take(MAGIC.length, 'its head')).equals(MAGIC))
      throw new MalformedFile('it does not begin as an Avro object container file does (Obj, 1)');
    const head = await readHead(reader);
    const sync = await reader.take(SYNC_BYTES, 'its head');
    return new AvroContainer(reader, { ...head, sync }, maxBlockBytes);
  }

  /** The blocks up to the end of the file. Throws MalformedFile. */
  async *blocks(): AsyncGenerator<AvroBlock> {
    const reader = this.#reader;
    for (let block = 0; await reader.hasMore(); block += 1) {
      const count = await readLong(reader);
      const size = await readLong(reader);
      if (count < 0 || size < 0 || size > this.#maxBlockBytes)
        throw new MalformedFile(`block ${block} says that it has ${count} rows in ${size} bytes`);
      const packed = await reader.take(size, `block ${block}`);
      const sync = await reader.take(SYNC_BYTES, `block ${block}`);
      if (!sync.equals(this.#sync))
        throw new MalformedFile(`block ${block} does not end with the mark of the file`);
      yield { count, bytes: await this.#expand(packed, block) };
    }
  }

  /** Nothing more is wanted of the body. */
  async close(): Promise<void> {
    await this.#reader.close();
  }

  async #expand(packed: Buffer, block: number): Promise<Buffer> {
    const limit = this.#maxBlockBytes;
    try {
      switch (this.codec) {
        case 'null':
          return packed;
        case 'deflate':
          return expandWithZlib('deflate', packed, limit, inflateRawSync);
        case 'zstandard':
          return this.#expander.expand('zstd', packed, limit);
        case 'snappy':
          return this.#expandSnappy(packed);
        case 'bzip2':
          return await gathered(packed, limit);
      }
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      throw new MalformedFile(`block ${block}: ${thrown.message}`, { cause: thrown });
    }
  }

  /** A raw block with the CRC-32 of what it expands to behind it. */
  #expandSnappy(packed: Buffer): Buffer {
    const end = packed.length - CHECKSUM_BYTES;
    if (end < 0) throw new MalformedFile('a snappy block without its checksum');
    const bytes = this.#expander.expand('snappy', packed.subarray(0, end), this.#maxBlockBytes);
    if (crc32(bytes) !== packed.readUInt32BE(end))
      throw new MalformedFile('the checksum of a snappy block is wrong');
    return bytes;
  }
}

async function gathered(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const limits = { maxBytes, maxRatio: Number.POSITIVE_INFINITY };
  for await (const piece of expandBody('bzip2', once(packed), limits)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readHead(reader: BodyReader): Promise<{ type: AvroType; codec: AvroCodec }> {
  const values = new Map<string, Buffer>();
  let bytes = 0;
  for (let count = await readLong(reader); count !== 0; count = await readLong(reader)) {
    // A negative count is followed by the length of the entries.
    if (count < 0) await readLong(reader);
    for (let index = 0; index < Math.abs(count); index += 1) {
      const parts: Buffer[] = [];
      for (const what of ['name', 'value']) {
        const length = await readLong(reader);
        bytes += length;
        if (length < 0 || bytes > MAX_HEAD_BYTES || values.size > MAX_HEAD_ENTRIES)
          throw new MalformedFile(`a ${what} of ${length} bytes in its head`);
        parts.push(await reader.take(length, 'its head'));
      }
      const [name, value] = parts;
      if (name !== undefined && value !== undefined) values.set(name.toString(), value);
    }
  }
  const codec = values.get('avro.codec')?.toString() ?? 'null';
  const known = AVRO_CODECS.find((name) => name === codec);
  if (known === undefined)
    throw new MalformedFile(`its codec is ${codec}, known are ${AVRO_CODECS.join(', ')}`);
  const schema = values.get('avro.schema');
  if (schema === undefined) throw new MalformedFile('its head has no avro.schema');
  try {
    return { type: parseAvroSchema(schema.toString(), []), codec: known };
  } catch (thrown) {
    if (!(thrown instanceof AvroSchemaProblem)) throw thrown;
    throw new MalformedFile(`its schema cannot be used: ${thrown.message}`, { cause: thrown });
  }
}

/** A zigzag number within the safe range. */
async function readLong(reader: BodyReader): Promise<number> {
  const bytes: number[] = [];
  do {
    if (bytes.length === MAX_VARINT_BYTES) throw new MalformedFile('a number has too many bytes');
    bytes.push((await reader.take(1, 'a number')).readUInt8(0));
  } while ((bytes.at(-1) ?? 0) >= 0x80);
  const number = new ByteReader();
  number.open(Buffer.from(bytes), 0, bytes.length);
  try {
    const value = number.zigzag();
    if (Number.isNaN(value)) throw new MalformedFile(`a number is ${number.big}`);
    return value;
  } catch (thrown) {
    if (thrown instanceof MalformedMessage) throw new MalformedFile(thrown.message);
    throw thrown;
  }
}
