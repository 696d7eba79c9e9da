// ALTER TABLE that writes values anew, from begin to commit, on the FE. A CN writes each file anew while loads go on:
// data files never change, so what was done stays done, and only files that came meanwhile are left for the next round.
// The last round is under the table's turn, which loads with keys, DELETE and UPDATE wait for; for those that only add
// files it is tried until no file came in between.
import type { Clock } from '../base/clock.ts';
import { fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { FileId, TransactionId, VolumeId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { AlterJob } from '../catalog/alter-job-store.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { SchemaChange } from '../catalog/schema-store.ts';
import type { RewriteDeletesPlan, RewritePlan } from '../cluster/rpc/messages.ts';
import {
  type DataFile,
  overlaidRows,
  type StagedFile,
  type StagedObject,
  type TableInfo,
  volumesOfFile,
} from '../model/table.ts';
import type { CallLimits } from './compaction-job.ts';
import { underTurn } from './held-turn.ts';
import type { RewriteCommit } from './rewrite-commit.ts';
import type { SchemaHooks, SchemaMaker } from './schema-commit.ts';
import type { TableTurns, Turn } from './turn.ts';
import type { Committer } from './types.ts';

/** The CN's part. */
export interface RewriteNode {
  rewrite(plan: RewritePlan, limits: CallLimits): Promise<readonly StagedFile[]>;
  rewriteDeletes(
    plan: RewriteDeletesPlan,
    limits: CallLimits,
  ): Promise<{ readonly object: StagedObject; readonly positions: readonly number[] } | null>;
}

export interface RewriteJobOptions {
  readonly catalog: Catalog;
  readonly committer: Pick<Committer, 'beginOther' | 'abort' | 'state'> & {
    commitRewrite(request: RewriteCommit, hooks: SchemaHooks): Promise<boolean>;
  };
  readonly turns: TableTurns;
  readonly node: RewriteNode;
  readonly hooks: SchemaHooks;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** StarRocks' alter_table_timeout_second. */
export const ALTER_TIMEOUT_MS = 86_400_000;
const CALL_TIMEOUT_MS = 3_600_000;
const TURN = { leaseMs: 30_000, waitMs: 600_000 } as const;
/** Files that one more round may leave for the one under the turn. */
const FEW_FILES = 4;
/** Most rounds without the turn, and most that are tried under it. */
const MAX_ROUNDS = 50;
const MAX_TRIES = 200;
/** Statements that were planned over the old columns get so long to end before they are refused. */
const STATEMENTS_MS = 30_000;
const LOOK_MS = 100;
/** A CN that was started again, a store that did not answer: so often, after so long. */
const MAX_FAILURES = 30;
const RETRY_MS = 1_000;

/**
 * True once the change is visible; false: the job had ended. Throws ALTER_VALUE, what `make` throws, the signal's
 * reason, and what the CN throws again and again; the transaction is ABORTED then, and the table is as it was.
 */
export async function runRewriteJob(
  options: RewriteJobOptions,
  job: AlterJob,
  make: SchemaMaker,
  progress: (done: number, all: number) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { catalog, committer, random } = options;
  // Of a process that ended in the middle; what it staged is swept.
  if (job.transactionId !== null) {
    const before = await committer.abort(job.transactionId, 'the job was started again');
    if (before.state === 'VISIBLE') return true;
  }
  const { transactionId } = await committer.beginOther({
    label: `alter-${job.id}-${random.uuid()}`,
    databaseId: job.databaseId,
    tableId: job.tableId,
    source: 'FRONTEND',
    coordinator: 'FE: alter',
    timeoutMs: ALTER_TIMEOUT_MS,
  });
  try {
    if (!(await catalog.alterJobs.begun(job.id, transactionId))) {
      await committer.abort(transactionId, 'the job had ended');
      return false;
    }
    failpoint('rewrite.begun');
    const run = new Run(options, { ...job, transactionId }, make, progress, signal);
    const done = await run.toEnd();
    if (!done) await committer.abort(transactionId, 'the job had ended');
    return done;
  } catch (thrown) {
    const error = toAppError(thrown);
    const ended = await committer.abort(transactionId, error.message);
    // The answer of its commit was lost.
    if (ended.state === 'VISIBLE') return true;
    throw error;
  }
}

interface Worked {
  readonly before: TableInfo;
  readonly change: SchemaChange;
}

type RunningJob = AlterJob & { readonly transactionId: TransactionId };
type Progress = (done: number, all: number) => void;

class Run {
  readonly #options: RewriteJobOptions;
  readonly #job: RunningJob;
  readonly #make: SchemaMaker;
  readonly #progress: Progress;
  readonly #signal: AbortSignal;
  /** What files became, by the input, and the rows of overlays that it had by then. */
  readonly #done = new Map<FileId, { readonly output: StagedFile; readonly overlaid: number }>();

  constructor(
    options: RewriteJobOptions,
    job: RunningJob,
    make: SchemaMaker,
    progress: Progress,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#job = job;
    this.#make = make;
    this.#progress = progress;
    this.#signal = signal;
  }

  async toEnd(): Promise<boolean> {
    const worked = await this.#workOut();
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const { files } = await this.#files();
      const missing = files.filter((file) => this.#isMissing(file));
      if (missing.length === 0) break;
      await this.#rewrite(worked, missing, files.length);
      if (missing.length <= FEW_FILES) break;
    }
    await this.#statementsEnd();
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#underTurn(worked);
      } catch (thrown) {
        const error = toAppError(thrown);
        const isStale = error.code === 'RESOLVE_STALE' || error.code === 'TURN_LOST';
        if (!isStale || tries >= MAX_TRIES) throw error;
      }
    }
  }

  /** The change over the columns as they are now. */
  async #workOut(): Promise<Worked> {
    const { catalog } = this.#options;
    return await catalog.transaction(async (scope) => {
      const { table: before, nextFieldId } = await scope.schemas.current(this.#job.tableId);
      const change = this.#make(before, nextFieldId);
      if (change === null) throw fail('TABLE_REWRITTEN', { table: before.name });
      return { before, change };
    });
  }

  async #files() {
    const { tableId } = this.#job;
    const found = await this.#options.catalog.snapshotOf(tableId);
    if (found === null) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
    return found.entry;
  }

  /** Not written yet, or other values came over it since. */
  #isMissing(file: DataFile): boolean {
    return this.#done.get(file.id)?.overlaid !== overlaidRows(file);
  }

  async #rewrite(worked: Worked, missing: readonly DataFile[], all: number): Promise<void> {
    const { node } = this.#options;
    const { schema: after, rewrites = [] } = worked.change;
    for (const file of missing) {
      this.#signal.throwIfAborted();
      const [output] = await this.#retried(async (limits) =>
        node.rewrite({ ...(await this.#plan(worked, [file])), after, rewrites }, limits),
      );
      if (output === undefined) throw fail('INTERNAL', { detail: 'a file became none' });
      this.#done.set(file.id, { output, overlaid: overlaidRows(file) });
      this.#progress(Math.min(this.#done.size, all), all);
      failpoint('rewrite.file-done');
    }
  }

  async #plan({ before }: Worked, inputs: readonly DataFile[]) {
    const { catalog } = this.#options;
    const { transactionId } = this.#job;
    const outputVolume = inputs[0]?.volumeId ?? before.volumeId;
    const ids = new Set<VolumeId>([outputVolume, ...inputs.flatMap(volumesOfFile)]);
    const volumes = await Promise.all([...ids].map((id) => catalog.volumes.byId(id)));
    const volume = await catalog.volumes.byId(outputVolume);
    return { transactionId, table: before, volume, volumes, inputs };
  }

  /** A CN that ended is started again, a store that was away comes back. */
  async #retried<T>(work: (limits: CallLimits) => Promise<T>): Promise<T> {
    const { clock, log } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        return await work({ timeoutMs: CALL_TIMEOUT_MS, signal: this.#signal });
      } catch (thrown) {
        this.#signal.throwIfAborted();
        const error = toAppError(thrown);
        if (error.kind !== 'retry' || failures >= MAX_FAILURES) throw error;
        log.warn('a change of columns tries again', { job: this.#job.id, error });
        await clock.sleep(RETRY_MS, this.#signal);
      }
    }
  }

  /** INSERT, UPDATE and DELETE that began before now may come to their end; later ones are refused if they must be. */
  async #statementsEnd(): Promise<void> {
    const { catalog, clock } = this.#options;
    const { tableId, databaseId, transactionId } = this.#job;
    const untilMs = clock.monotonicMs() + STATEMENTS_MS;
    const open = async (): Promise<readonly number[]> => {
      const list = await catalog.transactions.list({ databaseId, running: true, limit: 1000 });
      return list
        .filter((one) => one.tableId === tableId && one.jobId === null)
        .filter(({ id, source }) => id !== transactionId && source !== 'LAKE_COMPACTION')
        .map(({ id }) => Number(id));
    };
    const first = new Set(await open());
    while (clock.monotonicMs() < untilMs) {
      if (!(await open()).some((id) => first.has(id))) return;
      await clock.sleep(LOOK_MS, this.#signal);
    }
  }

  async #underTurn(worked: Worked): Promise<boolean> {
    const { turns, clock } = this.#options;
    const { tableId, id } = this.#job;
    const request = { rank: 'LOAD', holder: `alter ${id}`, ...TURN } as const;
    return await underTurn({ turns, clock }, tableId, request, this.#signal, (turn) =>
      this.#commit(worked, turn),
    );
  }

  async #commit(worked: Worked, turn: Turn): Promise<boolean> {
    const { committer, node, hooks } = this.#options;
    const { files: inputs } = await this.#files();
    await this.#rewrite(
      worked,
      inputs.filter((file) => this.#isMissing(file)),
      inputs.length,
    );
    const outputs = inputs.flatMap(({ id }) => this.#done.get(id)?.output ?? []);
    const hasDeletes = inputs.some((file) => file.deletes.length > 0);
    const deletes = hasDeletes
      ? await this.#retried(async (limits) =>
          node.rewriteDeletes({ ...(await this.#plan(worked, inputs)), outputs }, limits),
        )
      : null;
    const { transactionId, id, createdMs } = this.#job;
    this.#signal.throwIfAborted();
    failpoint('rewrite.before-commit');
    const job = { id, createdMs };
    const request = { transactionId, job, turn, ...worked, inputs, outputs, deletes };
    return await committer.commitRewrite(request, hooks);
  }
}
