// `npm start`: the main job on real input. Makes topic test2 on the embedded broker, a table and a
// Routine Load job over the MySQL port like any client would, produces clicks, shows how they flow.
// Uses nothing but the server's public doors.
import { type Connection, createConnection } from 'mysql2/promise';
import type { Clock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { type DemoProducer, openDemoProducer } from '../kafka/client/admin.ts';
import type { RunningServer } from '../roles/all-in-one.ts';
import { printRows } from './print-rows.ts';

export interface DemoOptions {
  readonly server: RunningServer;
  /** A real Kafka in place of the embedded broker. */
  readonly kafka: string | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly interactive: boolean;
  readonly write: (text: string) => void;
}

const TOPIC = 'test2';
const ROWS_PER_SECOND = 1000;
const SECONDS = 10;
const TICKS_PER_SECOND = 10;
const PAGES = [
  'https://www.starrocks.io/',
  'https://www.starrocks.io/blog',
  'https://www.starrocks.io/product/community',
  'https://docs.starrocks.io/',
];

const STATEMENTS = [
  'CREATE DATABASE IF NOT EXISTS quickstart',
  `CREATE TABLE IF NOT EXISTS quickstart.site_clicks (
    \`uid\` bigint NOT NULL COMMENT "uid",
    \`site\` string NOT NULL COMMENT "site url",
    \`vtime\` bigint NOT NULL COMMENT "vtime"
  ) DISTRIBUTED BY HASH(\`uid\`) PROPERTIES("replication_num"="1")`,
];

/** Produces for about ten seconds, then shows rows and how to go on. Returns when done or aborted. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { server, write } = options;
  const embedded = server.brokerPort === null ? null : `127.0.0.1:${server.brokerPort}`;
  const bootstrap = options.kafka ?? embedded;
  if (bootstrap === null) {
    write('the demo needs a broker: start without --broker-port off, or set kafka_broker_list\n');
    return;
  }
  const connection = await createConnection({
    host: '127.0.0.1',
    port: server.queryPort,
    user: 'root',
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  const [firstBroker = bootstrap] = bootstrap.split(',');
  const producer = await openDemoProducer({ bootstrap: firstBroker, clientId: 'millrace-demo' });
  try {
    await producer.createTopic(TOPIC, 1);
    for (const statement of STATEMENTS) await connection.query(statement);
    await ensureJob(connection, bootstrap);
    await produceAndWatch(options, connection, producer);
    if (!options.signal.aborted) await showRows(options, connection);
    if (!options.signal.aborted) write(nextSteps(server, bootstrap));
  } finally {
    await producer.close();
    await connection.end();
  }
}

async function ensureJob(connection: Connection, bootstrap: string): Promise<void> {
  const [jobs] = await connection.query({
    sql: 'SHOW ROUTINE LOAD FROM quickstart',
    rowsAsArray: true,
  });
  const mine = (jobs as string[][]).find((row) => row[1] === 'clicks');
  if (mine !== undefined) {
    if (mine[7] === 'PAUSED') await connection.query('RESUME ROUTINE LOAD FOR quickstart.clicks');
    return;
  }
  await connection.query(`CREATE ROUTINE LOAD quickstart.clicks ON site_clicks
    PROPERTIES ("format" = "JSON", "jsonpaths" = "[\\"$.uid\\",\\"$.site\\",\\"$.vtime\\"]")
    FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "${TOPIC}",
      "kafka_partitions" = "0", "kafka_offsets" = "OFFSET_BEGINNING")`);
}

/** A click event shaped like the quick start's gen.py, with its trailing blank. */
function click(nowMs: number): Buffer {
  const uid = systemRandom.below(10_000);
  const site = PAGES[systemRandom.below(PAGES.length)] ?? '';
  const vtime = Math.floor(nowMs / 1000) - systemRandom.below(3600);
  return Buffer.from(`{ "uid": ${uid}, "site": "${site}", "vtime": ${vtime} } `);
}

interface Progress {
  readonly loaded: number;
  readonly rejected: number;
  readonly lag: number;
  readonly state: string;
}

async function readProgress(connection: Connection, total: number): Promise<Progress> {
  const [rows] = await connection.query({
    sql: 'SHOW ROUTINE LOAD FOR quickstart.clicks',
    rowsAsArray: true,
  });
  const job = (rows as string[][])[0] ?? [];
  const statistic = JSON.parse(job[13] ?? '{}') as Record<string, number>;
  const loaded = statistic['loadedRows'] ?? 0;
  const rejected = statistic['errorRows'] ?? 0;
  return { loaded, rejected, lag: Math.max(0, total - loaded - rejected), state: job[7] ?? '' };
}

async function produceAndWatch(
  options: DemoOptions,
  connection: Connection,
  producer: DemoProducer,
): Promise<void> {
  const { clock, signal, write, interactive } = options;
  const before = await producer.endOffset(TOPIC, 0);
  let produced = Number(before);
  const waiting: { readonly total: number; readonly atMs: number }[] = [];
  let freshnessMs: number | null = null;
  write(`loading topic ${TOPIC} into quickstart.site_clicks, ${ROWS_PER_SECOND} clicks a second\n`);
  for (let tick = 1; tick <= (SECONDS + 5) * TICKS_PER_SECOND && !signal.aborted; tick += 1) {
    const nowMs = clock.nowMs();
    if (tick <= SECONDS * TICKS_PER_SECOND) {
      const count = ROWS_PER_SECOND / TICKS_PER_SECOND;
      await producer.send(
        TOPIC,
        0,
        Array.from({ length: count }, () => click(nowMs)),
      );
      produced += count;
      waiting.push({ total: produced, atMs: clock.monotonicMs() });
    }
    const progress = await readProgress(connection, produced);
    const visible = progress.loaded + progress.rejected;
    const arrived = waiting.filter((entry) => entry.total <= visible);
    // The oldest of what just became visible waited longest: that is the freshness to show.
    if (arrived[0] !== undefined) freshnessMs = clock.monotonicMs() - arrived[0].atMs;
    waiting.splice(0, arrived.length);
    const done = progress.lag === 0 && tick > SECONDS * TICKS_PER_SECOND;
    if (tick % TICKS_PER_SECOND === 0 || done) {
      const line = progressLine(produced, progress, freshnessMs);
      write(interactive ? `\r${line.padEnd(100)}` : `${line}\n`);
    }
    if (done) break;
    await clock.sleep(1000 / TICKS_PER_SECOND, signal).catch(() => undefined);
  }
  if (interactive) write('\n');
}

function progressLine(produced: number, progress: Progress, freshnessMs: number | null): string {
  const freshness = freshnessMs === null ? '-' : `${(freshnessMs / 1000).toFixed(2)} s`;
  return `  produced ${produced}  loaded ${progress.loaded}  lag ${progress.lag}  freshness ${freshness}  rejected ${progress.rejected}  ${progress.state}`;
}

async function showRows({ write }: DemoOptions, connection: Connection): Promise<void> {
  const queries = [
    'SELECT * FROM quickstart.site_clicks LIMIT 5',
    'SELECT site, count(*) AS clicks, count(DISTINCT uid) AS users FROM quickstart.site_clicks GROUP BY site ORDER BY clicks DESC',
  ];
  for (const sql of queries) {
    const [rows, fields] = await connection.query({ sql, rowsAsArray: true });
    const columns = fields.map((field) => field.name);
    const cells = (rows as unknown[][]).map((row) =>
      row.map((cell) => (cell === null ? null : String(cell))),
    );
    write(`\n${sql};\n${printRows({ columns, rows: cells }, 'table')}\n`);
  }
}

function nextSteps(server: RunningServer, bootstrap: string): string {
  return `
To go on:
  mysql -h127.0.0.1 -P${server.queryPort} -uroot quickstart           (or: npm run -s millrace -- sql --port ${server.queryPort} -e "SELECT ...")
  SHOW ROUTINE LOAD;                                        the job, its position and its counters
  SELECT * FROM _statistics_.rejected_records;              rows that did not fit, with the reason
  Parquet files: ${server.filesLocation}
  Your own topic: produce to ${bootstrap} (or name your Kafka in kafka_broker_list), CREATE TABLE, then
    CREATE ROUTINE LOAD quickstart.my_job ON my_table PROPERTIES ("format" = "json")
    FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "my_topic",
                "property.kafka_default_offsets" = "OFFSET_BEGINNING");
`;
}
