// What the fault tests share: a broker that outlives everything, a data directory, servers that are killed
// and started again on it, a job that loads meanwhile, and the exactly-once check at the end.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/kafka/broker/broker.ts';
import type { BrokerConfig } from '../../src/kafka/broker/config.ts';
import { type CheckTarget, check, printVerdict } from './checker.ts';
import { startTestBroker } from './embedded-broker.ts';
import { childrenOf } from './process-tree.ts';
import {
  newDataDir,
  type StartServerOptions,
  startServer,
  type TestServer,
} from './start-server.ts';
import { EVENT_TABLE, TopicWriter, type TopicWriterOptions } from './topic-writer.ts';

/** Short times, so that what happens in minutes happens here in seconds. */
const CONF: Readonly<Record<string, number>> = {
  rpc_timeout_millisecond: 1500,
  routine_load_freshness_millisecond: 100,
  routine_load_scheduler_interval_millisecond: 1000,
};

export interface RigOptions {
  /** fe.conf keys beside the short times. */
  readonly conf?: Readonly<Record<string, number | string>>;
  readonly broker?: Partial<BrokerConfig>;
}

export class FaultRig {
  readonly dataDir = newDataDir();
  readonly #broker: Broker;
  readonly #brokerDir: string;
  readonly #conf: string;
  #server: TestServer | null = null;
  #failpoints = '';
  readonly #writers: TopicWriter[] = [];
  readonly #targets: { readonly name: string; readonly writer: TopicWriter }[] = [];

