// Two writers upsert one PRIMARY KEY table of 30 million rows at once, each one commit of 1,000 rows a second, half of
// their keys in the table, while compaction runs: neither may starve. What is measured is what they see, and
// how long their commits waited for the table's turn. Fails where a bound is missed.
import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, round, summarize } from './report.ts';

const WRITERS = 2;
const BATCH_ROWS = 1_000;
const EVERY_MS = 1_000;
const FILL_ROWS = 2_000_000;
/** Of its commits each writer must get this share through. */
const LEAST_SHARE = 0.9;
/** Longest time between two commits of a writer. */
const MOST_BETWEEN_MS = 5_000;
const MOST_WAIT_MS = 1_000;
/** The index of 30 million rows takes half a minute of two idle cores. */
const WARM_MS = 600_000;
const WAITS = 'millrace_turn_wait_seconds';

interface Written {
  readonly tookMs: number[];
  /** When each commit was answered. */
  readonly atMs: number[];
  readonly newKeys: Set<number>;
}

export async function upsertStarvation(rows: number, seconds: number): Promise<BenchResult> {
  const server = await startServer({ broker: 'off' });
  try {
    await fill(server, rows);
    await warm(server, rows);
    const before = await metricsOf(server);
    const cpu = cpuSeconds(server.ready.pid);
    const startMs = systemClock.monotonicMs();
    const written = await Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => write(server, writer, rows, seconds)),
    );
    const tookSeconds = (systemClock.monotonicMs() - startMs) / 1000;
    const after = await metricsOf(server);
    const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    const newKeys = new Set(written.flatMap((one) => [...one.newKeys]));
    const [[counted] = []] = (await server.sql('SELECT count(*) FROM bench.t')).rows;
    assert.equal(Number(counted), rows + newKeys.size, 'each key once');
    const commits = written.map(({ atMs }) => atMs.length);
    const between = Math.max(...written.map(({ atMs }) => longestGapMs([startMs, ...atMs])));
    const waitP99Ms = waitedMs(grown, 0.99);
    const figures = {
      commitsOfOne: commits[0] ?? 0,
      commitsOfOther: commits[1] ?? 0,
      commitsPerSecond: round(commits.reduce((sum, count) => sum + count, 0) / tookSeconds),
      commitP50Ms: round(
        percentile(
          written.flatMap(({ tookMs }) => tookMs),
          0.5,
        ),
      ),
      commitP99Ms: round(
        percentile(
          written.flatMap(({ tookMs }) => tookMs),
          0.99,
        ),
      ),
      longestBetweenMs: round(between),
      turnWaitP50AtMostMs: waitedMs(grown, 0.5),
      turnWaitP99AtMostMs: waitP99Ms,
      compactions: grown('millrace_compactions_total{result="done"}'),
      compactionsLost: grown('millrace_compactions_total{result="lost"}'),
      compactionsFailed: grown('millrace_compactions_total{result="failed"}'),
      lookUpsByIndex: grown('millrace_key_look_ups_total{path="index"}'),
      lookUpsByFiles: grown('millrace_key_look_ups_total{path="files"}'),
    };
    console.error(JSON.stringify(figures));
    for (const count of commits) assert.ok(count >= seconds * LEAST_SHARE, `${count} commits`);
    assert.ok(between <= MOST_BETWEEN_MS, `${between} ms between two commits`);
    assert.ok(waitP99Ms <= MOST_WAIT_MS, `1% of the commits waited ${waitP99Ms} ms for the turn`);
    assert.ok(figures.compactions > 0, 'compaction ran meanwhile');
    const run = {
      rows: commits.reduce((sum, count) => sum + count, 0) * BATCH_ROWS,
      seconds: tookSeconds,
      cpuSeconds: cpuSeconds(server.ready.pid) - cpu,
      peakRssBytes: peakRssBytes(server.ready.pid),
    };
    return summarize('upsert-starvation', [run], null, figures);
  } finally {
    await server.stop();
  }
}

/** Keys 0 .. rows - 1, in files that each hold a range of them. */
async function fill(server: TestServer, rows: number): Promise<void> {
  await server.sql('CREATE DATABASE bench');
  await server.sql(
    'CREATE TABLE bench.t (k bigint NOT NULL, v bigint, s string) PRIMARY KEY (k) DISTRIBUTED BY HASH(k)',
  );
  await server.sql('SET query_timeout = 3600');
  for (let from = 0; from < rows; from += FILL_ROWS) {
    const to = Math.min(rows, from + FILL_ROWS) - 1;
    await server.sql(
      `INSERT INTO bench.t SELECT g, g % 1000, concat('row ', g % 1000) FROM TABLE(generate_series(${from}, ${to})) AS r(g)`,
    );
  }
}

/** Upserts until all large files have their key index: it is built in the background. */
async function warm(server: TestServer, rows: number): Promise<void> {
  const random = seededRandom(0);
  const read = 'millrace_key_look_ups_total{path="files"}';
  const untilMs = systemClock.monotonicMs() + WARM_MS;
  for (let seen = -1; ; ) {
    const now = (await metricsOf(server)).get(read) ?? 0;
    if (now === seen) return;
    assert.ok(systemClock.monotonicMs() < untilMs, `not every file has an index in ${WARM_MS} ms`);
    seen = now;
    const values = Array.from({ length: BATCH_ROWS }, () => `(${random.below(rows)}, 0, 'first')`);
    await server.sql(`INSERT INTO bench.t VALUES ${values.join(', ')}`);
    await systemClock.sleep(EVERY_MS);
  }
}

/** One commit at the beginning of each second; one that takes longer than that delays the next. */
async function write(
  server: TestServer,
  writer: number,
  rows: number,
  seconds: number,
): Promise<Written> {
  const random = seededRandom(writer + 1);
  const connection: Connection = await server.connect();
  const written: Written = { tookMs: [], atMs: [], newKeys: new Set() };
  const startMs = systemClock.monotonicMs();
  for (let second = 0; second < seconds; second += 1) {
    const dueMs = startMs + second * EVERY_MS;
    await systemClock.sleep(Math.max(0, dueMs - systemClock.monotonicMs()));
    if (systemClock.monotonicMs() - startMs > seconds * EVERY_MS) break;
    const keys = Array.from({ length: BATCH_ROWS }, (_, index) =>
      index % 2 === 0 ? random.below(rows) : rows + random.below(1_000_000_000),
    );
    const values = keys.map((key) => `(${key}, ${second}, 'written by ${writer}')`);
    const beganMs = systemClock.monotonicMs();
    await connection.query(`INSERT INTO bench.t VALUES ${values.join(', ')}`);
    written.tookMs.push(systemClock.monotonicMs() - beganMs);
    written.atMs.push(systemClock.monotonicMs());
    for (const key of keys) if (key >= rows) written.newKeys.add(key);
  }
  await connection.end();
  return written;
}

function longestGapMs(times: readonly number[]): number {
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}

/** Every sample of /metrics by its name with labels. */
async function metricsOf(server: TestServer): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`);
  const lines = (await answer.text()).split('\n').filter((line) => /^[a-z]/.test(line));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The bound of the histogram's bucket that holds this share of the loads' waits. */
function waitedMs(grown: (name: string) => number, share: number): number {
  const total = grown(`${WAITS}_count{rank="load"}`);
  for (const seconds of [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]) {
    if (grown(`${WAITS}_bucket{le="${seconds}",rank="load"}`) >= total * share) {
      return seconds * 1000;
    }
  }
  return Number.POSITIVE_INFINITY;
}
