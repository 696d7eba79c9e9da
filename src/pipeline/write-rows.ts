// The rows of a packed batch into files of the job's table, or of its tables. Each row is written or was told to the
// drop recorder: the numbers are compared before a file gets its name.
import { assert, present } from '../base/assert.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import {
  type LoadedTable,
  type LoadPlan,
  loadedTables,
  type StagedTable,
} from '../model/load-plan.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PackedBatch } from './decode/packed-batch.ts';
import type { GatheredRows } from './gathered-rows.ts';
import type { AppendTarget } from './sink/append.ts';
import { appendKeyed, type KeyedTarget } from './sink/keyed.ts';
import { appendRows } from './sink/partitioned.ts';
import { type CompiledTransform, targetSchema } from './transform/compile-sql.ts';
import type { DropRecorder } from './transform/drop-recorder.ts';
import { type CompiledRoutes, ROUTED_ROWS } from './transform/route-sql.ts';
import type { BatchStatement } from './transform/source-sql.ts';
import type { ReserveIds } from './types.ts';

export interface WriteServices {
  readonly random: Random;
  readonly tempDirectory: string;
  readonly reserveIds: ReserveIds;
  readonly targetStore: ObjectStore;
  readonly furtherStores?: readonly ObjectStore[];
}

/** A batch that is written: once. */
export interface WrittenBatch {
  readonly packed: PackedBatch;
  readonly drops: DropRecorder;
  readonly statement: BatchStatement;
  readonly transactionId: TransactionId;
  /** Rows are put here; null: they are staged at once. */
  readonly gathered: GatheredRows | null;
}

interface Table extends LoadedTable, AppendTarget {}

type Check = (rowCount: number) => void;

export class RowWriter {
  readonly #transform: CompiledTransform;
  readonly #services: WriteServices;
  readonly #tables: readonly Table[];

