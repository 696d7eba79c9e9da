// How values of each type become the text that StarRocks shows: the last step of every query, and CAST
// to a string. SOURCE: StarRocks' MySQL result rows. Makes DuckDB SQL around an expression; nothing else.

import { quoteIdentifier } from '../model/duckdb-text.ts';
import type { ColumnTransport } from '../model/query-plan.ts';
import { duckdbType, type SqlType } from '../model/sql-type.ts';
import { bindLong } from './bind-long.ts';
import { quoteString } from './literal.ts';

/** A result column's SQL and how its vectors are to be read. */
export interface RenderedColumn {
  readonly sql: string;
  readonly transport: ColumnTransport;
}

/**
 * SQL that turns `sql` (an expression of `type`) into what the CN encodes: numbers and dates in their own
 * vectors (the CN prints them), everything that needs SQL to become StarRocks' text as that text. Our
 * rules may say INT where DuckDB computed in BIGINT: the cast keeps the promise.
 */
export function renderTextSql(type: SqlType, sql: string): RenderedColumn {
  switch (type.kind) {
    case 'VARBINARY':
      return { sql: `CAST(${sql} AS BLOB)`, transport: 'bytes' };
    case 'VARCHAR':
    case 'CHAR':
    case 'JSON':
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      return { sql: `CAST(${textSql(type, sql)} AS VARCHAR)`, transport: 'text' };
    default:
      return { sql: `CAST(${sql} AS ${duckdbType(type)})`, transport: 'native' };
  }
}

/** SQL for the value as VARCHAR, as CAST(x AS STRING) gives it and a result row shows it. */
export function textSql(type: SqlType, sql: string): string {
  switch (type.kind) {
    case 'VARCHAR':
    case 'CHAR':
      return sql;
    case 'BOOLEAN':
      return `CAST(CAST(${sql} AS TINYINT) AS VARCHAR)`;
    case 'FLOAT':
      return `CASE WHEN abs(${sql}) >= 1e7 THEN mr_float_text(CAST(${sql} AS DOUBLE)) ELSE ${floatText(sql)} END`;
    case 'DOUBLE':
      return floatText(sql);
    case 'DATETIME':
      return datetimeText(sql);
    case 'JSON':
      return jsonText(sql);
    case 'VARBINARY':
      // Bytes that are no UTF-8 have no text: NULL.
      return `mr_utf8_text(${sql})`;
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
      return nestedText(type, sql, 0);
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      return 'CAST(NULL AS VARCHAR)';
    case 'DECIMAL':
      return decimalText(type, sql);
    default:
      return `CAST(${sql} AS VARCHAR)`;
  }
}

/** DuckDB prints a DECIMAL(p, p) without the zero before the point: `.5`. */
function decimalText(type: Extract<SqlType, { kind: 'DECIMAL' }>, sql: string): string {
  const { precision, scale } = type;
  if (scale === 0 || precision > scale) return `CAST(${sql} AS VARCHAR)`;
  if (precision < 38) return `CAST(CAST(${sql} AS DECIMAL(${precision + 1},${scale})) AS VARCHAR)`;
  return `regexp_replace(CAST(${sql} AS VARCHAR), '^(-?)\\.', '\\10.')`;
}

/** Shortest text that reads back equal; whole numbers below 1e16 without a point, as StarRocks prints them. */
function floatText(sql: string): string {
  return `CASE WHEN ${sql} = trunc(${sql}) AND abs(${sql}) < 1e16 THEN CAST(CAST(${sql} AS BIGINT) AS VARCHAR) ELSE CAST(${sql} AS VARCHAR) END`;
}

/** Microseconds appear only when there are any, and then all six digits. */
function datetimeText(sql: string): string {
  return `CASE WHEN microsecond(${sql}) % 1000000 = 0 THEN CAST(${sql} AS VARCHAR) ELSE strftime(${sql}, '%Y-%m-%d %H:%M:%S.%f') END`;
}

const LARGE_JSON_BYTES = 1024 * 1024;

/** True for an object or array so long that parsing it would take many times its memory: it is shown as stored. */
export function isLargeJson(sql: string): string {
  return `(strlen(${sql}) > ${LARGE_JSON_BYTES} AND left(${sql}, 1) IN ('{', '['))`;
}

/** Text of a JSON value: one line, a space behind `:` and `,`, keys in order. */
export function jsonText(sql: string): string {
  return bindLong(
    [sql],
    ([text = '']) => `CASE WHEN ${isLargeJson(text)} THEN ${text} ELSE mr_json_text(${text}) END`,
  );
}

/** `[1,null,"a"]`, `{"k":1}`: how StarRocks shows arrays, maps and structs. */
function nestedText(type: SqlType, sql: string, depth: number): string {
  const name = `__e${depth}`;
  switch (type.kind) {
    case 'ARRAY': {
      const element = elementText(type.element, name, depth + 1);
      return `('[' || array_to_string(list_transform(${sql}, lambda ${name}: ${element}), ',') || ']')`;
    }
    case 'MAP': {
      const key = elementText(type.key, `${name}.key`, depth + 1);
      const value = elementText(type.value, `${name}.value`, depth + 1);
      return `('{' || array_to_string(list_transform(map_entries(${sql}), lambda ${name}: ${key} || ':' || ${value}), ',') || '}')`;
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => {
        const label = quoteString(`${quoteJson(field.name)}:`);
        const value = elementText(field.type, `${sql}.${quoteIdentifier(field.name)}`, depth + 1);
        return `${label} || ${value}`;
      });
      return `CASE WHEN ${sql} IS NULL THEN NULL ELSE '{' || ${fields.join(` || ',' || `)} || '}' END`;
    }
    default:
      return textSql(type, sql);
  }
}

function quoteJson(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A value inside a nested one: texts and dates in quotes, NULL as the word null. */
function elementText(type: SqlType, sql: string, depth: number): string {
  const text = nestedText(type, sql, depth);
  switch (type.kind) {
    case 'VARCHAR':
    case 'CHAR':
    case 'VARBINARY':
      return `coalesce('"' || replace(replace(${text}, '\\', '\\\\'), '"', '\\"') || '"', 'null')`;
    case 'JSON':
      return `coalesce('''' || ${text} || '''', 'null')`;
    case 'DATE':
    case 'DATETIME':
      return `coalesce('"' || ${text} || '"', 'null')`;
    default:
      return `coalesce(${text}, 'null')`;
  }
}
