// SHOW ALTER TABLE COLUMN: changes of columns, done at once or by a job in the background. SHOW DYNAMIC PARTITION
// TABLES. SOURCE: StarRocks docs, SHOW ALTER TABLE, SHOW DYNAMIC PARTITION TABLES (3.3).
import { fail } from '../../base/errors.ts';
import type { ListContext, ListDefinition, ListRow } from './list-definition.ts';

/** Schema hash of StarRocks' SchemaVersion, which has no meaning here. */
const NO_HASH = 0;
const TIMEOUT_SECONDS = 86_400;

async function columnChanges(context: ListContext): Promise<readonly ListRow[]> {
  const { services, visible, time, database } = context;
  if (database === null) throw fail('NO_DATABASE');
  const { catalog } = services;
  const { id } = await catalog.databases.get(database);
  const tables = new Map((await catalog.tables.list(database)).map((table) => [table.id, table]));
  const changes = (await catalog.schemas.changes(id)).flatMap((change): ListRow[] => {
    const table = tables.get(change.tableId);
    if (table === undefined || !visible.table(database, table.name)) return [];
    const times = [time(change.createdMs), time(change.finishedMs)];
    const index = [table.name, table.id, table.id, `${change.schemaVersion}:${NO_HASH}`];
    const end = [change.transactionId, 'FINISHED', '', null, TIMEOUT_SECONDS];
    return [[change.id, table.name, ...times, ...index, ...end]];
  });
  const jobs = (await catalog.alterJobs.list(id)).flatMap((job): ListRow[] => {
    const table = tables.get(job.tableId);
    // One that is done is among the changes.
    if (table === undefined || job.state === 'FINISHED') return [];
    if (!visible.table(database, table.name)) return [];
    const progress = services.alterJobs.progress(job.id);
    const shown = progress === null || progress.all === 0 ? null : percent(progress);
    const times = [time(job.createdMs), time(job.finishedMs)];
    const index = [table.name, table.id, table.id, `0:${NO_HASH}`];
    const end = [job.transactionId ?? -1, job.state, job.message, shown, TIMEOUT_SECONDS];
    return [[job.id, table.name, ...times, ...index, ...end]];
  });
  return [...changes, ...jobs].toSorted((a, b) => Number(a[0]) - Number(b[0]));
}

/** Of the table's files. */
function percent({ done, all }: { readonly done: number; readonly all: number }): string {
  return `${Math.floor((done * 100) / all)}%`;
}

async function dynamicTables(context: ListContext): Promise<readonly ListRow[]> {
  const { services, visible, database } = context;
  if (database === null) throw fail('NO_DATABASE');
  const tables = await services.catalog.tables.list(database);
  return tables
    .filter(
      ({ name, properties }) =>
        properties['dynamic_partition.time_unit'] !== undefined && visible.table(database, name),
    )
    .map(({ name, properties, buckets }) => {
      const of = (key: string): string | undefined => properties[`dynamic_partition.${key}`];
      return [
        name,
        of('enable') ?? 'true',
        of('time_unit') ?? null,
        // StarRocks shows the least INT where nothing is dropped.
        of('start') ?? String(-(2 ** 31)),
        of('end') ?? null,
        of('prefix') ?? 'p',
        of('buckets') ?? String(buckets ?? 0),
        of('replication_num') ?? '1',
        of('start_day_of_week') ?? of('start_day_of_month') ?? 'NULL',
        null,
        null,
        'NORMAL',
        null,
        null,
        'true',
      ];
    });
}

export const ALTER_LISTS = {
  'DYNAMIC PARTITION TABLES': {
    columns:
      'TableName, Enable, TimeUnit, Start, End, Prefix, Buckets, ReplicationNum, StartOf, LastUpdateTime, LastSchedulerTime, State, LastCreatePartitionMsg, LastDropPartitionMsg, InScheduler'.split(
        ', ',
      ),
    rows: dynamicTables,
  },
  'ALTER TABLE COLUMN': {
    columns:
      'JobId, TableName, CreateTime, FinishTime, IndexName, IndexId, OriginIndexId, SchemaVersion, TransactionId, State, Msg, Progress, Timeout'.split(
        ', ',
      ),
    rows: columnChanges,
    like: 'TableName',
  },
} as const satisfies Record<string, ListDefinition>;
