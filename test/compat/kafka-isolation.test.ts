// Transactions as Kafka's own consumer sees them: committed, aborted, open and interleaved ones of several
// producers, in both isolation levels; where positions and lag stand; followers in the client's rack.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { kafkaToolOk, startKafka, writeTransactions } from '../peers/kafka.ts';
import { kcat } from '../peers/kcat.ts';
import { createTopic, produce } from '../peers/topics.ts';
import { readLedger } from '../support/ledger.ts';
import { assertUsers, loadUsers, showJob } from '../support/load-job.ts';
import { childrenOf, peersOf } from '../support/process-tree.ts';
import { newDataDir, startServer } from '../support/start-server.ts';

const RACKS = {
  'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
};
const first = await startKafka({ properties: { ...RACKS, 'broker.rack': 'a' } });
const second = await startKafka({ joins: first, properties: { ...RACKS, 'broker.rack': 'b' } });
const { bootstrap } = first;
const dataDir = newDataDir();
const server = await startServer({ broker: 'off', dataDir });
after(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
  await second.stop();
  await first.stop();
});

type Isolation = 'read_committed' | 'read_uncommitted';

/** What Kafka's console consumer gives, sorted. */
async function consumed(topic: string, isolation: Isolation, count: number): Promise<string[]> {
  const text = await kafkaToolOk('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', bootstrap, '--topic', topic, '--from-beginning'],
    ...['--isolation-level', isolation, '--max-messages', String(count), '--timeout-ms', '20000'],
  ]);
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => String(JSON.parse(line).id)).toSorted();
}

async function loaded(name: string): Promise<string[]> {
  const { rows } = await server.sql(`SELECT id FROM ${name}`);
  return rows.map(([id]) => String(id)).toSorted();
}

async function untilCells(name: string, wanted: Readonly<Record<string, string>>): Promise<void> {
  const until = performance.now() + 30_000;
  for (;;) {
    const row = await showJob(server, name);
    const cells = Object.fromEntries(Object.keys(wanted).map((key) => [key, row[key]]));
    if (JSON.stringify(cells) === JSON.stringify(wanted)) return;
    if (performance.now() > until) assert.deepEqual(cells, wanted);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const COLUMNS = 'id BIGINT, state STRING';

test("interleaved transactions of three producers, in both levels, as Kafka's consumer gives them", async () => {
  const topic = 'mixed';
  await createTopic(bootstrap, topic, 2);
  await writeTransactions(bootstrap, topic, [
    'open@A:commit:0-199',
    'open@B:abort:1000-1299',
    'commit:2000-2049',
    'more@A:commit:200-299',
    'abort@B',
    'open@B:commit:1300-1399',
    'open@C:abort:3000-3099',
    'commit@A',
    'abort:4000-4009',
    'open@A:abort:300-349',
    'more@B:commit:1400-1499',
    'abort@C',
    'commit@B',
    'abort@A',
  ]);
  const committed = 300 + 50 + 200;
  const all = committed + 300 + 100 + 10 + 50;
  for (const [name, isolation, count] of [
    ['mixed_committed', null, committed],
    ['mixed_all', 'read_uncommitted', all],
  ] as const) {
    await loadUsers(server, {
      bootstrap,
      name,
      topic,
      columns: COLUMNS,
      source: isolation === null ? {} : { 'property.isolation.level': isolation },
    });
    await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) >= count);
    const wanted = await consumed(topic, isolation ?? 'read_committed', count);
    assert.equal(wanted.length, count);
    assert.deepEqual(await loaded(name), wanted);
    // 7 transactions, a marker in each partition; behind the last one nothing is left to read.
    const end = all / 2 + 7;
    await untilCells(name, {
      Progress: JSON.stringify({ 0: String(end - 1), 1: String(end - 1) }),
      LatestSourcePosition: JSON.stringify({ 0: String(end), 1: String(end) }),
    });
    const ledger = await readLedger(server, name);
    assert.equal(ledger.consumed, count);
    assert.equal(ledger.aborted, isolation === null ? all - committed : 0);
    assert.equal(ledger.control, 14);
    const check = await server.sql(`CHECK ROUTINE LOAD FOR ${name}`);
    assert.deepEqual(
      check.rows.map(([, , partition, type, text]) => [partition, type, text]),
      [
        ...['0', '1'].map((partition) => [
          partition,
          'note',
          `offsets 0 to ${end}: ${count / 2} messages and ${count / 2} rows read again, as the ledger has them: ${count / 2} loaded, 0 filtered, 0 unselected`,
        ]),
        [null, 'note', `2 partitions, ${count} messages read again`],
        [null, 'status', 'OK'],
      ],
    );
  }
});

