// LoadPlan -> ONE DuckDB statement per job, a template filled in for each batch: reads the packed
// lines as text, converts by StarRocks' rules, keeps what is good, and tells `load_drop` about every
// other row. Must never let a row disappear: a row is written, or load_drop was called for it.
import { present, unreachable } from '../../base/assert.ts';
import { computedDefault, emptySketch } from '../../model/column-default.ts';
import { quoteIdentifier, quoteLiteral } from '../../model/duckdb-text.ts';
import {
  type LoadedTable,
  type LoadOutput,
  type LoadPlan,
  loadedTables,
} from '../../model/load-plan.ts';
import { storeSelectList } from '../../model/parquet-layout.ts';
import { routeColumn, routeSqls } from '../../model/partition-routing.ts';
import { sortItemsSql } from '../../model/sort-key.ts';
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import type { ColumnSchema, TableSchema } from '../../model/table.ts';
import { computedDefaultSql } from '../../query/insert-default.ts';
import { readsJson } from '../../query/nested-from-json.ts';
import { FIELD_KIND } from '../source/body/line-scan.ts';
import { type ConvertOptions, convertExpression, convertText } from './convert-sql.ts';
import { CODE_KINDS, DROP_CODE, DROP_FUNCTION, OPERATION, tableOutputs } from './drop-code.ts';
import { valueStyle } from './field-forms.ts';
import { type FieldSql, guarded, suspectSql } from './field-sql.ts';
import { type CompiledRoutes, compileRoutes, type RowsSql } from './route-sql.ts';
import { type BatchStatement, type CompiledSource, compileSource } from './source-sql.ts';
import { fieldKinds, fromRead } from './typed-fields.ts';

export interface CompiledTransform
  extends Pick<
    CompiledSource,
    'fieldSteps' | 'readsDocument' | 'exactNumberKeys' | 'keyForms' | 'countSql'
  > {
  /**
   * The good rows as a SELECT in stored form and in the order of files, with what the target's routing adds; of a
   * table with keys also `__op` (0 = written, 1 = its key's row goes) and `__ordinal` (order of the batch).
   */
  rowsSql(batch: BatchStatement): string;
  /** Of a plan of several tables, whose rows are those of `routes` and not of `rowsSql`. */
  readonly routes: CompiledRoutes | null;
}

/** Text of at most this many bytes fits into every column that is not made small on purpose. */
const SHORT_TEXT_BYTES = 8192;
/** A value as text is at most this many times its length in the line (numbers: 1e3 becomes 1000.0). */
const TEXT_GROWTH = 8;

/** The target's columns in file order, as the plan names them. */
export function targetSchema({ transform }: Pick<LoadedTable, 'transform'>): TableSchema {
  return { keysType: 'DUP_KEYS', columns: transform.outputs.map((o) => o.column) };
}

/** Throws LOAD_JSONPATH, NOT_SUPPORTED. SQL made by the FE (expressions, WHERE) is checked when first run. */
export function compileTransform(plan: LoadPlan): CompiledTransform {
  const source = compileSource(plan);
  let firstOutput = 0;
  const tables = loadedTables(plan).map((table) => {
    const rowsSql = compileTable(plan, table, source, firstOutput);
    firstOutput += tableOutputs(table).length;
    return { ...table, rowsSql };
  });
  const first = present(tables[0], 'table of a plan');
  const { fieldSteps, readsDocument, exactNumberKeys, keyForms, countSql } = source;
  return {
    fieldSteps,
    readsDocument,
    exactNumberKeys,
    keyForms,
    countSql,
    rowsSql: (batch) => first.rowsSql(batch, source.rowsSql(batch)),
    routes: plan.routes === undefined ? null : compileRoutes(plan.routes, source, tables),
  };
}

