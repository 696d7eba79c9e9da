// The topics of a job: what kafka_topic and kafka_topic_regex may be, and which topics they mean.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import { findTopics, MAX_TOPICS, readTopics } from '../../../../src/loads/routine/topics.ts';

const CONNECTION = { brokers: [], properties: {} };

function probeOf(names: readonly string[]) {
  return {
    topics: async () => names,
    topic: async (_connection: unknown, name: string) => {
      if (!names.includes(name)) throw fail('KAFKA_UNKNOWN_TOPIC', { topic: name });
      return { topicId: null, partitions: [0] };
    },
    offsets: async () => new Map<number, bigint>(),
  };
}

test('what is no choice of topics', () => {
  const refuses = (topic: string, pattern: string | undefined, message: RegExp): void =>
    assert.throws(() => readTopics(topic, pattern), message);
  refuses('', undefined, /kafka_topic is a required property/);
  refuses('', ' ', /kafka_topic is a required property/);
  refuses('a', 'b', /can not both be given/);
  refuses('a,,b', undefined, /has no such name: ''/);
  refuses('a,b,a', undefined, /names a topic twice: a/);
  refuses(Array.from({ length: 65 }, (_, i) => `t${i}`).join(','), undefined, /can read 64 topics/);
  refuses('', '(a+)+', /it repeats a group/);
  refuses('', 'a.*b.*c.*d.*', /too many repetitions and alternatives/);
  refuses('', '(a|a)'.repeat(30), /too many repetitions and alternatives/);
  refuses('', 'a?'.repeat(30), /too many repetitions and alternatives/);
  refuses('', '(?=a)b', /it looks around or back/);
  refuses('', '(a)\\1', /it looks around or back/);
  refuses('', '[a', /can not be used: Invalid regular expression/);
  refuses('', 'a'.repeat(501), /it is too long/);
  assert.deepEqual(readTopics('a,b', undefined), { topic: 'a,b' });
  assert.deepEqual(readTopics('', ' a[*+]\\*(?:b|c).* '), {
    topic: '',
    topicPattern: 'a[*+]\\*(?:b|c).*',
  });
});

test('an expression means the whole names that match, without those of Kafka itself', async () => {
  const names = ['orders_b', 'orders_a', 'my_orders_a', 'orders', '__orders_x'];
  const choice = readTopics('', '.*orders_[a-z]');
  const { topics } = await findTopics(probeOf(names), CONNECTION, choice);
  assert.deepEqual([...topics.keys()], ['my_orders_a', 'orders_a', 'orders_b']);
  const many = Array.from({ length: MAX_TOPICS + 1 }, (_, index) => `t${index}`);
  await assert.rejects(
    findTopics(probeOf(many), CONNECTION, readTopics('', 't.*')),
    /a job can read 64 topics, these are 65: t0, t1/,
  );
});

test('of a list those that are missing are named; one topic alone must be there', async () => {
  const found = await findTopics(probeOf(['a']), CONNECTION, readTopics('a,b', undefined));
  assert.deepEqual([[...found.topics.keys()], found.missing], [['a'], ['b']]);
  await assert.rejects(findTopics(probeOf([]), CONNECTION, readTopics('a', undefined)));
});
