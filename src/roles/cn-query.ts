// The CN's query process: a locked DuckDB instance that reads local files and cached copies, and sends
// MySQL row packets to the FE. Knows no catalog: a plan names all it may read.
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { QueryFeApi, QueryNodeApi } from '../cluster/rpc/messages.ts';
import { DeleteBitmaps } from '../engine/delete-bitmaps.ts';
import { type Engine, openEngine } from '../engine/duckdb.ts';
import { HotBlocks } from '../engine/hot-blocks.ts';
import { KeyIndex } from '../engine/key-index/key-index.ts';
import { LiveRowRegistry } from '../engine/live-row-function.ts';
import type { SourceReader } from '../engine/plan-sources.ts';
import { createQueryRunner } from '../engine/query-runner.ts';
import { RejectRegistry } from '../engine/reject-function.ts';
import { runChange } from '../pipeline/change-run.ts';
import { type InsertServices, runInsert } from '../pipeline/insert-run.ts';
import { runMerge } from '../pipeline/merge-run.ts';
import { runResolve } from '../pipeline/resolve-run.ts';
import type { SinkStore } from '../pipeline/sink/append.ts';
import type { KeepRejects, ReserveIds } from '../pipeline/types.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { RunningRole } from './child-main.ts';
import { type ChildSettings, connectToParent } from './child-process.ts';
import { openFileResolver } from './file-resolver.ts';
import { openKeepRejects } from './keep-rejects.ts';
import { openStores } from './stores.ts';

/** Below the thread pool's 32 by the 8 that files and DNS need. */
const STATEMENTS_AT_ONCE = 16;
const MAX_WAITING = 1000;
/** Bitmaps of deleted rows that are kept: those of 500 million rows. */
const BITMAP_BYTES = 64 * 1024 * 1024;
/** How often indexes of files that no table has any more are looked for. */
const KEY_INDEX_SWEEP_MS = 60_000;
const MAX_SPILL_BYTES = 20 * 1024 ** 3;

export async function startQueryNode(settings: ChildSettings, log: Log): Promise<RunningRole> {
  const { dataDir } = settings;
  const cacheDirectory = join(dataDir, 'cache');
  const inPlace = join(dataDir, 'volumes');
  const tempDirectory = join(dataDir, 'tmp', 'insert');
  // What a killed process was writing on its way to a volume.
  await rm(tempDirectory, { recursive: true, force: true });
  await mkdir(tempDirectory, { recursive: true, mode: 0o700 });
  const engine = await openEngine({
    role: 'query',
    threads: availableParallelism(),
    memoryLimitBytes: settings.memoryLimitBytes,
    tempDirectory: join(dataDir, 'tmp', 'query'),
    maxTempBytes: MAX_SPILL_BYTES,
    allowedDirectories: [cacheDirectory, inPlace, tempDirectory],
    statementsAtOnce: STATEMENTS_AT_ONCE,
    maxWaiting: MAX_WAITING,
    clock: systemClock,
  });
  const resolve = await openFileResolver({
    cacheDirectory,
    maxBytes: settings.cacheMaxBytes,
    incarnation: settings.incarnation,
    inPlace,
    clock: systemClock,
    random: systemRandom,
  });
  const liveRows = new LiveRowRegistry();
  await engine.withConnection(async (connection) => liveRows.install(connection));
  const reader = { resolve, deletes: new DeleteBitmaps(resolve, BITMAP_BYTES), liveRows };
  const hotBlocks = new HotBlocks({
    engine,
    resolve,
    maxBytes: settings.lookUpCacheBytes,
    onFailed: (error) => log.warn('rows for look-ups were not read ahead', { error }),
  });
  const runner = createQueryRunner({ engine, ...reader, clock: systemClock, hotBlocks });
  // Nobody inserts before the peer is there: the FE asks through it.
  const reserveIds: ReserveIds = async (tableId, count) =>
    (await peer.call('reserveIds', { tableId, count })).first;
  const keepRejects = openKeepRejects(() => peer, log);
  const keyIndex = await KeyIndex.open({
    directory: join(cacheDirectory, 'keys'),
    ...settings.keyIndex,
    incarnation: settings.incarnation,
    engine,
    resolve,
    clock: systemClock,
    log,
  });
  const asked = { reserveIds, keepRejects };
  const inserts = await openInserts({ engine, reader, ...asked, tempDirectory, inPlace });
  const peer = connectToParent<QueryNodeApi, QueryFeApi>(
    {
      query: ({ plan, firstSequence }, { push, signal }) =>
        runner.run(plan, firstSequence, push, signal),
      insert: ({ plan, transactionId, label }, { signal }) =>
        runInsert(plan, { transactionId, label }, inserts, signal),
      change: ({ plan, transactionId, label }, { signal }) =>
        runChange(plan, { transactionId, label }, inserts, signal),
      merge: (plan, { signal }) => runMerge(plan, inserts, signal),
      resolve: (plan, { signal }) => runResolve(plan, { ...inserts, keyIndex }, signal),
      ping: async () => ({ rssBytes: process.memoryUsage.rss(), keyIndex: keyIndex.load() }),
    },
    { clock: systemClock, rpcTimeoutMs: settings.rpcTimeoutMs },
  );
  const sweeping = systemClock.every(KEY_INDEX_SWEEP_MS, () => {
    keyIndex
      .sweep(async (files) => (await peer.call('liveFiles', { files })).live)
      .catch((error: unknown) => log.warn('the key index was not swept', { error }));
  });
  log.info('query process ready');
  return {
    closed: peer.closed,
    stop: async () => {
      sweeping.cancel();
      await Promise.all([hotBlocks.close(), keyIndex.close()]);
      await engine.close();
    },
  };
}

/** What INSERT needs beside the query engine. */
async function openInserts(options: {
  readonly engine: Engine;
  readonly reader: SourceReader;
  readonly reserveIds: ReserveIds;
  readonly keepRejects: KeepRejects;
  readonly tempDirectory: string;
  readonly inPlace: string;
}): Promise<InsertServices> {
  const { engine, reader, reserveIds, keepRejects, tempDirectory, inPlace } = options;
  const rejects = new RejectRegistry();
  await engine.withConnection(async (connection) => rejects.install(connection));
  const stores = openStores({ clock: systemClock, random: systemRandom });
  return {
    engine,
    ...reader,
    rejects,
    reserveIds,
    keepRejects,
    openStore: async (volume) => throughTemp(await stores(volume), `${inPlace}${sep}`),
    clock: systemClock,
    random: systemRandom,
    tempDirectory,
  };
}

/** The locked engine writes below `inPlace` only: files of other local volumes are moved there when they are whole. */
function throughTemp(store: ObjectStore, inPlace: string): SinkStore {
  return {
    putFile: (key, path) => store.putFile(key, path),
    localPath: (key) => {
      const path = store.localPath(key);
      return path?.startsWith(inPlace) === true ? path : null;
    },
  };
}
