// SHOW about tables: TABLE STATUS, INDEX, PARTITIONS, TABLET, DATA. A table has one tablet. SOURCE: StarRocks docs; columns of shared data.
import { fail } from '../../base/errors.ts';
import { databaseOf, databaseOrCurrent } from '../databases.ts';
import { bucketCount, distributionKey } from '../information-schema/keys.ts';
import { CN_ID } from '../information-schema/nodes.ts';
import {
  averageRowBytes,
  COLLATION,
  type ListedTable,
  listedTables,
  listedViews,
} from '../information-schema/objects.ts';
import { type ListedPartition, partitionsOfTable } from '../information-schema/partitions.ts';
import { isSystemDatabase, viewContext } from '../information-schema/system-databases.ts';
import type { ViewContext } from '../information-schema/view.ts';
import { filterRows } from '../show-filter.ts';
import { tableName } from '../tables.ts';
import { type Handler, type StatementContext, textRows } from '../types.ts';
import { byteText } from './byte-text.ts';
import { limitRows, orderRows, type Rows } from './order.ts';
import { quotaTexts } from './quota.ts';

export const showTableStatus: Handler<'show_table_status'> = async (statement, context) => {
  const given = statement.database === null ? null : databaseOf(statement.database);
  const database = databaseOrCurrent(given, context.session);
  const view = await viewContext(context);
  const names =
    'Name Engine Version Row_format Rows Avg_row_length Data_length Max_data_length Index_length Data_free Auto_increment Create_time Update_time Check_time Collation Checksum Create_options Comment'.split(
      ' ',
    );
  const stored = isSystemDatabase(database) ? [] : await listedTables(view, database);
  const views = (await listedViews(view)).filter((entry) => entry.databaseName === database);
  const system = view.system.filter((entry) => entry.database === database);
  const rows = [
    ...system.map(({ name }) => statusRow(name, 'MEMORY', Array(12).fill(null), '')),
    ...views.map(({ name, comment }) =>
      statusRow(name, 'View', Array(12).fill(null), comment === '' ? 'VIEW' : comment),
    ),
    ...stored.map(({ table, status }) =>
      statusRow(
        table.name,
        'StarRocks',
        [
          null,
          null,
          String(status.rowCount),
          String(averageRowBytes(status)),
          String(status.sizeBytes),
          null,
          null,
          null,
          null,
          view.time(table.createdMs),
          view.time(status.updatedMs ?? table.createdMs),
          null,
        ],
        table.comment,
      ),
    ),
  ];
  return textRows(names, filterRows(names, rows, statement));
};

function statusRow(
  name: string,
  engine: string,
  middle: readonly (string | null)[],
  comment: string,
): (string | null)[] {
  return [name, engine, ...middle, COLLATION, null, '', comment];
}

/** The stored table with its figures. Throws UNKNOWN_DATABASE, UNKNOWN_TABLE. */
async function oneTable(
  statement: { readonly table: Parameters<typeof tableName>[0] },
  { session, services }: StatementContext,
): Promise<ListedTable> {
  const { database, name } = tableName(statement.table, session);
  const table = await services.catalog.tables.get(database, name);
  const [status] = await services.catalog.tables.status([table.id]);
  // Dropped between the two reads.
  if (status === undefined) throw fail('UNKNOWN_TABLE', { table: `${database}.${name}` });
  return { table, status };
}

export const showIndex: Handler<'show_index'> = async (statement, context) => {
  const { database, name } = tableName(statement.table, context.session);
  // There are no indexes besides the statistics of files, which need no name.
  if (!isSystemDatabase(database)) await context.services.catalog.tables.get(database, name);
  return textRows(
    'Table Non_unique Key_name Seq_in_index Column_name Collation Cardinality Sub_part Packed Null Index_type Comment'.split(
      ' ',
    ),
    [],
  );
};

