// Commits for tables with keys: in turn, each looked up at the head that it is committed on, once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { AppError, fail } from '../../../src/base/errors.ts';
import {
  asId,
  type Epoch,
  type JobId,
  type TableId,
  type TransactionId,
} from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { deferred } from '../../../src/base/queue.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { Catalog, NewTable } from '../../../src/catalog/catalog.ts';
import { CommitFeed } from '../../../src/commit/commit-feed.ts';
import { CatalogCommitter } from '../../../src/commit/committer.ts';
import { ResolvingCommitter } from '../../../src/commit/resolving.ts';
import { CatalogTurns, type Turn } from '../../../src/commit/turn.ts';
import {
  type CommitHooks,
  DEFAULT_COMMIT_LIMITS,
  type OtherCommit,
} from '../../../src/commit/types.ts';
import { deleteFileKey } from '../../../src/model/file-key.ts';
import type { CommitRequest, CommitResult, StagedTable } from '../../../src/model/load-plan.ts';
import type { ResolvePlan } from '../../../src/model/resolve-plan.ts';
import type { TableInfo } from '../../../src/model/table.ts';
import { CLICKS, type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';
import { openGate } from '../../support/open-gate.ts';

const KEYED: NewTable = { ...CLICKS, name: 'keyed', keysType: 'PRIMARY_KEYS' };
const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

const nextLabel = (
  (count) => (): string =>
    `label-${++count}`
)(0);

interface Setting {
  readonly fixture: Fixture;
  readonly table: TableInfo;
  readonly committer: ResolvingCommitter;
  /** What was asked of the CN, oldest first. */
  readonly plans: ResolvePlan[];
  /** Runs before the CN answers. */
  before: (plan: ResolvePlan, signal: AbortSignal) => Promise<void>;
}

class WatchedTurns extends CatalogTurns {
  readonly #onRenewed: () => void;

  constructor(catalog: Catalog, clock: Clock, onRenewed: () => void = () => undefined) {
    super(catalog, clock);
    this.#onRenewed = onRenewed;
  }

  override async renew(turn: Turn, leaseMs: number): Promise<Turn> {
    const renewed = await super.renew(turn, leaseMs);
    this.#onRenewed();
    return renewed;
  }
}

/** A CN that finds one older row of the batch's keys in every file. */
async function setUp(
  t: { after(work: () => unknown): void },
  turn: { readonly leaseMs?: number; readonly onRenewed?: () => void } = {},
): Promise<Setting> {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  const table = await catalog.tables.create(KEYED);
  const plans: ResolvePlan[] = [];
  const setting: Setting = {
    fixture,
    table,
    plans,
    before: async () => undefined,
    committer: new ResolvingCommitter({
      catalog,
      committer: fixture.committer,
      turns: new WatchedTurns(catalog, fixture.clock, turn.onRenewed),
      ...(turn.leaseMs === undefined ? {} : { leaseMs: turn.leaseMs }),
      log: silentLog,
      feed: new CommitFeed(),
      gate: openGate(catalog, fixture.clock),
      resolveMs: 60_000,
      clock: fixture.clock,
      resolve: async (plan, signal) => {
        plans.push(plan);
        await setting.before(plan, signal);
        return resolved(fixture, plan);
      },
    }),
  };
  return setting;
}

function resolved(fixture: Fixture, plan: ResolvePlan): StagedTable {
  const touched = plan.files
    .filter((file) => file.deletedRows < file.rowCount)
    .map((file) => ({
      fileId: file.id,
      positions: 1,
      newPositions: 1,
      newestPatch: file.deletes.at(-1)?.id ?? null,
      replaces: [],
    }));
  const object = {
    volumeId: fixture.volume.id,
    key: deleteFileKey(plan.target.prefix, plan.transactionId, systemRandom.uuid()),
    sizeBytes: 10,
    rowCount: touched.length,
  };
  const deletes = touched.length === 0 ? {} : { deletes: { object, touched } };
  return { ...plan.staged, ...deletes, resolvedAt: plan.version };
}

async function batch({ fixture, table }: Setting, rows: number): Promise<OtherCommit> {
  const { transactionId } = await fixture.committer.beginOther({
    label: nextLabel(),
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
  });
  const files = rows === 0 ? [] : [stagedFile(fixture, table, transactionId, rows)];
  return {
    transactionId,
    tableId: table.id,
    tables: [{ tableId: table.id, files, keyed: { deletes: null, replacedRows: 0 } }],
    rowsLoaded: rows,
    rowsFiltered: 0,
    errorSamples: [],
  };
}

async function state({ fixture, table }: Setting): Promise<readonly [number, number]> {
  const [status] = await fixture.catalog.tables.status([table.id]);
  return [present(status, 'the table').version, present(status, 'the table').rowCount];
}

test('a batch is looked up at the head and committed as the next version', async (t) => {
  const setting = await setUp(t);
  const { committer, plans } = setting;
  await committer.commitOther(await batch(setting, 10));
  assert.equal(plans.length, 0, 'an empty table holds no older rows');
  await committer.commitOther(await batch(setting, 5));
  await committer.commitOther(await batch(setting, 1));
  assert.deepEqual(
    plans.map((plan) => [plan.version, plan.files.length, plan.files[0]?.deletedRows]),
    [
      [2, 1, 0],
      [3, 2, 1],
    ],
  );
  assert.deepEqual(await state(setting), [4, 13]);
});

test('two loads at once: one after the other, the later one sees what the first one did', async (t) => {
  const setting = await setUp(t);
  const { committer, plans } = setting;
  await committer.commitOther(await batch(setting, 10));
  const arrived = deferred<void>();
  const goOn = deferred<void>();
  setting.before = async () => {
    arrived.resolve();
    await goOn.promise;
  };
  const first = committer.commitOther(await batch(setting, 2));
  await arrived.promise;
  const second = committer.commitOther(await batch(setting, 3));
  goOn.resolve();
  assert.deepEqual(
    (await Promise.all([first, second])).map((result) => result.versions[0]?.version),
    [3, 4],
  );
  assert.deepEqual(
    plans.map((plan) => plan.version),
    [2, 3],
  );
  assert.deepEqual(await state(setting), [4, 10 + 2 + 3 - 1 - 2]);
});

test('a table that moves on meanwhile, or a turn that runs out: looked at anew', async (t) => {
  const setting = await setUp(t);
  const { committer, plans, fixture, table } = setting;
  await committer.commitOther(await batch(setting, 10));
  let times = 0;
  setting.before = async () => {
    times += 1;
    if (times === 1) await fixture.committer.truncate(table.id);
  };
  assert.equal((await committer.commitOther(await batch(setting, 2))).state, 'VISIBLE');
  assert.equal(times, 1, 'after the TRUNCATE there was nothing left to look up');
  assert.deepEqual(await state(setting), [4, 2]);
  setting.before = async () => {
    times += 1;
    if (times === 2) fixture.clock.shiftMs += 100_000;
  };
  assert.equal((await committer.commitOther(await batch(setting, 3))).state, 'VISIBLE');
  assert.equal(times, 3);
  assert.equal(plans.length, 3);
  assert.deepEqual(await state(setting), [5, 4]);
});

test('the property enable_persistent_index says whether keys may be looked up through the index', async (t) => {
  const setting = await setUp(t);
  const { catalog } = setting.fixture;
  const properties = { ...KEYED.properties, enable_persistent_index: 'false' };
  const without = await catalog.tables.create({ ...KEYED, name: 'without', properties });
  for (const table of [setting.table, without]) {
    const own = { ...setting, table };
    for (const rows of [10, 2]) await setting.committer.commitOther(await batch(own, rows));
  }
  assert.deepEqual(
    setting.plans.map(({ target, useKeyIndex }) => [target.tableName, useKeyIndex]),
    [
      [KEYED.name, true],
      ['without', false],
    ],
  );
});

test('a look-up that outlasts the lease keeps the turn; nobody else comes in between', async (t) => {
  let renewed = 0;
  const longer = Promise.withResolvers<void>();
  const setting = await setUp(t, {
    leaseMs: 300,
    onRenewed: () => {
      renewed += 1;
      // Each after a third of the lease.
      if (renewed === 5) longer.resolve();
    },
  });
  const { committer, plans } = setting;
  await committer.commitOther(await batch(setting, 10));
  let looking = 0;
  setting.before = async () => {
    looking += 1;
    assert.equal(looking, 1, 'one at a time');
    await longer.promise;
    looking -= 1;
  };
  const both = [await batch(setting, 2), await batch(setting, 3)];
  for (const result of await Promise.all(both.map((request) => committer.commitOther(request)))) {
    assert.equal(result.state, 'VISIBLE');
  }
  assert.equal(plans.length, 2, 'none was looked up anew');
});

test('a look-up whose turn is lost is told to end, and begins anew under another turn', async (t) => {
  const setting = await setUp(t, { leaseMs: 300 });
  const { committer, fixture } = setting;
  await committer.commitOther(await batch(setting, 10));
  let times = 0;
  setting.before = async (_plan, signal) => {
    times += 1;
    if (times > 1) return;
    fixture.clock.shiftMs += 100_000;
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  };
  assert.equal((await committer.commitOther(await batch(setting, 2))).state, 'VISIBLE');
  assert.equal(times, 2);
});

test('a repeat after a lost answer neither looks up nor changes anything', async (t) => {
  const setting = await setUp(t);
  const { committer, plans } = setting;
  await committer.commitOther(await batch(setting, 10));
  const request = await batch(setting, 2);
  const [one, other] = await Promise.all([
    committer.commitOther(request),
    committer.commitOther(request),
  ]);
  assert.deepEqual(one, other);
  assert.deepEqual(await committer.commitOther(request), one);
  assert.equal(plans.length, 1);
  assert.deepEqual(await state(setting), [3, 11]);
});

test('a CN that fails leaves the transaction open and the turn free', async (t) => {
  const setting = await setUp(t);
  const { committer } = setting;
  await committer.commitOther(await batch(setting, 10));
  setting.before = async () => {
    throw fail('PEER_GONE', { peer: 'query process' });
  };
  const request = await batch(setting, 2);
  await assert.rejects(committer.commitOther(request), hasCode('RESOLVE_FAILED'));
  assert.equal(await committer.state(request.transactionId), null);
  setting.before = async () => undefined;
  assert.equal((await committer.commitOther(request)).state, 'VISIBLE');
  assert.deepEqual(await state(setting), [3, 11]);
});

test('a dropped table refuses the batch; rows that nobody resolved are never visible', async (t) => {
  const setting = await setUp(t);
  const { committer, fixture } = setting;
  await committer.commitOther(await batch(setting, 10));
  const direct = await batch(setting, 2);
  await assert.rejects(fixture.committer.commitOther(direct), hasCode('COMMIT_REQUEST_INVALID'));
  const request = await batch(setting, 2);
  await fixture.catalog.tables.drop(KEYED.databaseName, KEYED.name);
  assert.equal((await committer.commitOther(request)).state, 'ABORTED');
});

/** Takes part in the turns, and commits nothing. */
class HeldTurns extends CatalogCommitter {
  readonly seen: (readonly number[])[] = [];
  running = 0;
  readonly #clock: Clock;

  constructor(options: ConstructorParameters<typeof CatalogCommitter>[0], clock: Clock) {
    super(options);
    this.#clock = clock;
  }

  override async commit(
    request: CommitRequest,
    _hooks: CommitHooks,
    turns: readonly Turn[] = [],
  ): Promise<CommitResult> {
    this.running += 1;
    assert.equal(this.running, 1, 'nobody else commits to these tables meanwhile');
    await this.#clock.sleep(0);
    this.seen.push(turns.map(({ tableId }) => tableId));
    assert.ok(request.tables.every(({ resolvedAt }) => resolvedAt !== undefined));
    this.running -= 1;
    return { state: 'VISIBLE', versions: [], continueTask: true };
  }
}

test('batches of several tables take the turns in one order, however they name the tables', async (t) => {
  const { fixture, table } = await setUp(t);
  const { catalog } = fixture;
  const second = await catalog.tables.create({ ...KEYED, name: 'second' });
  const third = await catalog.tables.create({ ...KEYED, name: 'third' });
  const inner = new HeldTurns(
    { catalog, limits: DEFAULT_COMMIT_LIMITS, rejectedTable: asId<TableId>(1) },
    fixture.clock,
  );
  const committer = new ResolvingCommitter({
    catalog,
    committer: inner,
    turns: new CatalogTurns(catalog, fixture.clock),
    log: silentLog,
    feed: new CommitFeed(),
    gate: openGate(catalog, fixture.clock),
    resolveMs: 60_000,
    clock: fixture.clock,
    resolve: async (plan) => resolved(fixture, plan),
  });
  const all = [table, second, third];
  const orders = [all, [third, second, table], [second, third, table], [third, table, second]];
  const requests = orders.map((tables, index): CommitRequest => {
    const transactionId = asId<TransactionId>(900_000 + index);
    return {
      transactionId,
      taskId: 'task',
      epoch: asId<Epoch>(1),
      jobId: asId<JobId>(1),
      tables: tables.map((one) => ({
        tableId: one.id,
        files: [stagedFile(fixture, one, transactionId, 1)],
        keyed: { deletes: null, replacedRows: 0 },
      })),
      progress: [],
      executeMs: 1,
      errorSamples: [],
    };
  });
  const hooks: CommitHooks = { onCommit: async () => ({ continueTask: true }) };
  await Promise.all(requests.map((request) => committer.commit(request, hooks)));
  const order = all.map(({ id }) => id).sort((a, b) => a - b);
  assert.deepEqual(
    inner.seen,
    orders.map(() => order),
  );
});
