// What one message may look like: arrays, json_root, jsonpaths, several documents, CSV's separators,
// enclose and escape, and how many rows each gives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CsvFormatSpec, JsonFormatSpec } from '../../../../src/model/load-plan.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import { parseJsonPath } from '../../../../src/pipeline/transform/json-path.ts';
import {
  column,
  makePlan,
  PipelineFixture,
  type TestMessage,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const TEXT: SqlType = { kind: 'VARCHAR', length: 100 };
const COLUMNS = [column('a', TEXT), column('b', TEXT)];

async function json(
  format: Partial<JsonFormatSpec>,
  messages: readonly TestMessage[],
  columns = COLUMNS,
) {
  const whole: JsonFormatSpec = {
    kind: 'json',
    jsonpaths: null,
    jsonRoot: '',
    stripOuterArray: false,
    ...format,
  };
  const result = await fixture.load(makePlan({ columns, format: whole }), messages);
  return { ...result, bad: result.rejected.map((row) => JSON.parse(row['raw_record'] ?? '')) };
}

async function csv(format: Partial<CsvFormatSpec>, messages: readonly TestMessage[]) {
  const whole: CsvFormatSpec = {
    kind: 'csv',
    columnSeparator: ',',
    rowDelimiter: '\n',
    trimSpace: false,
    enclose: '',
    escape: '',
    ...format,
  };
  const result = await fixture.load(makePlan({ columns: COLUMNS, format: whole }), messages);
  return { ...result, bad: result.rejected.map((row) => JSON.parse(row['raw_record'] ?? '')) };
}

test('strip_outer_array: one message is many rows, a bad element spoils only itself', async () => {
  const { rows, bad, staged } = await json({ stripOuterArray: true }, [
    '[{"a":1},{"a":2,"b":"]"}]',
    '[]',
    ' [ {"a":3} , 5, {"a":[4]} ] ',
    '{"a":9}',
    '[{"a":5}',
    '[{"a":6},{"a":}]',
    '[\n{"a":7,\n"b":"x"}\n]',
  ]);
  assert.deepEqual(rows, [
    ['1', null],
    ['2', ']'],
    ['3', null],
    ['[4]', null],
    ['6', null],
    ['7', 'x'],
  ]);
  assert.deepEqual(bad, [
    { _raw: '5' },
    { _raw: '{"a":9}' },
    { _raw: '[{"a":5}' },
    { _raw: '{"a":}' },
  ]);
  const [progress] = staged.progress;
  assert.equal(progress?.consumedMessages, 7);
  assert.equal(progress?.rowsLoaded, 6);
  assert.equal(progress?.rowsFiltered, 4);
});

test('json_root: an object, an array of rows, or nothing', async () => {
  const { rows, bad } = await json({ jsonRoot: '$.data.rows' }, [
    '{"data":{"rows":{"a":1}}}',
    '{"x":"}","data":{"rows":[{"a":2},{"a":3}]}}',
    '{"data":{"other":1}}',
    '{"data":{"rows":4}}',
    '[{"data":{"rows":{"a":5}}},{"data":{"rows":{"a":6}}}]',
  ]);
  assert.deepEqual(
    rows.map(([a]) => a),
    ['1', '2', '3', '5', '6'],
  );
  assert.deepEqual(bad, [{ _raw: '{"data":{"other":1}}' }, { _raw: '4' }]);
});

test('json_root with [*]: the values behind all elements of an array', async () => {
  const { rows, bad } = await json({ jsonRoot: '$.items[*].row' }, [
    '{"items":[{"row":{"a":1}},{"row":[{"a":2},{"a":3}]},{"no":1}]}',
    '{"items":{"row":{"a":4}}}',
    '{"items":[]}',
  ]);
  assert.deepEqual(
    rows.map(([a]) => a),
    ['1', '2', '3'],
  );
  assert.deepEqual(bad, [{ _raw: '{"items":{"row":{"a":4}}}' }]);
});

test('jsonpaths with [*]: all values as an array; of a key that is given twice the first counts', async () => {
  const columns = [
    column('tags', { kind: 'ARRAY', element: TEXT }),
    column('first', TEXT),
    column('text', TEXT),
    column('twice', TEXT),
  ];
  const { rows } = await json(
    { jsonpaths: ['$.list[*].t', '$.list[0].t', '$.list[*].n', '$.x'] },
    ['{"list":[{"t":"p","n":1},{"n":2},{"t":"q"}],"x":"one","x":"two"}', '{"list":5,"x":null}'],
    columns,
  );
  assert.deepEqual(rows, [
    ['[p, q]', 'p', '[1,2]', 'one'],
    ['[]', null, '[]', null],
  ]);
});

test('paths that mean nothing here are refused', () => {
  for (const path of ['$.*', '$..a', '$.a[-1]', '$.a[1:2]', '$.a[?(@.b)]'])
    assert.throws(() => parseJsonPath(path), /Invalid json path/, path);
});

test('jsonpaths: nested keys, indexes, quoted keys, the whole document, a key twice', async () => {
  const columns = ['a', 'b', 'c', 'd', 'e'].map((name) => column(name, TEXT));
  const { rows } = await json(
    { jsonpaths: ['$.x.y', '$.list[1]', '$."k.v"', '$.x', '$.x.z[0].q'] },
    ['{"x":{"y":1,"z":[{"q":"deep"}]},"list":["p","q"],"k.v":"dot"}', '{"x":null}', '{"x":5}'],
    columns,
  );
  assert.deepEqual(rows, [
    ['1', 'q', 'dot', '{"y":1,"z":[{"q":"deep"}]}', 'deep'],
    [null, null, null, null, null],
    [null, null, null, '5', null],
  ]);
});

test('keys that differ in case are different fields', async () => {
  const columns = [column('one', TEXT), column('two', TEXT)];
  const { rows } = await json(
    { jsonpaths: ['$.a', '$.A'] },
    ['{"A":"upper","a":"lower"}'],
    columns,
  );
  assert.deepEqual(rows, [['lower', 'upper']]);
});

test('several documents in one message, parted by line breaks', async () => {
  const { rows, bad } = await json({}, ['{"a":1}\n{"a":2}\n', '{"a":3}\n{"a":', '{"a":4}{"a":5}']);
  assert.deepEqual(
    rows.map(([a]) => a),
    ['1', '2'],
  );
  assert.deepEqual(bad, [{ _raw: '{"a":3}\n{"a":' }, { _raw: '{"a":4}{"a":5}' }]);
});

test('JSON null is NULL, the text null is text; \\u escapes; nested values as text', async () => {
  const { rows } = await json({}, [
    '{"a":null,"b":"null"}',
    '{"a":"\\u00e9\\n","b":{"c":[1, 2]}}',
    '{"b":"first","b":"second"}',
  ]);
  assert.deepEqual(rows, [
    [null, 'null'],
    ['é\n', '{"c":[1,2]}'],
    [null, 'first'],
  ]);
});

test('CSV: rows, blank rows, \\N, empty fields, wrong counts, \\r\\n', async () => {
  const { rows, bad, staged } = await csv({}, [
    '1,x',
    '2,\n\n3,\\N\n',
    '4',
    '5,y,z',
    '6,a\r\n7,b\r',
    '"8",q"q',
    '',
    null,
    Buffer.from([0x39, 0x2c, 0xff]),
    '\ufeff10,bom',
    'c\u0001\\"tab\t,é',
  ]);
  assert.deepEqual(rows, [
    ['1', 'x'],
    ['2', ''],
    ['3', null],
    ['6', 'a'],
    ['7', 'b'],
    ['"8"', 'q"q'],
    ['10', 'bom'],
    ['c\u0001\\"tab\t', 'é'],
  ]);
  assert.deepEqual(bad, [{ _raw: '4' }, { _raw: '5,y,z' }, { _raw_base64: 'OSz/' }]);
  const [progress] = staged.progress;
  assert.equal(progress?.consumedMessages, 9);
  assert.equal(progress?.skipped.empty, 2);
});

test('CSV: long separators and row delimiters', async () => {
  const separator = 'ab'.repeat(25);
  const { rows } = await csv({ columnSeparator: separator, rowDelimiter: '||' }, [
    `1${separator}x||2|${separator}aby||`,
  ]);
  assert.deepEqual(rows, [
    ['1', 'x'],
    ['2|', 'aby'],
  ]);
});

test('CSV: enclose, escape and trim_space', async () => {
  const enclosed = await csv({ enclose: '"' }, [
    '"a,b","line\nbreak"\n"say ""hi""",\\N\n"x"y,z\n"\\N",plain\r\n"open,1',
  ]);
  assert.deepEqual(enclosed.rows, [
    ['a,b', 'line\nbreak'],
    ['say "hi"', null],
    ['"x"y', 'z'],
    ['\\N', 'plain'],
  ]);
  assert.deepEqual(enclosed.bad, [{ _raw: '"open,1' }]);
  const escaped = await csv({ escape: '\\' }, ['a\\,b,c\\\\', 'x\\\ny,\\N']);
  assert.deepEqual(escaped.rows, [
    ['a,b', 'c\\'],
    ['x\ny', null],
  ]);
  const trimmed = await csv({ trimSpace: true, enclose: "'" }, ["  a  , 'b ' ", ' \\N ,c d ']);
  assert.deepEqual(trimmed.rows, [
    ['a', 'b '],
    [null, 'c d'],
  ]);
});

test('CSV: a rejected row shows its fields by name', async () => {
  const plan = makePlan({
    columns: [column('n', { kind: 'INT' }, { nullable: false }), column('t', TEXT)],
    format: {
      kind: 'csv',
      columnSeparator: ',',
      rowDelimiter: '\n',
      trimSpace: false,
      enclose: '"',
      escape: '',
    },
  });
  const { rejected } = await fixture.load(plan, ['x,"a,b"', '\\N,c']);
  assert.deepEqual(
    rejected.map((row) => JSON.parse(row['raw_record'] ?? '')),
    [
      { n: 'x', t: 'a,b' },
      { n: null, t: 'c' },
    ],
  );
});
