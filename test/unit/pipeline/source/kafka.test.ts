// The Kafka source alone: positions, limits, several leaders, trouble that passes and trouble that lasts,
// damage in the middle of an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { fail } from '../../../../src/base/errors.ts';
import type { FetchAnswer, FetchRequest } from '../../../../src/kafka/client/cluster.ts';
import { parseKafkaProperties } from '../../../../src/kafka/client/properties.ts';
import { BytePages } from '../../../../src/pipeline/source/byte-pages.ts';
import { ColumnPages } from '../../../../src/pipeline/source/column-pages.ts';
import { fetchTuning } from '../../../../src/pipeline/source/fetch-tuning.ts';
import { KafkaSource } from '../../../../src/pipeline/source/kafka.ts';
import type { RawBatch, SourceTrouble } from '../../../../src/pipeline/types.ts';
import { FakeKafka } from '../../../support/fake-kafka.ts';

const LIMITS = { maxRows: 1_000_000, maxBytes: 1 << 30, waitMs: 200, fillMs: 200 };
const signal = new AbortController().signal;

function open(
  kafka: FakeKafka,
  partitions: readonly number[],
  from = 0n,
  properties: Readonly<Record<string, string>> = {},
  topicId?: string,
) {
  const troubles: (SourceTrouble | null)[] = [];
  const source = new KafkaSource({
    cluster: kafka,
    spec: {
      topic: 'topic',
      ...(topicId === undefined ? {} : { topicId }),
      isolation: 'read_committed',
      partitions: partitions.map((partition) => ({ partition, offset: from })),
    },
    tuning: fetchTuning(parseKafkaProperties(properties)),
    clock: systemClock,
    memory: { columns: new ColumnPages(), bytes: new BytePages() },
    onTrouble: (trouble) => troubles.push(trouble),
  });
  return { source, troubles };
}

function values(batch: RawBatch | null): string[] {
  return (batch?.runs ?? []).flatMap((run) =>
    Array.from({ length: run.count }, (_, index) => {
      const start = run.valueStart[index] ?? 0;
      return run.bytes.toString('utf8', start, start + Math.max(0, run.valueLength[index] ?? 0));
    }),
  );
}

test('reads all partitions of all leaders, then waits, then wakes for new data', async () => {
  const kafka = new FakeKafka(4, 3);
  for (let partition = 0; partition < 4; partition += 1)
    kafka.appendValues(partition, [`a${partition}`, `b${partition}`]);
  const { source } = open(kafka, [0, 1, 2, 3]);
  const all: string[] = [];
  while (all.length < 8) all.push(...values(await source.read(LIMITS, signal)));
  assert.deepEqual(all.sort(), ['a0', 'a1', 'a2', 'a3', 'b0', 'b1', 'b2', 'b3']);
  assert.equal(source.behind, false);
  assert.equal(await source.read({ ...LIMITS, waitMs: 20 }, signal), null);
  const next = source.read(LIMITS, signal);
  kafka.appendValues(2, ['late']);
  assert.deepEqual(values(await next), ['late']);
  assert.deepEqual(source.latestOffsets().find((p) => p.partition === 2)?.latestOffset, 3n);
  await source.close();
});

test('ends at the limit of rows and goes on where it ended', async () => {
  const kafka = new FakeKafka(1);
  kafka.maxAnswerBytes = 300;
  for (let step = 0; step < 50; step += 1) kafka.appendValues(0, [`x${step}`, `y${step}`]);
  const { source } = open(kafka, [0]);
  const first = await source.read({ ...LIMITS, maxRows: 10 }, signal);
  assert.ok((first?.messageCount ?? 0) >= 10 && (first?.messageCount ?? 0) < 20);
  assert.equal(source.behind, true);
  const rest = await source.read(LIMITS, signal);
  assert.equal((first?.messageCount ?? 0) + (rest?.messageCount ?? 0), 100);
  assert.equal(rest?.ranges[0]?.fromOffset, first?.ranges[0]?.toOffset);
  assert.equal(rest?.ranges[0]?.toOffset, 100n);
  await source.close();
});