  constructor(plan: LoadPlan, transform: CompiledTransform, services: WriteServices) {
    this.#transform = transform;
    this.#services = services;
    const stores = [services.targetStore, ...(services.furtherStores ?? [])];
    this.#tables = loadedTables(plan).map((table, index) => ({
      ...table,
      schema: targetSchema(table),
      store: present(stores[index], 'store of a table'),
    }));
  }

  /** Tables that got rows. Throws engine and storage errors. */
  async write(
    batch: WrittenBatch,
    connection: Connection,
    options: StatementOptions,
  ): Promise<readonly StagedTable[]> {
    const { routes } = this.#transform;
    if (routes !== null) return await this.#writeRouted(routes, batch, connection, options);
    const { packed, drops, statement } = batch;
    const table = present(this.#tables[0], 'table of a plan');
    const ids = hasCounter(table) ? await this.#mostRows(batch, connection, options) : 0;
    const rowsSql = this.#transform.rowsSql(await this.#numbered(table, statement, ids));
    const check = (rowCount: number): void =>
      checkSum(rowCount, drops.count, drops.total(packed.lineCount));
    const staged = await this.#append(table, batch, connection, options, rowsSql, check);
    return staged === null ? [] : [staged];
  }

  async #writeRouted(
    routes: CompiledRoutes,
    batch: WrittenBatch,
    connection: Connection,
    options: StatementOptions,
  ): Promise<readonly StagedTable[]> {
    const { packed, drops, statement } = batch;
    try {
      await connection.run(routes.makeSql(statement), options);
      const counted = await connection.rows(routes.countsSql, options);
      const counts = new Map(
        counted.map(([name, count]) => [name === null ? '' : String(name), Number(count)]),
      );
      const made = [...counts.values()].reduce((sum, count) => sum + count, 0);
      // Lines that gave no rows for a reason are dropped already.
      checkSum(made, drops.count, drops.total(packed.lineCount));
      const staged: StagedTable[] = [];
      let inTables = 0;
      for (const [index, { name, rowsSql }] of routes.tables.entries()) {
        const rows = counts.get(name) ?? 0;
        if (rows === 0) continue;
        const table = present(this.#tables[index], 'table of a route');
        const before = { count: drops.count, total: drops.total(packed.lineCount) };
        const written = await this.#append(
          table,
          batch,
          connection,
          options,
          // Ordinals go over all rows of the batch.
          rowsSql(await this.#numbered(table, statement, hasCounter(table) ? made : 0)),
          (rowCount) => {
            const leftOut = before.total - drops.total(packed.lineCount);
            checkSum(rowCount, drops.count - before.count, rows - leftOut);
            inTables += rowCount;
          },
        );
        if (written !== null) staged.push(written);
      }
      const [others] = await connection.rows(routes.othersSql(statement), options);
      assert(Number(others?.[0]) === 0, 'rows of no table are dropped');
      if (made > inTables) await this.#noteStrangers(routes, drops, connection, options);
      checkSum(inTables, drops.count, drops.total(packed.lineCount));
      return staged;
    } finally {
      await connection.run(`DROP TABLE IF EXISTS ${ROUTED_ROWS}`);
    }
  }

  /** For the errors of rows that go to no table: what route gave for them. */
  async #noteStrangers(
    { strangersSql }: CompiledRoutes,
    drops: DropRecorder,
    connection: Connection,
    options: StatementOptions,
  ): Promise<void> {
    for (const [ordinal, name] of await connection.rows(strangersSql, options))
      drops.noteRoute(Number(ordinal), name === null || name === undefined ? null : String(name));
  }

  /** With AUTO_INCREMENT values for so many rows. */
  async #numbered(table: Table, statement: BatchStatement, ids: number): Promise<BatchStatement> {
    if (ids === 0) return statement;
    const firstId = await this.#services.reserveIds(table.target.tableId, ids);
    return { ...statement, firstId };
  }

  async #mostRows(
    { packed, statement }: WrittenBatch,
    connection: Connection,
    options: StatementOptions,
  ): Promise<number> {
    const { countSql } = this.#transform;
    if (countSql === null) return packed.lineCount;
    const [row] = await connection.rows(countSql(statement), options);
    return Number(row?.[0] ?? 0);
  }

  /** Stages the rows that were gathered of all batches. */
  async writeGathered(
    gathered: GatheredRows,
    transactionId: TransactionId,
    options: StatementOptions,
  ): Promise<StagedTable | null> {
    const table = present(this.#tables[0], 'table of a plan');
    const { update, sortBy } = table.transform;
    return await gathered.stage(
      { ...table, update, sortBy },
      transactionId,
      this.#services,
      options,
    );
  }

  async #append(
    table: Table,
    { transactionId, gathered, drops, packed }: WrittenBatch,
    connection: Connection,
    options: StatementOptions,
    rowsSql: string,
    check: Check,
  ): Promise<StagedTable | null> {
    const { tableId, keys } = table.target;
    if (gathered !== null) {
      const ordinals = (): number => drops.lineRows?.rowCount ?? packed.lineCount;
      await gathered.add(rowsSql, ordinals, check, options);
      return null;
    }
    if (keys !== null) {
      const services = this.#services;
      const made = await appendKeyed(
        keyedTarget(table),
        transactionId,
        services,
        connection,
        rowsSql,
        check,
        options,
      );
      return made.table;
    }
    const { files } = await appendRows(
      table,
      transactionId,
      this.#services,
      connection,
      rowsSql,
      check,
      options,
    );
    return files.length === 0 ? null : { tableId, files };
  }
}

function keyedTarget(table: Table): KeyedTarget {
  const { update, sortBy } = table.transform;
  return { ...table, keys: present(table.target.keys, 'keys'), update, sortBy };
}

function hasCounter({ transform }: LoadedTable): boolean {
  return transform.outputs.some(({ column }) => column.autoIncrement === true);
}

function checkSum(written: number, dropped: number, total: number): void {
  assert(
    written + dropped === total,
    `${total} rows are ${written} written and ${dropped} dropped ones`,
  );
}
