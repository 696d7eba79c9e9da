// The CN's loader process: runs load tasks and compactions the FE assigns. Everything it stages becomes
// visible only by the FE's commit. Knows no catalog.

import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism, setPriority } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { FeApi, LoaderApi } from '../cluster/rpc/messages.ts';
import type { Handlers, RpcPeer } from '../cluster/rpc/peer.ts';
import { type Engine, openEngine } from '../engine/duckdb.ts';
import type { LoadDoor } from '../http/load-door.ts';
import { KafkaClient } from '../kafka/client/kafka-client.ts';
import { Loader } from '../pipeline/loader.ts';
import type { CommitPort } from '../pipeline/types.ts';
import { checkFiles } from '../tables/check-run.ts';
import { runCompaction } from '../tables/compaction-run.ts';
import { carryDeletes, forgetMap } from '../tables/position-map.ts';
import { rewriteDeletes, runRewrite } from '../tables/rewrite-run.ts';
import type { RunningRole } from './child-main.ts';
import { type ChildSettings, connectToParent } from './child-process.ts';
import { openBodyDoor } from './cn-bodies.ts';
import { garbageCollector } from './heaps.ts';
import { openStores, type StoreOpener } from './stores.ts';

/** Of 0 (normal) to 19: low enough for a query's p99 at full load speed, short of 19 so that a busy machine still loads. */
const LOADER_NICENESS = 15;
const MAX_WAITING = 1000;
const MAX_SPILL_BYTES = 20 * 1024 ** 3;
const SHARED_MEMORY = '/dev/shm';
/** Message bytes held at once; with the engine's limit it bounds the process. More made no load faster. */
const BUDGET_BYTES = 96 * 1024 * 1024;

/**
 * Part of the engine's memory for compaction and checks, in an instance of its own: a sort takes whatever it may have
 * before it spills, and a load that finds nothing left fails.
 */
const UPKEEP_SHARE = 0.375;

export async function startLoader(settings: ChildSettings, log: Log): Promise<RunningRole> {
  // A load takes every core it can get; queries and the wire go first.
  setPriority(LOADER_NICENESS);
  const tempDirectory = join(settings.dataDir, 'tmp', 'loader');
  // What a killed loader left half done: nothing in here outlives its process.
  await rm(tempDirectory, { recursive: true, force: true });
  const cores = Math.max(2, availableParallelism());
  const open = (name: string, share: number, statementsAtOnce: number): Promise<Engine> =>
    openEngine({
      role: 'loader',
      threads: 1,
      memoryLimitBytes: Math.floor(settings.memoryLimitBytes * share),
      tempDirectory: join(tempDirectory, name),
      maxTempBytes: MAX_SPILL_BYTES,
      allowedDirectories: [],
      statementsAtOnce,
      maxWaiting: MAX_WAITING,
      clock: systemClock,
    });
  const engine = await open('spill', 1 - UPKEEP_SHARE, cores + 2);
  const upkeep = await open('upkeep', UPKEEP_SHARE, 2);
  await mkdir(tempDirectory, { recursive: true, mode: 0o700 });
  const stores = openStores({ clock: systemClock, random: systemRandom });
  // The parent may call before the loader is there: its calls wait.
  const ready = Promise.withResolvers<Loader>();
  ready.promise.catch(() => undefined);
  let door: Promise<LoadDoor> | undefined;
  const peer = connectToParent<LoaderApi, FeApi>(
    {
      ...handlers(ready.promise, { engine: upkeep, stores, tempDirectory }),
      openHttp: async (params) => {
        const loader = await ready.promise;
        const { bindHost: host } = settings;
        door ??= openBodyDoor({ peer, loader, host, clock: systemClock, log }, params);
        return { port: (await door).port };
      },
      stopBody: async ({ transactionId }) => {
        (await door)?.stopBody(transactionId);
        return {};
      },
    },
    { clock: systemClock, rpcTimeoutMs: settings.rpcTimeoutMs },
  );
  const loader = await Loader.open({
    clock: systemClock,
    random: systemRandom,
    log,
    engine,
    port: commitPort(peer),
    openCluster: (connection) =>
      new KafkaClient({ connection, clock: systemClock, random: systemRandom }),
    openStore: stores,
    tempDirectory,
    sharedMemoryDirectory: existsSync(SHARED_MEMORY) ? SHARED_MEMORY : null,
    statementsAtOnce: cores,
    budgetBytes: BUDGET_BYTES,
    onBodyBytes: garbageCollector(),
  });
  ready.resolve(loader);
  log.info('loader process ready');
  return {
    closed: peer.closed,
    stop: async () => {
      await (await door)?.close();
      await loader.close(false);
      await engine.close();
      await upkeep.close();
    },
  };
}

function commitPort(peer: RpcPeer<LoaderApi, FeApi>): CommitPort {
  return {
    begin: (params) => peer.call('begin', params),
    commit: (params) => peer.call('commit', params),
    transactionState: (params) => peer.call('transactionState', params),
    abort: (params) => peer.call('abort', params),
    reserveIds: (params) => peer.call('reserveIds', params),
    reportPositions: (params) => peer.call('reportPositions', params),
    taskFailed: (params) => peer.call('taskFailed', params),
  };
}

function handlers(
  loader: Promise<Loader>,
  work: { engine: Engine; stores: StoreOpener; tempDirectory: string },
): Omit<Handlers<LoaderApi>, 'openHttp' | 'stopBody'> {
  return {
    startTask: async (assignment) => {
      await (await loader).startTask(assignment);
      return {};
    },
    stopTask: async ({ taskId, drain }) => {
      await (await loader).stopTask(taskId, drain);
      return {};
    },
    listTasks: async () => ({ taskIds: (await loader).tasks().map((task) => task.taskId) }),
    replay: async ({ plan, ...begun }, { signal }) => (await loader).replay(plan, begun, signal),
    recount: async (plan, { signal }) => (await loader).recount(plan, signal),
    compact: async (plan, { signal }) => ({
      outputs: await runCompaction(plan, { ...work, random: systemRandom }, signal),
    }),
    carryDeletes: async (plan, { signal }) => ({
      carried: await carryDeletes(plan, { ...work, random: systemRandom }, signal),
    }),
    endCompaction: async ({ transactionId }) => {
      await forgetMap(transactionId, work);
      return {};
    },
    rewrite: async (plan, { signal }) => ({
      outputs: await runRewrite(plan, { ...work, random: systemRandom }, signal),
    }),
    rewriteDeletes: async (plan, { signal }) => ({
      carried: await rewriteDeletes(plan, { ...work, random: systemRandom }, signal),
    }),
    checkFiles: async (order, { signal }) => ({
      faults: await checkFiles(order, { ...work, random: systemRandom }, signal),
    }),
    ping: async () => {
      await loader;
      return { rssBytes: process.memoryUsage.rss() };
    },
  };
}
