// CAST as StarRocks does it, in DuckDB SQL: what does not convert is NULL, never an error; fractions are
// cut, not rounded, on the way to integers. SOURCE: StarRocks CAST documentation and answers.
import { duckdbType, type SqlType } from '../model/sql-type.ts';
import { jsonReadySql, nestedCastSql } from './nested-cast.ts';
import { nestedFromJson } from './nested-from-json.ts';
import { isLargeJson, textSql } from './render.ts';
import { isFloating, isInteger, isString, isTemporal, sameRepresentation } from './types.ts';

/** SQL for `sql`, an expression of type `from`, converted to `to`. The pair must have passed `isCastable`. */
export function castSql(sql: string, from: SqlType, to: SqlType): string {
  if (from.kind === 'NULL' || to.kind === 'NULL') return `CAST(NULL AS ${duckdbType(to)})`;
  if (sameRepresentation(from, to)) return sql;
  if (from.kind === 'JSON') return fromJson(sql, to);
  if (isString(from)) return fromString(sql, to);
  if (to.kind === 'JSON') return `CAST(to_json(${jsonReadySql(sql, from, textSql)}) AS VARCHAR)`;
  const nested = nestedCastSql(sql, from, to, castSql);
  if (nested !== undefined) return nested;
  if (isString(to)) return textSql(from, sql);
  if (from.kind === 'VARBINARY' || to.kind === 'VARBINARY')
    return `CAST(NULL AS ${duckdbType(to)})`;
  if (isTemporal(from)) return fromTemporal(sql, from, to);
  if (isTemporal(to)) return numberToTemporal(sql, from, to);
  if (to.kind === 'BOOLEAN') return `(${sql} <> 0)`;
  if (isInteger(to) && (isFloating(from) || from.kind === 'DECIMAL'))
    return `TRY_CAST(trunc(${sql}) AS ${duckdbType(to)})`;
  return `TRY_CAST(${sql} AS ${duckdbType(to)})`;
}

function fromString(sql: string, to: SqlType): string {
  switch (to.kind) {
    case 'CHAR':
    case 'VARCHAR':
      // Not cut to n bytes. SOURCE: StarRocks 3.3 answers CAST(12345 AS CHAR(1)) with 12345 (its issue 56391).
      return sql;
    case 'BOOLEAN':
      return `coalesce(TRY_CAST(${sql} AS BIGINT) <> 0, CASE lower(trim(${sql})) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END)`;
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
      // DuckDB alone would take '1.5', '1e3', '0x1F' and '1_000'; StarRocks makes NULL of them.
      return `CASE WHEN regexp_full_match(${sql}, '\\s*[+-]?[0-9]+\\s*') THEN TRY_CAST(${sql} AS ${duckdbType(to)}) END`;
    case 'FLOAT':
    case 'DOUBLE': {
      // Neither 1e400 nor the words inf and nan. SOURCE: StarRocks makes NULL of text that is no finite number.
      const number = `TRY_CAST(${sql} AS ${duckdbType(to)})`;
      return `CASE WHEN NOT contains(${sql}, '_') AND isfinite(${number}) THEN ${number} END`;
    }
    case 'DECIMAL':
      return `CASE WHEN NOT contains(${sql}, '_') THEN TRY_CAST(${sql} AS ${duckdbType(to)}) END`;
    case 'DATE':
      return `CAST(${stringToDatetime(sql)} AS DATE)`;
    case 'DATETIME':
      return stringToDatetime(sql);
    case 'VARBINARY':
      return `encode(${sql})`;
    case 'JSON':
      // Text that begins like an object or an array is parsed, everything else is a JSON string.
      return `CASE WHEN regexp_matches(${sql}, '^\\s*[\\[{]') THEN CAST(TRY_CAST(${sql} AS JSON) AS VARCHAR) ELSE CAST(to_json(${sql}) AS VARCHAR) END`;
    default:
      return nestedFromJson(sql, to, fromString);
  }
}

