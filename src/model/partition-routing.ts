// How the sink finds the partition of each row: plain data for the CN, and the SQL for it. Columns are named
// as in the table and have their own types where the SQL stands.
import type { PartitionId } from '../base/ids.ts';
import { quoteIdentifier, quoteLiteral } from './duckdb-text.ts';
import {
  boundType,
  compareBounds,
  type Partition,
  type PartitionBounds,
  type Partitioning,
  type PartitionKey,
  type PartitionTransform,
} from './partition.ts';
import { duckdbType, type SqlType } from './sql-type.ts';
import type { ColumnSchema } from './table.ts';

/** One column that partitions are told apart by. */
export interface RoutedColumn {
  readonly name: string;
  /** Of the bounds: the column's own, unless a function of it is what partitions hold. */
  readonly type: SqlType;
  readonly transform: PartitionTransform;
}

export type PartitionRouting =
  /** Rows go to these partitions; one that fits none is a filtered row. */
  | {
      readonly kind: 'fixed';
      readonly columns: readonly RoutedColumn[];
      readonly partitions: readonly {
        readonly id: PartitionId;
        readonly bounds: PartitionBounds;
      }[];
    }
  /** Every key has a partition, which the commit finds or makes. */
  | { readonly kind: 'automatic'; readonly columns: readonly RoutedColumn[] };

/** The columns of a table's partitioning, in its order. */
export function partitionColumns(
  { items }: Partitioning,
  columns: readonly ColumnSchema[],
): readonly (RoutedColumn & { readonly column: ColumnSchema })[] {
  return items.flatMap(({ fieldId, transform }) => {
    const column = columns.find((one) => one.fieldId === fieldId);
    return column === undefined
      ? []
      : [{ name: column.name, type: boundType(transform, column.type), transform, column }];
  });
}

/** Routing of a load into a table: to its partitions, or to those of them that the load names (`only`). */
export function routingOf(
  partitioning: Partitioning,
  columns: readonly ColumnSchema[],
  partitions: readonly Partition[],
  only: readonly Partition[] | null,
): PartitionRouting {
  const routed = partitionColumns(partitioning, columns).map(({ column: _, ...rest }) => rest);
  if (partitioning.automatic && only === null) return { kind: 'automatic', columns: routed };
  const open = only ?? partitions.filter(({ isTemporary }) => !isTemporary);
  return {
    kind: 'fixed',
    columns: routed,
    partitions: open.map(({ id, bounds }) => ({ id, bounds })),
  };
}

/** Name of the i-th column that routing adds to the rows. */
export function routeColumn(index: number): string {
  return `__part${index}`;
}

/**
 * The columns that routing adds: the partition's id (NULL: no partition), or the key's texts. `nameOf`: how the
 * SQL calls a column of the table.
 */
export function routeSqls(
  routing: PartitionRouting,
  nameOf: (name: string) => string = quoteIdentifier,
): readonly string[] {
  const columns = routing.columns.map((column) => ({ ...column, sql: boundSql(column, nameOf) }));
  return routing.kind === 'fixed' ? [fixedSql(columns, routing.partitions)] : columns.map(keySql);
}

/** What of the column compares with bounds; NULL where the function has no value. */
function boundSql({ name, transform }: RoutedColumn, nameOf: (name: string) => string): string {
  switch (transform.kind) {
    case 'from_unixtime':
      return `TRY(make_timestamp(CAST(${nameOf(name)} AS BIGINT) * ${1_000_000 / transform.perSecond}))`;
    case 'str2date':
      return `CAST(try_strptime(${nameOf(name)}, ${quoteLiteral(transform.format)}) AS DATE)`;
    default:
      return nameOf(name);
  }
}

interface NamedColumn extends RoutedColumn {
  readonly sql: string;
}

function keySql({ sql: column, type, transform }: NamedColumn): string {
  const text = (value: string): string => `CAST(CAST(${value} AS ${duckdbType(type)}) AS VARCHAR)`;
  switch (transform.kind) {
    case 'identity':
    case 'from_unixtime':
    case 'str2date':
      return text(column);
    case 'date_trunc':
      return text(`date_trunc('${transform.unit}', ${column})`);
    case 'time_slice': {
      const { count, unit } = transform;
      const [months, own] = unit === 'quarter' ? [count * 3, 'month'] : [count, unit];
      return text(
        `time_bucket(INTERVAL ${months} ${own}, CAST(${column} AS TIMESTAMP), TIMESTAMP '0001-01-01')`,
      );
    }
  }
}

