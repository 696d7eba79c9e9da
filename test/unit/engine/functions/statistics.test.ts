// Event chains against a search of all chains, weighted percentiles against repeated values, and the rank
// test against its documented answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  longestFunnel,
  mannWhitney,
  weightedPercentile,
} from '../../../../src/engine/functions/statistics.ts';

const listOf = <T>(values: readonly (T | null)[]) => ({
  length: values.length,
  at: (index: number): T | null => values[index] ?? null,
});

interface Event {
  readonly at: bigint;
  readonly step: number;
}

/** Every way to pick rising positions: the longest that keeps the order of steps and the window. */
function searched(events: readonly Event[], steps: number, window: bigint): number {
  const from = (start: bigint, position: number, step: number): number => {
    let best = step;
    for (let i = position; i < events.length; i += 1) {
      const event = events[i];
      if (event?.step !== step || event.at - start > window) continue;
      best = Math.max(best, from(start, i + 1, step + 1));
    }
    return best;
  };
  let best = 0;
  for (const [i, event] of events.entries()) {
    if (event.step === 0) best = Math.max(best, from(event.at, i + 1, 1));
  }
  return Math.min(best, steps);
}

test('without a mode the longest chain is found, as by a search of all', () => {
  const event = fc.record({ at: fc.bigInt(0n, 12n), step: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 10 }), fc.bigInt(0n, 8n), (raw, window) => {
      const events = raw.sort((a, b) => (a.at === b.at ? a.step - b.step : a.at < b.at ? -1 : 1));
      assert.equal(longestFunnel(events, 4, window, 0), searched(events, 4, window));
    }),
    { seed: 4, numRuns: 3000 },
  );
});

test('a mode never finds a longer chain', () => {
  const event = fc.record({ at: fc.bigInt(0n, 12n), step: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 10 }),
      fc.bigInt(0n, 8n),
      fc.integer({ min: 1, max: 7 }),
      (raw, window, mode) => {
        const events = raw.sort((a, b) => (a.at === b.at ? a.step - b.step : a.at < b.at ? -1 : 1));
        assert.ok(longestFunnel(events, 4, window, mode) <= longestFunnel(events, 4, window, 0));
      },
    ),
    { seed: 4, numRuns: 2000 },
  );
});

test('a weighted percentile is the plain one of values repeated as often as they weigh', () => {
  const pair = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 6 }));
  fc.assert(
    fc.property(
      fc.array(pair, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 100 }),
      (pairs, percent) => {
        const share = percent / 100;
        const all = pairs
          .flatMap(([value, weight]) => new Array<number>(weight).fill(value))
          .sort((a, b) => a - b);
        const place = Math.max(1, Math.ceil(Number((share * all.length).toFixed(9))));
        const found = weightedPercentile(
          listOf(pairs.map(([value]) => value)),
          listOf(pairs.map(([, weight]) => weight)),
          share,
        );
        assert.equal(found, all[place - 1]);
      },
    ),
    { seed: 4, numRuns: 2000 },
  );
});

test('NULLs and weights of 0 do not count; nothing gives NULL', () => {
  assert.equal(weightedPercentile(listOf([1, null, 3]), listOf([1, 5, 0]), 1), 1);
  assert.equal(weightedPercentile(listOf<number>([]), listOf<number>([]), 0.5), null);
});

test('rank test: the examples of the StarRocks page, and ties', () => {
  const values = listOf([80, 100, null, 60, 70, 85]);
  const groups = listOf([false, false, false, true, true, true]);
  const near = (found: readonly [number, number] | null, u: number, p: number): void => {
    assert.ok(found !== null && found[0] === u && Math.abs(found[1] - p) < 1e-14, `${found}`);
  };
  near(mannWhitney(values, groups, 'two-sided', true), 5, 0.38647623077123283);
  near(mannWhitney(values, groups, 'less', true), 5, 0.9255426634106172);
  near(mannWhitney(values, groups, 'two-sided', false), 5, 0.2482130789899235);
  assert.equal(mannWhitney(listOf([1, 2]), listOf([true, true]), 'less', true), null);
  // All equal: nothing can be told, the spread is 0.
  assert.ok(Number.isNaN(mannWhitney(listOf([1, 1]), listOf([true, false]), 'less', false)?.[1]));
});
