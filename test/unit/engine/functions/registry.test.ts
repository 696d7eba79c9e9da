// JavaScript functions inside the engine: every type in and out, NULLs, lists, errors, the locked instance.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { AppError } from '../../../../src/base/errors.ts';
import {
  install,
  nullableFunction,
  strictFunction,
  ValueProblem,
} from '../../../../src/engine/functions/define.ts';
import { JS_FUNCTIONS } from '../../../../src/engine/functions/registry.ts';
import { engineError } from '../../../../src/engine/sql-errors.ts';
import { withEngine } from '../../../support/engine-fixture.ts';

async function withNative(work: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function value(connection: DuckDBConnection, sql: string): Promise<unknown> {
  return (await (await connection.run(sql)).getRowsJS())[0]?.[0];
}

test('names are unique and begin with mr_', () => {
  const names = JS_FUNCTIONS.map((fn) => fn.name);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length > 0 && names.every((name) => /^mr_[a-z0-9_]+$/.test(name)));
});

test('every type goes in and comes out, over many chunks, with NULLs', async () => {
  await withNative(async (c) => {
    install(
      c,
      strictFunction('mr_bool', ['BOOLEAN'], 'BOOLEAN', (x) => !x),
    );
    install(
      c,
      strictFunction('mr_int', ['INTEGER'], 'INTEGER', (x) => -x),
    );
    install(
      c,
      strictFunction('mr_big', ['BIGINT'], 'BIGINT', (x) => -x),
    );
    install(
      c,
      strictFunction('mr_double', ['DOUBLE'], 'DOUBLE', (x) => x / 2),
    );
    install(
      c,
      strictFunction('mr_text', ['VARCHAR'], 'VARCHAR', (x) => `${x}é\u0000${x}`),
    );
    install(
      c,
      strictFunction('mr_blob', ['BLOB'], 'BLOB', (x) => Buffer.concat([x, x])),
    );
    for (const [call, native, sql] of [
      ['mr_bool(x)', 'NOT x', 'i % 2 = 0'],
      ['mr_int(x)', '-x', 'i::INTEGER'],
      ['mr_big(x)', '-x', 'i * 5000000000'],
      ['mr_double(x)', 'x / 2', 'i / 7'],
      ['mr_text(x)', "x || 'é' || chr(0) || x", "repeat('ab', (i % 30)::INTEGER)"],
      ['mr_blob(x)', 'x || x', "encode(repeat('ab', (i % 30)::INTEGER))"],
    ] as const) {
      const from = `(SELECT CASE WHEN i % 11 <> 3 THEN ${sql} END AS x FROM range(10000) t(i))`;
      const differs = `SELECT count(*) FROM ${from} WHERE ${call} IS DISTINCT FROM (${native})`;
      assert.equal(await value(c, differs), 0n, call);
    }
  });
});

test('lists in and out, lists of nothing, NULL elements', async () => {
  await withNative(async (c) => {
    install(
      c,
      strictFunction('mr_sum', ['BIGINT[]'], 'BIGINT', (list) => {
        let sum = 0n;
        for (let i = 0; i < list.length; i += 1) sum += list.at(i) ?? 0n;
        return sum;
      }),
    );
    install(
      c,
      strictFunction('mr_join', ['BLOB[]'], 'VARCHAR', (list) => {
        const parts: string[] = [];
        for (let i = 0; i < list.length; i += 1) parts.push(list.at(i)?.toString() ?? 'null');
        return parts.join(';');
      }),
    );
    install(
      c,
      strictFunction('mr_split', ['VARCHAR'], 'VARCHAR[]', (text) =>
        text.split(',').map((part) => (part === '' ? null : part)),
      ),
    );
    install(
      c,
      strictFunction('mr_blobs', ['BIGINT'], 'BLOB[]', (n) => [Buffer.alloc(Number(n), 7)]),
    );
    assert.equal(await value(c, 'SELECT mr_sum(list(i)) FROM range(100000) t(i)'), 4999950000n);
    assert.equal(await value(c, 'SELECT mr_sum([]::BIGINT[])'), 0n);
    assert.equal(await value(c, 'SELECT mr_sum(NULL)'), null);
    assert.equal(
      await value(
        c,
        'SELECT count(*) FROM (SELECT g, mr_sum(list(i)) AS a, sum(i) AS b FROM (SELECT i, i % 3001 AS g FROM range(50000) t(i)) GROUP BY g) WHERE a <> b',
      ),
      0n,
    );
    assert.equal(
      await value(c, "SELECT mr_join(['a'::BLOB, NULL, 'a text that is long'::BLOB])"),
      'a;null;a text that is long',
    );
    assert.deepEqual(await value(c, "SELECT mr_split('a,,b')"), ['a', null, 'b']);
    assert.equal(await value(c, "SELECT len(mr_split(repeat('x,', 4999)))"), 5000n);
    assert.equal(
      await value(
        c,
        'SELECT count(*) FROM range(3000) t(i) WHERE octet_length(mr_blobs(i)[1]) = i',
      ),
      3000n,
    );
  });
});

test('bad data is one error or NULL; a bug is INTERNAL', async () => {
  await withNative(async (c) => {
    const even = (x: number): number => {
      if (x % 2 === 1) throw new ValueProblem(`odd number: ${x}`);
      return x;
    };
    install(c, strictFunction('mr_fail', ['INTEGER'], 'INTEGER', even));
    install(c, strictFunction('mr_null', ['INTEGER'], 'INTEGER', even, { onProblem: 'null' }));
    install(
      c,
      strictFunction('mr_bug', ['INTEGER'], 'INTEGER', () => {
        throw new TypeError('x is not a function');
      }),
    );
    install(
      c,
      nullableFunction('mr_seen', ['INTEGER'], 'INTEGER', (x) => (x === null ? 1 : 0)),
    );
    assert.equal(await value(c, 'SELECT mr_seen(NULL)'), 1);
    assert.deepEqual(
      (await (await c.run('SELECT mr_null(i::INTEGER) FROM range(3) t(i)')).getRowsJS()).flat(),
      [0, null, 2],
    );
    assert.equal(await value(c, 'SELECT TRY(mr_fail(1))'), null);
    const errorOf = async (sql: string): Promise<AppError> => {
      const thrown: unknown = await c.run(sql).then(
        () => undefined,
        (error: unknown) => error,
      );
      return engineError(thrown);
    };
    const bad = await errorOf('SELECT mr_fail(i::INTEGER) FROM range(3) t(i)');
    assert.equal(bad.code, 'ENGINE_VALUE');
    assert.match(bad.message, /odd number: 1/);
    const bug = await errorOf('SELECT mr_bug(1)');
    assert.equal(bug.code, 'INTERNAL');
    assert.match(bug.message, /mr_bug.*x is not a function/);
  });
});

test('both kinds of instance have them, the locked one too', async () => {
  for (const role of ['query', 'loader'] as const) {
    await withEngine({ role }, async (engine) => {
      const connection = await engine.connect();
      const sql =
        "SELECT mr_murmur_hash3_32(['hello'::BLOB]), mr_murmur_hash3_32(['hello'::BLOB, 'world'::BLOB])";
      assert.deepEqual(await connection.rows(sql), [[1321743225, 984713481]]);
      await assert.rejects(connection.rows('SELECT mr_unknown(1)'), AppError);
    });
  }
});
