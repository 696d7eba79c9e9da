// INSERT: 5,000 VALUES rows of 3 columns (time to parse, time to plan as data, end to end) and INSERT ... SELECT
// of N rows from one table into another. Baseline in the same run: DuckDB alone copies the very same files
// with the same Parquet options.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { systemClock } from '../src/base/clock.ts';
import { plainValues, planValuesSource } from '../src/query/plan-insert.ts';
import { parseStatement } from '../src/sql/parse.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { catalogOf, SESSION, storedTable } from '../test/unit/query/harness.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, median, type Run, summarize } from './report.ts';

const VALUES_ROWS = 5_000;
const PARSES = 30;

/** `INSERT` of 5,000 rows: a number, a text, a decimal; about 170 KB. */
export function valuesText(): string {
  const rows = Array.from(
    { length: VALUES_ROWS },
    (_, row) => `(${row * 7919}, 'https://site.test/p/${row}', ${row}.${row % 10})`,
  );
  return `INSERT INTO bench.v VALUES ${rows.join(', ')}`;
}

/** CPU time so far: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of CPU time, medians after a warm-up. */
export function parseAndPlan(): { readonly parseMs: number; readonly planMs: number } {
  const text = valuesText();
  const table = storedTable('v', {
    id: { kind: 'BIGINT' },
    url: { kind: 'VARCHAR', length: 100 },
    price: { kind: 'DECIMAL', precision: 10, scale: 2 },
  });
  if (table.kind !== 'stored') throw new Error('no table');
  const parses: number[] = [];
  const plans: number[] = [];
  for (let turn = 0; turn < PARSES; turn += 1) {
    const startMs = cpuMs();
    const statement = parseStatement(text);
    parses.push(cpuMs() - startMs);
    const values = statement.kind === 'insert' ? plainValues(statement.query) : null;
    if (values === null) throw new Error('no VALUES');
    const planMs = cpuMs();
    const source = planValuesSource(values, table.info.schema.columns, text, {
      catalog: catalogOf([table]),
      session: SESSION,
      limits: { timeoutMs: 1000, maxRows: null },
      newUuid: () => '',
    });
    plans.push(cpuMs() - planMs);
    if (source.parts.length !== 1 || source.parts[0]?.kind !== 'rows') throw new Error('no data');
  }
  return { parseMs: median(parses.slice(5)), planMs: median(plans.slice(5)) };
}

export async function insertValues(rows: number, repeats: number): Promise<BenchResult> {
  const { parseMs, planMs } = parseAndPlan();
  const server = await startServer({ broker: 'off' });
  try {
    await server.sql('CREATE DATABASE bench');
    await server.sql('CREATE TABLE bench.v (id BIGINT, url VARCHAR(100), price DECIMAL(10, 2))');
    const text = valuesText();
    const ends: number[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      const startMs = systemClock.monotonicMs();
      await server.sql(text);
      ends.push(systemClock.monotonicMs() - startMs);
    }
    await server.sql(
      `CREATE TABLE bench.source AS SELECT generate_series AS id, concat('https://site.test/p/', CAST(generate_series % 100000 AS VARCHAR)) AS url, generate_series / 100 AS price FROM TABLE(generate_series(1, ${rows}))`,
    );
    const runs: Run[] = [];
    const alone: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      runs.push(await insertSelect(server, rows, repeat));
      alone.push(await duckdbCopies(server, rows, repeat));
    }
    return summarize(
      'insert-values',
      runs,
      { name: 'DuckDB alone, the same files', runs: alone },
      { parseMs, planMs, endToEndMs: median(ends) },
    );
  } finally {
    await server.stop();
  }
}

async function insertSelect(server: TestServer, rows: number, repeat: number): Promise<Run> {
  const { pid } = server.ready;
  await server.sql(`CREATE TABLE bench.target${repeat} LIKE bench.source`);
  const beforeCpu = cpuSeconds(pid);
  const startMs = systemClock.monotonicMs();
  await server.sql(`INSERT INTO bench.target${repeat} SELECT id, url, price FROM bench.source`);
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  const used = cpuSeconds(pid) - beforeCpu;
  const count = await server.value(`SELECT count(*) FROM bench.target${repeat}`);
  if (count !== String(rows)) throw new Error(`${count} rows, expected ${rows}`);
  return { rows, seconds, cpuSeconds: used, peakRssBytes: peakRssBytes(pid) };
}

async function duckdbCopies(server: TestServer, rows: number, repeat: number): Promise<Run> {
  const { dataDir } = server.ready;
  const files = globSync(join(dataDir, 'volumes/builtin/bench/source-*/data/**/*.parquet'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const list = files.map((file) => `'${file}'`).join(', ');
  const before = process.cpuUsage();
  const startMs = systemClock.monotonicMs();
  await connection.run(
    `COPY (SELECT id, url, price FROM read_parquet([${list}])) TO '${join(dataDir, `alone${repeat}.parquet`)}' (FORMAT parquet, PARQUET_VERSION v1, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
  );
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  connection.closeSync();
  instance.closeSync();
  const peak = process.resourceUsage().maxRSS * 1024;
  return { rows, seconds, cpuSeconds: (user + system) / 1e6, peakRssBytes: peak };
}
