// A few engine connections shared by all tasks: as many statements run at once as there are
// connections, the rest wait in order. Closing waits for what runs.
import { fail } from '../base/errors.ts';
import { Semaphore } from '../base/queue.ts';
import type { Connection, Engine } from '../engine/duckdb.ts';

export class ConnectionPool {
  readonly #engine: Engine;
  readonly #slots: Semaphore;
  readonly #free: Connection[] = [];
  #closed = false;

  /** `size` statements at once. */
  constructor(engine: Engine, size: number) {
    this.#engine = engine;
    this.#slots = new Semaphore(size);
  }

  /** Runs `work` with a connection of its own. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#slots.run(async () => {
      if (this.#closed) throw fail('CANCELLED');
      const connection = this.#free.pop() ?? (await this.#engine.connect());
      try {
        return await work(connection);
      } finally {
        if (this.#closed) await connection.close();
        else this.#free.push(connection);
      }
    });
  }

  /** Runs `work` as one of as many, with a connection that it has itself. */
  turn<T>(work: () => Promise<T>): Promise<T> {
    return this.#slots.run(async () => {
      if (this.#closed) throw fail('CANCELLED');
      return await work();
    });
  }

  /** A connection of one's own, for what is kept in it between statements, which take turns. Close it. */
  connect(): Promise<Connection> {
    return this.#engine.connect();
  }

  /** Closes idle connections; those in use close when their work ends. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#free.splice(0).map((connection) => connection.close()));
  }
}
