// Metadata of messages in packed lines: each kind of value, headers that repeat or have none, lines that are
// wrapped, and headers that lie in expanded bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zoneOffset } from '../../../../src/formats/time-text.ts';
import { DecodeWorkspace, RecordCursor } from '../../../../src/kafka/protocol/record-batch.ts';
import {
  encodeRecordBatch,
  type RecordToEncode,
} from '../../../../src/kafka/protocol/record-batch-encoder.ts';
import { METADATA_NAMES } from '../../../../src/model/message-metadata.ts';
import { LineMetadata } from '../../../../src/pipeline/decode/line-metadata.ts';
import { BatchBuilder } from '../../../../src/pipeline/source/batch-builder.ts';
import { BytePages } from '../../../../src/pipeline/source/byte-pages.ts';
import { ColumnPages } from '../../../../src/pipeline/source/column-pages.ts';
import type { RawBatch } from '../../../../src/pipeline/types.ts';

const RECORDS: readonly RecordToEncode[] = [
  {
    value: Buffer.from('{"a":1}'),
    key: Buffer.from('k\n'),
    timestampMs: 1_772_359_200_120,
    headers: [
      { key: 'x', value: Buffer.from('1') },
      { key: 'y"', value: null },
      { key: 'x', value: Buffer.from([0xff]) },
    ],
  },
  { value: Buffer.from('{ }'), key: Buffer.from([0xc0]), timestampMs: 1_772_359_200_000 },
  { value: Buffer.from('{"b":2}'), timestampMs: 0, headers: [{ key: '', value: Buffer.from('') }] },
];

function batchOf(compression: 'none' | 'lz4'): RawBatch {
  const records = encodeRecordBatch(RECORDS, { compression, baseOffset: 9_007_199_254_740_993n });
  const memory = { columns: new ColumnPages(), bytes: new BytePages() };
  const builder = new BatchBuilder('to"pic', memory);
  const cursor = new RecordCursor(new DecodeWorkspace());
  cursor.start({
    topic: 'to"pic',
    partition: 3,
    records,
    fromOffset: 0n,
    isolation: 'read_uncommitted',
    abortedTransactions: [],
  });
  for (let run = cursor.next(); run !== null; run = cursor.next()) builder.addRun(3, run, records);
  return builder.build();
}

function lines(batch: RawBatch, wraps: boolean): string[] {
  const metadata = new LineMetadata({ names: METADATA_NAMES, wraps, zone: zoneOffset('+08:00') });
  return batch.runs.flatMap((run) =>
    Array.from({ length: run.count }, (_, index) => {
      const start = run.valueStart[index] ?? 0;
      const end = start + (run.valueLength[index] ?? 0);
      return metadata.lineOf(batch.topic, run, index, run.bytes, start, end).toString();
    }),
  );
}

const PLACE = '"__message_topic":"to\\"pic","__message_partition":3';

for (const compression of ['none', 'lz4'] as const) {
  test(`every metadata column beside the message's keys (${compression})`, () => {
    assert.deepEqual(lines(batchOf(compression), false), [
      `{${PLACE},"__message_offset":9007199254740993,"__message_timestamp":"2026-03-01 18:00:00.12","__message_key":"k\\u000a","__message_headers":{"x":["1","/w=="],"y\\"":null},"a":1}`,
      `{${PLACE},"__message_offset":9007199254740994,"__message_timestamp":"2026-03-01 18:00:00","__message_key":"wA==","__message_headers":{}}`,
      `{${PLACE},"__message_offset":9007199254740995,"__message_timestamp":"1970-01-01 08:00:00","__message_key":null,"__message_headers":{"":""},"b":2}`,
    ]);
  });
}

test('around the message, where paths begin at the message itself', () => {
  const [, second] = lines(batchOf('lz4'), true);
  assert.match(second ?? '', /"__message_headers":\{\},"__message":\{ \}\}$/);
});
