// How the table's rows are written down: small builders over signature texts such as
// `(string, int?) -> string`, `(T, T...) -> T`, `(array<T>, T) -> boolean`.
import { assert } from '../../base/assert.ts';
import type { SqlType } from '../../model/sql-type.ts';
import {
  BIGINT,
  BITMAP,
  BOOLEAN,
  DATE,
  DATETIME,
  DOUBLE,
  FLOAT,
  HLL,
  INT,
  JSON_TYPE,
  LARGEINT,
  PERCENTILE,
  SMALLINT,
  STRING,
  TINYINT,
  VARBINARY,
} from '../types.ts';
import type {
  DuckdbForm,
  FunctionCategory,
  FunctionEntry,
  FunctionExample,
  FunctionKind,
  NullRule,
  ParameterSpec,
  ResultRule,
  Signature,
} from './entry.ts';

const TYPES: Readonly<Record<string, SqlType>> = {
  boolean: BOOLEAN,
  tinyint: TINYINT,
  smallint: SMALLINT,
  int: INT,
  bigint: BIGINT,
  largeint: LARGEINT,
  float: FLOAT,
  double: DOUBLE,
  string: STRING,
  date: DATE,
  datetime: DATETIME,
  json: JSON_TYPE,
  varbinary: VARBINARY,
  bitmap: BITMAP,
  hll: HLL,
  percentile: PERCENTILE,
};
const FAMILIES = ['number', 'integer', 'decimal', 'temporal', 'any', 'struct'] as const;

/** What a row may say beside its names, signatures, text and example. */
export interface FunctionOptions {
  readonly nulls?: NullRule;
  readonly constant?: FunctionEntry['constant'];
  /** Aggregates only; true unless said otherwise. */
  readonly takesDistinct?: boolean;
  /** Aggregates only; false unless said otherwise. */
  readonly takesOrder?: boolean;
  /** Aggregates only; true unless said otherwise. */
  readonly takesOver?: boolean;
  /** Table functions only. */
  readonly parameterNames?: readonly string[];
}

/** One signature: its text, its DuckDB form, and a result rule where the text's result does not say enough. */
export type SignatureRow = readonly [text: string, duckdb: DuckdbForm, result?: ResultRule];

export type Define = (
  /** `name, alias, alias`. */
  names: string,
  signatures: SignatureRow | readonly SignatureRow[],
  doc: string,
  /** SQL and answer, null where the answer is different each time. */
  example: readonly [sql: string, result: string | null] | null,
  options?: FunctionOptions,
) => FunctionEntry;

/** A builder for one file of the table. */
export function definer(kind: FunctionKind, category: FunctionCategory): Define {
  return (names, signatures, doc, example, options = {}) => ({
    names: names.split(',').map((name) => name.trim()),
    kind,
    category,
    signatures: rowsOf(signatures).map(parseRow),
    nulls: options.nulls ?? (kind === 'scalar' ? 'propagate' : 'own'),
    doc,
    example: example === null ? null : exampleOf(example),
    constant: options.constant ?? null,
    takesDistinct: kind === 'aggregate' && (options.takesDistinct ?? true),
    takesOrder: options.takesOrder ?? false,
    parameterNames: options.parameterNames ?? [],
    takesOver: kind === 'window' || (kind === 'aggregate' && (options.takesOver ?? true)),
  });
}

function exampleOf([sql, result]: readonly [string, string | null]): FunctionExample {
  return { sql, result };
}

function rowsOf(rows: SignatureRow | readonly SignatureRow[]): readonly SignatureRow[] {
  return isSingle(rows) ? [rows] : rows;
}

function isSingle(rows: SignatureRow | readonly SignatureRow[]): rows is SignatureRow {
  return typeof rows[0] === 'string';
}

function parseRow([text, duckdb, result]: SignatureRow): Signature {
  const match = /^\((.*)\) -> (.+)$/.exec(text);
  assert(match !== null, `function signature ${text} has the form (a, b) -> c`);
  const words = splitTop(match[1] ?? '');
  const required = words.filter((word) => !word.endsWith('?')).length;
  const variadic = /\.\.\.\??$/.test(words.at(-1) ?? '');
  return {
    text,
    parameters: words.map((word) => parseSpec(word.replace(/(\.\.\.)?\??$/, ''))),
    required,
    variadic,
    result: result ?? parseSpec(match[2] ?? ''),
    duckdb,
  };
}

/** Splits at commas outside `<>`. */
function splitTop(text: string): readonly string[] {
  if (text.trim() === '') return [];
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    const ch = text[i];
    if (ch === '<') depth++;
    if (ch === '>') depth--;
    if (ch === undefined || (ch === ',' && depth === 0)) {
      parts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return parts;
}

function parseSpec(word: string): ParameterSpec {
  const type = TYPES[word];
  if (type !== undefined) return { kind: 'type', type };
  const family = FAMILIES.find((name) => name === word);
  if (family !== undefined) return { kind: 'family', family };
  if (word === 'interval') return { kind: word };
  if (word === 'lambda') return { kind: 'lambda', body: 'any' };
  if (word === 'predicate') return { kind: 'lambda', body: 'boolean' };
  if (/^[A-Z]$/.test(word)) return { kind: 'variable', name: word };
  const nested = /^(array|map)<(.+)>$/.exec(word);
  assert(nested !== null, `type word ${word} of a function signature is known`);
  const [first = '', second = ''] = splitTop(nested[2] ?? '');
  return nested[1] === 'array'
    ? { kind: 'array', element: parseSpec(first) }
    : { kind: 'map', key: parseSpec(first), value: parseSpec(second) };
}
