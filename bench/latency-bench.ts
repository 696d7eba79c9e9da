// Latency of `SELECT 1` and of a small table's query while a topic loads at full speed.
import { systemClock } from '../src/base/clock.ts';
import { openDemoProducer } from '../src/kafka/client/admin.ts';
import type { TestServer } from '../test/support/start-server.ts';
import { loadTopic, makeTopic, startBenchBroker } from './load-bench.ts';
import { type BenchResult, percentile, type Run, round, summarize } from './report.ts';

const PROBE_EVERY_MS = 10;

export async function latencyUnderLoad(rows: number, repeats: number): Promise<BenchResult> {
  const broker = await startBenchBroker();
  try {
    await makeTopic(broker, 'clicks', 4, rows, 'none');
    const producer = await openDemoProducer({ bootstrap: broker.bootstrap, clientId: 'bench' });
    await producer.createTopic('small', 1);
    await producer.send(
      'small',
      0,
      Array.from({ length: 1000 }, (_, id) => Buffer.from(`{"id": ${id}}`)),
    );
    await producer.close();
    const one: number[] = [];
    const small: number[] = [];
    const runs: Run[] = [];
    const load = (): Promise<Run> =>
      loadTopic(broker, 'clicks', rows, async (server) => {
        await prepareSmall(server, broker.bootstrap);
        const stopOne = await probe(server, 'SELECT 1', one);
        const stopSmall = await probe(server, 'SELECT count(*), max(id) FROM bench.small', small);
        return async () => {
          await stopOne();
          await stopSmall();
        };
      });
    for (let repeat = 0; repeat < repeats; repeat += 1) runs.push(await load());
    return summarize('latency-under-load', runs, null, {
      select1P50Ms: round(percentile(one, 0.5)),
      select1P99Ms: round(percentile(one, 0.99)),
      smallTableP50Ms: round(percentile(small, 0.5)),
      smallTableP99Ms: round(percentile(small, 0.99)),
      probes: one.length + small.length,
    });
  } finally {
    await broker.stop();
  }
}

async function prepareSmall(server: TestServer, bootstrap: string): Promise<void> {
  await server.sql('CREATE TABLE bench.small (id bigint) DISTRIBUTED BY HASH(id)');
  await server.sql(`CREATE ROUTINE LOAD bench.small_job ON small PROPERTIES ("format"="json")
    FROM KAFKA ("kafka_broker_list"="${bootstrap}", "kafka_topic"="small",
      "property.kafka_default_offsets"="OFFSET_BEGINNING")`);
  await server.until('SELECT count(*) FROM bench.small', (value) => value === '1000');
}

/** Asks every 10 ms on a connection of its own until stopped. */
async function probe(
  server: TestServer,
  sql: string,
  samples: number[],
): Promise<() => Promise<void>> {
  const connection = await server.connect();
  await connection.query(sql);
  let running = true;
  const loop = (async () => {
    while (running) {
      const startMs = systemClock.monotonicMs();
      await connection.query(sql);
      const tookMs = systemClock.monotonicMs() - startMs;
      samples.push(tookMs);
      await systemClock.sleep(Math.max(0, PROBE_EVERY_MS - tookMs));
    }
  })();
  // Told when it is stopped: until then the load's own failure, which ends the server, comes first.
  loop.catch(() => undefined);
  return async () => {
    running = false;
    await loop;
    await connection.end();
  };
}
