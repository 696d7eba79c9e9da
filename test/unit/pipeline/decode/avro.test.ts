// Avro messages through the whole load path: columns of every kind, jsonpaths into records, schema ids that
// change in mid-stream, and everything that is no message, with its bytes and offset kept.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import type { SchemaAnswer } from '../../../../src/registry/client.ts';
import { avro, framed, long, MemoryRegistry, sized } from '../../../support/avro-bytes.ts';
import {
  column,
  makePlan,
  PipelineFixture,
  type PlanOptions,
  type TestMessage,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const TEXT: SqlType = { kind: 'VARCHAR', length: 1000 };
const BIGINT: SqlType = { kind: 'BIGINT' };

const record = (fields: readonly (readonly [string, unknown])[]): SchemaAnswer =>
  avro({ type: 'record', name: 'R', fields: fields.map(([name, type]) => ({ name, type })) });

async function load(
  schemas: Readonly<Record<number, SchemaAnswer>>,
  messages: readonly TestMessage[],
  options: PlanOptions,
  jsonpaths: readonly string[] | null = null,
) {
  const registry = new MemoryRegistry(schemas);
  const format = { kind: 'avro' as const, registryUrl: 'http://registry', jsonpaths };
  const result = await fixture.load(makePlan({ format, ...options }), messages, registry);
  return { ...result, registry };
}

const FLAT = record([
  ['id', 'long'],
  ['name', 'string'],
]);
const flat = (schemaId: number, id: number, name: string): Buffer =>
  framed(schemaId, long(id), sized(name));
const COLUMNS = [column('id', BIGINT, { nullable: false }), column('name', TEXT)];

test('what is no message is rejected with its bytes, its offset and a reason; the others load', async () => {
  const messages = [
    flat(7, 1, 'one'),
    Buffer.from('{"id":2}'),
    Buffer.from([0, 0, 0]),
    flat(8, 3, 'unknown schema'),
    flat(7, 4, 'cut').subarray(0, 8),
    null,
    Buffer.alloc(0),
    framed(9, long(1)),
    flat(7, 5, 'last'),
    framed(7, long(6), sized(Buffer.from([0xff, 0xfe]))),
  ];
  const { rows, rejected, staged, registry } = await load(
    { 7: FLAT, 9: { found: true, schema: { kind: 'JSON', text: '{}', references: [] } } },
    messages,
    { columns: COLUMNS },
  );
  assert.deepEqual(rows, [
    ['1', 'one'],
    ['5', 'last'],
  ]);
  assert.deepEqual(
    rejected.map((row) => [
      JSON.parse(row['source_info'] ?? '').offset,
      String(row['error_message']).replace('Failed to parse the message as Avro', '...'),
      JSON.parse(row['raw_record'] ?? ''),
    ]),
    [
      [
        1,
        "...: it begins with byte 123, not with magic byte 0 of the schema registry's wire format",
      ],
      [2, '...: it has 3 bytes, too few for a schema id'],
      [3, '...: no schema id 8'],
      [4, '... with schema id 7: the message ends within a value (at byte 7 of 8)'],
      [7, '...: its schema is of type JSON, not AVRO'],
      [9, 'Invalid UTF-8 in the message'],
    ].map(([offset, reason]) => [
      offset,
      reason,
      { _raw_base64: (messages[Number(offset)] ?? Buffer.alloc(0)).toString('base64') },
    ]),
  );
  assert.deepEqual(registry.asked, [7, 8, 9]);
  const [progress] = staged.progress;
  assert.equal(progress?.consumedMessages, 8);
  assert.equal(progress?.skipped.empty, 2);
  assert.equal(progress?.rowsFiltered, 6);
});

test('the schema changes in mid-stream: a new field, a wider one, one less, another order', async () => {
  const wider = record([
    ['extra', { type: 'array', items: 'string' }],
    ['name', ['null', 'string']],
    ['id', 'double'],
  ]);
  const less = record([['id', 'string']]);
  const { rows, rejected } = await load(
    { 1: FLAT, 2: wider, 3: less },
    [
      flat(1, 1, 'a'),
      framed(
        2,
        long(1),
        sized('skip'),
        long(0),
        long(1),
        sized('b'),
        Buffer.from('0000000000000040', 'hex'),
      ),
      flat(1, 3, 'c'),
      framed(3, sized('4')),
      framed(3, sized('no number')),
      framed(2, long(0), long(0), Buffer.from('0000000000001440', 'hex')),
    ],
    { columns: COLUMNS },
  );
  assert.deepEqual(rows, [
    ['1', 'a'],
    ['2', 'b'],
    ['3', 'c'],
    ['4', null],
    ['5', null],
  ]);
  const [bad] = rejected;
  assert.equal(bad?.['error_column'], 'id');
  assert.match(bad?.['error_message'] ?? '', /NULL value in non-nullable column 'id': 'no number'/);
  const raw = JSON.parse(bad?.['raw_record'] ?? '');
  assert.deepEqual(raw._row, { id: 'no number' });
  assert.equal(Buffer.from(raw._raw_base64, 'base64').readInt32BE(1), 3);
});

test('columns of every kind', async () => {
  const schema = record([
    ['flag', 'boolean'],
    ['price', { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 3 }],
    ['day', { type: 'int', logicalType: 'date' }],
    ['at', { type: 'long', logicalType: 'timestamp-millis' }],
    ['epoch', { type: 'long', logicalType: 'timestamp-millis' }],
    ['bin', 'bytes'],
    ['list', { type: 'array', items: ['null', 'long'] }],
    ['map', { type: 'map', values: 'int' }],
    [
      'rec',
      {
        type: 'record',
        name: 'In',
        fields: [
          { name: 'x', type: 'int' },
          { name: 'y', type: 'string' },
        ],
      },
    ],
    ['any', ['null', 'int', { type: 'array', items: 'string' }]],
    ['kind', { type: 'enum', name: 'K', symbols: ['A', 'B'] }],
  ]);
  const message = framed(
    1,
    Buffer.from([1]),
    sized(Buffer.from('18ee90ff6c373e0ee4e3f0ad2', 'hex')),
    long(19_782),
    long(1_709_210_096_007),
    long(1_709_210_096_007),
    sized(Buffer.from([0, 255, 254])),
    Buffer.concat([long(3), long(1), long(5), long(0), long(1), long(-7), long(0)]),
    Buffer.concat([long(1), sized('k'), long(9), long(0)]),
    Buffer.concat([long(3), sized('deep')]),
    Buffer.concat([long(2), long(1), sized('x'), long(0)]),
    long(1),
  );
  const struct: SqlType = {
    kind: 'STRUCT',
    fields: [
      { name: 'x', type: BIGINT },
      { name: 'y', type: TEXT },
    ],
  };
  const { rows } = await load({ 1: schema }, [message], {
    timeZone: 'Asia/Shanghai',
    columns: [
      column('flag', { kind: 'BOOLEAN' }),
      column('price', { kind: 'DECIMAL', precision: 38, scale: 3 }),
      column('day', { kind: 'DATE' }),
      column('at', { kind: 'DATETIME' }),
      column('epoch', BIGINT),
      column('bin', { kind: 'VARBINARY', length: 0 }),
      column('list', { kind: 'ARRAY', element: BIGINT }),
      column('map', { kind: 'MAP', key: TEXT, value: BIGINT }),
      column('rec', struct),
      column('any', { kind: 'JSON' }),
      column('kind', TEXT),
    ],
  });
  const price = String(BigInt('0x18ee90ff6c373e0ee4e3f0ad'));
  assert.deepEqual(rows, [
    [
      'true',
      `${price.slice(0, -3)}.${price.slice(-3)}`,
      '2024-02-29',
      '2024-02-29 20:34:56.007',
      '1709210096007',
      '\\x00\\xFF\\xFE',
      '[5, NULL, -7]',
      '{k=9}',
      "{'x': 3, 'y': deep}",
      '["x"]',
      'B',
    ],
  ]);
});

test('jsonpaths into records and arrays; strict mode, WHERE and __op as for JSON', async () => {
  const schema = record([
    ['op', 'string'],
    [
      'who',
      {
        type: 'record',
        name: 'W',
        fields: [
          { name: 'id', type: 'long' },
          { name: 'tags', type: { type: 'array', items: 'string' } },
        ],
      },
    ],
  ]);
  const row = (op: string, id: number, ...tags: string[]): Buffer =>
    framed(
      1,
      sized(op),
      long(id),
      long(tags.length),
      ...tags.map(sized),
      ...(tags.length > 0 ? [long(0)] : []),
    );
  const operation = {
    column: column('__op', TEXT),
    from: { kind: 'field' as const, field: '__op' },
  };
  const columns = [
    column('id', BIGINT, { isKey: true, nullable: false }),
    column('tag', { kind: 'INT' }),
  ];
  const { rows, rejected, staged } = await load(
    { 1: schema },
    [
      row('0', 1, 'a', '5'),
      row('delete', 2),
      row('upsert', 3, 'a', 'b'),
      row('x', 4),
      row('0', 5, 'q', '6'),
    ],
    {
      columns,
      fields: ['id', 'tag', '__op'],
      keys: ['id'],
      operation,
      strict: true,
      where: '"id" < 5',
    },
    ['$.who.id', '$.who.tags[1]', '$.op'],
  );
  assert.deepEqual(rows, [['1', '5']]);
  assert.deepEqual(
    rejected
      .map((bad) => [JSON.parse(bad['source_info'] ?? '').offset, bad['error_message']])
      .toSorted(),
    [
      [2, "Value 'b' is out of range. The type of 'tag' is int(11)"],
      [3, "'x' is no operation: __op must be 0 (upsert) or 1 (delete)"],
    ],
  );
  assert.equal(staged.progress[0]?.rowsUnselected, 1);
  assert.equal(staged.tables[0]?.keyed?.deletes?.rowCount, 1);
});

test('a record in which no wanted field is there is a row of NULLs, not a broken one', async () => {
  const { rows, rejected } = await load({ 1: record([['other', 'int']]) }, [framed(1, long(5))], {
    columns: [column('id', BIGINT), column('name', TEXT)],
  });
  assert.deepEqual(rows, [[null, null]]);
  assert.deepEqual(rejected, []);
});

test('the registry is asked again while it is down, visibly, and once per id; what refuses us ends the task', async () => {
  const plan = makePlan({
    columns: COLUMNS,
    format: { kind: 'avro', registryUrl: 'http://registry', jsonpaths: null },
  });
  let left = 2;
  const troubles: (string | null)[] = [];
  const stager = fixture.stager(
    plan,
    {
      schema: async () => {
        left -= 1;
        if (left >= 0)
          throw fail('REGISTRY_UNREACHABLE', {
            url: 'http://r',
            what: 'schema id 7',
            reason: 'gone',
          });
        return FLAT;
      },
    },
    (trouble) => troubles.push(trouble?.message ?? null),
  );
  const batch = fixture.batch([flat(7, 1, 'a'), flat(7, 2, 'b')]);
  await stager.prepare(batch, new AbortController().signal);
  await stager.prepare(batch, new AbortController().signal);
  assert.equal(left, -1);
  const down = 'cannot reach the schema registry at http://r for schema id 7: gone';
  assert.deepEqual(troubles, [down, down, null]);
  const refused = fixture.stager(plan, {
    schema: async () => {
      throw fail('REGISTRY_REFUSED', { url: 'http://r', what: 'schema id 7', status: 401 });
    },
  });
  await assert.rejects(refused.prepare(batch, new AbortController().signal), /HTTP 401/);
});

test('a topic of other bytes does not ask for every id it seems to have', async () => {
  const noise = Array.from({ length: 1000 }, (_, index) => framed(100_000 + index, sized('x')));
  const { rejected, registry, rows } = await load({ 7: FLAT }, [flat(7, 1, 'good'), ...noise], {
    columns: COLUMNS,
  });
  assert.equal(rows.length, 1);
  assert.equal(rejected.length, 1000);
  assert.equal(registry.asked.length, 200);
  assert.match(rejected[999]?.['error_message'] ?? '', /was not looked up: .* more than 200/);
});
