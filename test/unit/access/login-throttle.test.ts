// Guessing gets slow, for the guesser only; the right password works after it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginThrottle } from '../../../src/access/login-throttle.ts';
import { AppError, fail } from '../../../src/base/errors.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const wrong = async (): Promise<never> => {
  throw fail('ACCESS_DENIED', { user: 'u', host: 'h', usingPassword: 'YES' });
};
const right = async (): Promise<'in'> => 'in';

const hasCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

/** Tries once; how long it waited, in ms. */
async function attempt(
  throttle: LoginThrottle,
  clock: ManualClock,
  work: () => Promise<unknown>,
  user = 'u',
): Promise<number> {
  const startMs = clock.monotonicMs();
  let endMs: number | undefined;
  const done = throttle.run(user, 'h', work).then(
    () => {
      endMs = clock.monotonicMs();
    },
    (error: unknown) => {
      endMs = clock.monotonicMs();
      assert.ok(hasCode('ACCESS_DENIED')(error), String(error));
    },
  );
  await clock.advance(0);
  while (endMs === undefined) await clock.advance(10);
  await done;
  return endMs - startMs;
}

test('three failures are free, then each waits longer, up to a limit', async () => {
  const clock = new ManualClock();
  const throttle = new LoginThrottle(clock);
  const waits: number[] = [];
  for (let i = 0; i < 12; i += 1) waits.push(await attempt(throttle, clock, wrong));
  assert.deepEqual(waits.slice(0, 4), [0, 0, 0, 0]);
  assert.deepEqual(waits.slice(4), [50, 100, 200, 400, 800, 1600, 2000, 2000]);
  // The right password waits once more and then all is forgotten.
  assert.equal(await attempt(throttle, clock, right), 2000);
  assert.equal(throttle.size, 0);
  assert.equal(await attempt(throttle, clock, right), 0);
});

test('others do not wait, and errors that are no refusal do not count', async () => {
  const clock = new ManualClock();
  const throttle = new LoginThrottle(clock);
  for (let i = 0; i < 10; i += 1) await attempt(throttle, clock, wrong);
  assert.equal(await attempt(throttle, clock, right, 'other'), 0);
  await assert.rejects(
    throttle.run('third', 'h', async () => {
      throw fail('CANCELLED');
    }),
    hasCode('CANCELLED'),
  );
  assert.equal(throttle.size, 1);
});

test('attempts side by side take turns; too many at once are refused unheard', async () => {
  const clock = new ManualClock();
  const throttle = new LoginThrottle(clock);
  for (let i = 0; i < 10; i += 1) await attempt(throttle, clock, wrong);
  let made = 0;
  const many = Array.from({ length: 50 }, () =>
    throttle.run('u', 'h', async () => {
      made += 1;
      return wrong();
    }),
  );
  const settled = Promise.allSettled(many);
  await clock.advance(0);
  assert.equal(made, 0);
  await clock.advance(2000);
  assert.equal(made, 1);
  await clock.advance(60_000);
  const results = await settled;
  assert.equal(made, 4);
  const refused = results.filter(
    (one) => one.status === 'rejected' && hasCode('TOO_MANY_LOGIN_FAILURES')(one.reason),
  );
  assert.equal(refused.length, 46);
  assert.equal(clock.timers, 0);
});

test('memory is bounded, and failures are forgotten after a while', async () => {
  const clock = new ManualClock();
  const throttle = new LoginThrottle(clock);
  for (let i = 0; i < 20_000; i += 1) {
    await assert.rejects(throttle.run(`user${i}`, 'h', wrong));
  }
  assert.equal(throttle.size, 10_000);
  for (let i = 0; i < 10; i += 1) await attempt(throttle, clock, wrong);
  await clock.advance(16 * 60_000);
  assert.equal(await attempt(throttle, clock, right), 0);
});
