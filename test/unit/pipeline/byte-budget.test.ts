// The byte budget: readers wait while it is full, go on in order, and leave when told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../src/base/errors.ts';
import { ByteBudget } from '../../../src/pipeline/byte-budget.ts';

test('a full budget holds readers back until something is given back', async () => {
  const budget = new ByteBudget(100);
  const { signal } = new AbortController();
  await budget.room(signal);
  const giveBack = budget.take(150);
  const order: number[] = [];
  const first = budget.room(signal).then(() => order.push(1));
  const second = budget.room(signal).then(() => order.push(2));
  await Promise.resolve();
  assert.deepEqual(order, []);
  giveBack();
  giveBack();
  await Promise.all([first, second]);
  assert.deepEqual(order, [1, 2]);
  assert.equal(budget.usedBytes, 0);
});

test('an aborted wait is forgotten', async () => {
  const budget = new ByteBudget(1);
  const giveBack = budget.take(1);
  const stop = new AbortController();
  const waiting = budget.room(stop.signal);
  stop.abort(fail('CANCELLED'));
  await assert.rejects(waiting, /interrupted/);
  giveBack();
  await budget.room(new AbortController().signal);
});
