// The rows of all batches of a load for a table with keys, in the order of the body: of each key the last one counts,
// and only the whole load knows which that is. They are kept in a temporary table, which spills to disk. One
// connection for as long as the load lasts; its statements take turns with those of others.
import { assert } from '../base/assert.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import type { StagedTable } from '../model/load-plan.ts';
import type { SinkServices } from './sink/append.ts';
import { KEYED_ROWS, type KeyedTarget, stageKeyed } from './sink/keyed.ts';

export class GatheredRows {
  readonly #connection: Connection;
  /** Rows in the table. */
  #rows = 0;
  /** What the ordinals of the next batch begin with. */
  #nextOrdinal = 0;
  #isMade = false;

  /** Closes the connection in the end. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /**
   * Adds what `rowsSql` gives, as for appendKeyed, behind what there is. `ordinals`: more than the greatest of its
   * ordinals, known when the rows were made. `check` sees how many there are.
   */
  async add(
    rowsSql: string,
    ordinals: () => number,
    check: (rowCount: number) => void,
    options: StatementOptions,
  ): Promise<void> {
    const rows = `SELECT * REPLACE (__ordinal + ${this.#nextOrdinal} AS __ordinal) FROM (${rowsSql})`;
    const make = this.#isMade
      ? `INSERT INTO ${KEYED_ROWS} ${rows}`
      : `CREATE TEMP TABLE ${KEYED_ROWS} AS ${rows}`;
    await this.#connection.run(make, options);
    this.#isMade = true;
    const [counted] = await this.#connection.rows(`SELECT count(*) FROM ${KEYED_ROWS}`, options);
    const count = Number(counted?.[0] ?? 0);
    check(count - this.#rows);
    this.#rows = count;
    this.#nextOrdinal += ordinals();
  }

  /** Stages all of them; null when there are none. */
  async stage(
    to: KeyedTarget,
    transactionId: TransactionId,
    services: SinkServices,
    options: StatementOptions,
  ): Promise<StagedTable | null> {
    if (this.#rows === 0) return null;
    const check = (rowCount: number): void =>
      assert(rowCount === this.#rows, `${this.#rows} gathered rows are ${rowCount}`);
    const staged = await stageKeyed(to, transactionId, services, this.#connection, check, options);
    return staged.table;
  }

  /** Nothing is left of the rows. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