/** `firstOutput`: the table's first one among those of all tables. */
function compileTable(
  plan: LoadPlan,
  table: LoadedTable,
  { fields, marks }: CompiledSource,
  firstOutput: number,
): RowsSql {
  const { transform, target } = table;
  const suspect = suspectSql(marks);
  const style = valueStyle(plan.format);
  const kinds = fieldKinds(plan);
  const isTyped = (index: number): boolean => (kinds[index] ?? FIELD_KIND.text) !== FIELD_KIND.text;
  const hasTyped = kinds.some((_, index) => isTyped(index));
  const variant = (maxTextBytes: number, readsTyped: boolean) => {
    const options = { timeZone: transform.timeZone, maxTextBytes, binary: 'bytes' as const };
    const outputs = tableOutputs(table).flatMap((output, index) => {
      const made = outputSql(output, fields, style, options, (at) => readsTyped && isTyped(at));
      return made === null ? [] : [{ output, index, ...made }];
    });
    return {
      inner: innerSelect(table, fields, outputs, marks),
      ...verdict(table, outputs, suspect, CODE_KINDS * firstOutput),
    };
  };
  // With short lines no text can be too long for a usual column: then it is not measured.
  const [usual, anyLength] = [SHORT_TEXT_BYTES, Number.POSITIVE_INFINITY].map((maxTextBytes) => {
    const asText = variant(maxTextBytes, false);
    return { asText, asTyped: hasTyped ? variant(maxTextBytes, true) : asText };
  });
  const { routing } = target;
  // A partition is looked for before the verdict, which it is part of; a key afterwards.
  const fixed = routing?.kind === 'fixed' ? routeSqls(routing)[0] : undefined;
  return (batch, from) => {
    const isShort = batch.longestLineBytes * TEXT_GROWTH <= SHORT_TEXT_BYTES;
    const { asText, asTyped } = present(isShort ? usual : anyLength, 'statement');
    const { inner, good, code } = batch.arePlain === true ? asTyped : asText;
    const drop = `${DROP_FUNCTION}(${batch.slot}, __ordinal, ${suspect}, ${code})`;
    // The verdict is a column of its own: as a volatile one it keeps DuckDB from pushing the filter
    // below the conversions, which would then run twice.
    const converted = `${inner} FROM (${from})`;
    const placed =
      fixed === undefined
        ? converted
        : `SELECT *, ${fixed} AS ${routeColumn(0)} FROM (${converted})`;
    const keep = batch.asksAll === true ? drop : `CASE WHEN ${good} THEN true ELSE ${drop} END`;
    const judged = `SELECT *, ${keep} AS __keep FROM (${placed})`;
    return storedSelect(table, judged, batch.firstId);
  };
}

/** The rows that are kept, with their computed columns, in stored form and in the order of the table's files. */
function storedSelect({ transform, target }: LoadedTable, judged: string, firstId: number): string {
  const columns = transform.outputs.map(({ column }) => column);
  const generated = transform.outputs.flatMap(({ column, from }) =>
    from.kind === 'generated' ? [`${from.duckdbSql} AS ${quoteIdentifier(column.name)}`] : [],
  );
  // A row that brings no value has the one of its line: lines that are dropped leave gaps.
  const counted = columns
    .filter((column) => column.autoIncrement === true)
    .map(({ name }) => quoteIdentifier(name))
    .map((name) => `coalesce(${name}, ${firstId} + __ordinal) AS ${name}`);
  const all = counted.length === 0 ? '*' : `* REPLACE (${counted.join(', ')})`;
  const kept = `SELECT ${[all, ...generated].join(', ')} FROM (${judged}) WHERE __keep`;
  // Rows of equal keys stay in the order of their messages.
  const order = sortItemsSql(transform.sortBy, 'kept', 'kept.__ordinal');
  // Rows of a table with keys are sorted where they are written, once it is known which of them count.
  const orderBy = transform.sortBy.length === 0 || target.keys !== null ? '' : ` ORDER BY ${order}`;
  const { routing } = target;
  const routed =
    routing?.kind === 'fixed'
      ? [routeColumn(0)]
      : (routing === undefined ? [] : routeSqls(routing)).map(
          (sql, index) => `${sql} AS ${routeColumn(index)}`,
        );
  const carried = target.keys === null ? [] : [OPERATION, '__ordinal'];
  const stored = storeSelectList({ keysType: 'DUP_KEYS', columns });
  const list = [stored, ...routed, ...carried].join(', ');
  return `SELECT ${list} FROM (${kept}) AS kept${orderBy}`;
}

