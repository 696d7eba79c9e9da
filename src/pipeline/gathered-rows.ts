// Rows of many batches of a load that are written together: for a table with keys, since of each key the last row
// counts, and only the whole load knows which that is; for one with partitions, so that a partition gets a file of
// many batches instead of one of each. They are kept in a temporary table, which spills to disk. One connection for
// as long as the load lasts; its statements take turns with those of others.
import { assert } from '../base/assert.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import type { LoadTarget, StagedTable } from '../model/load-plan.ts';
import { sortItemsSql } from '../model/sort-key.ts';
import type { AppendTarget, SinkServices } from './sink/append.ts';
import { KEYED_ROWS, type KeyedTarget, stageKeyed } from './sink/keyed.ts';
import { appendRouted, PARTITION_ROWS } from './sink/partitioned.ts';

/** So many rows for partitions are written together. Those of keys are all of the load's. */
const MAX_PARTITION_ROWS = 4_000_000;

/** Are rows of such a table gathered? */
export function gathersRows({ keys, routing }: LoadTarget): boolean {
  return keys !== null || routing !== undefined;
}

export class GatheredRows {
  readonly #connection: Connection;
  readonly #target: LoadTarget;
  readonly #table: string;
  /** Rows in the table. */
  #rows = 0;
  /** What the ordinals of the next batch begin with. */
  #nextOrdinal = 0;
  #isMade = false;

  /** Closes the connection in the end. */
  constructor(connection: Connection, target: LoadTarget) {
    this.#connection = connection;
    this.#target = target;
    this.#table = target.keys === null ? PARTITION_ROWS : KEYED_ROWS;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** Enough for files of a good size: to be staged before more are added. */
  get isFull(): boolean {
    return this.#target.keys === null && this.#rows >= MAX_PARTITION_ROWS;
  }

  /**
   * Adds what `rowsSql` gives, as for appendKeyed or appendRows, behind what there is. `ordinals`: more than the
   * greatest of its ordinals, known when the rows were made. `check` sees how many there are.
   */
  async add(
    rowsSql: string,
    ordinals: () => number,
    check: (rowCount: number) => void,
    options: StatementOptions,
  ): Promise<void> {
    const rows =
      this.#target.keys === null
        ? rowsSql
        : `SELECT * REPLACE (__ordinal + ${this.#nextOrdinal} AS __ordinal) FROM (${rowsSql})`;
    const make = this.#isMade
      ? `INSERT INTO ${this.#table} ${rows}`
      : `CREATE TEMP TABLE ${this.#table} AS ${rows}`;
    await this.#connection.run(make, options);
    this.#isMade = true;
    const [counted] = await this.#connection.rows(`SELECT count(*) FROM ${this.#table}`, options);
    const count = Number(counted?.[0] ?? 0);
    check(count - this.#rows);
    this.#rows = count;
    this.#nextOrdinal += ordinals();
  }

  /** Stages all that there are; null when there are none. */
  async stage(
    to: AppendTarget & Pick<KeyedTarget, 'update' | 'sortBy'>,
    transactionId: TransactionId,
    services: SinkServices,
    options: StatementOptions,
  ): Promise<StagedTable | null> {
    const rows = this.#rows;
    if (rows === 0) return null;
    const check = (rowCount: number): void =>
      assert(rowCount === rows, `${rows} gathered rows are ${rowCount}`);
    const { keys, routing, tableId } = this.#target;
    const connection = this.#connection;
    if (keys !== null) {
      const keyed = { ...to, keys };
      return (await stageKeyed(keyed, transactionId, services, connection, check, options)).table;
    }
    assert(routing !== undefined, 'rows of a table with keys or partitions are gathered');
    // Each batch was sorted for itself.
    const orderBy =
      to.sortBy.length === 0
        ? ''
        : ` ORDER BY ${sortItemsSql(to.sortBy, PARTITION_ROWS, `${PARTITION_ROWS}.rowid`)}`;
    const { files } = await appendRouted(
      to,
      routing,
      transactionId,
      services,
      connection,
      check,
      orderBy,
      options,
    );
    await connection.run(`DROP TABLE ${PARTITION_ROWS}`, options);
    this.#isMade = false;
    this.#rows = 0;
    return { tableId, files };
  }

  /** Nothing is left of the rows. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
