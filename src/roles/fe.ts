// The FE: metadata, commit, scheduler, SQL and HTTP doors. Composes services; never loads DuckDB. The
// CN processes come in as ports, so that the same FE runs with them beside it or on other machines.
import type { SecureContextOptions } from 'node:tls';
import { AccessControl } from '../access/access-control.ts';
import type { Clock } from '../base/clock.ts';
import { decodeError, fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import { asId, type Epoch } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { deferred, settledWithin } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { FeApi, LoaderApi, QueryFeApi, QueryNodeApi } from '../cluster/rpc/messages.ts';
import type { Handlers, RpcPeer } from '../cluster/rpc/peer.ts';
import { CommitFeed } from '../commit/commit-feed.ts';
import { CatalogCommitter } from '../commit/committer.ts';
import type { Compactor } from '../commit/compactor.ts';
import { IngestGate } from '../commit/ingest-gate.ts';
import { ResolvingCommitter } from '../commit/resolving.ts';
import { CatalogTurns } from '../commit/turn.ts';
import { DEFAULT_COMMIT_LIMITS } from '../commit/types.ts';
import type { Config } from '../config/load.ts';
import { type ErrorLogOf, errorLogUrl } from '../loads/error-log.ts';
import {
  countBytes,
  countedBegin,
  countRows,
  countTransaction,
  noteLatencies,
} from '../loads/own-transaction.ts';
import { routineLoadHooks } from '../loads/routine/on-commit.ts';
import { routineLoadPartitionHooks } from '../loads/routine/on-partition-change.ts';
import { routineLoadSchemaHooks } from '../loads/routine/on-schema-change.ts';
import type { RoutineLoadScheduler } from '../loads/routine/scheduler.ts';
import { RoutineLoads, type TopicProbe } from '../loads/routine/service.ts';
import type { TopicSampler } from '../loads/sample/infer.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import { MysqlServer } from '../mysql/server.ts';
import type { AlterJobs } from '../statements/alter-jobs.ts';
import { restoreConfig } from '../statements/frontend-config.ts';
import type { Connections, Services, Session, VolumeAccess } from '../statements/types.ts';
import { SERVER_VERSION } from '../statements/variables.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type BodyLoadServices, bodyLoadHandlers, makeBodyLoads } from './body-loads.ts';
import { makeAlterJobs, makeCompactor } from './compaction.ts';
import { metricsText } from './gauges.ts';
import { startHousekeeping } from './housekeeping.ts';
import { openHttp } from './http-door.ts';
import { type JobUpkeep, makeJobUpkeep, type UpkeepProbe } from './job-upkeep.ts';
import { CommitTimes } from './load-metrics.ts';
import { Logins } from './logins.ts';
import { mysqlHandler, type RunQuery } from './mysql-door.ts';
import { openConnections } from './open-connections.ts';
import { readRows } from './read-rows.ts';
import { makeLedgerChecks, makeReplays, makeScheduler } from './routine-loads.ts';
import { makeSmallFiles } from './small-files.ts';
import { makeChanges, makeInserts, makeSqlTransactions, runningLimits } from './statement-loads.ts';
import type { StoreOpener } from './stores.ts';
import { checkTable } from './table-check.ts';
import { startTaskRunner } from './task-runner.ts';

/** What a process asks of the FE that asks nothing. */
export interface NoCalls {
  none: { params: null; result: null };
}

/** The CN processes as the FE calls them; each call waits a little for a restart. */
export interface CnPorts {
  query(): Promise<RpcPeer<QueryFeApi, QueryNodeApi>>;
  loader(): Promise<RpcPeer<FeApi, LoaderApi>>;
  /** Where bodies of loads go. */
  http(): { readonly host: string; readonly port: number };
  /** What this FE proves itself by to that. */
  readonly forwardToken: string;
}

export interface FeOptions {
  readonly catalog: Catalog;
  readonly config: Config;
  readonly host: string;
  readonly queryPort: number;
  /** Key and certificate of the MySQL port, null for no TLS. */
  readonly tls: SecureContextOptions | null;
  readonly httpPort: number;
  readonly cn: CnPorts;
  readonly probe: TopicProbe & UpkeepProbe;
  readonly sampleTopic: TopicSampler;
  readonly volumes: VolumeAccess;
  readonly stores: StoreOpener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called before /metrics is rendered and for /api/health. */
  readonly processes: () => Promise<Readonly<Record<string, string>>>;
}

export interface RunningFe {
  /** The user root has no password yet. */
  readonly rootIsOpen: boolean;
  readonly queryPort: number;
  readonly httpPort: number;
  /** The loader process ended and is being started again. */
  onLoaderGone(): Promise<void>;
  stop(): Promise<void>;
}

/** Name of the one CN beside this FE. */
const NODE = 'cn-1';
/** Looking up keys reads files, maybe from far away: it gets so many times of what another answer may take. */
const RESOLVE_RPCS = 4;
/** How long running statements and bodies on their way may go on at the end, and how long all parts may take. */
const DRAIN_MS = 5_000;
const STOP_MS = 8_000;
/** Connections are cut: it takes no time. */
const HTTP_CLOSE_MS = 1_000;

type EndpointOptions = Pick<FeOptions, 'catalog' | 'metrics' | 'clock' | 'log'>;
type EndpointCommitter = Pick<ResolvingCommitter, 'begin' | 'commit' | 'state' | 'abort'>;

/** Methods that the CN calls on the FE. Separate from startFe: children start before the doors open. */
export class FeEndpoint {
  readonly #committer: EndpointCommitter;
  readonly #options: EndpointOptions;
  readonly #times: CommitTimes;
  readonly #bodyLoads = deferred<BodyLoadServices>();
  #scheduler: RoutineLoadScheduler | undefined;

  constructor(options: EndpointOptions, committer: EndpointCommitter) {
    this.#options = options;
    this.#committer = committer;
    this.#times = new CommitTimes(options);
  }

  attach(scheduler: RoutineLoadScheduler): void {
    this.#scheduler = scheduler;
  }

  attachBodyLoads(services: BodyLoadServices): void {
    this.#bodyLoads.resolve(services);
  }

  handlers(): Handlers<FeApi> {
    const { catalog } = this.#options;
    return {
      begin: ({ taskId, epoch }) =>
        countedBegin(this.#options, 'routine_load', () =>
          this.#committer.begin({ taskId, epoch: asId<Epoch>(epoch), coordinator: `CN: ${NODE}` }),
        ),
      commit: (request) => this.#commit(request),
      transactionState: ({ transactionId }) => this.#committer.state(transactionId),
      abort: async ({ transactionId, reason }) => {
        const { state } = await this.#committer.abort(transactionId, reason);
        if (state === 'ABORTED') countTransaction(this.#options, 'routine_load', state);
        return {};
      },
      reserveIds: async ({ tableId, count }) => ({
        first: await catalog.tables.reserveAutoIds(tableId, count),
      }),
      reportPositions: async ({ taskId, epoch, positions, trouble }) => {
        const lease = await catalog.leases.find(taskId);
        // Tells an idle task of a job that was stopped or dropped to end.
        if (lease === null || lease.epoch !== epoch) throw fail('LEASE_LOST', { taskId, epoch });
        if (trouble !== null) await catalog.loadJobs.setOtherMessage(lease.jobId, trouble);
        if (positions.length > 0) this.#scheduler?.onHeard(lease.jobId);
        for (const [topic, ofTopic] of Map.groupBy(positions, (position) => position.topic)) {
          await catalog.loadJobs.reportLatest(lease.jobId, topic, ofTopic);
        }
        return {};
      },
      ...bodyLoadHandlers(this.#bodyLoads.promise),
      taskFailed: async ({ taskId, epoch, error }) => {
        failpoint('task-failed.before');
        await this.#scheduler?.onTaskFailed(taskId, epoch, decodeError(error));
        return {};
      },
    };
  }

  async #commit(request: FeApi['commit']['params']): Promise<FeApi['commit']['result']> {
    const { clock, metrics } = this.#options;
    const kind = 'routine_load';
    const startedMs = clock.monotonicMs();
    const result = await this.#committer.commit(request, routineLoadHooks);
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    metrics.observe('millrace_load_commit_seconds', seconds, { kind });
    countTransaction({ metrics }, kind, result.state);
    if (result.state === 'VISIBLE') {
      noteLatencies({ metrics }, kind, request.executeMs, seconds * 1000);
      this.#scheduler?.onCommitted(request.jobId);
      void this.#times.note(request.jobId, seconds, request.progress);
      for (const part of request.progress) {
        countRows({ metrics }, kind, part.rowsLoaded, part.rowsFiltered);
        metrics.add('millrace_load_rows_total', part.rowsUnselected, {
          kind,
          result: 'unselected',
        });
        countBytes({ metrics }, kind, part.receivedBytes);
      }
      if (!result.continueTask) this.#scheduler?.wake();
    }
    return result;
  }
}

export async function openCommitter(
  {
    catalog,
    config,
    clock,
    log,
    metrics,
  }: Pick<FeOptions, 'catalog' | 'config' | 'clock' | 'log' | 'metrics'>,
  queryNode: CnPorts['query'],
): Promise<ResolvingCommitter> {
  const rejected = await catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE);
  const committer = new CatalogCommitter({
    catalog,
    rejectedTable: rejected.id,
    limits: {
      ...DEFAULT_COMMIT_LIMITS,
      rejectedStoreBytes: config.int('rejected_records_max_bytes'),
      running: runningLimits(config),
    },
  });
  return new ResolvingCommitter({
    committer,
    catalog,
    turns: new CatalogTurns(catalog, clock, (rank, waitedMs) =>
      metrics.observe('millrace_turn_wait_seconds', waitedMs / 1000, { rank: rank.toLowerCase() }),
    ),
    feed: new CommitFeed(),
    gate: new IngestGate({
      catalog,
      clock,
      limits: () => ({
        isEnabled: config.bool('lake_enable_ingest_slowdown'),
        slowFiles: config.int('lake_ingest_slowdown_threshold'),
        mostFiles: config.int('lake_compaction_score_upper_bound'),
      }),
    }),
    resolve: async (plan, signal) =>
      (await queryNode()).call('resolve', plan, { timeoutMs: plan.timeoutMs, signal }),
    clock,
    resolveMs: RESOLVE_RPCS * config.int('rpc_timeout_millisecond'),
    log,
  });
}

/** Opens the doors and starts scheduling. Throws PORT_IN_USE. */
export async function startFe(
  options: FeOptions,
  endpoint: FeEndpoint,
  committer: ResolvingCommitter,
): Promise<RunningFe> {
  const { catalog, config, clock, log, metrics } = options;
  const access = await AccessControl.open(catalog);
  await restoreItems(options);
  const scheduler = makeScheduler(options, { access, committer, node: NODE });
  // A job whose account lost the right pauses at once.
  access.onChange(() => scheduler.wake());
  endpoint.attach(scheduler);
  const sessions = new Map<number, Session>();
  const counts = { questions: 0 };
  const ports = { queryPort: 0, httpPort: 0 };
  const runQuery: RunQuery = async (plan, firstSequence, signal, onChunk) => {
    const peer = await options.cn.query();
    const timeoutMs = plan.timeoutMs + 5_000;
    return peer.call('query', { plan, firstSequence }, { signal, onChunk, timeoutMs });
  };
  const compactor = makeCompactor(options, committer);
  const alterJobs = makeAlterJobs(options, committer, { compactor, scheduler });
  const upkeep = makeJobUpkeep(options);
  const services = await makeServices(options, access, {
    committer,
    upkeep,
    compactor,
    alterJobs,
    scheduler,
    ports,
    sweep: (dryRun) => housekeeping.sweep(dryRun),
    runQuery,
    connections: openConnections(sessions, () => server, counts),
  });
  const logins = new Logins({ access, config, clock, metrics, globals: services.globals });
  const server = mysqlServer(
    options,
    mysqlHandler({ services, logins, sessions, counts, clock, metrics, log, runQuery }),
  );
  warnOfOpenRoot(access, options);
  ports.queryPort = (await listenMysql(server, options)).port;
  const bodyLoads = makeBodyLoads(options, {
    access,
    committer,
    logins,
    services,
    node: NODE,
    ports,
  });
  endpoint.attachBodyLoads(bodyLoads);
  const http = await openHttp(options, logins, services, bodyLoads).catch(
    async (error: unknown) => {
      await server.close(0);
      throw error;
    },
  );
  ports.httpPort = http.port;
  await scheduler.start().catch(async (error: unknown) => {
    await Promise.all([server.close(0), http.close()]);
    throw error;
  });
  const tasks = await startTaskRunner(services);
  const housekeeping = startHousekeeping({ ...options, committer, services });
  compactor.start();
  upkeep.start();
  await alterJobs.start();
  return {
    ...ports,
    rootIsOpen: access.rootIsOpen,
    onLoaderGone: async () => {
      await Promise.all([scheduler.onLoaderGone(), bodyLoads.loaderGone()]);
    },
    stop: async () => {
      bodyLoads.refuseNew();
      const working = [tasks, housekeeping, compactor, alterJobs, scheduler, upkeep];
      const drained = Promise.all([server.close(DRAIN_MS), bodyLoads.drain(DRAIN_MS)]);
      const parts = [...working.map((part) => part.stop()), drained];
      await settledWithin(clock, Promise.allSettled(parts), STOP_MS);
      // Until here bodies on their way went on, and new ones heard why they must wait.
      await settledWithin(clock, http.close(), HTTP_CLOSE_MS);
      await catalog.leases.revokeNode(NODE, 'the FE stopped');
    },
  };
}

async function restoreItems({ catalog, config, log }: FeOptions): Promise<void> {
  for (const item of await restoreConfig(catalog, config)) {
    log.warn('a configuration item set by ADMIN is no longer known', { item });
  }
}

/** Root without a password is how everything begins; it must not stay so unnoticed. */
function warnOfOpenRoot(access: AccessControl, { config, host, log }: FeOptions): void {
  if (!access.rootIsOpen) return;
  const from = config.bool('allow_empty_password_from_network')
    ? 'from every machine that reaches the port'
    : 'from this machine only';
  log.warn('the user root has no password and may log in without one', {
    from,
    listensOn: host,
    fix: "SET PASSWORD = PASSWORD('...')",
  });
}

function mysqlServer(
  { clock, random, log, config, tls }: FeOptions,
  handler: ReturnType<typeof mysqlHandler>,
): MysqlServer {
  return new MysqlServer({
    handler,
    clock,
    random,
    log: (message, fields, error) => log.error(message, { ...fields, error }),
    serverVersion: SERVER_VERSION,
    maxConnections: config.int('qe_max_connection'),
    tls,
    requireTls: config.bool('ssl_force_secure_transport'),
  });
}

async function listenMysql(
  server: MysqlServer,
  { host, queryPort }: FeOptions,
): Promise<{ port: number }> {
  try {
    return await server.listen({ host, port: queryPort });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw fail('PORT_IN_USE', { what: 'MySQL', port: queryPort, option: '--query-port' }, error);
    }
    const detail = error instanceof Error ? error.message : String(error);
    throw fail('CANNOT_LISTEN', { what: 'MySQL', host, port: queryPort, detail }, error);
  }
}

