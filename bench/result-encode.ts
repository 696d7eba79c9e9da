// Benchmark of query results: 1M rows x 3 columns (BIGINT, a 26-byte url, DOUBLE) from Parquet to MySQL row
// packets, in one process, through the query runner. Baseline in the same run: the binding's row arrays
// turned into packets value by value. Run: node bench/result-encode.ts [--json].
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { asId } from '../src/base/ids.ts';
import { type Engine, openEngine } from '../src/engine/duckdb.ts';
import { createQueryRunner } from '../src/engine/query-runner.ts';
import { parquetCopyOptions } from '../src/model/parquet-layout.ts';
import type { QueryPlan } from '../src/model/query-plan.ts';
import type { ColumnSchema, TableSchema } from '../src/model/table.ts';
import { RowEncoder } from '../src/mysql/row-encoder.ts';
import { readerOf } from '../test/support/engine-fixture.ts';

const ROWS = 1_000_000;
const REPEATS = 5;

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measure(work: () => Promise<number>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const rows = await work();
  if (rows !== ROWS) throw new Error(`${rows} rows in place of ${ROWS}`);
  const used = process.cpuUsage(cpu);
  return {
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
  };
}

function column(fieldId: number, name: string, type: ColumnSchema['type']): ColumnSchema {
  const rest = { nullable: true, isKey: false, defaultValue: null, comment: '' };
  return { fieldId: asId(fieldId), name, type, ...rest };
}

const schema: TableSchema = {
  keysType: 'DUP_KEYS',
  columns: [
    column(1, 'id', { kind: 'BIGINT' }),
    column(2, 'url', { kind: 'VARCHAR', length: 100 }),
    column(3, 'price', { kind: 'DOUBLE' }),
  ],
};

async function writeRows(engine: Engine, path: string): Promise<void> {
  await engine.withConnection((connection) =>
    connection.run(
      `COPY (SELECT 1700000000000 + i * 7919331 AS id, 'https://site.test/p/' || lpad((i % 100000)::VARCHAR, 6, '0') AS url,
         (hash(i) % 1000000)::DOUBLE / 100 AS price FROM range(${ROWS}) t(i)) TO '${path}' (${parquetCopyOptions(schema)})`,
    ),
  );
}

function planOf(path: string): QueryPlan {
  const file = {
    id: asId<QueryPlan['scans'][number]['files'][number]['id']>(1),
    transactionId: asId<QueryPlan['scans'][number]['files'][number]['transactionId']>(1),
    volumeId: asId<QueryPlan['scans'][number]['files'][number]['volumeId']>(1),
    key: path,
    sizeBytes: 0,
    rowCount: ROWS,
    deletes: [],
    deletedRows: 0,
    columnStats: {},
  };
  return {
    duckdbSql: 'SELECT id, url, price FROM __scan0',
    columns: schema.columns.map(({ name, type }) => ({ name, type, transport: 'text' })),
    scans: [{ placeholder: '__scan0', schema, columns: ['id', 'url', 'price'], files: [file] }],
    inlineTables: [],
    volumes: [],
    maxRows: null,
    timeoutMs: 60_000,
  };
}

async function plainRows(engine: Engine, path: string): Promise<number> {
  return engine.withConnection(async (connection) => {
    const rows = await connection.rows(`SELECT * FROM '${path}'`);
    const encoder = new RowEncoder(0, () => undefined);
    for (const row of rows) {
      encoder.startRow();
      for (const value of row) encoder.string(String(value));
      encoder.endRow();
    }
    encoder.flush();
    return encoder.rowCount;
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
const engine = await openEngine({
  role: 'loader',
  threads: 2,
  memoryLimitBytes: 512 * 1024 * 1024,
  tempDirectory: join(directory, 'tmp'),
  maxTempBytes: 1024 * 1024 * 1024,
  allowedDirectories: [],
  statementsAtOnce: 4,
  maxWaiting: 10,
  clock: systemClock,
});
try {
  const path = join(directory, 'rows.parquet');
  await writeRows(engine, path);
  const runner = createQueryRunner({
    engine,
    clock: systemClock,
    ...readerOf(async (files) => ({
      paths: files.map(({ key }) => key),
      release: () => undefined,
    })),
  });
  let bytes = 0;
  const sink = async (chunk: Buffer): Promise<void> => {
    bytes += chunk.length;
  };
  const runs: Measured[] = [];
  for (let i = 0; i < REPEATS; i += 1)
    runs.push(
      await measure(async () => {
        bytes = 0;
        const signal = new AbortController().signal;
        return (await runner.run(planOf(path), 1, sink, signal)).rowCount;
      }),
    );
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const baseline = await measure(() => plainRows(engine, path));
  const seconds = median(runs.map((run) => run.seconds));
  const cpuSeconds = median(runs.map((run) => run.cpuSeconds));
  const report = {
    name: 'result-encode',
    rows: ROWS,
    bytes,
    seconds,
    minSeconds: Math.min(...runs.map((run) => run.seconds)),
    cpuSeconds,
    rowsPerSecond: Math.round(ROWS / seconds),
    rowsPerCpuSecond: Math.round(ROWS / cpuSeconds),
    baseline: Math.round(ROWS / baseline.cpuSeconds),
    ratio: Number((baseline.cpuSeconds / cpuSeconds).toFixed(2)),
    peakRssBytes,
    runs: runs.length,
  };
  if (process.argv.includes('--json')) console.log(JSON.stringify(report));
  else console.table([report]);
} finally {
  await engine.close();
  await rm(directory, { recursive: true, force: true });
}
