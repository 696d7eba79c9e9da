// The SQL of beginning a transaction: the lease's facts, the label, the PREPARE row. Only commit/ may
// call it.
import type { Insertable } from 'kysely';
import { present } from '../base/assert.ts';
import {
  asId,
  type Epoch,
  type JobId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { runBatch } from './driver/batch.ts';
import type { TransactionsTable } from './schema/tables.ts';
import { BODY_SOURCES, type NewTransaction, type TransactionSource } from './transactions.ts';

export interface BeginFacts {
  readonly leaderEpoch: Epoch;
  readonly lease: {
    readonly epoch: Epoch;
    readonly jobId: JobId;
    readonly jobName: string;
    readonly databaseId: number;
    readonly tableId: TableId;
    readonly volumeId: VolumeId;
  } | null;
}

/** Open transactions that have a limit, the one that was just begun not counted. */
export interface RunningTransactions {
  /** Of its database: all but tasks of Routine Load and what the server does by itself. */
  readonly ofDatabase: number;
  /** Loads with bodies, of its coordinator. */
  readonly bodiesOfCoordinator: number;
}

export interface BegunRow {
  /** The transaction that has the label; null: this one. */
  readonly holder: TransactionId | null;
  readonly running: RunningTransactions;
}

/** SOURCE: StarRocks, checkRunningTxnExceedLimit: tasks of Routine Load and compactions have limits of their own. */
const NOT_LIMITED: readonly TransactionSource[] = [
  'ROUTINE_LOAD_TASK',
  'LAKE_COMPACTION',
  'FRONTEND',
];

/** Does the limit of its database hold for it? */
export function isLimited(source: TransactionSource): boolean {
  return !NOT_LIMITED.includes(source);
}

/** Does the limit of its compute node hold for it? */
export function isBody(source: TransactionSource): boolean {
  return BODY_SOURCES.includes(source);
}

export class BeginStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Not inside a transaction. */
  reserveTransactionId(): Promise<TransactionId> {
    return this.#context.ids.one<TransactionId>('transaction');
  }

  async facts(taskId: string): Promise<BeginFacts> {
    const { db } = this.#context;
    const [leaders, leases] = await runBatch(db, [
      db.selectFrom('incarnation').select('leader_epoch'),
      db
        .selectFrom('task_leases')
        .innerJoin('load_jobs', 'load_jobs.id', 'task_leases.job_id')
        .innerJoin('tables', 'tables.id', 'load_jobs.table_id')
        .select([
          'task_leases.epoch',
          'load_jobs.id',
          'load_jobs.name',
          'load_jobs.database_id',
          'load_jobs.table_id',
          'tables.volume_id',
        ])
        .where('task_leases.task_id', '=', taskId)
        .where('tables.dropped_ms', 'is', null),
    ]);
    const lease = leases[0];
    return {
      leaderEpoch: asId<Epoch>(present(leaders[0], 'the incarnation row').leader_epoch),
      lease:
        lease === undefined
          ? null
          : {
              epoch: asId<Epoch>(lease.epoch),
              jobId: asId<JobId>(lease.id),
              jobName: lease.name,
              databaseId: lease.database_id,
              tableId: asId<TableId>(lease.table_id),
              volumeId: asId<VolumeId>(lease.volume_id),
            },
    };
  }

  /**
   * Takes the label and writes the PREPARE row. A label whose transaction is ABORTED is taken over. The caller decides
   * whether there are too many others. Inside a transaction.
   */
  async begin(id: TransactionId, transaction: NewTransaction): Promise<BegunRow> {
    const { db, nowMs } = this.#context;
    const [labels, , counts] = await runBatch(db, [
      db
        .insertInto('labels')
        .values({
          database_id: transaction.databaseId,
          label: transaction.label,
          transaction_id: id,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['database_id', 'label'])
            .doUpdateSet({ transaction_id: id })
            .where(({ exists, selectFrom }) =>
              exists(
                selectFrom('transactions')
                  .select('transactions.id')
                  .whereRef('transactions.id', '=', 'labels.transaction_id')
                  .where('transactions.state', '=', 'ABORTED'),
              ),
            ),
        )
        .returning('transaction_id'),
      db.insertInto('transactions').values(openRow(id, transaction, nowMs())),
      db
        .selectFrom('transactions')
        .where('finish_ms', 'is', null)
        .where('id', '<>', id)
        .select(({ fn }) => [
          fn
            .countAll<number>()
            .filterWhere('database_id', '=', transaction.databaseId)
            .filterWhere('source', 'not in', NOT_LIMITED)
            .as('of_database'),
          fn
            .countAll<number>()
            .filterWhere('coordinator', '=', transaction.coordinator)
            .filterWhere('source', 'in', BODY_SOURCES)
            .as('bodies'),
        ]),
    ]);
    const running = {
      ofDatabase: Number(counts[0]?.of_database ?? 0),
      bodiesOfCoordinator: Number(counts[0]?.bodies ?? 0),
    };
    if (labels[0] !== undefined) return { holder: null, running };
    const holder = await db
      .selectFrom('labels')
      .select('transaction_id')
      .where('database_id', '=', transaction.databaseId)
      .where('label', '=', transaction.label)
      .executeTakeFirst();
    return {
      holder: asId<TransactionId>(present(holder, 'the label in use').transaction_id),
      running,
    };
  }
}

function openRow(
  id: TransactionId,
  transaction: NewTransaction,
  nowMs: number,
): Insertable<TransactionsTable> {
  return {
    id,
    label: transaction.label,
    database_id: transaction.databaseId,
    table_id: transaction.tableId,
    job_id: transaction.jobId,
    task_id: transaction.taskId,
    epoch: transaction.epoch,
    state: 'PREPARE',
    source: transaction.source,
    coordinator: transaction.coordinator,
    prepare_ms: nowMs,
    prepared_ms: null,
    commit_ms: null,
    finish_ms: null,
    timeout_ms: transaction.timeoutMs,
    reason: '',
    attachment_json: '',
    user_name: transaction.userName ?? '',
    scope: transaction.scope ?? '',
    idle_timeout_ms: transaction.idleTimeoutMs ?? null,
    active_ms: transaction.scope === undefined ? null : nowMs,
    busy: 0,
  };
}
