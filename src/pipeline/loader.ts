// The loader process's tasks: starts, stops and lists them, and owns what they share (connections,
// byte budget, scratch files). Knows nothing of jobs or scheduling: the FE says what runs here.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Mutex } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import { DeleteBitmaps } from '../engine/delete-bitmaps.ts';
import { DropRegistry } from '../engine/drop-function.ts';
import type { Engine } from '../engine/duckdb.ts';
import { BatchProducer } from '../kafka/client/batch-producer.ts';
import type { KafkaCluster } from '../kafka/client/cluster.ts';
import { parseKafkaProperties } from '../kafka/client/properties.ts';
import type { StagedLoad } from '../model/insert-plan.ts';
import type {
  BegunTransaction,
  BodyLoadPlan,
  KafkaConnectionSpec,
  KafkaLoadPlan,
  LoadPlan,
  StagedTable,
  TaskAssignment,
} from '../model/load-plan.ts';
import type { Recount, RecountPlan } from '../model/recount.ts';
import type { ReplayPlan, StagedReplay } from '../model/replay-plan.ts';
import { REJECTED_RECORDS_SCHEMA } from '../model/system-tables.ts';
import type { VolumeSpec } from '../model/table.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type BodyServices, type FilteredLoad, runBodyLoad } from './body-run.ts';
import { ByteBudget } from './byte-budget.ts';
import { ConnectionPool } from './connection-pool.ts';
import { DeadLetters, type DeadLettersOptions } from './dead-letters.ts';
import { ScratchSpace } from './decode/scratch.ts';
import { runRecount } from './recount-run.ts';
import { type ReplayServices, runReplay } from './replay-run.ts';
import { LoadTask } from './run.ts';
import type { BatchMemory } from './source/batch-builder.ts';
import type { BatchMemory as BodyBatchMemory } from './source/body/body-batch.ts';
import { BodyMemory } from './source/body/body-memory.ts';
import { BodyPages } from './source/body/body-pages.ts';
import { BytePages } from './source/byte-pages.ts';
import { ColumnPages } from './source/column-pages.ts';
import { fetchTuning } from './source/fetch-tuning.ts';
import { fetchedFiles } from './source/fetched-files.ts';
import { KafkaSource, type KafkaSourceOptions } from './source/kafka.ts';
import { TopicsSource } from './source/topics.ts';
import { Stager, type StageServices } from './stage.ts';
import { DROP_FUNCTION, ROWS_FUNCTION } from './transform/drop-code.ts';
import type { CommitPort, Source, SourceTrouble, TaskStatus } from './types.ts';

export interface LoaderOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Opened with role 'loader', threads 1. */
  readonly engine: Engine;
  readonly port: CommitPort;
  readonly openCluster: (connection: KafkaConnectionSpec) => KafkaCluster | Promise<KafkaCluster>;
  /** Gives the same store for the same volume. */
  readonly openStore: (volume: VolumeSpec) => ObjectStore | Promise<ObjectStore>;
  /** Private directory for scratch files and files on their way to a remote volume. */
  readonly tempDirectory: string;
  /** Preferred directory for scratch files, `/dev/shm` on Linux; null = only tempDirectory. */
  readonly sharedMemoryDirectory: string | null;
  /** COPY statements at once; about the number of cores. */
  readonly statementsAtOnce: number;
  /** Most bytes of message data held at once, over all tasks; bodies may hold half as much besides. Default 256 MiB. */
  readonly budgetBytes?: number;
  /** Is told how many bytes of bodies came; absent: nobody is. */
  readonly onBodyBytes?: (bytes: number) => void;
}

const DEFAULT_BUDGET_BYTES = 256 * 1024 * 1024;
/** What bodies may hold besides: a batch of 16 MB of one load, two staged and one read. More made no load faster. */
const BODIES_SHARE = 0.5;

/** Below the temporary directory, made anew at each start. */
function uploadDirectory(options: LoaderOptions): string {
  return join(options.tempDirectory, 'batches');
}

interface RunningTask {
  readonly task: LoadTask;
  readonly cluster: KafkaCluster;
}

export class Loader {
  readonly #options: LoaderOptions;
  readonly #drops = new DropRegistry();
  readonly #scratch: ScratchSpace;
  readonly #connections: ConnectionPool;
  readonly #budget: ByteBudget;
  readonly #bodies: BodyBatchMemory;
  readonly #memory: BatchMemory = { columns: new ColumnPages(), bytes: new BytePages() };
  readonly #tasks = new Map<string, RunningTask>();
  readonly #turn = new Mutex();
  #closed = false;

