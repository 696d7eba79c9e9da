// Work in the background of the FE: compaction passes, the sweep, the age limit of rejected rows. Each
// pass is planned from the catalog, so that a restart at any point loses nothing.
import type { Clock } from '../base/clock.ts';
import { type AppError, toAppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Mutex, settledWithin } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import type { Catalog, SnapshotTable } from '../catalog/catalog.ts';
import type { ResolvingCommitter } from '../commit/resolving.ts';
import { DEFAULT_SWEEP_LIMITS, expireOldFiles, runSweep } from '../commit/sweep.ts';
import type { CatalogTurns } from '../commit/turn.ts';
import type { Config } from '../config/load.ts';
import { planCompaction, planNeighbours } from '../model/compaction-plan.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import { type DataFile, volumesOfFile } from '../model/table.ts';
import { retentionMs } from '../statements/time-travel.ts';
import type { VolumeAccess } from '../statements/types.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CnPorts } from './fe.ts';
import type { StoreOpener } from './stores.ts';

export interface HousekeepingOptions {
  readonly catalog: Catalog;
  readonly committer: ResolvingCommitter;
  readonly config: Config;
  readonly cn: CnPorts;
  readonly stores: StoreOpener;
  readonly volumes: VolumeAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

const COMPACTION_EVERY_MS = 2_000;
const TURN_WAIT_MS = 5_000;
const TURN_LEASE_MS = 30_000;
const STOP_WAIT_MS = 3_000;
const DAY_MS = 86_400_000;

export interface Housekeeping {
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
  const timers = [
    clock.every(COMPACTION_EVERY_MS, () => run('compaction', () => keeper.compact())),
    clock.every(config.int('lake_autovacuum_partition_naptime_seconds') * 1000, () =>
      run('sweep', () => keeper.sweep()),
    ),
  ];
  return {
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
  readonly #turns: CatalogTurns;
  readonly #steadyNowMs: () => number;
  readonly #stopping = new AbortController();
  /** Tables whose last compaction failed, by id: when to try again. */
  readonly #notBefore = new Map<number, number>();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#turns = options.committer.turns;
    const { catalog, clock } = options;
    const aheadMs = catalog.nowMs() - clock.monotonicMs();
    // A wall clock that jumps ahead must not make files of running queries look old.
    this.#steadyNowMs = () => clock.monotonicMs() + aheadMs;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** One compaction per table that needs one. */
  async compact(): Promise<void> {
    const { catalog, clock, log, metrics } = this.#options;
    const tables = await catalog.tables.all();
    const status = await catalog.tables.status(tables.map((table) => table.id));
    for (const tableId of this.#notBefore.keys()) {
      if (!status.some((entry) => entry.tableId === tableId)) this.#notBefore.delete(tableId);
    }
    for (const { tableId, fileCount } of status) {
      const table = tables.find((entry) => entry.id === tableId);
      if (table === undefined || fileCount < 2 || this.#stopping.signal.aborted) continue;
      if ((this.#notBefore.get(tableId) ?? 0) > clock.monotonicMs()) continue;
      const snapshot = await catalog.snapshot([
        { databaseName: table.databaseName, tableName: table.name },
      ]);
      const entry = snapshot.tables[0];
      if (entry === undefined || entry === null) continue;
      const plan = table.schema.keysType === 'AGG_KEYS' ? planNeighbours : planCompaction;
      for (const inputs of plan(entry.files)) {
        if (this.#stopping.signal.aborted) return;
        try {
          const done = await this.#compactOne(entry, inputs);
          metrics.add('millrace_compactions_total', 1, { result: done ? 'done' : 'lost' });
        } catch (thrown) {
          const error = toAppError(thrown);
          if (this.#stopping.signal.aborted) return;
          metrics.add('millrace_compactions_total', 1, { result: 'failed' });
          log.warn('compaction failed, trying again later', { table: table.name, error });
          this.#notBefore.set(tableId, clock.monotonicMs() + 30_000);
        }
      }
    }
  }

  async #compactOne({ table }: SnapshotTable, inputs: readonly DataFile[]): Promise<boolean> {
    const { catalog, committer, cn, config, random } = this.#options;
    const timeoutMs = config.int('lake_compaction_default_timeout_second') * 1000;
    const volumeIds = [...new Set(inputs.flatMap(volumesOfFile))];
    const volumes = await Promise.all(volumeIds.map((id) => catalog.volumes.byId(id)));
    const volume = volumes[0];
    if (volume === undefined) return false;
    const { transactionId } = await committer.beginOther({
      label: `compaction-${table.id}-${random.uuid()}`,
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'LAKE_COMPACTION',
      coordinator: 'FE: compaction',
      timeoutMs,
    });
    try {
      const peer = await cn.loader();
      const { outputs } = await peer.call(
        'compact',
        { transactionId, table, volume, volumes, inputs },
        { timeoutMs, signal: this.#stopping.signal },
      );
      const turn = await this.#turns.acquire(table.id, {
        rank: 'COMPACTION',
        holder: `compaction ${transactionId}`,
        leaseMs: TURN_LEASE_MS,
        waitMs: TURN_WAIT_MS,
      });
      try {
        const result = await committer.commitCompaction({
          transactionId,
          tableId: table.id,
          turn,
          inputs: inputs.map((file) => file.id),
          deletedRows: inputs.reduce((total, file) => total + file.deletedRows, 0),
          outputs,
          ...(table.schema.keysType === 'AGG_KEYS' ? { merged: true as const } : {}),
        });
        return result.state === 'VISIBLE';
      } finally {
        await this.#turns.release(turn);
      }
    } catch (error) {
      await committer.abort(transactionId, toAppError(error).message);
      throw error;
    }
  }

  /** Ages rejected rows out, aborts what timed out, deletes what no version names. */
  async sweep(): Promise<void> {
    const { catalog, committer, config, stores, log } = this.#options;
    const rejected = await catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE);
    const days = config.int('rejected_records_retained_days');
    await expireOldFiles(catalog, rejected.id, days * DAY_MS);
    await this.#claimVolumes();
    const plan = await runSweep({
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
      },
    });
    for (const { volumeId, error } of plan.failures) {
      log.warn('volume was left out of the sweep', { volume: volumeId, error });
    }
    if (plan.files.length > 0) log.info('sweep deleted files', { files: plan.files.length });
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
