// User SQL cannot reach the engine's file functions, ATTACH, COPY, PRAGMA, settings or files, whoever asks
// and wherever it stands. Run as root: it is not rights that stop it, but that no user text gets there.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { openDemoProducer } from '../../src/kafka/client/admin.ts';
import { RELATIONS, SCALARS, STATEMENTS, TRICKS } from '../support/sql-escapes.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const SECRET = 'canary-6f1d0c';
/** A bug of ours, a broken connection: never the answer to any text. */
const INTERNAL = 1105;

describe('known escapes', () => {
  let directory: string;
  let server: TestServer;
  let connection: Connection;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-escapes-'));
    writeFileSync(join(directory, 'canary'), `${SECRET}\n`);
    writeFileSync(join(directory, 'canary.json'), `{"a": "${SECRET}"}\n`);
    writeFileSync(join(directory, 'canary.parquet'), `PAR1${SECRET}PAR1`);
    server = await startServer({});
    connection = await server.connect();
    await connection.query('CREATE DATABASE d; USE d; CREATE TABLE t (a INT, b STRING)');
    const producer = await openDemoProducer({ bootstrap: server.bootstrap, clientId: 'test' });
    await producer.createTopic('escapes', 1);
    await producer.close();
  });

  after(async () => {
    connection.destroy();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const fill = (text: string): string => text.replaceAll('CANARY', join(directory, 'canary'));

  /** Runs it: it may fail with a clear error, and must show and write nothing. */
  const attempt = async (sql: string): Promise<'error' | unknown> => {
    let outcome: unknown;
    try {
      [outcome] = await connection.query(fill(sql));
    } catch (error) {
      assert.ok(error instanceof Error && 'errno' in error, `${sql}: ${String(error)}`);
      assert.ok(
        typeof error.errno === 'number' && error.errno > 0 && error.errno !== INTERNAL,
        `${sql}: ${String(error.errno)} ${error.message}`,
      );
      assert.ok(!error.message.includes(SECRET), `${sql}: ${error.message}`);
      outcome = 'error';
    }
    assert.ok(!JSON.stringify(outcome ?? null).includes(SECRET), sql);
    assert.deepEqual(
      readdirSync(directory).sort(),
      ['canary', 'canary.json', 'canary.parquet'],
      sql,
    );
    return outcome;
  };

  const mustFail = async (sql: string): Promise<void> =>
    assert.equal(await attempt(sql), 'error', sql);

  test('in FROM: raw, in a CTE, a subquery, a join, a view, INSERT, CREATE TABLE AS, EXPLAIN, PREPARE', async () => {
    for (const relation of RELATIONS) {
      await mustFail(`SELECT * FROM ${relation}`);
      await mustFail(`WITH c AS (SELECT * FROM ${relation}) SELECT * FROM c`);
      await mustFail(`SELECT (SELECT count(*) FROM ${relation}) FROM t`);
      await mustFail(`SELECT * FROM t JOIN ${relation} ON TRUE`);
      await mustFail(`CREATE VIEW v AS SELECT * FROM ${relation}`);
      await mustFail(`INSERT INTO t (b) SELECT 'x' FROM ${relation}`);
      await mustFail(`CREATE TABLE stolen AS SELECT * FROM ${relation}`);
      await mustFail(`EXPLAIN SELECT * FROM ${relation}`);
      await assert.rejects(connection.execute(fill(`SELECT * FROM ${relation}`)), relation);
    }
  });

  test('as an expression: in SELECT, WHERE, ORDER BY, a view, SET, a default, COLUMNS and WHERE of a load', async () => {
    const load = (clause: string): string =>
      `CREATE ROUTINE LOAD e ON t ${clause} PROPERTIES ("format" = "json")
       FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "escapes")`;
    for (const scalar of SCALARS) {
      await mustFail(`SELECT ${scalar}`);
      await mustFail(`SELECT a FROM t WHERE ${scalar} IS NOT NULL`);
      await mustFail(`SELECT a FROM t ORDER BY ${scalar}`);
      await mustFail(`SELECT a, count(*) FROM t GROUP BY a, ${scalar}`);
      await mustFail(`SELECT sum(a) OVER (PARTITION BY ${scalar}) FROM t`);
      await mustFail(`CREATE VIEW v AS SELECT ${scalar} AS x`);
      await mustFail(`SET @x = ${scalar}`);
      await mustFail(`CREATE TABLE stolen (a STRING DEFAULT (${scalar}))`);
      await mustFail(`INSERT INTO t (b) VALUES (${scalar})`);
      await mustFail(load(`COLUMNS (a, b = ${scalar})`));
      await mustFail(load(`COLUMNS (a, x), WHERE ${scalar} IS NOT NULL`));
    }
  });

  test('as statements', async () => {
    for (const statement of STATEMENTS) await attempt(statement);
    const [rows] = await connection.query("SHOW TABLES LIKE 'stolen'");
    assert.deepEqual(rows, []);
    assert.ok(!existsSync(fill('CANARY.out')));
  });

  test('tricky texts are just texts: as literals, parameters, names, paths, patterns', async () => {
    for (const trick of TRICKS.map(fill)) {
      const literal = `'${trick.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`;
      const name = `\`${trick.replaceAll('`', '``')}\``;
      const [rows] = await connection.query({ sql: `SELECT ${literal} AS x`, rowsAsArray: true });
      assert.deepEqual(rows, [[trick]]);
      const [prepared] = await connection.execute({ sql: 'SELECT ? AS x', rowsAsArray: true }, [
        trick,
      ]);
      assert.deepEqual(prepared, [[trick]]);
      const [counted] = await connection.execute(
        {
          sql: 'SELECT CAST(count(*) AS STRING) FROM t WHERE b = ? OR b LIKE ?',
          rowsAsArray: true,
        },
        [trick, trick],
      );
      assert.deepEqual(counted, [['0']]);
      for (const sql of [
        `SELECT 1 AS ${name}`,
        `SELECT ${name}.a FROM t AS ${name}`,
        `WITH ${name} AS (SELECT 1 AS ${name}) SELECT ${name} FROM ${name}`,
        `SELECT x.${name} FROM (SELECT 1 AS ${name}) x ORDER BY x.${name}`,
        `SELECT array_map(${name} -> ${name}, [1])`,
        `SELECT named_struct(${literal}, 1)`,
        `SELECT map{${literal}: 1}`,
        `SELECT json_query(parse_json('{}'), ${literal})`,
        `SELECT regexp_replace('abc', 'b', ${literal})`,
        `SELECT regexp_replace('abc', ${literal}, 'x')`,
        `SELECT 'abc' LIKE ${literal}`,
        `SELECT date_format('2024-01-01', ${literal})`,
        `SELECT concat_ws(${literal}, 'a', 'b')`,
        `SELECT group_concat(b SEPARATOR ${literal}) FROM t`,
        `CREATE TABLE ${name} (a INT)`,
        `CREATE TABLE n (${name} INT)`,
        `CREATE DATABASE ${name}`,
        `SELECT * FROM ${name}`,
        `SELECT ${name}(1)`,
        `SET @${name} = 1`,
      ]) {
        await attempt(sql);
      }
      await connection.query('DROP TABLE IF EXISTS n');
      await connection.query(`DROP TABLE IF EXISTS ${name}`).catch(() => undefined);
      await connection.query(`DROP DATABASE IF EXISTS ${name}`).catch(() => undefined);
    }
  });

  test('afterwards everything works as before', async () => {
    assert.equal(await server.value('SELECT count(*) FROM d.t'), '0');
    assert.equal(server.hasLogged('internal error'), false, server.logTail);
  });
});
