// The sweep: which objects may go, and then letting them go. It works from what the metadata says now,
// by the database's clock, and leaves alone whatever belongs to a transaction that is not final.
import { type AppError, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TableId, TransactionId, VolumeId } from '../base/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ExpiredFile, FileRow } from '../catalog/retention-store.ts';
import { transactionOfKey } from '../model/file-key.ts';
import type { TableInfo } from '../model/table.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { checkLocation } from './incarnation.ts';
import type { Committer } from './types.ts';

export interface SweepOptions {
  readonly catalog: Catalog;
  readonly committer: Pick<Committer, 'abort'>;
  /** The store of a volume, rooted at its location. */
  readonly store: (volumeId: VolumeId) => Promise<ObjectStore>;
  readonly limits: SweepLimits;
  /**
   * Where to look for objects without a row: everywhere (absent), or only where transactions put theirs that were
   * aborted since then, by the database's clock. A listing of everything is dear where much is kept.
   */
  readonly orphansOfSinceMs?: number;
  /** A wall clock that does not jump ahead; absent: the database's own is trusted. */
  readonly steadyNowMs?: () => number;
}

export interface SweepLimits {
  /** How long the versions of a table can be read after a newer one came. */
  readonly retentionMs: (table: Pick<TableInfo, 'properties'>) => number;
  /** How long a query of an old version may run: files are never deleted sooner, whatever the retention. */
  readonly queryTimeoutMs: number;
  /** How long dropped tables can be recovered. */
  readonly trashMs: number;
  /** Finished transactions and their labels are kept for this long (StarRocks: label_keep_max_second). */
  readonly labelKeepMs: number;
  /** And no more than this many of a database, the newest (StarRocks: label_keep_max_num). */
  readonly labelKeepCount: number;
  /** Most files of one plan; the next sweep goes on. */
  readonly maxFiles: number;
}

export const DEFAULT_SWEEP_LIMITS: SweepLimits = {
  retentionMs: () => 24 * 3_600_000,
  queryTimeoutMs: 300_000,
  trashMs: 24 * 3_600_000,
  labelKeepMs: 3 * 24 * 3_600_000,
  labelKeepCount: 1000,
  maxFiles: 10_000,
};

/** Whoever lost an answer has this long to ask for it, however many transactions came since. */
const ANSWER_KEEP_MS = 3_600_000;

/** An INSERT chooses its tables' versions at most so long before its transaction begins. */
const BEFORE_MS = 60_000;

export type SweepReason = ExpiredFile['reason'] | 'orphan';

export interface SweepFile {
  readonly volumeId: VolumeId;
  readonly key: string;
  readonly sizeBytes: number;
  readonly reason: SweepReason;
  /** Its metadata row: of a data file, of a delete object, or none (an orphan). */
  readonly row: FileRow | null;
  /** Null for an orphan. */
  readonly tableId: TableId | null;
  /** Only the row goes: another one names the object. */
  readonly shared: boolean;
}

export interface SweepPlan {
  readonly files: readonly SweepFile[];
  /** Transactions that were open for too long; `runSweep` has aborted them, a dry run only names them. */
  readonly timedOut: readonly TransactionId[];
  /** Volumes that were left out: not reachable, or another metadata's (VOLUME_TAKEN). */
  readonly failures: readonly { readonly volumeId: VolumeId; readonly error: AppError }[];
}

/** What a sweep would do now. Changes nothing: this is the dry run. */
export async function planSweep(options: SweepOptions): Promise<SweepPlan> {
  const { catalog, limits } = options;
  const nowMs = sweepNowMs(options);
  const timedOut = await catalog.retention.timedOut(catalog.nowMs());
  const expired = await catalog.retention.expiredFiles(
    await readersSinceMs(options, nowMs),
    limits.maxFiles,
  );
  const prefixes = await orphanPrefixes(options);
  const files: SweepFile[] = [];
  const failures: { volumeId: VolumeId; error: AppError }[] = [];
  for (const volume of await catalog.volumes.list()) {
    try {
      const store = await options.store(volume.id);
      await checkLocation(store, volume.name, catalog.incarnation);
      const own = expired.filter((file) => file.volumeId === volume.id);
      files.push(...own.map(toExpired));
      const space = Math.max(0, limits.maxFiles - files.length);
      files.push(...(await findOrphans(catalog, volume.id, store, prefixes, space)));
    } catch (error) {
      // One volume that does not answer must not keep the others from being swept.
      failures.push({ volumeId: volume.id, error: toAppError(error) });
    }
  }
  return { files, timedOut, failures };
}

/** The sweep's time: never ahead of what the steady clock says has passed since the process began. */
function sweepNowMs({ catalog, steadyNowMs }: SweepOptions): number {
  return Math.min(catalog.nowMs(), steadyNowMs?.() ?? Number.POSITIVE_INFINITY);
}

/** No statement that runs now began to read before it. */
async function readersSinceMs({ catalog, limits }: SweepOptions, nowMs: number): Promise<number> {
  const oldestMs = await catalog.retention.oldestReaderMs();
  const beganMs = oldestMs === null ? nowMs : Math.min(nowMs, oldestMs - BEFORE_MS);
  return beganMs - limits.queryTimeoutMs;
}

