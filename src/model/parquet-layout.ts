// How a table's rows lie in Parquet: stored types, COPY options with Iceberg field ids, and the statistics
// of a written file. Shared by loads (pipeline's sink) and compaction. Must stay pure: no I/O, no engine.
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import type { VolumeId } from '../base/ids.ts';
import { statsKey } from './column-stats.ts';
import { quoteIdentifier, quoteList, quoteLiteral } from './duckdb-text.ts';
import { fieldIdsSql } from './field-ids.ts';
import { DEFAULT_COMPRESSION, readCompression } from './file-compression.ts';
import { duckdbType, type SqlType, STRING_LENGTH } from './sql-type.ts';
import type { ColumnSchema, ColumnStats, StagedFile, TableSchema } from './table.ts';

/** Rows of a row group at most; a reader decodes whole groups, and memory while writing grows with it. */
export const ROW_GROUP_ROWS = 122_880;

/**
 * The DuckDB type that a column has inside Parquet. As in memory, except LARGEINT: Parquet has no
 * 128-bit integer and DuckDB would store a DOUBLE, silently rounded, so it is stored as text.
 */
export function storedDuckdbType(type: SqlType): string {
  return duckdbType(storedType(type));
}

function storedType(type: SqlType): SqlType {
  switch (type.kind) {
    case 'LARGEINT':
      return { kind: 'VARCHAR', length: STRING_LENGTH };
    case 'ARRAY':
      return { kind: 'ARRAY', element: storedType(type.element) };
    case 'MAP':
      return { kind: 'MAP', key: storedType(type.key), value: storedType(type.value) };
    case 'STRUCT':
      return {
        kind: 'STRUCT',
        fields: type.fields.map((field) => ({ name: field.name, type: storedType(field.type) })),
      };
    default:
      return type;
  }
}

/** SQL that turns a value of the column's own type (`valueSql`) into its stored form. */
export function storeExpression(type: SqlType, valueSql: string): string {
  const stored = storedDuckdbType(type);
  return stored === duckdbType(type) ? valueSql : `CAST(${valueSql} AS ${stored})`;
}

/** SQL for a SELECT list that stores `source`'s columns (named as the schema's) in schema order. */
export function storeSelectList(schema: TableSchema): string {
  return schema.columns
    .map(
      ({ name, type }) =>
        `${storeExpression(type, quoteIdentifier(name))} AS ${quoteIdentifier(name)}`,
    )
    .join(', ');
}

/**
 * The option list for `COPY (...) TO '...' (<here>)`: v1 pages and zstd level 1 (what every Spark and
 * Iceberg version reads, and the cheapest to write), field ids, statistics returned as rows.
 * The SELECT must give the schema's columns, in stored form, under their names.
 * @param compression the table's property, checked.
 */
export function parquetCopyOptions(schema: TableSchema, compression?: string): string {
  const ids = schema.columns
    .map((column) => `${quoteIdentifier(column.name)}: ${fieldIdsSql(column)}`)
    .join(', ');
  return copyOptions(`{${ids}}`, compression);
}

function copyOptions(fieldIds: string, compression = DEFAULT_COMPRESSION): string {
  const { codec, level } = present(readCompression(compression), 'a checked compression');
  return [
    'FORMAT parquet',
    'PARQUET_VERSION v1',
    `COMPRESSION ${codec}`,
    ...(level === null ? [] : [`COMPRESSION_LEVEL ${level}`]),
    `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`,
    `FIELD_IDS ${fieldIds}`,
    'RETURN_STATS',
  ].join(', ');
}

/**
 * `read_parquet(...)` over files of a table, whatever version of the schema each was written with:
 * columns are found by field id, one that a file lacks has its initial default or NULL. Gives stored types;
 * wrap it in `readSelectList` for the columns' own types. `rowCount` of all files helps the planner.
 */
