// Histories on the real thing: a server in processes of its own, a broker beside it that outlives it, everything over the
// wire; processes are killed with kill -9.
import { rmSync } from 'node:fs';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/kafka/broker/broker.ts';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { startTestBroker } from './embedded-broker.ts';
import { childrenOf } from './process-tree.ts';
import { newDataDir, startServer, type TestServer } from './start-server.ts';
import type { Theatre, Waiting } from './theatre.ts';

const WAIT_MS = 30_000;

export class RealTheatre implements Theatre {
  readonly kafka: string;
  readonly #dataDir = newDataDir();
  readonly #brokerDir: string;
  readonly #broker: Broker;
  readonly #admin: KafkaAdmin;
  #server: TestServer | null = null;

  private constructor(broker: Broker, brokerDir: string, admin: KafkaAdmin) {
    this.#broker = broker;
    this.#brokerDir = brokerDir;
    this.#admin = admin;
    this.kafka = `127.0.0.1:${broker.port}`;
  }

  static async open(): Promise<RealTheatre> {
    const brokerDir = newDataDir();
    const broker = await startTestBroker(brokerDir);
    const admin = await openKafkaAdmin({
      connection: { brokers: [`127.0.0.1:${broker.port}`], properties: {} },
      clientId: 'theatre',
    });
    const made = new RealTheatre(broker, brokerDir, admin);
    await made.#start();
    return made;
  }

  async #start(): Promise<void> {
    this.#server = await startServer({ dataDir: this.#dataDir, broker: 'off' });
  }

  get #now(): TestServer {
    if (this.#server === null) throw new Error('the theatre is closed');
    return this.#server;
  }

  get logged(): readonly string[] {
    return this.#now.logTail.split('\n');
  }

  connect(): Promise<Connection> {
    return this.#now.connect();
  }

  lose(): void {
    throw new Error('nothing is lost between real processes');
  }

  slow(): void {
    throw new Error('nothing is made slow between real processes');
  }

  calm(): void {}

  async crash(): Promise<void> {
    await this.#now.kill();
    await this.#start();
  }

  killLoader(): Promise<void> {
    return this.#kill('loader');
  }

  killQuery(): Promise<void> {
    return this.#kill('query');
  }

  /** Returns when another one answers. */
  async #kill(role: 'loader' | 'query'): Promise<void> {
    const find = (): number | undefined =>
      childrenOf(this.#dataDir).find(
        (child) => child.role === role && child.parent === this.#now.ready.pid,
      )?.pid;
    const pid = find();
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    const untilMs = systemClock.monotonicMs() + WAIT_MS;
    for (;;) {
      const health = await fetch(`http://127.0.0.1:${this.#now.ready.httpPort}/api/health`);
      if (health.ok && find() !== pid) return;
      if (systemClock.monotonicMs() > untilMs) throw new Error(`no ${role} after ${WAIT_MS} ms`);
      await systemClock.sleep(20);
    }
  }

  async makeTopic(topic: string): Promise<void> {
    await this.#admin.createTopic(topic, 1);
  }

  async produce(topic: string, messages: readonly string[]): Promise<void> {
    await this.#admin.send(
      messages.map((message) => ({ topic, partition: 0, value: Buffer.from(message) })),
    );
  }

  async waiting(database: string, job: string, topic: string): Promise<Waiting | null> {
    const end = await this.#admin.endOffset(topic, 0);
    const { rows } = await this.#now.sql(
      `SELECT (SELECT max(TO_OFFSET) FROM information_schema.routine_load_ledger WHERE DB_NAME = '${database}' AND JOB_NAME = '${job}'), STATE, REASONS_OF_STATE_CHANGED FROM information_schema.routine_load_jobs WHERE DB_NAME = '${database}' AND NAME = '${job}'`,
    );
    const [reached = null, state = 'gone', reason = ''] = rows[0] ?? [];
    if (BigInt(reached ?? 0) >= end) return null;
    return {
      isRunning: state === 'RUNNING' || state === 'NEED_SCHEDULE',
      what: `the load is ${state} at ${reached} of ${end}: ${reason}`,
    };
  }

  async head(database: string, table: string): Promise<number> {
    return Number(await this.#now.value(`SHOW SNAPSHOTS FROM ${database}.${table} LIMIT 1`));
  }

  /** Which files is the server's business. */
  async compact(database: string, table: string): Promise<void> {
    await this.#now.sql(`ALTER TABLE ${database}.${table} COMPACT`);
  }

  async passDays(): Promise<boolean> {
    return false;
  }

  /** What CHECK TABLE said is all there; the sweep would find what is left. */
  async wrongObjects(database: string, table: string): Promise<readonly string[]> {
    const { rows } = await this.#now.sql('ADMIN SWEEP DRY RUN');
    return rows.flatMap(([, , key]) =>
      key?.startsWith(`${database}/${table}-`) === true ? [`${key} is left`] : [],
    );
  }

  async forget(): Promise<void> {}

  async close(): Promise<void> {
    await this.#now.kill();
    await this.#admin.close();
    await this.#broker.close();
    rmSync(this.#dataDir, { recursive: true, force: true, maxRetries: 5 });
    rmSync(this.#brokerDir, { recursive: true, force: true });
  }
}
