// Runs one INSERT on the CN: constants and query -> conversion -> the append sink -> rejected rows. The same
// sink, layout and store of rejected rows as every load; only the source differs. Makes nothing visible.
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Random } from '../base/random.ts';
import type { Connection, Engine, StatementOptions } from '../engine/duckdb.ts';
import { type SourceReader, withSources } from '../engine/plan-sources.ts';
import type { RejectRegistry } from '../engine/reject-function.ts';
import type { InsertPlan, StagedInsert } from '../model/insert-plan.ts';
import type { BegunTransaction, StagedTable } from '../model/load-plan.ts';
import { REJECTED_RECORDS_SCHEMA } from '../model/system-tables.ts';
import type { VolumeSpec } from '../model/table.ts';
import { profiledWrite } from './profile-run.ts';
import { appendFile, type SinkStore } from './sink/append.ts';
import { appendKeyed } from './sink/keyed.ts';
import { appendRows } from './sink/partitioned.ts';
import { rejectedTableCopySql, rejectedValues } from './transform/error-rows.ts';
import {
  type InsertSource,
  insertSchema,
  insertSelectSql,
  MADE_ROWS,
  makeRowsSql,
  rowsTable,
} from './transform/insert-sql.ts';
import { RejectRecorder } from './transform/reject-recorder.ts';
import type { ReserveIds } from './types.ts';

export interface InsertServices extends SourceReader {
  readonly engine: Engine;
  readonly rejects: RejectRegistry;
  readonly reserveIds: ReserveIds;
  readonly openStore: (volume: VolumeSpec) => Promise<SinkStore>;
  readonly clock: Clock;
  readonly random: Random;
  /** Private directory for files on their way to a volume that the engine may not write in place. */
  readonly tempDirectory: string;
}

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
    for (const [index, part] of plan.parts.entries()) {
      if (part.kind === 'rows') {
        const { rows, ordinals } = part;
        const width = part.types.length + (ordinals === undefined ? 0 : 1);
        const filled =
          ordinals === undefined ? rows : rows.map((row, i) => [...row, String(ordinals[i])]);
        await connection.fillTextTable(rowsTable(index), width, filled);
      }
    }
    const recorder = new RejectRecorder(plan, begun.transactionId);
    if (plan.profile === true) return profileRows(plan, recorder, services, connection, signal);
    const { rowCount, table } = await copyRows(plan, begun, recorder, services, connection, signal);
    recorder.check(rowCount);
    failpoint('insert.after-copy');
    const rejected = await copyRejected(plan, begun, recorder, services, connection, signal);
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

async function copyRows(
  plan: InsertPlan,
  begun: Pick<BegunTransaction, 'transactionId'>,
  recorder: RejectRecorder,
  services: InsertServices,
  connection: Connection,
  signal: AbortSignal,
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
      const check = (written: number): void => checkCount(plan, written + recorder.count);
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

/** Writes the rows that the recorder holds; null when there are none. */
export async function copyRejected(
  plan: Pick<InsertPlan, 'userName' | 'target' | 'rejected'>,
  begun: Pick<BegunTransaction, 'transactionId' | 'label'>,
  recorder: RejectRecorder,
  services: InsertServices,
  connection: Connection,
  signal: AbortSignal,
): Promise<StagedTable | null> {
  if (recorder.count === 0) return null;
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
  const rows = [...recorder.rows()].map((row) => rejectedValues(row, context));
  await connection.fillTextTable(REJECTED_TABLE, REJECTED_RECORDS_SCHEMA.columns.length, rows);
  const { file } = await appendFile(
    {
      target: plan.rejected,
      schema: REJECTED_RECORDS_SCHEMA,
      store: await services.openStore(plan.rejected.volume),
    },
    begun.transactionId,
    services,
    connection,
    (outputPath) => rejectedTableCopySql(REJECTED_TABLE, outputPath),
    (written) => assert(written === recorder.count, 'every rejected row is kept'),
    { signal },
  );
  if (file === null) throw fail('INTERNAL', { detail: 'rejected rows made no file' });
  return { tableId: plan.rejected.tableId, files: [file] };
}
