// What aggregates compute over the whole list of a group's values: event chains, weighted percentiles,
// a rank test. Lists are read in place; nothing grows beyond a few numbers per value.

import { type JsFunction, nullableFunction, strictFunction, ValueProblem } from './define.ts';
import { erfc } from './erfc.ts';
import type { ValueList } from './value-types.ts';

/** Bits of window_funnel's mode. SOURCE: StarRocks' page on window_funnel. */
const NO_REPEAT = 1;
const NO_INTRUDER = 2;
const RISING = 4;
const MOST_STEPS = 63n;

interface Happened {
  readonly at: bigint;
  /** Index of the condition it meets. */
  readonly step: number;
}

function eventsOf(times: ValueList<bigint>, masks: ValueList<bigint>): readonly Happened[] {
  const events: Happened[] = [];
  for (let i = 0; i < times.length; i += 1) {
    const at = times.at(i);
    let mask = masks.at(i) ?? 0n;
    if (at === null) continue;
    for (let step = 0; mask !== 0n; step += 1, mask >>= 1n) {
      if ((mask & 1n) === 1n) events.push({ at, step });
    }
  }
  return events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.step - b.step));
}

interface Reached {
  /** Time of the chain's first event. */
  readonly start: bigint;
  readonly last: bigint;
}

/** The longest chain of steps 0, 1, 2, ... within `window`, by the rules of `mode`. */
export function longestFunnel(
  events: readonly Happened[],
  steps: number,
  window: bigint,
  mode: number,
): number {
  const reached: (Reached | undefined)[] = new Array<Reached | undefined>(steps).fill(undefined);
  const best = (): number => reached.findLastIndex((step) => step !== undefined) + 1;
  for (const { at, step } of events) {
    if (step === 0) {
      reached[0] = { start: at, last: at };
      continue;
    }
    const before = reached[step - 1];
    if (before === undefined) {
      if ((mode & NO_INTRUDER) !== 0 && reached[0] !== undefined) return best();
      continue;
    }
    if ((mode & NO_REPEAT) !== 0 && reached[step] !== undefined) return best();
    const isIn = at - before.start <= window && ((mode & RISING) === 0 || before.last < at);
    if (!isIn) continue;
    reached[step] = { start: before.start, last: at };
    if (step + 1 === steps) return steps;
  }
  return best();
}

/** The smallest value at which the weights up to it reach the share of all weights. */
export function weightedPercentile(
  values: ValueList<number>,
  weights: ValueList<number>,
  share: number,
): number | null {
  const pairs: (readonly [value: number, weight: number])[] = [];
  let total = 0;
  for (let i = 0; i < values.length; i += 1) {
    const [value, weight] = [values.at(i), weights.at(i)];
    if (value === null || weight === null || !(weight > 0)) continue;
    pairs.push([value, weight]);
    total += weight;
  }
  pairs.sort(([a], [b]) => a - b);
  let sum = 0;
  for (const [value, weight] of pairs) {
    sum += weight;
    if (sum >= share * total) return value;
  }
  return pairs.at(-1)?.[0] ?? null;
}

/** The U statistic of the second sample and its p-value by the normal approximation, ties corrected. */
export function mannWhitney(
  values: ValueList<number>,
  isSecond: ValueList<boolean>,
  alternative: string,
  isCorrected: boolean,
): readonly [statistic: number, p: number] | null {
  const all: (readonly [value: number, second: boolean])[] = [];
  for (let i = 0; i < values.length; i += 1) {
    const [value, second] = [values.at(i), isSecond.at(i)];
    if (value !== null && second !== null) all.push([value, second]);
  }
  all.sort(([a], [b]) => a - b);
  const n = all.length;
  const n2 = all.filter(([, second]) => second).length;
  const n1 = n - n2;
  if (n1 === 0 || n2 === 0) return null;
  const { rankSum, ties } = rankFirst(all);
  const u1 = n1 * n2 + (n1 * (n1 + 1)) / 2 - rankSum;
  const u2 = n1 * n2 - u1;
  const spread = Math.sqrt(((1 - ties / (n ** 3 - n)) * n1 * n2 * (n + 1)) / 12);
  const u = alternative === 'two-sided' ? Math.max(u1, u2) : alternative === 'less' ? u1 : u2;
  const z = (u - (n1 * n2) / 2 - (isCorrected ? 0.5 : 0)) / spread;
  // 1 - the normal distribution at z, on both sides where asked for.
  const p = alternative === 'two-sided' ? erfc(Math.abs(z) / Math.SQRT2) : erfc(z / Math.SQRT2) / 2;
  return [u2, p];
}

/** Sum of the first sample's ranks, equal values sharing theirs; and the sum of t^3 - t over ties. */
function rankFirst(all: readonly (readonly [number, boolean])[]): {
  readonly rankSum: number;
  readonly ties: number;
} {
  let rankSum = 0;
  let ties = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.[0] === all[from]?.[0]) to += 1;
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i += 1) if (all[i]?.[1] === false) rankSum += rank;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  return { rankSum, ties };
}

export const STATISTICS_FUNCTIONS: readonly JsFunction[] = [
  nullableFunction(
    'mr_window_funnel',
    ['BIGINT[]', 'BIGINT[]', 'BIGINT', 'BIGINT', 'BIGINT'],
    'BIGINT',
    (times, masks, steps, window, mode) => {
      if (times === null || masks === null || steps === null) return 0n;
      if (window === null || mode === null) return null;
      if (steps > MOST_STEPS)
        throw new ValueProblem(`window_funnel takes at most ${MOST_STEPS} conditions`);
      return BigInt(longestFunnel(eventsOf(times, masks), Number(steps), window, Number(mode)));
    },
  ),
  strictFunction(
    'mr_weighted_percentile',
    ['DOUBLE[]', 'DOUBLE[]', 'DOUBLE'],
    'DOUBLE',
    weightedPercentile,
  ),
  strictFunction(
    'mr_mann_whitney',
    ['DOUBLE[]', 'BOOLEAN[]', 'VARCHAR', 'BOOLEAN'],
    'VARCHAR',
    (values, groups, alternative, isCorrected) => {
      const result = mannWhitney(values, groups, alternative, isCorrected);
      // A p-value that is no number (all values equal) is null.
      return result === null ? null : JSON.stringify(result);
    },
  ),
];
