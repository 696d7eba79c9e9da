// The default of a column in a load: as a constant of one statement (now() is its start), or as SQL that is
// computed while rows are written, where each row gets an id of its own.
import { type ComputedDefault, computedDefault } from '../model/column-default.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { QuerySession } from './catalog.ts';
import { UUID_NUMERIC_SQL, UUID_SQL } from './functions/utility.ts';
import { analyzeError } from './scope.ts';
import { localDatetime, utcToLocalSql } from './time-zone.ts';

/** Does each row get a value of its own? */
export function rowDefault(column: ColumnSchema): Exclude<ComputedDefault, { kind: 'now' }> | null {
  const computed = computedDefault(column);
  return computed === null || computed.kind === 'now' ? null : computed;
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
  const { defaultValue, name, nullable } = column;
  const computed = computedDefault(column);
  switch (computed?.kind) {
    case 'now':
      return localDatetime(session.nowMs, session.timeZone, computed.digits > 0);
    case 'uuid':
      return newUuid();
    case 'uuid_numeric':
      // As uuid_numeric() does: the first 124 bits.
      return String(BigInt(`0x${newUuid().replaceAll('-', '').slice(0, 31)}`));
    default:
      if (defaultValue !== null || nullable) return defaultValue;
      throw analyzeError(`Column has no default value, column: ${name}`, null);
  }
}

/** DuckDB SQL of a computed default, in the column's own type; now() is the engine's clock. */
export function computedDefaultSql(computed: ComputedDefault, timeZone: string): string {
  switch (computed.kind) {
    case 'now': {
      const step = 10 ** (6 - computed.digits);
      const utc = `make_timestamp(epoch_us(now()) // ${step} * ${step})`;
      return utcToLocalSql(timeZone, utc);
    }
    case 'uuid':
      return UUID_SQL;
    case 'uuid_numeric':
      return UUID_NUMERIC_SQL;
  }
}
