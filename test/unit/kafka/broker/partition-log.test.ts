// One partition's log: appends, reads, recovery after a cut, producer sequences, retention, lookups
// by timestamp, compaction. On real files, with a clock of the test's own.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../../../../src/base/log.ts';
import { recordsOf } from '../../../../src/kafka/broker/batch-records.ts';
import { compactPartition } from '../../../../src/kafka/broker/compaction.ts';
import { DEFAULT_BROKER_CONFIG } from '../../../../src/kafka/broker/config.ts';
import { type AppendResult, PartitionLog } from '../../../../src/kafka/broker/partition-log.ts';
import {
  effectiveTopicConfig,
  type TopicOverrides,
} from '../../../../src/kafka/broker/topic-config.ts';
import {
  type BatchHeader,
  nextOffsetAfter,
  readBatchHeader,
} from '../../../../src/kafka/protocol/batch-header.ts';
import { KAFKA_ERROR } from '../../../../src/kafka/protocol/errors.ts';
import {
  type BatchOptions,
  encodeRecordBatch,
  encodeTransactionMarker,
} from '../../../../src/kafka/protocol/record-batch-encoder.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

let directory = '';
let clock = new ManualClock();
const open: PartitionLog[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-log-'));
  clock = new ManualClock();
});
afterEach(async () => {
  for (const log of open.splice(0)) await log.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

function openLog(overrides: TopicOverrides = {}, subdirectory = 'p'): PartitionLog {
  const config = effectiveTopicConfig(overrides, DEFAULT_BROKER_CONFIG, 1);
  const log = new PartitionLog({
    directory: path.join(directory, subdirectory),
    config: () => config,
    clock,
    log: silentLog,
    maxProducers: 100,
  });
  open.push(log);
  return log;
}

const text = (value: string): Buffer => Buffer.from(value, 'utf8');

function put(
  log: PartitionLog,
  values: readonly string[],
  options: BatchOptions = {},
): AppendResult {
  const records = values.map((value) => ({ value: text(value) }));
  const batch = encodeRecordBatch(records, { timestampMs: clock.nowMs(), ...options });
  return log.append(batch, readBatchHeader(batch, 0));
}

function putKeyed(log: PartitionLog, pairs: readonly (readonly [string, string | null])[]): void {
  const records = pairs.map(([key, value]) => ({
    key: text(key),
    value: value === null ? null : text(value),
  }));
  const batch = encodeRecordBatch(records, { timestampMs: clock.nowMs(), compression: 'gzip' });
  log.append(batch, readBatchHeader(batch, 0));
}

/** Reads the log from `from` to its end as a consumer would; batches as [header, bytes]. */
function readAll(
  log: PartitionLog,
  from: bigint,
  maxBytes = 1_000_000,
): { header: BatchHeader; bytes: Buffer }[] {
  const batches: { header: BatchHeader; bytes: Buffer }[] = [];
  let next = from;
  while (next < log.nextOffset) {
    const data = log.read(next, maxBytes, log.nextOffset, true);
    if (data.length === 0) break;
    for (let at = 0; at < data.length; ) {
      const header = readBatchHeader(data, at);
      batches.push({ header, bytes: data.subarray(at, at + header.totalBytes) });
      next = nextOffsetAfter(header);
      at += header.totalBytes;
    }
  }
  return batches;
}

const keysAndOffsets = (log: PartitionLog): string[] =>
  readAll(log, log.startOffset).flatMap(({ header, bytes }) =>
    [...recordsOf(bytes, header)].map(
      (record) => `${record.offset}:${record.key?.toString()}${record.isTombstone ? '-' : ''}`,
    ),
  );

test('batches get consecutive offsets and come back whole from any offset', () => {
  const log = openLog();
  assert.deepEqual(put(log, ['a', 'b', 'c']), {
    kind: 'appended',
    baseOffset: 0n,
    logAppendTimeMs: -1,
  });
  put(log, ['d', 'e']);
  assert.equal(log.nextOffset, 5n);
  assert.deepEqual(
    readAll(log, 1n).map(({ header }) => header.baseOffset),
    [0n, 3n],
  );
  assert.deepEqual(
    readAll(log, 4n).map(({ header }) => header.baseOffset),
    [3n],
  );
  assert.equal(log.read(5n, 1000, 5n, true).length, 0);
});

test('a read gives at least one batch and no part of one', () => {
  const log = openLog();
  put(log, ['x'.repeat(5000)]);
  put(log, ['y']);
  assert.equal(readBatchHeader(log.read(0n, 10, 2n, true), 0).baseOffset, 0n);
  assert.equal(log.read(0n, 10, 2n, false).length, 0);
  const both = log.read(0n, 100_000, 2n, true);
  const first = readBatchHeader(both, 0);
  assert.equal(readBatchHeader(both, first.totalBytes).baseOffset, 1n);
  assert.equal(log.read(0n, first.totalBytes + 5, 2n, true).length, first.totalBytes);
  assert.equal(log.read(0n, 100_000, 1n, true).length, first.totalBytes, 'stops at the limit');
});

test('whatever is appended is read back in order, over segments and restarts', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          records: fc.integer({ min: 1, max: 5 }),
          bytes: fc.integer({ min: 0, max: 3000 }),
          restart: fc.boolean(),
        }),
        { minLength: 1, maxLength: 30 },
      ),
      fc.integer({ min: 1, max: 20_000 }),
      async (steps, maxBytes) => {
        run += 1;
        let log = openLog({ 'segment.bytes': '4096' }, `p${run}`);
        const expected: string[] = [];
        for (const [index, { records, bytes, restart }] of steps.entries()) {
          const values = Array.from(
            { length: records },
            (_, i) => `${index}.${i}${'z'.repeat(bytes)}`,
          );
          put(log, values);
          expected.push(...values);
          if (restart) {
            await log.close();
            log = openLog({ 'segment.bytes': '4096' }, `p${run}`);
          }
        }
        assert.equal(log.nextOffset, BigInt(expected.length));
        const from = BigInt(Math.floor(expected.length / 2));
        const batches = readAll(log, from, maxBytes);
        const last = batches.at(-1);
        assert.ok(last !== undefined && nextOffsetAfter(last.header) === log.nextOffset);
        assert.ok(batches[0] !== undefined && batches[0].header.baseOffset <= from);
        for (const { header, bytes } of batches) {
          for (const record of recordsOf(bytes, header)) {
            const value = expected[Number(record.offset)] ?? 'missing';
            assert.ok(record.raw.includes(value), `offset ${record.offset}`);
          }
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('after a crash the log is cut at the last whole batch and goes on from there', async () => {
  const log = openLog();
  put(log, ['a', 'b']);
  put(log, ['c']);
  const file = path.join(log.directory, '00000000000000000000.log');
  await log.close();
  const whole = fs.statSync(file).size;
  fs.truncateSync(file, whole - 7);
  const again = openLog();
  assert.equal(again.nextOffset, 2n);
  put(again, ['c2']);
  await again.close();
  const bytes = fs.readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 3) ^ 0xff, bytes.length - 3);
  fs.writeFileSync(file, Buffer.concat([bytes, Buffer.from('half a batch')]));
  const third = openLog();
  assert.equal(third.nextOffset, 2n, 'a batch with a wrong checksum is cut too');
  assert.deepEqual(
    readAll(third, 0n).map(({ header }) => header.count),
    [2],
  );
});

