// When which table is compacted: soon after its commits, in turn with the others, paced by loads, and whole on demand.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { CommitFeed } from '../../../src/commit/commit-feed.ts';
import type { CompactionNode } from '../../../src/commit/compaction-job.ts';
import { Compactor, restMs } from '../../../src/commit/compactor.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import type { TableInfo } from '../../../src/model/table.ts';
import { openMetrics } from '../../../src/telemetry/metrics.ts';
import { CLICKS, type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';
import { openGate } from '../../support/open-gate.ts';

const MB = 1024 * 1024;

interface Rig {
  readonly fixture: Fixture;
  readonly feed: CommitFeed;
  readonly compactor: Compactor;
  /** How far the compactor's clock is ahead. */
  readonly ahead: { ms: number };
  /** Resolves once `count` merges came to an end; gives the tables that were merged, in order. */
  ended(count: number): Promise<readonly string[]>;
}

async function openRig(t: TestContext, node: Partial<CompactionNode> = {}): Promise<Rig> {
  const fixture = await openFixture(t);
  const { catalog, committer, clock } = fixture;
  const feed = new CommitFeed();
  const metrics = openMetrics();
  const ahead = { ms: 0 };
  const gate = openGate(catalog, clock);
  let ended = 0;
  const waiting: { readonly count: number; resolve(): void }[] = [];
  const compactor = new Compactor({
    catalog,
    committer,
    turns: new CatalogTurns(catalog, clock),
    feed,
    gate,
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs() + ahead.ms,
      sleep: clock.sleep,
      after: clock.after,
      every: clock.every,
    },
    random: systemRandom,
    log: silentLog,
    metrics: {
      ...metrics,
      add: (name, value, labels) => {
        metrics.add(name, value, labels);
        if (name !== 'millrace_compactions_total') return;
        ended += 1;
        for (const one of waiting) if (ended >= one.count) one.resolve();
      },
    },
    timeoutMs: () => 60_000,
    node: {
      compact: async ({ table, transactionId, inputs }) => {
        const rows = inputs.reduce((sum, file) => sum + file.rowCount, 0);
        const bytes = inputs.reduce((sum, file) => sum + file.sizeBytes, 0);
        return [stagedFile(fixture, table, transactionId, rows, bytes)];
      },
      carryDeletes: async () => null,
      endCompaction: async () => undefined,
      ...node,
    },
  });
  t.after(() => compactor.stop());
  return {
    fixture,
    feed,
    compactor,
    ahead,
    ended: async (count) => {
      await new Promise<void>((resolve) => {
        if (ended >= count) resolve();
        else waiting.push({ count, resolve });
      });
      return compactor
        .list()
        .toReversed()
        .map((one) => one.tableName);
    },
  };
}

async function load(
  { fixture, feed }: Rig,
  table: TableInfo,
  files: number,
  bytes = 1000,
): Promise<void> {
  for (let file = 0; file < files; file += 1) {
    const { transactionId } = await fixture.committer.beginOther({
      label: systemRandom.uuid(),
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'INSERT_STREAMING',
      coordinator: 'FE: me',
    });
    await fixture.committer.commitOther({
      transactionId,
      tableId: table.id,
      tables: [
        { tableId: table.id, files: [stagedFile(fixture, table, transactionId, 10, bytes)] },
      ],
      rowsLoaded: 10,
      rowsFiltered: 0,
      errorSamples: [],
    });
  }
  feed.tell([table.id]);
}

async function filesOf({ fixture }: Rig, table: TableInfo): Promise<number> {
  return (await fixture.catalog.snapshotOf(table.id))?.entry.files.length ?? 0;
}

test('a commit is followed by the merge it calls for, at once', async (t) => {
  const rig = await openRig(t);
  rig.compactor.start();
  const startedMs = rig.fixture.clock.monotonicMs();
  await load(rig, rig.fixture.table, 16);
  await rig.ended(1);
  assert.ok(rig.fixture.clock.monotonicMs() - startedMs < 10_000);
  const [record] = rig.compactor.list();
  assert.deepEqual(
    [record?.tableName, record?.inputFiles, record?.inputRows, record?.error],
    ['site_clicks', 16, 160, null],
  );
  assert.equal(await filesOf(rig, rig.fixture.table), 1);
});

test('a table with very many files does not keep another one waiting', async (t) => {
  const rig = await openRig(t);
  const { table, catalog } = rig.fixture;
  const calm = await catalog.tables.create({ ...CLICKS, name: 'calm' });
  await load(rig, table, 200);
  await load(rig, calm, 16);
  rig.compactor.start();
  const order = await rig.ended(3);
  const place = order.indexOf('calm');
  assert.ok(place >= 0 && place <= 1, order.join(' '));
});

test('small merges go on while a large one runs', async (t) => {
  const large = Promise.withResolvers<never>();
  const fixtureOf: { current?: Rig } = {};
  const rig = await openRig(t, {
    compact: async ({ table, transactionId, inputs }) => {
      if ((inputs[0]?.sizeBytes ?? 0) > MB) return large.promise;
      const { fixture } = fixtureOf.current ?? rig;
      return [stagedFile(fixture, table, transactionId, inputs.length * 10, 10)];
    },
  });
  fixtureOf.current = rig;
  await load(rig, rig.fixture.table, 8, 30 * MB);
  await load(rig, rig.fixture.table, 16);
  rig.compactor.start();
  await rig.ended(1);
  assert.deepEqual(
    rig.compactor
      .list()
      .map((one) => [one.inputFiles, one.finishedMs === null])
      .toSorted(),
    [
      [16, false],
      [8, true],
    ],
  );
  large.reject(new AppError('CANCELLED', {}));
  await rig.ended(2);
});

test('a table that nothing comes into is tidied up, and on demand all of it is merged', async (t) => {
  const rig = await openRig(t);
  const { table } = rig.fixture;
  rig.compactor.start();
  await load(rig, table, 7);
  rig.ahead.ms += 11_000;
  await rig.ended(1);
  assert.equal(await filesOf(rig, table), 1);
  await load(rig, table, 2, 20 * MB);
  assert.equal(await filesOf(rig, table), 3);
  rig.compactor.request(table.id);
  await rig.ended(2);
  assert.equal(await filesOf(rig, table), 1);
});

test('a merge that fails is told of and does not stop the others', async (t) => {
  const rig = await openRig(t, {
    compact: async ({ table, transactionId, inputs }) => {
      if (table.name === 'bad') throw new AppError('CANCELLED', {});
      return [stagedFile(rig.fixture, table, transactionId, inputs.length * 10, 10)];
    },
  });
  const bad = await rig.fixture.catalog.tables.create({ ...CLICKS, name: 'bad' });
  await load(rig, bad, 16);
  await load(rig, rig.fixture.table, 16);
  rig.compactor.start();
  await rig.ended(2);
  const errors = rig.compactor.list().map((one) => [one.tableName, one.error === null]);
  assert.deepEqual(errors.toSorted(), [
    ['bad', false],
    ['site_clicks', true],
  ]);
  assert.equal(await filesOf(rig, bad), 16);
  assert.equal(await filesOf(rig, rig.fixture.table), 1);
});

test('rest after work: as long as it took while rows come in, less the more files there are', () => {
  assert.equal(restMs(400, false, 0), 0);
  assert.equal(restMs(400, true, 0), 400);
  assert.equal(restMs(400, true, 50), 200);
  assert.equal(restMs(400, true, 100), 0);
  assert.equal(restMs(400, true, 900), 0);
});
