// Bodies that are one file (Avro, Parquet, Arrow) from bytes to rows of a table: what each type becomes in each column,
// strict mode, counts and rejected rows as for JSON; damage, compression, and nothing left behind.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AppError } from '../../../src/base/errors.ts';
import type { BodyLoadPlan, FileContainer } from '../../../src/model/load-plan.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import { BodyRig, makeBodyPlan, pieces } from '../../support/body-load.ts';
import { ARROW_FILE, ARROW_STREAM, ORC_FILE } from '../../support/file-samples.ts';
import { column, PipelineFixture } from '../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

async function withRig(work: (rig: BodyRig) => Promise<void>): Promise<void> {
  const rig = new BodyRig(fixture, 4 * 1024 * 1024);
  try {
    await work(rig);
    assert.equal(rig.memory.usedBytes, 0, 'all memory is given back');
  } finally {
    await rig.close();
  }
  const left = (await readdir(fixture.directory)).filter((name) => name.startsWith('body-'));
  assert.deepEqual(left, [], 'nothing waits on disk');
}

let written = 0;
async function parquet(select: string): Promise<Buffer> {
  written += 1;
  const path = join(fixture.directory, `made-${written}.parquet`);
  await fixture.connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`);
  return await readFile(path);
}

function plan(
  container: FileContainer,
  columns: Readonly<Record<string, SqlType>>,
  more: Partial<Parameters<typeof makeBodyPlan>[0]> = {},
): BodyLoadPlan {
  return makeBodyPlan({
    columns: Object.entries(columns).map(([name, type]) => column(name, type)),
    format: { kind: 'file', container, jsonpaths: null },
    timeZone: 'Asia/Shanghai',
    ...more,
  });
}

const BIGINT: SqlType = { kind: 'BIGINT' };
const INT: SqlType = { kind: 'INT' };
const LARGEINT: SqlType = { kind: 'LARGEINT' };
const VARCHAR: SqlType = { kind: 'VARCHAR', length: 100 };
const DATE: SqlType = { kind: 'DATE' };
const DATETIME: SqlType = { kind: 'DATETIME' };
const DOUBLE: SqlType = { kind: 'DOUBLE' };
const BOOLEAN: SqlType = { kind: 'BOOLEAN' };
const JSON_TYPE: SqlType = { kind: 'JSON' };
const VARBINARY: SqlType = { kind: 'VARBINARY', length: 100 };
const decimal = (precision: number, scale: number): SqlType => ({
  kind: 'DECIMAL',
  precision,
  scale,
});

/** Value in the file, type of the column, what it is as text; 'bad' = NULL, and with strict mode a rejected row. */
const CASES: readonly (readonly [sql: string, type: SqlType, expected: string | null])[] = [
  ['1', BIGINT, '1'],
  ['(-9223372036854775808)::BIGINT', BIGINT, '-9223372036854775808'],
  ['9223372036854775807::BIGINT', LARGEINT, '9223372036854775807'],
  ['18446744073709551615::UBIGINT', LARGEINT, '18446744073709551615'],
  ['18446744073709551615::UBIGINT', BIGINT, 'bad'],
  [
    "'12345678901234567890123456789012345678'::DECIMAL(38,0)",
    LARGEINT,
    '12345678901234567890123456789012345678',
  ],
  ['2147483648::BIGINT', INT, 'bad'],
  ['NULL::INT', INT, null],
  ['true', BOOLEAN, 'true'],
  ['true', INT, '1'],
  ['7', BOOLEAN, 'true'],
  ['1.25::DECIMAL(9,2)', decimal(9, 2), '1.25'],
  [
    "'-1234567890123456789012345678.0123456789'::DECIMAL(38,10)",
    decimal(38, 10),
    '-1234567890123456789012345678.0123456789',
  ],
  ['123456.78::DECIMAL(9,2)', decimal(5, 2), 'bad'],
  ['0.1::DOUBLE', DOUBLE, '0.1'],
  ['0.1::FLOAT', DOUBLE, '0.1'],
  ['1e300::DOUBLE', DOUBLE, '1e+300'],
  ['2.5::DOUBLE', VARCHAR, '2.5'],
  ["DATE '2024-02-29'", DATE, '2024-02-29'],
  ["DATE '2024-02-29'", DATETIME, '2024-02-29 00:00:00'],
  ["DATE '2024-02-29'", VARCHAR, '2024-02-29'],
  ["TIMESTAMP '2024-05-06 07:08:09.123456'", DATETIME, '2024-05-06 07:08:09.123456'],
  ["TIMESTAMP '2024-05-06 07:08:09'", DATE, '2024-05-06'],
  ["TIMESTAMPTZ '2024-05-06 00:00:00+00'", DATETIME, '2024-05-06 08:00:00'],
  ["TIMESTAMP_NS '2024-05-06 07:08:09.123456789'", DATETIME, '2024-05-06 07:08:09.123456'],
  ["TIMESTAMP '2024-05-06 07:08:09'", BIGINT, 'bad'],
  ["'abc'", INT, 'bad'],
  ["'12'", INT, '12'],
  ["'2024-02-30'", DATE, 'bad'],
  ["''", VARCHAR, ''],
  ["'é\"\\n'", VARCHAR, 'é"\\n'],
  ["'ab'::BLOB", VARCHAR, 'ab'],
  ["'\\x00\\xFF'::BLOB", VARBINARY, '\\x00\\xFF'],
  ["'é'", VARBINARY, '\\xC3\\xA9'],
  ['[1, NULL, 3]', JSON_TYPE, '[1,null,3]'],
  ['[1, NULL]', { kind: 'ARRAY', element: INT }, '[1, NULL]'],
  ["{'a': 1, 'b': DATE '2024-02-29'}", JSON_TYPE, '{"a":1,"b":"2024-02-29"}'],
  ["MAP {'k': 1}", { kind: 'MAP', key: VARCHAR, value: INT }, '{k=1}'],
];

test('what each type of a Parquet file becomes in a column, strict or not', () =>
  withRig(async (rig) => {
    for (const [sql, type, expected] of CASES) {
      const bytes = await parquet(`SELECT ${sql} AS v, 1 AS id`);
      for (const strict of [false, true]) {
        const load = plan('parquet', { id: INT, v: type }, { strict, maxFilterRatio: 1 });
        const staged = await rig.load(
          load,
          pieces(bytes, () => 500),
        );
        const shown = `${sql} into ${JSON.stringify(type)}, strict ${strict}`;
        const isRejected = expected === 'bad' && strict;
        assert.equal(staged.rowsFiltered, isRejected ? 1 : 0, shown);
        assert.equal(staged.rowsLoaded, isRejected ? 0 : 1, shown);
        if (isRejected) continue;
        const [row] = await rig.rows(staged.tables, load.target.tableId);
        assert.equal(row?.['v'] ?? null, expected === 'bad' ? null : expected, shown);
      }
    }
  }));

test('a body of many batches: every row once, in order of its numbers; rejected rows as JSON with their number', () =>
  withRig(async (rig) => {
    const bytes = await parquet(
      "SELECT i AS id, CASE WHEN i % 20000 = 7 THEN 'bad' ELSE i::VARCHAR END AS n, 'name of ' || i AS name FROM range(100000) t(i)",
    );
    const load = plan(
      'parquet',
      { id: BIGINT, n: INT, name: VARCHAR },
      { strict: true, maxFilterRatio: 0.1 },
    );
    const staged = await rig.load(
      load,
      pieces(bytes, () => 70_000),
    );
    assert.deepEqual([staged.rowsLoaded, staged.rowsFiltered], [99_995, 5]);
    assert.equal(staged.bodyBytes, bytes.length);
    const [sum] = await rig.rows(
      staged.tables,
      load.target.tableId,
      "SELECT count(DISTINCT id) AS n, count(*) FILTER (name <> 'name of ' || id OR n <> id) AS wrong",
    );
    assert.deepEqual(sum, { n: '99995', wrong: '0' });
    const rejected = await rig.rows(staged.tables, load.rejected.tableId);
    assert.equal(rejected[1]?.['source_info'], '{"row":20008}');
    assert.deepEqual(JSON.parse(rejected[1]?.['raw_record'] ?? ''), {
      id: 20007,
      n: 'bad',
      name: 'name of 20007',
    });
  }));

test('Arrow, as a stream and as a file, compressed as a whole, with paths into its columns', () =>
  withRig(async (rig) => {
    for (const [bytes, compression] of [
      [ARROW_STREAM, 'none'],
      [ARROW_FILE, 'none'],
      [gzipSync(ARROW_STREAM), 'gzip'],
    ] as const) {
      const load = plan(
        'arrow',
        { id: BIGINT, color: VARCHAR, raw: VARBINARY, l: JSON_TYPE },
        { source: { compression } },
      );
      const staged = await rig.load(
        load,
        pieces(bytes, () => 100),
      );
      assert.deepEqual(await rig.rows(staged.tables, load.target.tableId), [
        { id: '1', color: 'red', raw: '\\x00\\xFF', l: '[1,null]' },
        { id: '-5', color: null, raw: '', l: '[]' },
        { id: '1099511627776', color: 'grü"n', raw: null, l: null },
      ]);
    }
    const paths = plan(
      'arrow',
      { first: INT, color: VARCHAR },
      { format: { kind: 'file', container: 'arrow', jsonpaths: ['$.l[0]', '$.color'] } },
    );
    const staged = await rig.load(
      paths,
      pieces(ARROW_STREAM, () => 100),
    );
    assert.deepEqual((await rig.rows(staged.tables, paths.target.tableId))[0], {
      first: '1',
      color: 'red',
    });
  }));

test('ORC, which waits on disk', () =>
  withRig(async (rig) => {
    const load = plan('orc', { id: BIGINT, color: VARCHAR, raw: VARBINARY, l: JSON_TYPE, b: INT });
    const staged = await rig.load(
      load,
      pieces(ORC_FILE, () => 100),
    );
    assert.deepEqual(await rig.rows(staged.tables, load.target.tableId), [
      { id: '1', color: 'red', raw: '\\x00\\xFF', l: '[1,null]', b: '1' },
      { id: '-5', color: null, raw: '', l: '[]', b: null },
      { id: '1099511627776', color: 'grü"n', raw: null, l: null, b: '0' },
    ]);
    await assert.rejects(
      rig.load(
        load,
        pieces(ORC_FILE.subarray(0, 300), () => 100),
      ),
      /^AppError: Failed to parse the body as ORC: /,
    );
  }));

test('what is wrong with a file is one error, and nothing is left of it', () =>
  withRig(async (rig) => {
    const bytes = await parquet('SELECT i AS id FROM range(5000) t(i)');
    const cases: readonly (readonly [FileContainer, Buffer, RegExp])[] = [
      ['parquet', Buffer.from('1,a\n'), /^Failed to parse the body as Parquet: /],
      ['parquet', bytes.subarray(0, -100), /^Failed to parse the body as Parquet: /],
      ['parquet', Buffer.alloc(0), /^Failed to parse the body as Parquet: /],
      ['avro', bytes, /^Failed to parse the body as Avro: it does not begin as an Avro/],
      ['arrow', bytes, /^Failed to parse the body as Arrow: it begins neither as/],
      [
        'arrow',
        ARROW_STREAM.subarray(0, 1500),
        /^Failed to parse the body as Arrow: it ends within/,
      ],
    ];
    for (const [container, body, message] of cases) {
      await assert.rejects(
        rig.load(
          plan(container, { id: BIGINT }),
          pieces(body, () => 300),
        ),
        (thrown) => thrown instanceof AppError && message.test(thrown.message),
        `${container}, ${message}`,
      );
    }
    await assert.rejects(
      rig.load(
        plan('parquet', { other: BIGINT }),
        pieces(bytes, () => 300),
      ),
      /has none of the fields other; its columns are id/,
    );
    await assert.rejects(
      rig.load(
        plan('parquet', { id: BIGINT }, { source: { maxBytes: 100 } }),
        pieces(bytes, () => 300),
      ),
      /^AppError: the body is larger than 100 bytes$/,
    );
  }));

test('a sender that falls silent, and a load that is cancelled, while the body still waits on disk', () =>
  withRig(async (rig) => {
    const bytes = await parquet('SELECT i AS id FROM range(5000) t(i)');
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 1000);
      await new Promise(() => undefined);
    }
    const idle = plan('parquet', { id: BIGINT }, { source: { idleTimeoutMs: 50 } });
    await assert.rejects(rig.load(idle, silent()), /nothing of the body came for 50 ms/);
    const cancel = new AbortController();
    const running = rig.load(plan('parquet', { id: BIGINT }), silent(), cancel.signal);
    cancel.abort(new AppError('CANCELLED', {}));
    await assert.rejects(
      running,
      (thrown) => thrown instanceof AppError && thrown.code === 'CANCELLED',
    );
  }));
