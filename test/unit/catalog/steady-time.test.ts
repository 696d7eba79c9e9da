// The database's time is the clock's, never steps back, and goes on, slower, while the clock is behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steadyTime } from '../../../src/catalog/steady-time.ts';

test('time follows the clock, and goes on at half its speed after the clock was set back', () => {
  let [wallMs, passedMs] = [1_000_000, 0];
  const nowMs = steadyTime({ nowMs: () => wallMs, monotonicMs: () => passedMs });
  const wait = (ms: number): number => {
    wallMs += ms;
    passedMs += ms;
    return nowMs();
  };
  assert.equal(nowMs(), 1_000_000);
  assert.equal(wait(5_000), 1_005_000);
  wallMs -= 60_000;
  assert.equal(nowMs(), 1_005_000);
  assert.equal(wait(10_000), 1_010_000);
  // 60 seconds behind, 30 of them made up for by now: after 120 the two are one again.
  assert.equal(wait(50_000), 1_035_000);
  assert.equal(wait(60_000), 1_065_000);
  assert.equal(wallMs, 1_065_000);
  assert.equal(wait(10_000), 1_075_000);
  wallMs += 3_600_000;
  assert.equal(nowMs(), 4_675_000);
});

test('asking often loses nothing', () => {
  let [wallMs, passedMs] = [1_000_000, 0];
  const nowMs = steadyTime({ nowMs: () => wallMs, monotonicMs: () => passedMs });
  nowMs();
  wallMs = 0;
  let lastMs = 0;
  for (let tick = 0; tick < 10_000; tick += 1) {
    passedMs += 0.3;
    assert(nowMs() >= lastMs);
    lastMs = nowMs();
  }
  assert.equal(lastMs, 1_001_500);
});
