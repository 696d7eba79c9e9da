// Several Routine Load jobs on one server: two jobs against one (throughput and CPU per row), fifty jobs with a
// backlog each (memory), and jobs that have nothing to do (CPU).
import { systemClock } from '../src/base/clock.ts';
import { openDemoProducer } from '../src/kafka/client/admin.ts';
import { startServer, type TestServer } from '../test/support/start-server.ts';
import { type BenchBroker, loadedAll, makeTopic, startBenchBroker } from './load-bench.ts';
import { cpuSeconds, peakRssBytes } from './process-stats.ts';
import { type BenchResult, median, type Run, round, summarize } from './report.ts';

const IDLE_SECONDS = 30;
const IDLE_JOBS = 10;
const MANY_JOBS = 50;
/** Rows of each of the fifty topics. */
const MANY_ROWS = 100_000;

/** Makes table `bench.t<n>` and a job of that name on the topic. */
export async function startJob(
  server: TestServer,
  broker: BenchBroker,
  index: number,
  topic: string,
  properties = '',
): Promise<void> {
  await server.sql(
    `CREATE TABLE bench.t${index} (uid bigint NOT NULL, site string NOT NULL, vtime bigint NOT NULL)
      DISTRIBUTED BY HASH(uid)`,
  );
  await server.sql(
    `CREATE ROUTINE LOAD bench.t${index} ON t${index} PROPERTIES ("format"="json"${properties})
      FROM KAFKA ("kafka_broker_list"="${broker.bootstrap}", "kafka_topic"="${topic}",
        "property.kafka_default_offsets"="OFFSET_BEGINNING")`,
  );
}

/** Loads so many topics at once with a fresh server; rows of all. */
async function loadAtOnce(
  broker: BenchBroker,
  topics: readonly string[],
  rows: number,
): Promise<Run> {
  const server = await startServer({ broker: 'off' });
  try {
    await server.sql('CREATE DATABASE bench');
    const { pid } = server.ready;
    const before = cpuSeconds(pid);
    const startMs = systemClock.monotonicMs();
    for (const [index, topic] of topics.entries()) await startJob(server, broker, index, topic);
    for (const index of topics.keys()) await loadedAll(server, rows, `bench.t${index}`);
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    const used = cpuSeconds(pid) - before;
    for (const index of topics.keys()) {
      const count = await server.value(`SELECT count(*) FROM bench.t${index}`);
      if (count !== String(rows)) throw new Error(`${count} rows in t${index}, expected ${rows}`);
    }
    const peak = peakRssBytes(pid);
    return { rows: rows * topics.length, seconds, cpuSeconds: used, peakRssBytes: peak };
  } finally {
    await server.stop();
  }
}

/** Two jobs of `rows` messages each against one job of as many, in turn. */
export async function twoJobs(rows: number, repeats: number): Promise<BenchResult> {
  const broker = await startBenchBroker();
  try {
    for (const topic of ['a', 'b']) await makeTopic(broker, topic, 1, rows, 'none');
    const one: Run[] = [];
    const two: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      one.push(await loadAtOnce(broker, ['a'], rows));
      two.push(await loadAtOnce(broker, ['a', 'b'], rows));
    }
    const result = summarize('two-jobs', two, { name: 'one job', runs: one });
    const rate = (runs: readonly Run[]): number =>
      median(runs.map((run) => run.rows / run.seconds));
    return {
      ...result,
      figures: {
        'rows/s against one job': round(rate(two) / rate(one)),
        'CPU a row against one job': round(1 / (result.ratio ?? Number.NaN)),
      },
    };
  } finally {
    await broker.stop();
  }
}

/** Fifty jobs that all begin with a backlog: the peak is what counts. */
export async function fiftyJobs(repeats: number): Promise<BenchResult> {
  const broker = await startBenchBroker();
  try {
    const topics = Array.from({ length: MANY_JOBS }, (_, index) => `topic${index}`);
    for (const topic of topics) await makeTopic(broker, topic, 1, MANY_ROWS, 'none');
    const runs: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1)
      runs.push(await loadAtOnce(broker, topics, MANY_ROWS));
    return summarize('fifty-jobs', runs);
  } finally {
    await broker.stop();
  }
}

/** CPU of jobs whose topics get no messages, beyond that of a server without jobs. */
export async function idleJobs(): Promise<BenchResult> {
  const broker = await startBenchBroker();
  const server = await startServer({ broker: 'off' });
  try {
    const { pid } = server.ready;
    const producer = await openDemoProducer({ bootstrap: broker.bootstrap, clientId: 'bench' });
    await server.sql('CREATE DATABASE bench');
    const share = async (): Promise<number> => {
      // What the start and the last statement left to do is over by then.
      await systemClock.sleep(10_000);
      const before = cpuSeconds(pid);
      await systemClock.sleep(IDLE_SECONDS * 1000);
      return (cpuSeconds(pid) - before) / IDLE_SECONDS;
    };
    const none = await share();
    const shares: number[] = [];
    for (let index = 0; index < IDLE_JOBS; index += 1) {
      await producer.createTopic(`idle${index}`, 1);
      await producer.send(`idle${index}`, 0, [Buffer.from('{"uid":1,"site":"a","vtime":2}')]);
      await startJob(server, broker, index, `idle${index}`);
      await loadedAll(server, 1, `bench.t${index}`);
      if (index === 0 || index === IDLE_JOBS - 1) shares.push(await share());
    }
    await producer.close();
    const [one = Number.NaN, many = Number.NaN] = shares;
    const used = one * IDLE_SECONDS;
    const run = {
      rows: 0,
      seconds: IDLE_SECONDS,
      cpuSeconds: used,
      peakRssBytes: peakRssBytes(pid),
    };
    return summarize('idle-jobs', [run], null, {
      'server without jobs, % of a core': round(none * 100),
      'with one job, %': round(one * 100),
      [`with ${IDLE_JOBS} jobs, %`]: round(many * 100),
      'a job more, %': round(((many - none) / IDLE_JOBS) * 100),
    });
  } finally {
    await server.stop();
    await broker.stop();
  }
}
