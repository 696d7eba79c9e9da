// What an INSERT means for its table: which column gets what, how strict it is. Pure.

import type { InsertOutput } from '../../model/insert-plan.ts';
import { printSqlType, type SqlType } from '../../model/sql-type.ts';
import type { ColumnSchema } from '../../model/table.ts';
import type { QuerySession } from '../../query/catalog.ts';
import { generatedColumnSql } from '../../query/generated-column.ts';
import { constantDefault, rowDefault } from '../../query/insert-default.ts';
import { isCastable } from '../../query/types.ts';
import { analysisError, checkProperties, type PropertyMap } from '../properties.ts';
import { INSERT_PROPERTIES } from './properties.ts';

/** How rows that do not fit are treated. */
export interface InsertRules {
  readonly strictMode: boolean;
  readonly maxFilterRatio: number;
  readonly timeoutMs: number;
  readonly mergeCondition: string | null;
}

/** Properties of the statement over session variables. Throws SQL_ANALYZE. */
export function insertRules(
  given: PropertyMap,
  session: {
    readonly strict: boolean;
    readonly maxFilterRatio: number;
    readonly timeoutSeconds: number;
  },
): InsertRules {
  const checked = checkProperties(INSERT_PROPERTIES, given);
  const strictMode =
    checked['strict_mode'] === undefined ? session.strict : checked['strict_mode'] === 'true';
  const ratio = checked['max_filter_ratio'];
  // Without strict mode rows that do not fit are left out and the rest goes on.
  const usual = strictMode ? session.maxFilterRatio : 1;
  return {
    strictMode,
    maxFilterRatio: ratio === undefined ? usual : Number(ratio),
    timeoutMs: Number(checked['timeout'] ?? session.timeoutSeconds) * 1000,
    mergeCondition: checked['merge_condition'] ?? null,
  };
}

/**
 * The columns that the rows are for, in the rows' order: the list, or all of the table that are not computed.
 * Throws SQL_ANALYZE for unknown, repeated and generated names. SOURCE: StarRocks docs, Generated columns.
 */
export function targetColumns(
  columns: readonly ColumnSchema[],
  list: readonly string[] | null,
  tableName: string,
): readonly ColumnSchema[] {
  if (list === null) return columns.filter((column) => column.generated === undefined);
  const seen = new Set<string>();
  return list.map((name) => {
    const lower = name.toLowerCase();
    const column = columns.find((entry) => entry.name.toLowerCase() === lower);
    if (column === undefined) throw analysisError(`Unknown column '${name}' in '${tableName}'`);
    if (seen.has(lower)) throw analysisError(`Column '${name}' specified twice`);
    seen.add(lower);
    if (column.generated !== undefined) {
      throw analysisError(`materialized column '${column.name}' can not be specified.`);
    }
    return column;
  });
}

/** Throws SQL_ANALYZE when the rows have another number of columns, or a type that no cast makes the column's. */
export function checkSource(targets: readonly ColumnSchema[], types: readonly SqlType[]): void {
  checkCount(targets.length, types.length);
  for (const [index, column] of targets.entries()) {
    const type = types[index];
    if (type === undefined || isCastable(type, column.type)) continue;
    throw analysisError(
      `Cannot cast '${printSqlType(type)}' to '${printSqlType(column.type)}' for column '${column.name}'`,
    );
  }
}

/** Throws SQL_ANALYZE as StarRocks words it. */
export function checkCount(targets: number, values: number): void {
  if (targets === values) return;
  throw analysisError(
    `Inserted target column count: ${targets} doesn't match select/value column count: ${values}`,
  );
}

/**
 * What each column of the table gets, or each that the rows give where the others keep their values (`partial`).
 * Throws SQL_ANALYZE for one that must have a value and gets none.
 */
export function insertOutputs(
  columns: readonly ColumnSchema[],
  targets: readonly ColumnSchema[],
  session: Pick<QuerySession, 'nowMs' | 'timeZone'>,
  partial = false,
): readonly InsertOutput[] {
  const given = partial
    ? columns.filter((column) => column.isKey || targets.includes(column))
    : columns;
  return given.map((column): InsertOutput => {
    const index = targets.indexOf(column);
    if (index >= 0) return { column, from: { kind: 'source', index } };
    if (column.generated !== undefined) {
      const duckdbSql = generatedColumnSql(column, columns, session.timeZone);
      return { column, from: { kind: 'generated', duckdbSql } };
    }
    if (column.autoIncrement === true) return { column, from: { kind: 'constant', text: null } };
    if (column.defaultValue === null && !column.nullable) {
      throw analysisError(`'${column.name}' must be explicitly mentioned in column permutation`);
    }
    const computed = rowDefault(column);
    if (computed !== null) return { column, from: { kind: computed.kind } };
    const text = constantDefault(column, session, () => '');
    return { column, from: { kind: 'constant', text } };
  });
}
