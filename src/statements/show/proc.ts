// SHOW PROC: the tree of what the server knows, walked by a path. SOURCE: StarRocks docs, SHOW PROC.

import { asId, type TransactionId } from '../../base/ids.ts';
import { nearest } from '../../base/nearest.ts';
import type { Catalog, DatabaseRecord } from '../../catalog/catalog.ts';
import type { CommittedPartitions } from '../../catalog/committed-partitions.ts';
import {
  readOutcome,
  type TransactionOutcome,
  type TransactionRecord,
} from '../../catalog/transactions.ts';
import { analysisError } from '../../loads/properties.ts';
import { SHOW_COLUMNS, showRow } from '../../loads/routine/show.ts';
import { printSqlType } from '../../model/sql-type.ts';
import { shownDefault } from '../default-values.ts';
import { COMPACTION_PROC_COLUMNS, compactionProcRows } from '../information-schema/compactions.ts';
import { bucketCount } from '../information-schema/keys.ts';
import { type ListedTable, listedTables } from '../information-schema/objects.ts';
import { partitionsOfTable } from '../information-schema/partitions.ts';
import { viewContext } from '../information-schema/system-databases.ts';
import { type Handler, textRows } from '../types.ts';
import { variableText } from '../variables.ts';
import { seesJob } from '../visibility.ts';
import type { ListContext, ListDefinition, ListRow } from './list-definition.ts';
import { LISTS, listRows } from './lists.ts';
import { LIST_LIMIT, TRANSACTION_COLUMNS, transactionRow } from './load-lists.ts';
import { CURRENT_QUERIES } from './nodes.ts';
import type { Rows } from './order.ts';
import { quotaTexts } from './quota.ts';
import { STREAM_LOADS } from './stream-loads.ts';
import { partitionColumnNames, partitionRow } from './table-lists.ts';

interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly ListRow[] | Rows;
}

/** What the rest of a path names. Undefined: there is no such path. */
type Node = (rest: readonly string[], context: ListContext) => Promise<Table | undefined>;

const list =
  (definition: ListDefinition): Node =>
  async (rest, context) =>
    rest.length > 0
      ? undefined
      : { columns: definition.columns, rows: await listRows(definition, context) };

const columnsOf = (text: string): readonly string[] => text.split(' ');

const DATABASE_COLUMNS = columnsOf(
  'DbId DbName TableNum Quota LastConsistencyCheckTime ReplicaQuota',
);
const TABLE_COLUMNS = columnsOf(
  'TableId TableName IndexNum PartitionColumnName PartitionNum State Type LastConsistencyCheckTime ReplicaCount PartitionType StoragePath',
);
const STATISTIC_COLUMNS = columnsOf(
  'DbId DbName TableNum PartitionNum IndexNum TabletNum ReplicaNum UnhealthyTabletNum InconsistentTabletNum CloningTabletNum ErrorStateTabletNum',
);

async function databases({ services, visible }: ListContext): Promise<readonly DatabaseRecord[]> {
  return (await services.catalog.databases.list()).filter(({ name }) => visible.database(name));
}

/** A database by its id or its name. */
async function findDatabase(
  key: string,
  context: ListContext,
): Promise<DatabaseRecord | undefined> {
  return (await databases(context)).find(({ id, name }) => String(id) === key || name === key);
}

async function tablesOf(
  database: DatabaseRecord,
  context: ListContext,
): Promise<readonly ListedTable[]> {
  return listedTables(context, database.name);
}

const dbs: Node = async ([key, ...rest], context) => {
  if (key === undefined) {
    const rows = (await databases(context)).map(async (database) => {
      const views = context.system.filter((view) => view.database === database.name).length;
      const count = views + (await tablesOf(database, context)).length;
      const { quota } = quotaTexts(database, { bytes: 0, replicas: 0 });
      return [database.id, database.name, count, quota[0], null, quota[1]];
    });
    return { columns: DATABASE_COLUMNS, rows: await Promise.all(rows) };
  }
  const database = await findDatabase(key, context);
  if (database === undefined) return undefined;
  const tables = await tablesOf(database, context);
  const [tableKey, ...inTable] = rest;
  if (tableKey === undefined || (tableKey === 'tables' && inTable.length === 0)) {
    return { columns: TABLE_COLUMNS, rows: tables.map(tableRow) };
  }
  const listed = tables.find(
    ({ table }) => String(table.id) === tableKey || table.name === tableKey,
  );
  return listed === undefined ? undefined : oneTable(listed, inTable, context);
};

