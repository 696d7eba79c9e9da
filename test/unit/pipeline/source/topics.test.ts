// Several topics read as one source: nobody starves, nobody waits for an idle one, one that fails fails all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { fail } from '../../../../src/base/errors.ts';
import { parseKafkaProperties } from '../../../../src/kafka/client/properties.ts';
import { BytePages } from '../../../../src/pipeline/source/byte-pages.ts';
import { ColumnPages } from '../../../../src/pipeline/source/column-pages.ts';
import { fetchTuning } from '../../../../src/pipeline/source/fetch-tuning.ts';
import { KafkaSource } from '../../../../src/pipeline/source/kafka.ts';
import { TopicsSource } from '../../../../src/pipeline/source/topics.ts';
import type { SourceTrouble } from '../../../../src/pipeline/types.ts';
import { FakeKafka } from '../../../support/fake-kafka.ts';

const LIMITS = { maxRows: 1_000_000, maxBytes: 1 << 30, waitMs: 100, fillMs: 10_000 };
const signal = new AbortController().signal;

/** One cluster per topic, with one partition. */
function open(clusters: Readonly<Record<string, FakeKafka>>) {
  const troubles: (SourceTrouble | null)[] = [];
  const memory = { columns: new ColumnPages(), bytes: new BytePages() };
  const source = new TopicsSource(
    Object.entries(clusters).map(
      ([topic, cluster]) =>
        (onTrouble) =>
          new KafkaSource({
            cluster,
            spec: {
              topic,
              isolation: 'read_committed',
              partitions: [{ partition: 0, offset: 0n }],
            },
            tuning: fetchTuning(parseKafkaProperties({})),
            clock: systemClock,
            memory,
            onTrouble,
          }),
    ),
    (trouble) => troubles.push(trouble),
  );
  return { source, troubles };
}

test('a topic with much to read does not hold up one with a single message', async () => {
  const [large, small] = [new FakeKafka(1), new FakeKafka(1)];
  large.maxAnswerBytes = 300;
  for (let step = 0; step < 200; step += 1) large.appendValues(0, [`x${step}`]);
  small.appendValues(0, ['only']);
  const { source } = open({ large, small });
  const topics: string[] = [];
  let messages = 0;
  while (messages < 201) {
    const batch = await source.read({ ...LIMITS, maxRows: 10 }, signal);
    assert.ok(batch !== null);
    topics.push(batch.topic);
    messages += batch.messageCount;
    batch.release();
  }
  assert.ok(topics.length > 10);
  assert.ok(topics.indexOf('small') < 3, topics.join(' '));
  assert.deepEqual(
    source
      .latestOffsets()
      .map(({ topic, latestOffset }) => [topic, latestOffset])
      .sort(),
    [
      ['large', 200n],
      ['small', 1n],
    ],
  );
  // An answer without messages that came just now is looked at by the next read.
  do assert.equal(await source.read(LIMITS, signal), null);
  while (source.behind);
  small.appendValues(0, ['late']);
  const late = await source.read({ ...LIMITS, waitMs: 5_000 }, signal);
  assert.deepEqual([late?.topic, late?.ranges[0]?.toOffset], ['small', 2n]);
  late?.release();
  await source.close();
});

test('an idle topic does not hold up the others; closing ends what is under way', async () => {
  const [busy, idle] = [new FakeKafka(1), new FakeKafka(1)];
  busy.appendValues(0, ['a']);
  const { source } = open({ idle, busy });
  const startedMs = performance.now();
  const batch = await source.read({ ...LIMITS, waitMs: 60_000 }, signal);
  assert.ok(performance.now() - startedMs < 30_000);
  assert.equal(batch?.topic, 'busy');
  batch?.release();
  await source.close();
});

test('an error of one topic is thrown and names it; trouble is shown until the last is over', async () => {
  const [gone, well] = [new FakeKafka(1), new FakeKafka(1)];
  gone.failures.push(
    fail('KAFKA_LEADER_CHANGED', { topic: 'gone', partition: 0, reason: 'moved' }),
    fail('KAFKA_UNKNOWN_TOPIC', { topic: 'gone' }),
  );
  const { source, troubles } = open({ gone, well });
  await assert.rejects(
    source.read({ ...LIMITS, waitMs: 30_000 }, signal),
    (error: { fields?: { topic?: string } }) => error.fields?.topic === 'gone',
  );
  assert.match(troubles[0]?.message ?? '', /moved/);
  await source.close();
});
