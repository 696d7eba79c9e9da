// Scans, groupings, top-k and look-ups on 20M rows loaded through the product, each query over the real MySQL port and by
// DuckDB alone with as many threads on one Parquet file of the identical rows, in turns; then the same look-ups with 5% of
// the rows deleted. Ratios of median wall times and (`...Cpu`) of CPU times; answers must be equal. Targets: 1.3 x; count(*)
// 5 ms; look-up by sort key 20 ms.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { createConnection } from 'mysql2/promise';
import { systemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, median, percentile, type Run, round, summarize } from './report.ts';

const FILE_ROWS = 2_000_000;
const LOOK_UPS = 200;
/** Not counted: they fill what is kept of the files. */
const WARM = 20;
/** Odd and prime: rows of one INSERT have keys of the whole range, none twice. */
const STEP = 7919;

/** `{t}` is the table, or the file. */
const QUERIES: Readonly<Record<string, string>> = {
  sum: 'SELECT sum(v), sum(w) FROM {t}',
  groupSmall: 'SELECT s, count(*), sum(v) FROM {t} GROUP BY s ORDER BY s LIMIT 20',
  groupLarge: 'SELECT g, count(*), sum(v) FROM {t} GROUP BY g ORDER BY g LIMIT 20',
  topV: 'SELECT k, v FROM {t} ORDER BY v DESC, k LIMIT 10',
  topTs: 'SELECT k, ts FROM {t} ORDER BY ts DESC, k LIMIT 10',
  filter: 'SELECT count(*), max(w) FROM {t} WHERE v < 1000',
};

/** Rows `from` to `to`, as both make them; `range` is each one's series named `i`. */
function rowsSql(rows: number, range: string): string {
  return `SELECT i * ${STEP} % ${rows} AS k, concat('https://site.test/p/', CAST(i % 1000 AS VARCHAR)) AS s, i % 100003 AS g, i * 104729 % 9999991 AS v, i * 31 % 1000003 AS w, 1700000000 + i AS ts FROM ${range}`;
}

interface Bench {
  readonly server: TestServer;
  readonly alone: DuckDBConnection;
  readonly file: string;
  readonly rows: number;
}

