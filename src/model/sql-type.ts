// StarRocks column and expression types as plain data, shared by parser, analyser, loads and result
// encoding. No behaviour that needs a catalog or an engine.

export type SqlType =
  | { readonly kind: 'NULL' }
  | { readonly kind: 'BOOLEAN' }
  | { readonly kind: 'TINYINT' }
  | { readonly kind: 'SMALLINT' }
  | { readonly kind: 'INT' }
  | { readonly kind: 'BIGINT' }
  | { readonly kind: 'LARGEINT' }
  | { readonly kind: 'FLOAT' }
  | { readonly kind: 'DOUBLE' }
  | { readonly kind: 'DECIMAL'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'DATE' }
  | { readonly kind: 'DATETIME' }
  /** Length in bytes of UTF-8, 1..255. */
  | { readonly kind: 'CHAR'; readonly length: number }
  /** Length in bytes of UTF-8, 1..1048576; STRING is VARCHAR(65533) that prints as `string` in nothing: StarRocks shows varchar(65533). */
  | { readonly kind: 'VARCHAR'; readonly length: number }
  | { readonly kind: 'VARBINARY'; readonly length: number }
  | { readonly kind: 'JSON' }
  | { readonly kind: 'ARRAY'; readonly element: SqlType }
  | { readonly kind: 'MAP'; readonly key: SqlType; readonly value: SqlType }
  | {
      readonly kind: 'STRUCT';
      readonly fields: readonly { readonly name: string; readonly type: SqlType }[];
    }
  | { readonly kind: 'BITMAP' }
  | { readonly kind: 'HLL' }
  | { readonly kind: 'PERCENTILE' };

export type SqlTypeKind = SqlType['kind'];

/** Bytes a STRING column may hold: StarRocks' `string` is VARCHAR(65533). */
export const STRING_LENGTH = 65533;
/** Longest VARCHAR that StarRocks allows, in bytes. */
export const MAX_VARCHAR_LENGTH = 1048576;

/** The type as StarRocks prints it in DESC and SHOW CREATE TABLE: `bigint(20)`, `varchar(65533)`, `decimal(10, 2)`. */
export function printSqlType(type: SqlType): string {
  switch (type.kind) {
    case 'NULL':
      return 'null_type';
    case 'BOOLEAN':
      return 'boolean';
    case 'TINYINT':
      return 'tinyint(4)';
    case 'SMALLINT':
      return 'smallint(6)';
    case 'INT':
      return 'int(11)';
    case 'BIGINT':
      return 'bigint(20)';
    case 'LARGEINT':
      return 'largeint(40)';
    case 'FLOAT':
      return 'float';
    case 'DOUBLE':
      return 'double';
    case 'DECIMAL':
      return `decimal(${type.precision}, ${type.scale})`;
    case 'DATE':
      return 'date';
    case 'DATETIME':
      return 'datetime';
    case 'CHAR':
      return `char(${type.length})`;
    case 'VARCHAR':
      return `varchar(${type.length})`;
    case 'VARBINARY':
      return type.length === 0 ? 'varbinary' : `varbinary(${type.length})`;
    case 'JSON':
      return 'json';
    case 'ARRAY':
      return `array<${printSqlType(type.element)}>`;
    case 'MAP':
      return `map<${printSqlType(type.key)},${printSqlType(type.value)}>`;
    case 'STRUCT':
      return `struct<${type.fields.map((field) => `${field.name} ${printSqlType(field.type)}`).join(', ')}>`;
    case 'BITMAP':
      return 'bitmap';
    case 'HLL':
      return 'hll';
    case 'PERCENTILE':
      return 'percentile';
  }
}

/** The DuckDB type that stores and computes this type. Types the engine has no form for throw in analysis, not here. */
export function duckdbType(type: SqlType): string {
  switch (type.kind) {
    case 'NULL':
      return 'INTEGER';
    case 'BOOLEAN':
      return 'BOOLEAN';
    case 'TINYINT':
      return 'TINYINT';
    case 'SMALLINT':
      return 'SMALLINT';
    case 'INT':
      return 'INTEGER';
    case 'BIGINT':
      return 'BIGINT';
    case 'LARGEINT':
      return 'HUGEINT';
    case 'FLOAT':
      return 'FLOAT';
    case 'DOUBLE':
      return 'DOUBLE';
    case 'DECIMAL':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'DATE':
      return 'DATE';
    case 'DATETIME':
      return 'TIMESTAMP';
    case 'CHAR':
    case 'VARCHAR':
    case 'JSON':
      return 'VARCHAR';
    case 'VARBINARY':
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      return 'BLOB';
    case 'ARRAY':
      return `${duckdbType(type.element)}[]`;
    case 'MAP':
      return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`;
    case 'STRUCT':
      return `STRUCT(${type.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${duckdbType(field.type)}`).join(', ')})`;
  }
}

/** Digits that a double carries exactly whatever the value. */
const DOUBLE_DIGITS = 15;

/** Does the type, or a part of it, hold numbers that a double would round? */
export function exceedsDouble(type: SqlType): boolean {
  switch (type.kind) {
    case 'LARGEINT':
      return true;
    case 'DECIMAL':
      return type.precision > DOUBLE_DIGITS;
    case 'ARRAY':
      return exceedsDouble(type.element);
    case 'MAP':
      return exceedsDouble(type.key) || exceedsDouble(type.value);
    case 'STRUCT':
      return type.fields.some((field) => exceedsDouble(field.type));
    default:
      return false;
  }
}
