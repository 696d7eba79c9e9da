// 200 idle and 50 busy connections for a minute (or --seconds): rates, latency of point queries as text and
// prepared, and the resident memory of each process: with no connection yet, after the warm-up, at the end.
// Fails when a process grew by more than MOST_GROWTH_BYTES after the warm-up.
import mysql, { type Connection } from 'mysql2/promise';
import { systemClock } from '../src/base/clock.ts';
import { childrenOf, residentBytes } from '../test/support/process-tree.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { cpuSeconds } from './process-stats.ts';
import { type BenchResult, percentile, round, summarize } from './report.ts';

const IDLE = 200;
const BUSY = 50;
/** Before growth is counted: code is compiled and buffers are grown by then. */
const WARM_UP_MS = 20_000;
const TABLE_ROWS = 1000;
/** More than this in one process after the warm-up is growth, and not noise of the collector and the allocator. */
const MOST_GROWTH_BYTES = 16 * 1024 * 1024;

type Memory = Readonly<Record<string, number>>;

/** Throws when the memory of a process grew. `seconds` comes after the warm-up. */
export async function connections(seconds: number): Promise<BenchResult> {
  const server = await startServer({ broker: 'off' });
  try {
    return await measure(server, seconds * 1000);
  } finally {
    await server.stop();
  }
}

async function measure(server: TestServer, runMs: number): Promise<BenchResult> {
  await server.sql('CREATE DATABASE bench');
  await server.sql('CREATE TABLE bench.points (id BIGINT, name VARCHAR(50)) DUPLICATE KEY (id)');
  await server.sql(
    `INSERT INTO bench.points SELECT generate_series, concat('name ', generate_series)
     FROM TABLE(generate_series(1, ${TABLE_ROWS}))`,
  );
  const memoryAtStart = memoryOf(server);
  const open = (): Promise<Connection> =>
    mysql.createConnection({ host: '127.0.0.1', port: server.ready.queryPort, user: 'root' });
  const idle = await Promise.all(Array.from({ length: IDLE }, open));
  const busy = await Promise.all(Array.from({ length: BUSY }, open));
  const samples = { text: [] as number[], prepared: [] as number[] };
  const startMs = systemClock.monotonicMs();
  const endMs = startMs + WARM_UP_MS + runMs;
  const work = Promise.all(
    busy.map((connection, i) =>
      ask(connection, i % 2 === 0 ? 'text' : 'prepared', endMs, (kind, tookMs) => {
        if (systemClock.monotonicMs() > startMs + WARM_UP_MS) samples[kind].push(tookMs);
      }),
    ),
  );
  await systemClock.sleep(WARM_UP_MS);
  const warm = memoryOf(server);
  const cpuBefore = cpuSeconds(server.ready.pid);
  await work;
  const cpu = cpuSeconds(server.ready.pid) - cpuBefore;
  const end = memoryOf(server);
  refuseGrowth(warm, end, runMs);
  for (const connection of idle) await connection.ping();
  for (const connection of [...idle, ...busy]) connection.destroy();
  const queries = samples.text.length + samples.prepared.length;
  const peakRssBytes = Object.values(end).reduce((sum, bytes) => sum + bytes, 0);
  const run = { rows: queries, seconds: runMs / 1000, cpuSeconds: cpu, peakRssBytes };
  return summarize('connections', [run], null, {
    queriesPerSecond: round(queries / (runMs / 1000)),
    textP50Ms: round(percentile(samples.text, 0.5)),
    textP99Ms: round(percentile(samples.text, 0.99)),
    preparedP50Ms: round(percentile(samples.prepared, 0.5)),
    preparedP99Ms: round(percentile(samples.prepared, 0.99)),
    ...inMb('StartMb', memoryAtStart),
    ...inMb('WarmMb', warm),
    ...inMb('EndMb', end),
  });
}

async function ask(
  connection: Connection,
  kind: 'text' | 'prepared',
  endMs: number,
  onAnswer: (kind: 'text' | 'prepared', tookMs: number) => void,
): Promise<void> {
  for (let id = 1; systemClock.monotonicMs() < endMs; id = (id % TABLE_ROWS) + 1) {
    const startMs = systemClock.monotonicMs();
    const sql = 'SELECT name FROM bench.points WHERE id = ?';
    const [rows] =
      kind === 'text' ? await connection.query(sql, [id]) : await connection.execute(sql, [id]);
    if (!Array.isArray(rows) || rows.length !== 1) throw new Error(`no row for ${id}`);
    onAnswer(kind, systemClock.monotonicMs() - startMs);
  }
}

/** Resident memory by process: the FE and its children. */
function memoryOf(server: TestServer): Memory {
  const children = childrenOf(server.ready.dataDir).map(({ role, pid }) => [role, pid] as const);
  const all = [['fe', server.ready.pid] as const, ...children];
  return Object.fromEntries(all.map(([role, pid]) => [role, residentBytes(pid)]));
}

/** Throws, with the figures, where a process grew, or died. */
function refuseGrowth(warm: Memory, end: Memory, runMs: number): void {
  const grown = Object.keys({ ...warm, ...end }).filter(
    (role) => !((end[role] ?? Number.NaN) - (warm[role] ?? Number.NaN) <= MOST_GROWTH_BYTES),
  );
  if (grown.length === 0) return;
  const figures = JSON.stringify({ ...inMb('WarmMb', warm), ...inMb('EndMb', end) });
  throw new Error(`the memory of ${grown.join(' and ')} grew in ${runMs / 1000} s: ${figures}`);
}

function inMb(suffix: string, memory: Memory): Record<string, number> {
  return Object.fromEntries(
    Object.entries(memory).map(([role, bytes]) => [
      `${role}${suffix}`,
      Math.round(bytes / 1024 / 1024),
    ]),
  );
}
