// DEFAULT of a column as it is stored: a value's text, or one of the functions that are computed for each
// load. SOURCE: StarRocks docs, CREATE TABLE (DEFAULT).
import type { SqlType } from './sql-type.ts';
import type { ColumnSchema } from './table.ts';

/** A default that is computed: the time of the load (with so many digits of the second), or a new id in each row. */
export type ComputedDefault =
  | { readonly kind: 'now'; readonly digits: number }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'uuid_numeric' };

type Defaulted = Pick<ColumnSchema, 'type' | 'defaultValue' | 'defaultIsText'>;

const NOW = /^current_timestamp(?:\((\d?)\))?$/i;

/** The function that the column's default is; null for a value and for none. */
export function computedDefault(column: Defaulted): ComputedDefault | null {
  const { type, defaultValue, defaultIsText } = column;
  if (defaultValue === null || defaultIsText === true) return null;
  const text = defaultValue.trim();
  const now = type.kind === 'DATETIME' ? NOW.exec(text) : null;
  if (now !== null) return { kind: 'now', digits: Number(now[1] ?? 0) };
  if (type.kind === 'VARCHAR' && /^uuid\(\)$/i.test(text)) return { kind: 'uuid' };
  if (type.kind === 'LARGEINT' && /^uuid_numeric\(\)$/i.test(text)) return { kind: 'uuid_numeric' };
  return null;
}

/** The value that rows of older files have in a column that came later, as text of its stored type; null = NULL. */
export function valueDefault(column: Defaulted): string | null {
  if (column.defaultValue === null || computedDefault(column) !== null) return null;
  return emptySketch(column.type) ?? column.defaultValue;
}

/** What DEFAULT "" means for a BITMAP and an HLL: the empty one, as text that casts to BLOB; null for other types. */
export function emptySketch(type: SqlType): string | null {
  if (type.kind === 'BITMAP') return '\\x00'.repeat(8);
  return type.kind === 'HLL' ? '\\x00' : null;
}