interface Running {
  readonly committer: ResolvingCommitter;
  readonly compactor: Compactor;
  readonly alterJobs: AlterJobs;
  readonly scheduler: RoutineLoadScheduler;
  readonly upkeep: JobUpkeep;
  /** Filled in once the doors are open. */
  readonly ports: { readonly queryPort: number; readonly httpPort: number };
  readonly runQuery: RunQuery;
  readonly sweep: Services['sweep'];
  readonly connections: Connections;
}

async function makeServices(
  options: FeOptions,
  access: AccessControl,
  running: Running,
): Promise<Services> {
  const { catalog, config, clock, log, random, probe, host } = options;
  const { committer, compactor, scheduler, ports, runQuery, connections } = running;
  const { retention } = running.upkeep;
  const startedMs = clock.nowMs();
  const linkTo = (of: ErrorLogOf): string => errorLogUrl(catalog, { host, ...ports }, of);
  return {
    access,
    readRows: (plan, signal) => readRows(runQuery, plan, signal),
    catalog,
    config,
    clock,
    log,
    routineLoads: new RoutineLoads({
      catalog,
      probe,
      random,
      scheduler,
      retention,
      unstableLimits: () => ({
        nowMs: catalog.nowMs(),
        thresholdSeconds: config.int('routine_load_unstable_threshold_second'),
      }),
      errorLogUrl: (id) => linkTo({ kind: 'job', id }),
    }),
    errorLogUrl: linkTo,
    sampleTopic: options.sampleTopic,
    replays: makeReplays(options, committer),
    ledgerChecks: makeLedgerChecks(options),
    smallFiles: makeSmallFiles(options),
    inserts: makeInserts(options, committer),
    changes: makeChanges(options, committer),
    transactions: makeSqlTransactions(options, committer),
    newUuid: () => random.uuid(),
    compactions: compactor,
    alterJobs: running.alterJobs,
    truncate: (tableId) => committer.truncate(tableId),
    rollback: async (tableId, at) => {
      const version = await committer.rollback(tableId, at);
      if (version !== null) scheduler.tasksRevoked();
      return version;
    },
    sweep: running.sweep,
    checkTable: (table, deep, signal) => checkTable(options, table, deep, signal),
    connections,
    changePartitions: async (tableId, make) => {
      const changed = await committer.changePartitions(tableId, make, routineLoadPartitionHooks);
      if (changed) scheduler.tasksRevoked();
      return changed;
    },
    recoverPartition: async (tableId, name) => {
      await committer.recoverPartition(tableId, name, routineLoadPartitionHooks);
      scheduler.tasksRevoked();
    },
    changeSchema: async (tableId, make) => {
      const changed = await committer.changeSchema(tableId, make, routineLoadSchemaHooks);
      if (changed) scheduler.tasksRevoked();
      return changed;
    },
    volumes: options.volumes,
    nodes: {
      frontend: () => ({ host, startedMs, ...ports }),
      computeNode: () => ({ httpPort: options.cn.http().port }),
      processes: options.processes,
    },
    metricsText: () => metricsText({ ...options, retention }),
    globals: new Map([
      ['query_timeout', config.text('query_timeout_second')],
      ...(await catalog.variables.all()),
    ]),
  };
}
