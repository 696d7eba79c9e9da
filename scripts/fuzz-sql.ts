// `npm run fuzz:sql -- [--seed N] [--cases N]`: mutated and generated statements through lexer, parser, printer,
// analyser and generator. Prints its seed; ends with code 1 and the text of the first case that misbehaves.
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { fuzzSql } from '../test/support/sql-fuzz.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, cases: { type: 'string', default: '100000' } },
});
const seed = Number(values.seed ?? systemClock.nowMs() % 1_000_000_007);
const cases = Number(values.cases);
console.log(`fuzzing SQL: ${cases} cases, seed ${seed}`);
const startedMs = systemClock.monotonicMs();
/** Cases of one call: a new seed each, so that a failure is found again without running all before it. */
const BATCH = 2000;
let parsed = 0;
let planned = 0;
try {
  for (let done = 0; done < cases; done += BATCH) {
    const count = fuzzSql(seed + done, Math.min(BATCH, cases - done));
    parsed += count.parsed;
    planned += count.planned;
    console.log(`${done + BATCH} cases: ${parsed} parsed, ${planned} planned`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
const seconds = Math.round((systemClock.monotonicMs() - startedMs) / 1000);
console.log(`${seconds} s, peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
