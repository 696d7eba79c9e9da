// write_quorum on object storage: a load asks for its commit only when its volume has every file durably. The real
// sink on a real directory and on a store without local files; the commit is recorded.
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, mock, test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { asId, type VolumeId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import type { OtherCommit } from '../../../../src/commit/types.ts';
import { DeleteBitmaps } from '../../../../src/engine/delete-bitmaps.ts';
import { RejectRegistry } from '../../../../src/engine/reject-function.ts';
import { Inserts, type InsertsOptions } from '../../../../src/loads/insert/service.ts';
import type { InsertPlan } from '../../../../src/model/insert-plan.ts';
import { type InsertServices, runInsert } from '../../../../src/pipeline/insert-run.ts';
import type { SinkStore } from '../../../../src/pipeline/sink/append.ts';
import { LocalStore } from '../../../../src/storage/local-store.ts';
import { openMetrics } from '../../../../src/telemetry/metrics.ts';
import { column, makePlan, PipelineFixture } from '../../../support/pipeline-fixture.ts';
import { storedTable } from '../../query/harness.ts';

let fixture: PipelineFixture;
const rejects = new RejectRegistry();
before(async () => {
  fixture = await PipelineFixture.open();
  rejects.install(fixture.connection);
});
after(() => fixture.close());
afterEach(() => mock.restoreAll());

const id = column('id', { kind: 'BIGINT' }, { nullable: false });
const { target, rejected } = makePlan({ columns: [id] });
/** One row fits, one does not: a file of the table and one of rejected rows. */
const PLAN: InsertPlan = {
  userName: 'root',
  target,
  rejected,
  parts: [{ kind: 'rows', types: [{ kind: 'VARCHAR', length: 10 }], rows: [['1'], ['x']] }],
  scans: [],
  inlineTables: [],
  volumes: [],
  outputs: [{ column: id, from: { kind: 'source', index: 0 } }],
  sortBy: [],
  operation: null,
  update: null,
  strictMode: true,
  maxFilterRatio: 1,
  timeoutMs: 60_000,
};

/** Runs the INSERT with the store; `events` gets what the store tells and when the commit was asked for. */
function insert(store: SinkStore, events: string[]) {
  const noFiles = async () => ({ paths: [], release: () => undefined });
  const services: InsertServices = {
    engine: fixture.engine,
    rejects,
    resolve: noFiles,
    deletes: new DeleteBitmaps(noFiles, 1),
    reserveIds: async () => 1,
    keepRejects: async () => undefined,
    openStore: async () => store,
    clock: systemClock,
    random: systemRandom,
    tempDirectory: join(fixture.directory, 'insert'),
  };
  const visible = { state: 'VISIBLE', versions: [], continueTask: false } as const;
  const committed: OtherCommit[] = [];
  const committer: InsertsOptions['committer'] = {
    beginOther: async ({ label }) => ({
      transactionId: fixture.begin().transactionId,
      label,
      volumeId: asId<VolumeId>(1),
    }),
    commitOther: async (request) => {
      events.push('commit');
      committed.push(request);
      return visible;
    },
    state: async () => null,
    abort: async () => {
      events.push('abort');
      return { ...visible, state: 'ABORTED' };
    },
  };
  const inserts = new Inserts({
    committer,
    stage: ({ plan, transactionId, label }, { signal }) =>
      runInsert(plan, { transactionId, label }, services, signal),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: openMetrics(),
    coordinator: 'FE: me',
  });
  const table = storedTable('t', { id: { kind: 'BIGINT' } });
  assert(table.kind === 'stored');
  const { signal } = new AbortController();
  return { committed, result: inserts.run({ table: table.info, plan: PLAN, label: null, signal }) };
}

/** What fsync is called for; `before` runs before the real one. */
async function watchSync(before: (path: string) => Promise<void>): Promise<void> {
  await using handle = await open(fixture.directory, 'r');
  const prototype = Object.getPrototypeOf(handle) as { sync: () => Promise<void> };
  const real = prototype.sync;
  mock.method(prototype, 'sync', async function (this: { fd: number }) {
    await before(readlinkSync(`/proc/self/fd/${this.fd}`));
    await real.call(this);
  });
}

const root = (): string => join(fixture.directory, 'volume');
const localStore = (): LocalStore => new LocalStore({ root: root(), where: 'the volume' });

test('a local volume: fsync of every file and of each folder that names it, then the commit', async () => {
  const events: string[] = [];
  await watchSync(async (path) => {
    events.push(path);
  });
  const { committed, result } = insert(localStore(), events);
  assert.equal((await result).rowsFiltered, 1);
  const files = committed.flatMap(({ tables }) => tables.flatMap((table) => table.files));
  assert.equal(files.length, 2);
  assert.equal(events.at(-1), 'commit');
  for (const { key } of files) {
    const path = join(root(), key);
    assert.ok(events.includes(path), `${path} was synced`);
    for (let folder = join(path, '..'); folder.length >= root().length; folder = join(folder, '..'))
      assert.ok(
        events.indexOf(folder, events.indexOf(path)) > events.indexOf(path),
        `${folder} was synced after its file`,
      );
  }
});

test('a disk that is slow to sync: nothing is committed until it answers', async () => {
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  await watchSync(async (path) => {
    if (!path.endsWith('.parquet')) return;
    reached.resolve();
    await gate.promise;
  });
  const { result } = insert(localStore(), events);
  await reached.promise;
  await systemClock.sleep(50);
  assert.deepEqual(events, []);
  gate.resolve();
  await result;
  assert.deepEqual(events, ['commit']);
});

test('a disk that cannot sync a file, or a folder: nothing is committed', async () => {
  for (const isBad of [
    (path: string) => path.endsWith('.parquet'),
    (path: string) => path === join(root(), 'db'),
  ]) {
    const events: string[] = [];
    await watchSync(async (path) => {
      if (isBad(path)) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
    });
    await assert.rejects(insert(localStore(), events).result, /EIO/);
    assert.deepEqual(events, ['abort']);
    mock.restoreAll();
  }
});

test('a bucket: the commit comes after the answer of the last put; one that fails ends the INSERT', async () => {
  const events: string[] = [];
  const answers: (() => void)[] = [];
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late: SinkStore = {
    localPath: () => null,
    putFile: async (key) => {
      const answer = Promise.withResolvers<void>();
      answers.push(answer.resolve);
      asked[answers.length - 1]?.resolve();
      await answer.promise;
      events.push(key.includes('rejected_records') ? 'rejected rows stored' : 'rows stored');
    },
  };
  const { result } = insert(late, events);
  for (const [index, { promise }] of asked.entries()) {
    await promise;
    await systemClock.sleep(20);
    assert.ok(!events.includes('commit'));
    answers[index]?.();
  }
  await result;
  assert.deepEqual(events, ['rows stored', 'rejected rows stored', 'commit']);

  for (const bad of [1, 2]) {
    const failed: string[] = [];
    let puts = 0;
    const failing: SinkStore = {
      localPath: () => null,
      putFile: async () => {
        puts += 1;
        if (puts === bad) throw new Error('503 of the bucket');
      },
    };
    await assert.rejects(insert(failing, failed).result, /503 of the bucket/);
    assert.deepEqual(failed, ['abort']);
  }
});
