// CAST as StarRocks does it, in DuckDB SQL: what does not convert is NULL, never an error; fractions are
// cut, not rounded, on the way to integers. SOURCE: StarRocks CAST documentation and answers.
import { duckdbType, type SqlType } from '../model/sql-type.ts';
import { jsonReadySql, nestedCastSql } from './nested-cast.ts';
import { isLargeJson, textSql } from './render.ts';
import { isFloating, isInteger, isString, isTemporal, sameRepresentation } from './types.ts';

/** SQL for `sql`, an expression of type `from`, converted to `to`. The pair must have passed `isCastable`. */
export function castSql(sql: string, from: SqlType, to: SqlType): string {
  if (from.kind === 'NULL') return `CAST(NULL AS ${duckdbType(to)})`;
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
    case 'DOUBLE':
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
      return `TRY_CAST(TRY_CAST(${sql} AS JSON) AS ${duckdbType(to)})`;
  }
}

/** `2020-1-5`, `2020/01/05 10:20:30.5`, `20200105`, `20200105102030`; words such as 'epoch' are no dates. */
export function stringToDatetime(sql: string): string {
  const digits = `CASE WHEN regexp_full_match(${sql}, '\\s*([0-9]{8}|[0-9]{14})\\s*') THEN try_strptime(trim(${sql}), ['%Y%m%d', '%Y%m%d%H%M%S']) END`;
  // The usual form first: it costs a third of the patterns below. No word begins with a digit, no year is BC.
  const usual = `CASE WHEN left(ltrim(${sql}), 1) BETWEEN '0' AND '9' AND NOT contains(${sql}, '(') THEN TRY_CAST(trim(${sql}) AS TIMESTAMP) END`;
  return `coalesce(${usual}, ${digits})`;
}

function fromTemporal(sql: string, from: SqlType, to: SqlType): string {
  if (to.kind === 'DATE') return `CAST(${sql} AS DATE)`;
  if (to.kind === 'DATETIME') return `CAST(${sql} AS TIMESTAMP)`;
  if (to.kind === 'BOOLEAN') return `(${sql} IS NOT NULL)`;
  // 20200105 and 20200105102030, as StarRocks reads dates as numbers.
  const digits = from.kind === 'DATE' ? '%Y%m%d' : '%Y%m%d%H%M%S';
  return `TRY_CAST(strftime(${sql}, '${digits}') AS ${duckdbType(to)})`;
}

function numberToTemporal(sql: string, from: SqlType, to: SqlType): string {
  const isWhole = isInteger(from) || from.kind === 'BOOLEAN';
  const whole = isWhole ? `CAST(${sql} AS HUGEINT)` : `TRY_CAST(trunc(${sql}) AS BIGINT)`;
  const parsed = `try_strptime(CAST(${whole} AS VARCHAR), ['%Y%m%d', '%Y%m%d%H%M%S'])`;
  return to.kind === 'DATE' ? `CAST(${parsed} AS DATE)` : parsed;
}

function fromJson(sql: string, to: SqlType): string {
  if (isString(to)) {
    // JSON null is NULL. SOURCE: StarRocks' page on CAST of JSON.
    return `CASE WHEN ${isLargeJson(sql)} THEN ${sql} WHEN json_type(TRY_CAST(${sql} AS JSON)) = 'NULL' THEN NULL WHEN json_type(TRY_CAST(${sql} AS JSON)) = 'VARCHAR' THEN json_extract_string(TRY_CAST(${sql} AS JSON), '$') ELSE ${textSql({ kind: 'JSON' }, sql)} END`;
  }
  const scalar = `json_extract_string(TRY_CAST(${sql} AS JSON), '$')`;
  if (to.kind === 'ARRAY' || to.kind === 'MAP' || to.kind === 'STRUCT')
    return `TRY_CAST(TRY_CAST(${sql} AS JSON) AS ${duckdbType(to)})`;
  if (isInteger(to)) {
    const type = duckdbType(to);
    return `CASE WHEN ${scalar} = 'true' THEN CAST(1 AS ${type}) WHEN ${scalar} = 'false' THEN CAST(0 AS ${type}) WHEN regexp_full_match(${scalar}, '[+-]?[0-9]+') THEN TRY_CAST(${scalar} AS ${type}) ELSE TRY_CAST(trunc(TRY_CAST(${scalar} AS DOUBLE)) AS ${type}) END`;
  }
  return fromString(scalar, to);
}
