// `millrace start`: the FE in this process, and as its children a CN query process, the CN's loader and,
// unless it is off, the embedded broker. The only place where all of them are put together.
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../base/clock.ts';
import { AppError, fail, toAppError } from '../base/errors.ts';
import { armFailpoints } from '../base/failpoints.ts';
import type { Log } from '../base/log.ts';
import { deferred } from '../base/queue.ts';
import { systemRandom } from '../base/random.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog } from '../catalog/open.ts';
import type {
  BrokerApi,
  FeApi,
  KeyIndexFigures,
  LoaderApi,
  QueryFeApi,
  QueryNodeApi,
} from '../cluster/rpc/messages.ts';
import type { Config } from '../config/load.ts';
import { cleanUnfinishedWrites } from '../storage/volume.ts';
import { type LogLevel, openLog } from '../telemetry/log.ts';
import { type Metrics, openMetrics } from '../telemetry/metrics.ts';
import { ensureBuiltinVolume, LOCAL_VOLUME_FOLDER } from './builtin-volume.ts';
import { type ChildRole, type ChildSettings, SupervisedChild } from './child-process.ts';
import { FeEndpoint, type NoCalls, openCommitter, type RunningFe, startFe } from './fe.ts';
import { KeyIndexMetrics } from './key-index-metrics.ts';
import { openMysqlTls } from './mysql-tls.ts';
import { openStores } from './stores.ts';
import { openTopicProbe, openTopicSampler } from './topic-probe.ts';
import { openVolumeAccess } from './volume-access.ts';

export interface StartOptions {
  readonly dataDir: string;
  readonly queryPort: number;
  readonly httpPort: number;
  /** Of the compute node, for bodies of loads. */
  readonly cnHttpPort: number;
  /** null = no embedded broker. */
  readonly brokerPort: number | null;
  readonly config: Config;
  /** By role: fe, query, loader, broker. For fault tests. */
  readonly failpoints: ReadonlyMap<string, string>;
  /** Logs go to this file instead of standard error. */
  readonly logFile: string | null;
}

export interface RunningServer {
  readonly queryPort: number;
  readonly httpPort: number;
  readonly cnHttpPort: number;
  readonly brokerPort: number | null;
  /** The user root has no password yet. */
  readonly rootIsOpen: boolean;
  readonly dataDir: string;
  /** Where data files of the default volume lie, for people. */
  readonly filesLocation: string;
  /** Rejects when the server cannot go on by itself. */
  readonly failed: Promise<never>;
  /** Drains and ends everything. */
  stop(): Promise<void>;
}

/** How long a child may take to answer at the start. */
const START_MS = 20_000;
/** How long /api/health and /metrics wait for a child: for a restart, then for its answer. */
const PING_MS = 1_000;

/** Below this much free space nothing is started: metadata and logs need some. */
const MIN_FREE_BYTES = 32 * 1024 * 1024;

