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
import { type DecoderEntry, ID_END, MAGIC, type SchemaDecoders } from './schema-decoders.ts';

export interface FramedPackOptions {
  /** For messages: Avro, Protobuf. */
  readonly formatName: string;
  readonly decoders: SchemaDecoders;
  readonly maxMessageBytes: number;
}

/** The longest line that a message becomes: a few bytes may stand for many. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Packs batches of one job. */
export class FramedPacker implements Packer, MessageText {
  readonly #options: FramedPackOptions;
  readonly #reader = new ByteReader();
  readonly #writer = new LineWriter(MAX_LINE_BYTES);

  constructor(options: FramedPackOptions) {
    this.#options = options;
  }

  /** Must be over before the batch is packed. */
  prepare(raw: RawBatch, signal: AbortSignal): Promise<void> {
    return this.#options.decoders.prepare(raw, signal);
  }

  /** Fills `packed` from its batch and flushes it. */
  pack(packed: PackedBatch): void {
    const entries = this.#options.decoders.of(packed.raw);
    withoutStacks(() => {
      let record = 0;
      for (const { bytes, count, valueStart, valueLength, partition } of packed.raw.runs) {
        for (let index = 0; index < count; index += 1) {
          const start = valueStart[index] ?? 0;
          const length = valueLength[index] ?? 0;
          if (length <= 0) packed.addEmpty(partition);
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
    const problem = this.#decode(this.#options.decoders.of(raw), bytes, start, end);
    return problem ?? { bytes: this.#writer.bytes, start: 0, end: this.#writer.length };
  }

  lineOf(packed: PackedBatch, line: number): string | null {
    const raw = packed.rawOfLine(line);
    const entries = this.#options.decoders.of(packed.raw);
    if (this.#decode(entries, raw, 0, raw.length) !== null) return null;
    return this.#writer.bytes.toString('utf8', 0, this.#writer.length);
  }

  /** Decodes into the writer; a text says why it cannot. */
  #decode(
    entries: ReadonlyMap<number, DecoderEntry>,
    bytes: Buffer,
    start: number,
    end: number,
  ): string | null {
    const { formatName, maxMessageBytes } = this.#options;
    if (end - start > maxMessageBytes)
      return `The message is larger than the limit: ${end - start} bytes, the limit is ${maxMessageBytes}`;
    if (bytes[start] !== MAGIC)
      return `Failed to parse the message as ${formatName}: it begins with byte ${bytes[start]}, not with magic byte 0 of the schema registry's wire format`;
    if (end - start < ID_END)
      return `Failed to parse the message as ${formatName}: it has ${end - start} bytes, too few for a schema id`;
    const id = bytes.readInt32BE(start + 1);
    const entry = present(entries.get(id), 'decoder of a schema id');
    if (entry.decode === null)
      return `Failed to parse the message as ${formatName}: ${entry.reason}`;
    const reader = this.#reader;
    this.#writer.length = 0;
    reader.open(bytes, start + ID_END, end);
    try {
      entry.decode(reader, this.#writer);
      return null;
    } catch (thrown) {
      if (!(thrown instanceof MalformedMessage)) throw thrown;
      return `Failed to parse the message as ${formatName} with schema id ${id}: ${thrown.message} (at byte ${reader.at - start} of ${end - start})`;
    }
  }
}
