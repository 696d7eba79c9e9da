// How many transactions may run at once: of a database, and of loads with bodies on one compute node.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import type { TransactionId } from '../../../src/base/ids.ts';
import type { TransactionSource } from '../../../src/catalog/transactions.ts';
import { beginSeveral } from '../../../src/commit/staged-loads.ts';
import type { RunningLimits } from '../../../src/commit/take-label.ts';
import { type Fixture, grant, openFixture } from '../../support/catalog-fixture.ts';

interface Rig extends Fixture {
  /** Holds from the next transaction on. */
  limits: RunningLimits;
}

async function openRig(t: TestContext, given: Partial<RunningLimits>): Promise<Rig> {
  const holder = { limits: { perDatabase: 1000, perNode: -1, ...given } };
  const fixture = await openFixture(t, { limits: { running: () => holder.limits } });
  return Object.defineProperty(fixture as Rig, 'limits', {
    get: () => holder.limits,
    set: (limits: RunningLimits) => {
      holder.limits = limits;
    },
  });
}

async function begin(
  rig: Rig,
  label: string,
  source: TransactionSource = 'BACKEND_STREAMING',
  coordinator = 'CN: cn-1',
): Promise<TransactionId> {
  const { databaseId, id: tableId } = rig.table;
  const load = { label, databaseId, tableId, source, coordinator };
  return (await rig.committer.beginOther(load)).transactionId;
}

function message(text: string) {
  return (error: unknown): boolean => error instanceof AppError && error.fullMessage === text;
}

test('of a database: one more is refused in StarRocks words, until one ends', async (t) => {
  const rig = await openRig(t, { perDatabase: 2 });
  const { databaseId } = rig.table;
  const first = await begin(rig, 'one');
  await begin(rig, 'two', 'INSERT_STREAMING', 'FE: me');
  const full = message(`current running txns on db ${databaseId} is 2, larger than limit 2`);
  await assert.rejects(begin(rig, 'three'), full);
  await assert.rejects(begin(rig, 'three', 'DELETE'), full);
  // Nothing of it is left: neither a transaction nor the label.
  assert.equal(await rig.catalog.transactions.byLabel(databaseId, 'three'), null);
  assert.deepEqual(await rig.catalog.transactions.count(databaseId), { running: 2, finished: 0 });
  // Who asks again with a label hears of the label.
  await assert.rejects(begin(rig, 'two'), /Label \[two\] has already been used/);
  rig.limits = { perDatabase: 3, perNode: -1 };
  const third = await begin(rig, 'three');
  await assert.rejects(begin(rig, 'four'), /is 3, larger than limit 3/);
  rig.limits = { perDatabase: 2, perNode: -1 };
  await rig.committer.abort(third, 'enough');
  await assert.rejects(begin(rig, 'four'), full);
  await rig.committer.abort(first, 'enough');
  await begin(rig, 'four');
});

test('tasks of Routine Load, compactions and the own work of the server neither count nor wait', async (t) => {
  const rig = await openRig(t, { perDatabase: 1 });
  const lease = await grant(rig, 't1');
  const task = { taskId: lease.taskId, epoch: lease.epoch, coordinator: 'CN: cn-1' };
  for (const label of ['task 1', 'task 2']) await rig.committer.begin({ ...task, label });
  await begin(rig, 'compaction', 'LAKE_COMPACTION');
  await begin(rig, 'rewrite', 'FRONTEND');
  await begin(rig, 'one');
  await rig.committer.begin({ ...task, label: 'task 3' });
  await begin(rig, 'compaction 2', 'LAKE_COMPACTION');
  await assert.rejects(begin(rig, 'two'), /is 1, larger than limit 1/);
});

test('of a compute node: Stream Loads and their transactions, over all databases', async (t) => {
  const rig = await openRig(t, { perNode: 2 });
  await rig.catalog.databases.create({ name: 'other', volumeName: null, properties: {} });
  const other = await rig.catalog.databases.get('other');
  const several = async (label: string, coordinator: string): Promise<void> =>
    beginSeveral(
      rig.catalog,
      {
        transactionId: await rig.catalog.begins.reserveTransactionId(),
        label,
        databaseId: other.id,
        tableId: null,
        source: 'MULTI_STATEMENT_STREAMING',
        scope: 'CLIENT',
        coordinator,
        userName: 'ada',
        timeoutMs: 60_000,
        idleTimeoutMs: null,
        channels: 0,
      },
      rig.limits,
    );
  const first = await begin(rig, 'one');
  await several('two', 'CN: cn-1');
  const full = message('streamload txn num per be exceeds limit, be: cn-1, txn_num: 2, limit: 2');
  await assert.rejects(begin(rig, 'three'), full);
  await assert.rejects(several('three', 'CN: cn-1'), full);
  // SOURCE: StarRocks FE, loadTxnBegin: this limit is looked at before the label.
  await assert.rejects(begin(rig, 'one'), full);
  await begin(rig, 'insert', 'INSERT_STREAMING');
  await several('elsewhere', 'CN: cn-2');
  await rig.committer.abort(first, 'enough');
  await begin(rig, 'three');
  rig.limits = { perDatabase: 1000, perNode: 0 };
  await assert.rejects(
    begin(rig, 'four', 'BACKEND_STREAMING', 'CN: cn-3'),
    /txn_num: 0, limit: 0$/,
  );
});
