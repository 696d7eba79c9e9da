// Rows of an Arrow stream or file -> lines of JSON.
import { BatchBuffers } from '../arrow/batch.ts';
import { type ArrowColumn, arrowColumn, type ColumnOptions } from '../arrow/columns.ts';
import { type ArrowMessage, arrowMessages, HEADER } from '../arrow/messages.ts';
import { type ArrowField, readArrowSchema } from '../arrow/schema.ts';
import { MalformedMessage } from '../malformed.ts';
import { MalformedFile } from '../malformed-file.ts';
import { zoneOffset } from '../time-text.ts';
import { LinePieces, type LinesOptions } from './line-pieces.ts';
import { rowWriter, type ValueWriter } from './value-writers.ts';
import { type WantedColumn, wantedColumns } from './wanted.ts';

/** The largest batch, as it comes and expanded: it is held whole. */
const MAX_BATCH_BYTES = 128 * 1024 * 1024;
const MAX_DICTIONARY_PARTS = 10_000;
const MAX_DICTIONARY_BYTES = 128 * 1024 * 1024;

/** Pieces of whole lines. Throws MalformedFile. */
export async function* arrowLines(
  body: AsyncIterable<Uint8Array>,
  options: LinesOptions,
): AsyncGenerator<Buffer> {
  const pieces = new LinePieces(options.maxLineBytes);
  let reader: RecordReader | null = null;
  let row = 0;
  for await (const message of arrowMessages(body, MAX_BATCH_BYTES)) {
    if (message.kind === HEADER.SCHEMA) {
      if (reader !== null) throw new MalformedFile('it has a second schema');
      reader = checked(row, () => new RecordReader(readArrowSchema(message.header), options));
      continue;
    }
    const records = reader;
    if (records === null) throw new MalformedFile('it does not begin with a schema');
    if (message.kind === HEADER.DICTIONARY) checked(row, () => records.dictionary(message));
    if (message.kind !== HEADER.RECORDS) continue;
    const { rows, write } = checked(row, () => records.batch(message));
    for (let index = 0; index < rows; index += 1) {
      row += 1;
      checked(row, () => write(index, pieces.out));
      const piece = pieces.endLine();
      if (piece !== null) yield piece;
    }
  }
  if (reader === null) throw new MalformedFile('it has no schema');
  const last = pieces.rest();
  if (last !== null) yield last;
}

/** Reads outside of buffers are the file's fault. */
function checked<T>(row: number, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof RangeError || thrown instanceof MalformedMessage)
      throw new MalformedFile(`row ${row}: ${thrown.message}`, { cause: thrown });
    throw thrown;
  }
}

/** Values of a dictionary that came in one message. */
interface DictionaryPart {
  readonly count: number;
  readonly text: ValueWriter;
  readonly base64: ValueWriter;
}

class RecordReader {
  readonly #fields: readonly ArrowField[];
  readonly #wanted: ReadonlyMap<number, WantedColumn>;
  readonly #options: Omit<ColumnOptions, 'form'>;
  readonly #dictionaryFields = new Map<number, ArrowField>();
  readonly #dictionaries = new Map<number, DictionaryPart[]>();
  #dictionaryBytes = 0;

  constructor(fields: readonly ArrowField[], { wanted, timeZone }: LinesOptions) {
    this.#fields = fields;
    const columns = wantedColumns(
      fields.map(({ name }) => name),
      wanted,
    );
    this.#wanted = new Map(columns.map((column) => [column.index, column]));
    this.#options = {
      zone: zoneOffset(timeZone),
      dictionaries: { get: (id, isBase64) => this.#dictionaryOf(id, isBase64) },
    };
    this.#noteDictionaries(fields);
  }

  #noteDictionaries(fields: readonly ArrowField[]): void {
    for (const field of fields) {
      if (field.dictionary !== null)
        this.#dictionaryFields.set(field.dictionary.id, { ...field, dictionary: null });
      this.#noteDictionaries(field.children);
    }
  }

  /** A dictionary, or more of one that is known. */
  dictionary({ header, body }: ArrowMessage): void {
    const id = header.int64(0);
    const field = this.#dictionaryFields.get(id);
    const data = header.table(1);
    if (field === undefined || data === null)
      throw new MalformedFile(`a dictionary ${id} that no field has`);
    this.#dictionaryBytes += body.length;
    if (this.#dictionaryBytes > MAX_DICTIONARY_BYTES)
      throw new MalformedFile(`its dictionaries have more than ${MAX_DICTIONARY_BYTES} bytes`);
    const read = (isBase64: boolean): ArrowColumn => {
      const batch = new BatchBuffers(data, body, MAX_BATCH_BYTES);
      return arrowColumn(field, batch, {
        ...this.#options,
        form: isBase64 ? 'base64' : 'json',
      });
    };
    const isMore = header.uint8(2, 0) !== 0;
    const before = isMore ? (this.#dictionaries.get(id) ?? []) : [];
    if (before.length >= MAX_DICTIONARY_PARTS)
      throw new MalformedFile(`its dictionary ${id} has more than ${MAX_DICTIONARY_PARTS} parts`);
    const column = read(false);
    this.#dictionaries.set(id, [
      ...before,
      { count: column.count, text: column.value, base64: read(true).value },
    ]);
  }

  #dictionaryOf(id: number, isBase64: boolean): ArrowColumn {
    const parts = this.#dictionaries
      .get(id)
      ?.map(({ count, text, base64 }) => ({ count, value: isBase64 ? base64 : text }));
    const [first] = parts ?? [];
    if (parts === undefined || first === undefined)
      throw new MalformedFile(`its dictionary ${id} has not come`);
    if (parts.length === 1) return first;
    return {
      count: parts.reduce((sum, { count }) => sum + count, 0),
      value: (row, out) => {
        let place = row;
        for (const { count, value } of parts) {
          if (place < count) {
            value(place, out);
            return;
          }
          place -= count;
        }
        throw new MalformedFile(`value ${row} of dictionary ${id}`);
      },
    };
  }

  batch({ header, body }: ArrowMessage): { readonly rows: number; readonly write: ValueWriter } {
    const batch = new BatchBuffers(header, body, MAX_BATCH_BYTES);
    const columns = this.#fields.flatMap((field, index) => {
      const wanted = this.#wanted.get(index);
      if (wanted === undefined) {
        batch.skip(field);
        return [];
      }
      const { count, value } = arrowColumn(field, batch, {
        ...this.#options,
        form: wanted.form,
      });
      if (count < batch.rows)
        throw new MalformedFile(`a column has ${count} of ${batch.rows} rows of its batch`);
      return [{ key: wanted.key, value }];
    });
    return { rows: batch.rows, write: rowWriter(columns) };
  }
}
