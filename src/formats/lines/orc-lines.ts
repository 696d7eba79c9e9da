// Rows of an ORC file, which is there as a whole -> lines of JSON.
import { MalformedMessage } from '../malformed.ts';
import { MalformedFile } from '../malformed-file.ts';
import { type ColumnReader, columnReader, type StripeColumns } from '../orc/columns.ts';
import { type OrcInput, OrcStream } from '../orc/stream.ts';
import { type OrcStripe, type OrcTail, readOrcTail, readStripeFooter } from '../orc/tail.ts';
import { type ZoneOffset, zoneOffset } from '../time-text.ts';
import { LinePieces, type LinesOptions } from './line-pieces.ts';
import { rowWriter } from './value-writers.ts';
import { type WantedColumn, wantedColumns } from './wanted.ts';

const BATCH_ROWS = 1024;

/** Pieces of whole lines. Throws MalformedFile. */
export function* orcLines(input: OrcInput, options: LinesOptions): Generator<Buffer> {
  const pieces = new LinePieces(options.maxLineBytes);
  let row = 0;
  try {
    const tail = readOrcTail(input);
    const wanted = wantedColumns(tail.root.names, options.wanted);
    const zone = zoneOffset(options.timeZone);
    for (const stripe of tail.stripes) {
      const columns = openStripe(input, tail, stripe, zone, wanted);
      for (let left = stripe.rows; left > 0; ) {
        const count = Math.min(left, BATCH_ROWS);
        left -= count;
        const write = rowWriter(columns.map(({ key, read }) => ({ key, value: read(count) })));
        for (let index = 0; index < count; index += 1) {
          row += 1;
          write(index, pieces.out);
          const piece = pieces.endLine();
          if (piece !== null) yield piece;
        }
      }
    }
    if (row !== tail.rows)
      throw new MalformedFile(`it says that it has ${tail.rows} rows and has ${row}`);
    const last = pieces.rest();
    if (last !== null) yield last;
  } catch (thrown) {
    // Reads outside of buffers are the file's fault.
    if (thrown instanceof RangeError || thrown instanceof MalformedMessage)
      throw new MalformedFile(`row ${row}: ${thrown.message}`, { cause: thrown });
    throw thrown;
  }
}

interface OpenColumn {
  readonly key: string;
  readonly read: ColumnReader;
}

function openStripe(
  input: OrcInput,
  { compression, root }: OrcTail,
  stripe: OrcStripe,
  zone: ZoneOffset,
  wanted: readonly WantedColumn[],
): readonly OpenColumn[] {
  const { streams, encodings, timeZone } = readStripeFooter(input, stripe, compression);
  const places = new Map<string, { readonly offset: number; readonly bytes: number }>();
  let offset = stripe.offset;
  for (const { kind, column, bytes } of streams) {
    places.set(`${column}/${kind}`, { offset, bytes });
    offset += bytes;
  }
  const columns: StripeColumns = {
    stream: (column, kind) => {
      const place = places.get(`${column}/${kind}`);
      return place === undefined || place.bytes === 0
        ? null
        : new OrcStream(input, place.offset, place.bytes, compression);
    },
    encoding: (column) => {
      const encoding = encodings[column];
      if (encoding === undefined) throw new MalformedFile('a column without an encoding');
      return encoding;
    },
    writerZone: writerZone(timeZone),
    zone,
  };
  return wanted.map(({ index, key, form }) => {
    const type = root.children[index];
    if (type === undefined) throw new MalformedFile('a column without a type');
    return { key, read: columnReader(type, columns, key, form) };
  });
}

function writerZone(timeZone: string): ZoneOffset {
  try {
    return zoneOffset(timeZone === '' ? 'UTC' : timeZone);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new MalformedFile(`its writer was in time zone ${timeZone}, which is not known`);
  }
}
