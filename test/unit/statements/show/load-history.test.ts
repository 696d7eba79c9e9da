// What became of loads, from their transactions: SHOW [ALL] STREAM LOAD, SHOW LOAD, SHOW LOAD WARNINGS and the views,
// for loads that run, that became visible and that failed; and when they are forgotten.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TransactionId } from '../../../../src/base/ids.ts';
import type { TransactionSource } from '../../../../src/catalog/transactions.ts';
import { claimLocation } from '../../../../src/commit/incarnation.ts';
import { DEFAULT_SWEEP_LIMITS, runSweep } from '../../../../src/commit/sweep.ts';
import type { LoadFacts } from '../../../../src/model/load-facts.ts';
import { parseStatement } from '../../../../src/sql/parse.ts';
import { systemTable } from '../../../../src/statements/information-schema/system-databases.ts';
import { wantedOfTable } from '../../../../src/statements/wanted.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
  stagedFile,
} from '../../../support/catalog-fixture.ts';
import { MemoryStore } from '../../../support/memory-store.ts';
import { openStatementRig, type StatementRig } from '../../../support/statement-rig.ts';

const FACTS: LoadFacts = {
  loadType: 'STREAM_LOAD',
  rowsLoaded: 7,
  rowsFiltered: 2,
  rowsUnselected: 1,
  bodyBytes: 99,
  startedMs: 1,
  beginMs: 2,
  planMs: 3_000,
  readMs: 4_000,
  writeMs: 5_000,
  commitMs: null,
  properties: { format: 'csv', timeout: '100', max_filter_ratio: '0.5' },
  trackingFile: 'error_log_1',
  errorSamples: ['Error: bad. Row: x'],
  clientAddress: '10.0.0.9',
};

interface History {
  readonly fixture: Fixture;
  readonly rig: StatementRig;
  begin(label: string, source?: TransactionSource): Promise<TransactionId>;
  /** Makes 7 rows and 2 rejected ones visible. */
  commit(id: TransactionId, facts?: LoadFacts): Promise<void>;
  /** Rows of a SHOW statement by column. */
  show(sql: string, columns: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** Rows of a view by column; `where` as the FE sees it, which only finds older rows by it. */
  view(name: string, where?: string): Promise<readonly Record<string, string | null>[]>;
}

async function openHistory(t: TestContext): Promise<History> {
  const fixture = await openFixture(t);
  const { committer, table, rejected } = fixture;
  const rig = await openStatementRig(t, fixture);
  rig.session.database = 'quickstart';
  return {
    fixture,
    rig,
    begin: async (label, source = 'BACKEND_STREAMING') => {
      const { id: tableId, databaseId } = table;
      const load = { label, databaseId, tableId, source, coordinator: 'CN: me', userName: 'ada' };
      return (await committer.beginOther({ ...load, timeoutMs: 660_000 })).transactionId;
    },
    commit: async (transactionId, facts) => {
      await committer.commitOther({
        transactionId,
        tableId: table.id,
        tables: [
          { tableId: table.id, files: [stagedFile(fixture, table, transactionId, 7)] },
          { tableId: rejected.id, files: [stagedFile(fixture, rejected, transactionId, 2)] },
        ],
        rowsLoaded: 7,
        rowsFiltered: 2,
        errorSamples: ['Error: bad. Row: x'],
        ...(facts === undefined ? {} : { facts }),
      });
    },
    show: async (sql, columns) => {
      const rows = await rig.run(sql);
      assert.ok(rows !== 'ok');
      return rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])));
    },
    view: async (name, where = 'true') => {
      const query = parseStatement(`SELECT * FROM information_schema.${name} AS l WHERE ${where}`);
      assert.ok(query.kind === 'query');
      const wanted = wantedOfTable(query, (table) => table.name === name);
      const found = await systemTable('information_schema', name, rig, wanted);
      assert.ok(found !== undefined);
      const names = found.columns.map((column) => column.name);
      return found.rows.map((row) =>
        Object.fromEntries(names.map((column, at) => [column, row[at] ?? null])),
      );
    },
  };
}

/** SOURCE: StarRocks, StreamLoadTask: columns of SHOW STREAM LOAD. */
const SHOWN =
  'Label Id LoadId TxnId DbName TableName State ErrorMsg TrackingURL ChannelNum PreparedChannelNum NumRowsNormal NumRowsAbNormal NumRowsUnselected NumLoadBytes TimeoutSecond CreateTimeMs BeforeLoadTimeMs StartLoadingTimeMs StartPreparingTimeMs FinishPreparingTimeMs EndTimeMs ChannelState Type TrackingSQL'.split(
    ' ',
  );

async function threeLoads(history: History): Promise<readonly TransactionId[]> {
  const good = await history.begin('good');
  await history.commit(good, FACTS);
  const bad = await history.begin('bad');
  const facts = { ...FACTS, rowsLoaded: 0, errorCode: 'BODY_FILTERED' };
  await history.fixture.committer.abort(bad, 'too many filtered rows', facts);
  return [good, bad, await history.begin('running')];
}

