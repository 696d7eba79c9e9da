// 1,000 requests a second of 1 KB with merge commit (a window of 500 ms): latency, transactions, and the CPU of each
// process. The clients are a process of their own, which sends at its pace whatever the server does.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { childrenOf } from '../test/support/process-tree.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { cpuSecondsOf, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, type Run, round, summarize } from './report.ts';

const PER_SECOND = 1_000;
const RUN_SECONDS = 10;
const WARM_UP_SECONDS = 4;
/** Of each run of the clients, before their times count. */
const CLIENT_START_SECONDS = 3;
/** Ids of one run do not meet those of another. */
const IDS = 10_000_000;
const CLIENT = fileURLToPath(new URL('./merge-commit-client.ts', import.meta.url));

interface Answer {
  /** Of all requests. */
  readonly count: number;
  readonly tookMs: readonly number[];
  readonly failures: readonly string[];
  readonly cpuSeconds: number;
}

/** Throws when a request failed, a row is missing, or one is there twice. */
export async function mergeCommit(repeats: number): Promise<BenchResult> {
  const server = await startServer({ broker: 'off' });
  try {
    await server.sql('CREATE DATABASE bench');
    await server.sql('CREATE TABLE bench.merged (id BIGINT, payload VARCHAR(1100))');
    let sent = await send(server, 0, WARM_UP_SECONDS);
    let { count } = sent;
    const runs: Run[] = [];
    let figures = {};
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      const pids = pidsOf(server);
      const before = pids.map(([, pid]) => cpuSecondsOf(pid));
      const commits = await commitsOf(server);
      sent = await send(server, repeat * IDS, RUN_SECONDS);
      const cpu = pids.map(
        ([role, pid], i) => [role, cpuSecondsOf(pid) - (before[i] ?? 0)] as const,
      );
      count += sent.count;
      await check(server, count);
      runs.push({
        rows: sent.count,
        seconds: RUN_SECONDS,
        cpuSeconds: cpu.reduce((sum, [, seconds]) => sum + seconds, 0),
        peakRssBytes: peakRssBytes(server.ready.pid),
      });
      figures = {
        p50Ms: round(percentile(sent.tookMs, 0.5)),
        p99Ms: round(percentile(sent.tookMs, 0.99)),
        commitsPerSecond: round(((await commitsOf(server)) - commits) / RUN_SECONDS),
        ...Object.fromEntries(
          cpu.map(([role, seconds]) => [`${role}CpuPerSecond`, round(seconds / RUN_SECONDS)]),
        ),
        clientsCpuPerSecond: round(sent.cpuSeconds / RUN_SECONDS),
      };
    }
    return summarize('merge-commit', runs, null, figures);
  } finally {
    await server.stop();
  }
}

async function send(server: TestServer, firstId: number, seconds: number): Promise<Answer> {
  const times = [seconds * 1000, CLIENT_START_SECONDS * 1000];
  const args = [CLIENT, server.ready.cnHttpPort, PER_SECOND, ...times, firstId].map(String);
  const maxBuffer = 256 * 1024 * 1024;
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer });
  const answer = JSON.parse(stdout) as Answer;
  if (answer.failures.length > 0)
    throw new Error(`${answer.failures.length} failed: ${answer.failures[0]}`);
  return answer;
}

async function check(server: TestServer, expected: number): Promise<void> {
  const { rows } = await server.sql('SELECT count(*), count(DISTINCT id) FROM bench.merged');
  if (rows[0]?.some((count) => count !== String(expected)))
    throw new Error(`${rows[0]?.join(' and ')} rows, expected ${expected}`);
}

async function commitsOf({ ready }: TestServer): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ready.httpPort}/metrics`);
  const found = /^millrace_load_transactions_total\{kind="stream_load",state="visible"\} (\d+)/m;
  return Number(found.exec(await answer.text())?.[1] ?? 0);
}

function pidsOf(server: TestServer): readonly (readonly [role: string, pid: number])[] {
  const children = childrenOf(server.ready.dataDir).map(({ role, pid }) => [role, pid] as const);
  return [['fe', server.ready.pid], ...children];
}
