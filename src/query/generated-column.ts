// Generated columns: an expression over the other columns of a row, checked at CREATE and compiled for every
// load. An expression that fails (overflow, bad argument) gives NULL, as expressions of loads do.
// SOURCE: StarRocks docs, Generated columns (rules and messages).
import { fail } from '../base/errors.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import { parseExpression } from '../sql/parse.ts';
import { castSql } from './cast-sql.ts';
import { childrenOf, type TypedExpression } from './expression.ts';
import { analyseLoadExpression, loadExpressionSql } from './load-expression.ts';
import { isString, sameRepresentation } from './types.ts';
import { findExpression, refusesTry } from './walk.ts';

type Column = Pick<ColumnSchema, 'name' | 'type' | 'autoIncrement' | 'generated'>;

/** DuckDB SQL of a generated column in its own type, over the quoted names of the columns it is made of. */
export function generatedColumnSql(
  column: Column,
  columns: readonly Column[],
  timeZone: string,
): string {
  const options = optionsOf(columns, timeZone);
  const typed = analyse(column, columns, timeZone);
  const sql = loadExpressionSql(typed, options);
  const value = castSql(refusesTry(typed) ? `(${sql})` : `TRY(${sql})`, typed.type, column.type);
  const { type } = column;
  if ((type.kind !== 'VARCHAR' && type.kind !== 'CHAR') || type.length >= textLength(typed.type)) {
    return value;
  }
  return `CASE WHEN strlen(${value}) <= ${type.length} THEN ${value} END`;
}

/** The columns that a generated column is made of, by the names in the expression's spelling of the table. */
export function generatedFrom(column: Column, columns: readonly Column[]): readonly string[] {
  const names = new Set<string>();
  collectColumns(analyse(column, columns, 'UTC'), names);
  return [...names];
}

/** @throws SQL_ANALYZE for an expression that no generated column can have, as StarRocks words it. */
export function checkGeneratedColumn(column: Column, columns: readonly Column[]): void {
  const typed = analyse(column, columns, 'UTC');
  const changing = findExpression(typed, (part) => part.kind === 'call' && changes(part.entry));
  if (changing?.kind === 'call') {
    const name = changing.entry.names[0] ?? '';
    throw refuse(`Generated Column ${column.name} can not use ${name}(): its answer changes`);
  }
  const used = new Set<string>();
  collectColumns(typed, used);
  for (const name of used) {
    const source = columns.find((other) => other.name.toLowerCase() === name.toLowerCase());
    if (source?.generated !== undefined) {
      throw refuse('Expression can not refers to other generated columns');
    }
    if (source?.autoIncrement === true) {
      throw refuse('Expression can not refers to AUTO_INCREMENT columns');
    }
  }
  if (fits(typed.type, column.type)) return;
  throw refuse(
    `Illegal expression type for Generated Column Column Type: ${printSqlType(column.type)}, Expression Type: ${printSqlType(typed.type)}`,
  );
}

function analyse(column: Column, columns: readonly Column[], timeZone: string): TypedExpression {
  const options = optionsOf(columns, timeZone);
  const names = columns.map(({ name }) => name);
  return analyseLoadExpression(parseExpression(column.generated ?? 'NULL'), names, options);
}

function optionsOf(columns: readonly Column[], timeZone: string) {
  const fieldTypes = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]));
  return { timeZone, fieldTypes };
}

function collectColumns(typed: TypedExpression, into: Set<string>): void {
  if (typed.kind === 'column') into.add(typed.column);
  for (const child of childrenOf(typed)) collectColumns(child, into);
}

/** The table of functions has an example for each whose answer depends on its arguments alone. */
function changes(entry: { readonly example: unknown; readonly constant: unknown }): boolean {
  return entry.example === null || entry.constant !== null;
}

/** As StarRocks matches types: lengths of texts and digits of decimals may differ. */
function fits(from: SqlType, to: SqlType): boolean {
  if (isString(from) && isString(to)) return true;
  return (from.kind === 'DECIMAL' && to.kind === 'DECIMAL') || sameRepresentation(from, to);
}

function textLength(type: SqlType): number {
  const isKnown = (type.kind === 'VARCHAR' || type.kind === 'CHAR') && type.length > 0;
  return isKnown ? type.length : Number.POSITIVE_INFINITY;
}

function refuse(detail: string): Error {
  return fail('SQL_ANALYZE', { detail });
}
