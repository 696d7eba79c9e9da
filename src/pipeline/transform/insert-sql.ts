// InsertPlan -> ONE DuckDB COPY statement: converts each part's columns as CAST does, keeps what fits the
// table, and tells `insert_reject` about every other row. Must never let a row disappear: a row is
// written, or insert_reject was called for it.
import { present } from '../../base/assert.ts';
import { REJECT_FUNCTION } from '../../engine/reject-function.ts';
import { quoteIdentifier, quoteLiteral } from '../../model/duckdb-text.ts';
import type { InsertOutput, InsertPart, InsertPlan } from '../../model/insert-plan.ts';
import { parquetCopyOptions, storeExpression } from '../../model/parquet-layout.ts';
import { duckdbType, type SqlType, STRING_LENGTH } from '../../model/sql-type.ts';
import type { TableSchema } from '../../model/table.ts';
import { castSql } from '../../query/cast-sql.ts';
import { quoteString } from '../../query/literal.ts';
import { textSql } from '../../query/render.ts';
import { implicitCastCost, isInteger, isString, sameRepresentation } from '../../query/types.ts';
import { OWN_FILE } from './compile-sql.ts';

/** Why a row is not written, packed into one integer: kind + 4 * output index. */
export const REJECT_CODE = {
  /** Strict mode: the value is there but does not convert. */
  strict: 0,
  /** NULL, or a value that became NULL, for a NOT NULL column. */
  nullValue: 1,
  tooLong: 2,
} as const;

/** How many of an integer type's casts to a wider one cost: see implicitCastCost. */
const WIDENING_COST = 10;
const STRING: SqlType = { kind: 'VARCHAR', length: STRING_LENGTH };

/** The target's columns in file order, as the plan names them. */
export function insertSchema(plan: InsertPlan): TableSchema {
  return { keysType: 'DUP_KEYS', columns: plan.outputs.map((output) => output.column) };
}

/** Name of the temporary table that holds a part's constant rows. */
export function rowsTable(partIndex: number): string {
  return `__rows${partIndex}`;
}

/** The COPY statement; its one result row are the Parquet statistics. `withClause` puts the scans in scope. */
export function insertCopySql(
  plan: InsertPlan,
  target: { readonly withClause: string; readonly outputPath: string; readonly slot: number },
): string {
  const list = plan.outputs.map(
    ({ column }, index) =>
      `${storeExpression(column.type, `v${index}`)} AS ${quoteIdentifier(column.name)}`,
  );
  const parts = plan.parts.map((part, index) => partSql(plan, part, index, target.slot));
  const rows = parts.length === 1 ? present(parts[0], 'part') : parts.join('\nUNION ALL\n');
  const options = parquetCopyOptions(insertSchema(plan));
  return `COPY (${target.withClause}SELECT ${list.join(', ')} FROM (${rows})) TO ${quoteLiteral(target.outputPath)} (${options}, ${OWN_FILE})`;
}

/** What the conversion of rows needs of a plan. */
export type ConversionPlan = Pick<InsertPlan, 'outputs' | 'strictMode'>;

/** The good rows of a part as v0, v1, ... in the columns' own types, and the source columns `carried` as they are. */
export function partSql(
  plan: ConversionPlan,
  part: InsertPart,
  partIndex: number,
  slot: number,
  carried: readonly string[] = [],
): string {
  const outputs = plan.outputs.map((output) => outputSql(output, part));
  const values = outputs.map(({ value }, index) => `${value} AS v${index}`);
  const checks = outputs.flatMap((output, index) => checksOf(plan, output, index));
  const columns = [...outputs.map((_, index) => `v${index}`), ...carried].join(', ');
  const from = part.kind === 'query' ? `(\n${part.duckdbSql}\n)` : rowsSql(part.types, partIndex);
  if (checks.length === 0) return `SELECT ${[...values, ...carried].join(', ')} FROM ${from} AS q`;
  const sources = part.types.map((_, index) => `c${index}`);
  const whens = checks.map(({ bad, code }) => `WHEN ${bad} THEN ${code}`);
  const good = checks.map(({ bad }) => `(${bad}) IS NOT TRUE`).join(' AND ');
  const reject = `${REJECT_FUNCTION}(${slot}, CASE ${whens.join(' ')} END, ${rawSql(plan, part)})`;
  const converted = `SELECT ${[...values, ...sources, ...carried].join(', ')} FROM ${from} AS q`;
  // The verdict is a column of its own: as a volatile one it keeps the filter above the conversions.
  const judged = `SELECT ${columns}, CASE WHEN ${good} THEN true ELSE ${reject} END AS keep_row FROM (${converted})`;
  return `SELECT ${columns} FROM (${judged}) WHERE keep_row`;
}

