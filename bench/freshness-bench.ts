// Freshness: from the acknowledged produce to visible by SQL, at a steady rate over one or more jobs, and the CPU that
// Millrace takes for loading at that rate, measured while nobody asks (a probe that asks count(*) as often as
// it is answered would be most of the CPU).
import { systemClock } from '../src/base/clock.ts';
import { type DemoProducer, openDemoProducer } from '../src/kafka/client/admin.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { startJob } from './jobs-bench.ts';
import { startBenchBroker } from './load-bench.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, round, summarize } from './report.ts';

const WARM_UP_SECONDS = 10;
const CPU_SECONDS = 30;
const FRESHNESS_SECONDS = 40;
const TICK_MS = 20;

export interface FreshnessCase {
  readonly name: string;
  readonly jobs: number;
  /** Of all jobs together. */
  readonly rowsPerSecond: number;
  /** The jobs' `freshness`; null = what jobs have without it. */
  readonly target: string | null;
}

/** So many rows are in a job's topic, all acknowledged, at this time. */
interface Produced {
  readonly job: number;
  readonly total: number;
  readonly atMs: number;
}

const topicOf = (job: number): string => `clicks${job}`;

/** Produces to all topics at the rate for some seconds, telling of each acknowledged send; rows a topic has then. */
async function produce(
  producer: DemoProducer,
  { jobs, rowsPerSecond }: FreshnessCase,
  seconds: number,
  before: number,
  onSent: (sent: Produced) => void,
): Promise<number> {
  const startMs = systemClock.monotonicMs();
  let produced = before;
  for (;;) {
    const elapsedMs = systemClock.monotonicMs() - startMs;
    if (elapsedMs >= seconds * 1000) return produced;
    const count = before + Math.floor((elapsedMs / 1000) * (rowsPerSecond / jobs)) - produced;
    if (count > 0) {
      const values = Array.from({ length: count }, (_, index) =>
        Buffer.from(
          `{ "uid": ${index}, "site": "https://docs.starrocks.io/", "vtime": 1718034793 } `,
        ),
      );
      produced += count;
      const total = produced;
      await Promise.all(
        Array.from({ length: jobs }, async (_, job) => {
          await producer.send(topicOf(job), 0, values);
          onSent({ job, total, atMs: systemClock.monotonicMs() });
        }),
      );
    }
    await systemClock.sleep(TICK_MS);
  }
}

/** Asks for all counts until everything in `waiting` is seen and nothing more comes; milliseconds of each send. */
async function probe(
  server: TestServer,
  jobs: number,
  waiting: Produced[],
  isProducing: () => boolean,
): Promise<number[]> {
  const samples: number[] = [];
  const counts = Array.from({ length: jobs }, (_, job) => `(SELECT count(*) FROM bench.t${job})`);
  while (isProducing() || waiting.length > 0) {
    const visible = (await server.sql(`SELECT ${counts.join(', ')}`)).rows[0] ?? [];
    const nowMs = systemClock.monotonicMs();
    const seen = waiting.filter(({ job, total }) => total <= Number(visible[job]));
    for (const { atMs } of seen) samples.push(nowMs - atMs);
    const left = waiting.filter((sent) => !seen.includes(sent));
    waiting.splice(0, waiting.length, ...left);
    await systemClock.sleep(10);
  }
  return samples;
}

export async function freshness(options: FreshnessCase): Promise<BenchResult> {
  const { name, jobs, target } = options;
  const broker = await startBenchBroker();
  const server = await startServer({ broker: 'off' });
  try {
    const { pid } = server.ready;
    const producer = await openDemoProducer({ bootstrap: broker.bootstrap, clientId: 'bench' });
    await server.sql('CREATE DATABASE bench');
    for (let job = 0; job < jobs; job += 1) {
      await producer.createTopic(topicOf(job), 1);
      const wanted = target === null ? '' : `, "freshness"="${target}"`;
      await startJob(server, broker, job, topicOf(job), wanted);
    }
    let produced = await produce(producer, options, WARM_UP_SECONDS, 0, () => undefined);
    const beforeCpu = cpuSeconds(pid);
    const startMs = systemClock.monotonicMs();
    const beforeRows = produced;
    produced = await produce(producer, options, CPU_SECONDS, produced, () => undefined);
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    const used = cpuSeconds(pid) - beforeCpu;
    const rows = (produced - beforeRows) * jobs;
    const run = { rows, seconds, cpuSeconds: used, peakRssBytes: peakRssBytes(pid) };

    const waiting: Produced[] = [];
    let producing = true;
    const probed = probe(server, jobs, waiting, () => producing);
    await produce(producer, options, FRESHNESS_SECONDS, produced, (sent) => waiting.push(sent));
    producing = false;
    const samples = await probed;
    await producer.close();
    return summarize(name, [run], null, {
      p50Ms: round(percentile(samples, 0.5)),
      p99Ms: round(percentile(samples, 0.99)),
      maxMs: round(Math.max(...samples)),
      coreShare: round(used / seconds),
    });
  } finally {
    await server.stop();
    await broker.stop();
  }
}
