// Which INSERTs share a transaction, and that what happens to one of them never hurts the others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, fail } from '../../../../src/base/errors.ts';
import { asId, type TransactionId, type VolumeId } from '../../../../src/base/ids.ts';
import { type Deferred, deferred } from '../../../../src/base/queue.ts';
import type { InsertRequest, InsertResult } from '../../../../src/loads/insert/service.ts';
import { type GroupSteps, InsertGroups } from '../../../../src/loads/merge/insert-groups.ts';
import type { InsertPlan, StagedInsert } from '../../../../src/model/insert-plan.ts';
import type { BegunTransaction } from '../../../../src/model/load-plan.ts';
import { openMetrics } from '../../../../src/telemetry/metrics.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { storedTable } from '../../query/harness.ts';

const INT = { kind: 'INT' } as const;
const found = storedTable('t', { a: INT });
assert(found.kind === 'stored');
const TABLE = found.info;

/** What was asked of the world, in order, and how its answers are held back. */
class World implements GroupSteps<BegunTransaction> {
  readonly log: string[] = [];
  readonly staging: Deferred<StagedInsert | 'good'>[] = [];
  holdBegin: Deferred<void> | null = null;
  holdCommit: Deferred<void> | null = null;
  #transactions = 0;
  readonly clock = new ManualClock();
  readonly metrics = openMetrics();
  readonly groups = new InsertGroups(this, this);

