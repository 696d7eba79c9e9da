// The rows of an INSERT from their source into files of the table: conversion, AUTO_INCREMENT values, the sink. Makes
// nothing visible.
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Connection, Engine, StatementOptions } from '../engine/duckdb.ts';
import { type SourceReader, withSources } from '../engine/plan-sources.ts';
import type { RejectListener, RejectRegistry } from '../engine/reject-function.ts';
import type { InsertPlan } from '../model/insert-plan.ts';
import type { BegunTransaction, StagedTable } from '../model/load-plan.ts';
import type { VolumeSpec } from '../model/table.ts';
import type { SinkStore } from './sink/append.ts';
import { appendKeyed } from './sink/keyed.ts';
import { appendRows } from './sink/partitioned.ts';
import {
  type InsertSource,
  insertSchema,
  insertSelectSql,
  MADE_ROWS,
  makeRowsSql,
  rowsTable,
} from './transform/insert-sql.ts';
import type { KeepRejects, ReserveIds } from './types.ts';

export interface InsertServices extends SourceReader {
  readonly engine: Engine;
  readonly rejects: RejectRegistry;
  readonly reserveIds: ReserveIds;
  readonly keepRejects: KeepRejects;
  readonly openStore: (volume: VolumeSpec) => Promise<SinkStore>;
  readonly clock: Clock;
  readonly random: Random;
  /** Private directory for files on their way to a volume that the engine may not write in place. */
  readonly tempDirectory: string;
}

/** Puts the constants of the plan where its SQL finds them. */
export async function fillRows(plan: InsertPlan, connection: Connection): Promise<void> {
  for (const [index, part] of plan.parts.entries()) {
    if (part.kind === 'rows') {
      const { rows, ordinals } = part;
      const width = part.types.length + (ordinals === undefined ? 0 : 1);
      const filled =
        ordinals === undefined ? rows : rows.map((row, i) => [...row, String(ordinals[i])]);
      await connection.fillTextTable(rowsTable(index), width, filled);
    }
  }
}

/** Hears of the rows that are not written, and may end the statement. */
export interface RowJudge extends RejectListener {
  readonly count: number;
  /** Why it ended the statement; null when it did not. */
  readonly failure: Error | null;
}

/**
 * Stages the rows that the judge lets through. `check` sees how many there are before a file of them gets its name.
 * Throws what the judge and `check` throw, engine and storage errors; what it wrote then is without effect.
 */
export async function copyRows(
  plan: InsertPlan,
  begun: Pick<BegunTransaction, 'transactionId'>,
  recorder: RowJudge,
  services: InsertServices,
  connection: Connection,
  signal: AbortSignal,
  checkRows: (rowCount: number) => void = () => undefined,
): Promise<{ readonly rowCount: number; readonly table: StagedTable | null }> {
  const { target } = plan;
  const store = await services.openStore(target.volume);
  const counts = plan.outputs.some(({ column }) => column.autoIncrement === true);
  const slot = services.rejects.acquire(recorder);
  try {
    const options = { signal, timeoutMs: plan.timeoutMs };
    return await withSources(services, connection, plan, signal, async (withClause) => {
      const rows = { withClause, slot: slot.slot };
      const counted = counts
        ? await reserveIds(plan, rows, services, connection, options)
        : { isMade: false, firstId: null };
      const to = { target, schema: insertSchema(plan), store };
      const check = (written: number): void => {
        checkCount(plan, written + recorder.count);
        checkRows(written);
      };
      const { transactionId } = begun;
      const rowsSql = insertSelectSql(plan, { ...rows, ...counted });
      if (target.keys !== null) {
        const keyed = { ...to, keys: target.keys, update: plan.update, sortBy: plan.sortBy };
        return appendKeyed(keyed, transactionId, services, connection, rowsSql, check, options);
      }
      const { rowCount, files } = await appendRows(
        to,
        transactionId,
        services,
        connection,
        rowsSql,
        check,
        options,
      );
      return { rowCount, table: files.length === 0 ? null : { tableId: target.tableId, files } };
    });
  } catch (thrown) {
    // What the recorder threw comes back as an engine error: its own says more.
    throw recorder.failure ?? thrown;
  } finally {
    slot.release();
  }
}

/** AUTO_INCREMENT values for as many rows as there are, which for a query only making them tells. */
async function reserveIds(
  plan: InsertPlan,
  rows: Pick<InsertSource, 'withClause' | 'slot'>,
  services: InsertServices,
  connection: Connection,
  options: StatementOptions,
): Promise<Pick<InsertSource, 'isMade' | 'firstId'>> {
  const isMade = plan.parts.some((part) => part.kind === 'query');
  let count = plan.parts.reduce(
    (sum, part) => sum + (part.kind === 'rows' ? part.rows.length : 0),
    0,
  );
  if (isMade) {
    await connection.run(makeRowsSql(plan, rows), options);
    const [row] = await connection.rows(`SELECT count(*) FROM ${MADE_ROWS}`, options);
    count = Number(row?.[0] ?? 0);
  }
  if (count === 0) return { isMade, firstId: 0 };
  return { isMade, firstId: await services.reserveIds(plan.target.tableId, count) };
}

/** Of constants it is known how many there are. */
function checkCount(plan: InsertPlan, rows: number): void {
  if (!plan.parts.every((part) => part.kind === 'rows')) return;
  const given = plan.parts.reduce((sum, part) => sum + part.rows.length, 0);
  assert(rows === given, `${given} rows of VALUES are ${rows} written and rejected ones`);
}
