// DEFAULT values of CREATE TABLE: checks that the text is a value of the column's type, so that a typo
// is met at CREATE and not at the first load. Texts as StarRocks words them.
import { analysisError } from '../loads/properties.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { ColumnDefinition } from '../sql/ast/ddl.ts';
import { printExpression } from '../sql/print.ts';
import { quoteText } from './properties.ts';

const INTEGER_BITS: Readonly<Partial<Record<SqlType['kind'], bigint>>> = {
  TINYINT: 8n,
  SMALLINT: 16n,
  INT: 32n,
  BIGINT: 64n,
  LARGEINT: 128n,
};

/** A function as default, as it is stored beside texts. */
const CURRENT_TIMESTAMP = /^current_timestamp(\(\d*\))?$/i;
const UUID = /^uuid\(\)$/i;

/** The stored form of a column's default: its text, or the name of a function; null = none. Throws SQL_ANALYZE when it is no value of the type. */
export function defaultText({ name, type, defaultValue }: ColumnDefinition): string | null {
  if (defaultValue === null || defaultValue.kind === 'null') return null;
  const isFunction = defaultValue.kind === 'expression';
  const text = isFunction ? printExpression(defaultValue.expression) : defaultValue.value;
  if (isFunction) {
    const isKnown =
      (type.kind === 'DATETIME' && CURRENT_TIMESTAMP.test(text)) ||
      (type.kind === 'VARCHAR' && UUID.test(text));
    if (isKnown) return UUID.test(text) ? 'uuid()' : 'CURRENT_TIMESTAMP';
    throw analysisError(
      `Unsupported expr ${text} as default of '${name}': known are CURRENT_TIMESTAMP for DATETIME and (uuid()) for VARCHAR`,
    );
  }
  const problem = problemOf(type, text);
  if (problem !== null) throw analysisError(`Invalid default value for '${name}': ${problem}`);
  return text;
}

/** The DEFAULT clause of SHOW CREATE TABLE with a blank before it, '' without default. */
export function printDefault({ type, defaultValue }: ColumnSchema): string {
  if (defaultValue === null) return '';
  if (type.kind === 'DATETIME' && CURRENT_TIMESTAMP.test(defaultValue)) {
    return ' DEFAULT CURRENT_TIMESTAMP';
  }
  if (type.kind === 'VARCHAR' && UUID.test(defaultValue)) return ' DEFAULT (uuid())';
  return ` DEFAULT ${quoteText(defaultValue)}`;
}

function problemOf(type: SqlType, text: string): string | null {
  switch (type.kind) {
    case 'BOOLEAN':
      return /^(true|false|0|1)$/i.test(text) ? null : `Invalid BOOLEAN literal: ${text}`;
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
      return integerProblem(text, INTEGER_BITS[type.kind] ?? 128n);
    case 'FLOAT':
    case 'DOUBLE':
      return text.trim() !== '' && Number.isFinite(Number(text))
        ? null
        : `Invalid floating-point literal: ${text}`;
    case 'DECIMAL':
      return decimalProblem(text, type.precision, type.scale);
    case 'DATE':
    case 'DATETIME':
      return timeProblem(text, type.kind);
    case 'CHAR':
    case 'VARCHAR':
      return Buffer.byteLength(text) <= type.length ? null : `Default value is too long: ${text}`;
    case 'JSON':
      return jsonProblem(text);
    default:
      return `a default of type ${type.kind} is not supported`;
  }
}

function integerProblem(text: string, bits: bigint): string | null {
  if (!/^[+-]?\d{1,39}$/.test(text)) return `Invalid number format: ${text}`;
  const value = BigInt(text.replace(/^\+/, ''));
  const limit = 1n << (bits - 1n);
  return value >= -limit && value < limit ? null : `Number out of range[${text}]`;
}

function decimalProblem(text: string, precision: number, scale: number): string | null {
  const match = /^[+-]?(\d*)(?:\.(\d*))?$/.exec(text);
  const [whole = '', fraction = ''] = [match?.[1], match?.[2]];
  if (match === null || whole + fraction === '') return `Invalid number format: ${text}`;
  const fits = whole.replace(/^0+/, '').length <= precision - scale && fraction.length <= scale;
  return fits
    ? null
    : `Number out of range[${text}]: the column is decimal(${precision}, ${scale})`;
}

const TIME = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d{1,6})?)?$/;

function timeProblem(text: string, kind: 'DATE' | 'DATETIME'): string | null {
  if (kind === 'DATETIME' && CURRENT_TIMESTAMP.test(text)) return null;
  const match = TIME.exec(text);
  if (match !== null) {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
      .slice(1)
      .map((part) => Number(part ?? 0));
    const date = new Date(Date.UTC(year, month - 1, day));
    const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
    if (isDay && hour < 24 && minute < 60 && second < 60) return null;
  }
  return `date literal [${text}] is invalid`;
}

function jsonProblem(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    return `Invalid JSON literal: ${text}`;
  }
}
