// How a scan leaves out rows that are deleted, given one bit per row of each file. Few bits become constants of the
// statement, chosen by file: no join, and the rows that a top-N still needs are known to the files. More bits, and
// scans that tell where rows lie, go through a table of bitmaps.
import type { Connection } from './connection.ts';

/** Bitmap of a file's rows: bit r, from the highest of byte 0 on, is 1 where row r is deleted. */
export interface FileBitmap {
  /** The file's number in its read_parquet. */
  readonly file: number;
  readonly bits: Uint8Array;
}

/** Rows per constant: the engine copies a constant for every 2048 rows, so that it must not be long. */
const CONSTANT_ROWS = 1_048_576;
/** Constants are written out wherever the engine shows a plan, and each is a statement: beyond these, the table. */
const MAX_CONSTANTS = 64;
const MAX_CONSTANT_BYTES = 4 * 1024 * 1024;

/** Of a read_parquet named `f`: what to join it with ('' = nothing), and the condition for rows that are there. */
export interface LiveRows {
  readonly joinSql: string;
  readonly conditionSql: string;
}

/**
 * Puts the bitmaps (one at least, in the order of their files, and no other file in the scan) where statements on
 * `connection` find them, under names that begin with `name`. `form`: 'table' where the plan will be written out.
 */
export async function liveRows(
  connection: Connection,
  name: string,
  bitmaps: readonly FileBitmap[],
  form: 'fastest' | 'table' = 'fastest',
): Promise<LiveRows> {
  const parts = bitmaps.flatMap(partsOf);
  const bytes = bitmaps.reduce((sum, { bits }) => sum + bits.byteLength, 0);
  const constants = parts.filter((part) => part.bits !== null);
  const areMany = constants.length > MAX_CONSTANTS || bytes > MAX_CONSTANT_BYTES;
  if (areMany || form === 'table') {
    await connection.fillBitmapTable(name, bitmaps);
    return {
      joinSql: ` JOIN ${name} d ON f.file_index = d.file`,
      conditionSql: 'get_bit(d.bits, CAST(f.file_row_number AS INTEGER)) = 0',
    };
  }
  const named: NamedPart[] = [];
  for (const { file, firstRow, bits } of parts) {
    const variable = bits === null ? null : `${name}_${file}_${firstRow}`;
    if (bits !== null && variable !== null) await connection.setBitmap(variable, bits);
    named.push({ file, firstRow, variable });
  }
  return { joinSql: '', conditionSql: `${chooseSql(named)} = 0` };
}

/** Rows of a file from `firstRow` to the next part's; null = none of them is deleted. */
interface Part {
  readonly file: number;
  readonly firstRow: number;
  readonly bits: Uint8Array | null;
}

interface NamedPart extends Pick<Part, 'file' | 'firstRow'> {
  readonly variable: string | null;
}

function partsOf({ file, bits }: FileBitmap): readonly Part[] {
  const parts: Part[] = [];
  for (let from = 0; from < bits.byteLength; from += CONSTANT_ROWS / 8) {
    const own = bits.subarray(from, from + CONSTANT_ROWS / 8);
    parts.push({ file, firstRow: from * 8, bits: own.some((byte) => byte !== 0) ? own : null });
  }
  return parts;
}

/** Halves the parts until one is left: a tree of comparisons, by file and then by row. */
function chooseSql(parts: readonly NamedPart[]): string {
  const half = parts.length >> 1;
  const first = parts[0];
  const middle = parts[half];
  if (first === undefined || middle === undefined) return '0';
  if (half === 0) return bitSql(first);
  const before = parts[half - 1];
  // Only where a file's own parts are apart does the row decide; a file is cut from the others first.
  const isOneFile = first.file === parts.at(-1)?.file;
  const cut = isOneFile || before?.file !== middle.file ? half : startOfFile(parts, half);
  const at = parts[cut];
  if (at === undefined) return '0';
  const key = isOneFile ? `f.file_row_number < ${at.firstRow}` : `f.file_index < ${at.file}`;
  return `CASE WHEN ${key} THEN ${chooseSql(parts.slice(0, cut))} ELSE ${chooseSql(parts.slice(cut))} END`;
}

/** Where the parts of the file in the middle begin, or, where those are the first ones, end. */
function startOfFile(parts: readonly NamedPart[], middle: number): number {
  const file = parts[middle]?.file;
  const start = parts.findIndex((part) => part.file === file);
  return start > 0 ? start : parts.findLastIndex((part) => part.file === file) + 1;
}

function bitSql({ firstRow, variable }: NamedPart): string {
  if (variable === null) return '0';
  const row = firstRow === 0 ? 'f.file_row_number' : `f.file_row_number - ${firstRow}`;
  return `get_bit(getvariable('${variable}'), CAST(${row} AS INTEGER))`;
}
