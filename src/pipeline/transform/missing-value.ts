// What a new row of a partial update has in a column that the load does not give. SOURCE: StarRocks, partial
// update: the column's default, NULL where it may be NULL, and else the zero of its type.
import { present } from '../../base/assert.ts';
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import type { ColumnSchema } from '../../model/table.ts';
import { defaultSql } from './compile-sql.ts';

export function missingValueSql(column: ColumnSchema, timeZone: string): string {
  const { type, nullable, defaultValue } = column;
  if (nullable || defaultValue !== null) {
    return defaultSql(column, {
      timeZone,
      maxTextBytes: Number.POSITIVE_INFINITY,
      binary: 'bytes',
    });
  }
  return present(zeroSql(type), 'a value of a column that a load leaves out');
}

/** Can a load leave the column out? A NOT NULL column without a default needs a type that has a zero. */
export function hasMissingValue({ type, nullable, defaultValue }: ColumnSchema): boolean {
  return nullable || defaultValue !== null || zeroSql(type) !== null;
}

/** Null where a type has none. */
function zeroSql(type: SqlType): string | null {
  const own = duckdbType(type);
  switch (type.kind) {
    case 'BOOLEAN':
      return 'false';
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
    case 'FLOAT':
    case 'DOUBLE':
    case 'DECIMAL':
      return `CAST(0 AS ${own})`;
    case 'CHAR':
    case 'VARCHAR':
    case 'VARBINARY':
      return `CAST('' AS ${own})`;
    case 'DATE':
    case 'DATETIME':
      return `CAST('0001-01-01' AS ${own})`;
    default:
      return null;
  }
}
