// Broken packets against a real server: `npm run fuzz:wire -- [--seed N] [--cases N]`, 100,000 cases when
// nothing is said. Prints its seed; the same seed sends the same bytes. Ends with 1 at the first fault.
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { fuzzWire } from '../support/wire-fuzz.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? systemClock.nowMs() % 1_000_000_007);
const cases = Number(values.cases);
/** More than this after the warm-up is growth, and not noise of the collector and the allocator. */
const MOST_GROWTH_BYTES = 32 * 1024 * 1024;
const mb = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;

console.log(`wire fuzz, ${cases} cases, seed ${seed}`);
const startedMs = systemClock.monotonicMs();
const report = await fuzzWire({
  seed,
  cases,
  onRound: ({ cases: done, rssBytes }) => console.log(`${done} cases, FE ${mb(rssBytes)}`),
});
const seconds = Math.round((systemClock.monotonicMs() - startedMs) / 1000);
console.log(
  `${report.cases} cases in ${seconds} s, FE ${mb(report.warmRssBytes)} -> ${mb(report.rssBytes)}, seed ${seed}`,
);
if (report.rssBytes - report.warmRssBytes > MOST_GROWTH_BYTES) {
  console.error('the memory of the FE grew');
  process.exitCode = 1;
}
