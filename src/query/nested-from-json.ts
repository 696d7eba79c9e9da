// JSON text -> ARRAY, MAP and STRUCT values (loads and CAST): the text is read into the shape with every leaf as
// text, then each leaf is converted on its own. A leaf that does not convert is NULL inside its
// value; a value of another shape does not convert at all.
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { exceedsDouble, type SqlType } from '../model/sql-type.ts';
import { convertedMapSql } from './map-sql.ts';

/** Converts one leaf's text; as for a field or a string of its own. */
export type LeafConverter = (text: string, type: SqlType) => string;

/** Is the column read from JSON text rather than from a plain value? */
export function readsJson(type: SqlType): boolean {
  return type.kind === 'JSON' || isNested(type);
}

export function isNested(type: SqlType): boolean {
  return type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT';
}

/** SQL for the value of JSON text as `type`; NULL = does not convert. */
export function nestedFromJson(text: string, type: SqlType, leaf: LeafConverter): string {
  // `{1:"a"}`, as maps with numbers as keys are shown, is no JSON before its keys have quotes.
  const quoted = `CASE WHEN json_valid(${text}) THEN ${text} ELSE regexp_replace(${text}, '([{,]\\s*)(-?\\d+)\\s*:', '\\1"\\2":', 'g') END`;
  const exact = exceedsDouble(type)
    ? `CASE WHEN regexp_matches(${text}, '[0-9.eE+-]{16}') THEN mr_quote_numbers(${quoted}) ELSE ${quoted} END`
    : quoted;
  // DuckDB makes a STRUCT of NULLs out of an array.
  const first = type.kind === 'ARRAY' ? '[' : '{';
  const json = `CASE WHEN ltrim(${text})[1] = '${first}' THEN TRY_CAST(${exact} AS JSON) END`;
  // Bound to a name: the value is used many times.
  return `list_transform([TRY_CAST(${json} AS ${shapeOf(type)})], lambda __n0: ${valueSql('__n0', type, leaf, 1)})[1]`;
}

/** The type with text for every leaf and JSON where JSON is wanted. */
function shapeOf(type: SqlType): string {
  switch (type.kind) {
    case 'ARRAY':
      return `${shapeOf(type.element)}[]`;
    case 'MAP':
      return `MAP(VARCHAR, ${shapeOf(type.value)})`;
    case 'STRUCT':
      return `STRUCT(${type.fields.map((field) => `${quoteIdentifier(field.name)} ${shapeOf(field.type)}`).join(', ')})`;
    case 'JSON':
      return 'JSON';
    default:
      return 'VARCHAR';
  }
}

/** `value` is a name or a path: short, whatever the depth. */
function valueSql(value: string, type: SqlType, leaf: LeafConverter, depth: number): string {
  const name = `__n${depth}`;
  switch (type.kind) {
    case 'ARRAY':
      return `list_transform(${value}, lambda ${name}: ${valueSql(name, type.element, leaf, depth + 1)})`;
    case 'MAP': {
      const key = valueSql(`${name}.key`, type.key, leaf, depth + 1);
      const item = valueSql(`${name}.value`, type.value, leaf, depth + 1);
      const entries = `list_transform(map_entries(${value}), lambda ${name}: struct_pack(key := ${key}, value := ${item}))`;
      // A key that does not convert, or two that become equal: there is no such map.
      return convertedMapSql(entries);
    }
    case 'STRUCT': {
      const fields = type.fields.map(({ name: field, type: inner }) => {
        const quoted = quoteIdentifier(field);
        return `${quoted} := ${valueSql(`${value}.${quoted}`, inner, leaf, depth + 1)}`;
      });
      return `CASE WHEN ${value} IS NULL THEN NULL ELSE struct_pack(${fields.join(', ')}) END`;
    }
    case 'JSON':
      return `CAST(${value} AS VARCHAR)`;
    default:
      return leaf(value, type);
  }
}