function tableRow({ table }: ListedTable): ListRow {
  return [
    table.id,
    table.name,
    1,
    null,
    1,
    'NORMAL',
    'CLOUD_NATIVE',
    null,
    bucketCount(table),
    table.partitioning?.kind.toUpperCase() ?? 'UNPARTITIONED',
    table.prefix,
  ];
}

async function oneTable(
  listed: ListedTable,
  [part, ...rest]: readonly string[],
  context: ListContext,
): Promise<Table | undefined> {
  if (part === undefined) {
    return { columns: ['Nodes'], rows: [['partitions'], ['temp_partitions'], ['index_schema']] };
  }
  if ((part === 'partitions' || part === 'temp_partitions') && rest.length === 0) {
    const isTemporary = part === 'temp_partitions';
    const partitions = await partitionsOfTable(listed, context.services);
    return {
      columns: partitionColumnNames(listed.table),
      rows: partitions
        .filter(({ partition }) => partition.isTemporary === isTemporary)
        .map((entry) => partitionRow(entry, context)),
    };
  }
  if (part !== 'index_schema' || rest.length > 0) return undefined;
  const { schema } = listed.table;
  return {
    columns: columnsOf('IndexId IndexName Field Type Null Key Default'),
    rows: schema.columns.map((column) => [
      listed.table.id,
      listed.table.name,
      column.name,
      printSqlType(column.type),
      column.nullable ? 'Yes' : 'No',
      String(column.isKey),
      shownDefault(column).value,
    ]),
  };
}

const transactions: Node = async ([key, state, id, ...rest], context) => {
  if (key === undefined) {
    const rows = (await databases(context)).map(({ id, name }) => [id, name]);
    return { columns: ['DbId', 'DbName'], rows };
  }
  const database = await findDatabase(key, context);
  if (database === undefined) return undefined;
  const { transactions } = context.services.catalog;
  if (state === undefined) {
    const { running, finished } = await transactions.count(database.id);
    const rows = [
      ['running', running],
      ['finished', finished],
    ];
    return { columns: ['State', 'Number'], rows };
  }
  if (state !== 'running' && state !== 'finished') throw analysisError('State is invalid');
  if (id !== undefined) return await oneTransaction(database, id, rest, context);
  const chosen = await transactions.list({
    databaseId: database.id,
    running: state === 'running',
    limit: LIST_LIMIT,
  });
  return {
    columns: TRANSACTION_COLUMNS,
    rows: chosen.map((transaction) => transactionRow(transaction, context.time)),
  };
};

/** What a transaction committed: its tables, and below a table its partitions. Nothing before its commit. */
async function oneTransaction(
  database: DatabaseRecord,
  idText: string,
  [tableText, ...rest]: readonly string[],
  { services }: ListContext,
): Promise<Table | undefined> {
  if (!/^\d{1,15}$/.test(idText)) throw analysisError(`Invalid transaction id format: ${idText}`);
  const { catalog } = services;
  const found = await catalog.transactions.find(asId<TransactionId>(Number(idText)));
  if (found?.databaseId !== database.id)
    throw analysisError(`Transaction[${idText}] does not exist.`);
  const committed = await committedTables(catalog, found);
  if (tableText === undefined) {
    return {
      columns: columnsOf('TableId CommittedPartitionIds'),
      rows: committed.map(({ tableId, partitionIds }) => [tableId, partitionIds.join(', ')]),
    };
  }
  if (!/^\d{1,15}$/.test(tableText)) throw analysisError(`Invalid table id format: ${tableText}`);
  const table = committed.find(({ tableId }) => String(tableId) === tableText);
  if (table === undefined || rest.length > 0) return undefined;
  return {
    columns: columnsOf('PartitionId CommittedVersion'),
    rows: table.partitionIds.map((partitionId) => [partitionId, table.version]),
  };
}

/** Those of its database, by id; a table without partitions is one partition with its own id. */
async function committedTables(
  { tables }: Catalog,
  { attachmentJson, databaseId }: TransactionRecord,
): Promise<
  readonly (TransactionOutcome['versions'][number] & Pick<CommittedPartitions, 'partitionIds'>)[]
> {
  const elsewhere = new Set(
    (await tables.all()).filter((table) => table.databaseId !== databaseId).map(({ id }) => id),
  );
  const { versions, partitions } = readOutcome(attachmentJson);
  return versions
    .filter(({ tableId }) => !elsewhere.has(tableId))
    .toSorted((a, b) => a.tableId - b.tableId)
    .map(({ tableId, version }) => {
      const known = partitions.find((entry) => entry.tableId === tableId);
      return { tableId, version, partitionIds: known?.partitionIds ?? [tableId] };
    });
}

