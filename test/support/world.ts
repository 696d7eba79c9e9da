// A whole server inside the test's process: the real front end behind its wire port, the real loader and query engine
// behind real channels, SQLite and a directory for files; topics are in memory. Calls and answers between the parts can
// be lost, and each part can be killed: what it held in memory is gone, and it is opened again on the same files.
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { duplexPair } from 'node:stream';
import { type Connection, createConnection } from 'mysql2/promise';
import { assert, present } from '../../src/base/assert.ts';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { fail } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { Catalog, SnapshotTable } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import type { FeApi, LoaderApi, QueryFeApi, QueryNodeApi } from '../../src/cluster/rpc/messages.ts';
import { type Handlers, RpcPeer } from '../../src/cluster/rpc/peer.ts';
import { type CompactionNode, runCompactionJob } from '../../src/commit/compaction-job.ts';
import type { ResolvingCommitter } from '../../src/commit/resolving.ts';
import { Config } from '../../src/config/load.ts';
import { DeleteBitmaps } from '../../src/engine/delete-bitmaps.ts';
import { type Engine, openEngine } from '../../src/engine/duckdb.ts';
import { HotBlocks } from '../../src/engine/hot-blocks.ts';
import { KeyIndex } from '../../src/engine/key-index/key-index.ts';
import { createQueryRunner } from '../../src/engine/query-runner.ts';
import { RejectRegistry } from '../../src/engine/reject-function.ts';
import type { KafkaCluster } from '../../src/kafka/client/cluster.ts';
import { transactionOfKey } from '../../src/model/file-key.ts';
import type { DataFile } from '../../src/model/table.ts';
import { runChange } from '../../src/pipeline/change-run.ts';
import { type InsertServices, runInsert } from '../../src/pipeline/insert-run.ts';
import { Loader } from '../../src/pipeline/loader.ts';
import { runMerge } from '../../src/pipeline/merge-run.ts';
import { runResolve } from '../../src/pipeline/resolve-run.ts';
import type { CommitPort } from '../../src/pipeline/types.ts';
import { ensureBuiltinVolume } from '../../src/roles/builtin-volume.ts';
import { FeEndpoint, openCommitter, type RunningFe, startFe } from '../../src/roles/fe.ts';
import { openFileResolver } from '../../src/roles/file-resolver.ts';
import { openStores } from '../../src/roles/stores.ts';
import { openVolumeAccess } from '../../src/roles/volume-access.ts';
import { cleanUnfinishedWrites } from '../../src/storage/volume.ts';
import { checkFiles } from '../../src/tables/check-run.ts';
import { runCompaction } from '../../src/tables/compaction-run.ts';
import { carryDeletes, forgetMap } from '../../src/tables/position-map.ts';
import { rewriteDeletes, runRewrite } from '../../src/tables/rewrite-run.ts';
import { openMetrics } from '../../src/telemetry/metrics.ts';
import { FakeKafka } from './fake-kafka.ts';
import type { Theatre, Waiting } from './theatre.ts';

const CALL_MS = 60_000;
const MEGABYTE = 1024 * 1024;
const LOG_LINES = 60;
const DAY_MS = 86_400_000;

/** Loads look for new data this often; the least that the configuration takes would only cost time. */
const CONFIG = new Map([
  ['routine_load_freshness_millisecond', '20'],
  ['query_timeout_second', '60'],
] as const);

type LostPart = Parameters<Theatre['lose']>[1];

interface Engines {
  readonly query: Engine;
  readonly loader: Engine;
}

/** One life of the front end and of the parts around it. */
interface Life {
  readonly catalog: Catalog;
  readonly committer: ResolvingCommitter;
  readonly endpoint: FeEndpoint;
  readonly fe: RunningFe;
  readonly parts: Parts;
}

interface Parts {
  loader: { readonly peer: RpcPeer<FeApi, LoaderApi>; readonly loader: Loader };
  query: {
    readonly peer: RpcPeer<QueryFeApi, QueryNodeApi>;
    readonly hotBlocks: HotBlocks;
    readonly keyIndex: KeyIndex;
  };
}

