// What a column's values become when ALTER TABLE gives it another type that its files do not hold: the CAST of a
// query, and how a value shows that was lost on the way. Generated columns that are added are computed the same way.
import type { ColumnRewrite } from '../model/column-rewrite.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import { printIdentifier } from '../sql/print-text.ts';
import { castSql } from './cast-sql.ts';
import { generatedColumnSql } from './generated-column.ts';
import { isInteger } from './types.ts';

/** The new column out of the old one of `before`. */
export function castRewrite(
  old: ColumnSchema,
  made: ColumnSchema,
  before: readonly ColumnSchema[],
  timeZone: string,
): ColumnRewrite {
  const generated = `CAST(${printIdentifier(old.name)} AS ${printSqlType(made.type)})`;
  const { name, type } = made;
  const duckdbSql = generatedColumnSql({ name, type, generated }, before, timeZone);
  const lossSql = losesDigits(old.type, type)
    ? `${castSql(duckdbSql, type, old.type)} <> ${quoteIdentifier(old.name)}`
    : null;
  return { fieldId: made.fieldId, duckdbSql, from: old.name, lossSql };
}

/** A generated column that the table did not have, or that has another expression now. */
export function generatedRewrite(
  made: ColumnSchema,
  before: readonly ColumnSchema[],
  timeZone: string,
): ColumnRewrite {
  const duckdbSql = generatedColumnSql(made, before, timeZone);
  return { fieldId: made.fieldId, duckdbSql, from: null, lossSql: null };
}

const isExact = (type: SqlType): boolean => isInteger(type) || type.kind === 'DECIMAL';

/** Rounding is no conversion: digits that would go end the change. */
function losesDigits(from: SqlType, to: SqlType): boolean {
  return from.kind === 'DECIMAL' && isExact(to);
}
