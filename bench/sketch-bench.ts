// The union of a million bitmaps of one value each, and of a million plain numbers, inside the engine.
// Baseline in the same run: DuckDB's own count(DISTINCT) of the numbers.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { type Connection, openEngine } from '../src/engine/duckdb.ts';
import { type BenchResult, median, type Run, summarize } from './report.ts';

const ROWS = 1_000_000;
const MEMORY_BYTES = 1024 ** 3;

const UNION = 'SELECT mr_bitmap_count(mr_bitmap_union(list(b))) FROM t';
const VALUES = 'SELECT mr_bitmap_count(mr_bitmap_agg(list(v))) FROM t';
const HLL = 'SELECT mr_hll_count(mr_hll_from_values(list(encode(CAST(v AS VARCHAR))))) FROM t';
const DISTINCT = 'SELECT count(DISTINCT v) FROM t';

export async function bitmapUnion(repeats: number): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const engine = await openEngine({
    role: 'loader',
    threads: 2,
    memoryLimitBytes: MEMORY_BYTES,
    tempDirectory: join(directory, 'spill'),
    maxTempBytes: MEMORY_BYTES,
    allowedDirectories: [],
    statementsAtOnce: 1,
    maxWaiting: 1,
    clock: systemClock,
  });
  try {
    return await engine.withConnection(async (connection) => {
      await connection.run(
        `CREATE TABLE t AS SELECT (i * 7919) % 5000000 AS v, mr_bitmap_of((i * 7919) % 5000000) AS b FROM range(${ROWS}) r(i)`,
      );
      const measure = async (sql: string): Promise<readonly Run[]> => {
        const runs: Run[] = [];
        for (let repeat = 0; repeat < repeats; repeat += 1) runs.push(await timed(connection, sql));
        return runs;
      };
      const runs = await measure(UNION);
      const seconds = async (sql: string): Promise<number> =>
        median((await measure(sql)).map((run) => run.seconds));
      return summarize(
        'bitmap-union',
        runs,
        { name: 'DuckDB count(DISTINCT) of the same numbers', runs: await measure(DISTINCT) },
        { valuesSeconds: await seconds(VALUES), hllSeconds: await seconds(HLL) },
      );
    });
  } finally {
    await engine.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function timed(connection: Connection, sql: string): Promise<Run> {
  const before = process.cpuUsage();
  const startMs = systemClock.monotonicMs();
  const [row] = await connection.rows(sql);
  const used = process.cpuUsage(before);
  const count = Number(row?.[0]);
  if (Math.abs(count / ROWS - 1) > 0.03) throw new Error(`${count} values in place of ${ROWS}`);
  return {
    rows: ROWS,
    seconds: (systemClock.monotonicMs() - startMs) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}