/** The system's clock, and days later when the test says so. */
class WorldClock implements Clock {
  #laterMs = 0;

  pass(ms: number): void {
    this.#laterMs += ms;
  }
  nowMs(): number {
    return systemClock.nowMs() + this.#laterMs;
  }
  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#laterMs;
  }
  sleep = systemClock.sleep;
  after = systemClock.after;
  every = systemClock.every;
}

export class World implements Theatre {
  readonly kafka = 'kafka:9092';
  readonly directory: string;
  /** Topics by name. */
  readonly topics = new Map<string, FakeKafka>();
  /** Latest lines of the log, for messages of failures. */
  readonly logged: string[] = [];
  /** How many calls and answers were lost. */
  lost = 0;
  readonly #engines: Engines;
  readonly #clock = new WorldClock();
  #armed: { readonly method: string; readonly part: LostPart; readonly ms: number | null } | null =
    null;
  #life: Life | null = null;

  private constructor(directory: string, engines: Engines) {
    this.directory = directory;
    this.#engines = engines;
  }

  static async open(): Promise<World> {
    // Memory, where there is a file system of it: nothing of a model test survives the machine.
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const directory = mkdtempSync(join(base, 'millrace-world-'));
    for (const part of ['volumes', 'cache', 'insert', 'loader']) {
      mkdirSync(join(directory, part), { recursive: true });
    }
    const engine = (role: 'query' | 'loader'): Promise<Engine> =>
      openEngine({
        role,
        threads: 1,
        memoryLimitBytes: 256 * MEGABYTE,
        tempDirectory: join(directory, `spill-${role}`),
        maxTempBytes: 256 * MEGABYTE,
        allowedDirectories:
          role === 'loader'
            ? []
            : ['volumes', 'cache', 'insert'].map((part) => join(directory, part)),
        statementsAtOnce: 4,
        maxWaiting: 100,
        clock: systemClock,
      });
    const engines = { query: await engine('query'), loader: await engine('loader') };
    const world = new World(directory, engines);
    world.#life = await world.#start();
    return world;
  }

  get catalog(): Catalog {
    return this.#now.catalog;
  }

  get committer(): ResolvingCommitter {
    return this.#now.committer;
  }

  get #now(): Life {
    if (this.#life === null) throw new Error('the world is closed');
    return this.#life;
  }

  /** A session of root. */
  connect(): Promise<Connection> {
    return createConnection({
      host: '127.0.0.1',
      port: this.#now.fe.queryPort,
      user: 'root',
      supportBigNumbers: true,
      bigNumberStrings: true,
      typeCast: (field) => field.string('utf-8'),
    });
  }

  /** The next call of the method is lost, or its answer. */
  lose(method: string, part: LostPart): void {
    this.#armed = { method, part, ms: null };
  }

  slow(method: string, part: LostPart, ms: number): void {
    this.#armed = { method, part, ms };
  }

  /** Nothing is lost any more. */
  calm(): void {
    this.#armed = null;
  }

  /** All processes are killed and started again. */
  async crash(): Promise<void> {
    const { catalog, fe, parts } = this.#now;
    this.#life = null;
    await catalog.close();
    parts.loader.peer.close();
    await closeQuery(parts.query);
    await parts.loader.loader.close(false);
    // It has lost its metadata: what it still tries fails.
    await fe.stop().catch(() => undefined);
    this.#life = await this.#start();
  }

  /** The loader process is killed and started again. */
  async killLoader(): Promise<void> {
    const { fe, parts, endpoint } = this.#now;
    parts.loader.peer.close();
    await parts.loader.loader.close(false);
    parts.loader = await this.#openLoader(endpoint);
    await fe.onLoaderGone();
  }

  /** The query process is killed and started again. */
  async killQuery(): Promise<void> {
    const { parts, endpoint } = this.#now;
    await closeQuery(parts.query);
    parts.query = await this.#openQuery(endpoint);
  }

