// The committed table of what a value becomes (test/fixtures/strict-cases.tsv): its lines, the tables that
// hold every type of it, rows that differ from a good one in one column, and what each of them must leave behind.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type CaseFormat = 'csv' | 'json' | 'insert';

export interface StrictCase {
  /** Line of the file; also the key of its row. */
  readonly id: number;
  readonly type: string;
  readonly format: CaseFormat;
  /** The field, the JSON text or the SQL literal; null = nothing is given. */
  readonly value: string | null;
  readonly loose: Outcome;
  readonly strict: Outcome;
  readonly source: string;
}

/** What a row of a case leaves: a value as SQL prints it, NULL, or nothing, as it is filtered. */
type Outcome = { readonly text: string | null } | 'filtered';

export interface CaseMode {
  readonly strict: boolean;
  readonly nullable: boolean;
}

export const CASE_MODES: readonly CaseMode[] = [
  { strict: false, nullable: true },
  { strict: true, nullable: true },
  { strict: false, nullable: false },
  { strict: true, nullable: false },
];

const FILE = join(import.meta.dirname, '..', 'fixtures', 'strict-cases.tsv');
const FIELDS = 6;

/** A value that every format reads, for the columns that a case is not about. */
const GOOD: Readonly<Record<string, { readonly csv: string; readonly json: string }>> = {
  DATE: { csv: '2024-01-01', json: '"2024-01-01"' },
  DATETIME: { csv: '2024-01-01 00:00:00', json: '"2024-01-01 00:00:00"' },
  JSON: { csv: '{}', json: '{}' },
  'ARRAY<INT>': { csv: '[]', json: '[]' },
  'MAP<VARCHAR(4),INT>': { csv: '{}', json: '{}' },
  'STRUCT<a INT>': { csv: '{"a":1}', json: '{"a":1}' },
};
const GOOD_NUMBER = { csv: '1', json: '1' };

function readCases(): StrictCase[] {
  const cases: StrictCase[] = [];
  for (const [index, line] of readFileSync(FILE, 'utf8').split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [type = '', format, value = '', loose = '', strict = '', source = ''] = line.split('\t');
    if (
      line.split('\t').length !== FIELDS ||
      (format !== 'csv' && format !== 'json' && format !== 'insert')
    )
      throw new Error(`strict-cases.tsv, line ${index + 1}: ${line}`);
    cases.push({
      id: index + 1,
      type,
      format,
      value: value === '<none>' ? null : value.replace('<empty>', ''),
      loose: outcome(loose),
      strict: outcome(strict),
      source,
    });
  }
  return cases;
}

function outcome(text: string): Outcome {
  if (text === 'x') return 'filtered';
  return { text: text === '\\N' ? null : text };
}

export const STRICT_CASES: readonly StrictCase[] = readCases();

const TYPES = [...new Set(STRICT_CASES.map((one) => one.type))];

/** Names of the sources that the head of the file explains. */
export function explainedSources(): ReadonlySet<string> {
  const head = readFileSync(FILE, 'utf8').split('\n');
  return new Set(
    head.flatMap((line) => /^# {3}([a-z]+-[a-z]+|decimal|date) {2,}/.exec(line)?.[1] ?? []),
  );
}

export function columnOf(type: string): string {
  return `c${TYPES.indexOf(type)}`;
}

/** Columns of CREATE TABLE: `id`, and one of every type. */
export function caseColumns({ nullable }: CaseMode): string {
  const columns = TYPES.map((type) => `${columnOf(type)} ${type}${nullable ? '' : ' NOT NULL'}`);
  return ['id INT NOT NULL', ...columns].join(', ');
}

export function tableOf(prefix: string, { strict, nullable }: CaseMode): string {
  return `${prefix}_${strict ? 'strict' : 'loose'}_${nullable ? 'null' : 'not_null'}`;
}

/** The row of a case for CSV. */
export function csvRow(one: StrictCase, separator = '|'): string {
  const fields = TYPES.map((type) => (type === one.type ? (one.value ?? '') : good(type).csv));
  return [String(one.id), ...fields].join(separator);
}

/** The row of a case as a JSON object. */
export function jsonRow(one: StrictCase): string {
  const fields = TYPES.flatMap((type) => {
    const value = type === one.type ? one.value : good(type).json;
    return value === null ? [] : [`"${columnOf(type)}":${value}`];
  });
  return `{"id":${one.id},${fields.join(',')}}`;
}

/** VALUES of INSERT behind `(id, ${insertColumns()})`. */
export function insertRow(one: StrictCase): string {
  const fields = TYPES.map((type) => (type === one.type ? (one.value ?? 'NULL') : goodSql(type)));
  return `(${[String(one.id), ...fields].join(', ')})`;
}

export function insertColumns(): string {
  return TYPES.map(columnOf).join(', ');
}

function good(type: string): { readonly csv: string; readonly json: string } {
  return GOOD[type] ?? GOOD_NUMBER;
}

function goodSql(type: string): string {
  if (type === 'ARRAY<INT>') return '[]';
  if (type.startsWith('MAP')) return "map{'a': 1}";
  if (type.startsWith('STRUCT')) return 'row(1)';
  if (type === 'JSON') return "parse_json('{}')";
  return `'${good(type).csv}'`;
}

/** What the row of a case must have become: the text of its column, null = NULL, undefined = no row. */
export function expected(one: StrictCase, mode: CaseMode): string | null | undefined {
  const result = mode.strict ? one.strict : one.loose;
  if (result === 'filtered') return undefined;
  return result.text === null && !mode.nullable ? undefined : result.text;
}

/** Compares what a table holds with what its cases must have left; one line for each difference. */
export function differences(
  cases: readonly StrictCase[],
  mode: CaseMode,
  found: ReadonlyMap<number, string | null>,
): string[] {
  const shown = (value: string | null | undefined): string =>
    value === undefined ? 'no row' : value === null ? 'NULL' : `'${value}'`;
  return cases.flatMap((one) => {
    const wanted = expected(one, mode);
    const got = found.get(one.id);
    return wanted === got
      ? []
      : [
          `line ${one.id}: ${one.type} ${one.format} '${one.value ?? '<none>'}' (${one.source}): ${shown(wanted)} expected, got ${shown(got)}`,
        ];
  });
}

/** SQL that reads `id` and the column that the row is about. */
export function readBack(table: string, cases: readonly StrictCase[]): string[] {
  return [...new Set(cases.map((one) => one.type))].map((type) => {
    const ids = cases.filter((one) => one.type === type).map((one) => one.id);
    return `SELECT id, ${columnOf(type)} FROM ${table} WHERE id IN (${ids.join(', ')})`;
  });
}
