// DuckDB expressions that turn a field's text into a column's type by StarRocks' rules: the value, or
// NULL where it does not convert. Each has a cheap way for the usual spelling (it prints back as it came)
// and an exact way for the rest. Must never give a value that the text does not say.
import { fail } from '../../base/errors.ts';
import { quoteLiteral } from '../../model/duckdb-text.ts';
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { castSql } from '../../query/cast-sql.ts';
import { nestedFromJson } from '../../query/nested-from-json.ts';

export interface ConvertOptions {
  /** No text is longer than this; a column that holds more needs no check of its own. */
  readonly maxTextBytes: number;
  /** Zone in which a time with an explicit zone (`Z`, `+08:00`) is shown. */
  readonly timeZone: string;
  /** What texts of VARBINARY are: their own bytes, or base64 (CSV), and their own bytes where they are none. */
  readonly binary: 'bytes' | 'base64';
}

/** A number with or without fraction and exponent, and spaces around it. */
const NUMBER = '\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?\\s*';

/**
 * SQL that converts `text` (SQL giving VARCHAR) to `type`; NULL = does not convert. JSON and nested
 * columns must be given the JSON text. Throws NOT_SUPPORTED for types that cannot be loaded.
 */
export function convertText(text: string, type: SqlType, options: ConvertOptions): string {
  switch (type.kind) {
    case 'BOOLEAN':
      return convertBoolean(text);
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
      return convertInteger(text, type);
    case 'FLOAT':
    case 'DOUBLE':
      return convertFloat(text, type);
    case 'DECIMAL':
      return convertDecimal(text, type.precision, type.scale);
    case 'DATE':
      return convertDate(text, options);
    case 'DATETIME':
      return convertDatetime(text, options);
    case 'CHAR':
    case 'VARCHAR':
      return type.length >= options.maxTextBytes
        ? text
        : `CASE WHEN strlen(${text}) <= ${type.length} THEN ${text} END`;
    case 'VARBINARY':
      return convertBinary(text, type.length, options);
    case 'JSON':
      return `CASE WHEN json_valid(${text}) THEN ${text} END`;
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
      return nestedFromJson(text, type, (leaf, inner) => convertText(leaf, inner, options));
    case 'NULL':
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      throw fail('NOT_SUPPORTED', { what: `loading a column of type ${type.kind}`, hint: '' });
  }
}

/**
 * SQL that converts an expression of type `from` to `type`. Text goes the way of fields; a fraction
 * is cut off for integers, as in StarRocks' CAST.
 */
export function convertExpression(
  sql: string,
  from: SqlType,
  type: SqlType,
  options: ConvertOptions,
): string {
  if (from.kind === 'CHAR' || from.kind === 'VARCHAR' || from.kind === 'JSON')
    return convertText(sql, type, options);
  switch (type.kind) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT': {
      const whole =
        from.kind === 'FLOAT' || from.kind === 'DOUBLE' || from.kind === 'DECIMAL'
          ? `trunc(${sql})`
          : sql;
      return `TRY_CAST(${whole} AS ${duckdbType(type)})`;
    }
    case 'JSON':
      return castSql(sql, from, type);
    case 'CHAR':
    case 'VARCHAR':
      return convertText(castSql(sql, from, type), type, options);
    default:
      return `TRY_CAST(${sql} AS ${duckdbType(type)})`;
  }
}

const BASE64 = '([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?';

/** SOURCE: StarRocks, be/src/formats/csv/varbinary_converter.cpp; a text of JSON goes through CAST. */
function convertBinary(
  text: string,
  length: number,
  { maxTextBytes, binary }: ConvertOptions,
): string {
  const bytes =
    binary === 'bytes'
      ? `encode(${text})`
      : `CASE WHEN regexp_full_match(${text}, '${BASE64}') THEN from_base64(${text}) ELSE COALESCE(mr_loose_base64(${text}), encode(${text})) END`;
  return length === 0 || length >= maxTextBytes
    ? bytes
    : `CASE WHEN octet_length(${bytes}) <= ${length} THEN ${bytes} END`;
}

/** A word, or any number but zero. SOURCE: StarRocks' readers of CSV and JSON. */
function convertBoolean(text: string): string {
  const number = `CASE WHEN regexp_full_match(${text}, '${NUMBER}') THEN TRY_CAST(${text} AS DOUBLE) <> 0 END`;
  return `CASE lower(trim(${text})) WHEN 'true' THEN true WHEN 'false' THEN false WHEN '1' THEN true WHEN '0' THEN false ELSE ${number} END`;
}

/** A fraction is cut off. SOURCE: StarRocks' readers of CSV and JSON. */
function convertInteger(text: string, type: SqlType): string {
  const target = duckdbType(type);
  const direct = `TRY_CAST(${text} AS ${target})`;
  const cut = (number: string): string =>
    `TRY_CAST(trunc(TRY_CAST(${text} AS ${number})) AS ${target})`;
  return [
    `CASE WHEN CAST(${direct} AS VARCHAR) = ${text} THEN ${direct}`,
    `WHEN regexp_full_match(${text}, '\\s*[+-]?\\d+\\s*') THEN ${direct}`,
    // DECIMAL(38,19) is exact where a DOUBLE would shift large values; wider ones go through DOUBLE.
    `WHEN regexp_full_match(${text}, '${NUMBER}') THEN COALESCE(${cut('DECIMAL(38,19)')}, ${cut('DOUBLE')})`,
    'END',
  ].join(' ');
}

