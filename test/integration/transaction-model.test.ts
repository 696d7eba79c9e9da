// Transactions over tables with keys against the same statements one by one: whatever comes in whatever order, a table
// that was written in a transaction ends as one that was written by statements and loads of their own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const AUTHORIZATION = `Basic ${Buffer.from('root:').toString('base64')}`;
const KEYS = 12;
const ROUNDS = 6;

/** Of the kinds of tables in which rows replace rows. */
const TABLES: Readonly<Record<string, string>> = {
  primary: 'PRIMARY KEY (k, g)',
  sorted: 'PRIMARY KEY (k, g) ORDER BY (v)',
  parted: 'PRIMARY KEY (k, g) PARTITION BY (g)',
  unique: 'UNIQUE KEY (k, g) DISTRIBUTED BY HASH(k)',
};

describe('transactions equal their statements one by one', () => {
  let server: TestServer;
  let connection: Connection;

  before(async () => {
    server = await startServer({ broker: 'off' });
    connection = await server.connect();
    await connection.query('CREATE DATABASE d');
    await connection.query('USE d');
  });
  after(async () => {
    connection.destroy();
    await server.stop();
  });

  const below = (random: Random, limit: number): number => random.below(limit);

  const make = async (name: string, model: string): Promise<void> => {
    const columns = 'k INT NOT NULL, g VARCHAR(3) NOT NULL, v INT, w LARGEINT';
    for (const table of [`${name}_one`, `${name}_all`])
      await connection.query(`CREATE TABLE ${table} (${columns}) ${model}`);
  };

  const rowsOf = async (table: string): Promise<string> => {
    const sql = `SELECT k, g, v, w FROM ${table} ORDER BY k, g`;
    const [rows] = await connection.query({ sql, rowsAsArray: true });
    return (rows as unknown as (string | null)[][]).map((row) => row.join(',')).join('\n');
  };

  const keyOf = (random: Random): readonly [string, string] => [
    String(below(random, KEYS)),
    `g${below(random, 3)}`,
  ];

  /** Rows of one load: with `__op` where it deletes, too. */
  const valuesOf = (random: Random, deletes: boolean): readonly (readonly string[])[] =>
    Array.from({ length: 1 + below(random, 6) }, () => {
      const [k, g] = keyOf(random);
      const row = [k, g, String(below(random, 1000)), String(below(random, 1000))];
      return deletes ? [...row, random.below(5) < 2 ? '1' : '0'] : row;
    });

  /** INSERTs, maybe behind an UPDATE or DELETE. */
  const statementsOf = (random: Random, isPrimary: boolean): readonly ((t: string) => string)[] => {
    const statements: ((table: string) => string)[] = [];
    if (isPrimary && random.below(2) === 0) {
      const least = below(random, KEYS);
      statements.push(
        random.below(2) === 0
          ? (table) => `UPDATE ${table} SET v = v + 1000, w = DEFAULT WHERE k >= ${least}`
          : (table) => `DELETE FROM ${table} WHERE k >= ${least}`,
      );
    }
    for (let count = 2 + below(random, 4); count > 0; count -= 1) {
      const deletes = isPrimary && random.below(2) === 0;
      const rows = valuesOf(random, deletes).map(
        ([k, g, ...rest]) => `(${[k, `'${g}'`, ...rest].join(', ')})`,
      );
      const columns = deletes ? ' (k, g, v, w, __op)' : '';
      statements.push((table) => `INSERT INTO ${table}${columns} VALUES ${rows.join(', ')}`);
    }
    return statements;
  };

  for (const [name, model] of Object.entries(TABLES)) {
    test(`SQL, ${model}`, async () => {
      const random = seededRandom(name.length * 7919);
      await make(name, model);
      for (let round = 0; round < ROUNDS; round += 1) {
        const statements = statementsOf(random, model.startsWith('PRIMARY'));
        for (const sql of statements) await connection.query(sql(`${name}_one`));
        await connection.query('BEGIN');
        for (const sql of statements) await connection.query(sql(`${name}_all`));
        await connection.query('COMMIT');
        const texts = statements.map((sql) => sql(name)).join('\n');
        assert.equal(await rowsOf(`${name}_all`), await rowsOf(`${name}_one`), texts);
      }
    });
  }

  const ask = async (
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${server.ready.cnHttpPort}${path}`, {
      method: body === undefined ? 'POST' : 'PUT',
      headers: { authorization: AUTHORIZATION, db: 'd', ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const { Status: status, ...rest } = (await response.json()) as Record<string, unknown>;
    assert.ok(status === 'OK' || status === 'Success', JSON.stringify(rest));
  };

  for (const partial of [false, true]) {
    test(`loads over HTTP, ${partial ? 'of some columns' : 'of whole rows'}, with deletes`, async () => {
      const name = partial ? 'partial' : 'whole';
      const random = seededRandom(partial ? 11 : 13);
      await make(name, TABLES['primary'] ?? '');
      const columns = partial ? 'k,g,v,__op' : 'k,g,v,w,__op';
      const headers = {
        column_separator: ',',
        columns,
        ...(partial ? { partial_update: 'true' } : {}),
      };
      for (let round = 0; round < ROUNDS; round += 1) {
        const label = { label: `${name}_${round}` };
        const bodies = Array.from({ length: 2 + below(random, 4) }, () =>
          valuesOf(random, true)
            .map(([k, g, v, w, op]) => (partial ? [k, g, v, op] : [k, g, v, w, op]).join(','))
            .join('\n'),
        );
        await ask('/api/transaction/begin', { ...label, table: `${name}_all` });
        for (const body of bodies) {
          await ask(`/api/d/${name}_one/_stream_load`, headers, body);
          await ask('/api/transaction/load', { ...headers, ...label, table: `${name}_all` }, body);
        }
        await ask('/api/transaction/commit', label);
        assert.equal(await rowsOf(`${name}_all`), await rowsOf(`${name}_one`), bodies.join('\n\n'));
      }
    });
  }
});