  private constructor(options: LoaderOptions) {
    this.#options = options;
    const { sharedMemoryDirectory } = options;
    const own = uploadDirectory(options);
    const directories = sharedMemoryDirectory === null ? [own] : [sharedMemoryDirectory, own];
    this.#scratch = new ScratchSpace(directories, options.random);
    this.#connections = new ConnectionPool(options.engine, options.statementsAtOnce);
    const budgetBytes = options.budgetBytes ?? DEFAULT_BUDGET_BYTES;
    this.#budget = new ByteBudget(budgetBytes);
    this.#bodies = { memory: new BodyMemory(budgetBytes * BODIES_SHARE), pages: new BodyPages() };
  }

  /** Prepares the engine. One loader per engine. */
  static async open(options: LoaderOptions): Promise<Loader> {
    // What a killed process was writing; scratch files with a name too.
    await rm(uploadDirectory(options), { recursive: true, force: true });
    await mkdir(uploadDirectory(options), { recursive: true, mode: 0o700 });
    const loader = new Loader(options);
    await options.engine.withConnection(async (connection) => {
      loader.#drops.install(connection, { drop: DROP_FUNCTION, rows: ROWS_FUNCTION });
      // Scratch files are written anew under the same path.
      await connection.run('SET enable_external_file_cache=false');
    });
    return loader;
  }

  /** Message bytes held now, for metrics. */
  get heldBytes(): number {
    return this.#budget.usedBytes;
  }

  /**
   * Starts a task; resolves when it runs. Repeating it for a task that runs changes nothing. Throws
   * what makes the plan impossible (LOAD_JSONPATH, NOT_SUPPORTED, unknown Kafka properties).
   */
  async startTask(assignment: TaskAssignment): Promise<void> {
    await this.#turn.run(() => this.#start(assignment));
  }

  async #start(assignment: TaskAssignment): Promise<void> {
    if (this.#closed) throw fail('CANCELLED');
    const { taskId, plan } = assignment;
    if (this.#tasks.has(taskId)) return;
    const { clock, log, port, openCluster } = this.#options;
    const troubles: TroubleSlot = { listener: null, notice: null };
    const onNotice = (text: string): void => troubles.notice?.(text);
    const onTrouble = (trouble: SourceTrouble | null): void => troubles.listener?.(trouble);
    const deadLetters = this.#openDeadLetters(plan, onTrouble);
    const stager = await this.#openStager(plan, {
      onTrouble,
      onNotice,
      ...(deadLetters === null ? {} : { deadLetters }),
    });
    const cluster = await openCluster(plan.source.connection);
    const source = openSource(plan, { cluster, clock, memory: this.#memory, onTrouble });
    const task = new LoadTask(assignment, {
      clock,
      log,
      port,
      source,
      stager,
      connections: this.#connections,
      budget: this.#budget,
    });
    troubles.listener = (trouble) => task.setTrouble(trouble);
    troubles.notice = (text) => task.notice(text);
    this.#tasks.set(taskId, { task, cluster });
    void task.ended.then(async () => {
      this.#tasks.delete(taskId);
      deadLetters?.close();
      await cluster
        .close()
        .catch((error: unknown) => log.warn('kafka client did not close', { error }));
    });
  }

  #openDeadLetters(
    { deadLetterTopic: topic, source, target, jobName }: KafkaLoadPlan,
    onTrouble: DeadLettersOptions['onTrouble'],
  ): DeadLetters | null {
    const { clock, random } = this.#options;
    if (topic === undefined) return null;
    const { connection } = source;
    return new DeadLetters({
      producer: new BatchProducer({ connection, clock, random }),
      topic,
      job: `${target.databaseName}.${jobName}`,
      clock,
      onTrouble,
    });
  }

