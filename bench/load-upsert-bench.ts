// Routine Load into a PRIMARY KEY table that has 10M rows and is in use (its files are merged and have their key
// index): each message is a row, every other one has a key that the table has. From CREATE ROUTINE LOAD to all rows
// visible; CPU of all of Millrace's processes, compaction and new key indexes included.
import { systemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { BATCH_ROWS } from './clicks.ts';
import {
  type BenchBroker,
  createJob,
  loadedAll,
  makeTopic,
  startBenchBroker,
} from './load-bench.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, type Run, summarize } from './report.ts';

/** A million rows at a time: what one INSERT makes is one file. */
const FILL_ROWS = 1_000_000;
const TABLE_ROWS = 10_000_000;
const SETTLE_MS = 5_000;
const IDLE_CPU_SECONDS = 0.2;

/** Keys below TABLE_ROWS are in the table; the others are of their message alone. */
function upserts(batch: number): Buffer[] {
  const random = seededRandom(batch + 9000);
  return Array.from({ length: BATCH_ROWS }, (_, index) => {
    const key =
      index % 2 === 0 ? random.below(TABLE_ROWS) : TABLE_ROWS + batch * BATCH_ROWS + index;
    return Buffer.from(
      `{ "uid": ${key}, "site": "https://docs.starrocks.io/", "vtime": ${1718034793 + random.below(3600)} } `,
    );
  });
}

async function fill(server: TestServer): Promise<void> {
  await server.sql('CREATE DATABASE bench');
  await server.sql(
    `CREATE TABLE bench.clicks (uid bigint NOT NULL, site string NOT NULL, vtime bigint NOT NULL)
      PRIMARY KEY (uid) DISTRIBUTED BY HASH(uid)`,
  );
  for (let from = 0; from < TABLE_ROWS; from += FILL_ROWS) {
    await server.sql(
      `INSERT INTO bench.clicks SELECT generate_series, concat('site ', generate_series % 1000), generate_series
        FROM TABLE(generate_series(${from}, ${from + FILL_ROWS - 1}))`,
    );
  }
}

/** What the rows so far leave to do in the background is done. */
async function settled(server: TestServer): Promise<void> {
  const { pid } = server.ready;
  for (let used = Number.POSITIVE_INFINITY; used > IDLE_CPU_SECONDS; ) {
    const before = cpuSeconds(pid);
    await systemClock.sleep(SETTLE_MS);
    used = cpuSeconds(pid) - before;
  }
}

async function upsertOnce(rows: number, broker: BenchBroker): Promise<Run> {
  const server = await startServer({ broker: 'off' });
  try {
    await fill(server);
    await settled(server);
    // The first look-up asks for the key index.
    await server.sql(`INSERT INTO bench.clicks VALUES (1, 'a', 2)`);
    await settled(server);
    const { pid } = server.ready;
    const before = cpuSeconds(pid);
    const startMs = systemClock.monotonicMs();
    await server.sql(createJob(broker, 'clicks'));
    await loadedAll(server, rows);
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    const used = cpuSeconds(pid) - before;
    const count = Number(await server.value('SELECT count(*) FROM bench.clicks'));
    if (count !== TABLE_ROWS + rows / 2) throw new Error(`${count} rows in the table`);
    return { rows, seconds, cpuSeconds: used, peakRssBytes: peakRssBytes(pid) };
  } finally {
    await server.stop();
  }
}

/** `rows` upserts, `repeats` times, each into a table of its own server. */
export async function loadUpsert(rows: number, repeats: number): Promise<BenchResult> {
  const broker = await startBenchBroker();
  try {
    await makeTopic(broker, 'clicks', 1, rows, 'none', upserts, true);
    const runs: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) runs.push(await upsertOnce(rows, broker));
    return summarize('load-upsert', runs);
  } finally {
    await broker.stop();
  }
}
