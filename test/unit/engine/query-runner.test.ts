// Queries to MySQL rows: every type's text, completeness, schema changes, back-pressure, limits.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import {
  asId,
  type FieldId,
  type FileId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { createQueryRunner, type RowSink } from '../../../src/engine/query-runner.ts';
import { parquetCopyOptions, storeSelectList } from '../../../src/model/parquet-layout.ts';
import type { QueryPlan } from '../../../src/model/query-plan.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import type { ColumnSchema, DataFile, TableSchema } from '../../../src/model/table.ts';
import { readerOf, readRows, withEngine } from '../../support/engine-fixture.ts';

const column = (
  fieldId: number,
  name: string,
  type: SqlType,
  defaultValue: string | null = null,
): ColumnSchema => ({
  fieldId: asId<FieldId>(fieldId),
  name,
  type,
  nullable: true,
  isKey: false,
  defaultValue,
  comment: '',
});
const tableOf = (...columns: ColumnSchema[]): TableSchema => ({ keysType: 'DUP_KEYS', columns });
const fileAt = (key: string): DataFile => ({
  id: asId<FileId>(1),
  transactionId: asId<TransactionId>(1),
  volumeId: asId<VolumeId>(1),
  key,
  sizeBytes: 0,
  rowCount: 0,
  deletes: [],
  deletedRows: 0,
  columnStats: {},
});
const planOf = (duckdbSql: string, columns: number, rest: Partial<QueryPlan> = {}): QueryPlan => ({
  duckdbSql,
  columns: Array.from({ length: columns }, (_, i) => ({
    name: `c${i}`,
    type: { kind: 'JSON' },
    transport: 'text',
  })),
  scans: [],
  inlineTables: [],
  volumes: [],
  timeoutMs: 20_000,
  maxRows: null,
  ...rest,
});

interface Ran {
  readonly rows: (string | null)[][];
  readonly bytes: (Buffer | null)[][];
}

async function run(engine: Engine, plan: QueryPlan, firstSequence = 5): Promise<Ran> {
  let pinned = 0;
  const runner = createQueryRunner({
    engine,
    clock: systemClock,
    ...readerOf(async (files) => {
      pinned += 1;
      return {
        paths: files.map(({ key }) => key),
        release: () => {
          pinned -= 1;
        },
      };
    }),
  });
  const chunks: Buffer[] = [];
  const sink: RowSink = async (chunk) => {
    chunks.push(chunk);
  };
  try {
    const outcome = await runner.run(plan, firstSequence, sink, new AbortController().signal);
    const bytes = readRows(Buffer.concat(chunks), plan.columns.length, firstSequence);
    assert.equal(bytes.length, outcome.rowCount);
    return { bytes, rows: bytes.map((row) => row.map((value) => value?.toString() ?? null)) };
  } finally {
    assert.equal(pinned, 0, 'files released as often as pinned');
  }
}

