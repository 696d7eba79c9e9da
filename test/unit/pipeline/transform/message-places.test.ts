// What is kept of messages with rejected rows: the bytes of key, value and headers, and where the row is in the value.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DecodeWorkspace, RecordCursor } from '../../../../src/kafka/protocol/record-batch.ts';
import { encodeRecordBatch } from '../../../../src/kafka/protocol/record-batch-encoder.ts';
import { BatchBuilder } from '../../../../src/pipeline/source/batch-builder.ts';
import { BytePages } from '../../../../src/pipeline/source/byte-pages.ts';
import { ColumnPages } from '../../../../src/pipeline/source/column-pages.ts';
import { headersText } from '../../../../src/pipeline/transform/error-rows.ts';
import type { MessageRun } from '../../../../src/pipeline/types.ts';
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

const id = column('id', { kind: 'INT' }, { nullable: false });
const name = column('name', { kind: 'VARCHAR', length: 5 });

type Records = Parameters<typeof encodeRecordBatch>[0];

function runsOf(records: Records, compression: 'none' | 'lz4'): readonly MessageRun[] {
  const data = encodeRecordBatch(records, { compression, baseOffset: 9_007_199_254_740_993n });
  const builder = new BatchBuilder('topic', { columns: new ColumnPages(), bytes: new BytePages() });
  const cursor = new RecordCursor(new DecodeWorkspace());
  cursor.start({
    topic: 'topic',
    partition: 3,
    records: data,
    fromOffset: 0n,
    isolation: 'read_uncommitted',
    abortedTransactions: [],
  });
  for (let run = cursor.next(); run !== null; run = cursor.next()) builder.addRun(3, run, data);
  return builder.build().runs;
}

/** DuckDB shows a quote among bytes as its number. */
function plain(bytes: string | null | undefined): string {
  return (bytes ?? '').replaceAll('\\x22', '"');
}

/** The places of the rejected rows: bytes kept, of how many, the row's range. */
function placesOf(rejected: readonly Readonly<Record<string, string | null>>[]) {
  return rejected.map((row) => [
    row['message_offset'],
    row['message_value'],
    row['message_kept'],
    row['message_size'],
    row['row_start'],
    row['row_end'],
  ]);
}

test('a rejected message keeps key, value, headers and time, whatever their bytes', async () => {
  const records: Records = [
    { value: Buffer.from('{"id":1}'), timestampMs: 1 },
    {
      value: Buffer.from([0xff, 0x00, 0x41]),
      key: Buffer.from([0xfe]),
      timestampMs: 1_772_359_200_120,
      headers: [
        { key: 'x', value: Buffer.from('1') },
        { key: 'y"', value: null },
        { key: 'x', value: Buffer.from([0xff]) },
      ],
    },
  ];
  for (const compression of ['none', 'lz4'] as const) {
    const { rejected } = await fixture.load(
      makePlan({ columns: [id, name] }),
      runsOf(records, compression),
    );
    const [row] = rejected;
    assert.equal(rejected.length, 1);
    assert.deepEqual(
      ['job_id', 'message_topic', 'message_partition', 'message_offset', 'message_timestamp'].map(
        (column) => row?.[column],
      ),
      ['10002', 'topic', '3', '9007199254740994', '2026-03-01 10:00:00.12'],
    );
    assert.equal(row?.['message_key'], '\\xFE');
    assert.equal(row?.['message_value'], '\\xFF\\x00A');
    assert.deepEqual(JSON.parse(row?.['message_headers'] ?? ''), [
      { name: 'x', value: '1' },
      { name: 'y"', value: null },
      { name: 'x', value_base64: '/w==' },
    ]);
    assert.equal(row?.['raw_record'], '{"_raw_base64":"/wBB"}');
  }
});

test('a time that no DATETIME has is NULL, and a header block that is damaged stays as bytes', async () => {
  const value = Buffer.from('no JSON');
  for (const timestampMs of [-1, 300_000_000_000_000]) {
    const runs = runsOf([{ value, timestampMs }], 'none');
    const { rejected } = await fixture.load(makePlan({ columns: [id] }), runs);
    assert.deepEqual(
      [rejected[0]?.['message_timestamp'], rejected[0]?.['message_headers']],
      [null, '[]'],
    );
  }
  assert.equal(headersText(Buffer.from([0x20, 0x01]), 0, 2), '{"_raw_base64":"IAE="}');
});

