// Runs one DELETE or UPDATE on the CN: the rows that change with their places, what an UPDATE makes of them as a new
// data file, and one object of position deletes for the old ones; or an overlay of them. Makes nothing visible.
import { assert } from '../base/assert.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import { withSources } from '../engine/plan-sources.ts';
import type { ChangePlan, RowUpdate, StagedChange } from '../model/change-plan.ts';
import type { BegunTransaction, StagedTable } from '../model/load-plan.ts';
import type { ColumnSchema, StagedFile, TableSchema } from '../model/table.ts';
import { changedScan } from '../query/plan-change.ts';
import { copyRejected, type InsertServices, keptIfFiltered } from './insert-run.ts';
import { profiled, profiledWrite } from './profile-run.ts';
import { writeDeletes } from './sink/delete-file.ts';
import { writeOverlay } from './sink/overlay-file.ts';
import { appendRows } from './sink/partitioned.ts';
import { CHANGED_TABLE, changedRowsSql, newRowsSql, overlaySql } from './transform/change-sql.ts';
import { RejectRecorder } from './transform/reject-recorder.ts';

/** Reasons of rejected rows that go back with the result. */
const SAMPLES = 3;

type Begun = Pick<BegunTransaction, 'transactionId' | 'label'>;

/**
 * Stages the change. Throws INSERT_FILTERED when the new values of more rows do not fit than the plan allows,
 * engine and storage errors; what it had written then is without effect.
 */
export async function runChange(
  plan: ChangePlan,
  begun: Begun,
  services: InsertServices,
  signal: AbortSignal,
): Promise<StagedChange> {
  const options = { signal, timeoutMs: plan.timeoutMs };
  return await services.engine.withConnection(async (connection) => {
    if (plan.profile === true)
      return await profileChange(plan, begun, services, connection, options);
    if (plan.update === null) {
      await findRows(plan, 0, services, connection, options);
      // Before the deletes are written: they may take over what older objects of the files hold.
      const rowsChanged = await countRows(connection, options);
      const tables = await stagedTarget(plan, [], begun, services, connection, options);
      return { tables, rowsChanged, rowsLoaded: 0, rowsFiltered: 0, errorSamples: [] };
    }
    return await runUpdate(plan, plan.update, begun, services, connection, options);
  });
}

async function runUpdate(
  plan: ChangePlan,
  update: RowUpdate,
  begun: Begun,
  services: InsertServices,
  connection: Connection,
  options: StatementOptions & { readonly signal: AbortSignal },
): Promise<StagedChange> {
  const recorder = new RejectRecorder(update, begun.transactionId);
  const { rejected } = update;
  const { signal } = options;
  const of = { plan: { ...plan, rejected }, begun, recorder, services, connection, signal };
  const rowsChanged = await keptIfFiltered(of, async () => {
    const slot = services.rejects.acquire(recorder);
    try {
      await findRows(plan, slot.slot, services, connection, options);
    } catch (thrown) {
      // What the recorder threw comes back as an engine error: its own says more.
      throw recorder.failure ?? thrown;
    } finally {
      slot.release();
    }
    const count = await countRows(connection, options);
    recorder.check(count);
    return count;
  });
  const { overlaid } = update;
  const files =
    rowsChanged === 0 || overlaid !== undefined
      ? []
      : await writeNewRows(plan, update, rowsChanged, begun, services, connection, options);
  failpoint('change.after-copy');
  const tables =
    overlaid === undefined
      ? await stagedTarget(plan, files, begun, services, connection, options)
      : await stagedOverlay(plan, update, overlaid, begun, services, connection, options);
  const kept = await copyRejected(of, [...recorder.rows()], begun.transactionId);
  return {
    tables: kept === null ? tables : [...tables, kept],
    rowsChanged,
    rowsLoaded: rowsChanged,
    rowsFiltered: recorder.count,
    errorSamples: recorder.samples(SAMPLES),
  };
}

