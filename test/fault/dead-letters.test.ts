// kill -9 of the CN between sending dead letters and the commit of their batch: letters come again, none is missing, and
// rows and records are there once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const MESSAGES = 50;

async function send(server: TestServer): Promise<void> {
  const admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'dead-letters',
  });
  try {
    await admin.createTopic('good', 1);
    await admin.createTopic('dead', 3);
    const values = Array.from({ length: MESSAGES }, (_, id) =>
      Buffer.from(id % 2 === 0 ? `{"id":${id}}` : `{"id":"x${id}"}`),
    );
    await admin.send(values.map((value) => ({ topic: 'good', partition: 0, value })));
  } finally {
    await admin.close();
  }
}

for (const failpoint of ['dead-letters.sent', 'task.before-commit']) {
  test(`${failpoint}: every letter at least once, every row and record once`, async () => {
    const server = await startServer({ failpoints: `loader:${failpoint}=kill@1` });
    const source = (topic: string): string =>
      `"kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "${topic}", "property.kafka_default_offsets" = "OFFSET_BEGINNING"`;
    try {
      await send(server);
      await server.sql('CREATE DATABASE d');
      await server.sql('CREATE TABLE d.good (id INT NOT NULL)');
      await server.sql('CREATE TABLE d.dead (o STRING)');
      await server.sql(
        `CREATE ROUTINE LOAD d.good ON good PROPERTIES ("format" = "json", "max_error_number" = "1000") FROM KAFKA (${source('good')}, "dead_letter_topic" = "dead")`,
      );
      await server.until('SELECT count(*) FROM d.good', (value) => value === String(MESSAGES / 2));
      assert.ok(server.hasLogged(`failpoint ${failpoint} fired`));
      await server.sql(
        `CREATE ROUTINE LOAD d.dead ON dead COLUMNS (v, o = get_json_string(_headers, '$."__connect.errors.offset"')) PROPERTIES ("format" = "raw") FROM KAFKA (${source('dead')})`,
      );
      await server.until('SELECT count(*) FROM d.dead', (value) => value === String(MESSAGES));
      const odd = Array.from({ length: MESSAGES / 2 }, (_, index) => String(index * 2 + 1));
      const letters = await server.sql(
        'SELECT o, count(*) FROM d.dead GROUP BY o ORDER BY CAST(o AS INT)',
      );
      assert.deepEqual(
        letters.rows,
        odd.map((offset) => [offset, '2']),
      );
      const records = await server.sql(
        'SELECT message_offset FROM _statistics_.rejected_records ORDER BY 1',
      );
      assert.deepEqual(records.rows.flat(), odd);
    } finally {
      await server.stop();
    }
  });
}
