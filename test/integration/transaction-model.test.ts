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

  /** Which columns a load gives, with the keys: all, or some in a primary key table. */
  const columnsOf = (random: Random, isPrimary: boolean): readonly string[] => {
    const some = [['v', 'w'], ['v'], ['w'], []][isPrimary ? random.below(6) : 0] ?? ['v', 'w'];
    return ['k', 'g', ...some];
  };

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
      const given = columnsOf(random, isPrimary);
      const rows = valuesOf(random, deletes).map(([k, g, v = '', w = '', ...rest]) => {
        const values = [...(given.includes('v') ? [v] : []), ...(given.includes('w') ? [w] : [])];
        return `(${[k, `'${g}'`, ...values, ...rest].join(', ')})`;
      });
      const columns = [...given, ...(deletes ? ['__op'] : [])].join(', ');
      statements.push((table) => `INSERT INTO ${table} (${columns}) VALUES ${rows.join(', ')}`);
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

  /** Loads as a client may send them in any order: whole rows, some columns, by a condition, with deletes. */
  const loadOf = (random: Random, kind: string) => {
    const isPartial = kind === 'partial' || (kind === 'mixed' && random.below(2) === 0);
    const given = kind === 'mixed' ? columnsOf(random, isPartial) : null;
    const columns = given ?? (isPartial ? ['k', 'g', 'v'] : ['k', 'g', 'v', 'w']);
    const isConditional = kind === 'mixed' && columns.includes('v') && random.below(3) === 0;
    const mode = kind === 'mixed' ? (['row', 'column', 'auto'][random.below(3)] ?? 'row') : 'row';
    const rows = valuesOf(random, true).map(([k, g, v = '', w = '', op]) => {
      const values = [...(columns.includes('v') ? [v] : []), ...(columns.includes('w') ? [w] : [])];
      return [k, g, ...values, op].join(',');
    });
    const headers = {
      column_separator: ',',
      columns: [...columns, '__op'].join(','),
      ...(isPartial ? { partial_update: 'true', partial_update_mode: mode } : {}),
      ...(isConditional ? { merge_condition: 'v' } : {}),
    };
    return { headers, body: rows.join('\n') };
  };

  for (const [name, kind, model] of [
    ['partial', 'partial', TABLES['primary']],
    ['whole', 'whole', TABLES['primary']],
    ['mixed', 'mixed', TABLES['primary']],
    ['mixed_sorted', 'mixed', TABLES['sorted']],
    ['mixed_parted', 'mixed', TABLES['parted']],
  ] as const) {
    test(`loads over HTTP, ${name}, with deletes`, async () => {
      const random = seededRandom(name.length + 11);
      await make(name, model ?? '');
      for (let round = 0; round < ROUNDS; round += 1) {
        const label = { label: `${name}_${round}` };
        const loads = Array.from({ length: 2 + below(random, 5) }, () => loadOf(random, kind));
        await ask('/api/transaction/begin', { ...label, table: `${name}_all` });
        for (const { headers, body } of loads) {
          await ask(`/api/d/${name}_one/_stream_load`, headers, body);
          await ask('/api/transaction/load', { ...headers, ...label, table: `${name}_all` }, body);
        }
        await ask('/api/transaction/commit', label);
        const told = JSON.stringify(loads, null, 1);
        assert.equal(await rowsOf(`${name}_all`), await rowsOf(`${name}_one`), told);
      }
    });
  }

  test('loads over HTTP into AGGREGATE KEY tables, plain and with partitions, of one transaction', async () => {
    const random = seededRandom(17);
    const columns =
      'k INT NOT NULL, g VARCHAR(3) NOT NULL, v BIGINT SUM, w INT MAX, x VARCHAR(9) REPLACE, y VARCHAR(9) REPLACE_IF_NOT_NULL';
    const models = { sums: '', parts: ' PARTITION BY (g)' };
    for (const [name, more] of Object.entries(models))
      for (const table of [`${name}_one`, `${name}_all`])
        await connection.query(
          `CREATE TABLE ${table} (${columns}) AGGREGATE KEY (k, g)${more} DISTRIBUTED BY HASH(k)`,
        );
    const row = (): string => {
      const [k, g] = keyOf(random);
      const text = (): string => (random.below(3) === 0 ? '\\N' : `t${random.below(100)}`);
      return [k, g, below(random, 100) - 50, below(random, 100), text(), text()].join(',');
    };
    const contents = async (table: string): Promise<string> => {
      const sql = `SELECT * FROM ${table} ORDER BY k, g`;
      const [rows] = await connection.query({ sql, rowsAsArray: true });
      return (rows as unknown as (string | null)[][]).map((one) => one.join(',')).join('\n');
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const head = { label: `sums_${round}`, transaction_type: 'multi', column_separator: ',' };
      const before = await contents('sums_all');
      await ask('/api/transaction/begin', head);
      const bodies: string[] = [];
      for (let count = 3 + below(random, 4); count > 0; count -= 1) {
        const table = random.below(2) === 0 ? 'sums' : 'parts';
        const body = Array.from({ length: 1 + below(random, 8) }, row).join('\n');
        bodies.push(`${table}: ${body}`);
        await ask(`/api/d/${table}_one/_stream_load`, { column_separator: ',' }, body);
        await ask('/api/transaction/load', { ...head, table: `${table}_all` }, body);
      }
      assert.equal(await contents('sums_all'), before);
      await ask('/api/transaction/commit', head);
      for (const name of Object.keys(models))
        assert.equal(
          await contents(`${name}_all`),
          await contents(`${name}_one`),
          bodies.join('\n\n'),
        );
    }
  });
});
