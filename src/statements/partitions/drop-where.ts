// ALTER TABLE ... DROP PARTITIONS WHERE: which partitions hold nothing but rows that the condition is true for. The
// condition is a query over the values of lists, or over both ends of ranges. SOURCE: StarRocks docs, ALTER TABLE (3.5).
import type { PartitionId } from '../../base/ids.ts';
import { analysisError } from '../../loads/properties.ts';
import { addUnits, type Partition, type PartitionKey } from '../../model/partition.ts';
import { partitionColumns, type RoutedColumn, routeColumn } from '../../model/partition-routing.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { TableInfo } from '../../model/table.ts';
import { planQuery } from '../../query/plan-query.ts';
import type { Expression } from '../../sql/ast/expression.ts';
import type * as ast from '../../sql/ast/query.ts';
import { queryWithTables } from '../query.ts';
import type { StatementContext } from '../types.ts';
import { leastText } from './print.ts';

/** Ordinary partitions, or (`temporary`) the others. Throws SQL_ANALYZE for what such a condition cannot have. */
export async function partitionsWhere(
  table: TableInfo,
  condition: Expression,
  temporary: boolean,
  context: StatementContext,
): Promise<readonly PartitionId[]> {
  const { partitioning, schema, name } = table;
  if (partitioning === undefined) {
    throw analysisError(`Table ${name} is not partitioned: it is one partition of its own name`);
  }
  const columns = partitionColumns(partitioning, schema.columns);
  const ofFunction = columns.find(({ column, type }) => column.type.kind !== type.kind);
  if (ofFunction !== undefined) {
    throw analysisError(
      `DROP PARTITIONS WHERE is not possible where ranges are of a function of ${ofFunction.name}: name the partitions`,
    );
  }
  checkNames(condition, columns);
  if (partitioning.kind === 'range') checkConvex(condition, columns);
  const all = await context.services.catalog.partitions.list(table.id);
  const own = all.filter(({ isTemporary }) => isTemporary === temporary);
  const points = own.flatMap((partition, index) =>
    pointsOf(partition, columns).map((key) => ({ index, key })),
  );
  if (points.length === 0) return [];
  const nullable = columns.some(({ column }) => column.nullable);
  const passed = await pointsThatPass(condition, columns, points, context);
  const chosen = new Set(own);
  for (const [place, { index }] of points.entries()) {
    const partition = own[index];
    if (partition !== undefined && !passed.has(place)) chosen.delete(partition);
  }
  // NULL lies in the first range, and no comparison is true for it.
  const mayHoldNull = ({ bounds }: Partition): boolean =>
    nullable && bounds.kind === 'range' && bounds.lower[0] === null;
  return [...chosen].filter((one) => !mayHoldNull(one)).map(({ id }) => id);
}

/** Values that stand for all: of a list each, of a range the first and the last. */
function pointsOf(
  { bounds }: Partition,
  columns: readonly RoutedColumn[],
): readonly PartitionKey[] {
  if (bounds.kind === 'list') return bounds.values;
  const [column] = columns;
  if (column === undefined || columns.length > 1) return [];
  const [lower = null] = bounds.lower;
  const [upper = null] = bounds.upper;
  const last = upper === null ? greatestText(column.type) : lastBefore(column.type, upper);
  return [[lower ?? leastText(column.type)], [last]];
}

function lastBefore(type: SqlType, upper: string): string {
  switch (type.kind) {
    case 'DATE':
      return addUnits(type, upper, 'day', -1);
    case 'DATETIME':
      return `${addUnits(type, upper, 'second', -1)}.999999`;
    default:
      return String(BigInt(upper) - 1n);
  }
}

function greatestText(type: SqlType): string {
  if (type.kind === 'DATE') return '9999-12-31';
  if (type.kind === 'DATETIME') return '9999-12-31 23:59:59.999999';
  // The least one is -2^n.
  return String(-BigInt(leastText(type)) - 1n);
}

