// Compaction: rows per CPU-second of the merge itself (files of one size into one, sorted by key, and what the map of
// positions adds), and a table fed by 2,000 commits of 1,000 rows against the same rows loaded at once, one
// minute after the last commit.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { asId, type FileId, type TransactionId, type VolumeId } from '../src/base/ids.ts';
import { systemRandom } from '../src/base/random.ts';
import { openEngine } from '../src/engine/duckdb.ts';
import { parquetCopyOptions } from '../src/model/parquet-layout.ts';
import type { ColumnSchema, DataFile, TableInfo } from '../src/model/table.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import type { CompactionServices } from '../src/tables/compaction-inputs.ts';
import { runCompaction } from '../src/tables/compaction-run.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, median, type Run, round, summarize } from './report.ts';

const COMMITS = 2_000;
const COMMIT_ROWS = 1_000;
const QUIET_MS = 60_000;
const QUERIES = [
  'SELECT sum(v) FROM bench.{t}',
  'SELECT g, count(*), sum(v) FROM bench.{t} GROUP BY g ORDER BY g LIMIT 10',
  'SELECT k, v FROM bench.{t} ORDER BY v DESC LIMIT 10',
  'SELECT k, v, s FROM bench.{t} WHERE k = 1234567',
] as const;

const column = (fieldId: number, name: string, type: ColumnSchema['type']): ColumnSchema => ({
  fieldId: asId(fieldId),
  name,
  type,
  nullable: false,
  isKey: fieldId === 1,
  defaultValue: null,
  comment: '',
});

function benchTable(keysType: TableInfo['schema']['keysType']): TableInfo {
  return {
    id: asId(1),
    databaseId: asId(1),
    databaseName: 'bench',
    name: 't',
    schema: {
      keysType,
      columns: [
        column(1, 'k', { kind: 'BIGINT' }),
        column(2, 's', { kind: 'VARCHAR', length: 100 }),
        column(3, 'v', { kind: 'BIGINT' }),
      ],
    },
    volumeId: asId(1),
    prefix: 'bench/t-1/data',
    comment: '',
    distributedBy: [],
    buckets: null,
    properties: {},
    createdMs: 0,
  };
}

