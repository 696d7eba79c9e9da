// DEFAULT values of CREATE TABLE: checks that the text is a value of the column's type, so that a typo
// is met at CREATE and not at the first load. Texts as StarRocks words them.
import { analysisError } from '../loads/properties.ts';
import { computedDefault, emptySketch } from '../model/column-default.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { ColumnDefinition } from '../sql/ast/ddl.ts';
import type { Expression } from '../sql/ast/expression.ts';
import { printExpression } from '../sql/print.ts';
import { quoteText } from './properties.ts';

const INTEGER_BITS: Readonly<Partial<Record<SqlType['kind'], bigint>>> = {
  TINYINT: 8n,
  SMALLINT: 16n,
  INT: 32n,
  BIGINT: 64n,
  LARGEINT: 128n,
};

const FUNCTIONS =
  'now() and current_timestamp for DATETIME, uuid() for VARCHAR, uuid_numeric() for LARGEINT';
/** Characters of a UUID. */
const UUID_LENGTH = 36;

type StoredDefault = Pick<ColumnSchema, 'defaultValue' | 'defaultIsText'>;

/**
 * The stored form of a column's default: its text, or a function as column-default.ts reads it. BITMAP and HLL
 * columns that are merged begin as empty ones. Throws SQL_ANALYZE when it is no value of the type.
 */
export function columnDefault({
  name,
  type,
  aggregate,
  defaultValue,
}: Pick<ColumnDefinition, 'name' | 'type' | 'aggregate' | 'defaultValue'>): StoredDefault {
  if (defaultValue === null || defaultValue.kind === 'null') {
    const isEmptySketch = aggregate !== null && emptySketch(type) !== null && defaultValue === null;
    return { defaultValue: isEmptySketch ? '' : null };
  }
  if (defaultValue.kind === 'expression') {
    return { defaultValue: functionDefault(name, type, defaultValue.expression) };
  }
  const { value } = defaultValue;
  // As MySQL's clients write it, also in quotes.
  const isTime =
    type.kind === 'DATETIME' && computedDefault({ type, defaultValue: value }) !== null;
  if (isTime) return { defaultValue: value.toUpperCase() };
  const problem = problemOf(type, value);
  if (problem !== null) throw analysisError(`Invalid default value for '${name}': ${problem}`);
  const looksComputed = computedDefault({ type, defaultValue: value }) !== null;
  return { defaultValue: value, ...(looksComputed ? { defaultIsText: true } : {}) };
}

/** Throws SQL_ANALYZE for other functions and for types that they are not for. */
function functionDefault(name: string, type: SqlType, expression: Expression): string {
  const text = printExpression(expression);
  const invalid = (why: string): Error =>
    analysisError(`Invalid default value for '${name}': ${why}`);
  if (expression.kind !== 'function') {
    throw invalid(`Unsupported expr ${text} for default value: known are ${FUNCTIONS}`);
  }
  const called = expression.name.toLowerCase();
  const notFor = `Default function ${called}() for type ${printSqlType(type)} is not supported`;
  switch (called) {
    case 'now':
    case 'current_timestamp': {
      if (type.kind !== 'DATETIME') throw invalid(notFor);
      const digits = expression.args[0];
      if (digits === undefined) return 'CURRENT_TIMESTAMP';
      const isDigits = digits.kind === 'integer' && /^[0-6]$/.test(digits.text);
      if (!isDigits || expression.args.length > 1) {
        throw invalid(`${called}() takes a precision from 0 to 6`);
      }
      return `CURRENT_TIMESTAMP(${digits.text})`;
    }
    case 'uuid':
      if (type.kind !== 'VARCHAR') throw invalid(notFor);
      if (type.length < UUID_LENGTH) {
        throw invalid(`Varchar type length must be at least ${UUID_LENGTH} for uuid function`);
      }
      break;
    case 'uuid_numeric':
      if (type.kind !== 'LARGEINT') throw invalid(notFor);
      break;
    default:
      throw invalid(`Default expr for function ${called} is not supported: known are ${FUNCTIONS}`);
  }
  if (expression.args.length > 0) throw invalid(`${called}() takes no arguments`);
  return `${called}()`;
}

/** What DESC and information_schema say of a default, and of what there is beyond it. SOURCE: StarRocks, DESC. */
export function shownDefault(
  column: Pick<ColumnSchema, 'type' | 'defaultValue' | 'defaultIsText' | 'aggregate'>,
): { readonly value: string | null; readonly extra: readonly string[] } {
  const extra: string[] = column.aggregate === undefined ? [] : [column.aggregate];
  if (computedDefault(column) !== null) extra.push('DEFAULT_GENERATED');
  const isSketch = column.aggregate !== undefined && emptySketch(column.type) !== null;
  return { value: isSketch ? null : column.defaultValue, extra };
}

/** The DEFAULT clause of SHOW CREATE TABLE with a blank before it, '' without default. */
export function printDefault(column: ColumnSchema): string {
  const { defaultValue } = column;
  if (defaultValue === null) return '';
  // Merged sketches begin as empty ones anyway. SOURCE: StarRocks prints none.
  if (column.aggregate !== undefined && emptySketch(column.type) !== null) return '';
  const computed = computedDefault(column);
  switch (computed?.kind) {
    case 'now':
      return ` DEFAULT ${defaultValue}`;
    case 'uuid':
    case 'uuid_numeric':
      return ` DEFAULT (${defaultValue})`;
    default:
      return ` DEFAULT ${quoteText(defaultValue)}`;
  }
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
      return timeProblem(text);
    case 'CHAR':
    case 'VARCHAR':
      return Buffer.byteLength(text) <= type.length ? null : `Default value is too long: ${text}`;
    case 'JSON':
      return jsonProblem(text);
    case 'VARBINARY':
    case 'BITMAP':
    case 'HLL':
      return text === '' ? null : `the only default of type ${type.kind} is the empty text`;
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

function timeProblem(text: string): string | null {
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
