// A server that clients load into while its processes are killed: all of them at once, its front end (the main process,
// whose children end with it), or its loader, which the front end starts again. It comes back on the same ports and
// data directory.
import { rmSync } from 'node:fs';
import type { LoadTarget } from '../peers/stream-load.ts';
import { childrenOf } from './process-tree.ts';
import { newDataDir, startServer, type TestServer } from './start-server.ts';

export interface Strike {
  /** What dies, as a test's name says it. */
  readonly what: string;
  /** All processes at once, or the loader, in the middle of loads; or the process that comes to this point. */
  readonly at: 'everything' | 'loader' | `${'fe' | 'loader'}:${string}=kill@${number}`;
}

const ANY_TIME: readonly Strike[] = [
  { what: 'all processes at once', at: 'everything' },
  { what: 'the loader, at any time', at: 'loader' },
];
const STAGED: Strike = { what: 'the loader, with a staged load', at: 'loader:body.staged=kill@3' };

/** In the middle of plain Stream Loads. */
export const LOAD_STRIKES: readonly Strike[] = [
  ...ANY_TIME,
  STAGED,
  { what: 'the front end, before a commit', at: 'fe:stream-load.before-commit=kill@3' },
  {
    what: 'the front end, between a commit and its answer',
    at: 'fe:stream-load.committed=kill@3',
  },
];

/** In the middle of transactions of loads, as the connectors make them where they may. */
export const TRANSACTION_STRIKES: readonly Strike[] = [
  ...ANY_TIME,
  STAGED,
  { what: 'the front end, after a load', at: 'fe:transaction.after-load=kill@3' },
  { what: 'the front end, after a prepare', at: 'fe:transaction.after-prepare=kill@3' },
  { what: 'the front end, before a commit', at: 'fe:transaction.before-commit=kill@3' },
  { what: 'the front end, between a commit and its answer', at: 'fe:insert.after-sql=kill@3' },
];

const USER = 'loader';
const PASSWORD = 'pass word';
/** A JVM starts in some seconds. */
const FIRED_MS = 180_000;

export class StruckServer {
  readonly #dataDir: string;
  readonly #strike: Strike;
  #server: TestServer;

  private constructor(dataDir: string, strike: Strike, server: TestServer) {
    this.#dataDir = dataDir;
    this.#strike = strike;
    this.#server = server;
  }

  /** With a database `d`, and a user who may load into its tables. Ends with the test. */
  static async open(
    test: { after(work: () => Promise<void>): void },
    strike: Strike,
  ): Promise<StruckServer> {
    const dataDir = newDataDir();
    const { at } = strike;
    const failpoints = at.includes('=') ? at : '';
    const server = await startServer({ dataDir, broker: 'off', failpoints });
    const struck = new StruckServer(dataDir, strike, server);
    test.after(() => struck.#stop());
    await server.sql(`CREATE USER ${USER} IDENTIFIED BY '${PASSWORD}'`);
    await server.sql('CREATE DATABASE d');
    return struck;
  }

  /** The one that runs now. */
  get server(): TestServer {
    return this.#server;
  }

  /** Where clients load: it stays the same. */
  get target(): LoadTarget {
    const { httpPort, queryPort } = this.#server.ready;
    return {
      http: `127.0.0.1:${httpPort}`,
      query: `127.0.0.1:${queryPort}`,
      user: USER,
      password: PASSWORD,
      database: 'd',
    };
  }

  async makeTable(name: string, columns: string, keys: 'DUPLICATE' | 'PRIMARY'): Promise<void> {
    await this.#server.sql(`CREATE TABLE d.${name} (${columns}) ${keys} KEY(id)`);
    await this.#server.sql(`GRANT SELECT, INSERT ON TABLE d.${name} TO USER ${USER}`);
  }

  /** Waits until loads into the tables go on, has the strike happen, and brings back what does not come by itself. */
  async strike(tables: readonly string[]): Promise<void> {
    switch (this.#strike.at) {
      case 'everything':
        await this.#haveBegun(tables);
        for (const { pid } of childrenOf(this.#dataDir)) process.kill(pid, 'SIGKILL');
        await this.#server.kill();
        return this.#comeBack();
      case 'loader': {
        await this.#haveBegun(tables);
        const loader = childrenOf(this.#dataDir).find(({ role }) => role === 'loader');
        if (loader === undefined) throw new Error('there is no loader');
        process.kill(loader.pid, 'SIGKILL');
        return;
      }
      default:
        await this.#fired();
        if (this.#strike.at.startsWith('loader:')) return;
        await this.#server.exited;
        return this.#comeBack();
    }
  }

  /** Rows, ids, and rows that are as they were sent: `name` is `n` with the id. */
  async counts(table: string): Promise<readonly number[]> {
    const { rows } = await this.#server.sql(
      `SELECT count(*), count(DISTINCT id), count_if(name = concat('n', id)) FROM d.${table}`,
    );
    return (rows[0] ?? []).map(Number);
  }

  /** A point that nobody comes to is a test of nothing: it ends the test in time. */
  async #fired(): Promise<void> {
    const late = setTimeout(() => this.#server.child.kill('SIGTERM'), FIRED_MS);
    const ended = this.#server.exited.then(() => undefined);
    await Promise.race([this.#server.logged('fired'), ended]);
    clearTimeout(late);
    if (!this.#server.hasLogged('fired')) throw new Error(`nothing came to ${this.#strike.at}`);
  }

  async #haveBegun(tables: readonly string[]): Promise<void> {
    for (const table of tables) {
      const count = `SELECT count(*) FROM d.${table}`;
      await this.#server.until(count, (value) => Number(value) >= 100, 120_000);
    }
  }

  async #comeBack(): Promise<void> {
    const { queryPort, httpPort, cnHttpPort } = this.#server.ready;
    const ports = {
      '--query-port': queryPort,
      '--http-port': httpPort,
      '--cn-http-port': cnHttpPort,
    };
    this.#server = await startServer({
      dataDir: this.#dataDir,
      broker: 'off',
      args: Object.entries(ports).flatMap(([name, port]) => [name, String(port)]),
    });
  }

  async #stop(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}
