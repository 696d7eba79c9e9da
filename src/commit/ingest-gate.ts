// Slows loads down before a table has so many small files that its queries suffer: from a threshold on each load
// waits the longer the more there are, and at the bound until some are merged. Whoever waits is told why. The counts
// are those of the compactor's last look and of the commits since: no metadata is read for them.
import type { Clock } from '../base/clock.ts';
import { type AppError, fail } from '../base/errors.ts';
import type { JobId, TableId } from '../base/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { tablesOfJob } from '../catalog/load-jobs.ts';

export interface IngestLimits {
  readonly isEnabled: boolean;
  /** From this many small files of a table on its loads are slowed down. */
  readonly slowFiles: number;
  /** At this many nothing more is loaded until some are merged. */
  readonly mostFiles: number;
}

export interface IngestGateOptions {
  readonly catalog: Pick<Catalog, 'leases' | 'loadJobs' | 'tables'>;
  readonly clock: Clock;
  readonly limits: () => IngestLimits;
}

/** So much longer each file above the threshold makes the time between two loads of a table. */
const DELAY_PER_FILE_MS = 20;
/** A statement waits for this long, then it fails. */
const STATEMENT_WAIT_MS = 60_000;
const LOOK_AGAIN_MS = 100;
/** A job is told again after this. */
const TELL_MS = 5_000;
const MAX_TASKS = 10_000;

interface TaskState {
  readonly tableIds: readonly TableId[];
  readonly jobId: JobId;
  toldMs: number | null;
}

export class IngestGate {
  readonly #options: IngestGateOptions;
  readonly #smallFiles = new Map<TableId, number>();
  readonly #grantedMs = new Map<TableId, number>();
  readonly #tasks = new Map<string, TaskState>();

  constructor(options: IngestGateOptions) {
    this.#options = options;
  }

  /** What the compactor saw; null: the table is gone. */
  seen(tableId: TableId, smallFiles: number | null): void {
    if (smallFiles !== null) {
      this.#smallFiles.set(tableId, smallFiles);
      if (smallFiles >= this.#options.limits().slowFiles) return;
    } else this.#smallFiles.delete(tableId);
    this.#grantedMs.delete(tableId);
  }

  /** All files of a table, large ones included: there are no more small ones. TRUNCATE and such tell nobody. */
  atMost(tableId: TableId, files: number): void {
    if ((this.#smallFiles.get(tableId) ?? 0) > files) this.seen(tableId, files);
  }

  /** A commit added about one file to each table. */
  grown(tableIds: readonly TableId[]): void {
    for (const id of tableIds) this.#smallFiles.set(id, (this.#smallFiles.get(id) ?? 0) + 1);
  }

  /**
   * Before a task's batch begins. Throws TABLE_TOO_MANY_FILES when it has to wait: the task asks again. Its job shows
   * why in the meantime.
   */
  async admitTask(taskId: string): Promise<void> {
    const { clock, catalog } = this.#options;
    const task = this.#tasks.get(taskId) ?? (await this.#findTask(taskId));
    // Refused by the commit protocol: it has no lease.
    if (task === null) return;
    const full = task.tableIds.find((tableId) => this.#delayMs(tableId) > 0);
    if (full !== undefined) {
      const error = await this.#refusal(full);
      if (task.toldMs === null || clock.monotonicMs() - task.toldMs >= TELL_MS) {
        task.toldMs = clock.monotonicMs();
        await catalog.loadJobs.setOtherMessage(task.jobId, error.fullMessage);
      }
      throw error;
    }
    for (const tableId of task.tableIds) this.#grantedMs.set(tableId, clock.monotonicMs());
    const isSlow = task.tableIds.some((tableId) => this.#isSlow(tableId));
    if (task.toldMs !== null && !isSlow) {
      task.toldMs = null;
      await catalog.loadJobs.setOtherMessage(task.jobId, '');
    }
  }

  /** Before a statement's transaction begins: waits its time. Throws TABLE_TOO_MANY_FILES, the signal's reason. */
  async admit(tableId: TableId, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + STATEMENT_WAIT_MS;
    for (;;) {
      const delayMs = this.#delayMs(tableId);
      if (delayMs === 0) break;
      signal?.throwIfAborted();
      if (clock.monotonicMs() >= untilMs) throw await this.#refusal(tableId);
      await clock.sleep(Math.min(delayMs, LOOK_AGAIN_MS), signal);
    }
    this.#grantedMs.set(tableId, clock.monotonicMs());
  }

  #isSlow(tableId: TableId): boolean {
    const { isEnabled, slowFiles } = this.#options.limits();
    return isEnabled && (this.#smallFiles.get(tableId) ?? 0) >= slowFiles;
  }

  #delayMs(tableId: TableId): number {
    if (!this.#isSlow(tableId)) return 0;
    const { slowFiles, mostFiles } = this.#options.limits();
    const files = this.#smallFiles.get(tableId) ?? 0;
    if (files >= mostFiles) return Number.POSITIVE_INFINITY;
    const grantedMs = this.#grantedMs.get(tableId) ?? 0;
    const dueMs = grantedMs + (files - slowFiles + 1) * DELAY_PER_FILE_MS;
    return Math.max(0, dueMs - this.#options.clock.monotonicMs());
  }

  async #refusal(tableId: TableId): Promise<AppError> {
    const { catalog, limits } = this.#options;
    const table = await catalog.tables.byId(tableId);
    const files = this.#smallFiles.get(tableId) ?? 0;
    const { slowFiles, mostFiles } = limits();
    return fail('TABLE_TOO_MANY_FILES', {
      table: table?.name ?? tableId,
      files,
      limit: files >= mostFiles ? mostFiles : slowFiles,
    });
  }

  async #findTask(taskId: string): Promise<TaskState | null> {
    const lease = await this.#options.catalog.leases.find(taskId);
    if (lease === null) return null;
    const job = await this.#options.catalog.loadJobs.byId(lease.jobId);
    if (job === null) return null;
    const tableIds = tablesOfJob(job).map(({ id }) => id);
    const task: TaskState = { tableIds, jobId: lease.jobId, toldMs: null };
    if (this.#tasks.size >= MAX_TASKS) this.#tasks.clear();
    this.#tasks.set(taskId, task);
    return task;
  }
}