test('SHOW STREAM LOAD: those that run; ALL: also those that ended, with numbers, reasons and links', async (t) => {
  const history = await openHistory(t);
  const [good, bad, running] = await threeLoads(history);
  assert.deepEqual(
    (await history.show('SHOW STREAM LOAD', SHOWN)).map(({ Label, State, EndTimeMs }) => ({
      Label,
      State,
      EndTimeMs,
    })),
    [{ Label: 'running', State: 'LOADING', EndTimeMs: null }],
  );
  const all = await history.show('SHOW ALL STREAM LOAD FROM quickstart', SHOWN);
  assert.deepEqual(
    all.map(({ TxnId, State }) => [TxnId, State]),
    [
      [String(good), 'FINISHED'],
      [String(bad), 'CANCELLED'],
      [String(running), 'LOADING'],
    ],
  );
  const log = 'select tracking_log from information_schema.load_tracking_logs where job_id=';
  assert.partialDeepStrictEqual(all[0], {
    Label: 'good',
    DbName: 'quickstart',
    TableName: 'site_clicks',
    ErrorMsg: null,
    TrackingURL: `http://127.0.0.1:8030/log?file=transaction_${good}`,
    NumRowsNormal: '7',
    NumRowsAbNormal: '2',
    NumRowsUnselected: '1',
    NumLoadBytes: '99',
    TimeoutSecond: '100',
    Type: 'STREAM_LOAD',
    TrackingSQL: `${log}${good}`,
  });
  assert.partialDeepStrictEqual(all[1], {
    ErrorMsg: 'type:ETL_QUALITY_UNSATISFIED; msg:too many filtered rows',
    NumRowsNormal: '0',
    TrackingSQL: `${log}${bad}`,
  });
  assert.partialDeepStrictEqual(all[2], {
    TrackingURL: null,
    NumRowsNormal: '0',
    TimeoutSecond: '600',
    TrackingSQL: '',
  });
  const times = await history.show('SHOW ALL STREAM LOAD FOR good', SHOWN);
  const seconds = (name: string): number => Date.parse(`${times[0]?.[name]}Z`) / 1000;
  assert.equal(seconds('StartLoadingTimeMs') - seconds('CreateTimeMs'), 3);
  assert.equal(seconds('StartPreparingTimeMs') - seconds('StartLoadingTimeMs'), 9);
});

test('SHOW STREAM LOAD FOR a label, WHERE, ORDER BY and LIMIT; a label that is not there is an error', async (t) => {
  const history = await openHistory(t);
  await threeLoads(history);
  const labels = async (sql: string) => (await history.show(sql, SHOWN)).map(({ Label }) => Label);
  assert.deepEqual(await labels('SHOW ALL STREAM LOAD FOR quickstart.bad'), ['bad']);
  assert.deepEqual(await labels(`SHOW ALL STREAM LOAD WHERE State = 'FINISHED'`), ['good']);
  assert.deepEqual(await labels('SHOW ALL STREAM LOAD ORDER BY Id DESC LIMIT 1, 1'), ['bad']);
  await assert.rejects(
    labels('SHOW STREAM LOAD FOR good'),
    /There is no label named good in db quickstart. Include history\? false/,
  );
  await assert.rejects(labels('SHOW ALL STREAM LOAD FOR nope'), /Include history\? true/);
  await assert.rejects(labels('SHOW STREAM LOAD FROM nowhere'), /Unknown database/);
  await history.rig.run('CREATE DATABASE other');
  assert.deepEqual(await labels('SHOW ALL STREAM LOAD FROM other'), []);
  history.rig.session.database = null;
  await assert.rejects(labels('SHOW STREAM LOAD'), /No database selected/);
});

