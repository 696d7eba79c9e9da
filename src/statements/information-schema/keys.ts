// Keys and partitions of tables: statistics, constraints, partitions, partitions_meta, tables_config.
// A table has one partition, of its own name, until there are partitioned tables.
import { sortColumns } from '../../model/sort-key.ts';
import type { TableInfo } from '../../model/table.ts';
import { averageRowBytes, listedTables } from './objects.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

/** As StarRocks prints a list of columns in its own listings: names alone, or `ALL KEY` for none. */
export function distributionKey(table: TableInfo): string {
  return table.distributedBy.length === 0 ? 'ALL KEY' : table.distributedBy.join(', ');
}

/** Buckets of a table: without BUCKETS the engine decides, which here is one. */
export function bucketCount(table: TableInfo): number {
  return table.buckets ?? 1;
}

const keysOf = (table: TableInfo): readonly string[] =>
  table.schema.columns.filter((column) => column.isKey).map((column) => column.name);

/** Columns of the primary or unique key, empty for tables that have none. */
function uniqueKey(table: TableInfo): readonly string[] {
  const { keysType } = table.schema;
  return keysType === 'PRIMARY_KEYS' || keysType === 'UNIQUE_KEYS' ? keysOf(table) : [];
}

async function constraints(context: ViewContext): Promise<readonly ViewRow[]> {
  return (await listedTables(context))
    .filter(({ table }) => uniqueKey(table).length > 0)
    .map(({ table }) => ({
      CONSTRAINT_CATALOG: 'def',
      CONSTRAINT_SCHEMA: table.databaseName,
      CONSTRAINT_NAME: 'PRIMARY',
      TABLE_SCHEMA: table.databaseName,
      TABLE_NAME: table.name,
      CONSTRAINT_TYPE: table.schema.keysType === 'PRIMARY_KEYS' ? 'PRIMARY KEY' : 'UNIQUE',
    }));
}

async function keyColumns(context: ViewContext): Promise<readonly ViewRow[]> {
  return (await listedTables(context)).flatMap(({ table }) =>
    uniqueKey(table).map((column, index) => ({
      CONSTRAINT_CATALOG: 'def',
      CONSTRAINT_SCHEMA: table.databaseName,
      CONSTRAINT_NAME: 'PRIMARY',
      TABLE_CATALOG: 'def',
      TABLE_SCHEMA: table.databaseName,
      TABLE_NAME: table.name,
      COLUMN_NAME: column,
      ORDINAL_POSITION: index + 1,
    })),
  );
}

async function statistics(context: ViewContext): Promise<readonly ViewRow[]> {
  return (await listedTables(context)).flatMap(({ table }) =>
    uniqueKey(table).map((column, index) => ({
      TABLE_CATALOG: 'def',
      TABLE_SCHEMA: table.databaseName,
      TABLE_NAME: table.name,
      NON_UNIQUE: 0,
      INDEX_SCHEMA: table.databaseName,
      INDEX_NAME: 'PRIMARY',
      SEQ_IN_INDEX: index + 1,
      COLUMN_NAME: column,
      COLLATION: 'A',
      NULLABLE: '',
      INDEX_TYPE: '',
      COMMENT: '',
    })),
  );
}

async function partitions(context: ViewContext): Promise<readonly ViewRow[]> {
  const { time } = context;
  return (await listedTables(context)).map(({ table, status }) => ({
    TABLE_CATALOG: 'def',
    TABLE_SCHEMA: table.databaseName,
    TABLE_NAME: table.name,
    PARTITION_NAME: table.name,
    PARTITION_ORDINAL_POSITION: 1,
    TABLE_ROWS: status.rowCount,
    AVG_ROW_LENGTH: averageRowBytes(status),
    DATA_LENGTH: status.sizeBytes,
    CREATE_TIME: time(table.createdMs),
    UPDATE_TIME: time(status.updatedMs ?? table.createdMs),
  }));
}

async function partitionsMeta(context: ViewContext): Promise<readonly ViewRow[]> {
  const { time } = context;
  return (await listedTables(context)).map(({ table, status }) => ({
    DB_NAME: table.databaseName,
    TABLE_NAME: table.name,
    PARTITION_NAME: table.name,
    PARTITION_ID: table.id,
    COMPACT_VERSION: 0,
    VISIBLE_VERSION: status.version,
    VISIBLE_VERSION_TIME: time(status.updatedMs ?? table.createdMs),
    NEXT_VERSION: status.version + 1,
    DATA_VERSION: status.version,
    VERSION_EPOCH: 0,
    VERSION_TXN_TYPE: 'TXN_NORMAL',
    PARTITION_KEY: '',
    PARTITION_VALUE: '',
    DISTRIBUTION_KEY: distributionKey(table),
    BUCKETS: bucketCount(table),
    REPLICATION_NUM: 1,
    STORAGE_MEDIUM: 'HDD',
    COOLDOWN_TIME: '9999-12-31 23:59:59',
    IS_IN_MEMORY: false,
    IS_TEMP: false,
    DATA_SIZE: status.sizeBytes,
    ROW_COUNT: status.rowCount,
    ENABLE_DATACACHE: true,
    STORAGE_PATH: table.prefix,
    STORAGE_SIZE: status.sizeBytes,
  }));
}

