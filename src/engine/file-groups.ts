// The row groups of a data file, with the least and greatest value of its whole-number columns: what tells
// which part of a file may hold a row. Files never change, so it is read once.
import { quoteLiteral } from '../model/duckdb-text.ts';
import type { LookUpComparison } from '../model/query-plan.ts';
import type { Connection, StatementOptions } from './connection.ts';

export interface RowGroup {
  /** Ordinal of its first row in the file. */
  readonly firstRow: number;
  readonly rowCount: number;
  /** By field id; a column that is not in it may hold anything. */
  readonly ranges: ReadonlyMap<number, { readonly min: bigint; readonly max: bigint }>;
}

/** Reads the footer of a file. Throws as its reading does (ENGINE). */
export async function readRowGroups(
  connection: Connection,
  path: string,
  limits: StatementOptions,
): Promise<readonly RowGroup[]> {
  const file = quoteLiteral(path);
  const schema = await connection.rows(
    `SELECT field_id, num_children FROM parquet_schema(${file})`,
    limits,
  );
  // In the order of the file: what has no children is a column, counted from 0.
  const leaves = schema.filter(([, children]) => children === null || Number(children) === 0);
  const fieldIds = leaves.map(([fieldId]) => (fieldId === null ? null : Number(fieldId)));
  // Only whole numbers as Parquet stores them: the statistics of a text "10" look the same.
  const chunks = await connection.rows(
    `SELECT row_group_id, row_group_num_rows, column_id, type IN ('INT32', 'INT64'), stats_min_value, stats_max_value
       FROM parquet_metadata(${file}) ORDER BY row_group_id, column_id`,
    limits,
  );
  const groups: { firstRow: number; rowCount: number; ranges: RowGroup['ranges'] }[] = [];
  let ranges = new Map<number, { min: bigint; max: bigint }>();
  let firstRow = 0;
  for (const [group, rowCount, column, isNumber, min, max] of chunks) {
    if (Number(group) === groups.length) {
      ranges = new Map();
      groups.push({ firstRow, rowCount: Number(rowCount), ranges });
      firstRow += Number(rowCount);
    }
    const fieldId = fieldIds[Number(column)] ?? null;
    if (fieldId === null || isNumber !== true || !isInteger(min) || !isInteger(max)) continue;
    ranges.set(fieldId, { min: BigInt(min), max: BigInt(max) });
  }
  return groups;
}

function isInteger(text: unknown): text is string {
  return typeof text === 'string' && /^-?\d{1,19}$/.test(text);
}

/** False only where no row of the group passes the comparison. */
export function groupMayHold(
  group: RowGroup,
  fieldId: number,
  { op, value }: LookUpComparison,
): boolean {
  const range = group.ranges.get(fieldId);
  if (range === undefined) return true;
  switch (op) {
    case '=':
      return range.min <= value && value <= range.max;
    case '<':
      return range.min < value;
    case '<=':
      return range.min <= value;
    case '>':
      return range.max > value;
    case '>=':
      return range.max >= value;
  }
}
