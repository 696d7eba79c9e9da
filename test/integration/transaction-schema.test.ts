// Columns that are added, dropped, renamed or changed while a transaction is open: what was loaded before stays with its
// own columns, whatever they are called at the commit, or the commit is refused; a value never gets into another column.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';
import { transactionOp, wordsOf } from '../support/transaction-client.ts';

const MODELS: Readonly<Record<string, string>> = {
  duplicate: 'DUPLICATE KEY (k)',
  primary: 'PRIMARY KEY (k)',
  unique: 'UNIQUE KEY (k) DISTRIBUTED BY HASH(k)',
};

interface Case {
  readonly name: string;
  /** Between the loads. */
  readonly changes: readonly string[];
  /** Columns and rows of the loads before and after. */
  readonly first: readonly [columns: string, rows: string];
  readonly second: readonly [columns: string, rows: string];
  /** The table afterwards, its columns in order, by key; null: the commit is refused. */
  readonly expected: string | null;
}

/** Of a table (k, v, w) that has the row (1, 10, 100). */
const CASES: readonly Case[] = [
  {
    name: 'a column is added: rows before it have its default',
    changes: ['ADD COLUMN x INT DEFAULT "7" AFTER k'],
    first: ['k,v,w', '2,20,200'],
    second: ['k,x,v,w', '3,30,300,3000'],
    expected: '1,7,10,100 2,7,20,200 3,30,300,3000',
  },
  {
    name: 'a column is dropped: its values go, the others stay',
    changes: ['DROP COLUMN v'],
    first: ['k,v,w', '2,20,200'],
    second: ['k,w', '3,300'],
    expected: '1,100 2,200 3,300',
  },
  {
    name: 'a column is renamed: its values go with it',
    changes: ['RENAME COLUMN v TO x'],
    first: ['k,v,w', '2,20,200'],
    second: ['k,w,x', '3,300,30'],
    expected: '1,10,100 2,20,200 3,30,300',
  },
  {
    name: 'two columns swap their names: values stay in their columns',
    changes: ['RENAME COLUMN v TO z', 'RENAME COLUMN w TO v', 'RENAME COLUMN z TO w'],
    first: ['k,v,w', '2,20,200'],
    second: ['k,v,w', '3,30,300'],
    expected: '1,10,100 2,20,200 3,300,30',
  },
  {
    name: 'a column is dropped and made anew: the new one has nothing of the old',
    changes: ['DROP COLUMN v', 'ADD COLUMN v INT DEFAULT "5"'],
    first: ['k,v,w', '2,20,200'],
    second: ['k,v,w', '3,30,300'],
    expected: '1,100,5 2,200,5 3,300,30',
  },
  {
    name: 'the key is renamed',
    changes: ['RENAME COLUMN k TO id'],
    first: ['k,v,w', '2,20,200'],
    second: ['id,v,w', '3,30,300'],
    expected: '1,10,100 2,20,200 3,30,300',
  },
  {
    name: 'columns change places',
    changes: ['MODIFY COLUMN w INT AFTER k'],
    first: ['k,v,w', '2,20,200'],
    second: ['k,v,w', '3,30,300'],
    expected: '1,100,10 2,200,20 3,300,30',
  },
];

/** The files are written anew by a job, which takes its time. */
const REWRITE: Case = {
  name: 'a column changes its type, and the files are written anew: refused',
  changes: ['MODIFY COLUMN v VARCHAR(20)'],
  first: ['k,v,w', '2,20,200'],
  second: ['k,v,w', '3,x,300'],
  expected: null,
};

/** The same of partial updates: the row of key 1 is (1, 10, 100) before. */
const PARTIAL: readonly Case[] = [
  {
    name: 'the column given is renamed: its values go with it',
    changes: ['RENAME COLUMN v TO x'],
    first: ['k,v', '1,11'],
    second: ['k,x', '2,22'],
    expected: '1,11,100 2,22,',
  },
  {
    name: 'the column given is renamed, one load',
    changes: ['RENAME COLUMN v TO x'],
    first: ['k,v', '1,11'],
    second: ['k,v', ''],
    expected: '1,11,100',
  },
  {
    name: 'names are swapped, one load',
    changes: ['RENAME COLUMN v TO z', 'RENAME COLUMN w TO v', 'RENAME COLUMN z TO w'],
    first: ['k,v', '1,11'],
    second: ['k,v', ''],
    expected: '1,11,100',
  },
  {
    name: 'names are swapped between loads of the same name',
    changes: ['RENAME COLUMN v TO z', 'RENAME COLUMN w TO v', 'RENAME COLUMN z TO w'],
    first: ['k,v', '1,11'],
    second: ['k,v', '1,111'],
    expected: '1,11,111',
  },
  {
    name: 'the key is renamed, one load',
    changes: ['RENAME COLUMN k TO id'],
    first: ['k,v', '1,11'],
    second: ['id,v', ''],
    expected: '1,11,100',
  },
  {
    name: 'the column given is dropped: the others keep what they have',
    changes: ['DROP COLUMN v'],
    first: ['k,v', '1,11'],
    second: ['k,w', '2,200'],
    expected: '1,100 2,200',
  },
  {
    name: 'the column given is dropped and made anew: nothing of the old one',
    changes: ['DROP COLUMN v', 'ADD COLUMN v INT DEFAULT "5"'],
    first: ['k,v', '1,11'],
    second: ['k,w', ''],
    expected: '1,100,5',
  },
  {
    name: 'a column is added: old rows keep its default',
    changes: ['ADD COLUMN x INT DEFAULT "7"'],
    first: ['k,v', '1,11'],
    second: ['k,x', '2,22'],
    expected: '1,11,100,7 2,,,22',
  },
];

