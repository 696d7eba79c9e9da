// The embedded broker: a Kafka-protocol server of one node for trying out and for tests, with its
// logs on disk. Not a cluster, not a replacement for a real one.
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import type { Clock, Timer } from '../../base/clock.ts';
import { fail, toAppError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { ByteBudget } from './byte-budget.ts';
import { compactTopics } from './compaction.ts';
import { type BrokerConfig, DEFAULT_BROKER_CONFIG } from './config.ts';
import { serveConnection } from './connection.ts';
import { readTextIfThere, writeFileAtomically } from './disk.ts';
import { GroupOffsets } from './groups/group-offsets.ts';
import { GroupStore } from './groups/group-store.ts';
import { KeyedJournal } from './keyed-journal.ts';
import { Router } from './router.ts';
import type { BrokerServices } from './services.ts';
import { TopicStore } from './topic-store.ts';
import { Transactions } from './transactions.ts';

export interface BrokerOptions {
  /** Directory of this broker alone; made when missing. The caller holds its lock. */
  readonly dataDir: string;
  /** Address to listen on, such as '127.0.0.1'. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What differs from DEFAULT_BROKER_CONFIG. */
  readonly config?: Partial<BrokerConfig>;
}

export interface Broker {
  /** The port it listens on. */
  readonly port: number;
  /** Kafka's cluster id: stays the same for the life of the data directory. */
  readonly clusterId: string;
  /** Cuts all connections, fsyncs everything, and frees the port. */
  close(): Promise<void>;
}

/**
 * Opens the data directory, recovering what a crash left, and listens.
 * @throws PORT_IN_USE, DISK_FULL
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const config: BrokerConfig = { ...DEFAULT_BROKER_CONFIG, ...options.config };
  const { clock, log } = options;
  fs.mkdirSync(options.dataDir, { recursive: true });
  const journal = new KeyedJournal(path.join(options.dataDir, 'journal'));
  const topics = new TopicStore({
    directory: path.join(options.dataDir, 'topics'),
    config,
    clock,
    random: options.random,
    log,
  });
  const offsets = new GroupOffsets(journal);
  const services: BrokerServices = {
    config,
    clock,
    log,
    clusterId: clusterIdOf(options),
    topics,
    groups: new GroupStore({ config, clock, random: options.random, offsets }),
    transactions: new Transactions({ config, clock, journal, topics, offsets }),
    responseBudget: new ByteBudget(config.responseBudgetBytes),
  };
  const server = new Server(services, journal);
  try {
    await server.listen(options.host, options.port);
  } catch (thrown) {
    await server.close();
    throw thrown;
  }
  log.info('embedded kafka broker ready', {
    host: options.host,
    port: server.port,
    topics: topics.size,
  });
  return {
    port: server.port,
    clusterId: services.clusterId,
    close: () => server.close(),
  };
}

function clusterIdOf(options: BrokerOptions): string {
  const file = path.join(options.dataDir, 'cluster-id');
  const known = readTextIfThere(file);
  if (known !== null) return known;
  const made = options.random.bytes(16).toString('base64url');
  writeFileAtomically(file, made, true);
  return made;
}

class Server {
  readonly #services: BrokerServices;
  readonly #journal: KeyedJournal;
  readonly #server: net.Server;
  readonly #closing = new AbortController();
  readonly #connections = new Map<net.Socket, Promise<void>>();
  readonly #timers: Timer[] = [];
  #background: Promise<void> = Promise.resolve();
  #closed: Promise<void> | null = null;
  #advertisedHost = '';

  constructor(services: BrokerServices, journal: KeyedJournal) {
    this.#services = services;
    this.#journal = journal;
    const router = new Router(services);
    const requestBudget = new ByteBudget(services.config.requestBudgetBytes);
    this.#server = net.createServer((socket) => {
      const serving = serveConnection(socket, {
        services,
        router,
        requestBudget,
        advertisedHost: this.#advertisedHost,
        advertisedPort: this.port,
        closing: this.#closing.signal,
      }).finally(() => this.#connections.delete(socket));
      this.#connections.set(socket, serving);
    });
    this.#server.maxConnections = services.config.maxConnections;
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  async listen(host: string, port: number): Promise<void> {
    const { config, clock } = this.#services;
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const inUse = error.code === 'EADDRINUSE';
        const what = 'Kafka broker';
        reject(inUse ? fail('PORT_IN_USE', { what, port, option: '--broker-port' }, error) : error);
      };
      this.#server.once('error', onError);
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError);
        this.#server.on('error', (error) => this.#report('kafka listener failed', error));
        resolve();
      });
    });
    const anyAddress = host === '0.0.0.0' || host === '::' || host === '';
    this.#advertisedHost = config.advertisedHost || (anyAddress ? '' : host);
    this.#timers.push(
      clock.every(config.flushIntervalMs, () => this.#inBackground(() => this.#flush())),
    );
    this.#timers.push(
      clock.every(config.maintenanceIntervalMs, () => this.#inBackground(() => this.#maintain())),
    );
  }

  /** Background work runs one piece at a time, and close() waits for it. */
  #inBackground(work: () => Promise<void>): void {
    if (this.#closing.signal.aborted) return;
    this.#background = this.#background
      .then(work)
      .catch((thrown: unknown) => this.#report('kafka background work failed', thrown));
  }

  #report(message: string, thrown: unknown): void {
    const error = toAppError(thrown);
    this.#services.log.error(message, { code: error.code, error: error.fullMessage });
  }

  async #flush(): Promise<void> {
    await this.#services.topics.flush();
    await this.#journal.flush();
  }

  async #maintain(): Promise<void> {
    const { topics, groups, transactions, clock } = this.#services;
    const nowMs = clock.nowMs();
    transactions.maintain(nowMs);
    groups.maintain(nowMs);
    for (const topic of topics.all()) for (const log of topic.partitions) log.maintain(nowMs);
    await compactTopics(this.#services, this.#closing.signal);
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeNow();
    return this.#closed;
  }

  async #closeNow(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#closing.abort();
    this.#services.groups.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    if (this.#server.listening)
      await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all(this.#connections.values());
    await this.#background;
    try {
      await this.#services.topics.close();
    } finally {
      await this.#journal.close();
    }
  }
}
