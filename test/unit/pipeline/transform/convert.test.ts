// Every type's conversion by table: what JSON and CSV text becomes, with and without strict_mode, for
// nullable and NOT NULL columns.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { asId, type FieldId } from '../../../../src/base/ids.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import { compileTransform } from '../../../../src/pipeline/transform/compile-sql.ts';
import {
  CSV_FORMAT,
  column,
  JSON_FORMAT,
  makePlan,
  PipelineFixture,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

/** JSON token -> stored value as text; null = does not convert. */
type Cases = readonly (readonly [json: string, stored: string | null])[];

const INTEGERS: Cases = [
  ['1', '1'],
  ['-5', '-5'],
  ['"7"', '7'],
  ['" 8 "', '8'],
  ['"+9"', '9'],
  ['1.9', '1'],
  ['-1.9', '-1'],
  ['"2.5"', '2'],
  ['1e2', '100'],
  ['"1_0"', null],
  ['"0x1F"', null],
  ['"0b11"', null],
  ['""', null],
  ['"abc"', null],
  ['true', null],
  ['[1]', null],
  ['{"a":1}', null],
];

const TABLE: readonly (readonly [type: SqlType, cases: Cases])[] = [
  [{ kind: 'TINYINT' }, [...INTEGERS, ['127', '127'], ['128', null], ['-129', null]]],
  [{ kind: 'SMALLINT' }, [...INTEGERS, ['32767', '32767'], ['32768', null]]],
  [{ kind: 'INT' }, [...INTEGERS, ['2147483647', '2147483647'], ['2147483648', null]]],
  [
    { kind: 'BIGINT' },
    [
      ...INTEGERS,
      ['9223372036854775807', '9223372036854775807'],
      ['9223372036854775808', null],
      ['-9223372036854775808', '-9223372036854775808'],
      ['"9007199254740993.5"', '9007199254740993'],
    ],
  ],
  [
    { kind: 'LARGEINT' },
    [
      ...INTEGERS,
      ['170141183460469231731687303715884105727', '170141183460469231731687303715884105727'],
      ['170141183460469231731687303715884105728', null],
      ['123456789012345678901234567890', '123456789012345678901234567890'],
    ],
  ],
  [
    { kind: 'BOOLEAN' },
    [
      ['true', 'true'],
      ['false', 'false'],
      ['"TRUE"', 'true'],
      ['1', 'true'],
      ['0', 'false'],
      ['2', 'true'],
      ['0.5', 'true'],
      ['"yes"', null],
      ['"t"', null],
      ['""', null],
    ],
  ],
  [
    { kind: 'DOUBLE' },
    [
      ['1.5', '1.5'],
      ['"1e3"', '1000.0'],
      ['"nan"', null],
      ['"infinity"', null],
      ['"1_0"', null],
      ['"x"', null],
      ['true', null],
    ],
  ],
  [
    { kind: 'FLOAT' },
    [
      ['1.5', '1.5'],
      ['1e300', null],
      ['"-2"', '-2.0'],
    ],
  ],
  [
    { kind: 'DECIMAL', precision: 5, scale: 2 },
    [
      ['1.005', '1.01'],
      ['"1.004"', '1.00'],
      ['999.99', '999.99'],
      ['1000', null],
      ['1e2', '100.00'],
      ['"1_0"', null],
      ['"x"', null],
    ],
  ],
  [
    { kind: 'DECIMAL', precision: 38, scale: 10 },
    [
      ['12345678901234567.8912345678', '12345678901234567.8912345678'],
      ['-0.0000000001', '-0.0000000001'],
      ['"9999999999999999999999999999.9999999999"', '9999999999999999999999999999.9999999999'],
      ['12345678901234567890123456789', null],
    ],
  ],
  [
    { kind: 'DATE' },
    [
      ['"2024-01-02"', '2024-01-02'],
      ['"2024-1-2"', '2024-01-02'],
      ['"2024/01/02"', '2024-01-02'],
      ['"20240102"', '2024-01-02'],
      ['20240102', '2024-01-02'],
      ['"2024-01-02 03:04:05"', '2024-01-02'],
      ['"2024-01-02T03:04:05.5"', '2024-01-02'],
      ['" 2024-01-02 "', '2024-01-02'],
      ['"24-01-02"', '2024-01-02'],
      ['"99-01-02"', '1999-01-02'],
      ['"2024-02-30"', null],
      ['"2024-01-02abc"', null],
      ['"infinity"', null],
      ['"epoch"', null],
      ['"10000-01-01"', null],
      ['"0044-03-15 (BC)"', null],
      ['"9999-12-31"', '9999-12-31'],
      ['1718034793', null],
      ['""', null],
    ],
  ],
  [
    { kind: 'DATETIME' },
    [
      ['"2024-01-02 03:04:05"', '2024-01-02 03:04:05'],
      ['"2024-01-02 03:04:05.123456"', '2024-01-02 03:04:05.123456'],
      ['"2024-01-02T03:04:05"', '2024-01-02 03:04:05'],
      ['"2024-01-02"', '2024-01-02 00:00:00'],
      ['"20240102030405"', '2024-01-02 03:04:05'],
      ['"20240102"', '2024-01-02 00:00:00'],
      ['"2024-1-2 3:4:5"', '2024-01-02 03:04:05'],
      ['"2024-01-02T03:04:05Z"', '2024-01-02 11:04:05'],
      ['"2024-01-02 03:04:05+08:00"', '2024-01-02 03:04:05'],
      ['"2024-01-02 03:04:05.5-0100"', '2024-01-02 12:04:05.5'],
      ['"2024-01-02 25:00:00"', null],
      ['"2024-01-02 03:04:05 Asia/Tokyo"', null],
      ['"x"', null],
    ],
  ],
  [
    { kind: 'VARCHAR', length: 4 },
    [
      ['"abcd"', 'abcd'],
      ['"abcde"', null],
      ['"éé"', 'éé'],
      ['"ééé"', null],
      ['12', '12'],
      ['""', ''],
    ],
  ],
  [
    { kind: 'CHAR', length: 2 },
    [
      ['"ab"', 'ab'],
      ['"abc"', null],
    ],
  ],
  [
    { kind: 'JSON' },
    [
      ['{"a":[1,"x"]}', '{"a":[1,"x"]}'],
      ['"text"', '"text"'],
      ['5', '5'],
      ['true', 'true'],
    ],
  ],
];

for (const [type, cases] of TABLE) {
  const name = 'precision' in type ? `${type.kind}(${type.precision},${type.scale})` : type.kind;
  test(`JSON -> ${name}`, async () => {
    const messages = cases.map(([json]) => `{"v":${json}}`);
    const load = (nullable: boolean, strict: boolean) =>
      fixture.load(
        makePlan({ columns: [column('v', type, { nullable })], strict, timeZone: 'Asia/Shanghai' }),
        messages,
      );
    const stored = cases.map(([, value]) => value);
    const good = stored.filter((value) => value !== null);
    const loose = await load(true, false);
    assert.deepEqual(
      loose.rows.map(([v], index) => [messages[index], v]),
      stored.map((value, index) => [messages[index], value]),
    );
    assert.equal(loose.rejected.length, 0);
    for (const result of [
      await load(true, true),
      await load(false, false),
      await load(false, true),
    ]) {
      assert.deepEqual(
        result.rows.map(([v]) => v),
        good,
      );
      assert.equal(result.rejected.length, stored.length - good.length);
      for (const row of result.rejected) {
        assert.equal(row['error_column'], 'v');
        assert.ok(messages.includes(row['raw_record'] ?? ''));
      }
    }
  });
}

test('null and absent values: NULL where allowed, rejected for NOT NULL, never a strict error', async () => {
  const messages = ['{"v":null,"w":1}', '{"w":1}', '{}', '{"w":2,"v":"x"}'];
  const plan = (nullable: boolean, strict: boolean) =>
    makePlan({
      columns: [column('v', { kind: 'INT' }, { nullable }), column('w', { kind: 'INT' })],
      strict,
    });
  const loose = await fixture.load(plan(true, false), messages);
  assert.deepEqual(loose.rows, [
    [null, '1'],
    [null, '1'],
    [null, null],
    [null, '2'],
  ]);
  const strict = await fixture.load(plan(true, true), messages);
  assert.equal(strict.rows.length, 3);
  assert.deepEqual(
    strict.rejected.map((r) => [r['error_code'], r['error_message']]),
    [['VALUE_OUT_OF_RANGE', "Value 'x' is out of range. The type of 'v' is int(11)"]],
  );
  const notNull = await fixture.load(plan(false, false), messages);
  assert.equal(notNull.rows.length, 0);
  assert.deepEqual(
    notNull.rejected.map((r) => [r['error_code'], r['error_message']]),
    [
      ['NULL_VALUE', "NULL value in non-nullable column 'v'"],
      ['NULL_VALUE', "NULL value in non-nullable column 'v'"],
      ['NULL_VALUE', "NULL value in non-nullable column 'v'"],
      [
        'VALUE_OUT_OF_RANGE',
        "NULL value in non-nullable column 'v': 'x' does not convert to int(11)",
      ],
    ],
  );
});

test('too long text in a NOT NULL column says how long it is', async () => {
  const plan = makePlan({
    columns: [column('s', { kind: 'VARCHAR', length: 3 }, { nullable: false })],
  });
  const { rejected } = await fixture.load(plan, ['{"s":"abcd"}']);
  assert.equal(rejected[0]?.['error_code'], 'VALUE_TOO_LONG');
  assert.equal(
    rejected[0]?.['error_message'],
    'Value length is beyond the capacity. column=s, capacity=3, actual=4',
  );
});

test('CSV text: a fraction is cut off for an integer, JSON must be valid', async () => {
  const plan = makePlan({
    columns: [
      column('i', { kind: 'INT' }),
      column('j', { kind: 'JSON' }),
      column('b', { kind: 'BOOLEAN' }),
    ],
    format: CSV_FORMAT,
  });
  const { rows } = await fixture.load(plan, ['1.5,{"a":1},true', '7,{"a",2', '\\N,\\N,\\N']);
  assert.deepEqual(
    rows,
    [
      ['1', '{"a":1}', 'true'],
      ['7', null, '2'],
      [null, null, null],
    ].map((row) => row.map((v) => (v === '2' ? 'true' : v))),
  );
});

test('defaults fill columns that are not loaded', async () => {
  const columns = [
    column('a', { kind: 'INT' }),
    column('b', { kind: 'VARCHAR', length: 10 }, { nullable: false, defaultValue: "x'y" }),
    column('c', { kind: 'DATETIME' }, { nullable: false, defaultValue: 'CURRENT_TIMESTAMP' }),
    column('d', { kind: 'DECIMAL', precision: 5, scale: 1 }, { defaultValue: '2.5' }),
    column('e', { kind: 'BIGINT' }),
  ];
  const plan = makePlan({ columns });
  const outputs = plan.transform.outputs.map((o, index) =>
    index === 0 ? o : { column: o.column, from: { kind: 'default' as const } },
  );
  const result = await fixture.load(
    { ...plan, transform: { ...plan.transform, fields: ['a'], outputs } },
    ['{"a":1}'],
  );
  const [row] = result.rows;
  assert.equal(row?.[1], "x'y");
  assert.match(row?.[2] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  assert.equal(row?.[3], '2.5');
  assert.equal(row?.[4], null);
});

test('derived columns and WHERE: errors in a row are NULL, rows that do not match are unselected', async () => {
  const plan = makePlan({ columns: [column('a', { kind: 'INT' }), column('d', { kind: 'INT' })] });
  const [a, d] = plan.transform.outputs;
  assert.ok(a !== undefined && d !== undefined);
  const transform = {
    ...plan.transform,
    fields: ['a', 'k'],
    outputs: [
      a,
      {
        column: d.column,
        from: {
          kind: 'expression' as const,
          duckdbSql: `CAST("a" AS INTEGER) / CAST("k" AS DOUBLE) * 10`,
          type: { kind: 'DOUBLE' as const },
        },
      },
    ],
    whereSql: `"a" > 1 AND "k" <> 'no'`,
  };
  const result = await fixture.load({ ...plan, transform }, [
    '{"a":5,"k":"2"}',
    '{"a":1,"k":"2"}',
    '{"a":7,"k":"no"}',
    '{"a":8,"k":"bad"}',
    '{"a":"zz","k":"1"}',
    '{"k":"1"}',
  ]);
  assert.deepEqual(result.rows, [
    ['5', '25'],
    ['8', null],
  ]);
  assert.equal(result.staged.progress[0]?.rowsUnselected, 4);
  assert.equal(result.staged.progress[0]?.rowsFiltered, 0);
});

test('derived columns name the fields, whatever the keys or places they were read from are called', async () => {
  const text: SqlType = { kind: 'VARCHAR', length: 100 };
  const derived = (name: string, duckdbSql: string) => ({
    column: column(name, text),
    from: { kind: 'expression', duckdbSql, type: text } as const,
  });
  const field = (name: string) => ({
    column: column(name, text),
    from: { kind: 'field', field: name } as const,
  });
  const outputs = [field('a'), derived('twice', '"a" || "a"'), derived('other', `"b" || '!'`)].map(
    (output, index) => ({
      ...output,
      column: { ...output.column, fieldId: asId<FieldId>(index + 1) },
    }),
  );
  const columns = outputs.map((output) => output.column);
  const csv = await fixture.load(
    makePlan({ columns, outputs, fields: ['b', 'a'], format: CSV_FORMAT }),
    ['x,y'],
  );
  assert.deepEqual(csv.rows, [['y', 'yy', 'x!']]);
  const swapped = { ...JSON_FORMAT, jsonpaths: ['$.b', '$.a'] };
  const json = await fixture.load(
    makePlan({ columns, outputs, fields: ['a', 'b'], format: swapped }),
    ['{"a":"x","b":"y"}', 'broken'],
  );
  assert.deepEqual(json.rows, [['y', 'yy', 'x!']]);
  assert.equal(json.rejected.length, 1);
});

test('derived columns name the fields of CSV and of jsonpaths, whatever the names of what was read', async () => {
  const int = { kind: 'INT' as const };
  const base = makePlan({ columns: [column('a', int), column('d', int)], format: CSV_FORMAT });
  const [a, d] = base.transform.outputs;
  assert.ok(a !== undefined && d !== undefined);
  const duckdbSql = 'CAST("k" AS INTEGER) + CAST("a" AS INTEGER)';
  const derived = { column: d.column, from: { kind: 'expression' as const, duckdbSql, type: int } };
  const transform = { ...base.transform, fields: ['k', 'a'], outputs: [a, derived] };
  const csv = await fixture.load({ ...base, transform }, ['10,1', '20,2']);
  assert.deepEqual(csv.rows, [
    ['1', '11'],
    ['2', '22'],
  ]);
  const format = {
    kind: 'json' as const,
    jsonpaths: ['$.a', '$.deep.k'],
    jsonRoot: '',
    stripOuterArray: false,
  };
  const json = await fixture.load({ ...base, format, transform }, [
    '{"a":10,"deep":{"k":1}}',
    '{"a":"',
  ]);
  assert.deepEqual(json.rows, [['1', '11']]);
  assert.equal(json.rejected.length, 1);
});

test('every conversion runs once: the filter stays above the conversions', async () => {
  const plan = makePlan({ columns: [column('v', { kind: 'BIGINT' }, { nullable: false })] });
  const inputPath = join(fixture.directory, 'one.ndjson');
  writeFileSync(inputPath, '{"v":1}\n');
  const sql = compileTransform(plan).rowsSql({
    inputPath,
    form: 'json',
    longestLineBytes: 1,
    slot: 1,
    firstId: 0,
  });
  const explained = await fixture.connection.rows(`EXPLAIN ${sql}`);
  assert.match(String(explained[0]?.[1]), /FILTER\s+│\s+│[ ─]+│\s+│\s+__keep\s+│/);
});

test('a derived text longer than its line is measured all the same', async () => {
  const text = { kind: 'VARCHAR' as const, length: 65533 };
  const plan = makePlan({ columns: [column('t', text)] });
  const [t] = plan.transform.outputs;
  assert.ok(t !== undefined);
  const duckdbSql = 'repeat("t", 40000)';
  const derived = {
    column: t.column,
    from: { kind: 'expression' as const, duckdbSql, type: text },
  };
  const transform = { ...plan.transform, outputs: [derived] };
  const result = await fixture.load({ ...plan, transform }, ['{"t":"a"}', '{"t":"ab"}']);
  assert.deepEqual(
    result.rows.map(([value]) => value?.length ?? null),
    [40_000, null],
  );
});