test('a damaged or missing index of a closed segment is rebuilt', async () => {
  const log = openLog({ 'segment.bytes': '1024' });
  for (let index = 0; index < 20; index += 1) put(log, [`${index}`.repeat(200)]);
  const { directory: where } = log;
  await log.close();
  const indexes = fs.readdirSync(where).filter((name) => name.endsWith('.index'));
  assert.ok(indexes.length > 3);
  fs.writeFileSync(path.join(where, indexes[0] ?? ''), '{"broken');
  fs.rmSync(path.join(where, indexes[1] ?? ''));
  const again = openLog({ 'segment.bytes': '1024' });
  assert.equal(again.nextOffset, 20n);
  assert.equal(readAll(again, 0n).length, 20);
});

test('idempotent producers: repeats are answered, gaps and old epochs refused, over restarts', async () => {
  const producer = (baseSequence: number, producerEpoch = 0): BatchOptions => ({
    producerId: 9n,
    producerEpoch,
    baseSequence,
  });
  let log = openLog({ 'segment.bytes': '1024' });
  put(log, ['a', 'b'], producer(0));
  put(log, ['c'], producer(2));
  assert.equal(put(log, ['c'], producer(2)).kind, 'appended');
  assert.equal(log.nextOffset, 3n, 'the repeat was not stored');
  for (let sequence = 3; sequence < 30; sequence += 1) {
    put(log, ['x'.repeat(200)], producer(sequence));
  }
  assert.ok(log.segmentCount > 3);
  await log.close();
  log = openLog({ 'segment.bytes': '1024' });
  const repeated = put(log, ['x'.repeat(200)], producer(28));
  assert.deepEqual(repeated, { kind: 'appended', baseOffset: 28n, logAppendTimeMs: -1 });
  assert.deepEqual(put(log, ['x'], producer(40)), {
    kind: 'refused',
    errorCode: KAFKA_ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER,
  });
  assert.equal(put(log, ['new epoch'], producer(0, 1)).kind, 'appended');
  assert.deepEqual(put(log, ['old epoch'], producer(30, 0)), {
    kind: 'refused',
    errorCode: KAFKA_ERROR.INVALID_PRODUCER_EPOCH,
  });
});