/** DuckDB expression -> the text a client gets. */
const TEXTS: readonly (readonly [string, string | null])[] = [
  ['NULL', null],
  ['true', '1'],
  ['false', '0'],
  ['NULL::BOOLEAN', null],
  ['(-128)::TINYINT', '-128'],
  ['255::UTINYINT', '255'],
  ['(-32768)::SMALLINT', '-32768'],
  ['65535::USMALLINT', '65535'],
  ['(-2147483648)::INTEGER', '-2147483648'],
  ['4294967295::UINTEGER', '4294967295'],
  ['9223372036854775807::BIGINT', '9223372036854775807'],
  ['(-9223372036854775807 - 1)::BIGINT', '-9223372036854775808'],
  ['9007199254740993::BIGINT', '9007199254740993'],
  ['(-1)::BIGINT', '-1'],
  ['18446744073709551615::UBIGINT', '18446744073709551615'],
  ['170141183460469231731687303715884105727::HUGEINT', '170141183460469231731687303715884105727'],
  [
    '(-170141183460469231731687303715884105728)::HUGEINT',
    '-170141183460469231731687303715884105728',
  ],
  ['(-1)::HUGEINT', '-1'],
  ['340282366920938463463374607431768211455::UHUGEINT', '340282366920938463463374607431768211455'],
  ['0.1::DOUBLE', '0.1'],
  ['1::DOUBLE', '1'],
  ['(-0.0)::DOUBLE', '0'],
  ["'-0'::DOUBLE", '-0'],
  ['123456.789::DOUBLE', '123456.789'],
  ['1e15::DOUBLE', '1000000000000000'],
  ['1e16::DOUBLE', '1e+16'],
  ['1.5e300::DOUBLE', '1.5e+300'],
  ['0.0001::DOUBLE', '0.0001'],
  ['0.00005::DOUBLE', '5e-05'],
  ["'nan'::DOUBLE", 'nan'],
  ["'-inf'::DOUBLE", '-inf'],
  ['3.141592653589793::DOUBLE', '3.141592653589793'],
  ['0.1::FLOAT', '0.1'],
  ['16777216::FLOAT', '16777216'],
  ['123456789::FLOAT', '1.2345679e+08'],
  ['3.4028235e38::FLOAT', '3.4028235e+38'],
  ['1.05::DECIMAL(3,2)', '1.05'],
  ['(-0.05)::DECIMAL(9,2)', '-0.05'],
  ['.5::DECIMAL(1,1)', '0.5'],
  ['(-9999999999999999.99)::DECIMAL(18,2)', '-9999999999999999.99'],
  [
    '(-123456789012345678901234567890.12345678)::DECIMAL(38,8)',
    '-123456789012345678901234567890.12345678',
  ],
  ['7::DECIMAL(18,0)', '7'],
  ["DATE '2024-02-29'", '2024-02-29'],
  ["DATE '0001-01-01'", '0001-01-01'],
  ["DATE '9999-12-31'", '9999-12-31'],
  ["DATE '1969-12-31'", '1969-12-31'],
  ["TIMESTAMP '2024-02-29 23:59:59'", '2024-02-29 23:59:59'],
  ["TIMESTAMP '2024-02-29 00:00:00.000001'", '2024-02-29 00:00:00.000001'],
  ["TIMESTAMP '1969-12-31 23:59:59.5'", '1969-12-31 23:59:59.500000'],
  ["TIMESTAMP '0001-01-01 00:00:00'", '0001-01-01 00:00:00'],
  ["TIMESTAMP '9999-12-31 23:59:59.999999'", '9999-12-31 23:59:59.999999'],
  ["TIME '23:59:59.25'", '23:59:59.250000'],
  ["''", ''],
  ["'ä 😀'", 'ä 😀'],
  ["'twelve bytes'", 'twelve bytes'],
  ["'thirteen bytes'", 'thirteen bytes'],
  ["repeat('é', 40000)", 'é'.repeat(40000)],
];

test('the text of every type', async () => {
  await withEngine({}, async (engine) => {
    for (const [sql, text] of TEXTS) {
      const { rows } = await run(engine, planOf(`SELECT ${sql} UNION ALL SELECT NULL`, 1));
      assert.deepEqual(rows, [[text], [null]], sql);
      // A result that the plan bounds goes another way and must look the same.
      const few = await run(
        engine,
        planOf(`SELECT ${sql} UNION ALL SELECT NULL`, 1, { maxRows: 2 }),
      );
      assert.deepEqual(few.rows, [[text], [null]], sql);
    }
    const blob = await run(engine, planOf("SELECT '\\x00\\xFF\\xFE'::BLOB", 1));
    assert.deepEqual(blob.bytes[0]?.[0], Buffer.from([0, 255, 254]));
  });
});

