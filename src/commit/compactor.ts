// Decides when which table is compacted: soon after its commits, table by table in turn, so that none waits for
// another's many files. Small merges and large ones run beside each other, one of each at a time. Paced by the loads:
// while rows come in, it rests as long as it worked, less the more files a table has.
import type { Timer } from '../base/clock.ts';
import { type AppError, toAppError } from '../base/errors.ts';
import type { FileId, PartitionId, TableId, TableVersion } from '../base/ids.ts';
import { type Deferred, deferred, Mutex } from '../base/queue.ts';
import type { SnapshotTable } from '../catalog/catalog.ts';
import { compactionScore, loadingMode, planCompaction } from '../model/compaction-plan.ts';
import type { DataFile } from '../model/table.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CommitFeed } from './commit-feed.ts';
import { CompactionHistory, type CompactionRecord } from './compaction-history.ts';
import { type CompactionJobOptions, runCompactionJob } from './compaction-job.ts';
import type { IngestGate } from './ingest-gate.ts';
import { sum } from './sum.ts';

export interface CompactorOptions extends CompactionJobOptions {
  readonly feed: CommitFeed;
  readonly gate: IngestGate;
  readonly metrics: Metrics;
}

/** Merges of fewer input bytes are small ones. */
const SMALL_BYTES = 32 * 1024 * 1024;
/** A table is planned at most so often: its commits may come faster. */
const PLAN_GAP_MS = 250;
/** A table that nothing came into for this long is tidied up. */
const QUIET_MS = 10_000;
const TICK_MS = 1_000;
/** Every table is looked at so often, whatever was told of it. */
const LOOK_AROUND_MS = 60_000;
const RETRY_MS = 30_000;
/** Loads count as going on for this long after the last commit. */
const LOADING_MS = 3_000;
/** From this many files of a table on nothing rests. */
const URGENT_FILES = 100;

const LANES = ['small', 'large'] as const;
type Lane = (typeof LANES)[number];

interface TableState {
  lastCommitMs: number;
  /** It is planned no sooner: it was a moment ago, or a merge failed. */
  readonly notBeforeMs: Record<Lane, number>;
  /** Something changed since it was planned. */
  readonly isPending: Record<Lane, boolean>;
  /** It was planned after nothing had come for a while. */
  readonly isTidied: Record<Lane, boolean>;
  /** A person asked for the whole table, or for these partitions of it. */
  whole: 'table' | Set<PartitionId> | null;
}

interface Job {
  readonly entry: SnapshotTable;
  readonly inputs: readonly DataFile[];
}

