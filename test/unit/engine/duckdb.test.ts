// The engine door: the lock, errors, interrupts, limits, admission, functions.
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { columnBytes, readBigints, readStrings } from '../../../src/engine/vectors.ts';
import { withEngine } from '../../support/engine-fixture.ts';

const code =
  (wanted: string) =>
  (thrown: unknown): boolean => {
    assert.ok(thrown instanceof AppError, String(thrown));
    assert.equal(thrown.code, wanted, thrown.message);
    return true;
  };
const LONG = 'SELECT count(*) FROM range(100000000000) a(i) WHERE i % 7 = 3';

test('a locked instance reads its directories and nothing else', async () => {
  await withEngine({}, async (loader, outside) => {
    await loader.withConnection((connection) =>
      connection.run(
        `COPY (SELECT 42 AS a) TO '${join(outside, 'secret.parquet')}' (FORMAT parquet)`,
      ),
    );
    await withEngine({ role: 'query' }, async (engine, directory) => {
      await loader.withConnection((connection) =>
        connection.run(
          `COPY (SELECT 1 AS a) TO '${join(directory, 'ok.parquet')}' (FORMAT parquet)`,
        ),
      );
      await symlink(join(outside, 'secret.parquet'), join(directory, 'link.parquet'));
      await mkdir(`${directory}-sibling`);
      const connection = await engine.connect();
      const ok = `SELECT a FROM read_parquet(['${join(directory, 'ok.parquet')}'])`;
      assert.deepEqual(await connection.rows(ok), [[1]]);
      const refused = [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        `SELECT * FROM read_parquet('${join(outside, 'secret.parquet')}')`,
        `SELECT * FROM read_parquet('${join(directory, 'link.parquet')}')`,
        `SELECT * FROM read_parquet('${directory}/../${outside.split('/').at(-1)}/secret.parquet')`,
        `SELECT * FROM read_text('${directory}-sibling/x')`,
        `COPY (SELECT 1) TO '${join(outside, 'out.csv')}'`,
        `ATTACH '${join(outside, 'db')}' AS other`,
        'INSTALL httpfs',
        'LOAD httpfs',
        'SET enable_external_access=true',
        "SET memory_limit='10GB'",
        'SET lock_configuration=false',
        'RESET memory_limit',
        "SET allowed_directories=['/']",
        'CREATE PERSISTENT SECRET s (TYPE s3)',
      ];
      for (const sql of refused) await assert.rejects(connection.rows(sql), AppError, sql);
      assert.deepEqual(await connection.rows(ok), [[1]]);
      const { rm } = await import('node:fs/promises');
      await rm(`${directory}-sibling`, { recursive: true });
    });
  });
});

test('enable_logging gets through the lock: so no user text may reach the engine', async () => {
  // Documents why only generated SQL runs here: if this ever fails, the lock has become tighter.
  await withEngine({ role: 'query' }, async (engine) => {
    await engine.withConnection((connection) => connection.rows('CALL enable_logging()'));
  });
});

test('error texts become rows of the error table', async () => {
  await withEngine({}, async (engine) => {
    const connection = await engine.connect();
    const fails = (sql: string, wanted: string): Promise<void> =>
      assert.rejects(connection.rows(sql), code(wanted));
    await fails("SELECT CAST('x' AS INTEGER)", 'ENGINE_VALUE');
    await fails('SELECT 9223372036854775807 + 1::BIGINT', 'ENGINE_VALUE');
    await fails("SELECT error('boo')", 'ENGINE_VALUE');
    await fails('SELECT nothing FROM nowhere', 'INTERNAL');
    await fails("SELECT * FROM read_parquet('/nowhere/at-all.parquet')", 'OBJECT_NOT_FOUND');
    assert.deepEqual(await connection.rows('SELECT 1'), [[1]], 'usable after errors');
    await connection.close();
    await assert.rejects(connection.rows('SELECT 1'), code('CANCELLED'));
  });
});

