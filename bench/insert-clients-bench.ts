// 100 clients insert single rows, each one after the other: rows committed per second, latency, files, and the CPU of
// each process. Baseline in the same run: the same clients with groups switched off, each INSERT a transaction of
// its own. The clients are a process of their own, whose CPU is told apart.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { childrenOf } from '../test/support/process-tree.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { cpuSecondsOf, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, type Run, round, summarize } from './report.ts';

const CLIENTS = 100;
const RUN_SECONDS = 8;
const WARM_UP_SECONDS = 3;
/** Ids of one run do not meet those of another. */
const IDS = 10_000_000;
const CLIENT = fileURLToPath(new URL('./insert-client.ts', import.meta.url));

interface Answer {
  readonly tookMs: readonly number[];
  readonly cpuSeconds: number;
}

interface Measured {
  readonly run: Run;
  readonly figures: Readonly<Record<string, number>>;
}

/** Throws when a row is missing, or one is there twice. */
export async function insertClients(repeats: number): Promise<BenchResult> {
  const server = await startServer({ broker: 'off' });
  try {
    await server.sql('CREATE DATABASE bench');
    const grouped: Measured[] = [];
    const alone: Measured[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      grouped.push(await measure(server, CLIENTS, 'SET enable_insert_group = true'));
      alone.push(await measure(server, CLIENTS, 'SET enable_insert_group = false'));
    }
    const one = await measure(server, 1, 'SET enable_insert_group = true');
    const oneAlone = await measure(server, 1, 'SET enable_insert_group = false');
    const last = grouped.at(-1)?.figures ?? {};
    return summarize(
      'insert-clients',
      grouped.map(({ run }) => run),
      { name: 'each a transaction of its own', runs: alone.map(({ run }) => run) },
      {
        ...last,
        aloneRowsPerSecond: alone.at(-1)?.figures['rowsPerSecond'] ?? Number.NaN,
        oneClientP50Ms: one.figures['p50Ms'] ?? Number.NaN,
        oneClientAloneP50Ms: oneAlone.figures['p50Ms'] ?? Number.NaN,
      },
    );
  } finally {
    await server.stop();
  }
}

async function measure(server: TestServer, clients: number, setting: string): Promise<Measured> {
  await server.sql('DROP TABLE IF EXISTS bench.one');
  await server.sql('CREATE TABLE bench.one (id BIGINT, url VARCHAR(100), price DECIMAL(10, 2))');
  const warm = await send(server, clients, setting, 0, WARM_UP_SECONDS);
  const pids = pidsOf(server);
  const before = pids.map(([, pid]) => cpuSecondsOf(pid));
  const commitsBefore = await commitsOf(server);
  const answer = await send(server, clients, setting, IDS, RUN_SECONDS);
  const commits = (await commitsOf(server)) - commitsBefore;
  const cpu = pids.map(([role, pid], i) => [role, cpuSecondsOf(pid) - (before[i] ?? 0)] as const);
  const expected = String(warm.tookMs.length + answer.tookMs.length);
  const counted = await server.sql('SELECT count(*), count(DISTINCT id) FROM bench.one');
  if (counted.rows[0]?.some((count) => count !== expected)) {
    throw new Error(`${counted.rows[0]?.join(' and ')} rows, expected ${expected}`);
  }
  const rows = answer.tookMs.length;
  const total = cpu.reduce((sum, [, seconds]) => sum + seconds, 0);
  return {
    run: {
      rows,
      seconds: RUN_SECONDS,
      cpuSeconds: total,
      peakRssBytes: peakRssBytes(server.ready.pid),
    },
    figures: {
      rowsPerSecond: Math.round(rows / RUN_SECONDS),
      commitsPerSecond: round(commits / RUN_SECONDS),
      p50Ms: round(percentile(answer.tookMs, 0.5)),
      p99Ms: round(percentile(answer.tookMs, 0.99)),
      ...Object.fromEntries(
        cpu.map(([role, seconds]) => [`${role}CpuPerSecond`, round(seconds / RUN_SECONDS)]),
      ),
      clientsCpuPerSecond: round(answer.cpuSeconds / RUN_SECONDS),
    },
  };
}

async function send(
  server: TestServer,
  clients: number,
  setting: string,
  firstId: number,
  seconds: number,
): Promise<Answer> {
  const { queryPort } = server.ready;
  const args = [CLIENT, queryPort, clients, seconds * 1000, firstId, setting].map(String);
  const maxBuffer = 256 * 1024 * 1024;
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer });
  return JSON.parse(stdout) as Answer;
}

function pidsOf(server: TestServer): readonly (readonly [role: string, pid: number])[] {
  const children = childrenOf(server.ready.dataDir).map(({ role, pid }) => [role, pid] as const);
  return [['fe', server.ready.pid], ...children];
}

/** Transactions of INSERT so far: as many files. */
async function commitsOf({ ready }: TestServer): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ready.httpPort}/metrics`);
  const found = /^millrace_load_transactions_total\{kind="insert",state="visible"\} (\d+)/m;
  return Number(found.exec(await answer.text())?.[1] ?? 0);
}