interface OutputSql {
  readonly output: LoadOutput;
  /** Of the output in the plan. */
  readonly index: number;
  /** The source text, null where there is none (expressions, defaults). */
  readonly source: string | null;
  readonly value: string;
}

/** Null for what is computed from the other columns, once those are there. */
function outputSql(
  output: LoadOutput,
  fields: readonly FieldSql[],
  format: 'json' | 'csv',
  options: ConvertOptions,
  isTyped: (index: number) => boolean,
): Pick<OutputSql, 'source' | 'value'> | null {
  const { column, from } = output;
  // What an expression makes may be longer than its line.
  const unbounded = { ...options, maxTextBytes: Number.POSITIVE_INFINITY };
  switch (from.kind) {
    case 'field': {
      const index = fields.findIndex((f) => f.name === from.field);
      const field = fields[index];
      if (field === undefined) return { source: null, value: nullOf(output) };
      if (isTyped(index)) return { source: field.text, value: fromRead(field.text, column.type) };
      if (field.isBase64) return { source: field.text, value: binarySql(field.text, column.type) };
      const style = field.element === 'json' ? 'json' : format;
      // An element may be longer than its line, too: UNNEST takes any expression.
      const bounds = field.element === null ? options : unbounded;
      const isJson = readsJson(column.type) && style === 'json';
      const text = isJson ? field.json : field.text;
      // The line was parsed as a whole, so the JSON text of a part of it is valid.
      const isReady = isJson && column.type.kind === 'JSON';
      const binary = style === 'csv' ? 'base64' : 'bytes';
      const value = isReady ? text : convertText(text, column.type, { ...bounds, binary });
      return { source: text, value };
    }
    case 'expression': {
      const value = convertExpression(guarded(from.duckdbSql), from.type, column.type, unbounded);
      return { source: null, value };
    }
    case 'default':
      return { source: null, value: defaultSql(column, unbounded) };
    case 'generated':
      return null;
    default:
      return unreachable(from, 'output source');
  }
}

/** The bytes of a base64 text; NULL where there are too many. */
function binarySql(text: string, type: SqlType): string {
  const bytes = `from_base64(${text})`;
  const limit = type.kind === 'VARBINARY' ? type.length : 0;
  return limit === 0 ? bytes : `CASE WHEN octet_length(${bytes}) <= ${limit} THEN ${bytes} END`;
}

function nullOf(output: LoadOutput): string {
  return `CAST(NULL AS ${duckdbType(output.column.type)})`;
}

/** The default of a column as SQL; NULL without one. */
export function defaultSql(column: ColumnSchema, options: ConvertOptions): string {
  const { defaultValue, type } = column;
  const computed = computedDefault(column);
  if (computed !== null) return computedDefaultSql(computed, options.timeZone);
  if (defaultValue === null) return `CAST(NULL AS ${duckdbType(type)})`;
  const sketch = emptySketch(type);
  if (sketch !== null) return `CAST(${quoteLiteral(sketch)} AS BLOB)`;
  return convertText(`CAST(${quoteLiteral(defaultValue)} AS VARCHAR)`, type, options);
}

/** Outputs under their names, the fields that no output hides (for WHERE), and what the verdict needs. */
function innerSelect(
  table: LoadedTable,
  fields: readonly FieldSql[],
  outputs: readonly OutputSql[],
  marks: readonly string[],
): string {
  const { operation, strictMode, whereSql } = table.transform;
  const taken = new Set(tableOutputs(table).map((o) => o.column.name.toLowerCase()));
  const visible = fields
    .filter((f) => !taken.has(f.name.toLowerCase()))
    .filter((f) => whereSql?.includes(quoteIdentifier(f.name)) === true)
    .map((f) => `${f.text} AS ${quoteIdentifier(f.name)}`);
  const loaded = outputs.filter((o) => o.output !== operation);
  const values = loaded.map((o) => `${o.value} AS ${quoteIdentifier(o.output.column.name)}`);
  if (table.target.keys !== null)
    values.push(`${operationSql(outputs, operation)} AS ${OPERATION}`);
  const sources = strictMode
    ? loaded.flatMap((o) => (o.source === null ? [] : [`${o.source} AS __source${o.index}`]))
    : [];
  return `SELECT ${[...values, ...visible, ...sources, '__ordinal', ...marks].join(', ')}`;
}