test('of several rejected rows of a message the first has its value; each says where it is', async () => {
  const csv = await fixture.load(makePlan({ columns: [id, name], format: CSV_FORMAT }), [
    '1,a\nx,b\n3,c,d\ny,e\n',
    'z,f',
  ]);
  assert.equal(csv.rows.length, 1);
  const [line, message] = ['3,c,d', '1,a\\x0Ax,b\\x0A3,c,d\\x0Ay,e\\x0A'];
  assert.deepEqual(placesOf(csv.rejected), [
    ['0', message, '18', '18', '8', '13'],
    ['0', null, '0', '18', '4', '7'],
    ['0', null, '0', '18', '14', '17'],
    ['1', 'z,f', '3', '3', '0', '3'],
  ]);
  assert.equal(JSON.parse(csv.rejected[0]?.['raw_record'] ?? '')._raw, line);
  const format = { ...JSON_FORMAT, stripOuterArray: true } as const;
  const json = await fixture.load(makePlan({ columns: [id, name], format }), [
    '[{"id":1}, {"id":"x"}, 7]',
    ' [ {"id":"y"} ] ',
  ]);
  assert.deepEqual(
    placesOf(json.rejected).map(([offset, , kept, , start, end]) => [offset, kept, start, end]),
    [
      ['0', '25', '23', '24'],
      ['0', '0', '11', '21'],
      // The only row of its message: what becomes of all of it, however it is split later.
      ['1', '16', '0', '16'],
    ],
  );
});

test('a message that is larger than what is kept is cut, and says so', async () => {
  const big = `{"id":null,"name":"${'x'.repeat(3000)}"}`;
  const plan = makePlan({ columns: [id, name], keptMessageBytes: 1000 });
  const { rejected } = await fixture.load(plan, [big]);
  const [[, value, ...sizes] = []] = placesOf(rejected);
  assert.equal(plain(value), big.slice(0, 1000));
  assert.deepEqual(sizes, ['1000', String(big.length), '0', String(big.length)]);
});

test('a message of 20 MB is kept whole', async () => {
  const big = `{"id":"bad","extra":"${'x'.repeat(20_000_000)}"}`;
  const { rejected } = await fixture.load(makePlan({ columns: [id] }), ['{"id":1}', big]);
  assert.ok(plain(rejected[0]?.['message_value']) === big);
  assert.equal(rejected[0]?.['message_kept'], String(big.length));
  const { _raw: start, _raw_size: size } = JSON.parse(rejected[0]?.['raw_record'] ?? '');
  assert.deepEqual([start === big.slice(0, 1024 * 1024), size], [true, big.length]);
});

test('large messages that are all bad are kept in several files, a character at the cut is not divided', async () => {
  const rows = Array.from({ length: 5 }, (_, index) => `no JSON ${index} ${'é'.repeat(4_000_000)}`);
  const plan = makePlan({ columns: [id] });
  const { rejected, staged } = await fixture.load(plan, rows);
  const table = staged.tables.find(({ tableId }) => tableId === plan.rejected.tableId);
  assert.equal(table?.files.length, 5);
  assert.deepEqual(
    rejected.map((row) => [
      row['message_kept'],
      JSON.parse(row['raw_record'] ?? '')._raw ===
        rows[Number(row['message_offset'])]?.slice(0, 524_293),
    ]),
    rows.map((row) => [String(Buffer.byteLength(row)), true]),
  );
  const binary = Buffer.concat([Buffer.from([0xff]), Buffer.alloc(2 * 1024 * 1024, 'x')]);
  const other = await fixture.load(plan, [binary]);
  const record = JSON.parse(other.rejected[0]?.['raw_record'] ?? '');
  assert.equal(record._raw_size, binary.length);
  assert.equal(Buffer.from(record._raw_base64, 'base64').length, 1024 * 1024);
});