test('out of memory and out of spill space are told', async () => {
  await withEngine(
    { memoryLimitBytes: 64 * 1024 * 1024, maxTempBytes: 8 * 1024 * 1024 },
    async (engine) => {
      const sql =
        "SELECT count(*) FROM (SELECT repeat('z', 100) || i AS s FROM range(3000000) t(i) ORDER BY s)";
      await engine.withConnection((connection) =>
        assert.rejects(
          connection.rows(`${sql.replace('count(*)', 'max(s), min(s), list(s)')}`),
          code('ENGINE_OUT_OF_MEMORY'),
        ),
      );
    },
  );
});

test('abort and time limit stop a statement within milliseconds', async () => {
  await withEngine({}, async (engine) => {
    const connection = await engine.connect();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const start = performance.now();
    await assert.rejects(connection.rows(LONG, { signal: stop.signal }), code('CANCELLED'));
    await assert.rejects(connection.rows(LONG, { timeoutMs: 50 }), code('TIMEOUT'));
    await assert.rejects(
      connection.rows(LONG, { signal: AbortSignal.abort() }),
      code('CANCELLED'),
      'aborted before it began',
    );
    assert.ok(performance.now() - start < 2000);
    assert.deepEqual(await connection.rows('SELECT 1'), [[1]]);
  });
});

test('closing a connection or the engine ends what runs', async () => {
  await withEngine({}, async (engine) => {
    const connection = await engine.connect();
    const running = assert.rejects(connection.rows(LONG), AppError);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await connection.close();
    await running;
    const other = await engine.connect();
    const alsoRunning = assert.rejects(other.rows(LONG), AppError);
    await engine.close();
    await alsoRunning;
  });
});

test('only so many statements run at once, the rest wait in order, beyond that they are refused', async () => {
  await withEngine({ statementsAtOnce: 2, maxWaiting: 1 }, async (engine) => {
    const stop = new AbortController();
    const connections = await Promise.all([1, 2, 3, 4].map(() => engine.connect()));
    const [first, second, third, fourth] = connections;
    assert.ok(first && second && third && fourth);
    const heavy = [first, second].map((connection) =>
      assert.rejects(connection.rows(LONG, { signal: stop.signal }), code('CANCELLED')),
    );
    const waiting = third.rows('SELECT 3');
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(engine.load(), { running: 2, waiting: 1 });
    await assert.rejects(fourth.rows('SELECT 4'), code('ENGINE_BUSY'));
    stop.abort();
    await Promise.all(heavy);
    assert.deepEqual(await waiting, [[3]]);
    assert.deepEqual(engine.load(), { running: 0, waiting: 0 });
  });
});

