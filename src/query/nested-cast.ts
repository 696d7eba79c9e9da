// Conversions inside arrays, maps and structs: element by element by the rules of plain values, so that
// one that does not convert is NULL and does not spoil its neighbours; and their way into JSON.
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { duckdbType, type SqlType } from '../model/sql-type.ts';
import { bindLong } from './bind-long.ts';
import { quoteString } from './literal.ts';
import { entrySql, mapFromEntriesSql } from './map-sql.ts';
import { isInteger, sameRepresentation } from './types.ts';

type Cast = (sql: string, from: SqlType, to: SqlType) => string;
type Of<K extends SqlType['kind']> = Extract<SqlType, { kind: K }>;

/** SQL for an array, map or struct as one of another type; undefined when the pair is no such one. */
export function nestedCastSql(
  sql: string,
  from: SqlType,
  to: SqlType,
  cast: Cast,
): string | undefined {
  if (from.kind === 'ARRAY' && to.kind === 'ARRAY') return castArray(sql, from, to, cast);
  if (from.kind === 'MAP' && to.kind === 'MAP') return castMap(sql, from, to, cast);
  if (from.kind === 'STRUCT' && to.kind === 'STRUCT') return castStruct(sql, from, to, cast);
  return undefined;
}

function castArray(sql: string, from: Of<'ARRAY'>, to: Of<'ARRAY'>, cast: Cast): string {
  const type = duckdbType(to);
  if (from.element.kind === 'NULL') return `CAST(${sql} AS ${type})`;
  // The engine's own cast of a whole list is much faster, and right where nothing is lost.
  if (isInteger(from.element) && isInteger(to.element)) return `TRY_CAST(${sql} AS ${type})`;
  return `list_transform(${sql}, lambda mr_c: ${cast('mr_c', from.element, to.element)})`;
}

function castMap(sql: string, from: Of<'MAP'>, to: Of<'MAP'>, cast: Cast): string {
  const entry = entrySql(
    cast('mr_c.key', from.key, to.key),
    cast('mr_c.value', from.value, to.value),
  );
  const entries = `list_transform(map_entries(${sql}), lambda mr_c: ${entry})`;
  // Different keys may become the same one.
  const map = sameRepresentation(from.key, to.key)
    ? `map_from_entries(${entries})`
    : mapFromEntriesSql(entries);
  return `CAST(${map} AS ${duckdbType(to)})`;
}

/** By position; the names are the new type's. */
function castStruct(sql: string, from: Of<'STRUCT'>, to: Of<'STRUCT'>, cast: Cast): string {
  return bindLong([sql], ([value = '']) => {
    const fields = to.fields.map(({ name, type }, i) => {
      const field = from.fields[i];
      const inner =
        field === undefined
          ? 'NULL'
          : cast(`struct_extract(${value}, ${quoteString(field.name)})`, field.type, type);
      return `${quoteIdentifier(name)} := ${inner}`;
    });
    return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`;
  });
}

/**
 * SQL that DuckDB's to_json makes StarRocks' JSON of: JSON (text in the engine) as JSON and not as a
 * string, DATETIME as `text` says, at every depth.
 */
export function jsonReadySql(
  sql: string,
  type: SqlType,
  text: (type: SqlType, sql: string) => string,
): string {
  if (!needsWork(type)) return sql;
  switch (type.kind) {
    case 'JSON':
      return `TRY_CAST(${sql} AS JSON)`;
    case 'DATETIME':
      return text(type, sql);
    case 'ARRAY':
      return `list_transform(${sql}, lambda mr_j: ${jsonReadySql('mr_j', type.element, text)})`;
    case 'MAP': {
      const entry = entrySql('mr_j.key', jsonReadySql('mr_j.value', type.value, text));
      return `map_from_entries(list_transform(map_entries(${sql}), lambda mr_j: ${entry}))`;
    }
    case 'STRUCT':
      return bindLong([sql], ([value = '']) => {
        const fields = type.fields.map((field) => {
          const inner = `struct_extract(${value}, ${quoteString(field.name)})`;
          return `${quoteIdentifier(field.name)} := ${jsonReadySql(inner, field.type, text)}`;
        });
        return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`;
      });
    default:
      return sql;
  }
}

function needsWork(type: SqlType): boolean {
  switch (type.kind) {
    case 'JSON':
    case 'DATETIME':
      return true;
    case 'ARRAY':
      return needsWork(type.element);
    case 'MAP':
      return needsWork(type.value);
    case 'STRUCT':
      return type.fields.some((field) => needsWork(field.type));
    default:
      return false;
  }
}
