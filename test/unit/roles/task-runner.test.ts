// The runner of SUBMIT TASK's tasks with a clock that the test moves: when runs begin, how many at once,
// with whose rights, and what becomes of them. An INSERT ends when the test says so.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { asId } from '../../../src/base/ids.ts';
import { type Deferred, deferred, orAborted } from '../../../src/base/queue.ts';
import type { TaskRunRecord } from '../../../src/catalog/task-store.ts';
import type { InsertResult } from '../../../src/loads/insert/service.ts';
import { startTaskRunner, type TaskRunner } from '../../../src/roles/task-runner.ts';
import { executeStatement } from '../../../src/statements/execute.ts';
import type { Services } from '../../../src/statements/types.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { newSession, openStatementRig } from '../../support/statement-rig.ts';

const LOOK_MS = 500;
/** Round trips to the SQLite worker after which a look has surely ended: it makes a few for each task. */
const TURNS_OF_A_LOOK = 100;
const MAX_TURNS = 5_000;
const DONE: InsertResult = {
  label: 'l',
  transactionId: asId(1),
  rowsLoaded: 1,
  rowsFiltered: 0,
  errorSamples: [],
};

interface Rig {
  readonly clock: ManualClock;
  readonly services: Services;
  /** INSERTs that began, oldest first. */
  readonly inserts: Deferred<InsertResult>[];
  /** Runs a statement, as root unless told otherwise. */
  sql(text: string, user?: string): Promise<unknown>;
  start(): Promise<TaskRunner>;
  /** Moves the clock look by look, and gives the worker its turns after each. */
  advance(ms: number): Promise<void>;
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
  /** Oldest first. */
  runs(task: string): Promise<readonly TaskRunRecord[]>;
  /** Lets the INSERT succeed and waits until its run is over. */
  finish(insert: number): Promise<void>;
}

async function openRig(context: TestContext): Promise<Rig> {
  const { services: plain } = await openStatementRig(context);
  const { tasks } = plain.catalog;
  const clock = new ManualClock();
  const inserts: Rig['inserts'] = [];
  const services: Services = {
    ...plain,
    clock,
    inserts: {
      ...plain.inserts,
      run: ({ signal }) => {
        const end = deferred<InsertResult>();
        inserts.push(end);
        return orAborted(end.promise, signal);
      },
    },
  };
  const running = async (): Promise<number> =>
    (await tasks.runs(1_000)).filter(({ state }) => state === 'RUNNING').length;
  const rig: Rig = {
    clock,
    services,
    inserts,
    sql: (text, user = 'root') => {
      const session = newSession(1, null);
      if (user !== 'root') {
        session.principal = { identity: { name: user, host: '%' }, activeRoles: new Set() };
      }
      return executeStatement(text, session, services, new AbortController().signal);
    },
    start: async () => {
      const runner = await startTaskRunner(services);
      context.after(() => runner.stop());
      return runner;
    },
    advance: async (ms) => {
      for (let leftMs = ms; leftMs > 0; leftMs -= LOOK_MS) {
        await clock.advance(Math.min(LOOK_MS, leftMs));
        for (let turn = 0; turn < TURNS_OF_A_LOOK; turn += 1) await tasks.find('nosuch');
      }
    },
    until: async (what, holds) => {
      for (let turn = 0; turn < MAX_TURNS; turn += 1) {
        if (await holds()) return;
        await tasks.find('nosuch');
      }
      assert.fail(`it never came: ${what}`);
    },
    runs: async (task) =>
      (await tasks.runs(1_000)).filter(({ taskName }) => taskName === task).toReversed(),
    finish: async (insert) => {
      const before = await running();
      present(inserts[insert], 'the INSERT').resolve(DONE);
      await rig.until('the end of a run', async () => (await running()) < before);
    },
  };
  return rig;
}

const INSERT = 'INSERT INTO quickstart.site_clicks VALUES (1)';

test('a task without a schedule runs once', async (context) => {
  const rig = await openRig(context);
  await rig.start();
  await rig.sql(`SUBMIT TASK quickstart.once AS ${INSERT}`);
  await rig.advance(LOOK_MS);
  await rig.until('the run', () => rig.inserts.length === 1);
  const [running] = await rig.runs('once');
  assert.deepEqual([running?.state, running?.definition], ['RUNNING', INSERT]);
  await rig.finish(0);
  await rig.advance(20_000);
  const [run, ...more] = await rig.runs('once');
  assert.deepEqual([run?.state, run?.errorCode, more.length], ['SUCCESS', 0, 0]);
});

test('a schedule fires at START and then in its rhythm, whatever a run takes', async (context) => {
  const rig = await openRig(context);
  await rig.start();
  const startMs = rig.clock.nowMs();
  // The clock begins at 22:13:20.
  await rig.sql(
    `SUBMIT TASK quickstart.t SCHEDULE START('2023-11-14 22:13:40') EVERY(INTERVAL 10 SECOND) AS ${INSERT}`,
  );
  await rig.advance(19_500);
  assert.equal(rig.inserts.length, 0);
  await rig.advance(LOOK_MS);
  await rig.until('the first run', () => rig.inserts.length === 1);
  await rig.advance(4_000);
  await rig.finish(0);
  await rig.advance(5_500);
  assert.equal(rig.inserts.length, 1);
  await rig.advance(LOOK_MS);
  await rig.until('the second run', () => rig.inserts.length === 2);
  await rig.finish(1);
  const begun = (await rig.runs('t')).map(({ startedMs }) => (startedMs ?? 0) - startMs);
  assert.deepEqual(begun, [20_000, 30_000]);
  await rig.sql('DROP TASK t');
  await rig.advance(20_000);
  assert.equal(rig.inserts.length, 2);
});

