// CHECK ROUTINE LOAD of a ledger that somebody changed behind the server's back: each difference by its numbers.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';

const dataDir = newDataDir();
after(() => rmSync(dataDir, { recursive: true, force: true }));

async function prepare(): Promise<number> {
  const server = await startServer({ dataDir });
  const admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'check-ledger',
  });
  await admin.createTopic('t', 1);
  const values = Array.from({ length: 10 }, (_, id) => Buffer.from(`{"id":${id}}`));
  await admin.send(values.map((value) => ({ topic: 't', partition: 0, value })));
  await admin.close();
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (id INT)');
  await server.sql(
    `CREATE ROUTINE LOAD d.j ON t PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "t", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
  await server.until('SELECT count(*) FROM d.t', (value) => value === '10');
  await server.sql('PAUSE ROUTINE LOAD FOR d.j');
  const port = server.ready.brokerPort;
  await server.stop();
  return port ?? 0;
}

async function check(server: TestServer): Promise<readonly string[]> {
  const { rows } = await server.sql('CHECK ROUTINE LOAD FOR d.j');
  return rows.map(([, , , type, text]) => `${type}: ${text}`);
}

test('numbers that do not add up, messages that were skipped, a position elsewhere', async () => {
  const brokerPort = await prepare();
  const good =
    'note: offsets 0 to 10: 10 messages and 10 rows read again, as the ledger has them: 10 loaded, 0 filtered, 0 unselected';
  const skipped = 'error: offsets 0 to 10 have 10 messages, the ledger has 9: 1 were not loaded';
  const cases: readonly (readonly [change: string, found: readonly string[]])[] = [
    ['UPDATE load_ledger SET segment = segment', [good]],
    [
      'UPDATE load_ledger SET consumed = 9',
      [
        'error: 10 messages were received, 9 are accounted for: 9 consumed, 0 control, 0 aborted, 0 empty',
        skipped,
      ],
    ],
    // Adds up by itself: only the topic tells.
    ['UPDATE load_ledger SET received = 9, skipped_gap = 1', [skipped]],
    [
      'UPDATE load_ledger SET consumed = 10, received = 10, skipped_gap = 0, rows_loaded = 9',
      [
        'warning: the messages are 10 rows as the job reads them now, the ledger has 9: 9 loaded, 0 filtered, 0 unselected',
      ],
    ],
    [
      'UPDATE load_ledger SET rows_loaded = 10; UPDATE load_positions SET next_offset = 7',
      ['error: the position is 7, the ledger ends at 10 (segment 1)', good],
    ],
  ];
  for (const [change, found] of cases) {
    const metadata = new DatabaseSync(join(dataDir, 'metadata.db'));
    metadata.exec(change);
    metadata.close();
    const server = await startServer({ dataDir, brokerPort });
    try {
      const isCorrupt = found.some((text) => text.startsWith('error'));
      const read = 'note: 1 partitions, 10 messages read again';
      const status = `status: ${isCorrupt ? 'Corrupt' : 'OK'}`;
      assert.deepEqual(await check(server), [...found, read, status], change);
    } finally {
      await server.stop();
    }
  }
});
