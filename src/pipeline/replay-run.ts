// Runs one REPLAY on the CN: kept messages go through the job's definition as they would from the topic, of each only
// the rows that were rejected. Stages the rows, and in their place the records as they are from now on: marked, with
// their new error, or as they were with why they cannot be replayed. Makes nothing visible.
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Random } from '../base/random.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import type { SourceReader } from '../engine/plan-sources.ts';
import type { BegunTransaction, KafkaLoadPlan, StagedTable } from '../model/load-plan.ts';
import type { ReplayPlan, StagedReplay } from '../model/replay-plan.ts';
import { REJECTED_RECORDS_SCHEMA } from '../model/system-tables.ts';
import type { StagedFile, VolumeSpec } from '../model/table.ts';
import { changedScan } from '../query/plan-change.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ScratchSpace } from './decode/scratch.ts';
import { Replayed } from './replay-outcome.ts';
import { dropRecords, RECORDS, type TakenRecords, takeRecords } from './replay-records.ts';
import { appendFile } from './sink/append.ts';
import { writeDeletes } from './sink/delete-file.ts';
import { keptBatch } from './source/kept-batch.ts';
import type { StagedRows, Stager } from './stage.ts';
import { recordsCopySql, rejectedLine, rejectedLinesSql } from './transform/error-rows.ts';

export interface ReplayServices {
  readonly openStager: (plan: KafkaLoadPlan) => Promise<Stager>;
  readonly openStore: (volume: VolumeSpec) => ObjectStore | Promise<ObjectStore>;
  readonly reader: SourceReader;
  readonly scratch: ScratchSpace;
  readonly clock: Clock;
  readonly random: Random;
  /** Private directory for files on their way to a remote volume. */
  readonly tempDirectory: string;
}

type Begun = Pick<BegunTransaction, 'transactionId' | 'label'>;
type Options = StatementOptions & { readonly signal: AbortSignal };

/** Reasons of rows that were rejected again, for the answer. */
const SAMPLES = 3;
const GONE = '__gone';
const COPIED = '__copied';
const NOTHING: StagedReplay = {
  tables: [],
  records: 0,
  more: false,
  replayed: 0,
  copies: 0,
  rowsLoaded: 0,
  rowsFiltered: 0,
  rowsUnselected: 0,
  errorSamples: [],
};

/** Stages the next records. Throws REGISTRY_*, LOAD_SQL, engine and storage errors: what was written has no effect then. */
export async function runReplay(
  plan: ReplayPlan,
  begun: Begun,
  services: ReplayServices,
  connection: Connection,
  signal: AbortSignal,
): Promise<StagedReplay> {
  const options = { signal, timeoutMs: plan.timeoutMs };
  try {
    const taken = await takeRecords(plan, services.reader, connection, options);
    if (taken === null) return NOTHING;
    return await replay(plan, taken, begun, services, connection, options);
  } finally {
    await dropRecords(connection);
    await connection.run(`DROP TABLE IF EXISTS ${GONE}; DROP TABLE IF EXISTS ${COPIED}`);
  }
}

async function replay(
  { load, wanted }: ReplayPlan,
  { topic, records, more }: TakenRecords,
  begun: Begun,
  services: ReplayServices,
  connection: Connection,
  options: Options,
): Promise<StagedReplay> {
  const stager = await services.openStager(load);
  const outcome = new Replayed(records);
  const raw = keptBatch(topic, outcome.messages);
  await stager.prepare(raw, options.signal);
  const packed = stager.pack(raw, (record, start, end, what) =>
    outcome.wants(record, start, end, what),
  );
  const { signal } = options;
  const wants = outcome.elementsOf(packed);
  const rows = await stager.stageRows(packed, begun, connection, signal, wants);
  outcome.note(packed, rows.drops);
  failpoint('replay.after-rows');
  const rejected = await writeRecords(load, outcome, rows, begun, services, connection, options);
  const deletes = await writeGone(load, wanted, begun, services, connection, options);
  failpoint('replay.after-stage');
  const copies = outcome.copies.length;
  const { tableId } = load.rejected;
  return {
    tables: [...rows.tables, { tableId, files: [rejected], deletes }],
    records: records.length,
    more,
    replayed: outcome.copies.filter(({ why }) => why === null).length,
    copies,
    rowsLoaded: rows.drops.total(packed.lineCount) - rows.drops.count,
    rowsFiltered: rows.rejected.count,
    rowsUnselected: outcome.unselected,
    errorSamples: [...outcome.samples(SAMPLES), ...rows.rejected.samples(SAMPLES)].slice(
      0,
      SAMPLES,
    ),
  };
}

