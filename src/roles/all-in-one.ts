// `millrace start`: the FE in this process, and as its children a CN query process, the CN's loader and,
// unless it is off, the embedded broker. The only place where all of them are put together.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../base/clock.ts';
import { type AppError, toAppError } from '../base/errors.ts';
import { armFailpoints } from '../base/failpoints.ts';
import type { Log } from '../base/log.ts';
import { deferred } from '../base/queue.ts';
import { systemRandom } from '../base/random.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog } from '../catalog/open.ts';
import type { BrokerApi, FeApi, LoaderApi, QueryNodeApi } from '../cluster/rpc/messages.ts';
import type { Config } from '../config/load.ts';
import { type LogLevel, openLog } from '../telemetry/log.ts';
import { type Metrics, openMetrics } from '../telemetry/metrics.ts';
import { ensureBuiltinVolume, LOCAL_VOLUME_FOLDER } from './builtin-volume.ts';
import { type ChildRole, type ChildSettings, SupervisedChild } from './child-process.ts';
import { FeEndpoint, type NoCalls, openCommitter, type RunningFe, startFe } from './fe.ts';
import { openStores } from './stores.ts';
import { openTopicProbe } from './topic-probe.ts';
import { openVolumeAccess } from './volume-access.ts';

export interface StartOptions {
  readonly dataDir: string;
  readonly queryPort: number;
  readonly httpPort: number;
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
  readonly brokerPort: number | null;
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
const HEAP_MB: Readonly<Record<ChildRole, number>> = { query: 256, loader: 512, broker: 256 };

/** Starts everything. Throws DATA_DIR_LOCKED, PORT_IN_USE, DISK_FULL, CONFIG_INVALID. */
export async function startAllInOne(options: StartOptions): Promise<RunningServer> {
  const { config, dataDir } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  armFailpoints(options.failpoints.get('fe') ?? '');
  const logLevel = logLevelOf(config);
  const log = openLog({
    level: logLevel,
    role: 'fe',
    ...(options.logFile === null ? {} : { file: options.logFile }),
  });
  const stack = new AsyncDisposableStack();
  try {
    const catalog = await openCatalog({ dataDir, clock: systemClock, random: systemRandom });
    stack.defer(() => catalog.close());
    const running = await startParts({ options, catalog, log, logLevel, stack });
    return { ...running, stop: once(() => stack.disposeAsync()) };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
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
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

interface Parts {
  readonly options: StartOptions;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly logLevel: LogLevel;
  readonly stack: AsyncDisposableStack;
}

async function startParts(parts: Parts): Promise<Omit<RunningServer, 'stop'>> {
  const { options, catalog, log, stack } = parts;
  const { config, dataDir } = options;
  const metrics = openMetrics();
  const failed = deferred<never>();
  failed.promise.catch(() => undefined);
  const seams = { clock: systemClock, random: systemRandom };
  const stores = openStores(seams);
  const volumes = openVolumeAccess({ incarnation: catalog.incarnation, stores, ...seams });
  await ensureBuiltinVolume({ catalog, config, dataDir, volumes, log });
  const committer = await openCommitter(catalog, config);
  const endpoint = new FeEndpoint({ catalog, metrics, clock: systemClock }, committer);
  let fe: RunningFe | undefined;
  const loader = new SupervisedChild<FeApi, LoaderApi>({
    ...common(parts, metrics, 'loader', config.int('loader_mem_limit_bytes')),
    handlers: endpoint.handlers(),
    onRestart: () => {
      metrics.add('millrace_process_restarts_total', 1, { role: 'loader' });
      fe?.onLoaderGone().catch((error: unknown) => log.error('loader restart failed', { error }));
    },
  });
  const query = new SupervisedChild<NoCalls, QueryNodeApi>({
    ...common(parts, metrics, 'query', config.int('mem_limit_bytes')),
    handlers: { none: async () => null },
  });
  stack.defer(() => query.stop());
  stack.defer(() => loader.stop());
  const brokerPort = await startBrokerChild(parts, metrics, failed.reject);
  await Promise.all([loader.start(), query.start()]);
  // Ready means that a query and a load would begin at once.
  await Promise.all([answers(loader), answers(query)]);
  fe = await startFe(
    {
      catalog,
      config,
      host: config.text('bind_host'),
      queryPort: options.queryPort,
      httpPort: options.httpPort,
      cn: { query: () => query.peer(), loader: () => loader.peer() },
      probe: openTopicProbe(seams),
      volumes,
      stores,
      ...seams,
      log,
      metrics,
      processes: () => pingAll({ query, loader }, metrics),
    },
    endpoint,
    committer,
  );
  stack.defer(() => fe?.stop() ?? Promise.resolve());
  const volume = await catalog.volumes.default();
  return {
    queryPort: fe.queryPort,
    httpPort: fe.httpPort,
    brokerPort,
    dataDir,
    filesLocation: volume?.location ?? pathToFileURL(join(dataDir, LOCAL_VOLUME_FOLDER)).href,
    failed: failed.promise,
  };
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
    bindHost: options.config.text('bind_host'),
    incarnation: catalog.incarnation,
  };
  return {
    settings,
    clock: systemClock,
    log,
    heapMb: HEAP_MB[role],
    onStart: async () => undefined,
    onRestart: () => metrics.add('millrace_process_restarts_total', 1, { role }),
  };
}

/** Port of the embedded broker, null when it is off. A restarted one listens on the same port. */
async function startBrokerChild(
  parts: Parts,
  metrics: Metrics,
  onFailed: (error: AppError) => void,
): Promise<number | null> {
  const { options, stack } = parts;
  if (options.brokerPort === null) return null;
  let port = options.brokerPort;
  let first = true;
  const broker: SupervisedChild<NoCalls, BrokerApi> = new SupervisedChild<NoCalls, BrokerApi>({
    ...common(parts, metrics, 'broker', 0),
    handlers: { none: async () => null },
    onStart: async () => {
      try {
        const wanted = port;
        const start = async () => (await broker.peer(START_MS)).call('start', { port: wanted });
        port = (await untilAnswered(start)).port;
        first = false;
      } catch (error) {
        if (first) throw error;
        onFailed(toAppError(error));
      }
    },
  });
  stack.defer(() => broker.stop());
  await broker.start();
  return port;
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
    call(method: 'ping', params: Record<string, never>): Promise<{ rssBytes: number }>;
  }>;
};

/** 'ok' or what is wrong, by process; sets the memory gauges on the way. */
async function pingAll(
  children: Readonly<Record<string, Pingable>>,
  metrics: Metrics,
): Promise<Readonly<Record<string, string>>> {
  const report: Record<string, string> = { fe: 'ok' };
  metrics.set('millrace_process_resident_bytes', process.memoryUsage.rss(), { role: 'fe' });
  for (const [role, child] of Object.entries(children)) {
    try {
      const { rssBytes } = await (await child.peer(500)).call('ping', {});
      metrics.set('millrace_process_resident_bytes', rssBytes, { role });
      report[role] = 'ok';
    } catch (error) {
      report[role] = toAppError(error).message;
    }
  }
  return report;
}
