// Runs one INSERT on the CN: constants and query -> conversion -> the append sink -> rejected rows. The same
// sink, layout and store of rejected rows as every load; only the source differs. Makes nothing visible.
import { assert } from '../base/assert.ts';
import { fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Connection } from '../engine/duckdb.ts';
import { withSources } from '../engine/plan-sources.ts';
import type { InsertPlan, StagedInsert } from '../model/insert-plan.ts';
import type { BegunTransaction, StagedTable } from '../model/load-plan.ts';
import { REJECTED_RECORDS_SCHEMA } from '../model/system-tables.ts';
import { copyRows, fillRows, type InsertServices } from './insert-copy.ts';
import { copyGroup } from './insert-group.ts';
import { profiledWrite } from './profile-run.ts';
import { appendFile } from './sink/append.ts';
import { type RejectedRow, rejectedTableCopySql, rejectedValues } from './transform/error-rows.ts';
import { insertSchema, insertSelectSql } from './transform/insert-sql.ts';
import { RejectRecorder } from './transform/reject-recorder.ts';

export type { InsertServices } from './insert-copy.ts';

/** Reasons of rejected rows that go back with the result. */
const SAMPLES = 3;
const REJECTED_TABLE = '__rejected';

/**
 * Stages the rows. Throws INSERT_FILTERED when more rows were rejected than the plan allows, LIMIT_EXCEEDED when
 * they are too many to keep, engine and storage errors; what it had written then is without effect.
 */
export async function runInsert(
  plan: InsertPlan,
  begun: Pick<BegunTransaction, 'transactionId' | 'label'>,
  services: InsertServices,
  signal: AbortSignal,
): Promise<StagedInsert> {
  return await services.engine.withConnection(async (connection) => {
    if (plan.group !== undefined) return await copyGroup(plan, begun, services, connection, signal);
    await fillRows(plan, connection);
    const recorder = new RejectRecorder(plan, begun.transactionId);
    if (plan.profile === true) return profileRows(plan, recorder, services, connection, signal);
    const of = { plan, begun, recorder, services, connection, signal };
    const { rowCount, table } = await keptIfFiltered(of, async () => {
      const copied = await copyRows(plan, begun, recorder, services, connection, signal);
      recorder.check(copied.rowCount);
      return copied;
    });
    failpoint('insert.after-copy');
    const rejected = await copyRejected(of, [...recorder.rows()], begun.transactionId);
    return {
      tables: [table, rejected].filter((entry) => entry !== null),
      rowsLoaded: rowCount,
      rowsFiltered: recorder.count,
      errorSamples: recorder.samples(SAMPLES),
    };
  });
}

/** Nothing is staged, and no AUTO_INCREMENT value is taken. */
async function profileRows(
  plan: InsertPlan,
  recorder: RejectRecorder,
  services: InsertServices,
  connection: Connection,
  signal: AbortSignal,
): Promise<StagedInsert> {
  const slot = services.rejects.acquire(recorder);
  try {
    const firstId = plan.outputs.some(({ column }) => column.autoIncrement === true) ? 0 : null;
    const { lines, rowCount } = await withSources(
      services,
      connection,
      plan,
      signal,
      (withClause) => {
        const source = { withClause, slot: slot.slot, isMade: false, firstId };
        const rows = {
          rowsSql: insertSelectSql(plan, source),
          schema: insertSchema(plan),
          target: plan.target,
        };
        return profiledWrite(services, connection, rows, { signal, timeoutMs: plan.timeoutMs });
      },
    );
    recorder.check(rowCount);
    return {
      tables: [],
      rowsLoaded: rowCount,
      rowsFiltered: recorder.count,
      errorSamples: recorder.samples(SAMPLES),
      profile: lines,
    };
  } catch (thrown) {
    throw recorder.failure ?? thrown;
  } finally {
    slot.release();
  }
}

/** A statement and what it rejected. */
export interface RejectingStatement {
  readonly plan: Pick<InsertPlan, 'userName' | 'target' | 'rejected'>;
  readonly begun: Pick<BegunTransaction, 'transactionId' | 'label'>;
  readonly recorder: RejectRecorder;
  readonly services: InsertServices;
  readonly connection: Connection;
  readonly signal: AbortSignal;
}

/**
 * Does the work. Where it fails with INSERT_FILTERED the first rejected rows are shown in a transaction of their own
 * before it throws: who hears of the failure finds them.
 */
export async function keptIfFiltered<T>(
  statement: RejectingStatement,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (toAppError(thrown).code === 'INSERT_FILTERED') await keepRejected(statement);
    throw thrown;
  }
}

async function keepRejected(statement: RejectingStatement): Promise<void> {
  const { begun, recorder, services } = statement;
  await services.keepRejects(begun.transactionId, async (own) => {
    const rows = [...recorder.kept()];
    const staged = await copyRejected(statement, rows, own.transactionId);
    return staged === null ? null : { staged, rows: rows.length };
  });
}

/** Writes the rows into a file of the transaction; null when there are none. */
export async function copyRejected(
  { plan, begun, services, connection, signal }: RejectingStatement,
  rows: readonly RejectedRow[],
  transactionId: TransactionId,
): Promise<StagedTable | null> {
  if (rows.length === 0) return null;
  const context = {
    nowMs: services.clock.nowMs(),
    loadType: 'INSERT' as const,
    jobId: null,
    label: begun.label,
    transactionId: begun.transactionId,
    userName: plan.userName,
    database: plan.target.databaseName,
    table: plan.target.tableName,
  };
  const values = rows.map((row) => rejectedValues(row, context));
  await connection.fillTextTable(REJECTED_TABLE, REJECTED_RECORDS_SCHEMA.columns.length, values);
  const { file } = await appendFile(
    {
      target: plan.rejected,
      schema: REJECTED_RECORDS_SCHEMA,
      store: await services.openStore(plan.rejected.volume),
    },
    transactionId,
    services,
    connection,
    (outputPath) => rejectedTableCopySql(REJECTED_TABLE, outputPath),
    (written) => assert(written === rows.length, 'every rejected row is kept'),
    { signal },
  );
  if (file === null) throw fail('INTERNAL', { detail: 'rejected rows made no file' });
  return { tableId: plan.rejected.tableId, files: [file] };
}