  async begin(_: InsertRequest, signal: AbortSignal): Promise<BegunTransaction> {
    this.#transactions += 1;
    const transactionId = asId<TransactionId>(this.#transactions);
    this.log.push(`begin ${transactionId}`);
    await this.holdBegin?.promise;
    signal.throwIfAborted();
    return { transactionId, label: `insert_${transactionId}`, volumeId: asId<VolumeId>(1) };
  }

  async stage(
    { parts, group }: InsertPlan,
    { transactionId }: BegunTransaction,
    signal: AbortSignal,
  ): Promise<StagedInsert> {
    const [part] = parts;
    assert(part?.kind === 'rows');
    const values = part.rows.map(([value]) => value).join(' ');
    const each = group === undefined ? '' : ` of ${group.join('+')}`;
    this.log.push(`stage ${transactionId}: ${values}${each}`);
    if (group !== undefined) {
      assert.deepEqual(part.ordinals, [...part.rows.keys()], 'the order of arrival is kept');
    }
    const held = deferred<StagedInsert | 'good'>();
    this.staging.push(held);
    signal.addEventListener('abort', () => held.reject(signal.reason));
    const answer = await held.promise;
    const rowsLoaded = part.rows.length;
    return answer === 'good'
      ? { tables: [], rowsLoaded, rowsFiltered: 0, errorSamples: [] }
      : answer;
  }

  async commit(_: InsertRequest, begun: BegunTransaction, staged: StagedInsert): Promise<void> {
    await this.holdCommit?.promise;
    this.log.push(`commit ${begun.transactionId}: ${staged.rowsLoaded}`);
  }

  async abort({ transactionId }: BegunTransaction): Promise<void> {
    this.log.push(`abort ${transactionId}`);
  }

  async alone({ plan }: InsertRequest): Promise<InsertResult> {
    const [part] = plan.parts;
    const value = part?.kind === 'rows' ? part.rows[0]?.[0] : 'query';
    this.log.push(`alone: ${value}`);
    if (value === 'bad') throw fail('INSERT_FILTERED', { filtered: 1, rows: 1 });
    const transactionId = asId<TransactionId>(1000);
    return { label: 'alone', transactionId, rowsLoaded: 1, rowsFiltered: 0, errorSamples: [] };
  }

  /** Sends an INSERT of single values; `rows` of the plan are these. */
  insert(values: readonly string[], more: Partial<InsertRequest> = {}, plan: object = {}) {
    const part = { kind: 'rows', types: [INT], rows: values.map((value) => [value]) } as const;
    const target = { tableId: TABLE.id };
    const whole = { target, userName: 'u', timeoutMs: 1000, outputs: [], parts: [part], ...plan };
    const { signal } = new AbortController();
    const request = { table: TABLE, label: null, mayJoin: true, signal, ...more };
    const joined = this.groups.join({ ...request, plan: whole as unknown as InsertPlan });
    assert(joined !== null, 'groups are for it');
    const answer = joined.then(
      ({ label, rowsLoaded, rowsFiltered, errorSamples }) =>
        `${label}: ${rowsLoaded}${rowsFiltered === 0 ? '' : `, ${rowsFiltered} filtered: ${errorSamples}`}`,
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
    return answer;
  }

  /** The next staging ends. */
  async staged(how: StagedInsert | AppError | 'good' = 'good'): Promise<void> {
    await settle();
    const held = this.staging.shift();
    assert(held !== undefined, 'something is staged');
    if (how instanceof AppError) held.reject(how);
    else held.resolve(how);
    await settle();
  }
}

/** Lets everything go on that waits for nothing but turns of the loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('a lone statement goes at once; those that come meanwhile share the next transaction, in order', async () => {
  const world = new World();
  const one = world.insert(['1']);
  await settle();
  assert.deepEqual(world.log, ['begin 1', 'stage 1: 1']);
  const others = [world.insert(['2']), world.insert(['3', '4']), world.insert(['5'])];
  await world.staged();
  assert.equal(await one, 'insert_1: 1');
  await world.staged();
  assert.deepEqual(await Promise.all(others), ['insert_2: 1', 'insert_2: 2', 'insert_2: 1']);
  assert.deepEqual(world.log.slice(2), [
    'commit 1: 1',
    'begin 2',
    'stage 2: 2 3 4 5 of 1+2+1',
    'commit 2: 4',
  ]);
  const text = await world.metrics.text();
  assert.match(text, /insert_group_statements_sum 4/);
  assert.match(text, /insert_group_statements_count 2/);
});

test('the answer of a lone statement has its rejected rows', async () => {
  const world = new World();
  const one = world.insert(['1', '2', '3']);
  await world.staged({ tables: [], rowsLoaded: 1, rowsFiltered: 2, errorSamples: ['why'] });
  assert.equal(await one, 'insert_1: 1, 2 filtered: why');
});

test('an answer comes only after the commit', async () => {
  const world = new World();
  world.holdCommit = deferred();
  let answered = false;
  const one = world.insert(['1']).then(() => {
    answered = true;
  });
  await world.staged();
  assert.equal(answered, false);
  world.holdCommit.resolve();
  await one;
});

test('other rules, users and tables are other groups, and go side by side', async () => {
  const world = new World();
  void world.insert(['1']);
  void world.insert(['2'], {}, { userName: 'other' });
  void world.insert(['3'], {}, { strictMode: true });
  void world.insert(['4'], {}, { target: { tableId: 77 } });
  void world.insert(
    ['5'],
    {},
    { outputs: [{ column: TABLE.schema.columns[0], from: { kind: 'uuid' } }] },
  );
  await settle();
  assert.equal(world.staging.length, 5);
});

test('labels, queries, OVERWRITE and statements of many rows are for no group', () => {
  const { groups } = new World();
  const join = (more: object, plan: object = {}): unknown =>
    groups.join({
      table: TABLE,
      label: null,
      mayJoin: true,
      signal: new AbortController().signal,
      plan: {
        target: {},
        outputs: [],
        parts: [{ kind: 'rows', types: [INT], rows: [['1']] }],
        ...plan,
      },
      ...more,
    } as unknown as InsertRequest);
  assert.equal(join({ label: 'mine' }), null);
  assert.equal(join({ mayJoin: false }), null);
  assert.equal(join({ overwrite: true }), null);
  assert.equal(join({}, { parts: [{ kind: 'query' }] }), null);
  const part = { kind: 'rows', types: [INT] };
  assert.equal(join({}, { parts: [part, part] }), null);
  const many = Array.from({ length: 1001 }, () => ['1']);
  assert.equal(join({}, { parts: [{ ...part, rows: many }] }), null);
  assert.equal(join({}, { parts: [{ ...part, rows: [['x'.repeat(300_000)]] }] }), null);
});

test('a group is bounded in statements, and the others make the next one', async () => {
  const world = new World();
  void world.insert(['first']);
  await settle();
  const many = Array.from({ length: 2_500 }, (_, i) => world.insert([String(i)]));
  await world.staged();
  await world.staged();
  await world.staged();
  await Promise.all(many);
  const committed = world.log.filter((line) => line.startsWith('commit'));
  assert.deepEqual(committed, ['commit 1: 1', 'commit 2: 2000', 'commit 3: 500']);
});

test('a statement with a bad row runs alone and fails alone', async () => {
  const world = new World();
  void world.insert(['first']);
  await settle();
  const answers = [world.insert(['2']), world.insert(['bad']), world.insert(['3'])];
  await world.staged();
  await world.staged({
    tables: [],
    rowsLoaded: 2,
    rowsFiltered: 0,
    errorSamples: [],
    fellOut: [1],
  });
  assert.deepEqual(await Promise.all(answers), ['insert_2: 1', 'INSERT_FILTERED', 'insert_2: 1']);
  assert.deepEqual(world.log.slice(5), ['alone: bad', 'commit 2: 2']);
});

test('where every statement is bad the transaction is aborted', async () => {
  const world = new World();
  void world.insert(['first']);
  await settle();
  const answers = [world.insert(['bad']), world.insert(['bad'])];
  await world.staged();
  await world.staged({
    tables: [],
    rowsLoaded: 0,
    rowsFiltered: 0,
    errorSamples: [],
    fellOut: [0, 1],
  });
  assert.deepEqual(await Promise.all(answers), ['INSERT_FILTERED', 'INSERT_FILTERED']);
  assert.equal(world.log.at(-1), 'abort 2');
});

test('an error that may be one statement’s own has each run alone; a lost CN fails all, and only those of the group', async () => {
  const world = new World();
  void world.insert(['first']);
  await settle();
  const mixed = [world.insert(['2']), world.insert(['bad'])];
  await world.staged();
  await world.staged(fail('LIMIT_EXCEEDED', { what: 'x', actual: 2, limit: 1 }));
  assert.deepEqual(await Promise.all(mixed), ['alone: 1', 'INSERT_FILTERED']);
  void world.insert(['first again']);
  await settle();
  const lost = [world.insert(['4']), world.insert(['5'])];
  await world.staged();
  await settle();
  const next = world.insert(['6']);
  await world.staged(fail('PEER_GONE', { peer: 'query' }));
  assert.deepEqual(await Promise.all(lost), ['PEER_GONE', 'PEER_GONE']);
  await world.staged();
  assert.match(await next, /^insert_\d+: 1$/);
});

test('one that cannot begin fails those that wait for it', async () => {
  const world = new World();
  const { signal } = new AbortController();
  world.holdBegin = deferred();
  const answers = [world.insert(['1'], { signal }), world.insert(['2'])];
  await settle();
  world.holdBegin.reject(fail('LEADER_LOST'));
  assert.deepEqual(await Promise.all(answers), ['LEADER_LOST', 'LEADER_LOST']);
});

test('a statement that is cancelled while it waits is not in the group', async () => {
  const world = new World();
  void world.insert(['first']);
  await settle();
  const killed = new AbortController();
  const answers = [world.insert(['2'], { signal: killed.signal }), world.insert(['3'])];
  killed.abort(fail('CANCELLED'));
  assert.equal(await answers[0], 'CANCELLED');
  await world.staged();
  await world.staged();
  assert.equal(await answers[1], 'insert_2: 1');
  assert.deepEqual(world.log.slice(3), ['begin 2', 'stage 2: 3', 'commit 2: 1']);
  await assert.rejects(
    world.groups.join({
      table: TABLE,
      label: null,
      mayJoin: true,
      signal: killed.signal,
      plan: {
        target: { tableId: TABLE.id },
        outputs: [],
        parts: [{ kind: 'rows', types: [INT], rows: [['1']] }],
      } as unknown as InsertPlan,
    }) ?? Promise.resolve(),
  );
});

test('a statement that is cancelled while its group is staged: nothing of it is committed, the others are', async () => {
  const world = new World();
  void world.insert(['first']);
  await settle();
  const killed = new AbortController();
  const answers = [world.insert(['2']), world.insert(['3'], { signal: killed.signal })];
  await world.staged();
  killed.abort(fail('CANCELLED'));
  assert.equal(await answers[1], 'CANCELLED');
  await world.staged();
  await world.staged();
  assert.equal(await answers[0], 'insert_3: 1');
  assert.deepEqual(world.log.slice(4), [
    'stage 2: 2 3 of 1+1',
    'abort 2',
    'begin 3',
    'stage 3: 2',
    'commit 3: 1',
  ]);
});

test('where all of a group were cancelled its work ends at once, and the next group goes on', async () => {
  const world = new World();
  const killed = new AbortController();
  const { signal } = killed;
  const one = world.insert(['1'], { signal });
  await settle();
  killed.abort(fail('CANCELLED'));
  assert.equal(await one, 'CANCELLED');
  world.staging.shift();
  const next = world.insert(['2']);
  await world.staged();
  assert.equal(await next, 'insert_2: 1');
});

test('who comes while the work of those that left ends is not told of their end', async () => {
  const world = new World();
  const killed = new AbortController();
  world.holdBegin = deferred();
  const one = world.insert(['1'], { signal: killed.signal });
  await settle();
  killed.abort(fail('CANCELLED'));
  assert.equal(await one, 'CANCELLED');
  const next = world.insert(['2']);
  const { holdBegin } = world;
  world.holdBegin = null;
  holdBegin.resolve();
  await world.staged();
  assert.equal(await next, 'insert_2: 1');
});

test('a group that is slow no longer keeps the next one waiting; so many at once and no more', async () => {
  const world = new World();
  void world.insert(['stuck'], {}, { timeoutMs: 60_000 });
  await settle();
  const next = world.insert(['2'], {}, { timeoutMs: 60_000 });
  await world.clock.advance(999);
  await settle();
  assert.equal(world.staging.length, 1);
  await world.clock.advance(1);
  await settle();
  const stuck = world.staging.shift();
  await world.staged();
  assert.equal(await next, 'insert_2: 1');
  const more = Array.from({ length: 12 }, async (_, i) => {
    await world.clock.advance(1000);
    return world.insert([`more ${i}`], {}, { timeoutMs: 60_000 });
  });
  for (let i = 0; i < 12; i += 1) {
    await world.clock.advance(1000);
    await settle();
  }
  assert(world.staging.length <= 7, `${world.staging.length} beside the one that is stuck`);
  while (world.staging.length > 0) await world.staged();
  for (const answer of await Promise.all(more)) assert.match(answer, /insert_\d+: 1/);
  stuck?.resolve('good');
});

test('the time of a statement counts from its arrival', async () => {
  const world = new World();
  void world.insert(['first'], {}, { timeoutMs: 100_000, outputs: [] });
  await settle();
  const quick = world.insert(['2'], {}, { timeoutMs: 500 });
  await settle();
  const waits = world.insert(['3'], {}, { timeoutMs: 500 });
  await world.clock.advance(501);
  assert.deepEqual(await Promise.all([quick, waits]), ['TIMEOUT', 'TIMEOUT']);
});

test('a statement that is alone in its group has the numbers that it was staged with', async () => {
  const world = new World();
  const part = { kind: 'rows', types: [INT], rows: [['1'], ['x'], ['y']] } as const;
  const plan = { target: { tableId: TABLE.id }, outputs: [], parts: [part], timeoutMs: 1000 };
  const { signal } = new AbortController();
  const answer = world.groups.join({
    table: TABLE,
    label: null,
    mayJoin: true,
    signal,
    plan: plan as unknown as InsertPlan,
  });
  assert(answer !== null);
  const staged = { tables: [], rowsLoaded: 1, rowsFiltered: 2, errorSamples: ['Error: x'] };
  await world.staged(staged);
  const { rowsLoaded, rowsFiltered, errorSamples } = await answer;
  assert.deepEqual([rowsLoaded, rowsFiltered, errorSamples], [1, 2, ['Error: x']]);
});
