// LoadPlan -> the SQL that reads a batch's packed lines: each source field under its name as text, and where the
// plan has UNNEST one row for each element. What becomes of the rows is compile-sql.ts' business.
import type { FieldForm } from '../../formats/avro/decode.ts';
import { quoteIdentifier, quoteLiteral } from '../../model/duckdb-text.ts';
import { envelopeOf, jsonpathsOf, type LoadPlan } from '../../model/load-plan.ts';
import { DOCUMENT_KEY, metadataKey } from '../../model/message-metadata.ts';
import { exceedsDouble } from '../../model/sql-type.ts';
import { readsJson } from '../../query/nested-from-json.ts';
import type { LineForm } from '../decode/packed-batch.ts';
import { FIELD_KIND } from '../source/body/line-scan.ts';
import { allOutputs, OPERATION } from './drop-code.ts';
import { keyForms } from './field-forms.ts';
import type { FieldSql } from './field-sql.ts';
import { duckdbJsonPath, type PathStep, parseJsonPath } from './json-path.ts';
import { metadataSource, metadataSql } from './metadata-sql.ts';
import { fieldKinds, readType } from './typed-fields.ts';
import { type Unnesting, unnesting } from './unnest-sql.ts';

/** What one batch fills into the template. */
export interface BatchStatement {
  /** File with one JSON object, or one CSV row, per line. */
  readonly inputPath: string;
  readonly form: LineForm;
  /** Of CSV rows: the fields that are typed (typed-fields.ts) are spelled plainly, all of them. */
  readonly arePlain?: boolean;
  readonly longestLineBytes: number;
  /** First argument of every `load_drop` call. */
  readonly slot: number;
  /** `load_drop` is asked about good rows, too. */
  readonly asksAll?: true;
  /** AUTO_INCREMENT value of the first row; 0 where no column has any. */
  readonly firstId: number;
}

export interface CompiledSource {
  /** Per source field: where its value lies in a parsed JSON line, for messages about rejected rows. */
  readonly fieldSteps: readonly (readonly PathStep[])[];
  /** Lines are read as whole documents, in which no other key may show. */
  readonly readsDocument: boolean;
  /** Keys of numbers that must reach DuckDB as text, since its JSON reader rounds them to double; null = none. */
  readonly exactNumberKeys: ReadonlySet<string> | null;
  /** Per top-level key of a record: the form that a decoder gives it; null = the whole record is wanted, as JSON. */
  readonly keyForms: ReadonlyMap<string, FieldForm> | null;
  /** Over the columns of `rowsSql`. */
  readonly fields: readonly FieldSql[];
  /** Columns that are NULL where a line has no value at all; none where the rows are elements. */
  readonly marks: readonly string[];
  /** SELECT of the fields, `__ordinal` (of the row in the batch) and the marks. */
  rowsSql(batch: BatchStatement): string;
  /** SELECT of the most rows that there can be; null where there are as many as lines. */
  readonly countSql: ((batch: BatchStatement) => string) | null;
}

interface SourceColumn {
  /** Key of the packed line's object. */
  readonly key: string;
  readonly type: 'VARCHAR' | 'JSON';
}

/** DuckDB's line buffer is twice this; small keeps memory low, and a longer line raises it for its batch. */
const MIN_OBJECT_BYTES = 1024 * 1024;
/** The same of the CSV reader, whose buffers hold several. */
const MIN_CSV_LINE_BYTES = 256 * 1024;
const CSV_LINES_IN_BUFFER = 8;

/** Throws LOAD_JSONPATH. SQL made by the FE is checked when first run. */
export function compileSource(plan: LoadPlan): CompiledSource {
  const { transform } = plan;
  const fieldSteps = transform.fields.map((name, index) => stepsOf(plan, name, index));
  const forms = keyForms(plan, fieldSteps);
  const source = sourceColumns(plan, fieldSteps);
  const metadata = transform.metadata ?? [];
  const read = [
    ...fieldSql(plan, fieldSteps, source).map(
      (field, index): FieldSql => ({
        ...field,
        isBase64: isBase64(forms, fieldSteps[index]),
        element: null,
      }),
    ),
    ...metadata.map((name): FieldSql => {
      const sql = metadataSql(name);
      return { name, text: sql, json: sql, isBase64: false, element: null };
    }),
  ];
  const unnests = unnesting(transform.unnest ?? [], read.length);
  // Expressions name the fields, which need not be the names of what was read (CSV, jsonpaths): they get
  // a level of their own, where nothing else has a name.
  const isNamed =
    metadata.length > 0 ||
    unnests !== null ||
    plan.routes !== undefined ||
    allOutputs(plan).some((output) => output.from.kind === 'expression');
  // A line that does not parse has NULL in every column; so has `{}`: load_drop looks at the bytes.
  const columnNames = [
    ...(source?.map((c) => quoteIdentifier(c.key)) ?? [documentColumn(plan)]),
    ...metadata.map(metadataSource),
  ];
  const marks = columnNames.map((_, index) => `__column${index}`);
  const columns = columnsRead(plan, source, () => 'VARCHAR');
  const kinds = fieldKinds(plan);
  const typed = columnsRead(plan, source, (key) => readType(kinds[Number(key)] ?? FIELD_KIND.text));
  const marked = columnNames.map((name, index) => `${name} AS ${marks[index]}`);
  const linesSql = (batch: BatchStatement): string => {
    const path = quoteLiteral(batch.inputPath);
    const lines =
      batch.form === 'csv'
        ? `read_csv(${path}, columns=${batch.arePlain === true ? typed : columns}, ${csvOptions(plan, batch)})`
        : `read_json(${path}, format='newline_delimited', columns=${columns}, ignore_errors=true, compression='uncompressed', maximum_object_size=${Math.max(MIN_OBJECT_BYTES, batch.longestLineBytes + 16)})`;
    const base = `SELECT row_number() OVER () - 1 AS __ordinal, ${[...columnNames, ...marked].join(', ')} FROM ${lines}`;
    return isNamed ? `${namesSelect(read, marks)} FROM (${base})` : base;
  };
  return {
    fieldSteps,
    readsDocument: source === null,
    exactNumberKeys: exactNumberKeys(plan, fieldSteps),
    keyForms: forms,
    ...rowsOf(isNamed ? read.map(namedField) : read, marks, linesSql, unnests),
  };
}

