// Work in the background of the FE: the sweep, the age limit of rejected rows, partitions that the clock makes and
// drops. Each pass is planned from the catalog, so that a restart at any point loses nothing.
import type { Clock } from '../base/clock.ts';
import { type AppError, toAppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Mutex, settledWithin } from '../base/queue.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ResolvingCommitter } from '../commit/resolving.ts';
import {
  DEFAULT_SWEEP_LIMITS,
  expireOldFiles,
  planSweep,
  runSweep,
  type SweepOptions,
  type SweepPlan,
} from '../commit/sweep.ts';
import type { Config } from '../config/load.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import { keepPartitions } from '../statements/partitions/keep.ts';
import { retentionMs } from '../statements/time-travel.ts';
import type { Services, VolumeAccess } from '../statements/types.ts';
import type { StoreOpener } from './stores.ts';

export interface HousekeepingOptions {
  readonly catalog: Catalog;
  readonly committer: ResolvingCommitter;
  readonly config: Config;
  readonly stores: StoreOpener;
  readonly volumes: VolumeAccess;
  readonly clock: Clock;
  readonly log: Log;
  /** As statements have it: loads of the table are planned anew. */
  readonly services: Pick<Services, 'changePartitions'>;
}

/** Partitions that come and go by the clock are looked after this often. */
const PARTITIONS_EVERY_MS = 60_000;
const STOP_WAIT_MS = 3_000;
const DAY_MS = 86_400_000;
/** Objects that nothing names and no aborted transaction explains are looked for so often. */
const WHOLE_SWEEP_EVERY_MS = 3_600_000;

export interface Housekeeping {
  /** One sweep now, or what it would do; one at a time with what runs by itself. */
  sweep(dryRun: boolean): Promise<SweepPlan>;
  /** Waits for the pass that runs. */
  stop(): Promise<void>;
}

export function startHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { clock, config, log } = options;
  const keeper = new Housekeeper(options);
  const turn = new Mutex();
  const busy = new Set<string>();
  const run = (name: string, work: () => Promise<void>): void => {
    if (busy.has(name)) return;
    busy.add(name);
    void turn
      .run(work)
      .catch((error: unknown) => log.warn('background work failed', { work: name, error }))
      .finally(() => busy.delete(name));
  };
  run('partitions', () => keeper.partitions());
  const timers = [
    clock.every(PARTITIONS_EVERY_MS, () => run('partitions', () => keeper.partitions())),
    clock.every(config.int('lake_autovacuum_partition_naptime_seconds') * 1000, () =>
      run('sweep', async () => {
        await keeper.sweep();
      }),
    ),
  ];
  return {
    sweep: (dryRun) => (dryRun ? keeper.planSweep() : turn.run(() => keeper.sweep(true))),
    stop: async () => {
      for (const timer of timers) timer.cancel();
      keeper.stop();
      // A store that does not answer must not keep the process: a pass can end anywhere.
      await settledWithin(
        clock,
        turn.run(async () => undefined),
        STOP_WAIT_MS,
      );
    },
  };
}

class Housekeeper {
  readonly #options: HousekeepingOptions;
  readonly #steadyNowMs: () => number;
  /** When volumes are next listed whole, by the monotonic clock, and when the last sweep began, by the database's. */
  #wholeDueMs = Number.NEGATIVE_INFINITY;
  #sweptMs = 0;
  readonly #stopping = new AbortController();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    const { catalog, clock } = options;
    const aheadMs = catalog.nowMs() - clock.monotonicMs();
    // A wall clock that jumps ahead must not make files of running queries look old.
    this.#steadyNowMs = () => clock.monotonicMs() + aheadMs;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Makes and drops partitions as dynamic_partition.*, partition_ttl and partition_live_number say. */
  async partitions(): Promise<void> {
    const { catalog, clock, log, services } = this.#options;
    const { changePartitions } = services;
    for (const table of await catalog.tables.all()) {
      if (this.#stopping.signal.aborted) return;
      await keepPartitions(table, { changePartitions, clock }).catch((error: unknown) =>
        log.warn('partitions were not looked after', { table: table.name, error }),
      );
    }
  }

  /** Ages rejected rows out, aborts what timed out, deletes what no version names. */
  async sweep(whole = false): Promise<SweepPlan> {
    const { catalog, config, log } = this.#options;
    const rejected = await catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE);
    const days = config.int('rejected_records_retained_days');
    await expireOldFiles(catalog, rejected.id, days * DAY_MS);
    await this.#claimVolumes();
    const { clock } = this.#options;
    const startedMs = catalog.nowMs();
    const wholeDue = clock.monotonicMs() >= this.#wholeDueMs;
    const plan = await runSweep({
      ...this.#sweepOptions(),
      ...(whole || wholeDue ? {} : { orphansOfSinceMs: this.#sweptMs }),
    });
    if (whole || wholeDue) this.#wholeDueMs = clock.monotonicMs() + WHOLE_SWEEP_EVERY_MS;
    this.#sweptMs = startedMs;
    for (const { volumeId, error } of plan.failures) {
      log.warn('volume was left out of the sweep', { volume: volumeId, error });
    }
    if (plan.files.length > 0) log.info('sweep deleted files', { files: plan.files.length });
    return plan;
  }

  /** What a sweep would do now. */
  planSweep(): Promise<SweepPlan> {
    return planSweep(this.#sweepOptions());
  }

  #sweepOptions(): SweepOptions {
    const { catalog, committer, config, stores } = this.#options;
    return {
      catalog,
      committer,
      store: async (id) => stores(await catalog.volumes.byId(id)),
      steadyNowMs: this.#steadyNowMs,
      limits: {
        ...DEFAULT_SWEEP_LIMITS,
        retentionMs: (table) => retentionMs(table, config),
        trashMs: config.int('catalog_trash_expire_second') * 1000,
        queryTimeoutMs: config.int('query_timeout_second') * 1000,
        labelKeepMs: config.int('label_keep_max_second') * 1000,
        labelKeepCount: config.int('label_keep_max_num'),
      },
    };
  }

  /** A volume that was away when it was made gets its marker as soon as it answers. */
  async #claimVolumes(): Promise<void> {
    const { catalog, volumes, log } = this.#options;
    for (const volume of await catalog.volumes.list()) {
      if (this.#stopping.signal.aborted) return;
      await volumes.claim(volume).catch((thrown: unknown) => {
        const error: AppError = toAppError(thrown);
        log.warn('volume could not be claimed', { volume: volume.name, error });
      });
    }
  }
}
