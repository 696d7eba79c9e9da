import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { deferred, Mutex, orAborted, Semaphore, settledWithin } from '../../../src/base/queue.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('a mutex keeps the order and goes on after a failure', async () => {
  const mutex = new Mutex();
  const seen: number[] = [];
  const failed = mutex.run(async () => {
    seen.push(1);
    throw new Error('no');
  });
  const next = mutex.run(async () => seen.push(2));
  await assert.rejects(failed, /no/);
  await next;
  assert.deepEqual(seen, [1, 2]);
});

test('a semaphore lets so many in, the rest in order, also after failures', async () => {
  const semaphore = new Semaphore(2);
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  const work = Array.from({ length: 8 }, (_, index) =>
    semaphore.run(async () => {
      inside += 1;
      most = Math.max(most, inside);
      order.push(index);
      await systemClock.sleep(1);
      inside -= 1;
      if (index % 3 === 0) throw new Error('no');
    }),
  );
  assert.equal(semaphore.waiting, 6);
  await Promise.allSettled(work);
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(await semaphore.run(async () => 'free'), 'free');
});

test('settledWithin waits no longer than it says and leaves no timer', async () => {
  const clock = new ManualClock();
  assert.equal(await settledWithin(clock, Promise.resolve(), 1000), true);
  assert.equal(clock.timers, 0);
  const waiting = settledWithin(clock, deferred<void>().promise, 1000);
  await clock.advance(1000);
  assert.equal(await waiting, false);
  assert.equal(clock.timers, 0);
});

test('orAborted gives the result, or the reason at once', async () => {
  const abort = new AbortController();
  assert.equal(await orAborted(Promise.resolve(1), abort.signal), 1);
  const late = deferred<number>();
  const waiting = orAborted(late.promise, abort.signal);
  abort.abort(new Error('killed'));
  await assert.rejects(waiting, /killed/);
  await assert.rejects(orAborted(Promise.resolve(1), abort.signal), /killed/);
  late.reject(new Error('nobody hears this'));
});

test('a timer longer than the runtime takes does not fire at once', async () => {
  let fired = false;
  const timer = systemClock.after(2 ** 40, () => {
    fired = true;
  });
  await systemClock.sleep(20);
  timer.cancel();
  assert.equal(fired, false);
});