test('begins within a batch; gaps, markers and aborted rows move the position and are counted', async () => {
  const kafka = new FakeKafka(1);
  kafka.appendValues(0, ['0', '1', '2', '3']);
  kafka.appendTransaction(0, 7n, ['aborted', 'aborted'], 'abort');
  kafka.append(0, [{ value: Buffer.from('7') }], { baseOffset: 10n, lastOffsetDelta: 4 });
  const { source } = open(kafka, [0], 2n);
  const batch = await source.read(LIMITS, signal);
  assert.deepEqual(values(batch), ['2', '3', '7']);
  assert.deepEqual(batch?.ranges, [
    {
      partition: 0,
      fromOffset: 2n,
      toOffset: 15n,
      control: 1,
      aborted: 2,
      gap: 7,
      latestOffset: 15n,
    },
  ]);
  await source.close();
});

test('asks as the Kafka properties say', async () => {
  const kafka = new FakeKafka(4);
  const asked: FetchRequest[] = [];
  const inner = kafka.fetch.bind(kafka);
  kafka.fetch = (request: FetchRequest): Promise<FetchAnswer> => {
    asked.push(request);
    return inner(request);
  };
  kafka.appendValues(0, ['a']);
  const first = async (properties: Record<string, string>) => {
    asked.length = 0;
    const { source } = open(kafka, [0, 1, 2, 3], 0n, properties);
    await source.read(LIMITS, signal);
    await source.close();
    const { minBytes, maxWaitMs, maxBytes, positions } = asked[0] ?? {};
    return { minBytes, maxWaitMs, maxBytes, partitionBytes: positions?.[0]?.maxBytes };
  };
  const mib = 1024 * 1024;
  const usual = { minBytes: 1, maxWaitMs: LIMITS.waitMs, maxBytes: 8 * mib };
  assert.deepEqual(await first({}), { ...usual, partitionBytes: 2 * mib });
  assert.deepEqual(await first({ 'fetch.max.bytes': '1000000' }), {
    ...usual,
    maxBytes: 1_000_000,
    partitionBytes: mib,
  });
  const all = {
    'fetch.min.bytes': '3',
    'fetch.wait.max.ms': '40',
    'max.partition.fetch.bytes': '5000',
  };
  assert.deepEqual(await first(all), {
    minBytes: 3,
    maxWaitMs: 40,
    maxBytes: 8 * mib,
    partitionBytes: 5000,
  });
});

test('trouble that passes is shown and over; nothing is lost', async () => {
  const kafka = new FakeKafka(1);
  kafka.appendValues(0, ['a']);
  for (let n = 0; n < 3; n += 1)
    kafka.failures.push(fail('KAFKA_CONNECTION_LOST', { broker: 'b:1', reason: 'reset' }));
  const { source, troubles } = open(kafka, [0]);
  const batch = await source.read({ ...LIMITS, waitMs: 2000 }, signal);
  assert.deepEqual(values(batch), ['a']);
  assert.deepEqual(
    troubles.map((trouble) => trouble?.attempts ?? null),
    [1, 2, 3, null],
  );
  await source.close();
});

test('an error that a person must mend ends the source, after the data before it', async () => {
  const kafka = new FakeKafka(1);
  kafka.maxAnswerBytes = 1;
  kafka.appendValues(0, ['a']);
  kafka.appendValues(0, ['b']);
  const { source } = open(kafka, [0]);
  const reading = source.read(LIMITS, signal);
  // The first Fetch is answered already; the second, sent ahead, fails.
  await Promise.resolve();
  kafka.failures.push(fail('KAFKA_AUTHORIZATION', { operation: 'READ', resource: 'topic' }));
  let seen: string[] = [];
  await assert.rejects(async () => {
    seen = values(await reading);
    for (;;) seen.push(...values(await source.read(LIMITS, signal)));
  }, /does not allow READ/);
  assert.ok(seen.length === 0 || seen[0] === 'a');
  await source.close();
});

