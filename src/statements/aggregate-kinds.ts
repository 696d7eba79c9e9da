// Which types the value columns of AGGREGATE KEY tables may have, by how they are merged.
// SOURCE: StarRocks docs, CREATE TABLE (agg_type) and its table of compatible types.
import { analysisError } from '../loads/properties.ts';
import type { SqlType, SqlTypeKind } from '../model/sql-type.ts';
import type { AggregateKind } from '../model/table.ts';

const NUMBERS: readonly SqlTypeKind[] = [
  'TINYINT',
  'SMALLINT',
  'INT',
  'BIGINT',
  'LARGEINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
];
const ORDERED: readonly SqlTypeKind[] = [...NUMBERS, 'DATE', 'DATETIME', 'CHAR', 'VARCHAR'];

/** null: every type. */
const TYPES: Readonly<Record<AggregateKind, readonly SqlTypeKind[] | null>> = {
  SUM: NUMBERS,
  MIN: ORDERED,
  MAX: ORDERED,
  REPLACE: null,
  REPLACE_IF_NOT_NULL: null,
  BITMAP_UNION: ['BITMAP'],
  HLL_UNION: ['HLL'],
  PERCENTILE_UNION: ['PERCENTILE'],
};

/** Throws SQL_ANALYZE when values of the type cannot be merged that way. */
export function checkAggregateType(name: string, aggregate: AggregateKind, type: SqlType): void {
  const types = TYPES[aggregate];
  if (types === null || types.includes(type.kind)) return;
  throw analysisError(`Invalid aggregate function '${aggregate}' for '${name}'`);
}

/** The type that the column gets: sums of DECIMALs are as wide as can be. SOURCE: StarRocks, SUM of a DECIMAL. */
export function aggregatedType(aggregate: AggregateKind | null, type: SqlType): SqlType {
  if (aggregate !== 'SUM' || type.kind !== 'DECIMAL') return type;
  return { kind: 'DECIMAL', precision: 38, scale: type.scale };
}
