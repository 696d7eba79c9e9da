// Rows of an Avro object container file -> lines of JSON, so that the file shares the rest of the load path.
import { AvroContainer } from '../avro/container.ts';
import { compileAvro } from '../avro/decode.ts';
import type { AvroRecord, AvroType } from '../avro/schema.ts';
import { ByteReader } from '../byte-reader.ts';
import { MalformedMessage } from '../malformed.ts';
import { MalformedFile } from '../malformed-file.ts';
import { zoneOffset } from '../time-text.ts';
import { LinePieces, type LinesOptions } from './line-pieces.ts';
import { type WantedFields, wantedColumns } from './wanted.ts';

/** The largest block, as it comes and expanded; writers make them of 16 KiB to a few MiB. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

/** Pieces of whole lines. Throws MalformedFile. */
export async function* avroLines(
  body: AsyncIterable<Uint8Array>,
  options: LinesOptions,
): AsyncGenerator<Buffer> {
  const container = await AvroContainer.open(body, MAX_BLOCK_BYTES);
  try {
    const { type, wanted } = asWanted(container.type, options.wanted);
    const write = compileAvro(type, {
      wanted,
      zone: zoneOffset(options.timeZone),
      isOfFile: true,
    });
    if (write === null) throw new MalformedFile('its schema is no record');
    const pieces = new LinePieces(options.maxLineBytes);
    const reader = new ByteReader();
    let row = 0;
    for await (const { bytes, count } of container.blocks()) {
      reader.open(bytes, 0, bytes.length);
      for (let index = 0; index < count; index += 1) {
        row += 1;
        const before = reader.at;
        try {
          write(reader, pieces.out);
        } catch (thrown) {
          if (!(thrown instanceof MalformedMessage)) throw thrown;
          throw new MalformedFile(`row ${row}: ${thrown.message}`, { cause: thrown });
        }
        // Rows without bytes are all alike and without end.
        if (reader.at === before && count > bytes.length)
          throw new MalformedFile(`a block says that it has ${count} rows of no bytes`);
        const piece = pieces.endLine();
        if (piece !== null) yield piece;
      }
      if (reader.at !== bytes.length)
        throw new MalformedFile(`${bytes.length - reader.at} bytes follow row ${row} in its block`);
    }
    const last = pieces.rest();
    if (last !== null) yield last;
  } finally {
    await container.close();
  }
}

/** The type with its fields under the names that are wanted, and what they are wanted as. */
function asWanted(
  type: AvroType,
  wanted: WantedFields,
): { readonly type: AvroType; readonly wanted: WantedFields } {
  if (type.kind === 'union') {
    // A row of a file may be of any of several records; only the usual union with null is of use as a table.
    const records = type.branches.filter((branch) => branch.kind === 'record');
    const [only] = records;
    if (records.length !== 1 || only === undefined)
      throw new MalformedFile('its schema is no record, but a union');
    const inner = asWanted(only, wanted);
    const branches = type.branches.map((branch) => (branch === only ? inner.type : branch));
    return { type: { kind: 'union', branches }, wanted: inner.wanted };
  }
  if (type.kind !== 'record') throw new MalformedFile('its schema is no record');
  const names = type.fields.map(({ name }) => name);
  const columns = new Map(wantedColumns(names, wanted).map((column) => [column.index, column]));
  const fields = type.fields.map((field, index) => ({
    ...field,
    name: columns.get(index)?.key ?? unwanted(wanted, field.name),
  }));
  const record: AvroRecord = { ...type, fields };
  return { type: record, wanted };
}

/** A name that no field has. */
function unwanted(wanted: WantedFields, name: string): string {
  return wanted?.has(name) === true ? `${name} ` : name;
}