test('damage in an answer: what comes before it is kept, the answer sent ahead is not used', async () => {
  class Damaging extends FakeKafka {
    damageNext = true;
    override async fetch(request: FetchRequest): Promise<FetchAnswer> {
      const answer = await super.fetch(request);
      const [only] = answer.partitions;
      if (only === undefined || !this.damageNext || only.records.length === 0) return answer;
      this.damageNext = false;
      const records = Buffer.from(only.records);
      records.writeUInt8(records.readUInt8(records.length - 2) ^ 0xff, records.length - 2);
      return { ...answer, partitions: [{ ...only, records }] };
    }
  }
  const kafka = new Damaging(1);
  kafka.maxAnswerBytes = 200;
  for (let step = 0; step < 20; step += 1) kafka.appendValues(0, [`m${step}`]);
  const { source, troubles } = open(kafka, [0]);
  const all: string[] = [];
  while (all.length < 20) all.push(...values(await source.read(LIMITS, signal)));
  assert.deepEqual(
    all,
    Array.from({ length: 20 }, (_, step) => `m${step}`),
  );
  assert.match(troubles[0]?.message ?? '', /is corrupt/);
  await source.close();
});

test('compressed batches keep their bytes when the next is expanded', async () => {
  const kafka = new FakeKafka(1);
  for (const compression of ['lz4', 'zstd', 'gzip', 'snappy', 'lz4'] as const)
    kafka.append(
      0,
      Array.from({ length: 5 }, (_, i) => ({
        key: Buffer.from(`k${i}`),
        value: Buffer.from(`${compression}-${i}`),
      })),
      { compression },
    );
  const { source } = open(kafka, [0]);
  const batch = await source.read(LIMITS, signal);
  assert.deepEqual(
    values(batch),
    ['lz4', 'zstd', 'gzip', 'snappy', 'lz4'].flatMap((codec) =>
      Array.from({ length: 5 }, (_, i) => `${codec}-${i}`),
    ),
  );
  const run = batch?.runs[1];
  const at = run?.keyStart[2] ?? 0;
  assert.equal(run?.bytes.toString('utf8', at, at + 2), 'k2');
  await source.close();
});

test('small answers that expand to much: batches end in their middle, nothing is left out or twice', async () => {
  const kafka = new FakeKafka(2);
  const sent: string[] = [];
  for (let index = 0; index < 12; index += 1) {
    const value = `${index}${'x'.repeat(1_000_000)}`;
    sent.push(value);
    kafka.append(index % 2, [{ value: Buffer.from(value) }], { compression: 'zstd' });
  }
  const { source } = open(kafka, [0, 1]);
  const got: string[] = [];
  let batches = 0;
  while (got.length < sent.length) {
    const batch = await source.read({ ...LIMITS, maxBytes: 500_000 }, signal);
    // Four times the limit, and the message that went over it with its page.
    assert.ok((batch?.heldBytes ?? 0) < 2_000_000 + 2 * 1_100_000, `${batch?.heldBytes} bytes`);
    got.push(...values(batch));
    batch?.release();
    batches += 1;
  }
  assert.deepEqual(got.toSorted(), sent.toSorted());
  assert.ok(batches >= 4, `${batches} batches`);
  assert.equal(await source.read({ ...LIMITS, waitMs: 20 }, signal), null);
  await source.close();
});

test('positions of another topic of that name: nothing is read from this one', async () => {
  const kafka = new FakeKafka(1);
  kafka.appendValues(0, ['a']);
  const { source } = open(kafka, [0], 0n, {}, 'of before');
  await assert.rejects(source.read(LIMITS, new AbortController().signal), {
    code: 'KAFKA_TOPIC_RECREATED',
  });
  assert.equal(kafka.fetches, 0);
  await source.close();
  const same = open(kafka, [0], 0n, {}, 'id').source;
  assert.deepEqual(values(await same.read(LIMITS, new AbortController().signal)), ['a']);
  await same.close();
});

test('reading stops at once when told to, and closing gives up the Fetch under way', async () => {
  const kafka = new FakeKafka(1);
  const { source } = open(kafka, [0]);
  const stop = new AbortController();
  const reading = source.read({ ...LIMITS, waitMs: 60_000 }, stop.signal);
  stop.abort(fail('CANCELLED'));
  await assert.rejects(reading, /interrupted/);
  await source.close();
});