  async makeTopic(topic: string): Promise<void> {
    this.topics.set(topic, new FakeKafka(1));
  }

  async produce(topic: string, messages: readonly string[]): Promise<void> {
    this.#topic(topic).appendValues(0, messages);
  }

  async waiting(_: string, job: string, topic: string): Promise<Waiting | null> {
    const { loadJobs } = this.#now.catalog;
    const found = (await loadJobs.list({ all: true })).find(({ name }) => name === job);
    if (found === undefined) return { isRunning: false, what: `there is no job ${job}` };
    const [position] = await loadJobs.positions(found.id);
    // One without a position has not begun.
    if (position !== undefined && position.nextOffset >= this.#topic(topic).endOffset(0)) {
      return null;
    }
    const { state, reason, otherMessage } = found;
    return {
      isRunning: state === 'RUNNING' || state === 'NEED_SCHEDULE',
      what: `the load is ${state}: ${reason?.message} ${otherMessage?.text}`,
    };
  }

  async head(database: string, table: string): Promise<number> {
    return (await this.#snapshot(database, table)).version;
  }

  async #snapshot(database: string, table: string): Promise<SnapshotTable> {
    const { catalog } = this.#now;
    const { id } = await catalog.tables.get(database, table);
    return present(await catalog.snapshotOf(id), 'the table').entry;
  }

  /** One compaction of the very files, from begin to commit. */
  async compact(database: string, name: string, mask: number): Promise<void> {
    const { catalog, committer } = this.#now;
    const { table, files } = await this.#snapshot(database, name);
    // Only files of one partition are ever merged.
    const groups = [...Map.groupBy(files, ({ partition }) => JSON.stringify(partition)).values()];
    const group = groups[mask % Math.max(1, groups.length)] ?? [];
    const chosen = group.filter((_, index) => (mask & (1 << (index % 8))) !== 0);
    if (chosen.length === 0) return;
    const nothing = () => undefined;
    await runCompactionJob(
      {
        catalog,
        committer,
        turns: committer.turns,
        node: this.#compactionNode(),
        clock: this.#clock,
        random: systemRandom,
        log: this.#log(),
        timeoutMs: () => 20_000,
      },
      { table },
      table.schema.keysType === 'AGG_KEYS' ? neighbours(group, chosen) : chosen,
      { begun: nothing, staged: nothing, carried: nothing, yielded: nothing },
      new AbortController().signal,
    );
  }