/** Starts everything. Throws DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, PORT_IN_USE, DISK_FULL, CONFIG_INVALID. */
export async function startAllInOne(options: StartOptions): Promise<RunningServer> {
  const { config, dataDir } = options;
  armFailpoints(options.failpoints.get('fe') ?? '');
  const logLevel = logLevelOf(config);
  const log = openDataDir(options, logLevel);
  const failed = deferred<never>();
  failed.promise.catch(() => undefined);
  const stack = new AsyncDisposableStack();
  const stop = async (): Promise<void> => {
    try {
      await stack.disposeAsync();
    } catch (error) {
      // Everything was stopped as far as it goes; what is durable is so already.
      log.error('stopping did not go in order', { error });
    }
  };
  try {
    const catalog = await openCatalog({
      dataDir,
      clock: systemClock,
      random: systemRandom,
      onLost: failed.reject,
    });
    stack.defer(() => catalog.close());
    const running = await startParts({ options, catalog, log, logLevel, stack });
    return { ...running, failed: failed.promise, stop: once(stop) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes the directory, sees to it that there is room, and opens the log. */
function openDataDir({ dataDir, logFile }: StartOptions, level: LogLevel): Log {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = statfsSync(dataDir);
    if (bavail * bsize < MIN_FREE_BYTES) throw fail('DISK_FULL', { path: dataDir });
    return openLog({ level, role: 'fe', ...(logFile === null ? {} : { file: logFile }) });
  } catch (error) {
    if (error instanceof AppError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    throw isFull
      ? fail('DISK_FULL', { path: dataDir }, error)
      : fail('DATA_DIR_UNUSABLE', { dataDir, detail }, error);
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

function logLevelOf(config: Config): LogLevel {
  const level = config.text('sys_log_level').toLowerCase();
  if (level === 'fatal') return 'error';
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

interface Parts {
  readonly options: StartOptions;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly logLevel: LogLevel;
  readonly stack: AsyncDisposableStack;
}

async function startParts(parts: Parts): Promise<Omit<RunningServer, 'stop' | 'failed'>> {
  const { options, catalog, log, stack } = parts;
  const { config, dataDir } = options;
  const metrics = openMetrics();
  const seams = { clock: systemClock, random: systemRandom };
  const stores = openStores(seams);
  const volumes = openVolumeAccess({ incarnation: catalog.incarnation, stores, ...seams });
  await ensureBuiltinVolume({ catalog, config, dataDir, volumes, log });
  const committer = await openCommitter({ catalog, config, clock: systemClock, log, metrics }, () =>
    query.peer(),
  );
  const endpoint = new FeEndpoint({ catalog, metrics, clock: systemClock, log }, committer);
  let fe: RunningFe | undefined;
  const { loader, cnHttp, forwardToken } = loaderChild(parts, metrics, endpoint, () => fe);
  const { reserveIds, beginRejects, commitRejects } = endpoint.handlers();
  const query = new SupervisedChild<QueryFeApi, QueryNodeApi>({
    ...common(parts, metrics, 'query', config.int('mem_limit_bytes')),
    handlers: {
      reserveIds,
      beginRejects,
      commitRejects,
      liveFiles: async ({ files }) => ({ live: await catalog.audit.areLive(files) }),
    },
  });
  const keyIndexMetrics = new KeyIndexMetrics(metrics);
  const broker =
    options.brokerPort === null ? null : brokerChild(parts, metrics, options.brokerPort);
  stack.defer(async () => {
    await Promise.all([query.stop(), loader.stop(), broker?.child.stop()]);
  });
  await Promise.all([loader.start(), query.start(), broker?.child.start()]);
  // Nobody writes between the end of the last life's loader and the first work of this one's.
  await cleanVolumes(catalog, log);
  // Ready means that a query and a load would begin at once.
  await Promise.all([answers(loader), answers(query)]);
  fe = await startFe(
    {
      catalog,
      config,
      host: config.text('bind_host'),
      queryPort: options.queryPort,
      httpPort: options.httpPort,
      tls: openMysqlTls({ config, dataDir, clock: seams.clock, random: seams.random, log }),
      cn: {
        query: () => query.peer(),
        loader: () => loader.peer(),
        http: () => cnHttp,
        forwardToken,
      },
      probe: openTopicProbe(seams),
      sampleTopic: openTopicSampler(seams),
      volumes,
      stores,
      ...seams,
      log,
      metrics,
      processes: () =>
        pingAll(
          { query, loader, ...(broker === null ? {} : { broker: broker.child }) },
          metrics,
          keyIndexMetrics,
        ),
    },
    endpoint,
    committer,
  );
  stack.defer(() => fe?.stop() ?? Promise.resolve());
  const volume = await catalog.volumes.default();
  return {
    queryPort: fe.queryPort,
    httpPort: fe.httpPort,
    cnHttpPort: cnHttp.port,
    brokerPort: broker?.port() ?? null,
    rootIsOpen: fe.rootIsOpen,
    dataDir,
    filesLocation: volume?.location ?? pathToFileURL(join(dataDir, LOCAL_VOLUME_FOLDER)).href,
  };
}

/** The CN's loader process with its HTTP door. A restarted one listens on the port that the first one got. */
function loaderChild(
  parts: Parts,
  metrics: Metrics,
  endpoint: FeEndpoint,
  fe: () => RunningFe | undefined,
) {
  const { config, cnHttpPort } = parts.options;
  const cnHttp = { host: loopbackOf(config.text('bind_host')), port: cnHttpPort };
  const forwardToken = systemRandom.bytes(16).toString('hex');
  const child: SupervisedChild<FeApi, LoaderApi> = new SupervisedChild<FeApi, LoaderApi>({
    ...common(parts, metrics, 'loader', config.int('loader_mem_limit_bytes')),
    handlers: endpoint.handlers(),
    onStart: async () => {
      const door = { forwardToken, maxLoads: config.int('stream_load_max_concurrent') };
      const open = async () =>
        (await child.peer(START_MS)).call('openHttp', { ...door, port: cnHttp.port });
      cnHttp.port = (await untilAnswered(open)).port;
    },
    onRestart: () => {
      metrics.add('millrace_process_restarts_total', 1, { role: 'loader' });
      const gone = fe()?.onLoaderGone();
      gone?.catch((error: unknown) => parts.log.error('loader restart failed', { error }));
    },
  });
  return { loader: child, cnHttp, forwardToken };
}

/** The address at which a process of this machine reaches a port that is bound to `host`. */
function loopbackOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** What all children share. */
function common(parts: Parts, metrics: Metrics, role: ChildRole, memoryLimitBytes: number) {
  const { options, catalog, log, logLevel } = parts;
  const settings: ChildSettings = {
    role,
    dataDir: options.dataDir,
    logLevel,
    logFile: options.logFile,
    failpoints: options.failpoints.get(role) ?? '',
    rpcTimeoutMs: options.config.int('rpc_timeout_millisecond'),
    memoryLimitBytes,
    cacheMaxBytes: options.config.int('cache_max_bytes'),
    lookUpCacheBytes: options.config.int('look_up_cache_bytes'),
    keyIndex: {
      maxBytes: options.config.int('key_index_max_bytes'),
      memoryBytes: options.config.int('key_index_memory_bytes'),
      minRows: options.config.int('key_index_min_rows'),
    },
    bindHost: options.config.text('bind_host'),
    incarnation: catalog.incarnation,
  };
  return {
    settings,
    clock: systemClock,
    log,
    onStart: async () => undefined,
    onRestart: () => metrics.add('millrace_process_restarts_total', 1, { role }),
  };
}

/** The embedded broker's process. A restarted one listens on the port that the first one got. */
function brokerChild(
  parts: Parts,
  metrics: Metrics,
  wantedPort: number,
): { readonly child: SupervisedChild<NoCalls, BrokerApi>; readonly port: () => number } {
  let port = wantedPort;
  const child: SupervisedChild<NoCalls, BrokerApi> = new SupervisedChild<NoCalls, BrokerApi>({
    ...common(parts, metrics, 'broker', 0),
    handlers: { none: async () => null },
    onStart: async () => {
      const wanted = port;
      const start = async () => (await child.peer(START_MS)).call('start', { port: wanted });
      port = (await untilAnswered(start)).port;
    },
  });
  return { child, port: () => port };
}

/** Half-written objects that kills left; a volume that is away is cleaned another time. */
async function cleanVolumes(catalog: Catalog, log: Log): Promise<void> {
  for (const volume of await catalog.volumes.list())
    await cleanUnfinishedWrites(volume).catch((error: unknown) =>
      log.warn('volume was not cleaned', { volume: volume.name, error }),
    );
}

/** Waits until a started child answers; a child that cannot start shows in the log. */
async function answers(child: Pingable): Promise<void> {
  await untilAnswered(async () => (await child.peer(START_MS)).call('ping', {}));
}

/** A call that may be repeated, until it answers: a slow machine is no reason to give up, nor is a lost answer. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  const untilMs = systemClock.monotonicMs() + START_MS;
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'TIMEOUT' || systemClock.monotonicMs() > untilMs) throw error;
    }
  }
}

type Pingable = {
  peer(waitMs?: number): Promise<{
    call(
      method: 'ping',
      params: Record<string, never>,
      options?: { readonly timeoutMs?: number },
    ): Promise<{ readonly rssBytes: number; readonly keyIndex?: KeyIndexFigures }>;
  }>;
};

/** 'ok' or what is wrong, by process; sets the memory gauges on the way. */
async function pingAll(
  children: Readonly<Record<string, Pingable>>,
  metrics: Metrics,
  keyIndexMetrics: KeyIndexMetrics,
): Promise<Readonly<Record<string, string>>> {
  // In one order, whoever answers first.
  const report: Record<string, string> = { fe: 'ok' };
  for (const role of Object.keys(children)) report[role] = 'no answer';
  metrics.set('millrace_process_resident_bytes', process.memoryUsage.rss(), { role: 'fe' });
  await Promise.all(
    Object.entries(children).map(async ([role, child]) => {
      try {
        const peer = await child.peer(PING_MS);
        const { rssBytes, keyIndex } = await peer.call('ping', {}, { timeoutMs: PING_MS });
        metrics.set('millrace_process_resident_bytes', rssBytes, { role });
        if (keyIndex !== undefined) keyIndexMetrics.note(keyIndex);
        report[role] = 'ok';
      } catch (error) {
        report[role] = toAppError(error).message;
      }
    }),
  );
  return report;
}