/** The records as they are from now on, as one file. */
async function writeRecords(
  load: KafkaLoadPlan,
  outcome: Replayed,
  rows: StagedRows,
  { transactionId }: Begun,
  services: ReplayServices,
  connection: Connection,
  options: Options,
): Promise<StagedFile> {
  const { clock, scratch } = services;
  const copied = outcome.copies.map(({ id, why }) => [String(id), why]);
  await connection.fillTextTable(COPIED, 2, copied);
  const file = scratch.create(rows.rejected.approximateBytes);
  try {
    let longest = 0;
    let written = 0;
    for (const located of rows.rejected.located()) {
      const { row, context } = outcome.again(located, load, transactionId);
      const line = Buffer.from(`${rejectedLine(row, context)}\n`);
      file.write(line);
      longest = Math.max(longest, line.length);
      written += 1;
    }
    file.finish();
    const copies = copiesSql(transactionId, clock.nowMs());
    const sql =
      written === 0
        ? copies
        : `${copies} UNION ALL BY NAME ${rejectedLinesSql(file.path, longest)}`;
    const result = await appendFile(
      {
        target: load.rejected,
        schema: REJECTED_RECORDS_SCHEMA,
        store: await services.openStore(load.rejected.volume),
      },
      transactionId,
      services,
      connection,
      (path) => recordsCopySql(sql, path),
      (rowCount) => assert(rowCount === written + copied.length, 'every record is kept'),
      options,
    );
    return present(result.file, 'file of the records');
  } finally {
    file.close();
  }
}

/** Records that stay what they were, marked or with why they cannot be replayed. */
function copiesSql(transactionId: number, nowMs: number): string {
  const isMarked = 'o.c1 IS NULL';
  const now = `TIMESTAMP '${new Date(nowMs).toISOString().slice(0, 23).replace('T', ' ')}'`;
  const replaced = [
    `CASE WHEN ${isMarked} THEN ${now} ELSE r.replayed_at END AS replayed_at`,
    `CAST(${transactionId} AS BIGINT) AS replay_txn_id`,
    'CAST(coalesce(r.replays, 0) + 1 AS INTEGER) AS replays',
    `CASE WHEN ${isMarked} THEN r.error_code ELSE 'NOT_REPLAYED' END AS error_code`,
    'coalesce(o.c1, r.error_message) AS error_message',
    `CASE WHEN ${isMarked} THEN r.error_column END AS error_column`,
  ];
  return `SELECT r.* EXCLUDE (id, __file, __row) REPLACE (${replaced.join(', ')}) FROM ${RECORDS} r JOIN ${COPIED} o ON r.id = CAST(o.c0 AS BIGINT)`;
}

/** The records as they were leave the table. */
async function writeGone(
  { rejected }: KafkaLoadPlan,
  wanted: ReplayPlan['wanted'],
  { transactionId }: Begun,
  services: ReplayServices,
  connection: Connection,
  options: Options,
): Promise<NonNullable<StagedTable['deletes']>> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${GONE} AS SELECT __file, __row FROM ${RECORDS}`,
    options,
  );
  const store = await services.openStore(rejected.volume);
  const deletes = await writeDeletes(
    { target: rejected, store, volumes: wanted.volumes },
    transactionId,
    { ...services, resolve: services.reader.resolve },
    connection,
    changedScan(wanted).files,
    GONE,
    options,
  );
  if (deletes === null) throw fail('INTERNAL', { detail: 'replayed records have no places' });
  return deletes;
}