const PARTITION_COLUMNS =
  'PartitionId PartitionName CompactVersion VisibleVersion VisibleVersionTime NextVersion State PartitionKey Range DistributionKey Buckets ReplicationNum StorageMedium DataSize RowCount EnableDataCache AsyncWrite AvgCS P50CS MaxCS'.split(
    ' ',
  );

/** `Range` of a table with range partitions (and of one without), `List` of one with lists. */
export function partitionColumnNames({ partitioning }: ListedTable['table']): readonly string[] {
  return PARTITION_COLUMNS.map((name) =>
    name === 'Range' && partitioning?.kind === 'list' ? 'List' : name,
  );
}

/** One partition; a table without is one of its own name. */
export function partitionRow(
  { table, partition }: ListedPartition,
  { time }: Pick<ViewContext, 'time'>,
): (string | null)[] {
  return [
    String(partition.id),
    partition.name,
    '0',
    String(partition.version),
    time(partition.updatedMs),
    String(partition.version + 1),
    'NORMAL',
    partition.key,
    partition.value,
    distributionKey(table),
    String(bucketCount(table)),
    partition.properties['replication_num'] ?? '1',
    (partition.properties['storage_medium'] ?? 'HDD').toUpperCase(),
    byteText(partition.sizeBytes),
    String(partition.rowCount),
    'true',
    'false',
    null,
    null,
    null,
  ];
}

export const showPartitions: Handler<'show_partitions'> = async (statement, context) => {
  const listed = await oneTable(statement, context);
  const view = await viewContext(context);
  const names = partitionColumnNames(listed.table);
  const rows = (await partitionsOfTable(listed, context.services))
    .filter(({ partition }) => partition.isTemporary === statement.temporary)
    .map((entry) => partitionRow(entry, view));
  return textRows(names, chosen('SHOW PARTITIONS', names, rows, statement));
};

export const showTablet: Handler<'show_tablet'> = async (statement, context) => {
  const { table, status } = await oneTable(statement, context);
  const names = 'TabletId BackendId DataSize RowCount'.split(' ');
  const rows = [
    [String(table.id), String(CN_ID), byteText(status.sizeBytes), String(status.rowCount)],
  ];
  return textRows(names, chosen('SHOW TABLET', names, rows, statement));
};

function chosen(
  what: string,
  names: readonly string[],
  rows: Rows,
  statement: Parameters<typeof filterRows>[2] & {
    readonly orderBy: Parameters<typeof orderRows>[3];
    readonly limit: Parameters<typeof limitRows>[1];
  },
): Rows {
  const kept = filterRows(names, rows, statement);
  return limitRows(orderRows(what, names, kept, statement.orderBy), statement.limit);
}

export const showData: Handler<'show_data'> = async (statement, context) => {
  if (statement.table !== null) {
    const { table, status } = await oneTable({ table: statement.table }, context);
    const size = byteText(status.sizeBytes);
    const buckets = String(bucketCount(table));
    return textRows(
      ['TableName', 'IndexName', 'Size', 'ReplicaCount', 'RowCount'],
      [
        [table.name, table.name, size, buckets, String(status.rowCount)],
        ['', 'Total', size, buckets, ''],
      ],
    );
  }
  const database = databaseOrCurrent(null, context.session);
  const listed = await listedTables(await viewContext(context), database);
  const bytes = listed.reduce((sum, { status }) => sum + status.sizeBytes, 0);
  const replicas = listed.reduce((sum, { table }) => sum + bucketCount(table), 0);
  const record = await context.services.catalog.databases.get(database);
  const { quota, left } = quotaTexts(record, { bytes, replicas });
  return textRows(
    ['TableName', 'Size', 'ReplicaCount'],
    [
      ...listed.map(({ table, status }) => [
        table.name,
        byteText(status.sizeBytes),
        String(bucketCount(table)),
      ]),
      ['Total', byteText(bytes), String(replicas)],
      ['Quota', ...quota],
      ['Left', ...left],
    ],
  );
};