test('a task never runs twice at once; times that were missed are not made up for', async (context) => {
  const rig = await openRig(context);
  await rig.start();
  await rig.sql(`SUBMIT TASK quickstart.slow SCHEDULE EVERY(INTERVAL 10 SECOND) AS ${INSERT}`);
  await rig.advance(35_000);
  assert.equal(rig.inserts.length, 1);
  await rig.finish(0);
  await rig.advance(LOOK_MS);
  await rig.until('the run that waited', () => rig.inserts.length === 2);
  await rig.finish(1);
  // At 40 s from the beginning, not at once for the two times before it.
  await rig.advance(4_000);
  assert.equal(rig.inserts.length, 2);
  await rig.advance(LOOK_MS);
  await rig.until('the next one', () => rig.inserts.length === 3);
});

test('task_runs_concurrency bounds the runs at once, from the next look on', async (context) => {
  const rig = await openRig(context);
  await rig.start();
  rig.services.config.change('test', 'task_runs_concurrency', '2');
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await rig.sql(`SUBMIT TASK quickstart.${name} AS ${INSERT}`);
  }
  await rig.advance(5_000);
  assert.equal(rig.inserts.length, 2);
  await rig.finish(0);
  await rig.advance(5_000);
  assert.equal(rig.inserts.length, 3);
  await rig.sql('ADMIN SET FRONTEND CONFIG ("task_runs_concurrency" = "4")');
  await rig.advance(5_000);
  assert.equal(rig.inserts.length, 5);
});

test('a run has the rights that its creator has then: revoked, dropped', async (context) => {
  const rig = await openRig(context);
  await rig.start();
  await rig.sql('CREATE USER jill');
  await rig.sql('GRANT INSERT ON TABLE quickstart.site_clicks TO USER jill');
  await rig.sql(`SUBMIT TASK quickstart.t SCHEDULE EVERY(INTERVAL 10 SECOND) AS ${INSERT}`, 'jill');
  await rig.advance(LOOK_MS);
  await rig.until('the first run', () => rig.inserts.length === 1);
  await rig.finish(0);

  await rig.sql('REVOKE INSERT ON TABLE quickstart.site_clicks FROM USER jill');
  await rig.advance(10_000);
  await rig.until('the second run', async () => (await rig.runs('t'))[1]?.state === 'FAILED');
  await rig.sql('DROP USER jill');
  await rig.advance(10_000);
  await rig.until('the third run', async () => (await rig.runs('t'))[2]?.state === 'FAILED');

  const [first, revoked, dropped] = await rig.runs('t');
  assert.equal(first?.state, 'SUCCESS');
  assert.equal(revoked?.errorCode, -1);
  assert.match(revoked?.errorMessage ?? '', /Access denied.*INSERT.*TABLE site_clicks/);
  assert.match(dropped?.errorMessage ?? '', /jill/);
  assert.equal(rig.inserts.length, 1);
});

test('what ran at a crash has FAILED at the next start, whatever comes of it later', async (context) => {
  const rig = await openRig(context);
  await rig.start();
  await rig.sql(`SUBMIT TASK quickstart.t AS ${INSERT}`);
  await rig.advance(LOOK_MS);
  await rig.until('the run', () => rig.inserts.length === 1);

  // The first one is not stopped: a start after a crash finds the run RUNNING.
  await rig.start();
  const [run] = await rig.runs('t');
  assert.equal(run?.state, 'FAILED');
  assert.match(run?.errorMessage ?? '', /front end was started again/);

  present(rig.inserts[0], 'the INSERT').resolve(DONE);
  await rig.advance(5_000);
  const [still, ...more] = await rig.runs('t');
  assert.deepEqual([still, more], [run, []]);
  assert.equal(rig.inserts.length, 1);
});

test('the end of the server aborts what runs, and says so', async (context) => {
  const rig = await openRig(context);
  const runner = await rig.start();
  await rig.sql(`SUBMIT TASK quickstart.t AS ${INSERT}`);
  await rig.advance(LOOK_MS);
  await rig.until('the run', () => rig.inserts.length === 1);
  await runner.stop();
  const [run] = await rig.runs('t');
  assert.equal(run?.state, 'FAILED');
  assert.match(run?.errorMessage ?? '', /the server stops/);
});

test('a statement that no run could do is refused when it is submitted', async (context) => {
  const rig = await openRig(context);
  const submit = (statement: string): Promise<unknown> =>
    rig.sql(`SUBMIT TASK quickstart.bad AS ${statement}`);
  await assert.rejects(submit('INSERT INTO nosuch VALUES (1)'), /nosuch/);
  await assert.rejects(submit('INSERT INTO site_clicks SELECT x FROM site_clicks'), /'x'/);
  await assert.rejects(submit('INSERT INTO site_clicks VALUES (1, 2)'), /column count/);
  await assert.rejects(submit('CREATE TABLE t AS SELECT x FROM site_clicks'), /'x'/);
  await assert.rejects(
    submit('CREATE TABLE t PROPERTIES ("nosuch" = "1") AS SELECT uid FROM site_clicks'),
    /nosuch/,
  );
  await assert.rejects(
    submit('INSERT /*+ SET_VAR(nosuch = 1) */ INTO site_clicks VALUES (1)'),
    /nosuch/,
  );
  assert.deepEqual(await rig.services.catalog.tasks.list(), []);
});