test('sequence numbers start again at 0 after 2^31 - 1', () => {
  const log = openLog();
  const producer = (baseSequence: number): BatchOptions => ({
    producerId: 9n,
    producerEpoch: 0,
    baseSequence,
  });
  put(log, ['a', 'b'], producer(2 ** 31 - 2));
  assert.equal(put(log, ['c'], producer(0)).kind, 'appended');
});

test('transactions hold the last stable offset back; aborted ones are listed, over restarts', async () => {
  const transactional = (producerId: bigint, baseSequence: number): BatchOptions => ({
    producerId,
    producerEpoch: 0,
    baseSequence,
    transactional: true,
  });
  let log = openLog({ 'segment.bytes': '1024' });
  put(log, ['plain']);
  put(log, ['a1', 'a2'], transactional(1n, 0));
  put(log, ['b1'], transactional(2n, 0));
  assert.deepEqual([log.lastStableOffset, log.nextOffset], [1n, 4n]);
  log.appendMarker(encodeTransactionMarker('abort', { producerId: 1n, producerEpoch: 0 }));
  assert.equal(log.lastStableOffset, 3n, 'the other one is still open');
  log.appendMarker(encodeTransactionMarker('commit', { producerId: 2n, producerEpoch: 0 }));
  assert.equal(log.lastStableOffset, 6n);
  for (let index = 0; index < 10; index += 1) put(log, ['x'.repeat(300)]);
  put(log, ['open'], transactional(1n, 2));
  await log.close();
  log = openLog({ 'segment.bytes': '1024' });
  assert.equal(log.lastStableOffset, 16n);
  assert.deepEqual(log.abortedBetween(0n, 100n), [
    { producerId: 1n, firstOffset: 1n, lastOffset: 4n },
  ]);
  assert.equal(log.abortedBetween(5n, 100n).length, 0);
});

test('the record of a timestamp is found exactly, in compressed batches too', () => {
  const log = openLog({ 'segment.bytes': '1024' });
  const startMs = clock.nowMs();
  for (let batch = 0; batch < 40; batch += 1) {
    const records = Array.from({ length: 5 }, (_, i) => ({
      value: text(`${batch}.${i}`.repeat(10)),
      timestampMs: startMs + (batch * 5 + i) * 10,
    }));
    const compression = batch % 2 === 0 ? 'lz4' : 'none';
    const bytes = encodeRecordBatch(records, { compression });
    log.append(bytes, readBatchHeader(bytes, 0));
  }
  assert.ok(log.segmentCount > 2);
  assert.deepEqual(log.offsetForTimestamp(startMs + 731), {
    offset: 74n,
    timestampMs: startMs + 740,
  });
  assert.deepEqual(log.offsetForTimestamp(0), { offset: 0n, timestampMs: startMs });
  assert.equal(log.offsetForTimestamp(startMs + 10_000), null);
  assert.deepEqual(log.latestTimestamp(), { offset: 199n, timestampMs: startMs + 1990 });
});

test('retention by bytes and by time removes whole old segments', async () => {
  const bySize = openLog({ 'segment.bytes': '2048', 'retention.bytes': '6000' }, 'size');
  for (let index = 0; index < 100; index += 1) put(bySize, ['x'.repeat(500)]);
  assert.ok(bySize.sizeBytes < 6000 + 2 * 2048, `${bySize.sizeBytes} bytes kept`);
  assert.ok(bySize.startOffset > 80n);
  const byTime = openLog({ 'segment.bytes': '2048', 'retention.ms': '60000' }, 'time');
  for (let index = 0; index < 10; index += 1) put(byTime, ['x'.repeat(500)]);
  await clock.advance(61_000);
  byTime.maintain(clock.nowMs());
  assert.deepEqual([byTime.startOffset, byTime.nextOffset], [10n, 10n]);
  assert.equal(byTime.sizeBytes, 0);
  put(byTime, ['next']);
  await byTime.close();
  const again = openLog({ 'segment.bytes': '2048', 'retention.ms': '60000' }, 'time');
  assert.deepEqual([again.startOffset, again.nextOffset], [10n, 11n]);
});

test('deleted records stay deleted after a restart', async () => {
  const log = openLog();
  put(log, ['a', 'b', 'c']);
  put(log, ['d']);
  log.deleteBefore(2n);
  assert.equal(log.startOffset, 2n);
  await log.close();
  assert.equal(openLog().startOffset, 2n);
});

