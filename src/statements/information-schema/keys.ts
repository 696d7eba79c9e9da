// Keys and partitions of tables: statistics, constraints, partitions, partitions_meta, tables_config.
import { partitionColumns } from '../../model/partition-routing.ts';
import { sortColumns } from '../../model/sort-key.ts';
import type { TableInfo } from '../../model/table.ts';
import { averageRowBytes, listedTables } from './objects.ts';
import { type ListedPartition, partitionsOfTable } from './partitions.ts';
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

/** Columns that the table is partitioned by. */
function partitionKeyOf({ partitioning, schema }: TableInfo): readonly string[] {
  if (partitioning === undefined) return [];
  return partitionColumns(partitioning, schema.columns).map(({ name }) => name);
}

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

/** Every partition of every table that the session may see. */
async function listedPartitions(context: ViewContext): Promise<readonly ListedPartition[]> {
  const lists: ListedPartition[] = [];
  for (const listed of await listedTables(context)) {
    lists.push(...(await partitionsOfTable(listed, context.services)));
  }
  return lists;
}

async function partitions(context: ViewContext): Promise<readonly ViewRow[]> {
  const { time } = context;
  const ordinal = new Map<number, number>();
  return (await listedPartitions(context))
    .filter(({ partition }) => !partition.isTemporary)
    .map(({ table, partition }) => {
      const place = (ordinal.get(table.id) ?? 0) + 1;
      ordinal.set(table.id, place);
      const isParted = table.partitioning !== undefined;
      return {
        TABLE_CATALOG: 'def',
        TABLE_SCHEMA: table.databaseName,
        TABLE_NAME: table.name,
        PARTITION_NAME: partition.name,
        PARTITION_ORDINAL_POSITION: place,
        PARTITION_METHOD: isParted ? (table.partitioning?.kind.toUpperCase() ?? null) : null,
        PARTITION_EXPRESSION: isParted ? partition.key : null,
        PARTITION_DESCRIPTION: isParted ? partition.value : null,
        TABLE_ROWS: partition.rowCount,
        AVG_ROW_LENGTH: averageRowBytes(partition),
        DATA_LENGTH: partition.sizeBytes,
        CREATE_TIME: time(partition.createdMs),
        UPDATE_TIME: time(partition.updatedMs),
      };
    });
}

async function partitionsMeta(context: ViewContext): Promise<readonly ViewRow[]> {
  const { time } = context;
  return (await listedPartitions(context)).map(({ table, partition }) => ({
    DB_NAME: table.databaseName,
    TABLE_NAME: table.name,
    PARTITION_NAME: partition.name,
    PARTITION_ID: partition.id,
    COMPACT_VERSION: 0,
    VISIBLE_VERSION: partition.version,
    VISIBLE_VERSION_TIME: time(partition.updatedMs),
    NEXT_VERSION: partition.version + 1,
    DATA_VERSION: partition.version,
    VERSION_EPOCH: 0,
    VERSION_TXN_TYPE: 'TXN_NORMAL',
    PARTITION_KEY: partition.key,
    PARTITION_VALUE: partition.value,
    DISTRIBUTION_KEY: distributionKey(table),
    BUCKETS: bucketCount(table),
    REPLICATION_NUM: Number(partition.properties['replication_num'] ?? 1),
    STORAGE_MEDIUM: (partition.properties['storage_medium'] ?? 'HDD').toUpperCase(),
    COOLDOWN_TIME: '9999-12-31 23:59:59',
    IS_IN_MEMORY: false,
    IS_TEMP: partition.isTemporary,
    DATA_SIZE: partition.sizeBytes,
    ROW_COUNT: partition.rowCount,
    ENABLE_DATACACHE: true,
    STORAGE_PATH: table.prefix,
    STORAGE_SIZE: partition.sizeBytes,
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
    PARTITION_KEY: quoted(partitionKeyOf(table)),
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
