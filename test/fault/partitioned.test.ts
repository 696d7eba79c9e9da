// kill -9 between the files of one transaction that writes to several partitions, and lost answers of it: all partitions
// get their rows or none, partitions that rows would make are there with the rows or not at all, and what was written
// in vain is swept.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { present } from '../../src/base/assert.ts';
import { FaultRig } from '../support/fault-rig.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

/** Rows of five partitions, of which 0 and 1 are there already; no key is one that is there. */
const INSERT =
  'INSERT INTO d.t SELECT generate_series, generate_series % 5, 1 FROM TABLE(generate_series(0, 999))';
const UPDATE = 'UPDATE d.t SET v = v + 1 WHERE p >= 0';
const OVERWRITE = INSERT.replace('INTO', 'OVERWRITE');

const OLD = { rows: '100', sum: '0', places: 2 };
const AFTER: Readonly<Record<string, typeof OLD>> = {
  [INSERT]: { rows: '1100', sum: '1000', places: 5 },
  [UPDATE]: { rows: '100', sum: '100', places: 2 },
  [OVERWRITE]: { rows: '1000', sum: '1000', places: 5 },
};

async function cells(connection: Connection, sql: string): Promise<string[][]> {
  const [rows] = await connection.query({ sql, rowsAsArray: true });
  return (rows as unknown[][]).map((row) => row.map(String));
}

async function shown(connection: Connection): Promise<typeof OLD> {
  const [[rows = '', sum = ''] = []] = await cells(connection, 'SELECT count(*), sum(v) FROM d.t');
  const places = await cells(connection, 'SHOW PARTITIONS FROM d.t');
  return { rows, sum, places: places.length };
}

for (const keys of ['DUPLICATE', 'PRIMARY'] as const) {
  describe(`a kill between the files of partitions, ${keys} KEY`, () => {
    let dataDir: string;

    async function fill(server: TestServer): Promise<void> {
      const connection = await server.connect();
      await connection.query('DROP DATABASE IF EXISTS d FORCE');
      await connection.query('CREATE DATABASE d');
      await connection.query(
        `CREATE TABLE d.t (k INT NOT NULL, p INT NOT NULL, v INT) ${keys} KEY(k, p) PARTITION BY (p) DISTRIBUTED BY HASH(k)`,
      );
      await connection.query(
        'INSERT INTO d.t SELECT -1 - generate_series, generate_series % 2, 0 FROM TABLE(generate_series(0, 39))',
      );
      await connection.query(
        'INSERT INTO d.t SELECT generate_series * 5, 1, 0 FROM TABLE(generate_series(0, 59))',
      );
      connection.destroy();
    }

    before(async () => {
      dataDir = mkdtempSync(join(tmpdir(), 'millrace-partitions-'));
      const server = await startServer({ dataDir, broker: 'off' });
      await fill(server);
      await server.stop();
    });
    after(() => rmSync(dataDir, { recursive: true, force: true }));

    const changed = (sql: string): typeof OLD => present(AFTER[sql], sql);

    const steps: readonly (readonly [sql: string, failpoint: string, isVisible: boolean])[] = [
      [INSERT, 'query:stage.after-put=kill@1', false],
      [INSERT, 'query:stage.after-put=kill@3', false],
      [INSERT, 'query:stage.before-put=kill@5', false],
      [INSERT, 'fe:insert.in-sql=kill@1', false],
      [INSERT, 'fe:insert.after-sql=kill@1', true],
      [OVERWRITE, 'query:stage.after-put=kill@2', false],
      [OVERWRITE, 'fe:insert.in-sql=kill@1', false],
      [OVERWRITE, 'fe:insert.after-sql=kill@1', true],
      [UPDATE, 'query:stage.after-put=kill@1', false],
      [UPDATE, 'fe:insert.in-sql=kill@1', false],
      [UPDATE, 'fe:insert.after-sql=kill@1', true],
    ];
    for (const [sql, failpoints, isVisible] of steps) {
      test(`${sql.slice(0, 16)}, ${failpoints}: ${isVisible ? 'all rows' : 'no row'}`, async () => {
        const first = await startServer({ dataDir, broker: 'off', failpoints });
        const dying = await first.connect();
        await assert.rejects(dying.query(sql));
        dying.destroy();
        if (failpoints.startsWith('fe:')) await first.exited;
        else await first.stop();
        const second = await startServer({ dataDir, broker: 'off' });
        const connection = await second.connect();
        assert.deepEqual(await shown(connection), isVisible ? changed(sql) : OLD);
        const swept = await cells(connection, 'ADMIN SWEEP');
        const isStaged = failpoints.includes('after-put') || failpoints.includes('in-sql');
        if (isStaged && !isVisible) assert.ok(swept.length > 0, 'what was written is swept');
        assert.deepEqual(await cells(connection, 'ADMIN SWEEP DRY RUN'), []);
        const checked = await cells(connection, 'CHECK TABLE d.t EXTENDED');
        assert.equal(checked.at(-1)?.[3], 'OK', JSON.stringify(checked));
        if (!isVisible) await connection.query(sql);
        assert.deepEqual(await shown(connection), changed(sql));
        connection.destroy();
        await fill(second);
        await second.stop();
      });
    }
  });
}

const PLACES =
  'PARTITION BY RANGE(id) (PARTITION a VALUES LESS THAN ("500"), PARTITION b VALUES LESS THAN ("1200"), PARTITION c VALUES LESS THAN (MAXVALUE))';

for (const [failpoints, keyed] of [
  ['loader:stage.after-put=kill@2', false],
  ['loader:stage.after-put=kill@7', true],
  ['fe:commit.in-sql=kill@2', true],
  ['fe:rpc.answer:commit=lose@2', true],
  ['query:deletes.after-put=kill@2', true],
] as const)
  test(`loads into several partitions, ${failpoints}${keyed ? ', PRIMARY KEY' : ''}`, async (t) => {
    const rig = await FaultRig.open(t);
    // Ids come again only where the later message is to take the place of the earlier one.
    const writer = await rig.writer('events', 3, { ...(keyed ? { ids: 700 } : {}), badEvery: 97 });
    await rig.start({ failpoints });
    await rig.load(writer, 'events', { keyed, partitionBy: PLACES });
    const restarted = failpoints.startsWith('fe:commit')
      ? rig.untilDead().then(() => rig.start())
      : rig.untilFired();
    await writer.trickleUntil(restarted, 12, 1000, 100);
    await rig.assertExact();
    const checked = (await rig.server.sql('CHECK TABLE d.events EXTENDED')).rows;
    assert.equal(checked.at(-1)?.[3], 'OK', JSON.stringify(checked));
  });
