// LoadPlan -> ONE DuckDB statement per job, a template filled in for each batch: reads the packed
// lines as text, converts by StarRocks' rules, keeps what is good, and tells `load_drop` about every
// other row. Must never let a row disappear: a row is written, or load_drop was called for it.
import { present, unreachable } from '../../base/assert.ts';
import type { FieldForm } from '../../formats/avro/decode.ts';
import { computedDefault, emptySketch } from '../../model/column-default.ts';
import { quoteIdentifier, quoteLiteral } from '../../model/duckdb-text.ts';
import { envelopeOf, jsonpathsOf, type LoadOutput, type LoadPlan } from '../../model/load-plan.ts';
import { DOCUMENT_KEY, metadataKey } from '../../model/message-metadata.ts';
import { storeSelectList } from '../../model/parquet-layout.ts';
import { routeColumn, routeSqls } from '../../model/partition-routing.ts';
import { sortItemsSql } from '../../model/sort-key.ts';
import { duckdbType, exceedsDouble, type SqlType } from '../../model/sql-type.ts';
import type { ColumnSchema, TableSchema } from '../../model/table.ts';
import { computedDefaultSql } from '../../query/insert-default.ts';
import { readsJson } from '../../query/nested-from-json.ts';
import { type ConvertOptions, convertExpression, convertText } from './convert-sql.ts';
import { keyForms, valueStyle } from './field-forms.ts';
import { duckdbJsonPath, type PathStep, parseJsonPath } from './json-path.ts';
import { metadataSource, metadataSql } from './metadata-sql.ts';

/** Pseudo column of a load into a table with keys. SOURCE: StarRocks, loading into PRIMARY KEY tables. */
export const OPERATION = '__op';

/** Name of the scalar function that hears of every row that is not written. */
export const DROP_FUNCTION = 'load_drop';

/** Why a row is not written, packed into one integer: kind + 8 * output index. */
export const DROP_CODE = {
  /** The row is good; `load_drop` was asked only because every field was NULL, as after a parse failure. */
  keep: -1,
  unselected: 0,
  /** strict_mode: the value is there but does not convert. */
  strict: 1,
  /** NULL, or a value that became NULL, for a NOT NULL column. */
  nullValue: 2,
  /** `__op` says neither upsert nor delete. */
  operation: 3,
  /** Its value of the (first) partition column is in no partition. */
  noPartition: 4,
} as const;

/** Kinds of a DROP_CODE or a REJECT_CODE; the output's index comes above them. */
export const CODE_KINDS = 8;

/** What one batch fills into the template. */
export interface BatchStatement {
  /** File with one JSON object per line. */
  readonly inputPath: string;
  readonly longestLineBytes: number;
  /** First argument of every `load_drop` call. */
  readonly slot: number;
  /** AUTO_INCREMENT value of the first line; 0 where no column has any. */
  readonly firstId: number;
}

export interface CompiledTransform {
  /**
   * The good rows as a SELECT in stored form and in the order of files, with what the target's routing adds; of a
   * table with keys also `__op` (0 = written, 1 = its key's row goes) and `__ordinal` (order of the batch).
   */
  rowsSql(batch: BatchStatement): string;
  /** Per source field: where its value lies in a parsed JSON line, for messages about rejected rows. */
  readonly fieldSteps: readonly (readonly PathStep[])[];
  /** Lines are read as whole documents, in which no other key may show. */
  readonly readsDocument: boolean;
  /** Keys of numbers that must reach DuckDB as text, since its JSON reader rounds them to double; null = none. */
  readonly exactNumberKeys: ReadonlySet<string> | null;
  /** Per top-level key of a record: the form that a decoder gives it; null = the whole record is wanted, as JSON. */
  readonly keyForms: ReadonlyMap<string, FieldForm> | null;
}

interface SourceColumn {
  /** Key of the packed line's object. */
  readonly key: string;
  readonly type: 'VARCHAR' | 'JSON';
}

interface FieldSql {
  readonly name: string;
  /** The field as text, over the columns of the read. */
  readonly text: string;
  /** The field as JSON text (a string keeps its quotes). */
  readonly json: string;
  /** The text is base64 of the value's bytes. */
  readonly isBase64: boolean;
}

/** DuckDB's line buffer is twice this; small keeps memory low, and a longer line raises it for its batch. */
const MIN_OBJECT_BYTES = 1024 * 1024;

/** Text of at most this many bytes fits into every column that is not made small on purpose. */
const SHORT_TEXT_BYTES = 8192;
/** A value as text is at most this many times its length in the line (numbers: 1e3 becomes 1000.0). */
const TEXT_GROWTH = 8;