/** Every form that datetimeOf knows; words such as 'epoch' are no dates. */
export function stringToDatetime(sql: string): string {
  // The usual lengths of `2020-01-05 10:20:30.5` are DuckDB's; the rest costs a call for each value.
  const usual = `CASE WHEN (strlen(${sql}) IN (10, 19) OR ${sql}[20] = '.') AND ${sql}[5] = '-' AND ${sql}[12:13] <> '24' AND NOT contains(${sql}, '+') THEN TRY_CAST(${sql} AS TIMESTAMP) END`;
  return `coalesce(${usual}, TRY_CAST(mr_datetime_text(${sql}) AS TIMESTAMP))`;
}

function fromTemporal(sql: string, from: SqlType, to: SqlType): string {
  if (to.kind === 'DATE') return `CAST(${sql} AS DATE)`;
  if (to.kind === 'DATETIME') return `CAST(${sql} AS TIMESTAMP)`;
  if (to.kind === 'BOOLEAN') return `(${sql} IS NOT NULL)`;
  // 20200105 and 20200105102030, as StarRocks reads dates as numbers.
  const digits = from.kind === 'DATE' ? '%Y%m%d' : '%Y%m%d%H%M%S';
  return `TRY_CAST(strftime(${sql}, '${digits}') AS ${duckdbType(to)})`;
}

/** 20200105, 200105, 20200105102030, 200105102030; leading zeros may be missing. */
function numberToTemporal(sql: string, from: SqlType, to: SqlType): string {
  const isWhole = isInteger(from) || from.kind === 'BOOLEAN';
  const whole = isWhole ? `CAST(${sql} AS HUGEINT)` : `TRY_CAST(trunc(${sql}) AS BIGINT)`;
  const text = `CAST(${whole} AS VARCHAR)`;
  const width = `CASE WHEN length(${text}) <= 6 THEN 6 WHEN length(${text}) <= 8 THEN 8 WHEN length(${text}) <= 12 THEN 12 ELSE 14 END`;
  // 14 digits at most: lpad would cut longer ones.
  const digits = `CASE WHEN length(${text}) <= 14 THEN lpad(${text}, ${width}, '0') END`;
  const parsed = `coalesce(try_strptime(${text}, ['%Y%m%d%H%M%S', '%Y%m%d']), TRY_CAST(mr_datetime_text(${digits}) AS TIMESTAMP))`;
  return to.kind === 'DATE' ? `CAST(${parsed} AS DATE)` : parsed;
}

function fromJson(sql: string, to: SqlType): string {
  if (isString(to)) {
    // JSON null is NULL. SOURCE: StarRocks' page on CAST of JSON.
    return `CASE WHEN ${isLargeJson(sql)} THEN ${sql} WHEN json_type(TRY_CAST(${sql} AS JSON)) = 'NULL' THEN NULL WHEN json_type(TRY_CAST(${sql} AS JSON)) = 'VARCHAR' THEN json_extract_string(TRY_CAST(${sql} AS JSON), '$') ELSE ${textSql({ kind: 'JSON' }, sql)} END`;
  }
  const scalar = `json_extract_string(TRY_CAST(${sql} AS JSON), '$')`;
  if (to.kind === 'ARRAY' || to.kind === 'MAP' || to.kind === 'STRUCT')
    return nestedFromJson(sql, to, fromJsonScalar);
  return fromJsonScalar(scalar, to);
}

/** From the text of a JSON number, word or string (without its quotes). */
function fromJsonScalar(scalar: string, to: SqlType): string {
  if (isString(to)) return scalar;
  if (isInteger(to)) {
    const type = duckdbType(to);
    return `CASE WHEN ${scalar} = 'true' THEN CAST(1 AS ${type}) WHEN ${scalar} = 'false' THEN CAST(0 AS ${type}) WHEN regexp_full_match(${scalar}, '[+-]?[0-9]+') THEN TRY_CAST(${scalar} AS ${type}) ELSE TRY_CAST(trunc(TRY_CAST(${scalar} AS DOUBLE)) AS ${type}) END`;
  }
  return fromString(scalar, to);
}