/** How long to rest after work of `tookMs`: not at all where nobody loads, or where the table has too many files. */
export function restMs(tookMs: number, isLoading: boolean, score: number): number {
  return isLoading ? tookMs * Math.max(0, 1 - score / URGENT_FILES) : 0;
}

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #stopping = new AbortController();
  /** Tables that may have something to merge, in the order in which they are looked at. */
  readonly #tables = new Map<TableId, TableState>();
  /** Inputs of what runs. */
  readonly #busy = new Set<FileId>();
  /** Tables in which nothing was left to do, by the version that was looked at. */
  readonly #clean = new Map<TableId, TableVersion>();
  readonly #held = new Set<TableId>();
  readonly #planning = new Mutex();
  readonly #history = new CompactionHistory();
  #lastLoadMs = Number.NEGATIVE_INFINITY;
  #wake: Deferred<void> = deferred();
  #lanes: readonly Promise<void>[] = [];
  #timers: readonly Timer[] = [];

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  start(): void {
    const { feed, clock } = this.#options;
    feed.listen((tableIds) => {
      this.#lastLoadMs = clock.monotonicMs();
      for (const tableId of tableIds) this.#notice(tableId);
    });
    this.#lanes = LANES.map((lane) => this.#run(lane));
    // Quiet tables and those that failed come up by time alone.
    this.#timers = [
      clock.every(TICK_MS, () => this.#wakeUp()),
      clock.every(LOOK_AROUND_MS, () => void this.#lookAround()),
    ];
    void this.#lookAround();
  }

  /** Ends what runs; resolves when nothing does any more. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#stopping.abort();
    this.#wakeUp();
    await Promise.all(this.#lanes);
  }

  /**
   * Merges all small files of a table, or of partitions of it, and leaves out their deleted rows, soon. ALTER TABLE
   * ... COMPACT.
   */
  request(tableId: TableId, partitions: readonly PartitionId[] | null = null): void {
    const state = this.#notice(tableId);
    if (partitions === null || state.whole === 'table') state.whole = 'table';
    else state.whole = new Set([...(state.whole ?? []), ...partitions]);
  }

  /** A table whose files are about to change in another way is left alone meanwhile. */
  hold(tableId: TableId, isHeld: boolean): void {
    if (isHeld) this.#held.add(tableId);
    else {
      this.#held.delete(tableId);
      this.#notice(tableId);
    }
  }

  /** Compactions that run and the latest that ended, newest first. */
  list(): readonly CompactionRecord[] {
    return this.#history.list();
  }

  #notice(tableId: TableId): TableState {
    let state = this.#tables.get(tableId);
    if (state === undefined) {
      state = {
        lastCommitMs: 0,
        notBeforeMs: both(0),
        isPending: both(true),
        isTidied: both(false),
        whole: null,
      };
      this.#tables.set(tableId, state);
    }
    state.lastCommitMs = this.#options.clock.monotonicMs();
    setBoth(state.isPending, true);
    setBoth(state.isTidied, false);
    this.#wakeUp();
    return state;
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = deferred();
  }

  /** After a start, and for what nothing was told of: every table with several files. */
  async #lookAround(): Promise<void> {
    const { catalog, log } = this.#options;
    try {
      const tables = await catalog.tables.all();
      const status = await catalog.tables.status(tables.map(({ id }) => id));
      const known = new Set(status.map(({ tableId }) => tableId));
      for (const tableId of this.#clean.keys()) {
        if (!known.has(tableId)) this.#clean.delete(tableId);
      }
      for (const { tableId, version, fileCount } of status) {
        this.#options.gate.atMost(tableId, fileCount);
        const isClean = fileCount < 2 || this.#clean.get(tableId) === version;
        if (!isClean && !this.#tables.has(tableId)) this.#notice(tableId);
      }
    } catch (error) {
      log.warn('background work failed', { work: 'compaction', error });
    }
  }

  async #run(lane: Lane): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const woken = this.#wake.promise;
      try {
        const job = await this.#planning.run(() => this.#next(lane));
        if (job === null) await woken;
        else await this.#compact(job);
      } catch (error) {
        if (!signal.aborted) {
          this.#options.log.warn('background work failed', { work: 'compaction', error });
          await this.#options.clock.sleep(TICK_MS, signal).catch(() => undefined);
        }
      }
    }
  }

  /** The next merge of the lane, its files marked as busy. One lane plans at a time. */
  async #next(lane: Lane): Promise<Job | null> {
    const { clock } = this.#options;
    for (const [tableId, state] of [...this.#tables]) {
      if (this.#stopping.signal.aborted) return null;
      if (this.#held.has(tableId)) continue;
      const nowMs = clock.monotonicMs();
      const isQuiet = nowMs - state.lastCommitMs >= QUIET_MS;
      const isDue = state.isPending[lane] || (isQuiet && !state.isTidied[lane]);
      if (!isDue || state.notBeforeMs[lane] > nowMs) continue;
      state.notBeforeMs[lane] = nowMs + PLAN_GAP_MS;
      state.isPending[lane] = false;
      const job = await this.#plan(tableId, state, lane, isQuiet);
      if (job === null) continue;
      // Behind all others: one table never keeps the rest waiting.
      this.#tables.delete(tableId);
      this.#tables.set(tableId, state);
      for (const file of job.inputs) this.#busy.add(file.id);
      return job;
    }
    return null;
  }

  async #plan(
    tableId: TableId,
    state: TableState,
    lane: Lane,
    isQuiet: boolean,
  ): Promise<Job | null> {
    const { whole } = state;
    const found = await this.#options.catalog.snapshotOf(tableId);
    if (found === null) {
      this.#tables.delete(tableId);
      this.#options.gate.seen(tableId, null);
      return null;
    }
    this.#options.gate.seen(tableId, compactionScore(found.entry.files));
    const { entry } = found;
    const free = entry.files.filter((file) => !this.#busy.has(file.id));
    const isAsked = ({ partition }: DataFile): boolean =>
      whole === 'table' || (partition?.kind === 'id' && whole?.has(partition.id) === true);
    const { keysType } = entry.table.schema;
    const asked = planCompaction(free.filter(isAsked), keysType, 'whole');
    const others = free.filter((file) => !isAsked(file));
    const mode = isQuiet
      ? 'quiet'
      : this.#isLoading()
        ? loadingMode(entry.files, keysType)
        : 'stream';
    const groups = [...asked, ...planCompaction(others, keysType, mode)];
    const inputs = groups.find((group) => laneOf(group) === lane);
    if (inputs !== undefined) return { entry, inputs };
    const isFree = free.length === entry.files.length;
    const isDone = groups.length === 0 && isFree;
    if (isFree && asked.length === 0 && state.whole === whole) state.whole = null;
    state.isTidied[lane] = isQuiet;
    if (isDone && isQuiet && LANES.every((one) => state.isTidied[one])) {
      this.#tables.delete(tableId);
      this.#clean.set(tableId, entry.version);
    }
    return null;
  }

  async #compact({ entry, inputs }: Job): Promise<void> {
    const { clock, metrics } = this.#options;
    const { signal } = this.#stopping;
    const startedMs = clock.monotonicMs();
    const record = this.#history.begin(entry, inputs, clock.nowMs());
    try {
      const done = await runCompactionJob(
        this.#options,
        entry,
        inputs,
        record.report(clock),
        signal,
      );
      record.end(clock.nowMs(), done ? null : 'an input is no longer in the table');
      metrics.add('millrace_compactions_total', 1, { result: done ? 'done' : 'lost' });
      if (done) {
        metrics.add('millrace_compaction_bytes_total', sum(inputs.map((file) => file.sizeBytes)));
        metrics.add('millrace_compaction_rows_total', sum(inputs.map((file) => file.rowCount)));
      }
    } catch (thrown) {
      this.#failed(entry, toAppError(thrown), (text) => record.end(clock.nowMs(), text));
    } finally {
      for (const file of inputs) this.#busy.delete(file.id);
      this.#changed(entry.table.id);
    }
    const tookMs = clock.monotonicMs() - startedMs;
    const rest = restMs(tookMs, this.#isLoading(), compactionScore(entry.files));
    if (rest > 0) await clock.sleep(rest, signal);
  }

  #isLoading(): boolean {
    return this.#options.clock.monotonicMs() - this.#lastLoadMs < LOADING_MS;
  }

  /** There may be more to do, in both lanes. */
  #changed(tableId: TableId): void {
    const state = this.#tables.get(tableId);
    if (state !== undefined) {
      setBoth(state.isPending, true);
      setBoth(state.isTidied, false);
    }
    this.#wakeUp();
  }

  #failed({ table }: SnapshotTable, error: AppError, end: (text: string) => void): void {
    end(error.message);
    if (this.#stopping.signal.aborted) return;
    const { metrics, log, clock } = this.#options;
    metrics.add('millrace_compactions_total', 1, { result: 'failed' });
    log.warn('compaction failed, trying again later', { table: table.name, error });
    const state = this.#tables.get(table.id);
    if (state === undefined) return;
    setBoth(state.notBeforeMs, clock.monotonicMs() + RETRY_MS);
  }
}

function both<T>(value: T): Record<Lane, T> {
  return { small: value, large: value };
}

function setBoth<T>(of: Record<Lane, T>, value: T): void {
  for (const lane of LANES) of[lane] = value;
}

function laneOf(group: readonly DataFile[]): Lane {
  return sum(group.map((file) => file.sizeBytes)) < SMALL_BYTES ? 'small' : 'large';
}
