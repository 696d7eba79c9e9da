// kill -9 of the front end and of the CN at each step of a REPLAY: its rows and its marks are visible together or not at
// all, and asked again it loads each row exactly once. Tables with and without keys.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

/** Messages of a topic, the first half of them is rejected. */
const MESSAGES = 40;

interface Step {
  readonly failpoint: string;
  readonly keyed: boolean;
  /** Are the rows visible when it dies there? */
  readonly visible: boolean;
}

const STEPS: readonly Step[] = [
  { failpoint: 'loader:stage.after-put=kill@1', keyed: false, visible: false },
  { failpoint: 'loader:replay.after-rows=kill@1', keyed: false, visible: false },
  { failpoint: 'loader:deletes.after-put=kill@1', keyed: false, visible: false },
  { failpoint: 'loader:replay.after-stage=kill@1', keyed: true, visible: false },
  { failpoint: 'fe:replay.before-commit=kill@1', keyed: false, visible: false },
  { failpoint: 'fe:resolve.before-commit=kill@1', keyed: true, visible: false },
  { failpoint: 'fe:insert.in-sql=kill@1', keyed: false, visible: false },
  { failpoint: 'fe:insert.in-sql=kill@1', keyed: true, visible: false },
  { failpoint: 'fe:insert.after-sql=kill@1', keyed: false, visible: true },
  { failpoint: 'fe:insert.after-sql=kill@1', keyed: true, visible: true },
];

/** Topic, table and job `s<n>`: a paused job whose definition takes what it rejected. */
async function prepare(server: TestServer, index: number, { keyed }: Step): Promise<void> {
  const name = `s${index}`;
  const admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'replay',
  });
  try {
    await admin.createTopic(name, 1);
    const values = Array.from({ length: MESSAGES }, (_, id) =>
      Buffer.from(JSON.stringify({ id, n: id < MESSAGES / 2 ? 'bad' : 1 })),
    );
    await admin.send(values.map((value) => ({ topic: name, partition: 0, value })));
  } finally {
    await admin.close();
  }
  const keys = keyed ? 'PRIMARY KEY (id)' : 'DUPLICATE KEY (id)';
  await server.sql(`CREATE TABLE d.${name} (id INT NOT NULL, n INT NOT NULL) ${keys}`);
  await server.sql(
    `CREATE ROUTINE LOAD d.${name} ON ${name} PROPERTIES ("format" = "json", "max_error_number" = "1000") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "${name}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
  await server.until(
    `SELECT max(TO_OFFSET) FROM information_schema.routine_load_ledger WHERE JOB_NAME = '${name}'`,
    (offset) => offset === String(MESSAGES),
  );
  await server.sql(`PAUSE ROUTINE LOAD FOR d.${name}`);
  await server.sql(
    `ALTER ROUTINE LOAD FOR d.${name} COLUMNS (id, raw, n = if(raw = 'bad', 0, 1)) PROPERTIES ("jsonpaths" = '["$.id", "$.n"]')`,
  );
}

/** Rows loaded by REPLAY, different ones of them, records, and marked ones. */
async function state(connection: Connection, name: string): Promise<readonly number[]> {
  const ask = async (sql: string): Promise<number[]> => {
    const [rows] = await connection.query({ sql, rowsAsArray: true });
    return ((rows as unknown as string[][])[0] ?? []).map(Number);
  };
  return [
    ...(await ask(`SELECT count(*), count(DISTINCT id) FROM d.${name} WHERE n = 0`)),
    ...(await ask(
      `SELECT count(*), count(replayed_at) FROM _statistics_.rejected_records WHERE target_table = '${name}'`,
    )),
  ];
}

describe('a kill in the middle of a REPLAY', () => {
  let dataDir: string;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-replay-'));
    const server = await startServer({ dataDir });
    await server.sql('CREATE DATABASE d');
    for (const [index, step] of STEPS.entries()) await prepare(server, index, step);
    await server.stop();
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  const bad = MESSAGES / 2;
  for (const [index, { failpoint, keyed, visible }] of STEPS.entries()) {
    const kind = keyed ? 'PRIMARY KEY' : 'DUPLICATE KEY';
    test(`${kind}, ${failpoint}: ${visible ? 'all rows and marks' : 'no row, no mark'}`, async () => {
      const name = `s${index}`;
      const replay = `REPLAY ROUTINE LOAD FOR d.${name}`;
      const first = await startServer({ dataDir, broker: 'off', failpoints: failpoint });
      const dying = await first.connect();
      assert.deepEqual(await state(dying, name), [0, 0, bad, 0]);
      await assert.rejects(dying.query(replay));
      dying.destroy();
      if (failpoint.startsWith('fe:')) await first.exited;
      else await first.stop();
      assert.ok(first.hasLogged(`failpoint ${failpoint.replace(/^\w+:|=.*/g, '')} fired`));
      const second = await startServer({ dataDir, broker: 'off' });
      const connection = await second.connect();
      const done = visible ? bad : 0;
      assert.deepEqual(await state(connection, name), [done, done, bad, done]);
      await connection.query(replay);
      assert.deepEqual(await state(connection, name), [bad, bad, bad, bad], 'exactly once');
      await connection.query(replay);
      assert.deepEqual(await state(connection, name), [bad, bad, bad, bad], 'once for ever');
      connection.destroy();
      await second.stop();
    });
  }
});
