// The numbering of lines must survive whatever bytes come: broken lines among good ones, none lost,
// none good that is bad, none shifted to a neighbour.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../../../src/base/random.ts';
import {
  column,
  makePlan,
  makeRun,
  PipelineFixture,
  type TestMessage,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const seed = Number(process.hrtime.bigint() % 1_000_000n);
const COLUMNS = [
  column('id', { kind: 'BIGINT' }),
  column('site', { kind: 'VARCHAR', length: 65533 }),
  column('extra', { kind: 'JSON' }),
];

const BROKEN: readonly (string | Buffer)[] = [
  '{',
  '}',
  '[',
  ']',
  'NaN',
  'null',
  '"x"',
  '17',
  '{"id":}',
  '{"id":1',
  '{"id":1}}',
  '{{"id":1}',
  '{"id":1}{"id":2}',
  '{"id":1} // {}',
  '{"id":"a\nb"}',
  '{"id":"a\rb"}',
  '{"id":"a\0b"}',
  '{"id":"\\ud800"}',
  '{"id":[}',
  '{"id":1,,"site":2}',
  '{"id":tru}',
  "{'id':1}",
  '{id:1}',
  '[{"id":1}]',
  '{"id":"x',
  'x'.repeat(5000),
  `{"id":"${'x'.repeat(3000)}`,
  `{"site":${'['.repeat(50)}}`,
  Buffer.from([0x7b, 0x22, 0x69, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.from('{"id":"\xc3"}', 'latin1'),
  Buffer.from([0xef, 0xbb, 0xbf, 0x78]),
];
const EMPTY: readonly (string | null)[] = ['', null, ' ', '\n', '\r\n\t '];

function good(id: number, random: { below(n: number): number }): string {
  switch (random.below(9)) {
    case 0:
      return `{"id":${id},\n "site":"s${id}"\n}`;
    case 1:
      return `\ufeff{"id":${id},"site":"s${id}"}`;
    case 2:
      return `  {"id" : ${id} , "site":"s${id}"} \n`;
    case 3:
      return `{"site":"s${id}","extra":{"a":[1,2,{"b":"}"}]},"id":"${id}"}`;
    case 4:
      return `{"id":${id},"site":"s${id}","extra":"${'long '.repeat(random.below(3000))}"}`;
    case 5:
      return `{"other":"\\u0000\\n","id":${id},"id":5,"site":"s${id}","site":"second"}`;
    default:
      return `{"id":${id},"site":"s${id}"}`;
  }
}

test(`random broken messages spoil nothing but themselves (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const plan = makePlan({ columns: COLUMNS });
  for (let round = 0; round < 80; round += 1) {
    const messages: TestMessage[] = [];
    const wanted: number[] = [];
    const bad: number[] = [];
    let empty = 0;
    const badShare = random.below(100);
    for (let index = 0; index < 101; index += 1) {
      if (random.below(100) >= badShare) {
        messages.push(good(index, random));
        wanted.push(index);
      } else if (random.below(5) === 0) {
        messages.push(EMPTY[random.below(EMPTY.length)] ?? null);
        empty += 1;
      } else {
        messages.push(BROKEN[random.below(BROKEN.length)] ?? '{');
        bad.push(index);
      }
    }
    const result = await fixture.load(plan, messages);
    assert.deepEqual(
      result.rows.map(([id, site]) => [id, site]),
      wanted.map((id) => [String(id), `s${id}`]),
    );
    const offsets = result.rejected.map((row) => offsetOf(row['source_info']));
    assert.deepEqual(
      offsets.sort((a, b) => a - b),
      bad,
    );
    const [progress] = result.staged.progress;
    assert.equal(progress?.rowsLoaded, wanted.length);
    assert.equal(progress?.rowsFiltered, bad.length);
    assert.equal(progress?.skipped.empty, empty);
    assert.equal(progress?.consumedMessages, 101 - empty);
  }
});

function offsetOf(sourceInfo: string | null | undefined): number {
  return JSON.parse(sourceInfo ?? '{}').offset;
}

test('rejected rows keep their bytes', async () => {
  const plan = makePlan({ columns: COLUMNS });
  const result = await fixture.load(plan, BROKEN);
  assert.equal(result.rejected.length, BROKEN.length);
  for (const row of result.rejected) {
    const original = Buffer.from(BROKEN[offsetOf(row['source_info'])] ?? '');
    const raw = JSON.parse(row['raw_record'] ?? '{}');
    const kept =
      raw._raw_base64 === undefined
        ? Buffer.from(raw._raw)
        : Buffer.from(raw._raw_base64, 'base64');
    const trimmed = original
      .subarray(original[0] === 0xef ? 3 : 0)
      .toString('latin1')
      .trim();
    assert.equal(kept.toString('latin1').trim(), trimmed);
    assert.equal(row['error_code'], 'PARSE_ERROR');
  }
});

test('a batch of many partitions counts each of them', async () => {
  const lines = (from: number): TestMessage[] =>
    Array.from({ length: 3000 }, (_, i) => (i % 10 === 0 ? '{"id":' : `{"id":${from + i}}`));
  const plan = makePlan({ columns: COLUMNS, where: 'id % 2 = 1' });
  const result = await fixture.load(plan, [
    makeRun(lines(0), 0, 5n),
    makeRun(lines(10_000), 7, 100n),
    makeRun(lines(20_000), 0, 3005n),
  ]);
  const counts = result.staged.progress.map((p) => [
    p.partition,
    p.rowsLoaded,
    p.rowsFiltered,
    p.rowsUnselected,
    p.fromOffset,
    p.toOffset,
  ]);
  assert.deepEqual(counts, [
    [0, 3000, 600, 2400, 5n, 6005n],
    [7, 1500, 300, 1200, 100n, 3100n],
  ]);
  assert.equal(result.rows.length, 4500);
});

test('a message of 20 MB is loaded, or rejected whole above the limit', async () => {
  const big = `{"id":1,"extra":"${'x'.repeat(20_000_000)}"}`;
  const messages = ['{"id":0}', big, '{"id":2}'];
  const loaded = await fixture.load(makePlan({ columns: COLUMNS }), messages);
  assert.deepEqual(
    loaded.rows.map(([id]) => id),
    ['0', '1', '2'],
  );
  assert.equal(loaded.rows[1]?.[2]?.length, 20_000_002);
  const limited = await fixture.load(
    makePlan({ columns: COLUMNS, maxMessageBytes: 1_000_000 }),
    messages,
  );
  assert.deepEqual(
    limited.rows.map(([id]) => id),
    ['0', '2'],
  );
  assert.match(limited.rejected[0]?.['error_message'] ?? '', /larger than the limit: 200000\d\d/);
  const [rejected] = limited.rejected;
  // The record shows the start of a row that is large; the message itself is kept whole.
  const { _raw: start } = JSON.parse(rejected?.['raw_record'] ?? '{}') as { _raw?: string };
  assert.ok(start !== undefined && start.length >= 1024 * 1024 && big.startsWith(start));
  assert.equal(rejected?.['message_size'], String(big.length));
  assert.equal(rejected?.['message_kept'], String(big.length));
});

test('keys, timestamps and offsets of rejected rows', async () => {
  const run = makeRun(['{"id":', '{"id"'], 3, 41n);
  const bytes = Buffer.concat([run.bytes, Buffer.from('key'), Buffer.from([0xff, 0xfe])]);
  const result = await fixture.load(makePlan({ columns: COLUMNS }), [
    {
      ...run,
      bytes,
      keyStart: Int32Array.from([run.bytes.length, run.bytes.length + 3]),
      keyLength: Int32Array.from([3, 2]),
    },
  ]);
  const infos = result.rejected.map((row) => JSON.parse(row['source_info'] ?? '{}'));
  const timestamp = 1_700_000_000_000;
  assert.deepEqual(infos, [
    { topic: 'topic', partition: 3, offset: 41, timestamp, key: 'key' },
    { topic: 'topic', partition: 3, offset: 42, timestamp, key_base64: '//4=' },
  ]);
});

test('whole lines are read for paths that do not begin with a key', async () => {
  const random = seededRandom(seed);
  const plan = makePlan({
    columns: [column('doc', { kind: 'JSON' }), column('id', { kind: 'BIGINT' })],
    format: { kind: 'json', jsonpaths: ['$', '$.id'], jsonRoot: '', stripOuterArray: false },
  });
  const messages: TestMessage[] = [];
  const ids: string[] = [];
  for (let index = 0; index < 500; index += 1) {
    if (random.below(3) === 0) messages.push(BROKEN[random.below(BROKEN.length)] ?? '{');
    else {
      messages.push(`{"id":${index}}`);
      ids.push(String(index));
    }
  }
  const result = await fixture.load(plan, messages);
  assert.deepEqual(
    result.rows,
    ids.map((id) => [`{"id":${id}}`, id]),
  );
  assert.equal(result.rejected.length, 500 - ids.length);
});

test('invalid UTF-8 in front of other lines leaves those their messages', async () => {
  const plan = makePlan({ columns: COLUMNS });
  const messages: TestMessage[] = [
    '{"id":0,"site":"s"}',
    Buffer.from('{"id":1,"site":"\xff"}', 'latin1'),
    '{"id":2,"site":"s"}',
    '{"id":}',
    Buffer.from('{"id":4,"site":"\xff"}', 'latin1'),
    '{"id":5,"site":"s"}',
    '{"id":6,"site":}',
  ];
  const result = await fixture.load(plan, messages);
  assert.deepEqual(
    result.rows.map(([id]) => id),
    ['0', '2', '5'],
  );
  const offsets = result.rejected.map((row) => offsetOf(row['source_info']));
  assert.deepEqual(
    offsets.sort((a, b) => a - b),
    [1, 3, 4, 6],
  );
});