/** What the plan makes of each row: the columns, then `__op` where it has one. The index is that of a DROP_CODE. */
export function allOutputs({ transform }: LoadPlan): readonly LoadOutput[] {
  return transform.operation === null
    ? transform.outputs
    : [...transform.outputs, transform.operation];
}

/** The target's columns in file order, as the plan names them. */
export function targetSchema(plan: LoadPlan): TableSchema {
  return { keysType: 'DUP_KEYS', columns: plan.transform.outputs.map((o) => o.column) };
}

/** Throws LOAD_JSONPATH, NOT_SUPPORTED. SQL made by the FE (expressions, WHERE) is checked when first run. */
export function compileTransform(plan: LoadPlan): CompiledTransform {
  const { format, transform } = plan;
  const fieldSteps = transform.fields.map((name, index): readonly PathStep[] => {
    if (format.kind === 'csv') return [{ kind: 'key', key: String(index) }];
    // Of an envelope the operation comes last, without a path.
    const isOperation = envelopeOf(format) !== null && name === OPERATION;
    const path = isOperation ? undefined : jsonpathsOf(format)?.[index];
    return path === undefined ? [{ kind: 'key', key: name }] : parseJsonPath(path);
  });
  const forms = keyForms(plan, fieldSteps);
  const source = sourceColumns(plan, fieldSteps);
  const metadata = transform.metadata ?? [];
  const read = [
    ...fieldSql(plan, fieldSteps, source).map(
      (field, index): FieldSql => ({ ...field, isBase64: isBase64(forms, fieldSteps[index]) }),
    ),
    ...metadata.map((name): FieldSql => {
      const sql = metadataSql(name);
      return { name, text: sql, json: sql, isBase64: false };
    }),
  ];
  // Expressions name the fields, which need not be the names of what was read (CSV, jsonpaths): they get
  // a level of their own, where nothing else has a name.
  const isNamed =
    metadata.length > 0 || allOutputs(plan).some((output) => output.from.kind === 'expression');
  const fields = isNamed ? read.map(namedField) : read;
  // A line that does not parse has NULL in every column; so has `{}`: load_drop looks at the bytes.
  const columnNames = [
    ...(source?.map((c) => quoteIdentifier(c.key)) ?? [documentColumn(plan)]),
    ...metadata.map(metadataSource),
  ];
  const marks = columnNames.map((_, index) => `__column${index}`);
  const suspect = marks.map((mark) => `${mark} IS NULL`).join(' AND ');
  // With short lines no text can be too long for a usual column: then it is not measured.
  const [usual, anyLength] = [SHORT_TEXT_BYTES, Number.POSITIVE_INFINITY].map((maxTextBytes) => {
    const options = { format: valueStyle(format), timeZone: transform.timeZone, maxTextBytes };
    const outputs = allOutputs(plan).flatMap((output, index) => {
      const made = outputSql(output, fields, options);
      return made === null ? [] : [{ output, index, ...made }];
    });
    return {
      inner: innerSelect(plan, fields, outputs, marks),
      ...verdict(plan, outputs, suspect),
    };
  });
  const { routing } = plan.target;
  // A partition is looked for before the verdict, which it is part of; a key afterwards.
  const fixed = routing?.kind === 'fixed' ? routeSqls(routing)[0] : undefined;
  const columns = columnsRead(plan, source);
  const marked = columnNames.map((name, index) => `${name} AS ${marks[index]}`);
  const rowsSql = (batch: BatchStatement): string => {
    const isShort = batch.longestLineBytes * TEXT_GROWTH <= SHORT_TEXT_BYTES;
    const { inner, good, code } = present(isShort ? usual : anyLength, 'statement');
    const lines = `read_json(${quoteLiteral(batch.inputPath)}, format='newline_delimited', columns=${columns}, ignore_errors=true, compression='uncompressed', maximum_object_size=${Math.max(MIN_OBJECT_BYTES, batch.longestLineBytes + 16)})`;
    const base = `SELECT row_number() OVER () - 1 AS __ordinal, ${[...columnNames, ...marked].join(', ')} FROM ${lines}`;
    const from = isNamed ? `${namesSelect(read, marks)} FROM (${base})` : base;
    const drop = `${DROP_FUNCTION}(${batch.slot}, __ordinal, ${suspect}, ${code})`;
    // The verdict is a column of its own: as a volatile one it keeps DuckDB from pushing the filter
    // below the conversions, which would then run twice.
    const converted = `${inner} FROM (${from})`;
    const placed =
      fixed === undefined
        ? converted
        : `SELECT *, ${fixed} AS ${routeColumn(0)} FROM (${converted})`;
    const judged = `SELECT *, CASE WHEN ${good} THEN true ELSE ${drop} END AS __keep FROM (${placed})`;
    return storedSelect(plan, judged, batch.firstId);
  };
  return {
    fieldSteps,
    readsDocument: source === null,
    exactNumberKeys: exactNumberKeys(plan, fieldSteps),
    keyForms: forms,
    rowsSql,
  };
}