test('information_schema.loads: INSERTs, Stream Loads and tasks of Routine Load', async (t) => {
  const history = await openHistory(t);
  const { fixture } = history;
  const [good] = await threeLoads(history);
  const insert = await history.begin('insert_1', 'INSERT_STREAMING');
  await history.commit(insert);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [
    progressOf(0n, { loaded: 5, filtered: 1, unselected: 2 }),
  ]);
  await fixture.committer.commit(request, carryOn);
  const rows = await history.view('loads');
  assert.deepEqual(
    rows.map((row) => [row['TYPE'], row['STATE'], row['PROGRESS']]),
    [
      ['ROUTINE_LOAD', 'FINISHED', '100%'],
      ['INSERT', 'FINISHED', 'ETL:100%; LOAD:100%'],
      ['STREAM_LOAD', 'LOADING', '0%'],
      ['STREAM_LOAD', 'CANCELLED', '0%'],
      ['STREAM_LOAD', 'FINISHED', '100%'],
    ],
  );
  const stream = rows.at(-1);
  assert.partialDeepStrictEqual(stream, {
    ID: String(good),
    USER: 'ada',
    SCAN_ROWS: '10',
    SCAN_BYTES: '99',
    FILTERED_ROWS: '2',
    UNSELECTED_ROWS: '1',
    SINK_ROWS: '7',
    PROPERTIES: '{"format":"csv","max_filter_ratio":0.5,"timeout":100}',
    ERROR_MSG: null,
  });
  assert.deepEqual(JSON.parse(stream?.['RUNTIME_DETAILS'] ?? ''), {
    begin_txn_ms: 2,
    client_ip: '10.0.0.9',
    plan_time_ms: 3000,
    receive_data_time_ms: 4000,
    txn_id: good,
    write_data_time_ms: 5000,
  });
  const { transactionId } = request;
  assert.partialDeepStrictEqual(rows[0], {
    ID: String(transactionId),
    JOB_ID: String(fixture.job.id),
    SCAN_ROWS: '8',
    SCAN_BYTES: '80',
    FILTERED_ROWS: '1',
    UNSELECTED_ROWS: '2',
    SINK_ROWS: '5',
    TRACKING_SQL: `select tracking_log from information_schema.load_tracking_logs where id=${transactionId}`,
  });
  // Only the kinds that can have what is asked for are read.
  const typed = async (where: string) =>
    (await history.view('loads', where)).map((row) => row['TYPE']);
  assert.deepEqual(await typed(`TYPE = 'INSERT'`), ['INSERT']);
  assert.deepEqual(await typed(`l.TYPE IN ('ROUTINE_LOAD', 'BROKER')`), ['ROUTINE_LOAD']);
  assert.equal((await typed(`TYPE = 'INSERT' OR LABEL = 'good'`)).length, 5);
  const streams = await history.view('stream_loads');
  assert.deepEqual(
    streams.map((row) => [row['LABEL'], row['TYPE']]),
    [
      [`clicks-${fixture.job.id}-${transactionId}`, 'ROUTINE_LOAD'],
      ['running', 'STREAM_LOAD'],
      ['bad', 'STREAM_LOAD'],
      ['good', 'STREAM_LOAD'],
    ],
  );
});

test('SHOW LOAD WARNINGS: why rows were rejected and loads failed, by label or id', async (t) => {
  const history = await openHistory(t);
  const [good, bad] = await threeLoads(history);
  const cancelled = await history.begin('cancelled', 'INSERT_STREAMING');
  await history.fixture.committer.abort(cancelled, 'gone', {
    ...FACTS,
    rowsFiltered: 0,
    errorSamples: [],
    errorCode: 'CANCELLED',
  });
  const warnings = (sql: string) => history.show(sql, ['id', 'label', 'detail']);
  const sample = 'Error: bad. Row: x';
  assert.deepEqual(await warnings('SHOW LOAD WARNINGS'), [
    { id: String(good), label: 'good', detail: sample },
    { id: String(bad), label: 'bad', detail: sample },
    { id: String(cancelled), label: 'cancelled', detail: 'type:USER_CANCEL; msg:gone' },
  ]);
  const one = [{ id: String(bad), label: 'bad', detail: sample }];
  assert.deepEqual(await warnings(`SHOW LOAD WARNINGS FROM quickstart WHERE LABEL = 'bad'`), one);
  assert.deepEqual(await warnings(`SHOW LOAD WARNINGS WHERE LOAD_JOB_ID = ${bad} LIMIT 1`), one);
});

test('history is kept as long as labels are: label_keep_max_second, then label_keep_max_num', async (t) => {
  const history = await openHistory(t);
  const { fixture, rig } = history;
  const { catalog, committer, clock } = fixture;
  const store = new MemoryStore();
  await claimLocation(store, 'local', catalog.incarnation);
  const sweep = () =>
    runSweep({
      catalog,
      committer,
      store: async () => store,
      limits: {
        ...DEFAULT_SWEEP_LIMITS,
        labelKeepMs: rig.services.config.int('label_keep_max_second') * 1000,
        labelKeepCount: rig.services.config.int('label_keep_max_num'),
      },
    });
  const labels = async () => (await history.view('loads')).map((row) => row['LABEL']);
  await history.commit(await history.begin('first'), FACTS);
  await sweep();
  assert.deepEqual(await labels(), ['first']);
  clock.shiftMs += 3 * 86_400_000 - 60_000;
  await history.commit(await history.begin('second'), FACTS);
  await sweep();
  assert.deepEqual(await labels(), ['second', 'first']);
  clock.shiftMs += 120_000;
  await sweep();
  assert.deepEqual(await labels(), ['second']);
  // The label is free again.
  await history.commit(await history.begin('first'), FACTS);
  clock.shiftMs += 2 * 3_600_000;
  await history.commit(await history.begin('third'), FACTS);
  await rig.run('ADMIN SET FRONTEND CONFIG ("label_keep_max_num" = "1")');
  await sweep();
  assert.deepEqual(await labels(), ['third']);
  await assert.rejects(history.begin('third'), /has already been used/);
});
