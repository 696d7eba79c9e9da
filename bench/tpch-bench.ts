// TPC-H at scale 1 over the real MySQL port, against DuckDB itself (same version, threads and memory limit) on
// the very same Parquet files in the same run. Each side's rows are fetched to their end. Needs `tpchgen-cli`
// (PyPI), or its Parquet files in the folder that MILLRACE_TPCH names.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { systemClock } from '../src/base/clock.ts';
import { newDataDir, startServer, type TestServer } from '../test/support/start-server.ts';
import { TPCH_QUERIES } from '../test/unit/query/tpch-queries.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, type Run, summarize } from './report.ts';
import { fillTpch, TPCH_COLUMNS } from './tpch-tables.ts';

/** Parquet files of `tpchgen-cli parquet -s 1`, made when they are not there. */
function tpchFiles(dataDir: string): string {
  const given = process.env['MILLRACE_TPCH'];
  if (given !== undefined && existsSync(join(given, 'lineitem.parquet'))) return given;
  const folder = given ?? join(dataDir, 'tpch');
  mkdirSync(folder, { recursive: true });
  const venv = join(dataDir, 'venv');
  run('python3', ['-m', 'venv', venv]);
  run(join(venv, 'bin', 'pip'), ['install', '-q', 'tpchgen-cli==4.0.0']);
  run(join(venv, 'bin', 'tpchgen-cli'), ['parquet', '-s', '1', '--output-dir', folder]);
  return folder;
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
}

export async function tpch(repeats: number): Promise<BenchResult> {
  const dataDir = newDataDir();
  try {
    const source = tpchFiles(dataDir);
    const first = await startServer({ dataDir, broker: 'off' });
    await first.sql('CREATE DATABASE tpch');
    for (const [name, columns] of Object.entries(TPCH_COLUMNS)) {
      await first.sql(`CREATE TABLE tpch.${name} (${columns}) DISTRIBUTED BY RANDOM`);
    }
    await first.stop();
    const paths = await fillTpch(dataDir, source);
    const server = await startServer({ dataDir, broker: 'off' });
    try {
      return await compare(server, await alone(paths), repeats);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function alone(
  paths: Readonly<Record<string, readonly string[]>>,
): Promise<DuckDBConnection> {
  const threads = String(availableParallelism());
  const instance = await DuckDBInstance.create(':memory:', { threads, memory_limit: MEMORY_LIMIT });
  const connection = await instance.connect();
  for (const [name, files] of Object.entries(paths)) {
    const list = files.map((file) => `'${file}'`).join(', ');
    await connection.run(`CREATE VIEW ${name} AS SELECT * FROM read_parquet([${list}])`);
  }
  return connection;
}

/** The query process's own default. */
const MEMORY_LIMIT = '2GB';

async function compare(
  server: TestServer,
  duckdb: DuckDBConnection,
  repeats: number,
): Promise<BenchResult> {
  await server.sql('USE tpch');
  const runs: Run[] = [];
  const baseline: Run[] = [];
  const figures: Record<string, number> = {};
  for (let repeat = 0; repeat < repeats + 1; repeat += 1) {
    let [mine, theirs, rows] = [0, 0, 0];
    const before = cpuSeconds(server.ready.pid);
    const cpu = process.cpuUsage();
    for (const [i, sql] of TPCH_QUERIES.entries()) {
      const a = systemClock.monotonicMs();
      const answer = await server.sql(sql);
      const b = systemClock.monotonicMs();
      const other = (await duckdb.runAndReadAll(sql)).getRows();
      const c = systemClock.monotonicMs();
      if (answer.rows.length !== other.length) {
        throw new Error(`query ${i + 1}: ${answer.rows.length} rows and ${other.length}`);
      }
      mine += b - a;
      theirs += c - b;
      rows += other.length;
      figures[`q${i + 1}`] = Math.round((100 * (b - a)) / (c - b)) / 100;
    }
    const used = process.cpuUsage(cpu);
    // The first pass warms both sides up.
    if (repeat === 0) continue;
    const peak = peakRssBytes(server.ready.pid);
    runs.push({
      rows,
      seconds: mine / 1000,
      cpuSeconds: cpuSeconds(server.ready.pid) - before,
      peakRssBytes: peak,
    });
    baseline.push({
      rows,
      seconds: theirs / 1000,
      cpuSeconds: (used.user + used.system) / 1e6,
      peakRssBytes: process.memoryUsage.rss(),
    });
    figures[`ratio${repeat}`] = Math.round((1000 * mine) / theirs) / 1000;
  }
  return summarize('tpch', runs, { name: 'DuckDB alone, same files', runs: baseline }, figures);
}
