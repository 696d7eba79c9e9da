// Answers to begins of loads, for those whose answer got lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId, type TransactionId } from '../../../src/base/ids.ts';
import { deferred } from '../../../src/base/queue.ts';
import type { BodyLoadBegin } from '../../../src/model/body-load.ts';
import { BegunBodies } from '../../../src/roles/begun-bodies.ts';

const refusal: BodyLoadBegin = { kind: 'answer', answer: { status: 200, body: '{}' } };
const load = (id: number) =>
  ({
    kind: 'load',
    load: { begun: { transactionId: asId<TransactionId>(id) } },
  }) as unknown as BodyLoadBegin;

test('a load is found while it is begun, and until it ends', async () => {
  const begun = new BegunBodies();
  const waiting = deferred<BodyLoadBegin>();
  assert.deepEqual(begun.find('a'), { state: 'unknown' });
  const answering = begun.answer('a', () => waiting.promise);
  assert.deepEqual(begun.find('a'), { state: 'waits' });
  waiting.resolve(load(7));
  const begin = await answering;
  assert.deepEqual(begun.find('a'), { state: 'answered', begin });
  begun.ended({ transactionId: asId<TransactionId>(8) });
  assert.deepEqual(begun.find('a'), { state: 'answered', begin });
  begun.ended({ transactionId: asId<TransactionId>(7) });
  assert.deepEqual(begun.find('a'), { state: 'unknown' });
});

test('of refusals the newest are kept; what throws is not', async () => {
  const begun = new BegunBodies();
  for (let index = 0; index <= 256; index += 1)
    await begun.answer(`r${index}`, async () => refusal);
  assert.equal(begun.find('r0').state, 'unknown');
  assert.equal(begun.find('r1').state, 'answered');
  const failing = begun.answer('x', async () => {
    throw new Error('no');
  });
  await assert.rejects(failing, /no/);
  assert.equal(begun.find('x').state, 'unknown');
});

test('those of a process that is gone are forgotten, not what is being answered', async () => {
  const begun = new BegunBodies();
  await begun.answer('a', async () => load(1));
  await begun.answer('b', async () => refusal);
  const waiting = deferred<BodyLoadBegin>();
  const answering = begun.answer('c', () => waiting.promise);
  begun.clear();
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => begun.find(id).state),
    ['unknown', 'unknown', 'waits'],
  );
  waiting.resolve(refusal);
  await answering;
});

test('it is idle once each load has ended, also each of one transaction, or their process is gone', async () => {
  const begun = new BegunBodies();
  const transactionId = asId<TransactionId>(7);
  const begin = (loadId: number) =>
    begun.answer(`load ${loadId}`, async () => {
      const accepted = { begun: { transactionId }, loadId };
      return { kind: 'load', load: accepted } as unknown as BodyLoadBegin;
    });
  const watch = () => {
    const seen = { isIdle: false, idle: begun.idle() };
    seen.idle = seen.idle.then(() => {
      seen.isIdle = true;
    });
    return seen;
  };
  await begun.idle();
  for (const loadId of [1, 2]) await begin(loadId);
  const seen = watch();
  for (const loadId of [1, 1]) begun.ended({ transactionId, loadId });
  await Promise.resolve();
  assert.equal(seen.isIdle, false);
  begun.ended({ transactionId, loadId: 2 });
  await seen.idle;
  await begin(3);
  const again = watch();
  await Promise.resolve();
  assert.equal(again.isIdle, false);
  begun.clear();
  await again.idle;
});
