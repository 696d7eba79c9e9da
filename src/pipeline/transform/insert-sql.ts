// InsertPlan -> ONE DuckDB SELECT: converts each part's columns as CAST does, keeps what fits the
// table, and tells `insert_reject` about every other row. Must never let a row disappear: a row is
// written, or insert_reject was called for it.
import { present } from '../../base/assert.ts';
import { REJECT_FUNCTION } from '../../engine/reject-function.ts';
import { emptySketch } from '../../model/column-default.ts';
import { quoteIdentifier, quoteLiteral } from '../../model/duckdb-text.ts';
import type { InsertOutput, InsertPart, InsertPlan } from '../../model/insert-plan.ts';
import { storeExpression } from '../../model/parquet-layout.ts';
import { type PartitionRouting, routeColumn, routeSqls } from '../../model/partition-routing.ts';
import { sortItemsSql } from '../../model/sort-key.ts';
import { duckdbType, type SqlType, STRING_LENGTH } from '../../model/sql-type.ts';
import type { TableSchema } from '../../model/table.ts';
import { castSql } from '../../query/cast-sql.ts';
import { computedDefaultSql } from '../../query/insert-default.ts';
import { quoteString } from '../../query/literal.ts';
import { textSql } from '../../query/render.ts';
import { implicitCastCost, isInteger, isString, sameRepresentation } from '../../query/types.ts';
import { operationCode } from './compile-sql.ts';
import { CODE_KINDS, OPERATION } from './drop-code.ts';

