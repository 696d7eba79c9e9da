// Wrong passwords in a loop: 25 connections guess one user's password and 25 go through ever new names, for a
// minute (or --seconds). How many guesses were heard, what a right log-in of another user takes meanwhile, and
// the memory and CPU time of the FE. Fails when its memory grew by more than MOST_GROWTH_BYTES.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../src/base/clock.ts';
import { type FloodCounts, loginMs } from '../test/support/login-flood.ts';
import { residentBytes } from '../test/support/process-tree.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, round, summarize } from './report.ts';

const GUESSERS = 25;
const WARM_UP_MS = 10_000;
const PROBE_EVERY_MS = 50;
const MOST_GROWTH_BYTES = 16 * 1024 * 1024;
const MB = 1024 * 1024;

interface Floods {
  readonly one: FloodCounts;
  readonly many: FloodCounts;
}

/** Throws when the memory of the FE grew. `seconds` comes after the warm-up. */
export async function wrongLogins(seconds: number): Promise<BenchResult> {
  const server = await startServer({ broker: 'off' });
  try {
    return await measure(server, seconds * 1000);
  } finally {
    await server.stop();
  }
}

async function measure(server: TestServer, runMs: number): Promise<BenchResult> {
  await server.sql("CREATE USER victim IDENTIFIED BY 'right'");
  await server.sql("CREATE USER other IDENTIFIED BY 'right too'");
  const { queryPort: port, pid } = server.ready;
  const quietMs: number[] = [];
  for (let i = 0; i < 50; i += 1) quietMs.push(await loginMs(port, 'other', 'right too'));
  const forMs = WARM_UP_MS + runMs;
  const endMs = systemClock.monotonicMs() + forMs;
  const isOver = (): boolean => systemClock.monotonicMs() >= endMs;
  const worker = new Worker(new URL('./wrong-logins-flood.ts', import.meta.url), {
    workerData: { port, connections: GUESSERS, forMs },
  });
  // Rejects with the worker's error.
  const floods = once(worker, 'message') as Promise<[Floods]>;
  const probes = probe(port, isOver);
  const cpuBefore = cpuSeconds(pid);
  await systemClock.sleep(WARM_UP_MS);
  const warmBytes = residentBytes(pid);
  const [{ one, many }] = await floods;
  const cpu = cpuSeconds(pid) - cpuBefore;
  const endBytes = residentBytes(pid);
  const besideMs = await probes;
  const victimMs = await loginMs(port, 'victim', 'right');
  if (endBytes - warmBytes > MOST_GROWTH_BYTES)
    throw new Error(
      `the FE grew from ${Math.round(warmBytes / MB)} to ${Math.round(endBytes / MB)} MB in ${runMs / 1000} s of wrong passwords`,
    );
  const attempts = total(one) + total(many);
  const run = {
    rows: attempts,
    seconds: forMs / 1000,
    cpuSeconds: cpu,
    peakRssBytes: peakRssBytes(pid),
  };
  return summarize('wrong-logins', [run], null, {
    guesses: total(one),
    guessesHeard: one.wrong,
    newNames: total(many),
    loginQuietP50Ms: round(percentile(quietMs, 0.5)),
    loginBesideP50Ms: round(percentile(besideMs, 0.5)),
    loginBesideP99Ms: round(percentile(besideMs, 0.99)),
    guessedUsersOwnLoginMs: Math.round(victimMs),
    feWarmMb: Math.round(warmBytes / MB),
    feEndMb: Math.round(endBytes / MB),
  });
}

const total = (counts: FloodCounts): number => counts.wrong + counts.unheard;

/** Right log-ins of another user meanwhile. */
async function probe(port: number, isOver: () => boolean): Promise<number[]> {
  const tookMs: number[] = [];
  while (!isOver()) {
    tookMs.push(await loginMs(port, 'other', 'right too'));
    await systemClock.sleep(PROBE_EVERY_MS);
  }
  return tookMs;
}