function convertFloat(text: string, type: SqlType): string {
  const value = `TRY_CAST(${text} AS ${duckdbType(type)})`;
  return `CASE WHEN contains(${text}, '_') THEN NULL WHEN isfinite(${value}) THEN ${value} END`;
}

/** Digits of a decimal that DuckDB keeps in 64 bits: reading text into a wider one takes 200 times as long. */
const FAST_DECIMAL_DIGITS = 18;

function convertDecimal(text: string, precision: number, scale: number): string {
  const whole = `TRY_CAST(${text} AS DECIMAL(${precision},${scale}))`;
  const fast = `TRY_CAST(${text} AS DECIMAL(${FAST_DECIMAL_DIGITS},${scale}))`;
  const isWide = precision > FAST_DECIMAL_DIGITS && scale < FAST_DECIMAL_DIGITS;
  const value = isWide
    ? `COALESCE(CAST(${fast} AS DECIMAL(${precision},${scale})), ${whole})`
    : whole;
  // DuckDB reads `1_000` as 1000; StarRocks does not.
  return `CASE WHEN contains(${text}, '_') THEN NULL ELSE ${value} END`;
}

/** 0001 to 9999. */
const YEAR = '([1-9]\\d{3}|0[1-9]\\d{2}|00[1-9]\\d|000[1-9])';
const DAY = `${YEAR}[-/]\\d{1,2}[-/]\\d{1,2}`;
// DuckDB takes 24:00:00 for the next day; StarRocks does not.
const TIME = '([01]?\\d|2[0-3]):\\d{1,2}(:\\d{1,2}(\\.\\d+)?)?';
const ZONE = '\\s*([zZ]|[+-]\\d\\d(:?\\d\\d)?)';

/** Anything but the canonical spelling: compact digits, `/`, `T`, one-digit parts, two-digit years, zones. */
function slowDatetime(text: string, options: ConvertOptions): string {
  const trimmed = `trim(${text})`;
  const colon = `regexp_replace(upper(${trimmed}), '([+-]\\d\\d)(\\d\\d)$', '\\1:\\2')`;
  const instant = `COALESCE(TRY_CAST(${trimmed} AS TIMESTAMPTZ), TRY_CAST(${colon} AS TIMESTAMPTZ))`;
  const zoned = /^(UTC|Etc\/UTC|GMT|\+00:00)$/i.test(options.timeZone)
    ? `make_timestamp(epoch_us(${instant}))`
    : `${instant} AT TIME ZONE ${quoteLiteral(options.timeZone)}`;
  const century = `CASE WHEN ${trimmed}[1:2] < '70' THEN '20' ELSE '19' END || ${trimmed}`;
  return [
    'CASE',
    `WHEN regexp_full_match(${trimmed}, '${DAY}([ T]${TIME})?') THEN TRY_CAST(${trimmed} AS TIMESTAMP)`,
    `WHEN regexp_full_match(${trimmed}, '${DAY}[ T]${TIME}${ZONE}') THEN ${zoned}`,
    `WHEN regexp_full_match(${trimmed}, '${YEAR}\\d{4}') THEN try_strptime(${trimmed}, '%Y%m%d')`,
    `WHEN regexp_full_match(${trimmed}, '${YEAR}\\d{10}') THEN try_strptime(${trimmed}, '%Y%m%d%H%M%S')`,
    `WHEN regexp_full_match(${trimmed}, '\\d{2}[-/]\\d{1,2}[-/]\\d{1,2}([ T]${TIME})?') THEN TRY_CAST(${century} AS TIMESTAMP)`,
    'END',
  ].join(' ');
}

function convertDatetime(text: string, options: ConvertOptions): string {
  const direct = `TRY_CAST(${text} AS TIMESTAMP)`;
  const usual = isUsual(direct, text, 'TIMESTAMP', '9999-12-31 23:59:59.999999');
  return `CASE WHEN ${usual} THEN ${direct} ELSE ${slowDatetime(text, options)} END`;
}

function convertDate(text: string, options: ConvertOptions): string {
  const direct = `TRY_CAST(${text} AS DATE)`;
  const usual = isUsual(direct, text, 'DATE', '9999-12-31');
  return `CASE WHEN ${usual} THEN ${direct} ELSE CAST(${slowDatetime(text, options)} AS DATE) END`;
}

/** The text is how DuckDB prints the value, and the value is in years 1 to 9999: no `infinity`, no BC. */
function isUsual(direct: string, text: string, type: string, last: string): string {
  return `CAST(${direct} AS VARCHAR) = ${text} AND ${direct} BETWEEN ${type} '0001-01-01' AND ${type} '${last}'`;
}
