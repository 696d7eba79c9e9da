// UNNEST of a load: which rows a message gives, how they are counted, and what becomes of bad elements.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { asId, type FieldId } from '../../../../src/base/ids.ts';
import type { LoadOutput, LoadUnnest } from '../../../../src/model/load-plan.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import { avro, framed, long, MemoryRegistry, sized } from '../../../support/avro-bytes.ts';
import {
  CSV_FORMAT,
  column,
  makePlan,
  makeRun,
  PipelineFixture,
  type PlanOptions,
  type StageResult,
  type TestMessage,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const TEXT: SqlType = { kind: 'VARCHAR', length: 100 };
const INT: SqlType = { kind: 'INT' };
const SKU = { name: 'sku', type: 'string' };
const SECOND = { fieldId: asId<FieldId>(2) };
const ID = column('id', INT);
const ITEM = column('item', TEXT);

const json = (name: string, field: string): LoadUnnest => ({
  name,
  duckdbSql: `"${field}"`,
  of: 'json',
  field,
});
const ITEMS = json('item', 'items');

function plan(options: Partial<PlanOptions> = {}) {
  return makePlan({ columns: [ID, ITEM], fields: ['id', 'items'], unnest: [ITEMS], ...options });
}

/** The counts must be those of the ledger. */
function countsOf({ staged }: StageResult): readonly number[] {
  return staged.progress.flatMap((progress) => [
    progress.consumedMessages,
    progress.rowsLoaded,
    progress.rowsFiltered,
    progress.rowsUnselected,
  ]);
}

test('each element is a row; an empty array, NULL and a missing one give none', async () => {
  const result = await fixture.load(plan(), [
    '{"id":1,"items":["a","b"]}',
    '{"id":2,"items":[]}',
    '{"id":3,"items":null}',
    '{"id":4}',
    '{}',
    '{"id":5,"items":["c",null,{"k":1},[2],3,true]}',
  ]);
  assert.deepEqual(result.rows, [
    ['1', 'a'],
    ['1', 'b'],
    ['5', 'c'],
    ['5', null],
    ['5', '{"k":1}'],
    ['5', '[2]'],
    ['5', '3'],
    ['5', 'true'],
  ]);
  assert.deepEqual(countsOf(result), [6, 8, 0, 0]);
});

test('several arrays side by side, the shorter ones filled up with NULL', async () => {
  const columns = [ID, ITEM, column('n', INT)];
  const result = await fixture.load(
    plan({ columns, fields: ['id', 'items', 'ns'], unnest: [ITEMS, json('n', 'ns')] }),
    [
      '{"id":1,"items":["a","b"],"ns":[1,2,3]}',
      '{"id":2,"items":["c"]}',
      '{"id":3,"items":[],"ns":[9]}',
    ],
  );
  assert.deepEqual(result.rows, [
    ['1', 'a', '1'],
    ['1', 'b', '2'],
    ['1', null, '3'],
    ['2', 'c', null],
    ['3', null, '9'],
  ]);
});

test('what is no array, and a message that is no JSON, is one rejected row of its message', async () => {
  const columns = [ID, ITEM, column('n', INT)];
  const result = await fixture.load(
    plan({ columns, fields: ['id', 'items', 'ns'], unnest: [ITEMS, json('n', 'ns')] }),
    [
      '{"id":1,"items":{"k":1},"ns":[1,2]}',
      '{"id":2,"items":["a"],"ns":"seven"}',
      '{"id":3,"items":["b"]]}',
      '{"id":4,"items":["d"]}',
      '{"id":5,"items":"[\\"e\\",\\"f\\"]"}',
    ],
  );
  assert.deepEqual(result.rows, [
    ['4', 'd', null],
    ['5', 'e', null],
    ['5', 'f', null],
  ]);
  assert.deepEqual(
    result.rejected.map((row) => [
      row['error_message']?.replace(/(as JSON): .+/, '$1'),
      row['error_column'],
      row['error_code'],
    ]),
    [
      ['UNNEST needs an array, \'{"k":1}\' is none', 'item', 'VALUE_OUT_OF_RANGE'],
      ["UNNEST needs an array, 'seven' is none", 'n', 'VALUE_OUT_OF_RANGE'],
      ['Failed to parse the message as JSON', null, 'PARSE_ERROR'],
    ],
  );
  assert.deepEqual(countsOf(result), [5, 3, 3, 0]);
});

test('a bad element is a rejected row that says which one and keeps the message', async () => {
  const columns = [column('id', INT), column('n', INT, { nullable: false })];
  const message = '{"id":1,"items":[1,"x",3,null]}';
  const result = await fixture.load(plan({ columns, unnest: [json('n', 'items')], strict: true }), [
    '{"id":0,"items":[0]}',
    message,
  ]);
  assert.deepEqual(result.rows, [
    ['0', '0'],
    ['1', '1'],
    ['1', '3'],
  ]);
  assert.deepEqual(
    result.rejected.map((row) => row['error_message']),
    [
      "Element 1: Value 'x' is out of range. The type of 'n' is int(11)",
      "Element 3: NULL value in non-nullable column 'n'",
    ],
  );
  for (const row of result.rejected) assert.equal(row['raw_record'], message);
  assert.deepEqual(
    result.rejected.map((row) => {
      const { offset, element } = JSON.parse(row['source_info'] ?? '');
      return [offset, element];
    }),
    [
      [1, 1],
      [1, 3],
    ],
  );
  assert.deepEqual(countsOf(result), [2, 3, 2, 0]);
});

test('WHERE is asked of each row', async () => {
  const result = await fixture.load(plan({ where: `"item" <> 'a' AND "id" < 3` }), [
    '{"id":1,"items":["a","b"]}',
    '{"id":3,"items":["c"]}',
  ]);
  assert.deepEqual(result.rows, [['1', 'b']]);
  assert.deepEqual(countsOf(result), [2, 1, 0, 2]);
});

test('expressions use the element; a list has elements of its own type', async () => {
  const sku: LoadOutput = {
    column: column('sku', TEXT, SECOND),
    from: { kind: 'expression', duckdbSql: `json_extract_string("item", '$.sku')`, type: TEXT },
  };
  const id: LoadOutput = { column: ID, from: { kind: 'field', field: 'id' } };
  const fromJson = await fixture.load(plan({ columns: [ID, sku.column], outputs: [id, sku] }), [
    '{"id":1,"items":[{"sku":"p"},{"sku":"q"},"no object"]}',
  ]);
  assert.deepEqual(fromJson.rows, [
    ['1', 'p'],
    ['1', 'q'],
    ['1', null],
  ]);
  const list: LoadUnnest = {
    name: 'n',
    duckdbSql: 'range(CAST("id" AS INTEGER))',
    of: 'list',
    field: null,
  };
  const twice: LoadOutput = {
    column: column('twice', INT, SECOND),
    from: { kind: 'expression', duckdbSql: '"n" * 2', type: { kind: 'BIGINT' } },
  };
  const columns = [ID, twice.column];
  const fromList = await fixture.load(
    plan({ columns, fields: ['id'], outputs: [id, twice], unnest: [list] }),
    ['{"id":2}', '{"id":0}', '{"id":"x"}', '{"id":1}'],
  );
  assert.deepEqual(fromList.rows, [
    ['2', '0'],
    ['2', '2'],
    ['1', '0'],
  ]);
});

test('a JSON column takes the element as JSON, exact numbers stay exact', async () => {
  const columns = [
    column('item', { kind: 'JSON' }),
    column('d', { kind: 'DECIMAL', precision: 38, scale: 20 }),
  ];
  const result = await fixture.load(
    plan({ columns, fields: ['items', 'ds'], unnest: [ITEMS, json('d', 'ds')] }),
    ['{"items":["a",{"k":[1]},null],"ds":[1.00000000000000000001,2]}'],
  );
  assert.deepEqual(result.rows, [
    ['"a"', '1.00000000000000000001'],
    ['{"k":[1]}', '2.00000000000000000000'],
    [null, null],
  ]);
});

test('CSV: a JSON array in a field, and split()', async () => {
  const format = { ...CSV_FORMAT, columnSeparator: '|' };
  const fromJson = await fixture.load(plan({ format }), [
    '1|["a","b"]\n2|[]\n3|\\N\n4|null',
    '5|no array\n6|["c"]',
  ]);
  assert.deepEqual(fromJson.rows, [
    ['1', 'a'],
    ['1', 'b'],
    ['6', 'c'],
  ]);
  assert.deepEqual(
    fromJson.rejected.map((row) => [row['error_message'], row['raw_record']]),
    [["UNNEST needs an array, 'no array' is none", '{"id":"5","items":"no array"}']],
  );
  assert.deepEqual(countsOf(fromJson), [2, 3, 1, 0]);
  const split: LoadUnnest = {
    name: 'n',
    duckdbSql: `string_split("items", ',')`,
    of: 'list',
    field: null,
  };
  const fromText = await fixture.load(
    plan({ format, columns: [ID, column('n', INT)], unnest: [split], strict: true }),
    ['1|7,x,9'],
  );
  assert.deepEqual(fromText.rows, [
    ['1', '7'],
    ['1', '9'],
  ]);
  assert.deepEqual(
    fromText.rejected.map((row) => row['error_message']),
    ["Element 1: The value is out of range. The type of 'n' is int(11)"],
  );
});

test('Avro and Protobuf: a repeated field is taken apart', async () => {
  const items = { type: 'array', items: { type: 'record', name: 'I', fields: [SKU] } };
  const schema = avro({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'items', type: items },
    ],
  });
  const avroResult = await fixture.load(
    plan({ format: { kind: 'avro', registryUrl: 'http://r', jsonpaths: null } }),
    [
      framed(1, long(1), long(2), sized('a'), sized('b'), long(0)),
      framed(1, long(2), long(0)),
      framed(1, long(3)),
    ],
    new MemoryRegistry({ 1: schema }),
  );
  assert.deepEqual(avroResult.rows, [
    ['1', '{"sku":"a"}'],
    ['1', '{"sku":"b"}'],
  ]);
  assert.deepEqual(countsOf(avroResult), [3, 2, 1, 0]);
  const bytes = Buffer.from(
    'syntax = "proto3"; message B { int64 id = 1; repeated string items = 2; }',
  );
  const file = { name: 'b.proto', bytes, message: 'B' };
  const protoResult = await fixture.load(
    plan({
      columns: [ID, column('item', INT, { nullable: false })],
      format: { kind: 'protobuf', registryUrl: '', jsonpaths: null, file },
    }),
    [Buffer.from('080112013712013812027878', 'hex'), Buffer.from('0802', 'hex')],
  );
  assert.deepEqual(protoResult.rows, [
    ['1', '7'],
    ['1', '8'],
  ]);
  assert.deepEqual(
    protoResult.rejected.map((row) => [row['error_message'], row['raw_record']]),
    [
      [
        "Element 2: NULL value in non-nullable column 'item': 'xx' does not convert to int(11)",
        '{"_raw_base64":"CAESATcSATgSAnh4","_row":{"id":1,"items":["7","8","xx"]}}',
      ],
    ],
  );
});

