// Freshness: from the acknowledged produce to visible by SQL, at 1,000 rows/s and default settings, and
// the CPU that Millrace takes for loading at that rate, measured while nobody asks (a probe that asks
// count(*) as often as it is answered would be most of the CPU).
import { systemClock } from '../src/base/clock.ts';
import { type DemoProducer, openDemoProducer } from '../src/kafka/client/admin.ts';
import { startServer } from '../test/support/start-server.ts';
import { createJob, prepareTable, startBenchBroker } from './load-bench.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, round, summarize } from './report.ts';

const WARM_UP_SECONDS = 10;
const CPU_SECONDS = 30;
const FRESHNESS_SECONDS = 40;
const ROWS_PER_SECOND = 1000;
const TICK_MS = 20;

interface Produced {
  readonly total: number;
  readonly atMs: number;
}

/** Produces at the rate for some seconds; tells of each acknowledged send. */
async function produce(
  producer: DemoProducer,
  seconds: number,
  before: number,
  onSent: (sent: Produced) => void,
): Promise<number> {
  const startMs = systemClock.monotonicMs();
  let produced = before;
  for (;;) {
    const elapsedMs = systemClock.monotonicMs() - startMs;
    if (elapsedMs >= seconds * 1000) return produced;
    const count = before + Math.floor((elapsedMs / 1000) * ROWS_PER_SECOND) - produced;
    if (count > 0) {
      const values = Array.from({ length: count }, (_, index) =>
        Buffer.from(
          `{ "uid": ${index}, "site": "https://docs.starrocks.io/", "vtime": 1718034793 } `,
        ),
      );
      await producer.send('clicks', 0, values);
      produced += count;
      onSent({ total: produced, atMs: systemClock.monotonicMs() });
    }
    await systemClock.sleep(TICK_MS);
  }
}

export async function freshness(): Promise<BenchResult> {
  const broker = await startBenchBroker();
  const server = await startServer({ broker: 'off' });
  try {
    const { pid } = server.ready;
    const producer = await openDemoProducer({ bootstrap: broker.bootstrap, clientId: 'bench' });
    await producer.createTopic('clicks', 1);
    await prepareTable(server);
    await server.sql(createJob(broker, 'clicks'));
    let produced = await produce(producer, WARM_UP_SECONDS, 0, () => undefined);
    const beforeCpu = cpuSeconds(pid);
    const startMs = systemClock.monotonicMs();
    const beforeRows = produced;
    produced = await produce(producer, CPU_SECONDS, produced, () => undefined);
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    const used = cpuSeconds(pid) - beforeCpu;
    const run = {
      rows: produced - beforeRows,
      seconds,
      cpuSeconds: used,
      peakRssBytes: peakRssBytes(pid),
    };

    const samples: number[] = [];
    const waiting: Produced[] = [];
    let producing = true;
    const probe = (async () => {
      while (producing || waiting.length > 0) {
        const visible = Number(await server.value('SELECT count(*) FROM bench.clicks'));
        const nowMs = systemClock.monotonicMs();
        while (waiting[0] !== undefined && waiting[0].total <= visible) {
          samples.push(nowMs - waiting[0].atMs);
          waiting.shift();
        }
        await systemClock.sleep(10);
      }
    })();
    await produce(producer, FRESHNESS_SECONDS, produced, (sent) => waiting.push(sent));
    producing = false;
    await probe;
    await producer.close();
    return summarize('freshness', [run], null, {
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