test('dates and doubles agree with the engine over a wide range', async () => {
  await withEngine({}, async (engine) => {
    const dates = await run(
      engine,
      planOf(
        "SELECT d, CAST(d AS VARCHAR) FROM (SELECT DATE '0001-01-01' + CAST(i * 37 AS INTEGER) AS d FROM range(98000) t(i))",
        2,
      ),
    );
    for (const [own, theirs] of dates.rows) assert.equal(own, theirs);
    const doubles = await run(
      engine,
      planOf(
        'SELECT d FROM (SELECT (hash(i) % 1000000007)::DOUBLE / (1 + i % 1000) * pow(10, i % 30 - 15) AS d FROM range(20000) t(i))',
        1,
      ),
    );
    const exact = await engine.withConnection((connection) =>
      connection.rows(
        'SELECT (hash(i) % 1000000007)::DOUBLE / (1 + i % 1000) * pow(10, i % 30 - 15) FROM range(20000) t(i)',
      ),
    );
    doubles.rows.forEach(([text], i) => {
      assert.equal(Number(text), exact[i]?.[0]);
    });
  });
});

test('a value above 16 MB, and many of them', async () => {
  await withEngine({ memoryLimitBytes: 1024 ** 3 }, async (engine) => {
    const { bytes } = await run(
      engine,
      planOf("SELECT i, repeat('0123456789', 1_700_000) || i FROM range(3) t(i)", 2),
    );
    assert.deepEqual(
      bytes.map((row) => [row[0]?.toString(), row[1]?.length, row[1]?.subarray(-3).toString()]),
      [0, 1, 2].map((i) => [String(i), 17_000_001, `89${i}`]),
    );
  });
});

test('scans: several files, columns that a file lacks, renamed columns, no files, no columns', async () => {
  await withEngine({}, async (engine, directory) => {
    const old = tableOf(
      column(1, 'id', { kind: 'BIGINT' }),
      column(2, 'name', { kind: 'VARCHAR', length: 9 }),
    );
    const now = tableOf(
      column(1, 'id', { kind: 'BIGINT' }),
      column(2, 'title', { kind: 'VARCHAR', length: 9 }),
      { ...column(3, 'big', { kind: 'LARGEINT' }, '9'), initialDefault: '5' },
      column(4, 'moment', { kind: 'DATETIME' }),
    );
    const write = (schema: TableSchema, name: string, sql: string): Promise<void> =>
      engine.withConnection((connection) =>
        connection.run(
          `COPY (SELECT ${storeSelectList(schema)} FROM (${sql})) TO '${join(directory, name)}' (${parquetCopyOptions(schema)})`,
        ),
      );
    await write(old, 'old.parquet', "SELECT 1::BIGINT AS id, 'one' AS name");
    await write(
      now,
      'new.parquet',
      "SELECT 2::BIGINT AS id, 'two' AS title, 170141183460469231731687303715884105727::HUGEINT AS big, TIMESTAMP '2024-01-02 03:04:05' AS moment",
    );
    const files = ['old.parquet', 'new.parquet'].map((name) => fileAt(join(directory, name)));
    const scan = {
      placeholder: '__scan0',
      schema: now,
      columns: ['id', 'title', 'big', 'moment'],
      files,
    };
    const all = await run(
      engine,
      planOf('SELECT id, title, big + 0::HUGEINT, moment FROM __scan0 ORDER BY id', 4, {
        scans: [scan],
      }),
    );
    assert.deepEqual(all.rows, [
      ['1', 'one', '5', null],
      ['2', 'two', '170141183460469231731687303715884105727', '2024-01-02 03:04:05'],
    ]);
    const counted = planOf('SELECT count(*) FROM __scan0', 1, {
      scans: [{ ...scan, columns: [] }],
    });
    assert.deepEqual((await run(engine, counted)).rows, [['2']]);
    const empty = planOf("SELECT max(id), count(*), '__scan0' FROM __scan0", 3, {
      scans: [{ ...scan, files: [] }],
    });
    assert.deepEqual((await run(engine, empty)).rows, [[null, '0', '__scan0']]);
    const two = planOf(
      'WITH x AS (SELECT 7 AS id) SELECT a.id, b.v FROM __scan0 a JOIN __inline0 b ON a.id = b.k ORDER BY 1',
      2,
      {
        scans: [scan],
        inlineTables: [
          {
            placeholder: '__inline0',
            columns: [
              { name: 'k', type: { kind: 'BIGINT' } },
              { name: 'v', type: { kind: 'VARCHAR', length: 20 } },
            ],
            rows: [
              ['1', "it's"],
              ['2', null],
            ],
          },
        ],
      },
    );
    assert.deepEqual((await run(engine, two)).rows, [
      ['1', "it's"],
      ['2', null],
    ]);
  });
});