test('with keys the last element of a key counts, and AUTO_INCREMENT counts rows', async () => {
  const item = column('item', TEXT, { isKey: true, nullable: false });
  const counted = column(
    'seq',
    { kind: 'BIGINT' },
    { nullable: false, autoIncrement: true, ...SECOND },
  );
  const keyed = await fixture.load(plan({ columns: [item, ID], keys: ['item'] }), [
    '{"id":1,"items":["a","b","a"]}',
    '{"id":2,"items":["b"]}',
  ]);
  assert.deepEqual([...keyed.rows].sort(), [
    ['a', '1'],
    ['b', '2'],
  ]);
  const outputs: LoadOutput[] = [
    { column: ITEM, from: { kind: 'field', field: 'item' } },
    { column: counted, from: { kind: 'default' } },
  ];
  const numbered = await fixture.load(plan({ columns: [ITEM, counted], outputs }), [
    '{"id":1,"items":["a","b"]}',
    '{"id":2,"items":["c"]}',
  ]);
  const ids = numbered.rows.map(([, seq]) => Number(seq));
  assert.deepEqual(ids, [ids[0], Number(ids[0]) + 1, Number(ids[0]) + 2]);
});

test('many rejected elements of a large message keep it a few times, not once each', async () => {
  const filler = 'x'.repeat(1024 * 1024);
  const elements = Array.from({ length: 300 }, () => '"bad"').join(',');
  const result = await fixture.load(plan({ columns: [column('item', INT, { nullable: false })] }), [
    `{"filler":"${filler}","items":[${elements}]}`,
  ]);
  assert.equal(result.rejected.length, 300);
  const whole = result.rejected.filter((row) => (row['raw_record'] ?? '').length > 1024 * 1024);
  assert.ok(whole.length >= 1 && whole.length <= 6, String(whole.length));
  assert.equal(result.rejected[299]?.['raw_record'], '{"_raw_of_element":"0"}');
});