  /** As the compactor asks the loader. */
  #compactionNode(): CompactionNode {
    const { peer } = this.#now.parts.loader;
    return {
      compact: async (plan, limits) => (await peer.call('compact', plan, limits)).outputs,
      carryDeletes: async (plan, limits) => (await peer.call('carryDeletes', plan, limits)).carried,
      endCompaction: async (transactionId) => {
        await peer.call('endCompaction', { transactionId });
      },
    };
  }

  async passDays(): Promise<boolean> {
    const connection = await this.connect();
    try {
      // The first sweep says which versions can no longer be read, the second lets their files go.
      for (const ms of [2 * DAY_MS, DAY_MS / 24]) {
        this.#clock.pass(ms);
        await connection.query('ADMIN SWEEP');
      }
      return true;
    } finally {
      connection.destroy();
    }
  }

  async wrongObjects(database: string, name: string): Promise<readonly string[]> {
    const { catalog, committer } = this.#now;
    const { prefix, id } = await catalog.tables.get(database, name);
    const root = this.#objectsOf('');
    const here = globSync('**/*', { cwd: this.#objectsOf(prefix), withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
    const named = new Set((await catalog.audit.table(id)).objects.map(({ key }) => key));
    const wrong = [...named].filter((key) => !here.includes(key)).map((key) => `${key} is missing`);
    for (const key of here) {
      const transactionId = transactionOfKey(key);
      // What is still open has nobody who would end it: it times out one day.
      const isOpen = transactionId !== null && (await committer.state(transactionId)) === null;
      if (!named.has(key) && !isOpen) wrong.push(`${key} is left`);
    }
    return wrong;
  }

  /** Its versions could be read for a day: the next histories' sweeps would list them each time. */
  async forget(database: string, table: string): Promise<void> {
    for (const path of globSync(this.#objectsOf(`${database}/${table}-*`))) {
      rmSync(path, { recursive: true, force: true });
    }
  }

  #objectsOf(prefix: string): string {
    return join(this.directory, 'volumes', 'builtin', '/', prefix);
  }

  async close(): Promise<void> {
    const { catalog, fe, parts } = this.#now;
    await fe.stop();
    await parts.loader.loader.close(false);
    parts.loader.peer.close();
    await closeQuery(parts.query);
    await catalog.close();
    await this.#engines.query.close();
    await this.#engines.loader.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #start(): Promise<Life> {
    const seams = { clock: this.#clock, random: systemRandom };
    const log = this.#log();
    const config = new Config(CONFIG, false);
    const catalog = await openCatalog({ dataDir: this.directory, ...seams });
    const stores = openStores(seams);
    const volumes = openVolumeAccess({ incarnation: catalog.incarnation, stores, ...seams });
    await ensureBuiltinVolume({ catalog, config, dataDir: this.directory, volumes, log });
    for (const volume of await catalog.volumes.list()) await cleanUnfinishedWrites(volume);
    const parts: { -readonly [P in keyof Parts]?: Parts[P] } = {};
    const peerOf = <P extends keyof Parts>(part: P): Parts[P]['peer'] => {
      const known = parts[part];
      if (known === undefined) throw fail('PEER_GONE', { peer: part });
      return known.peer;
    };
    const metrics = openMetrics();
    const committer = await openCommitter(
      { catalog, config, clock: this.#clock, log, metrics },
      async () => peerOf('query'),
    );
    const endpoint = new FeEndpoint({ catalog, metrics, clock: this.#clock, log }, committer);
    parts.loader = await this.#openLoader(endpoint);
    parts.query = await this.#openQuery(endpoint);
    const fe = await startFe(
      {
        catalog,
        config,
        host: '127.0.0.1',
        queryPort: 0,
        httpPort: 0,
        tls: null,
        cn: {
          query: async () => peerOf('query'),
          loader: async () => peerOf('loader'),
          // Nobody sends bodies here.
          http: () => ({ host: '127.0.0.1', port: 0 }),
          forwardToken: '',
        },
        sampleTopic: async () => [],
        probe: {
          unread: async () => ({ retention: { retentionMs: null, deletes: false }, parts: [] }),
          commitGroup: async () => undefined,
          topic: async () => ({ topicId: null, partitions: [0] }),
          topics: async () => [],
          offsets: async (_, topic, partitions, at) =>
            new Map(
              partitions.map((partition) => [
                partition,
                at === 'latest' ? this.#topic(topic).endOffset(partition) : 0n,
              ]),
            ),
        },
        volumes,
        stores,
        ...seams,
        log,
        metrics: openMetrics(),
        processes: async () => ({}),
      },
      endpoint,
      committer,
    );
    return { catalog, committer, endpoint, fe, parts: parts as Parts };
  }

  async #openLoader(endpoint: FeEndpoint): Promise<Parts['loader']> {
    const [feEnd, ownEnd] = duplexPair();
    const seams = { clock: this.#clock, random: systemRandom };
    const work = {
      engine: this.#engines.loader,
      stores: openStores(seams),
      tempDirectory: join(this.directory, 'loader'),
      random: systemRandom,
    };
    const ready = Promise.withResolvers<Loader>();
    const own = new RpcPeer<LoaderApi, FeApi>(
      ownEnd,
      {
        startTask: async (assignment) => {
          await (await ready.promise).startTask(assignment);
          return {};
        },
        stopTask: async ({ taskId, drain }) => {
          await (await ready.promise).stopTask(taskId, drain);
          return {};
        },
        openHttp: async ({ port }) => ({ port }),
        stopBody: async () => ({}),
        recount: async (plan, { signal }) => (await ready.promise).recount(plan, signal),
        replay: async ({ plan, ...begun }, { signal }) =>
          (await ready.promise).replay(plan, begun, signal),
        listTasks: async () => ({
          taskIds: (await ready.promise).tasks().map(({ taskId }) => taskId),
        }),
        compact: async (plan, { signal }) => ({ outputs: await runCompaction(plan, work, signal) }),
        carryDeletes: async (plan, { signal }) => ({
          carried: await carryDeletes(plan, work, signal),
        }),
        endCompaction: async ({ transactionId }) => {
          await forgetMap(transactionId, work);
          return {};
        },
        rewrite: async (plan, { signal }) => ({ outputs: await runRewrite(plan, work, signal) }),
        rewriteDeletes: async (plan, { signal }) => ({
          carried: await rewriteDeletes(plan, work, signal),
        }),
        checkFiles: async (order, { signal }) => ({
          faults: await checkFiles(order, work, signal),
        }),
        ping: async () => ({ rssBytes: 0 }),
      },
      { clock: this.#clock, peerName: 'FE process', timeoutMs: CALL_MS },
    );
    const peer = new RpcPeer<FeApi, LoaderApi>(feEnd, this.#lossy(endpoint.handlers()), {
      clock: this.#clock,
      peerName: 'loader process',
      timeoutMs: CALL_MS,
    });
    const loader = await Loader.open({
      ...seams,
      log: this.#log(),
      engine: this.#engines.loader,
      port: portOf(own),
      openCluster: () => this.#cluster(),
      openStore: work.stores,
      tempDirectory: work.tempDirectory,
      sharedMemoryDirectory: null,
      statementsAtOnce: 2,
      budgetBytes: 16 * MEGABYTE,
    });
    ready.resolve(loader);
    return { peer, loader };
  }

  async #openQuery(endpoint: FeEndpoint): Promise<Parts['query']> {
    const [feEnd, ownEnd] = duplexPair();
    const { query: engine } = this.#engines;
    const seams = { clock: this.#clock, random: systemRandom };
    const resolve = await openFileResolver({
      cacheDirectory: join(this.directory, 'cache'),
      maxBytes: 64 * MEGABYTE,
      incarnation: 'world',
      inPlace: join(this.directory, 'volumes'),
      ...seams,
    });
    const reader = { resolve, deletes: new DeleteBitmaps(resolve, MEGABYTE) };
    const hotBlocks = new HotBlocks({
      engine,
      resolve,
      maxBytes: MEGABYTE,
      onFailed: () => undefined,
    });
    const runner = createQueryRunner({ engine, ...reader, clock: this.#clock, hotBlocks });
    // Every file gets an index, however few rows it has.
    const keyIndex = await KeyIndex.open({
      directory: join(this.directory, 'cache', 'keys'),
      maxBytes: 16 * MEGABYTE,
      memoryBytes: MEGABYTE,
      minRows: 1,
      incarnation: 'world',
      engine,
      resolve,
      clock: this.#clock,
      log: this.#log(),
    });
    const rejects = new RejectRegistry();
    await engine.withConnection(async (connection) => rejects.install(connection));
    const stores = openStores(seams);
    const inPlace = `${join(this.directory, 'volumes')}${sep}`;
    const inserts: InsertServices = {
      engine,
      ...reader,
      rejects,
      reserveIds: async (tableId, count) =>
        (await own.call('reserveIds', { tableId, count })).first,
      // Its statements look at what is committed of their own rows only.
      keepRejects: async () => undefined,
      openStore: async (volume) => {
        const store = await stores(volume);
        assert(store.localPath('x')?.startsWith(inPlace) === true, 'a volume of this world');
        return store;
      },
      ...seams,
      tempDirectory: join(this.directory, 'insert'),
    };
    const own: RpcPeer<QueryNodeApi, QueryFeApi> = new RpcPeer<QueryNodeApi, QueryFeApi>(
      ownEnd,
      this.#lossy<Handlers<QueryNodeApi>>({
        query: ({ plan, firstSequence }, { push, signal }) =>
          runner.run(plan, firstSequence, push, signal),
        insert: ({ plan, transactionId, label }, { signal }) =>
          runInsert(plan, { transactionId, label }, inserts, signal),
        change: ({ plan, transactionId, label }, { signal }) =>
          runChange(plan, { transactionId, label }, inserts, signal),
        merge: (plan, { signal }) => runMerge(plan, inserts, signal),
        resolve: (plan, { signal }) => runResolve(plan, { ...inserts, keyIndex }, signal),
        ping: async () => ({ rssBytes: 0, keyIndex: keyIndex.load() }),
      }),
      { clock: this.#clock, peerName: 'FE process', timeoutMs: CALL_MS },
    );
    const { reserveIds, beginRejects, commitRejects } = this.#lossy(endpoint.handlers());
    const peer = new RpcPeer<QueryFeApi, QueryNodeApi>(
      feEnd,
      {
        reserveIds,
        beginRejects,
        commitRejects,
        liveFiles: async ({ files }) => ({ live: await this.catalog.audit.areLive(files) }),
      },
      { clock: this.#clock, peerName: 'query process', timeoutMs: CALL_MS },
    );
    return { peer, hotBlocks, keyIndex };
  }

  /** The handlers, whose calls and answers can be lost. */
  #lossy<H extends object>(handlers: H): H {
    const onTheWay = async (method: string, part: LostPart): Promise<void> => {
      const armed = this.#armed;
      if (armed?.method !== method || armed.part !== part) return;
      this.#armed = null;
      if (armed.ms !== null) {
        await systemClock.sleep(armed.ms);
        return;
      }
      this.lost += 1;
      throw fail('TIMEOUT', { what: `${method} (its ${part} was lost)`, timeoutMs: 1, hint: '' });
    };
    const entries = Object.entries(handlers).map(([method, handler]) => {
      const handle = handler as (params: unknown, context: unknown) => Promise<unknown>;
      return [
        method,
        async (params: unknown, context: unknown): Promise<unknown> => {
          await onTheWay(method, 'call');
          const result = await handle(params, context);
          await onTheWay(method, 'answer');
          return result;
        },
      ] as const;
    });
    return Object.fromEntries(entries) as H;
  }

  #topic(name: string): FakeKafka {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    throw fail('KAFKA_UNKNOWN_TOPIC', { topic: name });
  }

  /** One cluster with all topics. */
  #cluster(): KafkaCluster {
    return {
      topic: (name) => this.#topic(name).topic(name),
      listOffsets: (name, partitions) => this.#topic(name).listOffsets(name, partitions),
      fetch: (request) => this.#topic(request.topic.name).fetch(request),
      close: async () => undefined,
    };
  }

  #log(): Log {
    const line =
      (level: string) =>
      (message: string, fields: object = {}): void => {
        const texts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
        this.logged.push(`${level} ${message} ${texts.join(' ')}`);
        if (this.logged.length > LOG_LINES) this.logged.shift();
      };
    const log: Log = {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      with: () => log,
    };
    return log;
  }
}

async function closeQuery({ peer, hotBlocks, keyIndex }: Parts['query']): Promise<void> {
  peer.close();
  await Promise.all([hotBlocks.close(), keyIndex.close()]);
}

function portOf(peer: RpcPeer<LoaderApi, FeApi>): CommitPort {
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

/** All files from the first to the last of the chosen, which are in the order of their rows. */
function neighbours(files: readonly DataFile[], chosen: readonly DataFile[]): readonly DataFile[] {
  const places = chosen.map((file) => files.indexOf(file));
  return files.slice(Math.min(...places), Math.max(...places) + 1);
}
