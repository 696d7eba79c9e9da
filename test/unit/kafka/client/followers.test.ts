// Reading from a follower in the client's rack (KIP-392): the leader sends there, and every doubt leads back.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemRandom } from '../../../../src/base/random.ts';
import type { TopicView } from '../../../../src/kafka/client/cluster.ts';
import { groupByLeader, groupByReader } from '../../../../src/kafka/client/cluster.ts';
import { KafkaClient } from '../../../../src/kafka/client/kafka-client.ts';
import { KAFKA_ERROR } from '../../../../src/kafka/protocol/errors.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { startScriptedBroker } from './scripted-broker.ts';

const LEADER = 1;
const FOLLOWER = 2;

async function rig(t: TestContext, rack: string | null) {
  const clock = new ManualClock();
  const racks: string[] = [];
  const answer = (more: object): object => ({
    responses: [
      {
        topic: 't',
        partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 9n, ...more }],
      },
    ],
  });
  const follower = await startScriptedBroker({
    Metadata: () => metadata(),
    Fetch: () => answer({ records: Buffer.from('follower') }),
  });
  const leader = await startScriptedBroker({
    Metadata: () => metadata(),
    Fetch: ({ body }) => {
      racks.push(body.rackId);
      return body.rackId === 'b'
        ? answer({ preferredReadReplica: FOLLOWER, records: Buffer.alloc(0) })
        : answer({ records: Buffer.from('leader') });
    },
  });
  const metadata = (): object => ({
    brokers: [
      { nodeId: LEADER, host: '127.0.0.1', port: leader.port },
      { nodeId: FOLLOWER, host: '127.0.0.1', port: follower.port },
    ],
    topics: [{ errorCode: 0, name: 't', partitions: [partition] }],
  });
  const partition = {
    errorCode: 0,
    partitionIndex: 0,
    leaderId: LEADER,
    leaderEpoch: 3,
    replicaNodes: [LEADER, FOLLOWER],
    isrNodes: [LEADER, FOLLOWER],
  };
  const client = new KafkaClient({
    connection: {
      brokers: [`127.0.0.1:${leader.port}`],
      properties: {
        'metadata.max.age.ms': '1000',
        'reconnect.backoff.ms': '0',
        ...(rack === null ? {} : { 'client.rack': rack }),
      },
    },
    clock,
    random: systemRandom,
  });
  t.after(async () => {
    await client.close();
    await leader.close();
    await follower.close();
  });
  const fetch = async (topic: TopicView) => {
    const { partitions } = await client.fetch({
      topic,
      positions: [{ partition: 0, offset: 0n, maxBytes: 1000 }],
      isolation: 'read_committed',
      minBytes: 1,
      maxWaitMs: 1,
      maxBytes: 1000,
    });
    const [only] = partitions;
    return only?.error?.code ?? only?.records.toString();
  };
  const reader = async () => (await client.topic('t')).partitions[0]?.readFromId ?? LEADER;
  return { clock, client, leader, follower, racks, fetch, reader, answer };
}

test('without a rack, or with another one, the leader is read', async (t) => {
  const { client, racks, fetch, reader } = await rig(t, 'a');
  assert.equal(await fetch(await client.topic('t')), 'leader');
  assert.equal(await reader(), LEADER);
  assert.deepEqual(racks, ['a']);
  const other = await rig(t, null);
  assert.equal(await other.fetch(await other.client.topic('t')), 'leader');
  assert.deepEqual(other.racks, ['']);
});

test('the leader names a follower, which is read for a while; then the leader is asked again', async (t) => {
  const { clock, client, leader, follower, fetch, reader } = await rig(t, 'b');
  assert.equal(await fetch(await client.topic('t')), '');
  const view = await client.topic('t');
  assert.equal(view.partitions[0]?.leaderId, LEADER);
  assert.equal(await reader(), FOLLOWER);
  const positions = [{ partition: 0 }];
  assert.deepEqual([...groupByReader(view, positions).keys()], [FOLLOWER]);
  assert.deepEqual([...groupByLeader(view, positions).keys()], [LEADER]);
  assert.equal(await fetch(view), 'follower');
  assert.equal(follower.asked.filter((api) => api === 'Fetch').length, 1);
  await clock.advance(1001);
  assert.equal(await reader(), LEADER);
  await fetch(await client.topic('t'));
  assert.equal(leader.asked.filter((api) => api === 'Fetch').length, 2);
});

test('a follower that cannot serve is an error to retry, at the leader', async (t) => {
  const { client, follower, fetch, reader, answer } = await rig(t, 'b');
  await fetch(await client.topic('t'));
  // Out of range on a follower says nothing: it may be behind.
  for (const errorCode of [
    KAFKA_ERROR.OFFSET_OUT_OF_RANGE,
    KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  ]) {
    follower.script.Fetch = () => answer({ errorCode, records: null });
    assert.equal(await reader(), FOLLOWER);
    assert.equal(await fetch(await client.topic('t')), 'KAFKA_LEADER_CHANGED');
    assert.equal(await reader(), LEADER);
    await fetch(await client.topic('t'));
  }
  await follower.close();
  await assert.rejects(fetch(await client.topic('t')), { kind: 'retry' });
  assert.equal(await reader(), LEADER);
});
