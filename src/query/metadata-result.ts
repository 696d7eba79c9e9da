// The one row of an aggregate query that the metadata knows: count(*) of a whole table, and min and max where the
// statistics of its files are exact. No file is read for it, and no CN is asked.
import { statsOf } from '../model/column-stats.ts';
import type { ColumnSchema, DataFile } from '../model/table.ts';
import type { AggregateExpression, TypedExpression } from './expression.ts';
import type { PlannedScan } from './plan-query.ts';
import type { QueryNode } from './query-node.ts';
import { isInteger } from './types.ts';

/** The row as text, null where the query has to be run. `maxRows` is the session's limit. */
export function knownRow(
  { body, orderBy, ctes, limit }: QueryNode,
  scans: readonly PlannedScan[],
  maxRows: number | null,
): readonly (string | null)[] | null {
  if (body.kind !== 'select' || body.from?.kind !== 'scan' || scans.length !== 1) return null;
  if (ctes.length > 0 || orderBy.length > 0 || limit !== null || maxRows === 0) return null;
  const isWhole =
    body.where === null && body.groupBy === null && body.having === null && body.qualify === null;
  if (!isWhole || body.distinct) return null;
  const { placeholder, alias } = body.from;
  const scan = scans.find((one) => one.placeholder === placeholder);
  if (scan === undefined) return null;
  // Rows of one key are one row there: the files hold more, unless they are merged already.
  if (scan.schema.keysType === 'AGG_KEYS' && scan.unmerged !== true) return null;
  const row: (string | null)[] = [];
  for (const item of body.items) {
    const value = item.kind === 'aggregate' ? aggregateOf(item, scan, alias) : undefined;
    if (value === undefined) return null;
    row.push(value);
  }
  return row;
}

/** Undefined where the metadata does not know it. */
function aggregateOf(
  call: AggregateExpression,
  scan: PlannedScan,
  alias: string,
): string | null | undefined {
  if (call.distinct || call.filter !== null || call.orderBy.length > 0) return undefined;
  const [arg] = call.args;
  const column = arg === undefined ? undefined : columnOf(arg, scan, alias);
  const [name] = call.entry.names;
  switch (name) {
    case 'count':
      return isNeverNull(arg, column) && call.args.length <= 1
        ? String(scan.allFiles.reduce((sum, file) => sum + file.rowCount - file.deletedRows, 0))
        : undefined;
    case 'min':
    case 'max':
      return column === undefined ? undefined : extreme(name, scan.allFiles, column);
    default:
      return undefined;
  }
}

function columnOf(
  arg: TypedExpression,
  { schema }: PlannedScan,
  alias: string,
): ColumnSchema | undefined {
  return arg.kind === 'column' && arg.relation === alias
    ? schema.columns.find(({ name }) => name === arg.column)
    : undefined;
}

/** As count's argument: every row counts. */
function isNeverNull(arg: TypedExpression | undefined, column: ColumnSchema | undefined): boolean {
  if (arg === undefined) return true;
  return arg.kind === 'literal' ? arg.text !== null : column?.nullable === false;
}

/** Whole numbers only: their statistics are exact, and their text is what a client gets. */
function extreme(
  which: 'min' | 'max',
  files: readonly DataFile[],
  column: ColumnSchema,
): string | null | undefined {
  if (!isInteger(column.type) || column.type.kind === 'LARGEINT') return undefined;
  let found: bigint | null = null;
  for (const file of files) {
    if (file.rowCount === 0) continue;
    const stats = statsOf(file, column);
    // A deleted row may have been the smallest.
    if (stats === undefined || file.deletedRows > 0) return undefined;
    const text = stats[which];
    if (text === null && stats.nullCount === file.rowCount) continue;
    if (text === null || !/^-?\d{1,19}$/.test(text)) return undefined;
    const value = BigInt(text);
    const isBetter = found === null || (which === 'min' ? value < found : value > found);
    if (isBetter) found = value;
  }
  return found === null ? null : String(found);
}