/** Which rows change, and of an UPDATE what writing the new ones takes. Nothing is staged. */
async function profileChange(
  plan: ChangePlan,
  { transactionId }: Begun,
  services: InsertServices,
  connection: Connection,
  options: StatementOptions & { readonly signal: AbortSignal },
): Promise<StagedChange> {
  const { update, target } = plan;
  const recorder = update === null ? null : new RejectRecorder(update, transactionId);
  const slot = recorder === null ? null : services.rejects.acquire(recorder);
  let found: readonly string[];
  try {
    found = await withSources(services, connection, plan, options.signal, (withClause) => {
      const statement = changedRowsSql(plan, { withClause, slot: slot?.slot ?? 0 });
      return profiled(connection, statement, options);
    });
  } catch (thrown) {
    throw recorder?.failure ?? thrown;
  } finally {
    slot?.release();
  }
  const rowsChanged = await countRows(connection, options);
  recorder?.check(rowsChanged);
  const counts = {
    tables: [],
    rowsChanged,
    rowsFiltered: recorder?.count ?? 0,
    errorSamples: recorder?.samples(SAMPLES) ?? [],
  };
  if (update === null) return { ...counts, rowsLoaded: 0, profile: ['Rows that leave', ...found] };
  const schema: TableSchema = {
    keysType: 'DUP_KEYS',
    columns: update.outputs.map((output) => output.column),
  };
  const rows = { rowsSql: newRowsSql(update, target), schema, target };
  const { lines } = await profiledWrite(services, connection, rows, options);
  const profile = ['Rows that change', ...found, 'New rows', ...lines];
  return { ...counts, rowsLoaded: rowsChanged, profile };
}

/** Fills the table of the rows that change: each once, with its place. */
async function findRows(
  plan: ChangePlan,
  slot: number,
  services: InsertServices,
  connection: Connection,
  options: StatementOptions & { readonly signal: AbortSignal },
): Promise<void> {
  await withSources(services, connection, plan, options.signal, (withClause) =>
    connection.run(changedRowsSql(plan, { withClause, slot }), options),
  );
}

async function countRows(connection: Connection, options: StatementOptions): Promise<number> {
  const [row] = await connection.rows(`SELECT count(*) FROM ${CHANGED_TABLE}`, options);
  return Number(row?.[0] ?? 0);
}

async function writeNewRows(
  plan: ChangePlan,
  update: RowUpdate,
  expected: number,
  { transactionId }: Begun,
  services: InsertServices,
  connection: Connection,
  options: StatementOptions,
): Promise<readonly StagedFile[]> {
  const store = await services.openStore(plan.target.volume);
  const columns = update.outputs.map((output) => output.column);
  const schema: TableSchema = { keysType: 'DUP_KEYS', columns };
  const { files } = await appendRows(
    { target: plan.target, schema, store },
    transactionId,
    services,
    connection,
    newRowsSql(update, plan.target),
    (written) => assert(written === expected, 'a new row for every one that leaves'),
    options,
  );
  return files;
}

/** What the target gets and loses; nothing where no row changes. */
async function stagedTarget(
  plan: ChangePlan,
  files: readonly StagedFile[],
  { transactionId }: Begun,
  services: InsertServices,
  connection: Connection,
  options: StatementOptions & { readonly signal: AbortSignal },
): Promise<readonly StagedTable[]> {
  const { target, volumes } = plan;
  const deletes = await writeDeletes(
    { target, store: await services.openStore(target.volume), volumes },
    transactionId,
    services,
    connection,
    changedScan(plan).files,
    CHANGED_TABLE,
    options,
  );
  if (deletes === null) return [];
  return [{ tableId: target.tableId, files, deletes }];
}

/** New values of some columns of rows that stay; nothing where no row changes. */
async function stagedOverlay(
  plan: ChangePlan,
  update: RowUpdate,
  columns: readonly ColumnSchema[],
  { transactionId }: Begun,
  services: InsertServices,
  connection: Connection,
  options: StatementOptions,
): Promise<readonly StagedTable[]> {
  const { target } = plan;
  const { files } = changedScan(plan);
  const store = await services.openStore(target.volume);
  const rows = overlaySql(update, target);
  const to = { target, store, files, columns };
  const overlay = await writeOverlay(to, transactionId, services, connection, rows, options);
  return overlay === null ? [] : [{ tableId: target.tableId, files: [], overlay }];
}
