// ARRAY, MAP and STRUCT columns, and sketches, from JSON and CSV: element by element, digits exact.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asId } from '../../../../src/base/ids.ts';
import type { LoadOutput } from '../../../../src/model/load-plan.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import { compileLoadExpression } from '../../../../src/query/load-expression.ts';
import { parseExpression } from '../../../../src/sql/parse.ts';
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

const INT = { kind: 'INT' } as const;
const TEXT: SqlType = { kind: 'VARCHAR', length: 5 };
const WIDE: SqlType = { kind: 'DECIMAL', precision: 38, scale: 10 };
const array = (element: SqlType): SqlType => ({ kind: 'ARRAY', element });
const map = (key: SqlType, value: SqlType): SqlType => ({ kind: 'MAP', key, value });
const struct = (fields: Readonly<Record<string, SqlType>>): SqlType => ({
  kind: 'STRUCT',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});

/** JSON value and what DuckDB shows of the stored one; null = does not convert. */
const CASES: readonly (readonly [SqlType, readonly (readonly [string, string | null])[]])[] = [
  [
    array(INT),
    [
      ['[1, 2, null, "3", 4.9, "x"]', '[1, 2, NULL, 3, 4, NULL]'],
      ['[]', '[]'],
      ['{"a":1}', null],
      ['5', null],
      ['"[1]"', null],
    ],
  ],
  [array(TEXT), [['["a", "it\\"s", "too long", "é", 7, true]', `[a, 'it"s', NULL, é, 7, true]`]]],
  [
    array(array({ kind: 'DATE' })),
    [['[["2024-01-02", "x"], null, []]', '[[2024-01-02, NULL], NULL, []]']],
  ],
  [
    array(WIDE),
    [['[12345678901234567.8912345678, 1.5]', '[12345678901234567.8912345678, 1.5000000000]']],
  ],
  [
    array({ kind: 'LARGEINT' }),
    [['[170141183460469231731687303715884105727]', '[170141183460469231731687303715884105727]']],
  ],
  [array({ kind: 'JSON' }), [['[{"a": [1]}, "x", null]', `['{"a":[1]}', '"x"', NULL]`]]],
  [
    map(INT, TEXT),
    [
      ['{"1": "a", "-2": null}', '{1=a, -2=NULL}'],
      ['{"x": "a"}', null],
      ['{"1": "a", "01": "b"}', null],
      ['{}', '{}'],
      ['[1]', null],
    ],
  ],
  [
    map(TEXT, struct({ d: WIDE })),
    [['{"k": {"d": -12345678901234567.8912345678}}', "{k={'d': -12345678901234567.8912345678}}"]],
  ],
  [
    struct({ a: INT, b: array(TEXT), c: struct({ d: { kind: 'BOOLEAN' } }) }),
    [
      ['{"b": ["x"], "a": "7", "c": {"d": 1}, "other": 5}', "{'a': 7, 'b': [x], 'c': {'d': true}}"],
      ['{"a": "x"}', "{'a': NULL, 'b': NULL, 'c': NULL}"],
      ['[]', null],
    ],
  ],
];

for (const [type, cases] of CASES) {
  test(`JSON -> ${JSON.stringify(type)}`, async () => {
    const messages = cases.map(([json]) => `{"v":${json}}`);
    const columns = [column('v', type)];
    const loose = await fixture.load(makePlan({ columns }), messages);
    assert.deepEqual(
      loose.rows.map(([v], i) => [messages[i], v]),
      cases.map(([, stored], i) => [messages[i], stored]),
    );
    const strict = await fixture.load(makePlan({ columns, strict: true }), messages);
    const bad = cases.filter(([, stored]) => stored === null);
    assert.equal(strict.rejected.length, bad.length);
    for (const row of strict.rejected) assert.equal(row['error_column'], 'v');
  });
}

test('CSV: the texts that arrays, maps and structs are shown as', async () => {
  const columns = [
    column('a', array(INT)),
    column('m', map(INT, TEXT)),
    column('s', struct({ x: WIDE })),
    column('v', { kind: 'VARBINARY', length: 3 }),
  ];
  const format = { ...CSV_FORMAT, columnSeparator: '|' };
  const { rows } = await fixture.load(makePlan({ columns, format }), [
    '[1,null,3]|{1:"a",2:null}|{"x":12345678901234567.8912345678}|YWJj',
    '[1|{1}|x|YWJjZA==',
    '\\N|\\N|\\N|\\N',
  ]);
  assert.deepEqual(rows, [
    ['[1, NULL, 3]', '{1=a, 2=NULL}', "{'x': 12345678901234567.8912345678}", 'abc'],
    [null, null, null, null],
    [null, null, null, null],
  ]);
});

test('fourteen levels', async () => {
  let type: SqlType = INT;
  let json = '7';
  for (let level = 0; level < 14; level += 1) {
    type = level % 2 === 0 ? array(type) : struct({ f: type });
    json = level % 2 === 0 ? `[${json}]` : `{"f":${json}}`;
  }
  const { rows } = await fixture.load(makePlan({ columns: [column('v', type)] }), [
    `{"v":${json}}`,
  ]);
  assert.equal(rows[0]?.[0]?.replaceAll(/[^a-z0-9]/g, ''), 'fffffff7');
});

test('COLUMNS make sketches, and arrays out of text', async () => {
  let fieldId = 0;
  const made = (name: string, type: SqlType, text: string): LoadOutput => {
    fieldId += 1;
    const compiled = compileLoadExpression(parseExpression(text), ['u'], { timeZone: 'UTC' });
    return {
      column: column(name, type, { fieldId: asId(fieldId) }),
      from: { kind: 'expression', ...compiled },
    };
  };
  const outputs = [
    made('b', { kind: 'BITMAP' }, 'to_bitmap(u)'),
    made('h', { kind: 'BITMAP' }, 'bitmap_hash(u)'),
    made('l', { kind: 'HLL' }, 'hll_hash(u)'),
    made('p', { kind: 'PERCENTILE' }, 'percentile_hash(u)'),
    made('parts', array(TEXT), "split(u, '1')"),
    made('n', { kind: 'BIGINT' }, 'bitmap_count(to_bitmap(u))'),
  ];
  const plan = makePlan({
    columns: outputs.map((o) => o.column),
    outputs,
    fields: ['u'],
    format: JSON_FORMAT,
  });
  const { staged, rows } = await fixture.load(plan, ['{"u":"213"}', '{"u":"x"}', '{"u":null}']);
  assert.deepEqual(
    rows.map((row) => [row[0] === null, row[4], row[5]]),
    [
      [false, '[2, 3]', '1'],
      [true, '[x]', '0'],
      [true, null, '0'],
    ],
  );
  const path = `${fixture.directory}/volume/${staged.tables[0]?.files[0]?.key}`;
  const [first] = await fixture.connection.rows(
    `SELECT mr_bitmap_to_string(b), mr_bitmap_count(h), mr_hll_count(l), mr_percentile_quantile(p, 0.5) FROM read_parquet('${path}') LIMIT 1`,
  );
  assert.deepEqual(first, ['213', 1n, 1n, 213]);
});
