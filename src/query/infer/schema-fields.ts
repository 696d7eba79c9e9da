// What types of Avro and Protobuf have in common when columns are made of them.
import type { SqlType } from '../../model/sql-type.ts';
import { JSON_TYPE } from './json-type.ts';

/** `23:59:59.999999` */
export const TIME_TYPE: SqlType = { kind: 'VARCHAR', length: 20 };
export const UUID_TYPE: SqlType = { kind: 'VARCHAR', length: 36 };

/** A STRUCT where the names allow one, else JSON. */
export function structOf(
  fields: readonly { readonly name: string; readonly type: SqlType }[],
): SqlType {
  const lower = new Set(fields.map(({ name }) => name.toLowerCase()));
  return fields.length > 0 && lower.size === fields.length ? { kind: 'STRUCT', fields } : JSON_TYPE;
}