test('a waiting statement that is aborted leaves the queue', async () => {
  await withEngine({ statementsAtOnce: 1 }, async (engine) => {
    const [first, second] = await Promise.all([engine.connect(), engine.connect()]);
    const stopFirst = new AbortController();
    const heavy = assert.rejects(first.rows(LONG, { signal: stopFirst.signal }), AppError);
    const stopSecond = new AbortController();
    const waiting = assert.rejects(
      second.rows('SELECT 1', { signal: stopSecond.signal }),
      code('CANCELLED'),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    stopSecond.abort();
    await waiting;
    assert.deepEqual(engine.load(), { running: 1, waiting: 0 });
    stopFirst.abort();
    await heavy;
  });
});

test('strings come whole from every kind of vector', async () => {
  await withEngine({}, async (engine, directory) => {
    const connection = await engine.connect();
    const path = join(directory, 's.parquet');
    const text = `CASE WHEN i % 5 = 0 THEN NULL WHEN i % 5 = 1 THEN 'kurz ' || i ELSE repeat('lang ü😀 ', 1 + i % 40) || i END`;
    await connection.run(
      `COPY (SELECT i, ${text} AS s, 'word number ' || (i % 7) AS d FROM range(20000) t(i)) TO '${path}' (FORMAT parquet)`,
    );
    const queries = [
      `SELECT i, s, d FROM '${path}' ORDER BY i`,
      `SELECT i, s, d FROM (SELECT * FROM '${path}' ORDER BY i DESC) ORDER BY i`,
      `SELECT i, s || '' AS s, d FROM '${path}'`,
      `SELECT i, ${text} AS s, 'word number ' || (i % 7) AS d FROM range(20000) t(i)`,
    ];
    await connection.run(`CREATE TEMP TABLE kept AS ${queries[0]}`);
    for (const sql of [
      ...queries,
      'SELECT * FROM kept',
      "SELECT 5 AS i, 'kurz 6' AS s, 'the same long constant for all' AS d FROM range(3000)",
    ]) {
      for (const chunk of await connection.chunks(sql)) {
        const ids = readBigints(chunk, 0);
        const strings = readStrings(chunk, 1);
        const words = readStrings(chunk, 2);
        // The binding's own slow way is the judge.
        if (sql.includes('constant')) {
          assert.deepEqual(words, chunk.getColumnValues(2));
          continue;
        }
        assert.deepEqual(strings, chunk.getColumnValues(1));
        assert.deepEqual(words, chunk.getColumnValues(2));
        assert.equal(ids.length, chunk.rowCount);
      }
    }
  });
});

test('scalar and table functions in JavaScript', async () => {
  await withEngine({ threads: 1 }, async (engine) => {
    const connection = await engine.connect();
    const seen: bigint[] = [];
    connection.registerScalarFunction({
      name: 'note',
      parameters: ['BIGINT'],
      returns: 'BOOLEAN',
      volatile: true,
      seesNulls: true,
      call: (input, output) => {
        const values = columnBytes(input, 0, 8);
        for (let row = 0; row < input.rowCount; row += 1) {
          seen.push(values.readBigInt64LE(row * 8));
          output.setItem(row, row % 2 === 0);
        }
      },
    });
    const noted = await connection.rows('SELECT count(*) FROM range(5000) t(i) WHERE note(i)');
    assert.deepEqual([noted[0]?.[0], seen.length], [2500n, 5000]);
    connection.registerTableFunction({
      name: 'pieces',
      columns: [
        { name: 'base', type: 'BIGINT' },
        { name: 'piece', type: 'VARCHAR' },
      ],
      open: (id) => {
        let left = id;
        return (output) => {
          if (left === 0) return 0;
          output.setBigints(0, BigInt64Array.of(BigInt(left), -1n));
          output.setBytes(1, 0, Buffer.from(`stück ${left}`));
          output.setBytes(1, 1, Buffer.alloc(100_000, 'x'));
          left -= 1;
          return 2;
        };
      },
    });
    assert.deepEqual(await connection.rows('SELECT base, piece FROM pieces(2) WHERE base > 0'), [
      [2n, 'stück 2'],
      [1n, 'stück 1'],
    ]);
    assert.deepEqual(
      await connection.rows('SELECT sum(length(piece)) FROM pieces(3) WHERE base < 0'),
      [[300_000n]],
    );
    connection.registerScalarFunction({
      name: 'broken',
      parameters: ['BIGINT'],
      returns: 'BIGINT',
      volatile: false,
      seesNulls: false,
      call: () => {
        throw new Error('not today');
      },
    });
    await assert.rejects(connection.rows('SELECT broken(1)'), /not today/);
  });
});

test('the spill directory is private, and emptied at open', async () => {
  await withEngine({}, async (_engine, directory) => {
    await writeFile(join(directory, 'spill', 'left-over'), 'x');
    await withEngine({ tempDirectory: join(directory, 'spill') }, async () => {
      const { readdir, stat } = await import('node:fs/promises');
      assert.deepEqual(await readdir(join(directory, 'spill')), []);
      assert.equal((await stat(join(directory, 'spill'))).mode & 0o777, 0o700);
    });
  });
});