  async #openStager(
    plan: LoadPlan,
    listeners: Pick<StageServices, 'onTrouble' | 'onNotice' | 'deadLetters'>,
  ): Promise<Stager> {
    const { clock, random, port, openStore } = this.#options;
    return new Stager(plan, {
      clock,
      random,
      scratch: this.#scratch,
      drops: this.#drops,
      tempDirectory: uploadDirectory(this.#options),
      reserveIds: async (tableId, count) => (await port.reserveIds({ tableId, count })).first,
      targetStore: await openStore(plan.target.volume),
      furtherStores: await Promise.all(
        (plan.routes?.further ?? []).map(({ target }) => openStore(target.volume)),
      ),
      rejectedStore: await openStore(plan.rejected.volume),
      ...listeners,
    });
  }

  /** Stages the next rejected rows of a job in a transaction of the FE's. Throws as runReplay does. */
  async replay(
    plan: ReplayPlan,
    begun: Pick<BegunTransaction, 'transactionId' | 'label'>,
    signal: AbortSignal,
  ): Promise<StagedReplay> {
    const { clock, random, log, openStore } = this.#options;
    const tempDirectory = uploadDirectory(this.#options);
    const resolve = fetchedFiles({ openStore, random, tempDirectory });
    const job = plan.load.jobName;
    const services: ReplayServices = {
      openStager: (load) =>
        this.#openStager(load, {
          onTrouble: (trouble) => {
            if (trouble !== null) log.warn('replay waits', { job, reason: trouble.message });
          },
          onNotice: (text) => log.info('replay passes something over', { job, text }),
        }),
      openStore,
      reader: { resolve, deletes: new DeleteBitmaps(resolve, 0) },
      scratch: this.#scratch,
      clock,
      random,
      tempDirectory,
    };
    return await this.#connections.use((connection) =>
      runReplay(plan, begun, services, connection, signal),
    );
  }

  /** Stages the rows of a body in a transaction of the FE's. Throws as runBodyLoad does. */
  async loadBody(
    plan: BodyLoadPlan,
    begun: Pick<BegunTransaction, 'transactionId' | 'label'>,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StagedLoad> {
    const { clock, log, random } = this.#options;
    const { label } = begun;
    const services: BodyServices = {
      clock,
      memory: this.#bodies,
      connections: this.#connections,
      scratch: this.#scratch,
      spoolDirectory: uploadDirectory(this.#options),
      random,
      onBytes: this.#options.onBodyBytes ?? (() => undefined),
      openStager: (load) =>
        this.#openStager(load, {
          onTrouble: (trouble) => {
            if (trouble !== null) log.warn('load waits', { label, reason: trouble.message });
          },
          onNotice: (text) => log.info('load passes something over', { label, text }),
        }),
    };
    return await runBodyLoad(plan, begun, body, services, signal);
  }

  /**
   * Stages what is kept of a filtered load's rejected rows in a transaction of their own; null where none are. Throws
   * engine and storage errors. Close them afterwards.
   */
  async stageKeptRejects(
    { rejected: target }: Pick<BodyLoadPlan, 'rejected'>,
    { rejected }: Pick<FilteredLoad, 'rejected'>,
    { transactionId }: Pick<BegunTransaction, 'transactionId'>,
    signal: AbortSignal,
  ): Promise<StagedTable | null> {
    const { random, openStore } = this.#options;
    const to = { target, schema: REJECTED_RECORDS_SCHEMA, store: await openStore(target.volume) };
    const services = { random, tempDirectory: uploadDirectory(this.#options) };
    return await this.#connections.use((connection) =>
      rejected.stage(to, transactionId, services, connection, { signal }),
    );
  }

  /** Counts what a range of a partition holds now. Throws as runRecount does. */
  async recount(plan: RecountPlan, signal: AbortSignal): Promise<Recount> {
    const { clock, openCluster } = this.#options;
    const { load, topic, partition, fromOffset } = plan;
    const { connection, isolation } = load.source;
    const quiet = { onTrouble: () => undefined, onNotice: () => undefined };
    const stager = await this.#openStager(load, quiet);
    const cluster = await openCluster(connection);
    const source = new KafkaSource({
      cluster,
      clock,
      memory: this.#memory,
      tuning: fetchTuning(parseKafkaProperties(connection.properties)),
      spec: { topic, isolation, partitions: [{ partition, offset: fromOffset }] },
      onTrouble: quiet.onTrouble,
    });
    try {
      return await runRecount(plan, { source, stager, clock }, signal);
    } finally {
      await source.close();
      await cluster.close();
    }
  }

  /** Ends a task; an unknown one has ended already. */
  async stopTask(taskId: string, drain: boolean): Promise<void> {
    // A start of the same task that is under way comes first.
    const running = await this.#turn.run(async () => this.#tasks.get(taskId));
    await running?.task.stop(drain);
  }

  tasks(): readonly TaskStatus[] {
    return [...this.#tasks.values()].map(({ task }) => task.status());
  }

  /** Ends all tasks and gives the connections back; the engine stays open. */
  async close(drain: boolean): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#tasks.keys()].map((taskId) => this.stopTask(taskId, drain)));
    await this.#connections.close();
    this.#scratch.close();
  }
}

/** One source per topic, together one. */
function openSource(
  { source }: KafkaLoadPlan,
  shared: Pick<KafkaSourceOptions, 'cluster' | 'clock' | 'memory' | 'onTrouble'>,
): Source {
  const { connection, others = [], ...first } = source;
  const common = {
    ...shared,
    tuning: fetchTuning(parseKafkaProperties(connection.properties)),
  };
  if (others.length === 0) {
    return new KafkaSource({ ...common, spec: first });
  }
  return new TopicsSource(
    [first, ...others].map(
      (part) => (onTrouble) =>
        new KafkaSource({ ...common, onTrouble, spec: { isolation: source.isolation, ...part } }),
    ),
    shared.onTrouble,
  );
}

interface TroubleSlot {
  listener: ((trouble: SourceTrouble | null) => void) | null;
  notice: ((text: string) => void) | null;
}
