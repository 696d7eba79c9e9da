// Transactions of several loads, over one or several tables of a database, whatever brings their rows: SQL statements
// between BEGIN and COMMIT, or requests of a client. What each load stages waits in the metadata; the commit puts the
// parts of each table together and makes all of it visible at once, or none.
import type { Clock } from '../../base/clock.ts';
import { fail, toAppError } from '../../base/errors.ts';
import type { DatabaseId, TableId, TransactionId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { TransactionChannel } from '../../catalog/transaction-channels.ts';
import type { TransactionScope, TransactionSource } from '../../catalog/transactions.ts';
import { beginChannel, closeChannel } from '../../commit/staged-channels.ts';
import {
  addLoad,
  beginSeveral,
  endLoad,
  prepareSeveral,
  removeLoad,
  startLoad,
} from '../../commit/staged-loads.ts';
import type { RunningLimits } from '../../commit/take-label.ts';
import type { Committer } from '../../commit/types.ts';
import { underSchema } from '../../model/draft-columns.ts';
import { compressionOf } from '../../model/file-compression.ts';
import type { LoadFacts } from '../../model/load-facts.ts';
import { type CommitResult, replacingKeys, type StagedTable } from '../../model/load-plan.ts';
import type { MergePlan } from '../../model/merge-plan.ts';
import { routingOf } from '../../model/partition-routing.ts';
import type { StagedPart } from '../../model/staged-part.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import {
  abortOrExpire,
  commitOrAsk,
  countBytes,
  countedBegin,
  countRows,
  countTransaction,
} from '../own-transaction.ts';
import {
  type Gathered,
  type GatheredTable,
  gatherLoads,
  needsMerge,
  type PartRun,
  putTogether,
  runsOf,
} from './gather.ts';

export interface ExplicitTransactionsOptions {
  readonly catalog: Catalog;
  readonly committer: Pick<Committer, 'commitOther' | 'abort' | 'state'>;
  /** How many may run at once. */
  readonly running: () => RunningLimits;
  /** Waits where the table has too many files. Throws TABLE_TOO_MANY_FILES, the signal's reason. */
  readonly admit: (tableId: TableId, signal: AbortSignal) => Promise<void>;
  /** Asks a CN. */
  readonly merge: (plan: MergePlan, signal: AbortSignal) => Promise<StagedTable>;
  /** Merging may take this long at most. */
  readonly mergeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface BeginExplicit {
  readonly transactionId: TransactionId;
  readonly label: string;
  readonly databaseId: DatabaseId;
  /** Null: of several tables, which the loads name. */
  readonly tableId: TableId | null;
  readonly source: TransactionSource;
  readonly scope: Exclude<TransactionScope, ''>;
  readonly coordinator: string;
  readonly userName: string;
  readonly timeoutMs: number;
  /** Null: it may idle until it times out. */
  readonly idleTimeoutMs: number | null;
  /** Loads come by so many channels side by side; 0 = one after the other. */
  readonly channels: number;
}

/** One load of a transaction. */
export interface ExplicitLoad {
  readonly transactionId: TransactionId;
  readonly tableId: TableId;
  readonly signal: AbortSignal;
  /** Makes durable files of the transaction. */
  readonly stage: () => Promise<StagedPart>;
}

/** What a transaction made visible. */
export interface Committed extends Gathered {
  readonly result: CommitResult;
}

type Found = NonNullable<Awaited<ReturnType<Catalog['snapshotOf']>>>;

const KIND = 'transaction';
/** So often the loads of one table may change their way: each costs a step while the table's other loads wait. */
const MAX_STEPS = 256;

export class ExplicitTransactions {
  readonly #options: ExplicitTransactionsOptions;

  constructor(options: ExplicitTransactionsOptions) {
    this.#options = options;
  }

  /** For `begin`, which may come later. */
  reserveId(): Promise<TransactionId> {
    return this.#options.catalog.begins.reserveTransactionId();
  }

