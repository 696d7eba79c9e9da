// AGGREGATE KEY tables: how rows of one key become one row, in DuckDB SQL. The same for queries, which merge
// whatever files there are, and for compaction, which merges some of them for good.
// SOURCE: StarRocks docs, Aggregate table and CREATE TABLE (agg_type).
import { present } from '../base/assert.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { duckdbType, type SqlType } from '../model/sql-type.ts';
import type { AggregateKind, ColumnSchema } from '../model/table.ts';
import { lowBitsSql } from './integer-sql.ts';

/** Rows of a file: below 2^32, so that file and row fit into one number. */
const ROWS_PER_FILE = 4_294_967_296;

/** Does the merged value depend on which row came last? */
export function isOrdered({ aggregate }: ColumnSchema): boolean {
  return aggregate === 'REPLACE' || aggregate === 'REPLACE_IF_NOT_NULL';
}

/**
 * A SELECT of `columns`, one row for each key, in the columns' own types. `rows` is SQL of a relation with all of
 * `keys` and `columns`, and with `__file` and `__row` (files in commit order) where a column is ordered.
 */
export function mergeSql(
  columns: readonly ColumnSchema[],
  keys: readonly ColumnSchema[],
  rows: string,
): string {
  const list = columns.map((column) => {
    const name = quoteIdentifier(column.name);
    return column.isKey ? `r.${name}` : `${valueSql(column, `r.${name}`)} AS ${name}`;
  });
  const groups = keys.map(({ name }) => `r.${quoteIdentifier(name)}`);
  return `SELECT ${list.join(', ')} FROM (${rows}) AS r GROUP BY ${groups.join(', ')}`;
}

function valueSql(column: ColumnSchema, value: string): string {
  const kind: AggregateKind = present(column.aggregate, 'how a value column is merged');
  const last = `CAST(r.__file AS BIGINT) * ${ROWS_PER_FILE} + r.__row`;
  switch (kind) {
    case 'SUM':
      return sumSql(column.type, value);
    case 'MIN':
      return `min(${value})`;
    case 'MAX':
      return `max(${value})`;
    case 'REPLACE':
      return `arg_max_null(${value}, ${last})`;
    case 'REPLACE_IF_NOT_NULL':
      return `arg_max(${value}, ${last})`;
    case 'BITMAP_UNION':
      return `mr_bitmap_union(list(${value}))`;
    case 'HLL_UNION':
      return `mr_hll_union(list(${value}))`;
    case 'PERCENTILE_UNION':
      return `mr_percentile_union(list(${value}))`;
  }
}

/**
 * Sums of integers wrap around in the column's own type. SOURCE: StarRocks, be/src/storage/column_aggregate_func.cpp:
 * plain additions of the column's type. Others that do not fit are an error.
 */
function sumSql(type: SqlType, value: string): string {
  const bits = INTEGER_BITS[type.kind];
  const [total, own] = [`sum(${value})`, duckdbType(type)];
  if (bits === undefined) return `CAST(${total} AS ${own})`;
  // Arithmetic of 128 bits is slow, and nearly all sums fit.
  return `coalesce(TRY_CAST(${total} AS ${own}), CAST(${lowBitsSql(total, bits)} AS ${own}))`;
}

const INTEGER_BITS: Readonly<Partial<Record<SqlType['kind'], bigint>>> = {
  TINYINT: 8n,
  SMALLINT: 16n,
  INT: 32n,
  BIGINT: 64n,
};