const routineLoads: Node = async ([name, ...rest], { services, session, visible }) => {
  if (rest.length > 0) return undefined;
  const zone = variableText('time_zone', 'session', session, services.globals) ?? 'Etc/UTC';
  const jobs = await services.routineLoads.list({ database: null, all: true }, zone);
  const rows = jobs.filter(
    ({ job }) => seesJob(visible, job) && (name === undefined || job.name === name),
  );
  return name !== undefined && rows.length === 0
    ? undefined
    : { columns: SHOW_COLUMNS, rows: rows.map(showRow) };
};

const statistic: Node = async (rest, context) => {
  if (rest.length > 0) return undefined;
  const rows: ListRow[] = [];
  let total = 0;
  const list = await databases(context);
  for (const database of list) {
    const count = (await tablesOf(database, context)).length;
    total += count;
    rows.push([database.id, database.name, count, count, count, count, count, 0, 0, 0, 0]);
  }
  rows.push(['Total', list.length, total, total, total, total, total, 0, 0, 0, 0]);
  return { columns: STATISTIC_COLUMNS, rows };
};

/** Tasks: what the loaders run now, by kind. */
const tasks: Node = async (rest, { services }) => {
  if (rest.length > 0) return undefined;
  const leases = await services.catalog.leases.list();
  return {
    columns: ['TaskType', 'FailedNum', 'TotalNum'],
    rows: [
      ['ROUTINE_LOAD', 0, leases.length],
      ['Total', 0, leases.length],
    ],
  };
};

const jobs: Node = async ([key, ...rest], context) => {
  if (key === undefined) {
    const rows = (await databases(context)).map(({ id, name }) => [id, name]);
    return { columns: ['DbId', 'DbName'], rows };
  }
  const database = await findDatabase(key, context);
  if (database === undefined || rest.length > 0) return undefined;
  const { catalog } = context.services;
  const loads = await catalog.loadJobs.list({ databaseId: database.id, all: true });
  const count = (...states: readonly string[]): number =>
    loads.filter(({ state }) => states.includes(state)).length;
  const none = (kind: string): ListRow => [kind, 0, 0, 0, 0, 0];
  const pending = count('NEED_SCHEDULE', 'PAUSED');
  const load = ['load', pending, count('RUNNING'), 0, count('STOPPED', 'CANCELLED'), loads.length];
  return {
    columns: columnsOf('JobType Pending Running Finished Cancelled Total'),
    rows: [load, none('rollup'), none('schema_change'), none('export')],
  };
};

const compactions: Node = async (rest, context) =>
  rest.length > 0
    ? undefined
    : { columns: COMPACTION_PROC_COLUMNS, rows: compactionProcRows(context) };

/** First part of the path -> what is below it. */
const ROOT: Readonly<Record<string, Node>> = {
  backends: list(LISTS.BACKENDS),
  brokers: list(LISTS.BROKER),
  catalog: list(LISTS.CATALOGS),
  colocation_group: list({
    columns: columnsOf('GroupId GroupName TableIds BucketsNum ReplicationNum DistCols IsStable'),
    rows: 'none',
  }),
  compactions,
  compute_nodes: list(LISTS['COMPUTE NODES']),
  current_queries: list(CURRENT_QUERIES),
  dbs,
  frontends: list(LISTS.FRONTENDS),
  global_current_queries: list(CURRENT_QUERIES),
  jobs,
  resources: list(LISTS.RESOURCES),
  routine_loads: routineLoads,
  statistic,
  stream_loads: list(STREAM_LOADS),
  tasks,
  transactions,
};

export const showProc: Handler<'show_proc'> = async ({ path }, context) => {
  const [first, ...rest] = path.split('/').filter((part) => part !== '');
  if (first === undefined)
    return textRows(
      ['name'],
      Object.keys(ROOT).map((name) => [name]),
    );
  const node = Object.hasOwn(ROOT, first) ? ROOT[first] : undefined;
  if (node === undefined) {
    const near = nearest(first, Object.keys(ROOT), 3).join(', ');
    throw analysisError(`Proc path '${path}' doesn't exist; known below / are: ${near}, ...`);
  }
  const { database } = context.session;
  const view = await viewContext(context);
  const table = await node(rest, { ...view, database });
  if (table === undefined) throw analysisError(`Proc path '${path}' doesn't exist`);
  return textRows(
    table.columns,
    table.rows.map((row) => row.map((cell) => (cell === null ? null : String(cell)))),
  );
};