test('an open transaction: what lies behind it waits in one level and not in the other; so do position and lag', async () => {
  const topic = 'held';
  await createTopic(bootstrap, topic, 1);
  await writeTransactions(bootstrap, topic, ['commit:0-9', 'open@X:abort:100-119', 'commit:10-19']);
  await kcat(bootstrap, ['-P', '-t', topic], { input: '{"id":20,"state":"commit"}\n' });
  const job = { bootstrap, topic, columns: COLUMNS };
  await loadUsers(server, { ...job, name: 'held_committed' });
  const source = { 'property.isolation.level': 'READ_UNCOMMITTED' };
  await loadUsers(server, { ...job, name: 'held_all', source });
  // 10 rows and a marker, then the open transaction: the last stable offset is 11.
  await untilCells('held_committed', {
    Progress: '{"0":"10"}',
    LatestSourcePosition: '{"0":"11"}',
  });
  assert.deepEqual(await loaded('held_committed'), await consumed(topic, 'read_committed', 10));
  await untilCells('held_all', { Progress: '{"0":"42"}', LatestSourcePosition: '{"0":"43"}' });
  assert.deepEqual(await loaded('held_all'), await consumed(topic, 'read_uncommitted', 41));
  // The producer comes back and commits something else: what it left open is aborted.
  await writeTransactions(bootstrap, topic, ['open@X:commit:200-204', 'commit@X']);
  await server.until('SELECT count(*) FROM held_committed', (value) => Number(value) >= 26);
  assert.deepEqual(await loaded('held_committed'), await consumed(topic, 'read_committed', 26));
  assert.equal((await readLedger(server, 'held_committed')).aborted, 20);
  // 43, its abort marker, 5 rows and their marker.
  for (const name of ['held_committed', 'held_all'])
    await untilCells(name, { Progress: '{"0":"49"}', LatestSourcePosition: '{"0":"50"}' });
  assert.equal(await server.value('SELECT count(*) FROM held_all'), '46');
});

test('OFFSET_END is the last stable offset in read_committed, the end of the log in read_uncommitted', async () => {
  const topic = 'ends';
  await createTopic(bootstrap, topic, 1);
  await writeTransactions(bootstrap, topic, ['commit:0-9', 'open@X:commit:100-109']);
  const job = { bootstrap, topic, columns: COLUMNS };
  const atEnd = { 'property.kafka_default_offsets': 'OFFSET_END' };
  await loadUsers(server, { ...job, name: 'ends_committed', source: atEnd });
  await loadUsers(server, {
    ...job,
    name: 'ends_all',
    source: { ...atEnd, 'property.isolation.level': 'read_uncommitted' },
  });
  await untilCells('ends_committed', { Progress: '{"0":"10"}' });
  await untilCells('ends_all', { Progress: '{"0":"20"}' });
});

test('client.rack: the loader reads from the follower in its rack, transactions too; and from the leader without', async () => {
  const topic = 'racks';
  await kafkaToolOk('org.apache.kafka.tools.TopicCommand', [
    ...['--bootstrap-server', bootstrap, '--create', '--topic', topic],
    ...['--replica-assignment', '1:2'],
  ]);
  await produce(bootstrap, { topic, count: 1000 });
  const followerPort = Number(second.bootstrap.split(':')[1]);
  const fromFollower = (): number =>
    childrenOf(dataDir)
      .filter(({ role }) => role === 'loader')
      .flatMap(({ pid }) => peersOf(pid))
      .filter((port) => port === followerPort).length;
  await loadUsers(server, { bootstrap, name: 'near_leader', topic });
  await assertUsers(server, 'near_leader', 1000);
  const before = fromFollower();
  await loadUsers(server, {
    bootstrap,
    name: 'near_follower',
    topic,
    source: { 'property.client.rack': 'b' },
  });
  await assertUsers(server, 'near_follower', 1000);
  await produce(bootstrap, { topic, first: 1000, count: 1000 });
  await assertUsers(server, 'near_follower', 2000);
  assert.ok(fromFollower() > before, `${fromFollower()} connections to the follower`);
  // Without the follower the leader is read.
  await second.kill();
  await produce(bootstrap, { topic, first: 2000, count: 1000 });
  await assertUsers(server, 'near_follower', 3000);
  assert.equal((await showJob(server, 'near_follower'))['State'], 'RUNNING');
});