/** The rows that are kept, with their computed columns, in stored form and in the order of the table's files. */
function storedSelect({ transform, target }: LoadPlan, judged: string, firstId: number): string {
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

/**
 * The distinct top-level keys to read; null = read whole lines, for paths that do not begin with a key
 * and for keys that differ only in case (DuckDB's names ignore it). A key is read as JSON where a path
 * goes deeper or a JSON column wants its exact text.
 */
function sourceColumns(
  plan: LoadPlan,
  fieldSteps: readonly (readonly PathStep[])[],
): readonly SourceColumn[] | null {
  const jsonFields = new Set(
    plan.transform.outputs
      .filter((o) => readsJson(o.column.type) && plan.format.kind !== 'csv')
      .map((o) => (o.from.kind === 'field' ? o.from.field : null)),
  );
  const byKey = new Map<string, SourceColumn>();
  for (const [index, steps] of fieldSteps.entries()) {
    const first = steps[0];
    if (first?.kind !== 'key') return null;
    const wantsJson = steps.length > 1 || jsonFields.has(plan.transform.fields[index] ?? '');
    const type = wantsJson || byKey.get(first.key)?.type === 'JSON' ? 'JSON' : 'VARCHAR';
    byKey.set(first.key, { key: first.key, type });
  }
  const names = new Set([...byKey.keys()].map((key) => key.toLowerCase()));
  return names.size === 0 || names.size < byKey.size ? null : [...byKey.values()];
}

/** The column of whole documents. */
function documentColumn({ transform }: LoadPlan): string {
  return quoteIdentifier(transform.metadata === undefined ? 'line' : DOCUMENT_KEY);
}

/** The `columns` of read_json. */
function columnsRead({ transform }: LoadPlan, source: readonly SourceColumn[] | null): string {
  const { metadata } = transform;
  if (source === null && metadata === undefined) return "{'line': 'JSON'}, records=false";
  const own = source ?? [{ key: DOCUMENT_KEY, type: 'JSON' as const }];
  const added = (metadata ?? []).map((name) => ({ key: metadataKey(name), type: 'VARCHAR' }));
  const list = [...own, ...added].map(({ key, type }) => `${quoteLiteral(key)}: '${type}'`);
  return `{${list.join(', ')}}`;
}

function fieldSql(
  plan: LoadPlan,
  fieldSteps: readonly (readonly PathStep[])[],
  source: readonly SourceColumn[] | null,
): readonly Omit<FieldSql, 'isBase64'>[] {
  return plan.transform.fields.map((name, index) => {
    const steps = fieldSteps[index] ?? [];
    const first = steps[0];
    if (source === null || first?.kind !== 'key')
      return { name, ...extract(documentColumn(plan), steps) };
    const column = quoteIdentifier(first.key);
    const read = source.find((c) => c.key === first.key);
    if (read?.type === 'VARCHAR') return { name, text: column, json: column };
    return { name, ...extract(column, steps.slice(1)) };
  });
}

function isBase64(
  forms: ReadonlyMap<string, FieldForm> | null,
  steps: readonly PathStep[] | undefined,
): boolean {
  const first = steps?.[0];
  return first?.kind === 'key' && forms?.get(first.key) === 'base64';
}

function namedField({ name, isBase64 }: FieldSql, index: number): FieldSql {
  return { name, isBase64, text: quoteIdentifier(name), json: `__json${index}` };
}

/** The fields under their own names, and what `namedField` says of them. */
function namesSelect(fields: readonly FieldSql[], marks: readonly string[]): string {
  const list = fields.map(
    ({ name, text, json }, index) =>
      `${text} AS ${quoteIdentifier(name)}, ${json} AS __json${index}`,
  );
  return `SELECT ${[...list, '__ordinal', ...marks].join(', ')}`;
}

function extract(column: string, steps: readonly PathStep[]): { text: string; json: string } {
  const path = quoteLiteral(duckdbJsonPath(steps));
  if (steps.some((step) => step.kind === 'all')) {
    const list = `CAST(to_json(json_extract(${column}, ${path})) AS VARCHAR)`;
    return { text: list, json: list };
  }
  const json = steps.length === 0 ? column : `json_extract(${column}, ${path})`;
  return {
    text: `json_extract_string(${column}, ${path})`,
    json: `nullif(CAST(${json} AS VARCHAR), 'null')`,
  };
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
  options: ConvertOptions,
): Pick<OutputSql, 'source' | 'value'> | null {
  const { column, from } = output;
  // What an expression makes may be longer than its line.
  const unbounded = { ...options, maxTextBytes: Number.POSITIVE_INFINITY };
  switch (from.kind) {
    case 'field': {
      const field = fields.find((f) => f.name === from.field);
      if (field === undefined) return { source: null, value: nullOf(output) };
      if (field.isBase64) return { source: field.text, value: binarySql(field.text, column.type) };
      const isJson = readsJson(column.type) && options.format === 'json';
      const text = isJson ? field.json : field.text;
      // The line was parsed as a whole, so the JSON text of a part of it is valid.
      const isReady = isJson && column.type.kind === 'JSON';
      const value = isReady ? text : convertText(text, column.type, options);
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
  plan: LoadPlan,
  fields: readonly FieldSql[],
  outputs: readonly OutputSql[],
  marks: readonly string[],
): string {
  const { operation, strictMode } = plan.transform;
  const taken = new Set(allOutputs(plan).map((o) => o.column.name.toLowerCase()));
  const visible = fields
    .filter((f) => !taken.has(f.name.toLowerCase()))
    .map((f) => `${f.text} AS ${quoteIdentifier(f.name)}`);
  const loaded = outputs.filter((o) => o.output !== operation);
  const values = loaded.map((o) => `${o.value} AS ${quoteIdentifier(o.output.column.name)}`);
  if (plan.target.keys !== null) values.push(`${operationSql(outputs, operation)} AS ${OPERATION}`);
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
function verdict(plan: LoadPlan, outputs: readonly OutputSql[], suspect: string): Verdict {
  const { strictMode, whereSql, operation } = plan.transform;
  const whens: string[] = [];
  const columns = outputs.filter((o) => o.output !== operation);
  const isAlways = ({ output }: OutputSql): boolean => operation === null || output.column.isKey;
  // Where a NOT NULL column comes from a field, a line without any value is not good already.
  const isCovered = columns.some((o) => isAlways(o) && o.source !== null && needsValue(o));
  const good: string[] = isCovered ? [] : [`NOT (${suspect})`];
  const add = (isBad: string, isGood: string, code: number, always: boolean): void => {
    whens.push(`WHEN ${isBad}${always ? '' : ` AND ${OPERATION} = 0`} THEN ${code}`);
    good.push(always ? isGood : `(${OPERATION} = 1 OR ${isGood})`);
  };
  if (operation !== null) {
    const code = DROP_CODE.operation + CODE_KINDS * plan.transform.outputs.length;
    add(`${OPERATION} IS NULL`, `${OPERATION} IS NOT NULL`, code, true);
  }
  for (const column of columns) {
    const { output, index, source } = column;
    if (!strictMode || source === null) continue;
    const name = quoteIdentifier(output.column.name);
    add(
      `__source${index} IS NOT NULL AND ${name} IS NULL`,
      `(__source${index} IS NULL OR ${name} IS NOT NULL)`,
      DROP_CODE.strict + CODE_KINDS * index,
      isAlways(column),
    );
  }
  if (whereSql !== null) {
    const where = `COALESCE(CAST(${guarded(whereSql)} AS BOOLEAN), false)`;
    add(`NOT ${where}`, where, DROP_CODE.unselected, true);
  }
  for (const column of columns.filter(needsValue)) {
    const name = quoteIdentifier(column.output.column.name);
    const code = DROP_CODE.nullValue + CODE_KINDS * column.index;
    add(`${name} IS NULL`, `${name} IS NOT NULL`, code, isAlways(column));
  }
  const { routing } = plan.target;
  if (routing?.kind === 'fixed') {
    const first = routing.columns[0]?.name;
    const index = plan.transform.outputs.findIndex(({ column }) => column.name === first);
    const part = routeColumn(0);
    const code = DROP_CODE.noPartition + CODE_KINDS * Math.max(0, index);
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

/** An error in an expression (overflow, bad argument) makes it NULL for its row instead of ending the batch. TRY refuses volatile functions. */
function guarded(sql: string): string {
  return /\b(random|uuid|gen_random_uuid|uuidv[47]|setseed)\s*\(/i.test(sql)
    ? `(${sql})`
    : `TRY(${sql})`;
}

function exactNumberKeys(
  plan: LoadPlan,
  fieldSteps: readonly (readonly PathStep[])[],
): ReadonlySet<string> | null {
  if (plan.format.kind !== 'json') return null;
  const keys = new Set<string>();
  const addField = (index: number): void => {
    const last = fieldSteps[index]?.findLast((step) => step.kind === 'key');
    if (last?.kind === 'key') keys.add(last.key);
  };
  for (const { column, from } of plan.transform.outputs) {
    if (!exceedsDouble(column.type)) continue;
    if (from.kind === 'field') addField(plan.transform.fields.indexOf(from.field));
    // An expression may use any field.
    if (from.kind === 'expression') for (const index of fieldSteps.keys()) addField(index);
  }
  return keys.size === 0 ? null : keys;
}
