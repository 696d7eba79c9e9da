// Two tenants on one server: whatever one of them tries, it learns and changes nothing of the other's.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { openDemoProducer } from '../../src/kafka/client/admin.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const SECRET = 'tenant-b-secret';
const DENIED = 5203;
const WRONG_LOGIN = 1045;

describe('tenants', () => {
  let server: TestServer;
  let root: Connection;
  let ann: Connection;
  let bob: Connection;

  before(async () => {
    server = await startServer({});
    root = await server.connect();
    await root.query(`CREATE DATABASE a; CREATE DATABASE b;
      CREATE USER ann IDENTIFIED BY 'pa'; CREATE USER bob IDENTIFIED BY 'pb'`);
    for (const [user, database] of [
      ['ann', 'a'],
      ['bob', 'b'],
    ]) {
      await root.query(`GRANT ALL ON DATABASE ${database} TO ${user};
        GRANT ALL ON ALL TABLES IN DATABASE ${database} TO ${user};
        GRANT ALL ON ALL VIEWS IN DATABASE ${database} TO ${user}`);
    }
    ann = await server.connect({ user: 'ann', password: 'pa' });
    bob = await server.connect({ user: 'bob', password: 'pb' });
    await ann.query('CREATE TABLE a.t (id INT, s STRING)');
    await bob.query(
      `CREATE TABLE b.hidden (id INT, ${SECRET.replaceAll('-', '_')} STRING) COMMENT '${SECRET}'`,
    );
    await bob.query(`INSERT INTO b.hidden VALUES (1, '${SECRET}')`);
    const producer = await openDemoProducer({ bootstrap: server.bootstrap, clientId: 'test' });
    await producer.createTopic('tenants', 1);
    await producer.close();
    await bob.query(`CREATE ROUTINE LOAD b.${SECRET.replaceAll('-', '_')} ON hidden
      PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}",
      "kafka_topic" = "tenants")`);
  });

  after(async () => {
    for (const connection of [root, ann, bob]) connection.destroy();
    await server.stop();
  });

  /** The error's number; the text must not tell what is not one's own. */
  const errorOf = async (connection: Connection, sql: string): Promise<number> => {
    try {
      const [rows] = await connection.query(sql);
      assert.ok(!JSON.stringify(rows ?? null).includes(SECRET), sql);
      return 0;
    } catch (error) {
      assert.ok(error instanceof Error && 'errno' in error, String(error));
      assert.ok(!error.message.includes(SECRET) && !error.message.includes('tenant_b'), sql);
      return Number(error.errno);
    }
  };

  test('every way to the rows and the definition is denied', async () => {
    for (const sql of [
      'SELECT * FROM b.hidden',
      'SELECT nope FROM b.hidden',
      'SELECT count(*) FROM b.hidden',
      'SELECT 1 FROM a.t WHERE EXISTS (SELECT * FROM b.hidden)',
      'SELECT (SELECT max(id) FROM b.hidden)',
      'WITH x AS (SELECT * FROM b.hidden) SELECT * FROM x',
      'SELECT * FROM a.t UNION ALL SELECT * FROM b.hidden',
      'SELECT * FROM a.t ORDER BY (SELECT max(id) FROM b.hidden)',
      'EXPLAIN SELECT * FROM b.hidden',
      'EXPLAIN ANALYZE SELECT * FROM b.hidden',
      'EXPLAIN INSERT INTO a.t SELECT * FROM b.hidden',
      'CREATE TABLE a.stolen AS SELECT * FROM b.hidden',
      'CREATE TABLE a.stolen LIKE b.hidden',
      'INSERT INTO a.t SELECT * FROM b.hidden',
      "INSERT INTO b.hidden VALUES (2, 'x')",
      'TRUNCATE TABLE b.hidden',
      'DROP TABLE b.hidden',
      'DROP DATABASE b',
      'CREATE TABLE b.mine (a INT)',
      'USE b',
      'DESC b.hidden',
      'SHOW CREATE TABLE b.hidden',
      'SHOW COLUMNS FROM b.hidden',
      'SHOW FULL COLUMNS FROM hidden FROM b',
      'SHOW INDEX FROM b.hidden',
      'SHOW TABLES FROM b',
      'SHOW TABLE STATUS FROM b',
      'SHOW PARTITIONS FROM b.hidden',
      'SHOW TABLET FROM b.hidden',
      'SHOW DATA FROM b.hidden',
      "SHOW PROC '/dbs'",
      'SHOW RUNNING QUERIES',
      'SHOW FRONTENDS',
      'ADMIN SHOW FRONTEND CONFIG',
      'SHOW CREATE DATABASE b',
      'PAUSE ROUTINE LOAD FOR b.tenant_b_secret',
      'STOP ROUTINE LOAD FOR b.tenant_b_secret',
      'GRANT SELECT ON TABLE b.hidden TO USER ann',
      'REVOKE SELECT ON TABLE b.hidden FROM USER bob',
      "ALTER USER bob IDENTIFIED BY 'x'",
      "SET PASSWORD FOR bob = PASSWORD('x')",
      'DROP USER bob',
      'SHOW GRANTS FOR bob',
      'SHOW CREATE USER bob',
      'SHOW AUTHENTICATION FOR bob',
      'SHOW USERS',
      'EXECUTE AS bob WITH NO REVERT',
      "PREPARE p FROM 'SELECT * FROM b.hidden'",
      `CREATE ROUTINE LOAD b.mine ON hidden PROPERTIES ("format" = "json")
       FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "tenants")`,
      `CREATE ROUTINE LOAD a.mine ON b.hidden PROPERTIES ("format" = "json")
       FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "tenants")`,
      'SUBMIT TASK stolen AS CREATE TABLE a.stolen AS SELECT * FROM b.hidden',
      'SUBMIT TASK stolen AS INSERT INTO b.hidden SELECT id, s FROM a.t',
      'SELECT * FROM _statistics_.rejected_records',
      'SELECT * FROM sys.grants_to_users',
    ]) {
      // A load into another database's table has that table's name looked up in the job's database.
      const expected = sql.includes('ON b.hidden PROPERTIES') ? [DENIED, 5502] : [DENIED];
      const got = await errorOf(ann, sql);
      assert.ok(expected.includes(got), `${sql}: ${got}`);
    }
    await assert.rejects(ann.execute('SELECT * FROM b.hidden WHERE id = ?', [1]), {
      errno: DENIED,
    });
    const [rows] = await bob.query('SELECT * FROM b.hidden');
    assert.equal((rows as unknown[]).length, 1);
  });

  test('what is not there says so to everybody, as in StarRocks', async () => {
    assert.equal(await errorOf(ann, 'SELECT * FROM b.nothing'), 5502);
    assert.equal(await errorOf(ann, 'SELECT * FROM nowhere.t'), 1049);
  });

  test('no list shows it', async () => {
    const lists = [
      'SHOW DATABASES',
      'SHOW ROUTINE LOAD',
      'SHOW ALL ROUTINE LOAD FROM a',
      'SHOW PROCESSLIST',
      'SHOW FULL PROCESSLIST',
      'SHOW GRANTS',
      'SHOW PROPERTY',
      'SHOW DATA',
      'SHOW TRANSACTION FROM a WHERE id > 0',
      'SHOW LOAD FROM a',
      'SHOW LOAD WARNINGS FROM a',
      'SHOW ALL STREAM LOAD FROM a',
      'SHOW STORAGE VOLUMES',
      'SHOW STATUS',
    ];
    const [views] = await root.query({
      sql: "SELECT table_name FROM information_schema.tables WHERE table_schema = 'information_schema'",
      rowsAsArray: true,
    });
    for (const [view] of views as string[][])
      lists.push(`SELECT * FROM information_schema.${view}`);
    assert.ok(lists.length > 30);
    for (const sql of lists) {
      const outcome = await ann.query({ sql, rowsAsArray: true }).then(
        ([rows]) => JSON.stringify(rows),
        (error: unknown) => `refused: ${String(error)}`,
      );
      for (const word of ['hidden', 'tenant', 'bob']) {
        assert.ok(!outcome.includes(word), `${sql} shows ${word}: ${outcome.slice(0, 500)}`);
      }
    }
  });

  test('KILL ends own connections only', async () => {
    const [rows] = await bob.query({ sql: 'SELECT connection_id()', rowsAsArray: true });
    const id = (rows as string[][])[0]?.[0];
    assert.equal(await errorOf(ann, `KILL ${id}`), DENIED);
    assert.equal(await errorOf(ann, `KILL QUERY ${id}`), DENIED);
    assert.equal(await errorOf(bob, 'SELECT 1'), 0);
    const other = await server.connect({ user: 'ann', password: 'pa' });
    const [own] = await other.query({ sql: 'SELECT connection_id()', rowsAsArray: true });
    assert.equal(await errorOf(ann, `KILL ${(own as string[][])[0]?.[0]}`), 0);
    other.destroy();
  });

  test('a session goes on when its rights change: the next statement sees it', async () => {
    assert.equal(await errorOf(ann, 'SELECT id FROM b.hidden'), DENIED);
    await root.query('GRANT SELECT ON TABLE b.hidden TO ann');
    assert.equal(await errorOf(ann, 'SELECT id FROM b.hidden'), 0);
    await root.query('REVOKE SELECT ON TABLE b.hidden FROM ann');
    assert.equal(await errorOf(ann, 'SELECT id FROM b.hidden'), DENIED);
  });

  test('wrong passwords in a loop hold up nobody else, and the right one works after them', async () => {
    const wrong = async (): Promise<number> => {
      try {
        (await server.connect({ user: 'bob', password: 'wrong' })).destroy();
        return 0;
      } catch (error) {
        return error instanceof Error && 'errno' in error ? Number(error.errno) : -1;
      }
    };
    const attempts = Array.from({ length: 40 }, wrong);
    for (let i = 0; i < 20; i += 1) {
      const startMs = performance.now();
      (await server.connect({ user: 'ann', password: 'pa' })).destroy();
      assert.ok(performance.now() - startMs < 2_000, 'ann does not wait for bob');
    }
    const numbers = await Promise.all(attempts);
    assert.deepEqual([...new Set(numbers)], [WRONG_LOGIN]);
    (await server.connect({ user: 'bob', password: 'pb' })).destroy();
    const metrics = await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`);
    const line = /^millrace_login_failures_total\{.*door="mysql".*\} (\d+)$/m.exec(
      await metrics.text(),
    );
    assert.equal(line?.[1], '40');
  });

  test('a right on a view is none on what it reads, and the other way round', async () => {
    await bob.query('CREATE VIEW b.shared AS SELECT id FROM b.hidden');
    for (const sql of [
      'SELECT * FROM b.shared',
      'SHOW CREATE VIEW b.shared',
      'DROP VIEW b.shared',
      'CREATE VIEW a.stolen AS SELECT * FROM b.hidden',
      'CREATE VIEW a.stolen AS SELECT * FROM b.shared',
      "PREPARE p FROM 'SELECT * FROM b.shared'",
    ]) {
      assert.equal(await errorOf(ann, sql), DENIED, sql);
    }
    await root.query('GRANT SELECT ON VIEW b.shared TO ann');
    assert.equal(await errorOf(ann, 'SELECT * FROM b.shared'), 0);
    assert.equal(await errorOf(ann, 'SELECT * FROM b.hidden'), DENIED);
    await root.query('REVOKE SELECT ON VIEW b.shared FROM ann; DROP VIEW b.shared');
  });

  test('max_user_connections counts all sessions of a name', async () => {
    await root.query("CREATE USER few; SET PROPERTY FOR few 'max_user_connections' = '2'");
    const open = [await server.connect({ user: 'few' }), await server.connect({ user: 'few' })];
    await assert.rejects(server.connect({ user: 'few' }), { errno: 1203 });
    await root.query("SET PROPERTY FOR few 'max_user_connections' = '3'");
    open.push(await server.connect({ user: 'few' }));
    for (const connection of open) connection.destroy();
  });

  test('the same users over HTTP', async () => {
    const url = `http://127.0.0.1:${server.ready.httpPort}/api/nothing`;
    const status = async (user: string, password: string): Promise<number> =>
      (await fetch(url, { headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` } }))
        .status;
    assert.equal((await fetch(url)).status, 401);
    assert.equal(await status('ann', 'wrong'), 401);
    assert.equal(await status('nobody', 'pa'), 401);
    assert.equal(await status('ann', 'pa'), 404);
    await root.query("ALTER USER ann IDENTIFIED BY 'new'");
    assert.equal(await status('ann', 'pa'), 401);
    assert.equal(await status('ann', 'new'), 404);
  });
});
