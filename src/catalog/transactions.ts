// Transactions and labels: rows and the states they may take. Making a transaction VISIBLE is in
// commit-store.ts and only commit/ calls it.
import { type Selectable, sql } from 'kysely';
import { type AppError, decodeError, type ErrorCode, type ErrorFields } from '../base/errors.ts';
import {
  asId,
  type DatabaseId,
  type Epoch,
  type JobId,
  type TableId,
  type TableVersion,
  type TransactionId,
} from '../base/ids.ts';
import type { LoadFacts } from '../model/load-facts.ts';
import type { CommittedPartitions } from './committed-partitions.ts';
import type { CatalogContext } from './context.ts';
import type { TransactionsTable } from './schema/tables.ts';

export type TransactionState = 'PREPARE' | 'PREPARED' | 'COMMITTED' | 'VISIBLE' | 'ABORTED';

/**
 * '' = of one load or statement, with which it ends; SESSION: of several, it ends with its SQL session; CLIENT: of
 * several, it outlives connections and restarts.
 */
export type TransactionScope = '' | 'SESSION' | 'CLIENT';

/** As StarRocks names them in LoadJobSourceType. */
export type TransactionSource =
  | 'FRONTEND'
  | 'BACKEND_STREAMING'
  | 'FRONTEND_STREAMING'
  | 'MULTI_STATEMENT_STREAMING'
  | 'INSERT_STREAMING'
  | 'ROUTINE_LOAD_TASK'
  | 'BATCH_LOAD_JOB'
  | 'DELETE'
  | 'LAKE_COMPACTION'
  | 'MULTI_STATEMENT_STREAMING';

export interface TransactionRecord {
  readonly id: TransactionId;
  readonly label: string;
  readonly databaseId: DatabaseId;
  readonly tableId: TableId | null;
  readonly jobId: JobId | null;
  readonly taskId: string | null;
  readonly epoch: Epoch | null;
  readonly state: TransactionState;
  readonly source: TransactionSource;
  /** `FE: <host>` or `CN: <node>`. */
  readonly coordinator: string;
  readonly prepareMs: number;
  readonly preparedMs: number | null;
  readonly commitMs: number | null;
  readonly finishMs: number | null;
  readonly timeoutMs: number;
  readonly reason: string;
  /** JSON of what the transaction did or why it failed; '' while it is open. */
  readonly attachmentJson: string;
  /** Who asked for it; '' = the system, or a load job whose owner it is. */
  readonly userName: string;
  readonly scope: TransactionScope;
  /** Of several loads: one of them runs now. */
  readonly isBusy: boolean;
}

export interface NewTransaction {
  readonly label: string;
  readonly databaseId: DatabaseId;
  readonly tableId: TableId | null;
  readonly jobId: JobId | null;
  readonly taskId: string | null;
  readonly epoch: Epoch | null;
  readonly source: TransactionSource;
  readonly coordinator: string;
  readonly timeoutMs: number;
  readonly userName?: string;
  /** Of several loads; absent: of one. */
  readonly scope?: Exclude<TransactionScope, ''>;
  /** Of several loads: it ends where none runs for so long. Null: it may idle until it times out. */
  readonly idleTimeoutMs?: number | null;
}

/** Null = open. */
export interface Range {
  readonly low: number | null;
  readonly high: number | null;
}

/** Statements; bodies of requests (Stream Load and its transactions); tasks of Routine Load. */
export type LoadKind = 'inserts' | 'bodies' | 'tasks';

/** Of Stream Loads and their transactions. */
export const BODY_SOURCES: readonly TransactionSource[] = [
  'BACKEND_STREAMING',
  'FRONTEND_STREAMING',
  'MULTI_STATEMENT_STREAMING',
];

/** The texts of the partial indexes transactions_inserts and transactions_bodies: bound values would not find them. */
const OF_KIND: Readonly<Record<LoadKind, string>> = {
  inserts: `source = 'INSERT_STREAMING'`,
  bodies: `source IN (${BODY_SOURCES.map((source) => `'${source}'`).join(', ')})`,
  tasks: `source = 'ROUTINE_LOAD_TASK'`,
};