  /** Throws as `beginSeveral` does. */
  begin(begin: BeginExplicit): Promise<void> {
    const { catalog, running } = this.#options;
    return countedBegin(this.#options, KIND, () => beginSeveral(catalog, begin, running()));
  }

  /**
   * Stages a load and has it join the transaction. Where it fails the transaction is as it was before, and the caller
   * decides whether it goes on. Throws what `stage` throws, TRANSACTION_BUSY while another load runs,
   * TRANSACTION_ABORTED, TRANSACTION_STATE, LIMIT_EXCEEDED, TABLE_TOO_MANY_FILES, the signal's reason.
   */
  async load({ transactionId, tableId, signal, stage }: ExplicitLoad): Promise<StagedPart> {
    await this.startLoad(transactionId, tableId, signal);
    const staged = await stage().catch(async (thrown: unknown) => {
      await this.dropLoad(transactionId);
      throw thrown;
    });
    if (signal.aborted) {
      await this.dropLoad(transactionId);
      throw signal.reason;
    }
    const ordinal = await this.joinLoad(transactionId, staged);
    // Its caller has been told that it was stopped: it must not be there.
    if (signal.aborted) {
      await removeLoad(this.#options.catalog, transactionId, ordinal);
      throw signal.reason;
    }
    return staged;
  }

  /** A load begins, which `joinLoad` or `dropLoad` ends. Throws as `load` does. */
  async startLoad(
    transactionId: TransactionId,
    tableId: TableId,
    signal: AbortSignal,
    channel: number | null = null,
  ): Promise<void> {
    const { catalog, admit } = this.#options;
    await admit(tableId, signal);
    await startLoad(catalog, transactionId, channel);
  }

  /** The running load joins. Returns its place, 1... Throws as `addLoad` does. */
  joinLoad(
    transactionId: TransactionId,
    staged: StagedPart,
    channel: number | null = null,
  ): Promise<number> {
    return addLoad(this.#options.catalog, transactionId, staged, channel);
  }

  /** As `beginChannel` of commit/staged-channels. */
  beginChannel(transactionId: TransactionId, channel: number): Promise<boolean> {
    return beginChannel(this.#options.catalog, transactionId, channel);
  }

  /** As `closeChannel` of commit/staged-channels. */
  closeChannel(
    transactionId: TransactionId,
    channel: number | null,
  ): Promise<readonly TransactionChannel[]> {
    return closeChannel(this.#options.catalog, transactionId, channel);
  }

  /** The running load is over without a trace. What cannot be noted now is noted when the transaction ends. */
  async dropLoad(transactionId: TransactionId): Promise<void> {
    const { catalog, log } = this.#options;
    await endLoad(catalog, transactionId).catch((error: unknown) => {
      log.warn('the end of a load could not be noted', { txn: transactionId, error });
    });
  }

  /** What joined so far. */
  async gathered(transactionId: TransactionId): Promise<Gathered> {
    const loads = await this.#options.catalog.transactionLoads.list(transactionId);
    return gatherLoads(loads.map(({ staged }) => staged));
  }

  /** As `prepareSeveral`. */
  prepare(transactionId: TransactionId, timeoutMs: number): Promise<void> {
    return prepareSeveral(this.#options.catalog, transactionId, timeoutMs);
  }

  /**
   * Makes everything visible that joined; nothing may join any more. Repeating it gives the same answer. Throws
   * TRANSACTION_ABORTED where a table was dropped or rewritten, or the transaction had ended otherwise: nothing
   * is visible then. Throws with the transaction as it was: storage and engine errors, METADATA_UNAVAILABLE, and
   * what the committer throws that way.
   */
  async commit(
    transactionId: TransactionId,
    factsOf?: (gathered: Gathered) => LoadFacts,
  ): Promise<Committed> {
    const gathered = await this.gathered(transactionId);
    const [first, ...further] = gathered.targets;
    if (first === undefined) throw fail('TRANSACTION_EMPTY', { transactionId });
    const tables: StagedTable[] = [];
    for (const table of gathered.tables) {
      tables.push(needsMerge(table) ? await this.#merge(transactionId, table) : putTogether(table));
    }
    const { rowsLoaded, rowsFiltered, errorSamples } = gathered;
    const result = await commitOrAsk(this.#options, KIND, {
      transactionId,
      ...first,
      further,
      tables,
      rowsLoaded,
      rowsFiltered,
      errorSamples,
      ...(factsOf === undefined ? {} : { facts: factsOf(gathered) }),
    });
    countTransaction(this.#options, KIND, result.state);
    if (result.state !== 'VISIBLE') throw await this.#aborted(transactionId);
    countRows(this.#options, KIND, rowsLoaded, rowsFiltered);
    countBytes(this.#options, KIND, gathered.bodyBytes);
    return { ...gathered, result };
  }

  /** As `abortOrExpire`. */
  rollback(
    transactionId: TransactionId,
    reason: string,
    facts?: LoadFacts,
  ): Promise<CommitResult | null> {
    return abortOrExpire(this.#options, KIND, transactionId, reason, facts);
  }

  async #aborted(transactionId: TransactionId): Promise<Error> {
    const transaction = await this.#options.catalog.transactions.find(transactionId);
    const detail = transaction?.reason ?? 'it is not known any more';
    return fail('TRANSACTION_ABORTED', { transactionId, detail });
  }

  /** One batch of the parts of a table with keys; a table that is gone is left to the commit, which refuses it. */
  async #merge(transactionId: TransactionId, gathered: GatheredTable): Promise<StagedTable> {
    const { tableId } = gathered;
    const found = await this.#options.catalog.snapshotOf(tableId);
    if (found === null) return gathered.parts[0] ?? { tableId, files: [] };
    const { entry } = found;
    const runs = runsOf(gathered.parts.map((part) => underSchema(part, entry.table.schema)));
    if (runs.length > MAX_STEPS) {
      const { name: table } = entry.table;
      throw fail('TRANSACTION_MIXED', {
        table,
        transactionId,
        actual: runs.length - 1,
        limit: MAX_STEPS - 1,
      });
    }
    const steps: StagedTable[] = [];
    for (const run of runs) {
      const [only, ...others] = run.parts;
      const isOne = only !== undefined && others.length === 0;
      steps.push(isOne ? only : await this.#mergeRun(transactionId, entry, run));
    }
    const [step, ...more] = steps;
    if (step !== undefined && more.length === 0) return step;
    // What comes of them depends on the old rows: they are applied one after the other under the table's turn.
    return { tableId, files: [], keyed: { deletes: null, replacedRows: 0, steps } };
  }

  async #mergeRun(
    transactionId: TransactionId,
    { table, partitions }: Found['entry'],
    { draft, parts }: PartRun,
  ): Promise<StagedTable> {
    const { catalog, merge, mergeMs } = this.#options;
    const volume = await catalog.volumes.byId(table.volumeId);
    const { id: tableId, partitioning, schema } = table;
    const routing =
      partitioning === undefined
        ? {}
        : { routing: routingOf(partitioning, schema.columns, partitions, null) };
    const plan: MergePlan = {
      transactionId,
      target: {
        tableId,
        databaseName: table.databaseName,
        tableName: table.name,
        volume,
        prefix: table.prefix,
        ...compressionOf(table),
        keys: replacingKeys(schema),
        ...routing,
      },
      schema,
      draft,
      parts,
      volumes: [volume],
      timeoutMs: mergeMs,
    };
    try {
      return await merge(plan, new AbortController().signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'PEER_GONE') throw error;
      throw fail('RESOLVE_FAILED', { tableId, detail: error.message }, error);
    }
  }
}
