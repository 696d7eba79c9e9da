// A slice of the wire fuzz (`npm run fuzz:wire` plays 100,000 cases), with a new seed at each run, and wrong
// passwords in a loop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { fuzzWire } from '../support/wire-fuzz.ts';

test('3,000 broken inputs: no fault, the server answers others, nothing is left', async (context) => {
  const seed = systemClock.nowMs() % 1_000_000_007;
  context.diagnostic(`seed ${seed}: npm run fuzz:wire -- --seed ${seed} --cases 3000`);
  const report = await fuzzWire({ seed, cases: 3000 }).catch((error: unknown) => {
    throw new Error(`seed ${seed}`, { cause: error });
  });
  assert.ok(report.cases >= 3000);
  assert.ok(report.rssBytes - report.firstRssBytes < 128 * 1024 * 1024);
});