export interface Transactions {
  find(id: TransactionId): Promise<TransactionRecord | null>;
  byLabel(databaseId: DatabaseId, label: string): Promise<TransactionRecord | null>;
  /** Newest first, `limit` at most. `running`: only those not final, or (false) only those that are. */
  list(filter: {
    readonly databaseId?: DatabaseId;
    readonly jobId?: JobId;
    readonly running?: boolean;
    /** Only loads of this kind, whatever else there is. */
    readonly kind?: LoadKind;
    /** Only those of these labels, of any database. */
    readonly labels?: readonly string[];
    /** Only with these ids, first and last included. */
    readonly ids?: Range;
    /** Only those that began then. */
    readonly prepareMs?: Range;
    readonly limit: number;
  }): Promise<readonly TransactionRecord[]>;
  /** Those of a database that are kept. */
  count(databaseId: DatabaseId): Promise<{ readonly running: number; readonly finished: number }>;
  /** DELETEs that are VISIBLE, newest first, `limit` at most, for as long as labels are kept. */
  deletes(databaseId: DatabaseId, limit: number): Promise<readonly TransactionRecord[]>;
}

/** What a DELETE asked for, for SHOW DELETE. */
export interface DeletedRows {
  /** As the statement names them; null = it names none. */
  readonly partitions: readonly string[] | null;
  readonly condition: string;
}

/** Numbers of a load that became visible, for SHOW LOAD and information_schema.loads. */
export interface LoadOutcome {
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly errorSamples: readonly string[];
  /** Of a batch of Routine Load; the facts of other loads have them. */
  readonly rowsUnselected?: number;
  readonly receivedBytes?: number;
}

/** What a final transaction left behind; `error` is thrown again when its commit is repeated. */
export interface TransactionOutcome {
  /** What a load did; null for other transactions. */
  readonly load: LoadOutcome | null;
  /** Of a DELETE; null for the others. */
  readonly deleted: DeletedRows | null;
  /** What the load told of itself, however it ended; null = nothing. */
  readonly facts: LoadFacts | null;
  readonly versions: readonly { readonly tableId: TableId; readonly version: TableVersion }[];
  /** What it changed of tables with partitions. */
  readonly partitions: readonly CommittedPartitions[];
  readonly continueTask: boolean;
  readonly error: AppError | null;
}

export interface Success extends Pick<TransactionOutcome, 'versions' | 'continueTask'> {
  readonly partitions?: readonly CommittedPartitions[];
  readonly load?: LoadOutcome;
  readonly deleted?: DeletedRows;
  readonly facts?: LoadFacts;
}

/** The attachment of a transaction that became visible. */
export function success(outcome: Success): string {
  const { versions, partitions = [], continueTask, load, deleted, facts } = outcome;
  return JSON.stringify({
    versions,
    ...(partitions.length === 0 ? {} : { partitions }),
    continueTask,
    ...(load === undefined ? {} : { load }),
    ...(deleted === undefined ? {} : { deleted }),
    ...(facts === undefined ? {} : { facts }),
  });
}

/** The attachment of one that was aborted without an error of its own; '' where there is nothing to tell. */
export function abortion(facts: LoadFacts | undefined): string {
  return facts === undefined ? '' : JSON.stringify({ versions: [], continueTask: false, facts });
}

/** The attachment of one that was refused with an error which a repeat must see again. */
export function refusal(error: AppError, facts?: LoadFacts): string {
  const fields = Object.entries(error.fields).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? String(value) : value,
  ]);
  return JSON.stringify({
    error: { code: error.code, fields: Object.fromEntries(fields) },
    ...(facts === undefined ? {} : { facts }),
  });
}

export function readOutcome(attachmentJson: string): TransactionOutcome {
  const none = {
    versions: [],
    partitions: [],
    continueTask: false,
    error: null,
    load: null,
    deleted: null,
    facts: null,
  };
  if (attachmentJson === '') return none;
  const read = JSON.parse(attachmentJson) as
    | Success
    | { error: { code: ErrorCode; fields: ErrorFields }; facts?: LoadFacts };
  const { facts = null } = read;
  if ('error' in read) return { ...none, facts, error: decodeError({ ...read.error, stack: '' }) };
  const { load = null, deleted = null, partitions = [] } = read;
  return { ...read, error: null, load, deleted, facts, partitions };
}

