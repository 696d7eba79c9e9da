// The default of a column as a constant of one statement: CURRENT_TIMESTAMP is its start, uuid() a new one.
import type { ColumnSchema } from '../model/table.ts';
import type { QuerySession } from './catalog.ts';
import { analyzeError } from './scope.ts';
import { localDatetime } from './time-zone.ts';

const CURRENT_TIMESTAMP = /^current_timestamp(\(\d*\))?$/i;
const UUID = /^uuid\(\)$/i;

/** Does each row get a value of its own? */
export function isUuidDefault({ type, defaultValue }: ColumnSchema): boolean {
  return type.kind === 'VARCHAR' && defaultValue !== null && UUID.test(defaultValue);
}

/**
 * The text of the column's default; null = NULL. SOURCE: StarRocks, INSERT: a NOT NULL column without default
 * must get a value.
 * @throws SQL_ANALYZE.
 */
export function constantDefault(
  column: ColumnSchema,
  session: Pick<QuerySession, 'nowMs' | 'timeZone'>,
  newUuid: () => string,
): string | null {
  const { type, defaultValue, name, nullable } = column;
  if (defaultValue === null) {
    if (nullable) return null;
    throw analyzeError(`Column has no default value, column: ${name}`, null);
  }
  if (isUuidDefault(column)) return newUuid();
  if (type.kind === 'DATETIME' && CURRENT_TIMESTAMP.test(defaultValue)) {
    return localDatetime(session.nowMs, session.timeZone, false);
  }
  return defaultValue;
}