/** Rows as csv-raw.ts says: nothing but the separator and the line break means anything, `\\N` is NULL. */
function csvOptions({ format }: LoadPlan, { longestLineBytes }: BatchStatement): string {
  const separator = format.kind === 'csv' ? format.columnSeparator : '';
  const lineBytes = Math.max(MIN_CSV_LINE_BYTES, longestLineBytes + 16);
  return `auto_detect=false, header=false, delim=${quoteLiteral(separator)}, quote='', escape='', comment='', nullstr='\\N', new_line='\\n', strict_mode=true, parallel=false, compression='none', max_line_size=${lineBytes}, buffer_size=${lineBytes * CSV_LINES_IN_BUFFER}`;
}

/** A line is a row, or gives one for each element. */
function rowsOf(
  fields: readonly FieldSql[],
  marks: readonly string[],
  linesSql: (batch: BatchStatement) => string,
  unnests: Unnesting | null,
): Pick<CompiledSource, 'fields' | 'marks' | 'rowsSql' | 'countSql'> {
  if (unnests === null) return { fields, marks, rowsSql: linesSql, countSql: null };
  const kept = fields.flatMap(({ text, json }) => [text, json]);
  return {
    fields: [...fields, ...unnests.fields],
    marks: [],
    rowsSql: (batch) => unnests.rowsSql(linesSql(batch), batch.slot, kept, marks),
    countSql: (batch) => unnests.countSql(linesSql(batch)),
  };
}

function stepsOf({ format }: LoadPlan, name: string, index: number): readonly PathStep[] {
  if (format.kind === 'csv') return [{ kind: 'key', key: String(index) }];
  // Of an envelope the operation comes last, without a path.
  const isOperation = envelopeOf(format) !== null && name === OPERATION;
  const path = isOperation ? undefined : jsonpathsOf(format)?.[index];
  return path === undefined ? [{ kind: 'key', key: name }] : parseJsonPath(path);
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
    allOutputs(plan)
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
function columnsRead(
  { transform }: LoadPlan,
  source: readonly SourceColumn[] | null,
  textType: (key: string) => string,
): string {
  const { metadata } = transform;
  if (source === null && metadata === undefined) return "{'line': 'JSON'}, records=false";
  const own = (source ?? [{ key: DOCUMENT_KEY, type: 'JSON' as const }]).map(({ key, type }) => ({
    key,
    type: type === 'VARCHAR' ? textType(key) : type,
  }));
  const added = (metadata ?? []).map((name) => ({ key: metadataKey(name), type: 'VARCHAR' }));
  const list = [...own, ...added].map(({ key, type }) => `${quoteLiteral(key)}: '${type}'`);
  return `{${list.join(', ')}}`;
}

function fieldSql(
  plan: LoadPlan,
  fieldSteps: readonly (readonly PathStep[])[],
  source: readonly SourceColumn[] | null,
): readonly Pick<FieldSql, 'name' | 'text' | 'json'>[] {
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

function namedField({ name, isBase64, element }: FieldSql, index: number): FieldSql {
  return { name, isBase64, element, text: quoteIdentifier(name), json: `__json${index}` };
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
  for (const { column, from } of allOutputs(plan)) {
    if (!exceedsDouble(column.type)) continue;
    const index = from.kind === 'field' ? plan.transform.fields.indexOf(from.field) : -1;
    if (index >= 0) addField(index);
    // An expression or an element may be of any field.
    else if (from.kind === 'field' || from.kind === 'expression')
      for (const each of fieldSteps.keys()) addField(each);
  }
  return keys.size === 0 ? null : keys;
}