function rowsSql(types: readonly SqlType[], partIndex: number): string {
  const items = types.map((type, index) =>
    isString(type) ? `c${index}` : `CAST(c${index} AS ${duckdbType(type)}) AS c${index}`,
  );
  return `(SELECT ${items.join(', ')} FROM ${rowsTable(partIndex)})`;
}

interface OutputSql {
  readonly output: InsertOutput;
  readonly value: string;
  /** The source column and its type where the value is made from one. */
  readonly source: {
    readonly name: string;
    readonly type: SqlType;
    /** No text of it is longer than its type says. */
    readonly isBounded: boolean;
  } | null;
}

function outputSql(output: InsertOutput, part: InsertPart): OutputSql {
  const { column, from } = output;
  switch (from.kind) {
    case 'source': {
      const name = `c${from.index}`;
      const type = present(part.types[from.index], 'type of a source column');
      const isBounded = part.kind === 'query' && part.fromTable[from.index] === true;
      return { output, value: castSql(name, type, column.type), source: { name, type, isBounded } };
    }
    case 'constant': {
      const value =
        from.text === null
          ? `CAST(NULL AS ${duckdbType(column.type)})`
          : castSql(`CAST(${quoteString(from.text)} AS VARCHAR)`, STRING, column.type);
      return { output, value, source: null };
    }
    case 'uuid':
      return { output, value: 'CAST(uuid() AS VARCHAR)', source: null };
  }
}

interface Check {
  readonly bad: string;
  readonly code: number;
}

/** Order as in loads: conversion, length, NOT NULL. */
function checksOf(
  plan: ConversionPlan,
  { output, source }: OutputSql,
  index: number,
): readonly Check[] {
  if (source === null) return [];
  const { type, nullable } = output.column;
  const checks: Check[] = [];
  const add = (bad: string, kind: number): void => {
    checks.push({ bad, code: kind + 4 * index });
  };
  if (plan.strictMode && canFail(source.type, type)) {
    add(`${source.name} IS NOT NULL AND v${index} IS NULL`, REJECT_CODE.strict);
  }
  const { isBounded } = source;
  const fits =
    isBounded && isString(source.type) && 'length' in type && 'length' in source.type
      ? source.type.length <= type.length
      : false;
  if ((type.kind === 'CHAR' || type.kind === 'VARCHAR') && !fits) {
    add(`strlen(v${index}) > ${type.length}`, REJECT_CODE.tooLong);
  }
  if (type.kind === 'VARBINARY' && type.length > 0) {
    add(`octet_length(v${index}) > ${type.length}`, REJECT_CODE.tooLong);
  }
  if (!nullable) add(`v${index} IS NULL`, REJECT_CODE.nullValue);
  return checks;
}

/** May a value that is not NULL become NULL on the way? */
function canFail(from: SqlType, to: SqlType): boolean {
  if (from.kind === 'NULL' || sameRepresentation(from, to)) return false;
  if (isString(to)) return false;
  const cost = implicitCastCost(from, to);
  return !(isInteger(from) && isInteger(to) && cost !== undefined && cost < WIDENING_COST);
}

/** The row's source values as a JSON object of texts, by the names of the columns they are for. */
function rawSql(plan: ConversionPlan, part: InsertPart): string {
  const pairs = plan.outputs.flatMap(({ column, from }) => {
    if (from.kind !== 'source') return [];
    const type = present(part.types[from.index], 'type of a source column');
    const text = type.kind === 'NULL' ? 'NULL' : textSql(type, `c${from.index}`);
    return [`${quoteLiteral(column.name)}, CAST(${text} AS VARCHAR)`];
  });
  return `CAST(json_object(${pairs.join(', ')}) AS VARCHAR)`;
}