test('a topic with LogAppendTime gets the time of the broker', () => {
  const log = openLog({ 'message.timestamp.type': 'LogAppendTime' });
  const result = put(log, ['a'], { timestampMs: 5 });
  assert.deepEqual(result, {
    kind: 'appended',
    baseOffset: 0n,
    logAppendTimeMs: clock.nowMs(),
  });
  assert.deepEqual(log.offsetForTimestamp(6), { offset: 0n, timestampMs: clock.nowMs() });
});

const COMPACT: TopicOverrides = {
  'cleanup.policy': 'compact',
  'segment.bytes': '1024',
  'delete.retention.ms': '60000',
  'min.cleanable.dirty.ratio': '0',
};
const KEY_BYTES = 1_000_000;

test('compaction keeps the latest record of each key, offsets and all', async () => {
  let log = openLog(COMPACT);
  for (let round = 0; round < 30; round += 1) {
    putKeyed(log, [
      ['a', `a${round}`.repeat(20)],
      ['b', `b${round}`.repeat(20)],
      [`only${round}`, 'x'.repeat(50)],
    ]);
  }
  const before = log.sizeBytes;
  const end = log.nextOffset;
  await compactPartition(log, clock.nowMs(), KEY_BYTES);
  const kept = keysAndOffsets(log);
  assert.ok(log.sizeBytes < before);
  assert.equal(log.nextOffset, end);
  for (let round = 0; round < 30; round += 1)
    assert.ok(kept.includes(`${round * 3 + 2}:only${round}`));
  assert.ok(kept.includes('87:a') && kept.includes('88:b'), 'the newest stay');
  const olderA = kept.filter((one) => one.endsWith(':a')).length;
  assert.ok(
    olderA < 8,
    `${olderA} records of key a: the closed segments' latest and the open one's`,
  );
  await log.close();
  log = openLog(COMPACT);
  assert.deepEqual(keysAndOffsets(log), kept);
  assert.equal(log.nextOffset, end);
  const passed = readAll(log, 1n)[0];
  assert.ok(passed !== undefined && nextOffsetAfter(passed.header) > 1n, 'a gap is read over');
});

test('a tombstone stays delete.retention.ms from its first compaction on, then goes', async () => {
  const log = openLog(COMPACT);
  putKeyed(log, [['gone', 'value']]);
  putKeyed(log, [['gone', null]]);
  for (let index = 0; index < 30; index += 1) putKeyed(log, [[`k${index}`, 'x'.repeat(300)]]);
  await compactPartition(log, clock.nowMs(), KEY_BYTES);
  assert.deepEqual(
    keysAndOffsets(log).filter((one) => one.includes('gone')),
    ['1:gone-'],
  );
  await clock.advance(59_000);
  await compactPartition(log, clock.nowMs(), KEY_BYTES);
  assert.ok(keysAndOffsets(log).includes('1:gone-'));
  await clock.advance(2000);
  await compactPartition(log, clock.nowMs(), KEY_BYTES);
  assert.equal(keysAndOffsets(log).filter((one) => one.includes('gone')).length, 0);
  assert.equal(log.startOffset, 0n);
});

test('compaction in steps of little memory ends with the same result', async () => {
  const log = openLog(COMPACT);
  for (let round = 0; round < 40; round += 1)
    putKeyed(log, [[`k${round % 7}`, `${round}`.repeat(60)]]);
  const closedEnd = log.closedSegments.at(-1)?.nextOffset ?? 0n;
  for (let pass = 0; pass < 20; pass += 1) await compactPartition(log, clock.nowMs(), 200);
  const closed = keysAndOffsets(log).filter((one) => BigInt(one.split(':')[0] ?? 0) < closedEnd);
  const keys = closed.map((one) => one.split(':')[1]);
  assert.equal(new Set(keys).size, keys.length, 'one record of each key');
});

test('a compaction stopped between rename and removal is finished at the next start', async () => {
  let log = openLog(COMPACT);
  for (let round = 0; round < 30; round += 1) putKeyed(log, [[`k${round}`, 'x'.repeat(200)]]);
  await log.close();
  const copy = path.join(directory, 'copy');
  fs.cpSync(log.directory, copy, { recursive: true });
  const merged = { ...COMPACT, 'segment.bytes': '100000' };
  log = openLog(merged);
  await compactPartition(log, clock.nowMs(), KEY_BYTES);
  const after = keysAndOffsets(log);
  assert.ok(log.segmentCount < 4, 'small segments were merged');
  await log.close();
  // Put the removed segments back, as if the process had died before removing them.
  for (const name of fs.readdirSync(copy)) {
    const target = path.join(log.directory, name);
    if (name.endsWith('.log') && !fs.existsSync(target)) fs.cpSync(path.join(copy, name), target);
  }
  log = openLog(merged);
  assert.deepEqual(keysAndOffsets(log), after);
});
