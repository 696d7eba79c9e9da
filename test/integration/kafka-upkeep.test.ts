// What the FE does beside the loads, over a real server and the embedded broker: how long Kafka keeps what a paused job
// has not read (view, metric, warning), and positions that are copied to the offsets of a consumer group.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { APIS } from '../../src/kafka/protocol/apis.ts';
import { RawClient, startTestBroker, temporaryDirectory } from '../support/embedded-broker.ts';
import { startServer } from '../support/start-server.ts';

const HOUR = 3_600_000;
const directory = temporaryDirectory();
const broker = await startTestBroker(directory);
const bootstrap = `127.0.0.1:${broker.port}`;
const admin = await openKafkaAdmin({
  connection: { brokers: [bootstrap], properties: {} },
  clientId: 'upkeep',
});
writeFileSync(join(directory, 'cn.conf'), 'routine_load_retention_check_second = 1\n');
const server = await startServer({ broker: 'off', conf: [join(directory, 'cn.conf')] });
await server.sql('CREATE DATABASE up');
after(async () => {
  await server.stop();
  await admin.close();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Polls until the one row fits. */
async function untilRow(sql: string, fits: (row: readonly (string | null)[]) => boolean) {
  const untilMs = performance.now() + 30_000;
  for (;;) {
    const [row] = (await server.sql(sql)).rows;
    if (row !== undefined && fits(row)) return row;
    if (performance.now() > untilMs) assert.fail(`${sql}: ${JSON.stringify(row)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const JOB = "FROM information_schema.routine_load_jobs WHERE NAME = 'kept'";

test('a paused job: what waits is counted on, and the user is told before Kafka deletes it', async () => {
  await admin.createTopic('kept', 2, { 'retention.ms': String(10 * HOUR) });
  await server.sql('CREATE TABLE up.kept (id INT)');
  await server.sql(
    `CREATE ROUTINE LOAD up.kept ON kept PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "kept")`,
  );
  await server.sql('PAUSE ROUTINE LOAD FOR up.kept');
  const sent = (partition: number, ageMs: number) => ({
    topic: 'kept',
    partition,
    value: Buffer.from('{"id": 1}'),
    timestampMs: Date.now() - ageMs,
  });
  await admin.send([sent(0, 9 * HOUR), sent(0, 0), sent(1, 0)]);
  const left = async (partition: number) =>
    Number(
      (
        await untilRow(
          `SELECT RETENTION_SECONDS_LEFT FROM information_schema.routine_load_partitions WHERE JOB_NAME = 'kept' AND PARTITION_ID = ${partition}`,
          ([value]) => value !== null,
        )
      )[0],
    );
  assert.ok(Math.abs((await left(0)) - 3600) < 60, 'of the oldest message');
  assert.ok(Math.abs((await left(1)) - 36_000) < 60);
  const [warning, lag, state] = await untilRow(
    `SELECT OTHER_MSG, OFFSET_LAG, STATE ${JOB}`,
    ([text]) => text !== null && text !== '',
  );
  assert.match(
    warning ?? '',
    /^Kafka may delete messages of partition 0 of topic kept before they are read, in \d\d minutes \(2 wait; retention.ms of the topic is 36000000\)$/,
  );
  assert.deepEqual([lag, state], ['{"0":"2","1":"1"}', 'PAUSED']);
  const metrics = await (await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`)).text();
  const gauge = /retention_seconds\{job="up.kept",topic="kept",partition="0"\} (\d+)/.exec(metrics);
  assert.ok(Math.abs(Number(gauge?.[1]) - 3600) < 60, metrics);

  // Once it is read the warning is over.
  await server.sql('RESUME ROUTINE LOAD FOR up.kept');
  await untilRow('SELECT count(*) FROM up.kept', ([count]) => count === '3');
  await untilRow(`SELECT OTHER_MSG, STATE ${JOB}`, (row) => row[0] === '' && row[1] === 'RUNNING');
  const [none] = await untilRow(
    "SELECT max(RETENTION_SECONDS_LEFT) FROM information_schema.routine_load_partitions WHERE JOB_NAME = 'kept'",
    () => true,
  );
  assert.equal(none, null);
});

test('property.enable.auto.commit: the positions are in the offsets of the group; without it they are not', async () => {
  await admin.createTopic('grouped', 2);
  await server.sql('CREATE TABLE up.grouped (id INT)');
  const create = (name: string, more: string) =>
    server.sql(
      `CREATE ROUTINE LOAD up.${name} ON grouped PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "grouped", "property.kafka_default_offsets" = "OFFSET_BEGINNING", "property.group.id" = "${name}"${more})`,
    );
  await create('copied', ', "property.enable.auto.commit" = "true"');
  assert.deepEqual((await server.sql('SHOW WARNINGS')).rows, []);
  await create('kept_here', '');
  const value = Buffer.from('{"id": 1}');
  await admin.send([0, 0, 0, 1].map((partition) => ({ topic: 'grouped', partition, value })));
  const client = await RawClient.connect(broker.port);
  const offsetsOf = async (groupId: string) => {
    const topics = [{ name: 'grouped', partitionIndexes: [0, 1] }];
    const answer = await client.call(APIS.OffsetFetch, 7, { groupId, topics });
    return answer.topics[0]?.partitions.map(({ committedOffset }) => committedOffset);
  };
  const untilMs = performance.now() + 30_000;
  for (;;) {
    const offsets = await offsetsOf('copied');
    if (String(offsets) === '3,1') break;
    if (performance.now() > untilMs) assert.fail(`offsets of the group: ${String(offsets)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.deepEqual(await offsetsOf('kept_here'), [-1n, -1n]);
  client.close();
});