interface Verdict {
  /** True for a row to write; must be cheap, it runs for every row. */
  readonly good: string;
  /** The DROP_CODE of a row that is not good. */
  readonly code: string;
}

/** 0 or 1; NULL where the text is neither. Without `__op` every row is written. */
function operationSql(outputs: readonly OutputSql[], operation: LoadOutput | null): string {
  const made = outputs.find((o) => o.output === operation);
  return made === undefined ? '0' : operationCode(made.value);
}

/** 0 or 1 for the text of a `__op`; NULL where it is neither. No text means that the row is written. */
export function operationCode(text: string): string {
  return `CASE lower(trim(${text})) WHEN '0' THEN 0 WHEN 'upsert' THEN 0 WHEN '1' THEN 1 WHEN 'delete' THEN 1 ELSE if(${text} IS NULL, 0, NULL) END`;
}

/**
 * Order as in StarRocks: strict conversion, then WHERE, then NOT NULL. A row that only deletes needs its key, and
 * no other column is looked at.
 */
function verdict(
  { target, transform }: LoadedTable,
  outputs: readonly OutputSql[],
  suspect: string,
  firstCode: number,
): Verdict {
  const { strictMode, whereSql, operation } = transform;
  const whens: string[] = [];
  const columns = outputs.filter((o) => o.output !== operation);
  const isAlways = ({ output }: OutputSql): boolean => operation === null || output.column.isKey;
  // Where a NOT NULL column comes from a field, a line without any value is not good already.
  const isCovered = columns.some((o) => isAlways(o) && o.source !== null && needsValue(o));
  const good: string[] = isCovered ? [] : [`NOT (${suspect})`];
  const codeOf = (kind: number, index: number): number => firstCode + kind + CODE_KINDS * index;
  const add = (isBad: string, isGood: string, code: number, always: boolean): void => {
    whens.push(`WHEN ${isBad}${always ? '' : ` AND ${OPERATION} = 0`} THEN ${code}`);
    good.push(always ? isGood : `(${OPERATION} = 1 OR ${isGood})`);
  };
  if (operation !== null) {
    const code = codeOf(DROP_CODE.operation, transform.outputs.length);
    add(`${OPERATION} IS NULL`, `${OPERATION} IS NOT NULL`, code, true);
  }
  for (const column of columns) {
    const { output, index, source } = column;
    if (!strictMode || source === null) continue;
    const name = quoteIdentifier(output.column.name);
    add(
      `__source${index} IS NOT NULL AND ${name} IS NULL`,
      `(__source${index} IS NULL OR ${name} IS NOT NULL)`,
      codeOf(DROP_CODE.strict, index),
      isAlways(column),
    );
  }
  if (whereSql !== null) {
    const where = `COALESCE(CAST(${guarded(whereSql)} AS BOOLEAN), false)`;
    add(`NOT ${where}`, where, DROP_CODE.unselected, true);
  }
  for (const column of columns.filter(needsValue)) {
    const name = quoteIdentifier(column.output.column.name);
    const code = codeOf(DROP_CODE.nullValue, column.index);
    add(`${name} IS NULL`, `${name} IS NOT NULL`, code, isAlways(column));
  }
  const { routing } = target;
  if (routing?.kind === 'fixed') {
    const first = routing.columns[0]?.name;
    const index = transform.outputs.findIndex(({ column }) => column.name === first);
    const part = routeColumn(0);
    const code = codeOf(DROP_CODE.noPartition, Math.max(0, index));
    add(`${part} IS NULL`, `${part} IS NOT NULL`, code, operation === null);
  }
  const code =
    whens.length === 0
      ? String(DROP_CODE.keep)
      : `CASE ${whens.join(' ')} ELSE ${DROP_CODE.keep} END`;
  return { good: good.join(' AND '), code };
}

function needsValue({ output: { column } }: OutputSql): boolean {
  return !column.nullable && column.autoIncrement !== true;
}
