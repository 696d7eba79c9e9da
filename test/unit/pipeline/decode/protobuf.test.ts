// Protobuf messages and raw payloads through the whole load path.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import type { SchemaAnswer } from '../../../../src/registry/client.ts';
import { framed, MemoryRegistry } from '../../../support/avro-bytes.ts';
import { column, makePlan, PipelineFixture } from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const TEXT: SqlType = { kind: 'VARCHAR', length: 1000 };
const BIGINT: SqlType = { kind: 'BIGINT' };
const proto = (text: string): SchemaAnswer => ({
  found: true,
  schema: { kind: 'PROTOBUF', text: `syntax = "proto3"; ${text}`, references: [] },
});
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('message indexes, a schema that changes, nested fields by path, bad messages with their bytes', async () => {
  const registry = new MemoryRegistry({
    1: proto(
      'message Other {} message User { int64 id = 1; string name = 2; message Deep { repeated string tags = 1; } Deep deep = 3; }',
    ),
    2: proto('message User { string name = 5; int32 id = 1; }'),
  });
  const messages = [
    framed(1, hex('02 02 08 07 12 03 416e6e 1a 05 0a 01 61 0a 00')),
    framed(2, hex('00 2a 03 426f62 08 08')),
    framed(1, hex('02 08')),
    framed(1, hex('02 02 08 07 12 ff')),
    framed(3, hex('00')),
    hex('ff 00'),
    framed(2, hex('00')),
  ];
  const plan = makePlan({
    format: {
      kind: 'protobuf',
      registryUrl: 'http://r',
      jsonpaths: ['$.id', '$.name', '$.deep.tags'],
    },
    columns: [
      column('id', BIGINT),
      column('name', TEXT),
      column('tags', { kind: 'ARRAY', element: TEXT }),
    ],
  });
  const { rows, rejected, staged } = await fixture.load(plan, messages, registry);
  assert.deepEqual(rows, [
    ['7', 'Ann', "[a, '']"],
    ['8', 'Bob', null],
    ['0', '', null],
  ]);
  assert.deepEqual(
    rejected.map((row) => [
      JSON.parse(row['source_info'] ?? '').offset,
      String(row['error_message']).replace('Failed to parse the message as Protobuf', '...'),
    ]),
    [
      [2, '... with schema id 1: its schema has no message type at index 4 (at byte 7 of 7)'],
      [3, '... with schema id 1: the message ends within a value (at byte 10 of 11)'],
      [4, '...: no schema id 3'],
      [
        5,
        "...: it begins with byte 255, not with magic byte 0 of the schema registry's wire format",
      ],
    ],
  );
  const raw = JSON.parse(rejected[1]?.['raw_record'] ?? '') as { _raw_base64: string };
  assert.deepEqual(Buffer.from(raw._raw_base64, 'base64'), messages[3]);
  assert.equal(staged.progress[0]?.rowsFiltered, 4);
});

test('messages alone, of a type in a file: no schema id, and none at all is one of defaults', async () => {
  const bytes = Buffer.from('syntax = "proto3"; message User { int64 id = 1; string name = 2; }');
  const file = { name: 'user.proto', bytes, message: 'User' };
  const { rows, rejected, staged } = await fixture.load(
    makePlan({
      format: { kind: 'protobuf', registryUrl: '', jsonpaths: null, file },
      columns: [column('id', BIGINT), column('name', TEXT)],
    }),
    [hex('08 07 12 03 416e6e'), '', null, hex('08'), hex('08 09')],
  );
  assert.deepEqual(rows, [
    ['7', 'Ann'],
    ['0', ''],
    ['9', ''],
  ]);
  assert.equal(staged.progress[0]?.skipped.empty, 1);
  assert.equal(
    rejected[0]?.['error_message'],
    'Failed to parse the message as Protobuf: the message ends within a value (at byte 1 of 1)',
  );
});

test('raw: the payload as text or bytes, whatever it is; no value is no row', async () => {
  const noise = Buffer.from([0, 255, 10, 34]);
  const messages = ['{"a": 1}', 'line\nbreak "q" \\', '', null, noise];
  const bytes = await fixture.load(
    makePlan({
      format: { kind: 'raw' },
      columns: [column('_value', { kind: 'VARBINARY', length: 0 })],
    }),
    messages,
  );
  assert.deepEqual(
    bytes.rows.map(([value]) => value),
    ['{\\x22a\\x22: 1}', 'line\\x0Abreak \\x22q\\x22 \\x5C', '', '\\x00\\xFF\\x0A\\x22'],
  );
  assert.deepEqual(bytes.rejected, []);
  const text = await fixture.load(
    makePlan({ format: { kind: 'raw' }, columns: [column('_value', TEXT)] }),
    messages,
  );
  assert.deepEqual(text.rows, [['{"a": 1}'], ['line\nbreak "q" \\'], ['']]);
  assert.equal(text.rejected[0]?.['error_message'], 'Invalid UTF-8 in the message');
  assert.deepEqual(JSON.parse(text.rejected[0]?.['raw_record'] ?? ''), {
    _raw_base64: noise.toString('base64'),
  });
  assert.equal(text.staged.progress[0]?.skipped.empty, 1);
});

test('raw: a payload that is longer than its column is rejected with what it is', async () => {
  const short = column('_value', { kind: 'VARCHAR', length: 3 }, { nullable: false });
  const { rows, rejected } = await fixture.load(
    makePlan({ format: { kind: 'raw' }, columns: [short] }),
    ['abc', 'abcd'],
  );
  assert.deepEqual(rows, [['abc']]);
  assert.match(rejected[0]?.['error_message'] ?? '', /capacity=3, actual=4/);
});