  private constructor(broker: Broker, brokerDir: string, options: RigOptions) {
    this.#broker = broker;
    this.#brokerDir = brokerDir;
    this.#conf = join(this.dataDir, 'fe.conf');
    const lines = Object.entries({ ...CONF, ...options.conf }).map(
      ([key, value]) => `${key} = ${value}\n`,
    );
    writeFileSync(this.#conf, lines.join(''));
  }

  /** Ends with the test, whatever happens. */
  static async open(
    test: { after(work: () => Promise<void>): void },
    options: RigOptions = {},
  ): Promise<FaultRig> {
    const brokerDir = newDataDir();
    const broker = await startTestBroker(brokerDir, options.broker);
    const rig = new FaultRig(broker, brokerDir, options);
    test.after(() => rig.#end());
    return rig;
  }

  get brokerDir(): string {
    return this.#brokerDir;
  }

  get brokerPort(): number {
    return this.#broker.port;
  }

  get server(): TestServer {
    assert.ok(this.#server !== null, 'a server runs');
    return this.#server;
  }

  /** Starts a server on the data directory; without its own broker unless `options` say so. */
  async start(options: Partial<StartServerOptions> = {}): Promise<TestServer> {
    this.#failpoints = options.failpoints ?? '';
    this.#server = await startServer({
      dataDir: this.dataDir,
      broker: 'off',
      conf: [this.#conf],
      ...options,
    });
    return this.#server;
  }

  /** A topic with a writer; they are part of what `assertExact` looks at once `load` named them. */
  async writer(
    topic: string,
    partitions: number,
    options: Partial<TopicWriterOptions> = {},
  ): Promise<TopicWriter> {
    const writer = await TopicWriter.open({
      port: this.#broker.port,
      topic,
      partitions,
      create: {},
      compression: 'lz4',
      ...options,
    });
    this.#writers.push(writer);
    return writer;
  }

  /** Table `d.<name>` and job `d.<name>` from the beginning of the writer's topic (of the same name unless `from` says otherwise; a PRIMARY KEY table where it says `keyed`, PARTITION BY as it says). */
  async load(
    writer: TopicWriter,
    name: string,
    from: {
      readonly bootstrap?: string;
      readonly topic?: string;
      readonly keyed?: boolean;
      readonly partitionBy?: string;
    } = {},
  ): Promise<void> {
    const { server } = this;
    this.#targets.push({ name, writer });
    await this.useVolume();
    await server.sql('CREATE DATABASE IF NOT EXISTS d');
    await server.sql(
      `CREATE TABLE d.${name} (${EVENT_TABLE})${from.keyed === true ? ' PRIMARY KEY (id)' : ''} ${from.partitionBy ?? ''} DISTRIBUTED BY HASH(id)`,
    );
    await server.sql(`CREATE ROUTINE LOAD d.${name} ON ${name}
      PROPERTIES ("format" = "json", "max_error_number" = "1000000000")
      FROM KAFKA ("kafka_broker_list" = "${from.bootstrap ?? `127.0.0.1:${this.#broker.port}`}",
        "kafka_topic" = "${from.topic ?? name}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`);
  }

  /** With a conf file there is no volume but what it or a statement makes. */
  async useVolume(): Promise<void> {
    const { server } = this;
    if ((await server.sql('SHOW STORAGE VOLUMES')).rows.length === 0) {
      const location = join(this.dataDir, 'volumes', 'builtin');
      mkdirSync(location, { recursive: true });
      await server.sql(
        `CREATE STORAGE VOLUME v TYPE = LOCAL LOCATIONS = ("file://${location}") PROPERTIES ("enabled" = "true")`,
      );
      await server.sql('SET v AS DEFAULT STORAGE VOLUME');
    }
  }

  /** As `load`, of a table `d.<name>` and a job `d.<name>` that these statements make. */
  async loadBy(writer: TopicWriter, name: string, statements: readonly string[]): Promise<void> {
    this.#targets.push({ name, writer });
    for (const statement of statements) await this.server.sql(statement);
  }

  /** kill -9 of the server's main process. */
  async kill(): Promise<void> {
    await this.server.kill();
  }

  /** Starts a server and kills it `afterMs` later, wherever it is by then. */
  async startAndKill(afterMs: number, options: Partial<StartServerOptions> = {}): Promise<void> {
    let kill: Promise<unknown> = Promise.resolve();
    const onSpawn = (child: ChildProcess): void => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      systemClock.after(afterMs, () => child.kill('SIGKILL'));
      kill = ended;
    };
    const starting = this.start({ ...options, onSpawn });
    await starting.catch((error: unknown) => {
      if (!String(error).includes('SIGKILL')) throw error;
    });
    await kill;
  }

  /** kill -9 of one child; nothing where it is being started again. */
  killChildIfThere(role: 'query' | 'loader' | 'broker'): void {
    const parent = this.server.ready.pid;
    const child = childrenOf(this.dataDir).find((p) => p.role === role && p.parent === parent);
    if (child !== undefined) process.kill(child.pid, 'SIGKILL');
  }

  /** Waits until the server ended by a failpoint. */
  async untilDead(timeoutMs = 20_000): Promise<void> {
    const limit = Promise.withResolvers<null>();
    const timer = systemClock.after(timeoutMs, () => limit.resolve(null));
    const ended = await Promise.race([this.server.exited, limit.promise]);
    timer.cancel();
    assert.ok(
      ended !== null,
      `the failpoint was not met in ${timeoutMs} ms\n${this.server.logTail}`,
    );
    assert.equal(ended.signal, 'SIGKILL', `ended by itself: ${ended.code}\n${this.server.logTail}`);
    this.server.child.stderr?.destroy();
  }

  /** Waits until everything that the last start armed was met: else the test would prove nothing. */
  async untilFired(timeoutMs = 20_000): Promise<void> {
    for (const [, name] of this.#failpoints.matchAll(/([\w.:-]+)=(?:kill|error|lose)/g))
      await this.untilLogged(
        `failpoint ${name?.replace(/^(fe|loader|query|broker):/, '')} fired`,
        timeoutMs,
      );
  }

  /** Waits until the log has a line with the text. */
  async untilLogged(text: string, timeoutMs = 20_000): Promise<void> {
    const untilMs = systemClock.monotonicMs() + timeoutMs;
    while (!this.server.hasLogged(text)) {
      assert.ok(systemClock.monotonicMs() < untilMs, `no '${text}' in\n${this.server.logTail}`);
      await systemClock.sleep(20);
    }
  }

  /** Waits until all that was produced is there; errors meanwhile are part of the game. */
  async untilLoaded(timeoutMs = 30_000): Promise<void> {
    for (const { name, writer } of this.#targets) {
      const untilMs = systemClock.monotonicMs() + timeoutMs;
      let seen = '';
      const wanted = writer.manifest.messages;
      for (;;) {
        try {
          const { rows } = await this.server.sql(
            `SELECT sum(MESSAGES_CONSUMED + SKIPPED_ABORTED + SKIPPED_EMPTY) FROM information_schema.routine_load_ledger WHERE JOB_NAME = '${name}'`,
          );
          seen = String(rows[0]?.[0]);
          if (Number(seen) >= wanted) break;
        } catch (error) {
          seen = error instanceof Error ? error.message : String(error);
        }
        if (systemClock.monotonicMs() > untilMs)
          assert.fail(
            `${name}: ${seen} of ${wanted} after ${timeoutMs} ms\n${await this.#jobState(name)}\n${this.server.logTail}`,
          );
        await systemClock.sleep(50);
      }
    }
  }

  /** A metric of the server, by its name and labels as /metrics prints them; 0 when it has none. */
  async metric(name: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.server.ready.httpPort}/metrics`);
    const line = (await answer.text()).split('\n').find((text) => text.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  /** Waits until a metric is as wanted. */
  async untilMetric(
    name: string,
    wanted: (value: number) => boolean,
    timeoutMs = 30_000,
  ): Promise<void> {
    const untilMs = systemClock.monotonicMs() + timeoutMs;
    for (;;) {
      const value = await this.metric(name);
      if (wanted(value)) return;
      assert.ok(
        systemClock.monotonicMs() < untilMs,
        `${name} is ${value} after ${timeoutMs} ms\n${this.server.logTail}`,
      );
      await systemClock.sleep(100);
    }
  }

  async #jobState(name: string): Promise<string> {
    try {
      const { columns, rows } = await this.server.sql(`SHOW ALL ROUTINE LOAD FOR d.${name}`);
      return columns.map((column, index) => `${column}: ${rows[0]?.[index]}`).join('\n');
    } catch (error) {
      return String(error);
    }
  }

  /** Everything that was produced is loaded, once; the jobs run without help. */
  async assertExact(timeoutMs = 30_000): Promise<void> {
    await this.untilLoaded(timeoutMs);
    for (const { name, writer } of this.#targets) {
      await writer.noteEnds();
      const expected = writer.manifest.build();
      // Markers at the end of a partition give no rows: they come with a commit of their own.
      await this.untilAt(name, expected.endOffsets ?? {});
      const target: CheckTarget = { table: `d.${name}`, job: `d.${name}`, expected };
      const verdict = await check(async (text) => (await this.server.sql(text)).rows, target);
      assert.ok(verdict.ok, `${printVerdict(verdict, target)}\n${this.server.logTail}`);
      const { rows } = await this.server.sql(
        `SELECT STATE FROM information_schema.routine_load_jobs WHERE NAME = '${name}'`,
      );
      assert.equal(rows[0]?.[0], 'RUNNING', await this.#jobState(name));
    }
  }

  /** Waits until a job's ledger reaches the offsets; errors meanwhile are part of the game. */
  async untilAt(
    name: string,
    ends: Readonly<Record<string, string>>,
    timeoutMs = 20_000,
  ): Promise<void> {
    const sql = `SELECT PARTITION_ID, max(TO_OFFSET) FROM information_schema.routine_load_ledger WHERE JOB_NAME = '${name}' GROUP BY PARTITION_ID`;
    const untilMs = systemClock.monotonicMs() + timeoutMs;
    for (;;) {
      const rows = await this.server.sql(sql).then(
        (answer) => answer.rows,
        () => [],
      );
      const reached = new Map(rows.map((row) => [row[0], row[1]]));
      if (Object.entries(ends).every(([partition, end]) => reached.get(partition) === end)) return;
      if (systemClock.monotonicMs() > untilMs)
        assert.fail(
          `${name} is at ${JSON.stringify([...reached])}, must reach ${JSON.stringify(ends)}\n${await this.#jobState(name)}\n${this.server.logTail}`,
        );
      await systemClock.sleep(50);
    }
  }

  async #end(): Promise<void> {
    for (const writer of this.#writers) writer.close();
    const server = this.#server;
    if (server !== null) await server.kill();
    await this.#broker.close();
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
    rmSync(this.#brokerDir, { recursive: true, force: true });
  }
}

/** The seed of this run: MILLRACE_SEED, else of the moment; printed so that a failure can be repeated. */
export function faultSeed(): number {
  const seed = Number(process.env['MILLRACE_SEED'] ?? systemClock.nowMs() % 1_000_000_007);
  console.log(`seed ${seed} (MILLRACE_SEED repeats it)`);
  return seed;
}
