// SHOW TRANSACTION, SHOW LOAD and SHOW LOAD WARNINGS: transactions as the metadata keeps them.
// SOURCE: StarRocks, shared/reference part 8.
import { fail } from '../../base/errors.ts';
import { asId, type DatabaseId, type TransactionId } from '../../base/ids.ts';
import type { TransactionRecord } from '../../catalog/transactions.ts';
import { FILE_LIST } from '../files.ts';
import { listedLoads, rowsRead, withOlder } from '../information-schema/loads.ts';
import { TASK_COLUMNS, taskRows } from '../information-schema/tasks.ts';
import { cellsOf } from '../information-schema/view.ts';
import {
  emptyList,
  type ListContext,
  type ListDefinition,
  type ListRow,
} from './list-definition.ts';

/** Most transactions of one list, the newest; an older one is found by `WHERE id = ..` or `WHERE label = ".."`. */
const LIST_LIMIT = 2_000;

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
    86_400_000,
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
  return withOlder(newest, older)
    .filter(({ tableId }) => {
      const name = tableId === null ? undefined : tables.get(tableId);
      return visible.load(database ?? '', name ?? '');
    })
    .map((transaction) => transactionRow(transaction, time));
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

async function loads(context: ListContext): Promise<readonly ListRow[]> {
  const { time, database } = context;
  return (await listedLoads(context, database, 'jobid')).map(
    ({ transaction, state, progress, error, outcome, trackingSql }) => {
      const started = time(transaction.prepareMs);
      const [read, loaded] = [rowsRead(outcome), outcome?.rowsLoaded ?? null];
      const rows = [read, outcome?.rowsFiltered ?? null, outcome === null ? null : 0, loaded];
      // An INSERT reads tables, no files of its own.
      const details = {
        FileNumber: 0,
        FileSize: 0,
        ScanRows: read,
        SinkRows: loaded,
        TaskNumber: 1,
      };
      const jobDetails = outcome === null ? null : JSON.stringify(details);
      const times = [started, started, started, started, time(transaction.finishMs)];
      const head = [transaction.id, transaction.label, state, progress, 'INSERT', 'NORMAL'];
      return [
        ...head,
        ...rows,
        null,
        null,
        error,
        ...times,
        trackingSql,
        jobDetails,
        'default_warehouse',
      ];
    },
  );
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
  'LOAD WARNINGS': emptyList('JobId, Label, ErrorMsgDetail'),
} as const satisfies Record<string, ListDefinition>;
