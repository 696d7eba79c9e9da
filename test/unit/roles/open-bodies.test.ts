// When no body is on its way any more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId, type TransactionId, type VolumeId } from '../../../src/base/ids.ts';
import type { AcceptedLoad } from '../../../src/model/body-load.ts';
import type { BodyLoadPlan } from '../../../src/model/load-plan.ts';
import { OpenBodies } from '../../../src/roles/open-bodies.ts';

const ID = asId<TransactionId>(7);

function loadOf(loadId?: number): AcceptedLoad {
  const begun = { transactionId: ID, label: 'l', volumeId: asId<VolumeId>(1) };
  const which = loadId === undefined ? {} : { loadId };
  return { plan: {} as BodyLoadPlan, begun, timeoutMs: 1, ...which };
}

test('it waits for each load, also for several of one transaction, and for none of a process that is gone', async () => {
  const open = new OpenBodies();
  await open.idle();
  for (const load of [loadOf(), loadOf(1), loadOf(2)]) open.begun(load);
  let isIdle = false;
  const idle = open.idle().then(() => {
    isIdle = true;
  });
  const outcome = { kind: 'failed', error: {} as never, counts: {} as never } as const;
  for (const which of [{}, { loadId: 1 }, { loadId: 1 }]) {
    open.ended({ transactionId: ID, outcome, ...which });
    await Promise.resolve();
    assert.equal(isIdle, false);
  }
  open.ended({ transactionId: ID, outcome, loadId: 2 });
  await idle;
  open.begun(loadOf(3));
  let isCleared = false;
  const again = open.idle().then(() => {
    isCleared = true;
  });
  await Promise.resolve();
  assert.equal(isCleared, false);
  open.clear();
  await again;
});
