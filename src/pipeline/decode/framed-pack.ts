// Messages in Confluent's wire format (a magic byte, a schema id, then Avro or Protobuf) -> packed lines: each
// becomes the JSON object that its schema makes of it, so that these formats share the rest of the path
// with JSON. What cannot be decoded is rejected with its bytes.
import { present } from '../../base/assert.ts';
import { ByteReader } from '../../formats/byte-reader.ts';
import { LineWriter } from '../../formats/json/line-writer.ts';
import { MalformedMessage, withoutStacks } from '../../formats/malformed.ts';
import type { RawBatch } from '../types.ts';
import type { MessageText } from './envelope-pack.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Packer } from './packer.ts';
import {
  type DecoderEntry,
  ID_END,
  type LineDecoder,
  MAGIC,
  type SchemaDecoders,
} from './schema-decoders.ts';

export interface FramedPackOptions {
  /** For messages: Avro, Protobuf. */
  readonly formatName: string;
  /** Null: messages have no schema id, `fixed` is the decoder of all. */
  readonly decoders: SchemaDecoders | null;
  readonly fixed?: LineDecoder;
  readonly maxMessageBytes: number;
}

/** The longest line that a message becomes: a few bytes may stand for many. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

const NO_ENTRIES: ReadonlyMap<number, DecoderEntry> = new Map();

/** Packs batches of one job. */
export class FramedPacker implements Packer, MessageText {
  readonly #options: FramedPackOptions;
  readonly #reader = new ByteReader();
  readonly #writer = new LineWriter(MAX_LINE_BYTES);

  constructor(options: FramedPackOptions) {
    this.#options = options;
  }

  /** Must be over before the batch is packed. */
  async prepare(raw: RawBatch, signal: AbortSignal): Promise<void> {
    await this.#options.decoders?.prepare(raw, signal);
  }

  /** Fills `packed` from its batch and flushes it. */
  pack(packed: PackedBatch): void {
    const entries = this.#entriesOf(packed.raw);
    const { fixed } = this.#options;
    withoutStacks(() => {
      let record = 0;
      for (const { bytes, count, valueStart, valueLength, partition } of packed.raw.runs) {
        for (let index = 0; index < count; index += 1) {
          const start = valueStart[index] ?? 0;
          const length = valueLength[index] ?? 0;
          // Without a schema id a message of no bytes is one, with nothing but defaults.
          if (length < 0 || (length === 0 && fixed === undefined)) packed.addEmpty(partition);
          else {
            const end = start + length;
            const problem = this.#decode(entries, bytes, start, end);
            if (problem === null)
              packed.addLine(record, this.#writer.bytes, 0, this.#writer.length);
            else packed.reject(record, start, end, problem);
          }
          record += 1;
        }
      }
    });
    packed.flush();
  }

  textOf(
    raw: RawBatch,
    bytes: Buffer,
    start: number,
    end: number,
  ): ReturnType<MessageText['textOf']> {
    const problem = this.#decode(this.#entriesOf(raw), bytes, start, end);
    return problem ?? { bytes: this.#writer.bytes, start: 0, end: this.#writer.length };
  }

  lineOf(packed: PackedBatch, line: number): string | null {
    const raw = packed.rawOfLine(line);
    const entries = this.#entriesOf(packed.raw);
    if (this.#decode(entries, raw, 0, raw.length) !== null) return null;
    return this.#writer.bytes.toString('utf8', 0, this.#writer.length);
  }

  #entriesOf(raw: RawBatch): ReadonlyMap<number, DecoderEntry> {
    return this.#options.decoders?.of(raw) ?? NO_ENTRIES;
  }

  /** Decodes into the writer; a text says why it cannot. */
  #decode(
    entries: ReadonlyMap<number, DecoderEntry>,
    bytes: Buffer,
    start: number,
    end: number,
  ): string | null {
    const { formatName, maxMessageBytes, fixed } = this.#options;
    if (end - start > maxMessageBytes)
      return `The message is larger than the limit: ${end - start} bytes, the limit is ${maxMessageBytes}`;
    if (fixed !== undefined) return this.#run(fixed, bytes, start, start, end, '');
    if (bytes[start] !== MAGIC)
      return `Failed to parse the message as ${formatName}: it begins with byte ${bytes[start]}, not with magic byte 0 of the schema registry's wire format`;
    if (end - start < ID_END)
      return `Failed to parse the message as ${formatName}: it has ${end - start} bytes, too few for a schema id`;
    const id = bytes.readInt32BE(start + 1);
    const entry = present(entries.get(id), 'decoder of a schema id');
    if (entry.decode === null)
      return `Failed to parse the message as ${formatName}: ${entry.reason}`;
    return this.#run(entry.decode, bytes, start, start + ID_END, end, ` with schema id ${id}`);
  }

  #run(
    decode: LineDecoder,
    bytes: Buffer,
    start: number,
    bodyStart: number,
    end: number,
    what: string,
  ): string | null {
    const reader = this.#reader;
    this.#writer.length = 0;
    reader.open(bytes, bodyStart, end);
    try {
      decode(reader, this.#writer);
      return null;
    } catch (thrown) {
      if (!(thrown instanceof MalformedMessage)) throw thrown;
      const place = `at byte ${reader.at - start} of ${end - start}`;
      return `Failed to parse the message as ${this.#options.formatName}${what}: ${thrown.message} (${place})`;
    }
  }
}
