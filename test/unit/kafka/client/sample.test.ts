// Samples of a topic: from both ends of all partitions, within every bound, whatever lies between the records.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { type AppError, fail } from '../../../../src/base/errors.ts';
import type { KafkaCluster } from '../../../../src/kafka/client/cluster.ts';
import { type SampleLimits, sampleTopic } from '../../../../src/kafka/client/sample.ts';
import { FakeKafka } from '../../../support/fake-kafka.ts';

const LIMITS: SampleLimits = { messages: 1_000, bytes: 1_000_000, timeMs: 10_000 };

function sample(
  cluster: KafkaCluster,
  limits: Partial<SampleLimits> = {},
  signal = new AbortController().signal,
) {
  const services = { clock: systemClock, signal };
  return sampleTopic(cluster, 'topic', 'read_committed', { ...LIMITS, ...limits }, services);
}

const places = (found: Awaited<ReturnType<typeof sample>>): string[] =>
  found.map(({ partition, offset }) => `${partition}:${offset}`);

describe('which messages', () => {
  test('small partitions whole, of large ones both ends, the newest always', async () => {
    const kafka = new FakeKafka(3, 2);
    kafka.appendValues(0, ['a', 'b']);
    for (let batch = 0; batch < 100; batch += 1)
      kafka.appendValues(
        2,
        Array.from({ length: 10 }, (_, n) => `${batch * 10 + n}`),
      );
    assert.deepEqual(places(await sample(kafka, { messages: 8 })), [
      ...['0:0', '0:1'],
      ...['2:0', '2:1', '2:2', '2:997', '2:998', '2:999'],
    ]);
    assert.deepEqual(places(await sample(kafka, { messages: 1 })), ['0:0']);
    assert.equal((await sample(kafka, { messages: 2_000 })).length, 1_002);
  });

  test('tombstones and keys, not what a transaction took back', async () => {
    const kafka = new FakeKafka(1);
    kafka.append(0, [{ key: Buffer.from('k'), value: null }]);
    kafka.appendTransaction(0, 7n, ['gone'], 'abort');
    kafka.appendTransaction(0, 7n, ['kept'], 'commit');
    const found = await sample(kafka);
    assert.deepEqual(
      found.map(({ key, value }) => [key?.toString(), value?.toString()]),
      [
        ['k', undefined],
        [undefined, 'kept'],
      ],
    );
  });

  test('an empty topic', async () => {
    assert.deepEqual(await sample(new FakeKafka(4)), []);
  });

  test('of very many partitions some', async () => {
    const kafka = new FakeKafka(200);
    for (let partition = 0; partition < 200; partition += 1) kafka.appendValues(partition, ['x']);
    const found = await sample(kafka);
    assert.equal(found.length, 64);
    assert.ok(found.some(({ partition }) => partition > 190));
  });
});

describe('bounds', () => {
  test('bytes', async () => {
    const kafka = new FakeKafka(1);
    for (let batch = 0; batch < 50; batch += 1) kafka.appendValues(0, ['x'.repeat(1_000)]);
    assert.equal((await sample(kafka, { bytes: 4_500 })).length, 5);
  });

  test('time: what was read by then, else an error that says so', async () => {
    const kafka = new FakeKafka(2);
    kafka.appendValues(0, ['a']);
    kafka.appendValues(1, ['b', 'c', 'd']);
    // The second fetch never ends by itself.
    const stuck = (after: number): KafkaCluster => {
      let fetches = 0;
      return {
        topic: (name, options) => kafka.topic(name, options),
        listOffsets: (topic, partitions, at) => kafka.listOffsets(topic, partitions, at),
        fetch: (request) => {
          fetches += 1;
          if (fetches <= after) return kafka.fetch(request);
          return new Promise((_, reject) => {
            request.signal?.addEventListener('abort', () => reject(fail('CANCELLED')));
          });
        },
        close: () => kafka.close(),
      };
    };
    assert.deepEqual(places(await sample(stuck(1), { timeMs: 100 })), ['0:0']);
    await assert.rejects(
      sample(stuck(0), { timeMs: 100 }),
      (thrown: AppError) =>
        thrown.code === 'TIMEOUT' && /sampling topic 'topic'/.test(thrown.message),
    );
    const aborted = new AbortController();
    const work = sample(stuck(0), {}, aborted.signal);
    aborted.abort(fail('CANCELLED'));
    await assert.rejects(work, (thrown: AppError) => thrown.code === 'CANCELLED');
  });

  test('errors of the cluster', async () => {
    const kafka = new FakeKafka(1);
    kafka.appendValues(0, ['a']);
    kafka.failures.push(fail('KAFKA_AUTHORIZATION', { what: 'topic', name: 'topic' }));
    await assert.rejects(
      sample(kafka),
      (thrown: AppError) => thrown.code === 'KAFKA_AUTHORIZATION',
    );
  });
});
