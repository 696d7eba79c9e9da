// What the background work of the front end forgets, and when, by clocks that the test drives: rejected rows and the
// links to them, labels of ended loads.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { claimLocation } from '../../../src/commit/incarnation.ts';
import { errorLogFile } from '../../../src/loads/error-log.ts';
import { RejectedOfFailed } from '../../../src/loads/stream/rejected.ts';
import { readErrorLog } from '../../../src/roles/error-log.ts';
import { openCommitter } from '../../../src/roles/fe.ts';
import { startHousekeeping } from '../../../src/roles/housekeeping.ts';
import { openMetrics } from '../../../src/telemetry/metrics.ts';
import { openFixture, stagedFile, visibleRows } from '../../support/catalog-fixture.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { openStatementRig } from '../../support/statement-rig.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

async function openRig(t: TestContext) {
  const fixture = await openFixture(t);
  const { catalog, table } = fixture;
  const statements = await openStatementRig(t, fixture);
  const { config } = statements.services;
  const clock = new ManualClock(fixture.clock.nowMs());
  const store = new MemoryStore();
  await claimLocation(store, 'local', catalog.incarnation);
  const committer = await openCommitter(
    { catalog, config, clock, log: silentLog, metrics: openMetrics() },
    async () => assert.fail('no CN here'),
  );
  const keeper = startHousekeeping({
    catalog,
    committer,
    config,
    stores: async () => store,
    volumes: statements.services.volumes,
    clock,
    log: silentLog,
    services: { changePartitions: async () => false },
  });
  t.after(() => keeper.stop());
  const begin = async (label: string) => {
    const load = { databaseId: table.databaseId, tableId: table.id, coordinator: 'CN: cn-1' };
    return await committer.beginOther({ ...load, label, source: 'BACKEND_STREAMING' });
  };
  return {
    fixture,
    statements,
    committer,
    begin,
    /** Time passes, and the work that was due is done. */
    async pass(ms: number): Promise<void> {
      fixture.clock.shiftMs += ms;
      await clock.advance(ms);
      // One at a time with those that the clock began.
      await keeper.sweep(false);
    },
    async load(label: string): Promise<void> {
      const { transactionId } = await begin(label);
      const files = [stagedFile(fixture, table, transactionId, 1)];
      const tables = [{ tableId: table.id, files }];
      const counts = { rowsLoaded: 1, rowsFiltered: 0, errorSamples: [] };
      const done = { transactionId, tableId: table.id, tables, ...counts };
      assert.equal((await committer.commitOther(done)).state, 'VISIBLE');
    },
  };
}

/** A load that failed, with three rejected rows, and its link. */
async function failedLoad({ fixture, committer, begin }: Awaited<ReturnType<typeof openRig>>) {
  const { catalog, rejected } = fixture;
  const { transactionId: id } = await begin('bad');
  await committer.abort(id, 'too many filtered rows');
  const kept = new RejectedOfFailed({
    committer,
    random: systemRandom,
    coordinator: 'CN: cn-1',
    table: async () => rejected,
  });
  const own = (await kept.begin(id)).transactionId;
  const files = [stagedFile(fixture, rejected, own, 3)];
  await kept.commit(own, { tableId: rejected.id, files }, 3);
  return errorLogFile(catalog, { kind: 'transaction', id });
}

for (const days of [7, 2])
  test(`a link to rejected rows that are kept for ${days} days`, async (t) => {
    const rig = await openRig(t);
    const { fixture, statements } = rig;
    await statements.run(
      `ADMIN SET FRONTEND CONFIG ("rejected_records_retained_days" = "${days}")`,
    );
    const file = await failedLoad(rig);
    // The engine is none: it gives what is live.
    const services = {
      ...statements.services,
      readRows: async () => {
        const count = await visibleRows(fixture, fixture.rejected);
        return Array.from({ length: count }, (_, row) => [Buffer.from(`Error: ${row}`)]);
      },
    };
    const lines = () => readErrorLog(services, file);
    assert.equal(await lines(), 'Error: 0\nError: 1\nError: 2\n');
    await rig.pass(48 * HOUR_MS - MINUTE_MS);
    assert.equal(await lines(), 'Error: 0\nError: 1\nError: 2\n');
    await rig.pass((days - 2) * DAY_MS);
    assert.equal(await lines(), 'Error: 0\nError: 1\nError: 2\n');
    await rig.pass(2 * MINUTE_MS);
    await assert.rejects(lines(), (error: unknown) => {
      assert(error instanceof AppError);
      assert.equal(error.row.httpStatus, 404);
      assert.match(
        error.fullMessage,
        /^the rejected rows of this load are not, or no longer, kept \(/,
      );
      return true;
    });
    // A link that was never given is another thing.
    await assert.rejects(readErrorLog(services, `${file}0`), /there is no such error log/);
  });

test('rejected rows cannot be kept for less than their links are good for', async (t) => {
  const { statements } = await openRig(t);
  await assert.rejects(
    statements.run('ADMIN SET FRONTEND CONFIG ("rejected_records_retained_days" = "1")'),
    /rejected_records_retained_days = '1' is not 2 or more/,
  );
});

test('a label is taken for label_keep_max_second, and can be used again then', async (t) => {
  const rig = await openRig(t);
  const { catalog, table } = rig.fixture;
  const taken = /Label \[day\] has already been used/;
  await rig.load('day');
  await rig.pass(3 * DAY_MS - MINUTE_MS);
  await assert.rejects(rig.begin('day'), taken);
  await rig.pass(2 * MINUTE_MS);
  assert.equal(await catalog.transactions.byLabel(table.databaseId, 'day'), null);
  await rig.load('day');
  await assert.rejects(rig.begin('day'), taken);
  // Shorter, as soon as it is said.
  await rig.statements.run('ADMIN SET FRONTEND CONFIG ("label_keep_max_second" = "7200")');
  await rig.pass(2 * HOUR_MS - MINUTE_MS);
  await assert.rejects(rig.begin('day'), taken);
  await rig.pass(2 * MINUTE_MS);
  await rig.load('day');
  // The rows of all three are there: only their labels went.
  assert.equal(await visibleRows(rig.fixture, table), 3);
});

test('the newest label_keep_max_num labels stay, those of the last hour besides', async (t) => {
  const rig = await openRig(t);
  await rig.statements.run('ADMIN SET FRONTEND CONFIG ("label_keep_max_num" = "2")');
  await rig.begin('open');
  for (const label of ['one', 'two', 'three', 'four']) await rig.load(label);
  const taken = async (): Promise<readonly string[]> => {
    const labels = ['open', 'one', 'two', 'three', 'four'];
    const { catalog, table } = rig.fixture;
    const found = labels.map((label) => catalog.transactions.byLabel(table.databaseId, label));
    const known = await Promise.all(found);
    return labels.filter((_, index) => known[index] !== null);
  };
  await rig.pass(MINUTE_MS);
  assert.deepEqual(await taken(), ['open', 'one', 'two', 'three', 'four']);
  await rig.pass(50 * MINUTE_MS);
  assert.deepEqual(await taken(), ['open', 'one', 'two', 'three', 'four']);
  await rig.pass(10 * MINUTE_MS);
  // That it timed out is not an hour ago.
  assert.deepEqual(await taken(), ['open', 'three', 'four']);
  await assert.rejects(rig.begin('three'), /already been used/);
  await rig.load('one');
  await rig.pass(HOUR_MS + MINUTE_MS);
  assert.deepEqual(await taken(), ['one', 'four']);
});