/** One merge of `files` files of `fileRows` rows. CPU time is this process's. */
async function mergeOnce(
  keysType: TableInfo['schema']['keysType'],
  files: number,
  fileRows: number,
): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  for (const name of ['volume', 'temporary', 'spill']) mkdirSync(join(directory, name));
  const engine = await openEngine({
    role: 'loader',
    threads: 1,
    memoryLimitBytes: 1024 ** 3,
    tempDirectory: join(directory, 'spill'),
    maxTempBytes: 1024 ** 3,
    allowedDirectories: [],
    statementsAtOnce: 4,
    maxWaiting: 100,
    clock: systemClock,
  });
  try {
    const root = join(directory, 'volume');
    const store = new LocalStore({ root, where: root });
    const services: CompactionServices = {
      engine,
      stores: async () => store,
      tempDirectory: join(directory, 'temporary'),
      random: systemRandom,
    };
    const table = benchTable(keysType);
    const inputs = await makeInputs(table, services, store, files, fileRows);
    const volume = {
      id: asId<VolumeId>(1),
      name: 'v',
      type: 'LOCAL',
      location: `file://${root}`,
      params: {},
    } as const;
    const order = {
      transactionId: asId<TransactionId>(999_999),
      table,
      volume,
      volumes: [volume],
      inputs,
    };
    const before = process.cpuUsage();
    const startMs = systemClock.monotonicMs();
    await runCompaction(order, services, new AbortController().signal);
    const { user, system } = process.cpuUsage(before);
    return {
      rows: files * fileRows,
      seconds: (systemClock.monotonicMs() - startMs) / 1000,
      cpuSeconds: (user + system) / 1e6,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Files as loads leave them: keys spread over the whole range in each, sorted or not as the table's loads do. */
async function makeInputs(
  table: TableInfo,
  { engine, tempDirectory }: CompactionServices,
  store: LocalStore,
  files: number,
  fileRows: number,
): Promise<readonly DataFile[]> {
  const inputs: DataFile[] = [];
  const order = table.schema.keysType === 'DUP_KEYS' ? '' : ' ORDER BY k';
  for (let id = 1; id <= files; id += 1) {
    const key = `${table.prefix}/t${id}/${systemRandom.uuid()}.parquet`;
    const path = join(tempDirectory, 'input');
    const [stats] = await engine.withConnection((connection) =>
      connection.objects(
        `COPY (SELECT CAST(hash(${id} * 1000000 + i) % 9000000000 AS BIGINT) AS k, 'https://site.test/p/' || (i % 1000) AS s, CAST(i AS BIGINT) AS v FROM range(${fileRows}) t(i)${order}) TO '${path}' (${parquetCopyOptions(table.schema)})`,
      ),
    );
    await store.putFile(key, path);
    inputs.push({
      id: asId<FileId>(id),
      transactionId: asId<TransactionId>(id),
      volumeId: asId<VolumeId>(1),
      key,
      sizeBytes: Number(stats?.['file_size_bytes']),
      rowCount: fileRows,
      deletes: [],
      deletedRows: 0,
      columnStats: {},
    });
  }
  return inputs;
}

export async function compactionMerge(rows: number, repeats: number): Promise<BenchResult> {
  const files = 24;
  const fileRows = Math.round(rows / files);
  const runs: Run[] = [];
  const keyed: number[] = [];
  const tiny: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const rate = (run: Run): number => Math.round(run.rows / run.cpuSeconds);
    runs.push(await mergeOnce('DUP_KEYS', files, fileRows));
    keyed.push(rate(await mergeOnce('PRIMARY_KEYS', files, fileRows)));
    tiny.push(rate(await mergeOnce('DUP_KEYS', 100, COMMIT_ROWS)));
  }
  return summarize('compaction-merge', runs, null, {
    keyedRowsPerCpuSecond: median(keyed),
    tinyFilesRowsPerCpuSecond: median(tiny),
  });
}

/** Ratios of each query over the table of many commits to the same over the one loaded at once; all <= 1.5. */
export async function compactionManyCommits(repeats: number): Promise<BenchResult> {
  const server = await startServer({ broker: 'off' });
  try {
    await server.sql('CREATE DATABASE bench');
    const rowsOf = (from: number, to: number): string =>
      `SELECT generate_series * 7919 % 2000003, concat('https://site.test/p/', CAST(generate_series % 1000 AS VARCHAR)), generate_series % 997, generate_series FROM TABLE(generate_series(${from}, ${to}))`;
    for (const table of ['many', 'once']) {
      await server.sql(
        `CREATE TABLE bench.${table} (k BIGINT NOT NULL, s VARCHAR(100) NULL, g BIGINT NULL, v BIGINT NULL) DUPLICATE KEY(k)`,
      );
    }
    const { pid } = server.ready;
    const beforeCpu = cpuSeconds(pid);
    const startMs = systemClock.monotonicMs();
    for (let commit = 0; commit < COMMITS; commit += 1) {
      const from = commit * COMMIT_ROWS;
      await server.sql(`INSERT INTO bench.many ${rowsOf(from, from + COMMIT_ROWS - 1)}`);
    }
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    // In the order of its key, as compaction leaves the other: else look-ups in it would read all of it.
    await server.sql(`INSERT INTO bench.once ${rowsOf(0, COMMITS * COMMIT_ROWS - 1)} ORDER BY 1`);
    await systemClock.sleep(QUIET_MS);
    const used = cpuSeconds(pid) - beforeCpu;
    const figures: Record<string, number> = {};
    for (const [index, query] of QUERIES.entries()) {
      figures[`ratio${index + 1}`] = round(await ratioOf(server, query, repeats * 7));
    }
    const rows = COMMITS * COMMIT_ROWS;
    const run = { rows, seconds, cpuSeconds: used, peakRssBytes: peakRssBytes(pid) };
    return summarize('compaction-many-commits', [run], null, figures);
  } finally {
    await server.stop();
  }
}

async function ratioOf(server: TestServer, query: string, times: number): Promise<number> {
  const spent: Record<'many' | 'once', number[]> = { many: [], once: [] };
  const answers = new Set<string>();
  for (let time = 0; time < times; time += 1) {
    for (const table of ['many', 'once'] as const) {
      const startMs = systemClock.monotonicMs();
      const { rows } = await server.sql(query.replace('{t}', table));
      spent[table].push(systemClock.monotonicMs() - startMs);
      answers.add(JSON.stringify(rows));
    }
    if (answers.size !== 1)
      throw new Error(`${query}: the two tables give ${[...answers].join(' and ')}`);
  }
  return median(spent.many) / median(spent.once);
}