describe('columns that change while a transaction is open', () => {
  let server: TestServer;
  let connection: Connection;
  let other: Connection;
  let made = 0;

  before(async () => {
    server = await startServer({ broker: 'off' });
    connection = await server.connect();
    other = await server.connect({ database: 'information_schema' });
    await connection.query('CREATE DATABASE d');
    await connection.query('USE d');
  });
  after(async () => {
    connection.destroy();
    other.destroy();
    await server.stop();
  });

  const make = async (model: string): Promise<string> => {
    made += 1;
    const name = `t${made}`;
    await connection.query(`CREATE TABLE ${name} (k INT NOT NULL, v INT, w INT) ${model}`);
    await connection.query(`INSERT INTO ${name} VALUES (1, 10, 100)`);
    return name;
  };
  const rowsOf = async (table: string): Promise<string> => {
    const [rows] = await connection.query({
      sql: `SELECT * FROM ${table} ORDER BY 1`,
      rowsAsArray: true,
    });
    return (rows as unknown as string[][]).map((row) => row.join(',')).join(' ');
  };
  const change = async (table: string, clause: string): Promise<void> => {
    await other.query(`ALTER TABLE d.${table} ${clause}`);
    const jobs = `SHOW ALTER TABLE COLUMN FROM d WHERE TableName = '${table}' AND State <> 'FINISHED'`;
    while (((await other.query(jobs))[0] as unknown[]).length > 0)
      await new Promise((resolve) => setImmediate(resolve));
  };

  const overHttp = async (table: string, one: Case, more: Record<string, string>) => {
    const head = { db: 'd', table, label: table, column_separator: ',', ...more };
    const port = server.ready.httpPort;
    const load = async ([columns, rows]: Case['first']): Promise<void> => {
      if (rows === '') return;
      assert.equal(wordsOf(await transactionOp(port, 'load', { ...head, columns }, rows)), 'OK');
    };
    await transactionOp(port, 'begin', head);
    await load(one.first);
    for (const clause of one.changes) await change(table, clause);
    await load(one.second);
    return wordsOf(await transactionOp(port, 'commit', head));
  };

  const overSql = async (table: string, one: Case): Promise<string> => {
    const insert = async ([columns, rows]: Case['first']): Promise<void> => {
      if (rows === '') return;
      const values = rows.split(',').map((value) => (/^\d+$/.test(value) ? value : `'${value}'`));
      await connection.query(`INSERT INTO ${table} (${columns}) VALUES (${values.join(', ')})`);
    };
    await connection.query('BEGIN');
    await insert(one.first);
    for (const clause of one.changes) await change(table, clause);
    await insert(one.second);
    return await connection.query('COMMIT').then(
      () => 'OK',
      (error: Error) => `FAILED ${error.message}`,
    );
  };

  const check = async (table: string, { expected }: Case, words: string): Promise<void> => {
    if (expected === null) {
      assert.match(words, /^FAILED .*files written anew/);
      assert.equal((await rowsOf(table)).split(' ').length, 1);
      return;
    }
    assert.equal(words, 'OK');
    assert.equal(await rowsOf(table), expected);
  };

  for (const [name, model] of Object.entries(MODELS))
    for (const one of CASES) {
      test(`HTTP, ${name}: ${one.name}`, async () => {
        const table = await make(model);
        await check(table, one, await overHttp(table, one, {}));
      });
      test(`SQL, ${name}: ${one.name}`, async () => {
        const table = await make(model);
        await check(table, one, await overSql(table, one));
      });
    }

  test(REWRITE.name, async () => {
    const tables = [await make('DUPLICATE KEY (k)'), await make('PRIMARY KEY (k)')] as const;
    const words = await Promise.all([
      overSql(tables[0], REWRITE),
      overHttp(tables[1], REWRITE, {}),
    ]);
    await check(tables[0], REWRITE, words[0]);
    await check(tables[1], REWRITE, words[1]);
  });

  for (const mode of ['row', 'column'])
    for (const one of PARTIAL)
      test(`partial update over HTTP, ${mode} mode: ${one.name}`, async () => {
        const table = await make('PRIMARY KEY (k)');
        const headers = { partial_update: 'true', partial_update_mode: mode };
        await check(table, one, await overHttp(table, one, headers));
      });

  for (const one of PARTIAL)
    test(`partial update by SQL: ${one.name}`, async () => {
      const table = await make('PRIMARY KEY (k)');
      await check(table, one, await overSql(table, one));
    });

  test('the column of merge_condition: renamed it decides as before, dropped the commit is refused', async () => {
    const one = { ...CASES[0], first: ['k,v,w', '1,9,1'], second: ['k,v,w', ''] } as const;
    const conditional = { merge_condition: 'v' };
    for (const [rows, expected] of [
      ['1,9,1', '1,10,100'],
      ['1,11,1', '1,11,1'],
    ] as const) {
      const table = await make('PRIMARY KEY (k)');
      const renamed = { ...(one as unknown as Case), first: ['k,v,w', rows] as const };
      const changes = ['RENAME COLUMN v TO z', 'RENAME COLUMN w TO v', 'RENAME COLUMN z TO w'];
      assert.equal(await overHttp(table, { ...renamed, changes }, conditional), 'OK');
      assert.equal(await rowsOf(table), expected);
    }
    const table = await make('PRIMARY KEY (k)');
    const dropped = { ...(one as unknown as Case), changes: ['DROP COLUMN v'] };
    assert.match(await overHttp(table, dropped, conditional), /^FAILED .*merge_condition/);
    assert.equal(await rowsOf(table), '1,100');
  });
});