async function tablesConfig(context: ViewContext): Promise<readonly ViewRow[]> {
  const quoted = (names: readonly string[]): string =>
    names.map((name) => `\`${name}\``).join(', ');
  return (await listedTables(context)).map(({ table }) => ({
    TABLE_SCHEMA: table.databaseName,
    TABLE_NAME: table.name,
    TABLE_ENGINE: 'OLAP',
    TABLE_MODEL: table.schema.keysType,
    PRIMARY_KEY: quoted(uniqueKey(table)),
    PARTITION_KEY: '',
    DISTRIBUTE_KEY: quoted(table.distributedBy),
    DISTRIBUTE_TYPE: table.distributedBy.length === 0 ? 'RANDOM' : 'HASH',
    DISTRIBUTE_BUCKET: bucketCount(table),
    SORT_KEY: quoted(sortColumns(table.schema).map((column) => column.name)),
    PROPERTIES: JSON.stringify(table.properties),
    TABLE_ID: table.id,
  }));
}

export const KEY_VIEWS: ViewTable = {
  statistics: {
    columns: viewColumns(
      'v512 TABLE_CATALOG, v64 TABLE_SCHEMA TABLE_NAME, long NON_UNIQUE, v64 INDEX_SCHEMA INDEX_NAME, long SEQ_IN_INDEX, ' +
        'v64 COLUMN_NAME, v1 COLLATION, long CARDINALITY SUB_PART, v10 PACKED, v3 NULLABLE, v16 INDEX_TYPE COMMENT',
    ),
    doc: 'columns of unique keys',
    rows: statistics,
  },
  key_column_usage: {
    columns: viewColumns(
      'v512 CONSTRAINT_CATALOG, v64 CONSTRAINT_SCHEMA CONSTRAINT_NAME, v512 TABLE_CATALOG, v64 TABLE_SCHEMA TABLE_NAME ' +
        'COLUMN_NAME, long ORDINAL_POSITION POSITION_IN_UNIQUE_CONSTRAINT, v64 REFERENCED_TABLE_SCHEMA REFERENCED_TABLE_NAME REFERENCED_COLUMN_NAME',
    ),
    doc: 'columns of primary and unique keys',
    rows: keyColumns,
  },
  table_constraints: {
    columns: viewColumns(
      'v512 CONSTRAINT_CATALOG, v64 CONSTRAINT_SCHEMA CONSTRAINT_NAME TABLE_SCHEMA TABLE_NAME CONSTRAINT_TYPE',
    ),
    doc: 'primary and unique keys',
    rows: constraints,
  },
  referential_constraints: {
    columns: viewColumns(
      'v512 CONSTRAINT_CATALOG, v64 CONSTRAINT_SCHEMA CONSTRAINT_NAME, v512 UNIQUE_CONSTRAINT_CATALOG, ' +
        'v64 UNIQUE_CONSTRAINT_SCHEMA UNIQUE_CONSTRAINT_NAME MATCH_OPTION UPDATE_RULE DELETE_RULE TABLE_NAME REFERENCED_TABLE_NAME',
    ),
    doc: 'foreign keys',
    rows: 'none',
  },
  partitions: {
    columns: viewColumns(
      'v512 TABLE_CATALOG, v64 TABLE_SCHEMA TABLE_NAME PARTITION_NAME SUBPARTITION_NAME, ' +
        'long PARTITION_ORDINAL_POSITION SUBPARTITION_ORDINAL_POSITION, v18 PARTITION_METHOD, v12 SUBPARTITION_METHOD, ' +
        'text PARTITION_EXPRESSION SUBPARTITION_EXPRESSION PARTITION_DESCRIPTION, long TABLE_ROWS AVG_ROW_LENGTH DATA_LENGTH ' +
        'MAX_DATA_LENGTH INDEX_LENGTH DATA_FREE, time CREATE_TIME UPDATE_TIME CHECK_TIME, long CHECKSUM, v80 PARTITION_COMMENT, v12 NODEGROUP, v64 TABLESPACE_NAME',
    ),
    doc: 'partitions, as MySQL lists them',
    rows: partitions,
  },
  partitions_meta: {
    columns: viewColumns(
      'v64 DB_NAME TABLE_NAME PARTITION_NAME, long PARTITION_ID COMPACT_VERSION VISIBLE_VERSION, time VISIBLE_VERSION_TIME, ' +
        'long NEXT_VERSION DATA_VERSION VERSION_EPOCH, v64 VERSION_TXN_TYPE PARTITION_KEY PARTITION_VALUE DISTRIBUTION_KEY, ' +
        'int BUCKETS REPLICATION_NUM, v64 STORAGE_MEDIUM, time COOLDOWN_TIME LAST_CONSISTENCY_CHECK_TIME, bool IS_IN_MEMORY IS_TEMP, ' +
        'long DATA_SIZE ROW_COUNT, bool ENABLE_DATACACHE, double AVG_CS P50_CS MAX_CS, v1024 STORAGE_PATH, long STORAGE_SIZE METADATA_SWITCH_VERSION',
    ),
    doc: 'partitions with version, rows and bytes',
    rows: partitionsMeta,
  },
  tables_config: {
    columns: viewColumns(
      'v64 TABLE_SCHEMA TABLE_NAME TABLE_ENGINE TABLE_MODEL PRIMARY_KEY PARTITION_KEY DISTRIBUTE_KEY DISTRIBUTE_TYPE, ' +
        'int DISTRIBUTE_BUCKET, v64 SORT_KEY, text PROPERTIES, long TABLE_ID',
    ),
    doc: 'how tables are laid out, and their properties',
    rows: tablesConfig,
  },
};