/**
 * Says which versions can be read from now on. Their files go only when every query that may have begun to read
 * an older one is over, so a table's oldest version moves at most once in that time. What was dropped too long ago
 * cannot be recovered from now on.
 */
async function expire(options: SweepOptions): Promise<void> {
  const { catalog, limits } = options;
  const nowMs = sweepNowMs(options);
  for (const kept of await catalog.retention.tablesWithHistory(nowMs)) {
    const waits = kept.oldestMs <= nowMs && kept.oldestMs > nowMs - limits.queryTimeoutMs;
    if (!waits) await catalog.retention.advance(kept, nowMs - limits.retentionMs(kept), nowMs);
  }
  await catalog.recycleBin.purge(nowMs - limits.trashMs);
}

function toExpired({ volumeId, key, sizeBytes, row, ...more }: ExpiredFile): SweepFile {
  const { reason, tableId, shared } = more;
  return { volumeId, key, sizeBytes, reason, row, tableId, shared };
}

/** Key prefixes below which orphans may lie. */
async function orphanPrefixes({
  catalog,
  orphansOfSinceMs,
}: SweepOptions): Promise<readonly string[]> {
  if (orphansOfSinceMs === undefined) return [''];
  return await catalog.retention.abortedPrefixes(orphansOfSinceMs);
}

/** Keys of one page of a listing that are looked up at once. */
const PAGE = 1000;

/**
 * Files whose transaction is final and which no row names. The listing comes first and the states
 * after it: a transaction that is final by then can never name the file any more.
 */
async function findOrphans(
  catalog: Catalog,
  volumeId: VolumeId,
  store: ObjectStore,
  prefixes: readonly string[],
  limit: number,
): Promise<readonly SweepFile[]> {
  const orphans: SweepFile[] = [];
  let page: { key: string; sizeBytes: number; transactionId: TransactionId }[] = [];
  const settle = async (): Promise<void> => {
    const ids = [...new Set(page.map((entry) => entry.transactionId))];
    const final = await catalog.retention.finalTransactions(ids);
    const candidates = page.filter((entry) => final.has(entry.transactionId));
    const named = await catalog.retention.namedKeys(
      volumeId,
      candidates.map((entry) => entry.key),
    );
    for (const { key, sizeBytes } of candidates) {
      if (!named.has(key))
        orphans.push({
          volumeId,
          key,
          sizeBytes,
          reason: 'orphan',
          row: null,
          tableId: null,
          shared: false,
        });
    }
    page = [];
  };
  for (const prefix of prefixes) {
    for await (const { key, sizeBytes } of store.list(prefix)) {
      const transactionId = transactionOfKey(key);
      if (transactionId !== null) page.push({ key, sizeBytes, transactionId });
      if (page.length >= PAGE) await settle();
      if (orphans.length >= limit) return orphans.slice(0, limit);
    }
  }
  await settle();
  return orphans.slice(0, limit);
}

/**
 * Aborts what timed out, deletes what the plan names, forgets the rows, prunes old transactions.
 * Killed anywhere, the next sweep finishes it: objects go before their rows.
 */
export async function runSweep(options: SweepOptions): Promise<SweepPlan> {
  const { catalog, committer, limits } = options;
  const timedOut = await catalog.retention.timedOut(catalog.nowMs());
  for (const id of timedOut) await committer.abort(id, 'timed out');
  failpoint('sweep.after-abort');
  const plan = await planSweep(options);
  const failures = [...plan.failures];
  for (const [volumeId, files] of Map.groupBy(plan.files, (file) => file.volumeId)) {
    try {
      const store = await options.store(volumeId);
      await store.delete(files.filter((file) => !file.shared).map((file) => file.key));
      failpoint('sweep.after-delete');
      const rows = files.flatMap(({ row }) => (row === null ? [] : [row]));
      await catalog.retention.forget(rows);
    } catch (error) {
      failures.push({ volumeId, error: toAppError(error) });
    }
  }
  // Not before all is gone that has expired: a table's files go when its oldest version has stood for a while.
  if (plan.files.length < limits.maxFiles) await expire(options);
  const nowMs = catalog.nowMs();
  await catalog.retention.prune({
    beforeMs: nowMs - limits.labelKeepMs,
    keepNewest: limits.labelKeepCount,
    neverAfterMs: nowMs - ANSWER_KEEP_MS,
  });
  return { files: plan.files, timedOut, failures };
}

/**
 * Takes files older than `keepMs` out of a table (the store of rejected rows: 7 days), as a version of
 * its own; a later sweep deletes them. Returns how many left. Throws LEADER_LOST.
 */
export async function expireOldFiles(
  catalog: Catalog,
  tableId: TableId,
  keepMs: number,
): Promise<number> {
  return await catalog.commits.expireFiles(tableId, catalog.nowMs() - keepMs, EXPIRE_FILES);
}

/** Most files that one expiry takes out; the next goes on. */
const EXPIRE_FILES = 5000;
