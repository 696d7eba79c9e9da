// Retention and consumer groups as Kafka's own tools have them: a job's positions in `kafka-consumer-groups`, and the
// warning in front of what the broker is about to delete.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { kafkaToolOk, startKafka } from '../peers/kafka.ts';
import { createTopic } from '../peers/topics.ts';
import { newDataDir, startServer } from '../support/start-server.ts';

const HOUR = 3_600_000;
const kafka = await startKafka({});
const { bootstrap } = kafka;
const dataDir = newDataDir();
const server = await startServer({ broker: 'off', dataDir });
const admin = await openKafkaAdmin({
  connection: { brokers: [bootstrap], properties: {} },
  clientId: 'upkeep',
});
after(async () => {
  await admin.close();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
  await kafka.stop();
});
await server.sql('CREATE DATABASE up');

async function until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  const untilMs = performance.now() + 90_000;
  for (;;) {
    const found = await ask();
    if (found !== null) return found;
    if (performance.now() > untilMs) assert.fail(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

test("Kafka's own tool shows the lag of a job's group, which has no members", async () => {
  await createTopic(bootstrap, 'grouped', 2);
  await server.sql('CREATE TABLE up.grouped (id INT)');
  await server.sql(
    `CREATE ROUTINE LOAD up.grouped ON grouped PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "grouped", "property.kafka_default_offsets" = "OFFSET_BEGINNING", "property.group.id" = "shown", "property.enable.auto.commit" = "true")`,
  );
  const value = Buffer.from('{"id": 1}');
  await admin.send([0, 0, 0, 1].map((partition) => ({ topic: 'grouped', partition, value })));
  const rows = await until('positions of the group', async () => {
    const text = await kafkaToolOk('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', [
      ...['--bootstrap-server', bootstrap, '--describe', '--group', 'shown'],
    ]).catch(() => '');
    // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID
    const found = text
      .split('\n')
      .filter((line) => line.startsWith('shown '))
      .map((line) => line.split(/\s+/).slice(1, 6).join(' '))
      .toSorted();
    return found.join('; ') === 'grouped 0 3 3 0; grouped 1 1 1 0' ? found : null;
  });
  assert.equal(rows.length, 2);
});

test('a paused job is warned in front of what Kafka is about to delete, by time', async () => {
  await createTopic(bootstrap, 'kept', 1, { 'retention.ms': String(10 * HOUR) });
  await server.sql('CREATE TABLE up.kept (id INT)');
  await server.sql(
    `CREATE ROUTINE LOAD up.kept ON kept PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "kept")`,
  );
  await server.sql('PAUSE ROUTINE LOAD FOR up.kept');
  const timestampMs = Date.now() - 9 * HOUR;
  const value = Buffer.from('{"id": 1}');
  await admin.send([{ topic: 'kept', partition: 0, value, timestampMs }]);
  const [text, seconds] = await until('the warning', async () => {
    const { rows } = await server.sql(
      "SELECT j.OTHER_MSG, p.RETENTION_SECONDS_LEFT FROM information_schema.routine_load_jobs j JOIN information_schema.routine_load_partitions p ON p.JOB_ID = j.ID WHERE j.NAME = 'kept'",
    );
    const [row] = rows;
    return row?.[1] == null ? null : row;
  });
  assert.match(
    text ?? '',
    /^Kafka may delete messages of partition 0 of topic kept .* in 5\d minutes/,
  );
  assert.ok(Number(seconds) > 3_000 && Number(seconds) <= 3_600, String(seconds));
});