test('order is kept, duplicate names are allowed, an empty result is empty', async () => {
  await withEngine({}, async (engine) => {
    const ordered = await run(
      engine,
      planOf('SELECT i AS a, i AS a FROM range(300000) t(i) ORDER BY i DESC', 2),
    );
    assert.equal(ordered.rows.length, 300_000);
    ordered.rows.forEach(([first, second], i) => {
      assert.ok(first === String(299_999 - i) && second === first);
    });
    const unordered = await run(engine, planOf('SELECT i FROM range(300000) t(i)', 1));
    assert.deepEqual(unordered.rows[299_999], ['299999']);
    assert.deepEqual((await run(engine, planOf('SELECT 1 WHERE false', 1))).rows, []);
  });
});

test('a look-up gives all its rows, be they few or many', async () => {
  await withEngine({}, async (engine) => {
    for (const rows of [0, 1, 99, 100, 101, 102, 5000]) {
      const plan = planOf(`SELECT i FROM range(${rows}) t(i)`, 1, { tryFewFirst: true });
      const got = (await run(engine, plan)).rows.map(([value]) => Number(value));
      assert.equal(got.length, rows);
      assert.equal(new Set(got).size, rows);
    }
  });
});

test('a late error gives no rows and no whole-looking result', async () => {
  await withEngine({}, async (engine) => {
    const late =
      "SELECT CASE WHEN i = 900000 THEN CAST('x' || i AS INTEGER) ELSE i END FROM range(1000000) t(i)";
    for (const plan of [
      planOf(late, 1),
      planOf(late, 1, { tryFewFirst: true }),
      planOf(`SELECT max(v) FROM (${late}) t(v)`, 1, { maxRows: 1 }),
    ]) {
      await assert.rejects(run(engine, plan), (thrown: unknown) => {
        assert.ok(thrown instanceof AppError);
        assert.equal(thrown.code, 'ENGINE_VALUE');
        assert.match(thrown.message, /x900000/);
        return true;
      });
    }
  });
});

test('abort and time limit while a client does not read', async () => {
  await withEngine({}, async (engine) => {
    const runner = createQueryRunner({
      engine,
      clock: systemClock,
      ...readerOf(async () => ({ paths: [], release: () => undefined })),
    });
    const stalled: RowSink = () => new Promise(() => undefined);
    const plan = planOf("SELECT i, repeat('x', 100) FROM range(1000000) t(i)", 2);
    const stop = new AbortController();
    const running = runner.run(plan, 0, stalled, stop.signal);
    setTimeout(() => stop.abort(new AppError('CANCELLED', {})), 300);
    await assert.rejects(
      running,
      (thrown: unknown) => thrown instanceof AppError && thrown.code === 'CANCELLED',
    );
    await assert.rejects(
      runner.run({ ...plan, timeoutMs: 300 }, 0, stalled, new AbortController().signal),
      (thrown: unknown) => thrown instanceof AppError && thrown.code === 'TIMEOUT',
    );
    assert.deepEqual(engine.load(), { running: 0, waiting: 0 });
  });
});

test('a slow client holds little memory and no files', async () => {
  await withEngine({ memoryLimitBytes: 64 * 1024 * 1024 }, async (engine) => {
    let released = false;
    const runner = createQueryRunner({
      engine,
      clock: systemClock,
      ...readerOf(async () => ({
        paths: [],
        release: () => {
          released = true;
        },
      })),
    });
    let most = 0;
    let bytes = 0;
    const before = process.memoryUsage().arrayBuffers;
    const slow: RowSink = async (chunk) => {
      assert.ok(released, 'inputs are released before the first byte is sent');
      bytes += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    };
    const plan = planOf("SELECT i, repeat('x', 90) || i FROM range(1000000) t(i)", 2);
    await runner.run(plan, 0, slow, new AbortController().signal);
    assert.ok(bytes > 100_000_000);
    assert.ok(most < 64 * 1024 * 1024, `${most} bytes`);
  });
});