test('a message has a million rows at most; in a second UNNEST, too', async () => {
  const list = (count: string): LoadUnnest => ({
    name: 'n',
    duckdbSql: `range(CAST(${count} AS INTEGER))`,
    of: 'list',
    field: null,
  });
  const outputs: LoadOutput[] = [{ column: ID, from: { kind: 'field', field: 'id' } }];
  const text = (count: number): string => `[${'1,'.repeat(count - 1)}1]`;
  const fromJson = await fixture.load(plan({ columns: [ID], unnest: [ITEMS] }), [
    `{"id":1,"items":${text(1_000_000)}}`,
    `{"id":2,"items":${text(1_000_001)}}`,
    `{"id":3,"items":"${'x'.repeat(3_000_000)}"}`,
  ]);
  const fromList = await fixture.load(
    plan({ columns: [ID], outputs, unnest: [ITEMS, list('"id"')] }),
    ['{"id":1000001,"items":["a"]}', '{"id":2,"items":[]}'],
  );
  assert.deepEqual(countsOf(fromJson), [3, 1_000_000, 2, 0]);
  assert.deepEqual(countsOf(fromList), [2, 2, 1, 0]);
  const tooMany = 'UNNEST takes up to 1000000 elements of one message, it has more';
  assert.deepEqual(
    [...fromJson.rejected, ...fromList.rejected].map((row) => [
      row['error_message']?.slice(0, 63),
      row['error_column'],
    ]),
    [
      [tooMany.slice(0, 63), 'item'],
      [`UNNEST needs an array, '${'x'.repeat(39)}`, 'item'],
      [tooMany.slice(0, 63), 'n'],
    ],
  );
});