export function readParquetSql(
  schema: TableSchema,
  paths: readonly string[],
  rowCount: number | null = null,
): string {
  const columns = schema.columns.map(
    ({ fieldId, name, type, initialDefault }) =>
      `${fieldId}: {name: ${quoteLiteral(name)}, type: ${quoteLiteral(storedDuckdbType(type))}, default_value: ${
        initialDefault === undefined ? 'NULL::VARCHAR' : quoteLiteral(initialDefault)
      }}`,
  );
  // Columns found by field id come without statistics: the planner would take a file for 1000 rows.
  const rows = rowCount === null ? '' : `, explicit_cardinality = ${rowCount}`;
  return `read_parquet(${quoteList(paths)}, schema = MAP {${columns.join(', ')}}${rows})`;
}

/**
 * Iceberg's field ids of the columns of a position-delete file. SOURCE: Iceberg table spec, reserved field ids.
 */
const DELETE_FIELD_IDS = '{file_path: 2147483546, pos: 2147483545}';

/** As parquetCopyOptions, for a SELECT of `file_path` and `pos`, sorted by both. */
export function deleteCopyOptions(): string {
  return copyOptions(DELETE_FIELD_IDS);
}

/** What a position-delete file calls a data file: where it lies. The last part, a UUID, is what a reader goes by. */
export function dataFilePath(volumeLocation: string, key: string): string {
  return `${volumeLocation.replace(/\/+$/, '')}/${key}`;
}

/** A SELECT list that gives the columns their own types when they come from `readParquetSql`, as `relation` if named. */
export function readSelectList(schema: TableSchema, relation = ''): string {
  return schema.columns
    .map(({ name, type }) => {
      const own = duckdbType(type);
      const plain = quoteIdentifier(name);
      const column = relation === '' ? plain : `${relation}.${plain}`;
      return own === storedDuckdbType(type) ? column : `CAST(${column} AS ${own}) AS ${plain}`;
    })
    .join(', ');
}

/**
 * The StagedFile of one row that `COPY ... RETURN_STATS` gave, as the engine's `objects()` returns it
 * (column_statistics is a list of {key, value} pairs, keys are quoted column paths).
 * `sizeBytes` is what lies on disk, and must equal what COPY reported.
 */
export function stagedFileFromStats(
  stats: Readonly<Record<string, unknown>>,
  target: { readonly volumeId: VolumeId; readonly key: string; readonly schema: TableSchema },
): StagedFile {
  const columnStats: Record<string, ColumnStats> = {};
  const byPath = new Map(pairs(stats['column_statistics']));
  for (const column of target.schema.columns) {
    const found = byPath.get(quoteIdentifier(column.name));
    if (found !== undefined)
      columnStats[statsKey(column)] = readStats(column, new Map(pairs(found)));
  }
  return {
    volumeId: target.volumeId,
    key: target.key,
    sizeBytes: count(stats, 'file_size_bytes'),
    rowCount: count(stats, 'count'),
    columnStats,
  };
}

/** Text order is not number order, so the min and max of a LARGEINT (stored as text) say nothing; sketches and JSON have no order. */
const UNBOUNDED: ReadonlySet<SqlType['kind']> = new Set([
  'LARGEINT',
  'VARBINARY',
  'JSON',
  'BITMAP',
  'HLL',
  'PERCENTILE',
]);

function readStats(column: ColumnSchema, values: ReadonlyMap<string, unknown>): ColumnStats {
  // NaN is in neither bound, so a column with one has no usable bounds.
  const usable = !UNBOUNDED.has(column.type.kind) && values.get('has_nan') !== 'true';
  const text = (key: string): string | null => {
    const value = values.get(key);
    return usable && typeof value === 'string' ? value : null;
  };
  return { min: text('min'), max: text('max'), nullCount: Number(values.get('null_count') ?? 0) };
}

function pairs(map: unknown): [string, unknown][] {
  if (!Array.isArray(map)) throw fail('INTERNAL', { detail: 'COPY gave no column statistics' });
  return map.map((entry: unknown): [string, unknown] => {
    if (typeof entry !== 'object' || entry === null || !('key' in entry) || !('value' in entry))
      throw fail('INTERNAL', { detail: 'COPY gave column statistics in an unknown shape' });
    return [String(entry.key), entry.value];
  });
}

function count(stats: Readonly<Record<string, unknown>>, field: string): number {
  const value = stats[field];
  if (typeof value !== 'bigint' && typeof value !== 'number')
    throw fail('INTERNAL', { detail: `COPY gave no ${field}` });
  return Number(value);
}
