// The dead-letter topic: what is sent for which message, and what becomes of trouble with it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AppError, fail } from '../../../src/base/errors.ts';
import { DecodeWorkspace, RecordCursor } from '../../../src/kafka/protocol/record-batch.ts';
import { readRecordHeaders } from '../../../src/kafka/protocol/record-headers.ts';
import { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import type { RejectedRows } from '../../../src/pipeline/transform/rejected-rows.ts';
import type { SourceTrouble } from '../../../src/pipeline/types.ts';
import {
  CSV_FORMAT,
  column,
  makeBatch,
  makePlan,
  makeRun,
  PipelineFixture,
  type TestMessage,
} from '../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const { signal } = new AbortController();

/** Rejected rows of CSV messages of one INT column, in partition 5 from offset 0 on. */
async function rejectedOf(messages: readonly TestMessage[]): Promise<RejectedRows> {
  const id = column('id', { kind: 'INT' }, { nullable: false });
  const stager = fixture.stager(makePlan({ columns: [id], format: CSV_FORMAT }));
  const batch = makeBatch([makeRun(messages, 5)]);
  const packed = stager.pack(batch);
  return (await stager.stageRows(packed, fixture.begin(), fixture.connection, signal)).rejected;
}

interface Letter {
  readonly partition: number;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A topic of two partitions; `answer` throws what its broker says. */
function topicOf(
  answer: (call: number, bytes: number, sent: readonly Letter[]) => void = () => undefined,
) {
  const letters: Letter[] = [];
  const troubles: (SourceTrouble | null)[] = [];
  let calls = 0;
  let nowMs = 1_000;
  const clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
    after: () => ({ cancel: () => undefined }),
    every: () => ({ cancel: () => undefined }),
  };
  const deadLetters = new DeadLetters({
    topic: 'dead',
    job: 'db.job',
    clock,
    onTrouble: (trouble) => troubles.push(trouble),
    producer: {
      partitionCount: async () => 2,
      close: () => undefined,
      send: async (topic, partition, records) => {
        assert.equal(topic, 'dead');
        calls += 1;
        const sent = read(records, partition);
        answer(calls, records.length, sent);
        letters.push(...sent);
        return 0n;
      },
    },
  });
  return { deadLetters, letters, troubles };
}

function read(records: Buffer, partition: number): Letter[] {
  const cursor = new RecordCursor(new DecodeWorkspace());
  const from = { topic: 'dead', partition, fromOffset: 0n, abortedTransactions: [] };
  cursor.start({ ...from, records, isolation: 'read_uncommitted' });
  const letters: Letter[] = [];
  for (let run = cursor.next(); run !== null; run = cursor.next()) {
    for (let index = 0; index < run.count; index += 1) {
      const start = run.valueStart[index] ?? 0;
      const length = run.valueLength[index] ?? -1;
      const headers = readRecordHeaders(
        run.data,
        run.headersStart[index] ?? 0,
        run.headersLength[index] ?? 0,
      );
      letters.push({
        partition,
        value: length < 0 ? null : run.data.toString('utf8', start, start + length),
        headers: Object.fromEntries(headers.map(({ key, value }) => [key, String(value)])),
      });
    }
  }
  return letters;
}

const TOO_LARGE = () => fail('KAFKA_MESSAGE_TOO_LARGE', { topic: 'dead' });
const BUSY = () => fail('KAFKA_BROKER_BUSY', { broker: 'b:1', api: 'Produce', error: 'X' });

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('a message with several rejected rows is one letter, as it came, with the first reason', async () => {
  const rejected = await rejectedOf(['1\nx\ny', '2', 'z']);
  assert.equal(rejected.count, 3);
  const { deadLetters, letters } = topicOf();
  const begun = fixture.begin();
  await deadLetters.send(rejected, begun, signal);
  assert.deepEqual(
    letters.map(({ partition, value, headers }) => [
      partition,
      value,
      headers['__connect.errors.offset'],
      headers['__connect.errors.partition'],
    ]),
    [
      [1, '1\nx\ny', '0', '5'],
      [1, 'z', '2', '5'],
    ],
  );
  assert.deepEqual(letters[0]?.headers, {
    '__connect.errors.topic': 'topic',
    '__connect.errors.partition': '5',
    '__connect.errors.offset': '0',
    '__connect.errors.connector.name': 'db.job',
    '__connect.errors.exception.class.name': 'VALUE_OUT_OF_RANGE',
    '__connect.errors.exception.message':
      "NULL value in non-nullable column 'id': 'x' does not convert to int(11)",
    '__millrace.errors.transaction': String(begun.transactionId),
    '__millrace.errors.label': begun.label,
    '__millrace.errors.column': 'id',
  });
});

test('many messages go in batches of bounded size, every one of them', async () => {
  const messages = Array.from({ length: 2_500 }, (_, index) => `x${index}${'y'.repeat(500)}`);
  const sizes: number[] = [];
  const { deadLetters, letters } = topicOf((_, bytes) => sizes.push(bytes));
  await deadLetters.send(await rejectedOf(messages), fixture.begin(), signal);
  assert.deepEqual(
    letters.map(({ value }) => value),
    messages,
  );
  assert.ok(sizes.length >= 4 && sizes.every((bytes) => bytes < 1024 * 1024), String(sizes));
});

test('trouble that may pass is tried again and told, and ends the batch when it lasts', async () => {
  const rejected = await rejectedOf(['x']);
  const passing = topicOf((call) => {
    if (call < 3) throw BUSY();
  });
  await passing.deadLetters.send(rejected, fixture.begin(), signal);
  assert.equal(passing.letters.length, 1);
  assert.deepEqual(
    passing.troubles.map((trouble) => trouble?.attempts ?? null),
    [1, 2, null],
  );
  assert.match(passing.troubles[0]?.message ?? '', /^the dead-letter topic dead: /);
  const lasting = topicOf(() => {
    throw BUSY();
  });
  const ended = lasting.deadLetters.send(rejected, fixture.begin(), signal);
  await assert.rejects(ended, hasCode('DEAD_LETTER_UNAVAILABLE'));
});

test('what the topic refuses ends the batch with the reason', async () => {
  const { deadLetters } = topicOf(() => {
    throw fail('KAFKA_AUTHORIZATION', { operation: 'Produce', resource: "topic 'dead'" });
  });
  await assert.rejects(
    deadLetters.send(await rejectedOf(['x']), fixture.begin(), signal),
    (error) => {
      assert.ok(error instanceof AppError && error.code === 'DEAD_LETTER_REFUSED');
      assert.equal(error.kind, 'user');
      assert.match(error.message, /dead-letter topic 'dead': .*topic 'dead'/);
      return true;
    },
  );
});

test('of a message that the topic has no room for only what is wrong arrives; the others arrive whole', async () => {
  const big = `x${'y'.repeat(60_000)}`;
  const limit = (_: number, __: number, sent: readonly Letter[]): void => {
    if (sent.some(({ value }) => (value?.length ?? 0) > 50_000)) throw TOO_LARGE();
  };
  const { deadLetters, letters } = topicOf(limit);
  await deadLetters.send(await rejectedOf(['a', big, 'b']), fixture.begin(), signal);
  assert.deepEqual(
    letters.map(({ value, headers }) => [value, headers['__millrace.errors.value.omitted']]),
    [
      ['a', undefined],
      [null, String(big.length)],
      ['b', undefined],
    ],
  );
});
