// Commits for tables with keys: takes the table's turn, has a CN look up what the batch replaces at the table's
// head, and commits both together. One at a time per table, first come first served; a table that moved on in
// between is looked at anew. Of several tables the turns are taken in the order of their ids, so that no two wait
// for each other. Everything else goes to the committer below as it is.
import type { Clock } from '../base/clock.ts';
import { fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import { asId, type TableId, type TableVersion, type TransactionId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { underSchema } from '../model/draft-columns.ts';
import { compressionOf } from '../model/file-compression.ts';
import type { LoadFacts } from '../model/load-facts.ts';
import {
  type BegunTransaction,
  type CommitRequest,
  type CommitResult,
  replacingKeys,
  type StagedTable,
} from '../model/load-plan.ts';
import { routingOf } from '../model/partition-routing.ts';
import type { ResolvePlan } from '../model/resolve-plan.ts';
import type { StagedFile } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';
import { pruneByKeys } from '../query/prune-files.ts';
import type { CommitFeed } from './commit-feed.ts';
import { underTurn } from './held-turn.ts';
import type { IngestGate } from './ingest-gate.ts';
import type { PartitionHooks, PartitionMaker } from './partition-commit.ts';
import { answerAgain } from './refused.ts';
import type { RewriteCommit } from './rewrite-commit.ts';
import type { SchemaHooks, SchemaMaker } from './schema-commit.ts';
import type { CatalogTurns, Turn } from './turn.ts';
import type {
  BeginOther,
  BeginTask,
  CommitHooks,
  Committer,
  CompactionCommit,
  OtherCommit,
} from './types.ts';

export interface ResolvingOptions {
  readonly committer: Committer;
  readonly catalog: Catalog;
  readonly turns: CatalogTurns;
  /** Asks a CN. */
  readonly resolve: (plan: ResolvePlan, signal: AbortSignal) => Promise<StagedTable>;
  readonly clock: Clock;
  /** Is told of each table that got a new version. */
  readonly feed: CommitFeed;
  /** Has loads wait where their table has too many files. */
  readonly gate: IngestGate;
  /** A batch has to be looked up within this: every other load of the table waits meanwhile. */
  readonly resolveMs: number;
  /** Of the turn; renewed while a batch is looked up. */
  readonly leaseMs?: number;
  readonly log: Log;
}

/** A front end that dies holds up the others for as long at most. */
const DEFAULT_LEASE_MS = 15_000;
const TURN_WAIT_MS = 120_000;
/** How often a table may move on below a batch: only statements that take no turn make it (TRUNCATE and such). */
const ATTEMPTS = 20;

type Requested = Pick<CommitRequest, 'transactionId' | 'tables'> & Pick<OtherCommit, 'overwrite'>;

/** All objects that hold keys of a batch. */
function batchFiles({ files, keyed }: StagedTable): readonly StagedFile[] {
  const { deletes = null, draft, steps = [] } = keyed ?? {};
  return [
    ...(deletes === null ? [] : [deletes]),
    ...(draft === undefined ? [] : [draft.file]),
    ...files,
    ...steps.flatMap(batchFiles),
  ];
}

export class ResolvingCommitter implements Committer {
  readonly #options: ResolvingOptions;

  constructor(options: ResolvingOptions) {
    this.#options = options;
  }

  get gate(): IngestGate {
    return this.#options.gate;
  }

  /** Tells of new versions of tables. */
  get feed(): CommitFeed {
    return this.#options.feed;
  }

  /** The turns of this front end's tables. */
  get turns(): CatalogTurns {
    return this.#options.turns;
  }

  async commit(request: CommitRequest, hooks: CommitHooks): Promise<CommitResult> {
    const { committer } = this.#options;
    return this.#told(
      await this.#resolved(request, (resolved, turns) => committer.commit(resolved, hooks, turns)),
    );
  }

  async commitOther(request: OtherCommit): Promise<CommitResult> {
    const { committer } = this.#options;
    return this.#told(
      await this.#resolved(request, (resolved, [turn, ...furtherTurns]) =>
        committer.commitOther(turn === undefined ? resolved : { ...resolved, turn, furtherTurns }),
      ),
    );
  }

  #told(result: CommitResult): CommitResult {
    const tableIds = result.versions.map(({ tableId }) => tableId);
    this.#options.gate.grown(tableIds);
    this.#options.feed.tell(tableIds);
    return result;
  }

  async #resolved<R extends Requested>(
    request: R,
    commit: (resolved: R, turns: readonly Turn[]) => Promise<CommitResult>,
  ): Promise<CommitResult> {
    const keyed = request.tables
      .filter((table) => table.keyed !== undefined)
      .sort((a, b) => a.tableId - b.tableId);
    if (keyed.length === 0) return await commit(request, []);
    const { transactionId } = request;
    const tableIds = keyed.map(({ tableId }) => tableId);
    for (let attempt = 1; ; attempt += 1) {
      try {
        // Nobody gives up a commit: only the loss of a turn ends it.
        const { signal: given } = new AbortController();
        return await this.#underTurns(tableIds, transactionId, given, async (turns, signal) => {
          const ended = await this.#ended(transactionId);
          if (ended !== null) return ended;
          const resolved = new Map<TableId, StagedTable>();
          for (const table of keyed)
            resolved.set(table.tableId, await this.#resolve(table, request, signal));
          failpoint('resolve.before-commit');
          const tables = request.tables.map((table) => resolved.get(table.tableId) ?? table);
          return await commit({ ...request, tables }, turns);
        });
      } catch (thrown) {
        const error = toAppError(thrown);
        // Another table that moved on (rejected rows that are replayed) is the caller's to look at.
        const { tableId } = error.fields;
        const isOther = tableId !== undefined && !tableIds.some((id) => id === tableId);
        const again = !isOther && (error.code === 'RESOLVE_STALE' || error.code === 'TURN_LOST');
        if (!again || attempt === ATTEMPTS) throw thrown;
        this.#options.log.info('a batch is resolved anew', { txn: transactionId, error });
      }
    }
  }

  /** Takes the turns one by one, in the given order. */
  #underTurns<T>(
    [tableId, ...others]: readonly TableId[],
    transactionId: TransactionId,
    given: AbortSignal,
    work: (turns: readonly Turn[], signal: AbortSignal) => Promise<T>,
    held: readonly Turn[] = [],
  ): Promise<T> {
    if (tableId === undefined) return work(held, given);
    const holder = `transaction ${transactionId}`;
    const { leaseMs = DEFAULT_LEASE_MS } = this.#options;
    const request = { rank: 'LOAD', holder, leaseMs, waitMs: TURN_WAIT_MS } as const;
    return underTurn(this.#options, tableId, request, given, (turn, signal) =>
      this.#underTurns(others, transactionId, signal, work, [...held, turn]),
    );
  }

  /** What an earlier try made of the transaction whose answer was lost. Throws the error that it gave. */
  async #ended(transactionId: TransactionId): Promise<CommitResult | null> {
    const transaction = await this.#options.catalog.transactions.find(transactionId);
    return transaction === null || transaction.finishMs === null ? null : answerAgain(transaction);
  }

  async #resolve(
    asStaged: StagedTable,
    { transactionId, overwrite }: Requested,
    signal: AbortSignal,
  ): Promise<StagedTable> {
    const { catalog, resolve } = this.#options;
    const found = await catalog.snapshotOf(asStaged.tableId);
    // Of no version at all: the commit refuses a table that was dropped.
    if (found === null) return { ...asStaged, resolvedAt: asId<TableVersion>(0) };
    const { table, version, files, partitions } = found.entry;
    const staged = underSchema(asStaged, table.schema);
    // Of what the rows take the place of as a whole nothing has to be looked up.
    if (overwrite === true) return { ...staged, resolvedAt: version };
    const keys = replacingKeys(table.schema);
    if (keys === null) {
      const detail = `table ${table.name} has no keys`;
      throw fail('COMMIT_REQUEST_INVALID', { transactionId, detail });
    }
    const { draft, steps } = staged.keyed ?? {};
    const candidates = pruneByKeys(files, batchFiles(staged), table.schema, keys);
    // Rows that depend on old ones are not what is written, also where there are none.
    const isWritten = draft === undefined && steps === undefined;
    if (candidates.length === 0 && isWritten) return { ...staged, resolvedAt: version };
    const volume = await catalog.volumes.byId(table.volumeId);
    const volumes = [...found.volumes.filter(({ id }) => id !== volume.id), volume];
    const { partitioning, schema } = table;
    const routing =
      partitioning === undefined
        ? {}
        : { routing: routingOf(partitioning, schema.columns, partitions, null) };
    const plan: ResolvePlan = {
      transactionId,
      target: {
        tableId: table.id,
        databaseName: table.databaseName,
        tableName: table.name,
        volume,
        prefix: table.prefix,
        ...compressionOf(table),
        keys,
        ...routing,
      },
      schema: table.schema,
      version,
      files: candidates,
      volumes,
      useKeyIndex: table.properties['enable_persistent_index']?.toLowerCase() !== 'false',
      staged,
      timeoutMs: this.#options.resolveMs,
    };
    try {
      return await resolve(plan, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'PEER_GONE') throw error;
      // To the loader it would mean that its own front end is gone.
      throw fail('RESOLVE_FAILED', { tableId: table.id, detail: error.message }, error);
    }
  }

  /** As the committer's. Throws TABLE_TOO_MANY_FILES, too. */
  async begin(task: BeginTask): Promise<BegunTransaction> {
    await this.#options.gate.admitTask(task.taskId);
    return await this.#options.committer.begin(task);
  }

  /** As the committer's. Throws TABLE_TOO_MANY_FILES after a wait, and the signal's reason. */
  async beginOther(load: BeginOther): Promise<BegunTransaction> {
    // The work of the server itself makes files fewer, or as many.
    if (load.source !== 'LAKE_COMPACTION' && load.source !== 'FRONTEND') {
      await this.#options.gate.admit(load.tableId, load.signal);
    }
    return await this.#options.committer.beginOther(load);
  }

  state(transactionId: TransactionId): Promise<CommitResult | null> {
    return this.#options.committer.state(transactionId);
  }

  abort(transactionId: TransactionId, reason: string, facts?: LoadFacts): Promise<CommitResult> {
    return this.#options.committer.abort(transactionId, reason, facts);
  }

  prepare(transactionId: TransactionId): Promise<void> {
    return this.#options.committer.prepare(transactionId);
  }

  commitCompaction(request: CompactionCommit): Promise<CommitResult> {
    return this.#options.committer.commitCompaction(request);
  }

  truncate(tableId: TableId): Promise<number> {
    return this.#options.committer.truncate(tableId);
  }

  rollback(tableId: TableId, at: TablePoint): Promise<TableVersion | null> {
    return this.#options.committer.rollback(tableId, at);
  }

  /** Needs no turn: a batch that was resolved against the version before is looked at anew. */
  changeSchema(tableId: TableId, make: SchemaMaker, hooks: SchemaHooks): Promise<boolean> {
    return this.#options.committer.changeSchema(tableId, make, hooks);
  }

  /** See `commitRewrite` in rewrite-commit.ts. */
  commitRewrite(request: RewriteCommit, hooks: SchemaHooks): Promise<boolean> {
    return this.#options.committer.commitRewrite(request, hooks);
  }

  changePartitions(
    tableId: TableId,
    make: PartitionMaker,
    hooks: PartitionHooks,
  ): Promise<boolean> {
    return this.#options.committer.changePartitions(tableId, make, hooks);
  }

  recoverPartition(tableId: TableId, name: string, hooks: PartitionHooks): Promise<void> {
    return this.#options.committer.recoverPartition(tableId, name, hooks);
  }
}
