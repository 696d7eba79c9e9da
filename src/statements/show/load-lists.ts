// SHOW TRANSACTION, SHOW LOAD and SHOW LOAD WARNINGS: transactions as the metadata keeps them.
// SOURCE: StarRocks, shared/reference part 8.
import { fail } from '../../base/errors.ts';
import { asId, type DatabaseId, type TransactionId } from '../../base/ids.ts';
import type { TransactionRecord } from '../../catalog/transactions.ts';
import { FILE_LIST } from '../files.ts';
import { listedLoads, loadedTables } from '../information-schema/load-history.ts';
import { progressOf, timeoutSeconds } from '../information-schema/load-rows.ts';
import { TASK_COLUMNS, taskRows } from '../information-schema/tasks.ts';
import { cellsOf } from '../information-schema/view.ts';
import type { ListContext, ListDefinition, ListRow } from './list-definition.ts';

/** Most transactions of one list, the newest; an older one is found by `WHERE id = ..` or `WHERE label = ".."`. */
export const LIST_LIMIT = 2_000;

export const TRANSACTION_COLUMNS = [
  'TransactionId',
  'Label',
  'Coordinator',
  'TransactionStatus',
  'LoadJobSourceType',
  'PrepareTime',
  'PreparedTime',
  'CommitTime',
  'PublishTime',
  'FinishTime',
  'Reason',
  'ErrorReplicasCount',
  'ListenerId',
  'TimeoutMs',
  'PreparedTimeoutMs',
  'ErrMsg',
];

/** SOURCE: StarRocks, prepared_transaction_default_timeout_second. */
const DEFAULT_PREPARED_MS = 86_400_000;

/** A commit makes rows visible at once: published when committed. */
export function transactionRow(
  transaction: TransactionRecord,
  time: (atMs: number | null) => string | null,
): ListRow {
  return [
    transaction.id,
    transaction.label,
    transaction.coordinator,
    transaction.state,
    transaction.source,
    time(transaction.prepareMs),
    time(transaction.preparedMs),
    time(transaction.commitMs),
    time(transaction.commitMs),
    time(transaction.finishMs),
    transaction.reason,
    0,
    transaction.jobId ?? -1,
    transaction.timeoutMs,
    // What it was prepared for, or would be unless it is told otherwise.
    transaction.preparedMs === null ? DEFAULT_PREPARED_MS : transaction.timeoutMs,
    transaction.state === 'ABORTED' ? transaction.reason : '',
  ];
}

async function databaseId({ services, database }: ListContext): Promise<DatabaseId> {
  if (database === null) throw fail('NO_DATABASE');
  return (await services.catalog.databases.get(database)).id;
}

async function transactions(context: ListContext): Promise<readonly ListRow[]> {
  const { services, visible, time, database } = context;
  const { catalog } = services;
  const tables = new Map((await catalog.tables.all()).map((table) => [table.id, table.name]));
  const id = await databaseId(context);
  const newest = await catalog.transactions.list({ databaseId: id, limit: LIST_LIMIT });
  const older = await wantedTransaction(context, id, 'transactionid');
  const all = withOlder(newest, older);
  const loaded = await loadedTables(catalog, all);
  return all
    .filter(({ id, tableId }) => {
      const ids = loaded.get(id) ?? [tableId];
      return ids.every((one) => {
        const name = one === null ? undefined : tables.get(one);
        return visible.load(database ?? '', name ?? '');
      });
    })
    .map((transaction) => transactionRow(transaction, time));
}

/** The list with one more where it has not got it. */
function withOlder(
  newest: readonly TransactionRecord[],
  older: TransactionRecord | null,
): readonly TransactionRecord[] {
  const isNew = older !== null && newest.every(({ id }) => id !== older.id);
  return isNew ? [...newest, older] : newest;
}

