// A column whose STRUCT gets or loses a field, somewhere inside it: the type after the change, and the SQL that makes
// its values of the old ones. SOURCE: StarRocks docs, ALTER TABLE, ADD FIELD and DROP FIELD (3.3).
import { fail } from '../base/errors.ts';
import type { ColumnRewrite } from '../model/column-rewrite.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { duckdbType, printSqlType, type SqlType } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import { quoteString } from './literal.ts';

/** What stands for the elements of an ARRAY in the path to a field. */
export const ELEMENTS = '[*]';

type Struct = Extract<SqlType, { kind: 'STRUCT' }>;
export type FieldChange =
  | {
      readonly kind: 'add';
      readonly type: SqlType;
      readonly position:
        | { readonly kind: 'first' }
        | { readonly kind: 'after'; readonly column: string }
        | null;
    }
  | { readonly kind: 'drop' };

/** The type with the change at `path`, whose last part is the field. Throws SQL_ANALYZE. */
export function changedFields(
  type: SqlType,
  path: readonly string[],
  change: FieldChange,
  column: string,
): SqlType {
  const [part = '', ...rest] = path;
  if (part === ELEMENTS) {
    if (type.kind !== 'ARRAY' || rest.length === 0) throw noStruct(column, type);
    return { kind: 'ARRAY', element: changedFields(type.element, rest, change, column) };
  }
  if (type.kind !== 'STRUCT') throw noStruct(column, type);
  const found = type.fields.findIndex(({ name }) => name.toLowerCase() === part.toLowerCase());
  if (rest.length > 0) {
    const field = type.fields[found];
    if (field === undefined) throw refuse(`Field ${part} is not found in column ${column}`);
    const inner = changedFields(field.type, rest, change, column);
    const fields = type.fields.map((one) => (one === field ? { ...one, type: inner } : one));
    return { kind: 'STRUCT', fields };
  }
  return change.kind === 'drop'
    ? withoutField(type, part, found, column)
    : withField(type, { name: part, found }, change, column);
}

function withoutField({ fields }: Struct, name: string, found: number, column: string): Struct {
  if (found < 0) throw refuse(`Drop field ${name} is not found in column ${column}`);
  if (fields.length === 1) {
    throw refuse(`Field ${name} is the last field of column ${column}: DROP COLUMN instead`);
  }
  return { kind: 'STRUCT', fields: fields.filter((_, index) => index !== found) };
}

function withField(
  { fields }: Struct,
  { name, found }: { readonly name: string; readonly found: number },
  { type, position }: Extract<FieldChange, { kind: 'add' }>,
  column: string,
): Struct {
  if (found >= 0) throw refuse(`Field ${name} is already in column ${column}`);
  let place = fields.length;
  if (position?.kind === 'first') place = 0;
  if (position?.kind === 'after') {
    const lower = position.column.toLowerCase();
    place = 1 + fields.findIndex((field) => field.name.toLowerCase() === lower);
    if (place === 0) throw refuse(`Field ${position.column} is not found in column ${column}`);
  }
  return { kind: 'STRUCT', fields: fields.toSpliced(place, 0, { name, type }) };
}

/** The new column out of the old one, field by field by their names; a new field is NULL. */
export function structRewrite(old: ColumnSchema, made: ColumnSchema): ColumnRewrite {
  const duckdbSql = valueSql(quoteIdentifier(old.name), old.type, made.type, 0);
  return { fieldId: made.fieldId, duckdbSql, from: old.name, lossSql: null };
}

function valueSql(sql: string, from: SqlType, to: SqlType, depth: number): string {
  if (printSqlType(from) === printSqlType(to)) return sql;
  if (from.kind === 'ARRAY' && to.kind === 'ARRAY') {
    const element = `mr_f${depth}`;
    const inner = valueSql(element, from.element, to.element, depth + 1);
    return `list_transform(${sql}, lambda ${element}: ${inner})`;
  }
  if (from.kind !== 'STRUCT' || to.kind !== 'STRUCT') {
    throw fail('INTERNAL', { detail: 'a change of fields changed another type' });
  }
  const fields = to.fields.map(({ name, type }) => {
    const old = from.fields.find((field) => field.name === name);
    const value =
      old === undefined
        ? `CAST(NULL AS ${duckdbType(type)})`
        : valueSql(`struct_extract(${sql}, ${quoteString(name)})`, old.type, type, depth);
    return `${quoteIdentifier(name)} := ${value}`;
  });
  return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`;
}

const refuse = (detail: string): Error => fail('SQL_ANALYZE', { detail });

function noStruct(column: string, type: SqlType): Error {
  return refuse(
    `Column ${column} has no STRUCT there but ${printSqlType(type)}: fields are added to and dropped from STRUCT columns`,
  );
}