export async function scan(rows: number, repeats: number): Promise<BenchResult> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-scan-'));
  const server = await startServer({ broker: 'off' });
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(availableParallelism()),
  });
  const alone = await instance.connect();
  try {
    const file = join(directory, 'rows.parquet');
    const bench: Bench = { server, alone, file, rows };
    const loading = await load(bench);
    const figures: Record<string, number> = { ...(await scans(bench, repeats)) };
    figures['countMs'] = await spent(server, () => 'SELECT count(*) FROM bench.t');
    Object.assign(figures, await lookUps(bench, 'lookUp', 'bench.t'));
    await server.sql('DELETE FROM bench.t WHERE v % 20 = 7');
    Object.assign(figures, await lookUps(bench, 'lookUpDeleted', 'bench.t'));
    return summarize(
      'scan',
      [{ ...loading, peakRssBytes: peakRssBytes(server.ready.pid) }],
      null,
      figures,
    );
  } finally {
    alone.closeSync();
    instance.closeSync();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Loads the table in commits of 2M rows, waits until it is quiet, and writes the same rows into one file. */
async function load({ server, alone, file, rows }: Bench): Promise<Run> {
  await server.sql('CREATE DATABASE bench');
  await server.sql(
    'CREATE TABLE bench.t (k BIGINT NOT NULL, s VARCHAR(100), g BIGINT, v BIGINT, w BIGINT, ts BIGINT) DUPLICATE KEY(k) ORDER BY (k)',
  );
  const { pid } = server.ready;
  const beforeCpu = cpuSeconds(pid);
  const startMs = systemClock.monotonicMs();
  for (let from = 0; from < rows; from += FILE_ROWS) {
    const series = `(SELECT generate_series AS i FROM TABLE(generate_series(${from}, ${Math.min(rows, from + FILE_ROWS) - 1}))) r`;
    await server.sql(`INSERT INTO bench.t ${rowsSql(rows, series)}`);
  }
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  const used = cpuSeconds(pid) - beforeCpu;
  await alone.run(
    `COPY (SELECT * FROM (${rowsSql(rows, `range(0, ${rows}) r(i)`)}) ORDER BY k) TO '${file}' (FORMAT parquet, PARQUET_VERSION v1, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
  );
  return { rows, seconds, cpuSeconds: used, peakRssBytes: 0 };
}

/** Ratio of each query's median to DuckDB's, and its own in ms. */
async function scans(
  { server, alone, file }: Bench,
  repeats: number,
): Promise<Readonly<Record<string, number>>> {
  const figures: Record<string, number> = {};
  const connection = await connect(server);
  for (const [name, query] of Object.entries(QUERIES)) {
    const mine: number[] = [];
    const its: number[] = [];
    let mineCpu = 0;
    let itsCpu = 0;
    for (let time = 0; time <= repeats * 5; time += 1) {
      const treeCpu = cpuSeconds(server.ready.pid);
      const startMs = performance.now();
      const [answer] = await connection.query({
        sql: query.replace('{t}', 'bench.t'),
        rowsAsArray: true,
      });
      const betweenMs = performance.now();
      const treeCpuUsed = cpuSeconds(server.ready.pid) - treeCpu;
      const ownCpu = process.cpuUsage();
      const itsStartMs = performance.now();
      const other = await alone.runAndReadAll(query.replace('{t}', `read_parquet('${file}')`));
      const endMs = performance.now();
      const { user, system } = process.cpuUsage(ownCpu);
      assertEqual(name, answer, other.getRows());
      // The first one fills the page cache.
      if (time === 0) continue;
      mine.push(betweenMs - startMs);
      its.push(endMs - itsStartMs);
      mineCpu += treeCpuUsed;
      itsCpu += (user + system) / 1e6;
    }
    figures[name] = round(median(mine) / median(its));
    figures[`${name}Cpu`] = round(mineCpu / itsCpu);
    figures[`${name}Ms`] = round(median(mine));
  }
  await connection.end();
  return figures;
}

function assertEqual(name: string, mine: unknown, its: unknown): void {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, item: unknown) =>
      typeof item === 'bigint' ? String(item) : typeof item === 'number' ? String(item) : item,
    );
  if (text(mine) !== text(its)) throw new Error(`${name}: ${text(mine)} instead of ${text(its)}`);
}

async function lookUps(
  { server, rows }: Bench,
  name: string,
  table: string,
): Promise<Readonly<Record<string, number>>> {
  const random = seededRandom(5);
  const { pid } = server.ready;
  const beforeCpu = cpuSeconds(pid);
  const times = await samples(
    server,
    () => `SELECT k, s, v FROM ${table} WHERE k = ${random.below(rows)}`,
  );
  const cpuMs = ((cpuSeconds(pid) - beforeCpu) * 1000) / (LOOK_UPS + WARM);
  return {
    [`${name}CpuMs`]: round(cpuMs),
    [`${name}P50Ms`]: round(median(times)),
    [`${name}P95Ms`]: round(percentile(times, 0.95)),
  };
}

async function spent(server: TestServer, sql: () => string): Promise<number> {
  return round(median(await samples(server, sql)));
}

/** Each statement once, without the first few. */
async function samples(server: TestServer, sql: () => string): Promise<readonly number[]> {
  const connection = await connect(server);
  const times: number[] = [];
  for (let time = 0; time < LOOK_UPS + WARM; time += 1) {
    const text = sql();
    const startMs = performance.now();
    await connection.query(text);
    times.push(performance.now() - startMs);
  }
  await connection.end();
  return times.slice(WARM);
}

function connect(server: TestServer): ReturnType<typeof createConnection> {
  return createConnection({
    host: '127.0.0.1',
    port: server.ready.queryPort,
    user: 'root',
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
}