/** The transaction that WHERE names by its id or its label, however old it is; null when it names none. */
async function wantedTransaction(
  { services, wanted }: ListContext,
  databaseId: DatabaseId,
  idColumn: string,
): Promise<TransactionRecord | null> {
  const { transactions } = services.catalog;
  const id = Number(wanted.get(idColumn)?.equals?.[0] ?? Number.NaN);
  const label = wanted.get('label')?.equals?.[0];
  const found = Number.isSafeInteger(id)
    ? await transactions.find(asId<TransactionId>(id))
    : label === undefined
      ? null
      : await transactions.byLabel(databaseId, label);
  return found?.databaseId === databaseId ? found : null;
}

/** INSERTs, oldest first. SOURCE: StarRocks docs, SHOW LOAD. */
async function loads(context: ListContext): Promise<readonly ListRow[]> {
  const { time, database } = context;
  const listing = { kinds: ['inserts'], databaseName: database, idColumn: 'jobid' } as const;
  return (await listedLoads(context, listing)).toReversed().map((load) => {
    const { transaction, numbers } = load;
    const started = time(transaction.prepareMs);
    // An INSERT reads tables, no files of its own.
    const details = {
      FileNumber: 0,
      FileSize: 0,
      InternalTableLoadRows: numbers?.loadedRows,
      ScanRows: numbers?.scanRows,
      TaskNumber: 1,
    };
    const ratio = load.facts?.properties['max_filter_ratio'];
    return [
      transaction.id,
      transaction.label,
      load.state,
      progressOf(load),
      load.type,
      'NORMAL',
      numbers?.scanRows ?? null,
      numbers?.filteredRows ?? null,
      numbers?.unselectedRows ?? null,
      numbers?.loadedRows ?? null,
      null,
      `resource:N/A; timeout(s):${timeoutSeconds(load)}${ratio === undefined ? '' : `; max_filter_ratio:${ratio}`}`,
      load.error,
      started,
      started,
      started,
      started,
      time(transaction.finishMs),
      load.trackingSql,
      numbers === null ? null : JSON.stringify(details),
      'default_warehouse',
    ];
  });
}

/** Why rows were rejected, the first few of each load, and why loads failed. Oldest load first. */
async function loadWarnings(context: ListContext): Promise<readonly ListRow[]> {
  const { database } = context;
  if (database === null) throw fail('NO_DATABASE');
  const listing = {
    kinds: ['inserts', 'bodies'],
    databaseName: database,
    idColumn: 'jobid',
  } as const;
  return (await listedLoads(context, listing)).toReversed().flatMap((load) => {
    const { transaction, errorSamples, error } = load;
    const details = errorSamples.length > 0 ? errorSamples : error === null ? [] : [error];
    return details.map((detail) => [transaction.id, transaction.label, detail]);
  });
}

export const LOAD_LISTS = {
  FILE: FILE_LIST,
  TRANSACTION: {
    columns: TRANSACTION_COLUMNS,
    rows: transactions,
    like: 'Label',
    aliases: { id: 'TransactionId' },
  },
  LOAD: {
    columns:
      'JobId, Label, State, Progress, Type, Priority, ScanRows, FilteredRows, UnselectedRows, SinkRows, EtlInfo, TaskInfo, ErrorMsg, CreateTime, EtlStartTime, EtlFinishTime, LoadStartTime, LoadFinishTime, TrackingSQL, JobDetails, Warehouse'.split(
        ', ',
      ),
    rows: loads,
    like: 'Label',
  },
  TASKS: {
    columns: TASK_COLUMNS.map(({ name }) => name),
    rows: async (context) => (await taskRows(context)).map((row) => cellsOf(TASK_COLUMNS, row)),
  },
  'LOAD WARNINGS': {
    columns: ['JobId', 'Label', 'ErrorMsgDetail'],
    rows: loadWarnings,
    like: 'Label',
    aliases: { load_job_id: 'JobId' },
  },
} as const satisfies Record<string, ListDefinition>;
