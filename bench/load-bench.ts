// The main job measured from outside: 5M clicks in a broker of another process, to committed and
// queryable; CPU and memory of all of Millrace's processes. Baseline of the same run: DuckDB alone
// (threads=1) turning the same bytes in a local NDJSON file into the same Parquet.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../src/base/clock.ts';
import { openDemoProducer } from '../src/kafka/client/admin.ts';
import type { CompressionName } from '../src/kafka/protocol/batch-header.ts';
import { newDataDir, startServer, type TestServer } from '../test/support/start-server.ts';
import { BATCH_ROWS, clickValues, produceClicks } from './clicks.ts';
import { cpuSeconds, peakRssBytes, processTree } from './process-stats.ts';
import type { Run } from './report.ts';

export interface BenchBroker {
  readonly port: number;
  readonly bootstrap: string;
  stop(): Promise<void>;
}

export async function startBenchBroker(): Promise<BenchBroker> {
  const dir = newDataDir();
  const child: ChildProcess = spawn(process.execPath, ['bench/broker-process.ts', dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the broker ended')));
    if (child.stdout === null) throw new Error('no output');
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line)));
  });
  return {
    port,
    bootstrap: `127.0.0.1:${port}`,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin?.end();
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function makeTopic(
  broker: BenchBroker,
  topic: string,
  partitions: number,
  rows: number,
  compression: CompressionName,
  values?: (batch: number) => Buffer[],
  distinct = false,
): Promise<void> {
  const producer = await openDemoProducer({ bootstrap: broker.bootstrap, clientId: 'bench' });
  await producer.createTopic(topic, partitions);
  await producer.close();
  const shape = values === undefined ? {} : { values };
  await produceClicks({
    port: broker.port,
    topic,
    partitions,
    rows,
    compression,
    distinct,
    ...shape,
  });
}

const TABLE =
  '(`uid` bigint NOT NULL, `site` string NOT NULL, `vtime` bigint NOT NULL) DISTRIBUTED BY HASH(`uid`)';

export async function prepareTable(server: TestServer, columns = TABLE): Promise<void> {
  await server.sql('CREATE DATABASE IF NOT EXISTS bench');
  await server.sql(`CREATE TABLE bench.clicks ${columns}`);
}

export function createJob(broker: BenchBroker, topic: string): string {
  return `CREATE ROUTINE LOAD bench.job ON clicks
    PROPERTIES ("format"="json", "jsonpaths"="[\\"$.uid\\",\\"$.site\\",\\"$.vtime\\"]")
    FROM KAFKA ("kafka_broker_list"="${broker.bootstrap}", "kafka_topic"="${topic}",
      "property.kafka_default_offsets"="OFFSET_BEGINNING")`;
}

/** Loads a whole topic with a fresh server; from CREATE ROUTINE LOAD to all rows visible. */
export async function loadTopic(
  broker: BenchBroker,
  topic: string,
  rows: number,
  during: (server: TestServer) => Promise<() => Promise<void>> = async () => async () => undefined,
  shape: { readonly job?: string; readonly table?: string } = {},
): Promise<Run> {
  const server = await startServer({ broker: 'off' });
  try {
    await prepareTable(server, shape.table);
    const pid = server.ready.pid;
    const beforeCpu = cpuSeconds(pid);
    const startMs = systemClock.monotonicMs();
    await server.sql(shape.job ?? createJob(broker, topic));
    const finish = await during(server);
    await loadedAll(server, rows);
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    const used = cpuSeconds(pid) - beforeCpu;
    await finish();
    const count = await server.value('SELECT count(*) FROM bench.clicks');
    if (count !== String(rows)) throw new Error(`${count} rows in the table, expected ${rows}`);
    const names = processTree(pid).length;
    if (names < 3) throw new Error(`only ${names} processes are measured`);
    return { rows, seconds, cpuSeconds: used, peakRssBytes: peakRssBytes(pid) };
  } finally {
    await server.stop();
  }
}

export async function loadedAll(
  server: TestServer,
  rows: number,
  name = 'bench.job',
): Promise<void> {
  for (;;) {
    const job = (await server.sql(`SHOW ROUTINE LOAD FOR ${name}`)).rows[0];
    const statistic = JSON.parse(job?.[13] ?? '{}') as { loadedRows?: number };
    if ((statistic.loadedRows ?? 0) >= rows) return;
    if (job?.[7] === 'PAUSED') throw new Error(`the job paused: ${job[16]}\n${server.logTail}`);
    await systemClock.sleep(200);
  }
}

export type DuckdbColumns = readonly (readonly [name: string, type: string])[];

const CLICK_COLUMNS: DuckdbColumns = [
  ['uid', 'BIGINT'],
  ['site', 'VARCHAR'],
  ['vtime', 'BIGINT'],
];

/** DuckDB alone in a process of its own, from a local NDJSON file. */
export async function duckdbAlone(
  rows: number,
  values: (batch: number) => Buffer[] = clickValues,
  columns: DuckdbColumns = CLICK_COLUMNS,
): Promise<Run> {
  const dir = newDataDir();
  try {
    const input = join(dir, 'clicks.ndjson');
    const file = openSync(input, 'w');
    for (let batch = 0; batch < rows / BATCH_ROWS; batch += 1) {
      writeSync(file, Buffer.concat(values(batch).flatMap((value) => [value, NEWLINE])));
    }
    closeSync(file);
    return await duckdbOfFile({ path: input, rows, columns, format: 'json', directory: dir });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The same from a file that is there. */
export async function duckdbOfFile(options: {
  readonly path: string;
  readonly rows: number;
  readonly columns: DuckdbColumns;
  readonly format: 'json' | 'csv';
  readonly directory: string;
}): Promise<Run> {
  const { path, rows, columns, format, directory } = options;
  const output = join(directory, 'out.parquet');
  const child = spawn(
    process.execPath,
    ['bench/duckdb-alone.ts', path, output, JSON.stringify(columns), format],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const text = await new Promise<string>((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.once('exit', (code) => (code === 0 ? resolve(out) : reject(new Error(`exit ${code}`))));
  });
  return { rows, ...(JSON.parse(text) as Omit<Run, 'rows'>) };
}

const NEWLINE = Buffer.from('\n');
