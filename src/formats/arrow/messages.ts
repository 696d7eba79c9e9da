// The messages of an Arrow stream, or of an Arrow file, which is a stream with a frame around it. Holds one message.
// SOURCE: Apache Arrow, "IPC Streaming Format", "IPC File Format", format/Message.fbs.
import { BodyReader } from '../compression/body-reader.ts';
import { MalformedFile } from '../malformed-file.ts';
import { FlatTable } from './flat-table.ts';

const FILE_MAGIC = 'ARROW1';
const CONTINUATION = 0xffffffff;
const MAX_METADATA_BYTES = 16 * 1024 * 1024;
const INPUT_BYTES = 64 * 1024;

/** What a message holds. SOURCE: union MessageHeader. */
export const HEADER = { SCHEMA: 1, DICTIONARY: 2, RECORDS: 3 } as const;

export interface ArrowMessage {
  readonly kind: number;
  readonly header: FlatTable;
  readonly body: Buffer;
}

/** All messages. Throws MalformedFile. `maxBodyBytes`: of one message. */
export async function* arrowMessages(
  body: AsyncIterable<Uint8Array>,
  maxBodyBytes: number,
): AsyncGenerator<ArrowMessage> {
  const reader = new BodyReader(body, (detail) => new MalformedFile(detail));
  try {
    let first = await reader.take(4, 'its head');
    const isFile = first.toString('latin1') === FILE_MAGIC.slice(0, 4);
    if (isFile) {
      const rest = await reader.take(4, 'its head');
      if (rest.toString('latin1', 0, 2) !== FILE_MAGIC.slice(4))
        throw new MalformedFile('it begins neither as an Arrow file nor as an Arrow stream');
      first = await reader.take(4, 'its first message');
    }
    let size = await metadataSize(reader, first);
    while (size > 0) {
      yield await readMessage(reader, size, maxBodyBytes);
      if (!isFile && !(await reader.hasMore())) return;
      size = await metadataSize(reader, await reader.take(4, "a message's head"));
    }
    if (isFile) await checkFoot(reader);
    else if (await reader.hasMore()) throw new MalformedFile('something follows its end');
  } finally {
    await reader.close();
  }
}

async function metadataSize(reader: BodyReader, word: Buffer): Promise<number> {
  const first = word.readUInt32LE(0);
  // Streams of before Arrow 0.15 have the size alone.
  const size =
    first === CONTINUATION ? (await reader.take(4, "a message's head")).readUInt32LE(0) : first;
  if (size > MAX_METADATA_BYTES)
    throw new MalformedFile('it begins neither as an Arrow file nor as an Arrow stream');
  return size;
}

async function readMessage(
  reader: BodyReader,
  size: number,
  maxBodyBytes: number,
): Promise<ArrowMessage> {
  const metadata = await reader.take(size, 'a message');
  const { kind, header, bytes } = readMetadata(metadata);
  if (bytes < 0 || bytes > maxBodyBytes)
    throw new MalformedFile(
      `a batch has ${bytes} bytes, the limit is ${maxBodyBytes}: write smaller batches`,
    );
  return { kind, header, body: await reader.take(bytes, 'a message') };
}

function readMetadata(metadata: Buffer): { kind: number; header: FlatTable; bytes: number } {
  try {
    const message = FlatTable.root(metadata);
    const header = message.table(2);
    if (header !== null) return { kind: message.uint8(1, 0), header, bytes: message.int64(3) };
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
  }
  throw new MalformedFile('a message is damaged');
}

/** The footer tells again where the batches are; that the file ends as it should is all that is of use. */
async function checkFoot(reader: BodyReader): Promise<void> {
  let tail: Buffer = Buffer.alloc(0);
  while (await reader.hasMore())
    tail = Buffer.concat([tail, reader.some(INPUT_BYTES)]).subarray(-FILE_MAGIC.length);
  if (tail.toString('latin1') !== FILE_MAGIC) throw new MalformedFile('it ends within its footer');
}