/** Why a row is not written, packed into one integer: kind + 8 * output index. */
export const REJECT_CODE = {
  /** Strict mode: the value is there but does not convert. */
  strict: 0,
  /** NULL, or a value that became NULL, for a NOT NULL column. */
  nullValue: 1,
  tooLong: 2,
  /** `__op` says neither upsert nor delete. */
  operation: 3,
  /** Its value of the (first) partition column is in no partition. */
  noPartition: 4,
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

/**
 * The rows to write in stored form, with what the target's routing adds; of a table with keys also `__op` and
 * `__ordinal`, as its sink wants them. `withClause` puts the scans in scope.
 */
export function insertSelectSql(plan: InsertPlan, source: InsertSource): string {
  const from = source.isMade ? `FROM ${MADE_ROWS}` : `FROM (${goodRowsSql(plan, source.slot)})`;
  const withClause = source.isMade ? '' : source.withClause;
  const carried = plan.target.keys === null ? [] : [OPERATION, '__ordinal'];
  return `${withClause}${storedSelect(plan, from, source.firstId, carried)}`;
}

/** What the statement of an INSERT is filled in with. */
export interface InsertSource {
  readonly withClause: string;
  readonly slot: number;
  /** The good rows are in the table that `makeRowsSql` made. */
  readonly isMade: boolean;
  /** First AUTO_INCREMENT value for the rows; null where no column has any. */
  readonly firstId: number | null;
}

/** Temporary table of the good rows, where their number must be known before they are written. */
export const MADE_ROWS = '__made';

/** Makes the table of good rows. `withClause` puts the scans in scope. */
export function makeRowsSql(
  plan: InsertPlan,
  { withClause, slot }: Pick<InsertSource, 'withClause' | 'slot'>,
): string {
  return `CREATE OR REPLACE TEMP TABLE ${MADE_ROWS} AS ${withClause}${goodRowsSql(plan, slot)}`;
}

function goodRowsSql(plan: InsertPlan, slot: number): string {
  const { operation, target } = plan;
  const code = operation === null ? '0' : operationCode(`CAST(c${operation} AS VARCHAR)`);
  const carried = target.keys === null ? [] : [{ name: OPERATION, sql: code }];
  const parts = plan.parts.map((part, index) =>
    partSql(plan, part, index, slot, carried, target.routing),
  );
  return parts.length === 1 ? present(parts[0], 'part') : parts.join('\nUNION ALL\n');
}

/**
 * Rows of v0, v1, ... (none for generated columns) with their generated columns, in stored form and in the order of
 * the table's files, with what the target's routing adds. `from` is the FROM clause that gives them.
 */
export function storedSelect(
  { parts, outputs, sortBy, target }: Pick<InsertPlan, 'parts' | 'outputs' | 'sortBy' | 'target'>,
  from: string,
  firstId: number | null = null,
  carried: readonly string[] = [],
): string {
  const given = outputs.flatMap(({ column, from }, index) =>
    from.kind === 'generated' ? [] : [`v${index} AS ${quoteIdentifier(column.name)}`],
  );
  given.push(...carried.filter((name) => name !== '__ordinal'));
  // Rows that are carried on are sorted where they are written.
  const isSorted = sortBy.length > 0 && carried.length === 0;
  // Rows of equal keys stay in the order they came in.
  if (isSorted || firstId !== null || carried.includes('__ordinal')) {
    const isKnown = parts.some((part) => ordinalSql(part) !== null);
    given.push(isKnown ? '__ordinal' : 'row_number() OVER () - 1 AS __ordinal');
  }
  const named = `SELECT ${given.join(', ')} ${from}`;
  const generated = outputs.flatMap(({ column, from }) =>
    from.kind === 'generated' ? [`${from.duckdbSql} AS ${quoteIdentifier(column.name)}`] : [],
  );
  const counted = outputs.flatMap(({ column }) => {
    if (firstId === null || column.autoIncrement !== true) return [];
    const name = quoteIdentifier(column.name);
    return [`coalesce(${name}, ${firstId} + __ordinal) AS ${name}`];
  });
  const all = counted.length === 0 ? '*' : `* REPLACE (${counted.join(', ')})`;
  const computed = [all, ...generated].join(', ');
  const whole = computed === '*' ? named : `SELECT ${computed} FROM (${named})`;
  const list = outputs.map(({ column }) => {
    const name = quoteIdentifier(column.name);
    return `${storeExpression(column.type, name)} AS ${name}`;
  });
  const { routing } = target;
  const route = routing === undefined ? [] : routeSqls(routing);
  list.push(...route.map((sql, index) => `${sql} AS ${routeColumn(index)}`), ...carried);
  const order = isSorted ? ` ORDER BY ${sortItemsSql(sortBy, 'rows', 'rows.__ordinal')}` : '';
  return `SELECT ${list.join(', ')} FROM (${whole}) AS rows${order}`;
}

/** What the conversion of rows needs of a plan. */
export type ConversionPlan = Pick<InsertPlan, 'outputs' | 'strictMode'> &
  Partial<Pick<InsertPlan, 'operation' | 'group'>>;

/** A column beside the outputs, as SQL over the part's source columns. */
export interface CarriedColumn {
  readonly name: string;
  readonly sql: string;
}

/**
 * The good rows of a part as v0, v1, ... (none for generated columns) in the columns' own types, the columns that are
 * carried along, and `__ordinal` where the part has it. A row that fits none of fixed partitions is no good row.
 */
export function partSql(
  plan: ConversionPlan,
  part: InsertPart,
  partIndex: number,
  slot: number,
  carried: readonly CarriedColumn[] = [],
  routing?: PartitionRouting,
): string {
  const outputs = plan.outputs.flatMap((output, index) => {
    const made = outputSql(output, part);
    return made === null ? [] : [{ output, index, ...made }];
  });
  const values = outputs.map(({ value, index }) => `${value} AS v${index}`);
  const checks = outputs.flatMap((output) => checksOf(plan, output));
  if (typeof plan.operation === 'number') {
    const code = REJECT_CODE.operation + CODE_KINDS * plan.outputs.length;
    checks.unshift({ bad: `${OPERATION} IS NULL`, code });
  }
  if (routing?.kind === 'fixed') {
    const placeOf = (name: string | undefined): number =>
      plan.outputs.findIndex(({ column }) => column.name === name);
    const [found] = routeSqls(routing, (name) => `v${placeOf(name)}`);
    const code = REJECT_CODE.noPartition + CODE_KINDS * placeOf(routing.columns[0]?.name);
    // A row that only deletes needs no partition.
    const written = typeof plan.operation === 'number' ? ` AND ${OPERATION} = 0` : '';
    checks.push({ bad: `${found} IS NULL${written}`, code });
  }
  values.push(...carried.map(({ name, sql }) => (sql === name ? name : `${sql} AS ${name}`)));
  const ordinal = ordinalSql(part);
  if (ordinal !== null) values.push(`${ordinal} AS __ordinal`);
  const names = outputs.map(({ index }) => `v${index}`);
  names.push(...carried.map(({ name }) => name), ...(ordinal === null ? [] : ['__ordinal']));
  const columns = names.join(', ');
  const from = part.kind === 'query' ? `(\n${part.duckdbSql}\n)` : rowsSql(part, partIndex);
  if (checks.length === 0) return `SELECT ${values.join(', ')} FROM ${from} AS q`;
  const sources = part.types.map((_, index) => `c${index}`);
  const whens = checks.map(({ bad, code }) => `WHEN ${bad} THEN ${code}`);
  const good = checks.map(({ bad }) => `(${bad}) IS NOT TRUE`).join(' AND ');
  // Of a group it is told which row it is, and what it holds only where its statement runs alone.
  const row = plan.group === undefined ? rawSql(plan, part) : 'CAST(__ordinal AS VARCHAR)';
  const reject = `${REJECT_FUNCTION}(${slot}, CASE ${whens.join(' ')} END, ${row})`;
  const converted = `SELECT ${[...values, ...sources].join(', ')} FROM ${from} AS q`;
  // The verdict is a column of its own: as a volatile one it keeps the filter above the conversions.
  const judged = `SELECT ${columns}, CASE WHEN ${good} THEN true ELSE ${reject} END AS keep_row FROM (${converted})`;
  return `SELECT ${columns} FROM (${judged}) WHERE keep_row`;
}

/** The row's place in the statement, where the part brings it along. */
function ordinalSql(part: InsertPart): string | null {
  const name = `c${part.types.length}`;
  if (part.kind === 'query') return part.hasOrdinal === true ? name : null;
  return part.ordinals === undefined ? null : `CAST(${name} AS BIGINT)`;
}

function rowsSql(part: Extract<InsertPart, { kind: 'rows' }>, partIndex: number): string {
  const items = part.types.map((type, index) =>
    isString(type) ? `c${index}` : `CAST(c${index} AS ${duckdbType(type)}) AS c${index}`,
  );
  if (part.ordinals !== undefined) items.push(`c${part.types.length}`);
  return `(SELECT ${items.join(', ')} FROM ${rowsTable(partIndex)})`;
}

interface OutputSql {
  readonly output: InsertOutput;
  /** Of the output in the plan. */
  readonly index: number;
  readonly value: string;
  /** The source column and its type where the value is made from one. */
  readonly source: {
    readonly name: string;
    readonly type: SqlType;
    /** No text of it is longer than its type says. */
    readonly isBounded: boolean;
  } | null;
}

/** Null for what is computed from the other columns, once those are there. */
function outputSql(
  { column, from }: InsertOutput,
  part: InsertPart,
): Pick<OutputSql, 'value' | 'source'> | null {
  switch (from.kind) {
    case 'source': {
      const name = `c${from.index}`;
      const type = present(part.types[from.index], 'type of a source column');
      const isBounded = part.kind === 'query' && part.fromTable[from.index] === true;
      return { value: castSql(name, type, column.type), source: { name, type, isBounded } };
    }
    case 'constant': {
      return { value: constantSql(from.text, column.type), source: null };
    }
    case 'uuid':
    case 'uuid_numeric':
      return { value: computedDefaultSql(from, 'UTC'), source: null };
    case 'generated':
      return null;
  }
}

function constantSql(text: string | null, type: SqlType): string {
  if (text === null) return `CAST(NULL AS ${duckdbType(type)})`;
  const sketch = emptySketch(type);
  if (sketch !== null) return `CAST(${quoteLiteral(sketch)} AS BLOB)`;
  return castSql(`CAST(${quoteString(text)} AS VARCHAR)`, STRING, type);
}

interface Check {
  readonly bad: string;
  readonly code: number;
}

/** Order as in loads: conversion, length, NOT NULL. */
function checksOf(plan: ConversionPlan, { output, source, index }: OutputSql): readonly Check[] {
  if (source === null) return [];
  const { type, nullable } = output.column;
  const checks: Check[] = [];
  // Of a row that only deletes nothing but the key is looked at.
  const isAlways = typeof plan.operation !== 'number' || output.column.isKey;
  const add = (bad: string, kind: number): void => {
    const applies = isAlways ? bad : `${bad} AND ${OPERATION} = 0`;
    checks.push({ bad: applies, code: kind + CODE_KINDS * index });
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
  if (!nullable && output.column.autoIncrement !== true)
    add(`v${index} IS NULL`, REJECT_CODE.nullValue);
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
  if (typeof plan.operation === 'number') {
    pairs.push(`${quoteLiteral(OPERATION)}, CAST(c${plan.operation} AS VARCHAR)`);
  }
  return `CAST(json_object(${pairs.join(', ')}) AS VARCHAR)`;
}
