// Freshness: from the acknowledged produce to visible by SQL, at 1,000 rows/s and default settings, and
// the CPU that Millrace takes for it. A probe asks max(vtime) as often as it can be answered.
import { systemClock } from '../src/base/clock.ts';
import { openDemoProducer } from '../src/kafka/client/admin.ts';
import { startServer } from '../test/support/start-server.ts';
import { createJob, prepareTable, startBenchBroker } from './load-bench.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, percentile, round, summarize } from './report.ts';

const SECONDS = 40;
const ROWS_PER_SECOND = 1000;
const TICK_MS = 20;

export async function freshness(): Promise<BenchResult> {
  const broker = await startBenchBroker();
  const server = await startServer({ broker: 'off' });
  try {
    const producer = await openDemoProducer({ bootstrap: broker.bootstrap, clientId: 'bench' });
    await producer.createTopic('clicks', 1);
    await prepareTable(server);
    await server.sql(createJob(broker, 'clicks'));
    const idleCpu = await measureProbe(server.ready.pid, () =>
      server.value('SELECT count(*) FROM bench.clicks'),
    );
    const samples: number[] = [];
    const waiting: { readonly seen: number; readonly atMs: number }[] = [];
    let produced = 0;
    const beforeCpu = cpuSeconds(server.ready.pid);
    const startMs = systemClock.monotonicMs();
    let probes = 0;
    let producing = true;
    const probe = (async () => {
      while (producing || waiting.length > 0) {
        const visible = Number(await server.value('SELECT count(*) FROM bench.clicks'));
        probes += 1;
        const nowMs = systemClock.monotonicMs();
        while (waiting[0] !== undefined && waiting[0].seen <= visible) {
          samples.push(nowMs - waiting[0].atMs);
          waiting.shift();
        }
        await systemClock.sleep(10);
      }
    })();
    while (systemClock.monotonicMs() - startMs < SECONDS * 1000) {
      const due = Math.floor(((systemClock.monotonicMs() - startMs) / 1000) * ROWS_PER_SECOND);
      const count = due - produced;
      if (count > 0) {
        const values = Array.from({ length: count }, (_, index) =>
          Buffer.from(
            `{ "uid": ${index}, "site": "https://docs.starrocks.io/", "vtime": 1718034793 } `,
          ),
        );
        await producer.send('clicks', 0, values);
        produced += count;
        waiting.push({ seen: produced, atMs: systemClock.monotonicMs() });
      }
      await systemClock.sleep(TICK_MS);
    }
    producing = false;
    await probe;
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    const used = cpuSeconds(server.ready.pid) - beforeCpu;
    await producer.close();
    const run = {
      rows: produced,
      seconds,
      cpuSeconds: used,
      peakRssBytes: peakRssBytes(server.ready.pid),
    };
    return summarize('freshness', [run], null, {
      p50Ms: round(percentile(samples, 0.5)),
      p99Ms: round(percentile(samples, 0.99)),
      maxMs: round(Math.max(...samples)),
      coreShareWithProbe: round(used / seconds),
      // The probe's own queries are not loading: their measured cost is taken off.
      coreShare: round((used - probes * idleCpu) / seconds),
    });
  } finally {
    await server.stop();
    await broker.stop();
  }
}

/** CPU-seconds of one probe query, measured while nothing loads. */
async function measureProbe(pid: number, query: () => Promise<unknown>): Promise<number> {
  const count = 200;
  await query();
  const idleFrom = cpuSeconds(pid);
  await systemClock.sleep(3000);
  const idlePerSecond = (cpuSeconds(pid) - idleFrom) / 3;
  const before = cpuSeconds(pid);
  const startMs = systemClock.monotonicMs();
  for (let index = 0; index < count; index += 1) await query();
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  return Math.max(0, (cpuSeconds(pid) - before - idlePerSecond * seconds) / count);
}
