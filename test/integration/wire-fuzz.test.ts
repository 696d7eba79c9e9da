// A slice of the wire fuzz (`npm run fuzz:wire` plays 100,000 cases), with a new seed at each run.
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
  // Growth is seen by the long run only; this is what a server needs for some statements of many megabytes.
  assert.ok(report.rssBytes < 300 * 1024 * 1024, `${report.rssBytes} bytes`);
});