function fixedSql(
  columns: readonly NamedColumn[],
  partitions: Extract<PartitionRouting, { kind: 'fixed' }>['partitions'],
): string {
  const types = columns.map(({ type }) => type);
  const ranges = partitions.flatMap(({ id, bounds }) =>
    bounds.kind === 'range' ? [{ id, lower: bounds.lower, upper: bounds.upper }] : [],
  );
  const lists = partitions.flatMap(({ id, bounds }) =>
    bounds.kind === 'list' ? [{ id, values: bounds.values }] : [],
  );
  const none = 'CAST(NULL AS BIGINT)';
  if (lists.length > 0) {
    const whens = lists.map(({ id, values }) => `WHEN ${inSql(columns, values)} THEN ${id}`);
    return `CAST(CASE ${whens.join(' ')} END AS BIGINT)`;
  }
  if (ranges.length === 0) return none;
  const sorted = ranges.toSorted((a, b) => compareBounds(types, a.lower, b.lower, 'lower'));
  return `CAST(${searchSql(columns, sorted)} AS BIGINT)`;
}

interface Range {
  readonly id: PartitionId;
  readonly lower: PartitionKey;
  readonly upper: PartitionKey;
}

/** A search by halves: each row is compared about log2(n) times. Ranges do not overlap. */
function searchSql(columns: readonly NamedColumn[], ranges: readonly Range[]): string {
  const middle = Math.floor(ranges.length / 2);
  const first = ranges[0];
  const half = ranges[middle];
  if (first === undefined || half === undefined) return 'NULL';
  if (ranges.length === 1) {
    const from = fromSql(columns, first.lower);
    const before = `NOT ${fromSql(columns, first.upper, 'upper')}`;
    return `CASE WHEN ${from} AND ${before} THEN ${first.id} END`;
  }
  const below = searchSql(columns, ranges.slice(0, middle));
  const above = searchSql(columns, ranges.slice(middle));
  return `CASE WHEN ${fromSql(columns, half.lower)} THEN ${above} ELSE ${below} END`;
}

/** Is the row at or after the bound? NULL is before every value; an open lower bound is before NULL, an open upper one after all. */
function fromSql(
  columns: readonly NamedColumn[],
  bound: PartitionKey,
  end: 'lower' | 'upper' = 'lower',
): string {
  const open = end === 'lower' ? 'true' : 'false';
  const test = (index: number): string => {
    const column = columns[index];
    const text = bound[index] ?? null;
    if (column === undefined) return 'true';
    if (text === null) return open;
    const name = column.sql;
    const value = literal(column, text);
    if (index === columns.length - 1) return `${name} >= ${value}`;
    return `(${name} > ${value} OR (${name} = ${value} AND ${test(index + 1)}))`;
  };
  return `COALESCE(${test(0)}, false)`;
}

function inSql(columns: readonly NamedColumn[], values: readonly PartitionKey[]): string {
  const [only] = columns;
  if (columns.length === 1 && only !== undefined) {
    const name = only.sql;
    const texts = values.flatMap(([text = null]) => (text === null ? [] : [literal(only, text)]));
    const tests = texts.length === 0 ? [] : [`${name} IN (${texts.join(', ')})`];
    if (values.some(([text = null]) => text === null)) tests.push(`${name} IS NULL`);
    return `(${tests.join(' OR ')})`;
  }
  const rows = values.map((key) =>
    columns
      .map((column, index) => {
        const text = key[index] ?? null;
        const name = column.sql;
        return text === null ? `${name} IS NULL` : `${name} = ${literal(column, text)}`;
      })
      .join(' AND '),
  );
  return `(${rows.map((row) => `(${row})`).join(' OR ')})`;
}

function literal({ type }: RoutedColumn, text: string): string {
  return `CAST(${quoteLiteral(text)} AS ${duckdbType(type)})`;
}