/** Places of the points for which the condition is true. */
async function pointsThatPass(
  condition: Expression,
  columns: readonly RoutedColumn[],
  points: readonly { readonly key: PartitionKey }[],
  context: StatementContext,
): Promise<ReadonlySet<number>> {
  const { pos } = condition;
  const rows = points.map(({ key }, place): readonly Expression[] => [
    { kind: 'integer', pos, text: String(place) },
    ...columns.map(({ type }, index): Expression => {
      const text = key[index] ?? null;
      const operand: Expression =
        text === null ? { kind: 'null', pos } : { kind: 'string', pos, value: text };
      return { kind: 'cast', pos, operand, type, tryCast: false };
    }),
  ]);
  const none = { orderBy: [], limit: null, recursive: false, ctes: [] };
  const values: ast.Query = { kind: 'query', pos, ...none, body: { kind: 'values', pos, rows } };
  const place = routeColumn(0);
  const from: ast.DerivedTable = {
    kind: 'derived_table',
    pos,
    query: values,
    alias: 'partitions',
    columnAliases: [place, ...columns.map(({ name }) => name)].map((name) => ({ name, pos })),
  };
  const expression: Expression = { kind: 'column', pos, path: [place] };
  const body: ast.Select = {
    kind: 'select',
    pos,
    hints: [],
    distinct: false,
    items: [{ kind: 'expression_item', pos, expression, alias: place, end: pos.start }],
    from,
    where: condition,
    groupBy: null,
    having: null,
    qualify: null,
  };
  const { query, context: around } = await queryWithTables(
    { kind: 'query', pos, ...none, body },
    context,
  );
  const limits = { ...around.limits, maxRows: null };
  const plan = planQuery(query, context.text, { ...around, limits });
  const found = await context.services.readRows(plan, context.signal);
  return new Set(found.map(([cell]) => Number(cell?.toString('utf8'))));
}

/** Throws SQL_ANALYZE where the condition names what is no partition column. */
function checkNames(condition: Expression, columns: readonly RoutedColumn[]): void {
  const known = new Set(columns.map(({ name }) => name.toLowerCase()));
  for (const part of partsOf(condition)) {
    if (part['kind'] === 'query') {
      throw analysisError('The WHERE of DROP PARTITIONS cannot have a subquery');
    }
    if (part['kind'] !== 'column' || !Array.isArray(part['path'])) continue;
    const name = String(part['path'].at(-1));
    if (known.has(name.toLowerCase())) continue;
    throw analysisError(
      `The WHERE of DROP PARTITIONS can only have partition columns and constants: ${name} is not one of ${[...known].join(', ')}`,
    );
  }
}

/** Both ends of a range tell for all between them only where what is true is one interval. */
function checkConvex(condition: Expression, columns: readonly RoutedColumn[]): void {
  if (columns.length > 1) {
    throw analysisError(
      'DROP PARTITIONS WHERE is not possible where ranges are of several columns: name the partitions',
    );
  }
  if (isConvex(condition)) return;
  throw analysisError(
    'The WHERE of DROP PARTITIONS of a table with range partitions takes comparisons of the partition column with constants (=, <, <=, >, >=, BETWEEN), joined by AND',
  );
}

function isConvex(condition: Expression): boolean {
  const hasColumn = (side: Expression): boolean =>
    [...partsOf(side)].some(({ kind }) => kind === 'column');
  if (condition.kind === 'between') {
    const { operand, low, high } = condition;
    const isPlain = operand.kind === 'column' && !hasColumn(low) && !hasColumn(high);
    return isPlain && !condition.negated;
  }
  if (condition.kind !== 'binary') return false;
  const { op, left, right } = condition;
  if (op === 'AND') return isConvex(left) && isConvex(right);
  if (!['=', '<', '<=', '>', '>='].includes(op)) return false;
  return (
    (left.kind === 'column' && !hasColumn(right)) || (right.kind === 'column' && !hasColumn(left))
  );
}

type Part = Readonly<Record<string, unknown>>;

/** Every node of a syntax tree. */
function* partsOf(value: unknown): Generator<Part> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Part;
  for (const child of Object.values(value)) yield* partsOf(child);
}
