// The one try of an INSERT: every failure before the commit aborts, a lost answer of the commit is resolved.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { AppError, fail } from '../../../../src/base/errors.ts';
import { asId, type TransactionId, type VolumeId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { Inserts, type InsertsOptions } from '../../../../src/loads/insert/service.ts';
import type { InsertPlan, StagedInsert } from '../../../../src/model/insert-plan.ts';
import type { LoadFacts } from '../../../../src/model/load-facts.ts';
import type { CommitResult } from '../../../../src/model/load-plan.ts';
import { openMetrics } from '../../../../src/telemetry/metrics.ts';
import { storedTable } from '../../query/harness.ts';

const ID = asId<TransactionId>(7);
const VISIBLE: CommitResult = { state: 'VISIBLE', versions: [], continueTask: false };
const ABORTED: CommitResult = { state: 'ABORTED', versions: [], continueTask: false };
const STAGED: StagedInsert = { tables: [], rowsLoaded: 3, rowsFiltered: 1, errorSamples: [] };

interface Seams {
  readonly stage?: () => Promise<StagedInsert>;
  readonly commit?: () => Promise<CommitResult>;
  readonly state?: () => Promise<CommitResult | null>;
  readonly abort?: () => Promise<CommitResult>;
}

function run(seams: Seams, signal: AbortSignal = new AbortController().signal) {
  const aborted: string[] = [];
  const told: LoadFacts[] = [];
  const table = storedTable('t', { a: { kind: 'INT' } });
  assert(table.kind === 'stored');
  const committer: InsertsOptions['committer'] = {
    beginOther: async ({ label }) => ({ transactionId: ID, label, volumeId: asId<VolumeId>(1) }),
    commitOther: async ({ facts }) => {
      if (facts !== undefined) told.push(facts);
      return (await seams.commit?.()) ?? VISIBLE;
    },
    state: seams.state ?? (async () => null),
    abort: async (_id, reason, facts) => {
      aborted.push(reason);
      if (facts !== undefined) told.push(facts);
      return (await seams.abort?.()) ?? ABORTED;
    },
  };
  const inserts = new Inserts({
    committer,
    stage: seams.stage ?? (async () => STAGED),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: openMetrics(),
    coordinator: 'FE: me',
  });
  const rules = { timeoutMs: 1000, strictMode: true, maxFilterRatio: 0.5 };
  const plan = { userName: 'root', ...rules, target: {} } as InsertPlan;
  return { aborted, told, result: inserts.run({ table: table.info, plan, label: null, signal }) };
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('a label of its own, and the numbers of the CN', async () => {
  const { result, aborted } = run({});
  const { label, rowsLoaded, rowsFiltered, transactionId } = await result;
  assert.match(label, /^insert_[0-9a-f-]{36}$/);
  assert.deepEqual([rowsLoaded, rowsFiltered, transactionId, aborted.length], [3, 1, ID, 0]);
});

test('what the CN throws aborts the transaction and reaches the client, also when aborting fails', async () => {
  const stage = async (): Promise<StagedInsert> => {
    throw fail('PEER_GONE', { peer: 'query' });
  };
  const one = run({ stage });
  await assert.rejects(one.result, hasCode('PEER_GONE'));
  assert.equal(one.aborted.length, 1);
  const abort = async (): Promise<CommitResult> => {
    throw fail('METADATA_UNAVAILABLE', { detail: 'x' });
  };
  await assert.rejects(run({ stage, abort }).result, hasCode('PEER_GONE'));
});

test('a killed statement aborts at once, though the CN has not answered', async () => {
  const killed = new AbortController();
  const { promise } = Promise.withResolvers<StagedInsert>();
  const { result, aborted } = run({ stage: () => promise }, killed.signal);
  killed.abort(fail('CANCELLED'));
  await assert.rejects(result, hasCode('CANCELLED'));
  assert.equal(aborted.length, 1);
});

test('a commit whose answer got lost counts when the transaction is visible', async () => {
  const commit = async (): Promise<CommitResult> => {
    throw fail('METADATA_UNAVAILABLE', { detail: 'x' });
  };
  const lost = run({ commit, state: async () => VISIBLE });
  assert.equal((await lost.result).rowsLoaded, 3);
  assert.equal(lost.aborted.length, 0);
  // Nobody could tell, until it was to be aborted.
  const late = run({ commit, abort: async () => VISIBLE });
  assert.equal((await late.result).rowsLoaded, 3);
  const failed = run({ commit });
  await assert.rejects(failed.result, hasCode('METADATA_UNAVAILABLE'));
  assert.equal(failed.aborted.length, 1);
});

test('a commit that ends as ABORTED is an error', async () => {
  await assert.rejects(run({ commit: async () => ABORTED }).result, hasCode('INSERT_ABORTED'));
});

test('its transaction tells what it did, or how far it came and why it failed', async () => {
  const good = run({});
  await good.result;
  const properties = { strict_mode: 'true', max_filter_ratio: '0.5', timeout: '1' };
  assert.partialDeepStrictEqual(good.told, [
    { loadType: 'INSERT', rowsLoaded: 3, rowsFiltered: 1, properties, bodyBytes: 0 },
  ]);
  assert.equal(good.told[0]?.errorCode, undefined);
  const fields = {
    mode: '',
    transactionId: 7,
    filtered: 2,
    rows: 3,
    samples: 'Error: bad',
    log: '["Error: bad","Error: worse"]',
  };
  const bad = run({
    stage: async () => {
      throw fail('INSERT_FILTERED', fields);
    },
  });
  await assert.rejects(bad.result, hasCode('INSERT_FILTERED'));
  assert.partialDeepStrictEqual(bad.told, [
    {
      rowsLoaded: 0,
      rowsFiltered: 2,
      errorSamples: ['Error: bad', 'Error: worse'],
      errorCode: 'INSERT_FILTERED',
      properties,
    },
  ]);
  const lost = run({
    stage: async () => {
      throw fail('PEER_GONE', { peer: 'query' });
    },
  });
  await assert.rejects(lost.result, hasCode('PEER_GONE'));
  assert.partialDeepStrictEqual(lost.told, [{ rowsFiltered: 0, errorCode: 'PEER_GONE' }]);
});
