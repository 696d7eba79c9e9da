// Messages as they are -> packed lines: `{"field":"the payload"}`, so that whole payloads share the rest of the
// path with JSON. A payload of no bytes is a row, too; a message without a value is none.
import type { FieldForm } from '../../formats/avro/decode.ts';
import { LineWriter } from '../../formats/json/line-writer.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Packer } from './packer.ts';

export interface RawPackOptions {
  /** Key of the line's one value. */
  readonly field: string;
  readonly form: FieldForm;
  readonly maxMessageBytes: number;
}

const CLOSE_OBJECT = 0x7d;
/** The longest a byte gets: `\u001f`. */
const MAX_ESCAPE_BYTES = 6;

/** Packs batches of one job. */
export class RawPacker implements Packer {
  readonly #lead: Buffer;
  readonly #isBase64: boolean;
  readonly #maxMessageBytes: number;
  readonly #writer: LineWriter;

  constructor({ field, form, maxMessageBytes }: RawPackOptions) {
    this.#lead = Buffer.from(`{${JSON.stringify(field)}:`);
    this.#isBase64 = form === 'base64';
    this.#maxMessageBytes = maxMessageBytes;
    this.#writer = new LineWriter(maxMessageBytes * MAX_ESCAPE_BYTES + 1024);
  }

  async prepare(): Promise<void> {}

  lineOf(packed: PackedBatch, line: number): string {
    const raw = packed.rawOfLine(line);
    this.#write(raw, 0, raw.length);
    return this.#writer.bytes.toString('utf8', 0, this.#writer.length);
  }

  pack(packed: PackedBatch): void {
    let record = 0;
    for (const { bytes, count, valueStart, valueLength, partition } of packed.raw.runs) {
      for (let index = 0; index < count; index += 1) {
        const start = valueStart[index] ?? 0;
        const length = valueLength[index] ?? 0;
        if (length < 0) packed.addEmpty(partition);
        else if (length > this.#maxMessageBytes) {
          const sizes = `${length} bytes, the limit is ${this.#maxMessageBytes}`;
          packed.reject(
            record,
            start,
            start + length,
            `The message is larger than the limit: ${sizes}`,
          );
        } else {
          this.#write(bytes, start, start + length);
          packed.addLine(record, this.#writer.bytes, 0, this.#writer.length);
        }
        record += 1;
      }
    }
    packed.flush();
  }

  #write(bytes: Buffer, start: number, end: number): void {
    const writer = this.#writer;
    writer.length = 0;
    writer.piece(this.#lead);
    if (this.#isBase64) writer.base64(bytes, start, end);
    else writer.utf8(bytes, start, end);
    writer.byte(CLOSE_OBJECT);
  }
}