export class TransactionStore implements Transactions {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async find(id: TransactionId): Promise<TransactionRecord | null> {
    const row = await this.#context.db
      .selectFrom('transactions')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? null : readTransaction(row);
  }

  async byLabel(databaseId: DatabaseId, label: string): Promise<TransactionRecord | null> {
    const row = await this.#context.db
      .selectFrom('labels')
      .innerJoin('transactions', 'transactions.id', 'labels.transaction_id')
      .selectAll('transactions')
      .where('labels.database_id', '=', databaseId)
      .where('labels.label', '=', label)
      .executeTakeFirst();
    return row === undefined ? null : readTransaction(row);
  }

  async list(filter: Parameters<Transactions['list']>[0]): Promise<readonly TransactionRecord[]> {
    let query = this.#context.db.selectFrom('transactions').selectAll();
    if (filter.databaseId !== undefined) query = query.where('database_id', '=', filter.databaseId);
    if (filter.jobId !== undefined) query = query.where('job_id', '=', filter.jobId);
    if (filter.running === true) query = query.where('finish_ms', 'is', null);
    if (filter.running === false) query = query.where('finish_ms', 'is not', null);
    const { ids, prepareMs, labels, kind } = filter;
    // The few that run are found by their own index: the plus keeps that of the kind out of it.
    const plus = filter.running === true ? '+' : '';
    if (kind !== undefined) query = query.where(sql<boolean>`${sql.raw(plus + OF_KIND[kind])}`);
    if (ids?.low != null) query = query.where('id', '>=', ids.low);
    if (ids?.high != null) query = query.where('id', '<=', ids.high);
    if (prepareMs?.low != null) query = query.where('prepare_ms', '>=', prepareMs.low);
    if (prepareMs?.high != null) query = query.where('prepare_ms', '<=', prepareMs.high);
    if (labels !== undefined) query = query.where('label', 'in', labels);
    const rows = await query.orderBy('id', 'desc').limit(filter.limit).execute();
    return rows.map(readTransaction);
  }

  async count(databaseId: DatabaseId): Promise<{ running: number; finished: number }> {
    const row = await this.#context.db
      .selectFrom('transactions')
      .select(({ fn }) => [
        fn.countAll<number>().as('all'),
        fn.count<number>('finish_ms').as('ended'),
      ])
      .where('database_id', '=', databaseId)
      .executeTakeFirst();
    const finished = Number(row?.ended ?? 0);
    return { running: Number(row?.all ?? 0) - finished, finished };
  }

  async deletes(databaseId: DatabaseId, limit: number): Promise<readonly TransactionRecord[]> {
    const rows = await this.#context.db
      .selectFrom('labels')
      .innerJoin('transactions', 'transactions.id', 'labels.transaction_id')
      .selectAll('transactions')
      .where('labels.database_id', '=', databaseId)
      // The labels that DELETEs get, which the index finds.
      .where('labels.label', '>=', 'delete_')
      .where('labels.label', '<', 'delete`')
      .where('transactions.state', '=', 'VISIBLE')
      .orderBy('transactions.id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(readTransaction);
  }
}

export function readTransaction(row: Selectable<TransactionsTable>): TransactionRecord {
  return {
    id: asId<TransactionId>(row.id),
    label: row.label,
    databaseId: asId<DatabaseId>(row.database_id),
    tableId: row.table_id === null ? null : asId<TableId>(row.table_id),
    jobId: row.job_id === null ? null : asId<JobId>(row.job_id),
    taskId: row.task_id,
    epoch: row.epoch === null ? null : asId<Epoch>(row.epoch),
    state: row.state,
    source: row.source as TransactionSource,
    coordinator: row.coordinator,
    prepareMs: row.prepare_ms,
    preparedMs: row.prepared_ms,
    commitMs: row.commit_ms,
    finishMs: row.finish_ms,
    timeoutMs: row.timeout_ms,
    reason: row.reason,
    attachmentJson: row.attachment_json,
    userName: row.user_name,
    scope: row.scope as TransactionScope,
    isBusy: row.busy > 0,
  };
}
