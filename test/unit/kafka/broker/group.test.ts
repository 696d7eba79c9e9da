// Consumer group membership with a clock of the test's own: joining, syncing, timeouts, fencing.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Group, type JoinRequest } from '../../../../src/kafka/broker/groups/group.ts';
import { KAFKA_ERROR } from '../../../../src/kafka/protocol/errors.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

let clock = new ManualClock();
let group: Group;

beforeEach(() => {
  clock = new ManualClock();
  let next = 0;
  group = new Group('g', clock, 0, () => `m${++next}`);
});

const request = (over: Partial<JoinRequest> = {}): JoinRequest => ({
  memberId: '',
  instanceId: null,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from('x') }],
  needsKnownId: false,
  ...over,
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One member alone, stable in generation 1. */
async function stableAlone(): Promise<string> {
  const joined = await group.join(request());
  assert.equal(joined.leaderId, joined.memberId);
  const assignments = [{ memberId: joined.memberId, assignment: Buffer.from('all') }];
  const synced = await group.sync(joined.memberId, joined.generation, assignments);
  assert.equal(synced.assignment.toString(), 'all');
  assert.equal(group.state, 'Stable');
  return joined.memberId;
}

test('a new member of a newer client is told its id first', async () => {
  const first = await group.join(request({ needsKnownId: true }));
  assert.equal(first.errorCode, KAFKA_ERROR.MEMBER_ID_REQUIRED);
  const second = await group.join(request({ needsKnownId: true, memberId: first.memberId }));
  assert.deepEqual([second.errorCode, second.generation], [0, 1]);
  const stranger = await group.join(request({ memberId: 'made-up' }));
  assert.equal(stranger.errorCode, KAFKA_ERROR.UNKNOWN_MEMBER_ID);
});

test('a second member makes the first join again; the follower waits for the leader to sync', async () => {
  const leader = await stableAlone();
  const joiningTwo = group.join(request());
  await settled();
  assert.equal(group.heartbeat(leader, 1), KAFKA_ERROR.REBALANCE_IN_PROGRESS);
  const one = await group.join(request({ memberId: leader }));
  const two = await joiningTwo;
  assert.deepEqual([one.generation, two.generation, two.leaderId], [2, 2, leader]);
  assert.equal(one.members.length, 2);
  assert.equal(two.members.length, 0, 'only the leader sees who is there');
  let answered = false;
  const followerSync = group.sync(two.memberId, 2, []).then((answer) => {
    answered = true;
    return answer;
  });
  await settled();
  assert.equal(answered, false);
  await group.sync(leader, 2, [
    { memberId: leader, assignment: Buffer.from('A') },
    { memberId: two.memberId, assignment: Buffer.from('B') },
  ]);
  assert.equal((await followerSync).assignment.toString(), 'B');
});

test('a member that goes quiet is dropped after its session timeout', async () => {
  const leader = await stableAlone();
  await clock.advance(9000);
  assert.equal(group.heartbeat(leader, 1), 0);
  await clock.advance(9000);
  assert.equal(group.state, 'Stable');
  await clock.advance(2000);
  assert.equal(group.state, 'Empty');
  assert.equal(group.heartbeat(leader, 1), KAFKA_ERROR.UNKNOWN_MEMBER_ID);
  assert.equal(clock.timers, 0, 'an empty group keeps no timer');
});

test('a member that does not join again within the rebalance timeout is left out', async () => {
  await stableAlone();
  const joiningTwo = group.join(request({ sessionTimeoutMs: 60_000 }));
  await clock.advance(9000);
  assert.equal(group.state, 'PreparingRebalance');
  await clock.advance(22_000);
  const two = await joiningTwo;
  assert.deepEqual([two.errorCode, two.leaderId], [0, two.memberId]);
});

test('a leader that never syncs is dropped and the others are asked to join again', async () => {
  const joiningOne = group.join(request({ sessionTimeoutMs: 600_000 }));
  const one = await joiningOne;
  const joiningTwo = group.join(request({ sessionTimeoutMs: 600_000 }));
  await group.join(request({ memberId: one.memberId, sessionTimeoutMs: 600_000 }));
  const two = await joiningTwo;
  const waiting = group.sync(two.memberId, 2, []);
  await clock.advance(31_000);
  assert.equal((await waiting).errorCode, KAFKA_ERROR.REBALANCE_IN_PROGRESS);
  assert.deepEqual(
    group.members.map((member) => member.id),
    [two.memberId],
  );
});

test('leaving starts a rebalance for those who stay and empties the group at last', async () => {
  const leader = await stableAlone();
  const joiningTwo = group.join(request());
  await group.join(request({ memberId: leader }));
  const two = await joiningTwo;
  assert.equal(group.leave(leader, null), 0);
  assert.equal(group.heartbeat(two.memberId, 2), KAFKA_ERROR.REBALANCE_IN_PROGRESS);
  assert.equal(group.leave(two.memberId, null), 0);
  assert.equal(group.state, 'Empty');
  assert.equal(group.leave(two.memberId, null), KAFKA_ERROR.UNKNOWN_MEMBER_ID);
});

test('a static member that comes back takes its place, and its predecessor is fenced', async () => {
  const first = await group.join(request({ instanceId: 'static-1' }));
  await group.sync(first.memberId, 1, []);
  const second = await group.join(request({ instanceId: 'static-1' }));
  assert.notEqual(second.memberId, first.memberId);
  assert.equal(group.members.length, 1);
  const old = await group.join(request({ instanceId: 'static-1', memberId: first.memberId }));
  assert.equal(old.errorCode, KAFKA_ERROR.FENCED_INSTANCE_ID);
});

test('members must share a protocol', async () => {
  await stableAlone();
  const other = await group.join(
    request({ protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] }),
  );
  assert.equal(other.errorCode, KAFKA_ERROR.INCONSISTENT_GROUP_PROTOCOL);
  const wrongType = await group.join(request({ protocolType: 'connect' }));
  assert.equal(wrongType.errorCode, KAFKA_ERROR.INCONSISTENT_GROUP_PROTOCOL);
});

test('commits are taken from members of the generation, and from outside while nobody is in', async () => {
  assert.equal(group.commitProblem('', -1), 0);
  const leader = await stableAlone();
  assert.equal(group.commitProblem(leader, 1), 0);
  assert.equal(group.commitProblem(leader, 7), KAFKA_ERROR.ILLEGAL_GENERATION);
  assert.equal(group.commitProblem('', -1), KAFKA_ERROR.UNKNOWN_MEMBER_ID);
});

test('a group that begins waits for more members where that is configured', async () => {
  group = new Group('g', clock, 3000, () => `m${clock.timers}`);
  const first = group.join(request());
  await clock.advance(1000);
  const second = group.join(request());
  await clock.advance(2000);
  assert.deepEqual([(await first).generation, (await second).generation], [1, 1]);
});

test('closing answers everybody', async () => {
  await stableAlone();
  const waiting = group.join(request());
  group.close();
  assert.equal((await waiting).errorCode, KAFKA_ERROR.COORDINATOR_NOT_AVAILABLE);
  assert.equal(clock.timers, 0);
});