test('rows are counted for the partition of their message', async () => {
  const runs = [
    makeRun(['{"id":1,"items":["a","b","c"]}', '{"id":2,"items":5}'], 0),
    makeRun(['{"id":3,"items":[]}', '{"id":4,"items":["d"]}'], 1),
  ];
  assert.deepEqual(countsOf(await fixture.load(plan(), runs)), [2, 3, 1, 0, 2, 1, 0, 0]);
});

test('many lines: each element is written or rejected once, in order, by its own place (property)', async () => {
  const element = fc.oneof(fc.integer({ min: 0, max: 9 }).map(String), fc.constant('bad'));
  const lines = fc.oneof(
    { weight: 20, arbitrary: fc.array(element, { maxLength: 40 }) },
    { weight: 1, arbitrary: fc.constant('no array') },
  );
  const batches = fc.sample(fc.array(lines, { minLength: 1, maxLength: 6000 }), {
    numRuns: 8,
    seed: 5,
  });
  const uneven = Array.from({ length: 5000 }, (_, index) => Array<string>(index % 3).fill('1'));
  const columns = [ID, column('item', INT, { nullable: false })];
  for (const batch of [...batches, uneven]) {
    const messages: TestMessage[] = batch.map((items, id) => JSON.stringify({ id, items }));
    const result = await fixture.load(plan({ columns }), messages);
    const all = batch.flatMap((items, id) =>
      typeof items === 'string'
        ? [{ id, item: 'bad', place: 'none' }]
        : items.map((item, place) => ({ id, item, place: String(place) })),
    );
    const [good, bad] = [
      all.filter(({ item }) => item !== 'bad'),
      all.filter(({ item }) => item === 'bad'),
    ];
    assert.deepEqual(
      result.rows,
      good.map(({ id, item }) => [String(id), item]),
    );
    const rejected = result.rejected.map((row) => {
      const { offset, element: place } = JSON.parse(row['source_info'] ?? '');
      return `${offset}/${place ?? 'none'}`;
    });
    assert.deepEqual(rejected.sort(), bad.map(({ id, place }) => `${id}/${place}`).sort());
    assert.deepEqual(countsOf(result), [batch.length, good.length, bad.length, 0]);
  }
});
