// What happens to topics while jobs read them, on Apache Kafka and on the embedded broker: they grow, lose messages by
// retention and compaction, are deleted and made again; where jobs begin, which topics they read, where ALTER moves them.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { startKafka } from '../peers/kafka.ts';
import { kcatAll } from '../peers/kcat.ts';
import {
  assertPlaced,
  type Broker,
  loadPlaced,
  openBroker,
  send,
  sendIds,
  startConfigured,
} from '../support/conformance-case.ts';
import { readLedger } from '../support/ledger.ts';
import { errorOf, resume, showJob, untilState } from '../support/load-job.ts';
import { childrenOf } from '../support/process-tree.ts';
import { newDataDir } from '../support/start-server.ts';

const peer = await startKafka({
  properties: {
    'log.retention.check.interval.ms': '300',
    'log.initial.task.delay.ms': '500',
    'log.cleaner.backoff.ms': '300',
  },
});
const dataDir = newDataDir();
const SETTINGS = 'routine_load_scheduler_interval_millisecond = 500\n';
let server = await startConfigured(dataDir, SETTINGS);
const kafka = await openBroker('Kafka', peer.bootstrap);
const embedded = await openBroker('the embedded broker', server.bootstrap);
const brokers = [kafka, embedded];
after(async () => {
  await kafka.topics.close();
  await embedded.topics.close();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
  await peer.stop();
});

/** A name for table, job and topic that no other test has. */
const named = (name: string, broker: Broker): string => `${name}_${brokers.indexOf(broker)}`;

async function reasonOf(name: string, state: string): Promise<string> {
  return (await untilState(server, name, state))['ReasonOfStateChanged'] ?? '';
}

for (const broker of brokers) {
  test(`${broker.name}: partitions that are added while rows flow`, async () => {
    const name = named('growing', broker);
    await broker.topics.create(name, 1);
    await loadPlaced(server, broker, { name });
    await loadPlaced(server, broker, {
      name: `${name}_end`,
      topic: name,
      source: { 'property.kafka_default_offsets': 'OFFSET_END' },
    });
    await sendIds(broker, name, { first: 0, count: 3000, partitions: [0] });
    await broker.topics.grow(name, 3);
    await sendIds(broker, name, { first: 3000, count: 3000, partitions: [0, 1, 2] });
    await assertPlaced(server, name, [{ first: 0, count: 6000 }]);
    // It begins new partitions at their end: what came before they were found is left out, nothing after that.
    const found = `SELECT count(*) FROM information_schema.routine_load_partitions WHERE JOB_NAME = '${name}_end'`;
    await server.until(found, (value) => value === '3');
    await sendIds(broker, name, { first: 6000, count: 3000, partitions: [0, 1, 2] });
    const late = `SELECT count(*), count(DISTINCT _partition), count(DISTINCT id) FROM ${name}_end WHERE id >= 6000`;
    await server.until(late, (value) => value === '3000');
    assert.deepEqual((await server.sql(late)).rows, [['3000', '3', '3000']]);
    assert.equal(
      await server.value(`SELECT count(*) FROM ${name}_end WHERE _partition = 0`),
      '5000',
    );
    assert.deepEqual([...(await readLedger(server, name)).toOffset.keys()], [0, 1, 2]);
  });

  test(`${broker.name}: a topic that is made again while its job runs, and while it is paused`, async () => {
    for (const paused of [false, true]) {
      const name = named(paused ? 'again_paused' : 'again_running', broker);
      await broker.topics.create(name, 2);
      await loadPlaced(server, broker, { name });
      await sendIds(broker, name, { first: 0, count: 1000, partitions: [0, 1] });
      await assertPlaced(server, name, [{ first: 0, count: 1000 }]);
      if (paused) await server.sql(`PAUSE ROUTINE LOAD FOR ${name}`);
      await broker.topics.remake(name, 2);
      // More than before, so that the old positions would be inside of the new topic.
      await sendIds(broker, name, { first: 5000, count: 3000, partitions: [0, 1] });
      if (paused) await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
      let reason = await reasonOf(name, 'PAUSED');
      if (reason.includes('does not exist')) {
        // Seen between the two: this heals by itself, and the new topic is seen then.
        await resume(server, name);
        reason = await reasonOf(name, 'PAUSED');
      }
      assert.match(reason, /errCode = 5607.* was deleted and created again \(id .*, now .*\)/);
      assert.equal(await server.value(`SELECT count(*) FROM ${name} WHERE id >= 1000`), '0');
      await server.sql(
        `ALTER ROUTINE LOAD FOR ${name} FROM KAFKA ("property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
      );
      await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
      await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) >= 4000);
      const { rows } = await server.sql(
        `SELECT count(*), count(DISTINCT id), min(id), max(id) FROM ${name} WHERE id >= 5000`,
      );
      assert.deepEqual(rows, [['3000', '3000', '5000', '7999']]);
      const ledger = await readLedger(server, name);
      assert.deepEqual([ledger.loaded, ledger.consumed], [4000, 4000]);
      assert.deepEqual(
        [...ledger.toOffset],
        [
          [0, 1500],
          [1, 1500],
        ],
      );
    }
  });

  test(`${broker.name}: topics by an expression, one made later, one made again, and by a list`, async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((letter) => `${named('many', broker)}_${letter}`);
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const name = named('by_expression', broker);
    await broker.topics.create(a, 2);
    await broker.topics.create(b, 1);
    await loadPlaced(server, broker, {
      name,
      source: { kafka_topic_regex: `${named('many', broker)}_.` },
    });
    await loadPlaced(server, broker, { name: `${name}_list`, topic: `${a},${b}` });
    await sendIds(broker, a, { first: 0, count: 1000, partitions: [0, 1] });
    await sendIds(broker, b, { first: 1000, count: 1000, partitions: [0] });
    await broker.topics.create(c, 1);
    await sendIds(broker, c, { first: 2000, count: 1000, partitions: [0] });
    await assertPlaced(server, name, [{ first: 0, count: 3000 }]);
    await assertPlaced(server, `${name}_list`, [{ first: 0, count: 2000 }]);
    const byTopic = `SELECT _topic, count(*), max(_offset) FROM ${name} GROUP BY _topic ORDER BY 1`;
    assert.deepEqual((await server.sql(byTopic)).rows, [
      [a, '1000', '499'],
      [b, '1000', '999'],
      [c, '1000', '999'],
    ]);
    // Made again while the job is paused, with more messages than before.
    await server.sql(`PAUSE ROUTINE LOAD FOR ${name}`);
    await broker.topics.remake(b, 1);
    await sendIds(broker, b, { first: 3000, count: 1500, partitions: [0] });
    await sendIds(broker, a, { first: 4500, count: 500, partitions: [1] });
    await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
    await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) >= 5000);
    const { rows } = await server.sql(`SELECT count(*), count(DISTINCT id), sum(id) FROM ${name}`);
    assert.deepEqual(rows, [['5000', '5000', String((5000 * 4999) / 2)]]);
    assert.equal((await showJob(server, name))['State'], 'RUNNING');
    // The list's job reads on meanwhile, whether it saw the topic go or only that it is another.
    const late = `SELECT count(DISTINCT id), count(*) FROM ${name}_list WHERE id >= 3000`;
    await server.until(late, (value) => value === '2000');
    assert.deepEqual((await server.sql(late)).rows, [['2000', '2000']]);
  });

  test(`${broker.name}: jobs begin at a time, at a distance from an end, at offsets`, async () => {
    const topic = named('starts', broker);
    // The messages are older than what brokers keep.
    await broker.topics.create(topic, 2, { 'retention.ms': '-1' });
    const hour = Date.UTC(2026, 0, 5, 10);
    // Ids 0-199 at 10:00:00, 200-399 at 11:00:00, 400-599 at 12:00:00; half of each in either partition.
    for (const index of [0, 1, 2]) {
      await sendIds(
        broker,
        topic,
        { first: index * 200, count: 200, partitions: [0, 1] },
        { timestampMs: hour + index * 3_600_000 },
      );
    }
    const starts: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
      ['time', { 'property.kafka_default_offsets': '2026-01-05 11:00:00' }, 400],
      ['late', { 'property.kafka_default_offsets': `TIMESTAMP:${hour + 7_000_000}` }, 200],
      ['never', { 'property.kafka_default_offsets': '2026-01-05 13:00:00' }, 0],
      ['minus', { 'property.kafka_default_offsets': 'OFFSET_END - 30' }, 60],
      ['plus', { 'property.kafka_default_offsets': 'OFFSET_BEGINNING + 290' }, 20],
      ['beyond', { 'property.kafka_default_offsets': 'OFFSET_END - 100000' }, 600],
      ['each', { kafka_partitions: '0,1', kafka_offsets: '295,OFFSET_END-7' }, 12],
    ];
    for (const [name, source] of starts)
      await loadPlaced(server, broker, {
        name: `${topic}_${name}`,
        topic,
        source,
        properties: { timezone: 'UTC' },
      });
    await sendIds(broker, topic, { first: 600, count: 10, partitions: [0, 1] });
    for (const [name, , count] of starts) {
      const table = `${topic}_${name}`;
      await server.until(`SELECT count(*) FROM ${table}`, (value) => Number(value) >= count + 10);
      const { rows } = await server.sql(
        `SELECT count(*), count(DISTINCT id), max(id), count(DISTINCT _partition) FROM ${table}`,
      );
      assert.deepEqual(rows, [[String(count + 10), String(count + 10), '609', '2']], name);
      assert.equal((await readLedger(server, table)).consumed, count + 10);
    }
    const { rows } = await server.sql(
      `SELECT min(id), min(_timestamp) FROM ${topic}_time WHERE id < 600`,
    );
    assert.deepEqual(rows, [['200', '2026-01-05 11:00:00']]);
  });

  test(`${broker.name}: metadata in WHERE; times of the producer and of the broker`, async () => {
    const topic = named('when', broker);
    const byBroker = `${topic}_appended`;
    await broker.topics.create(topic, 2, { 'retention.ms': '-1' });
    await broker.topics.create(byBroker, 2, { 'message.timestamp.type': 'LogAppendTime' });
    const timestampMs = Date.UTC(2026, 0, 5, 10, 0, 0, 250);
    const ids = { first: 0, count: 600, partitions: [0, 1] };
    for (const [index, name] of [topic, byBroker].entries()) {
      const before = new Date().toISOString().slice(0, 19).replace('T', ' ');
      await sendIds(broker, name, ids, { timestampMs });
      await loadPlaced(server, broker, {
        name,
        where: `_partition = 1 AND _offset >= 100 AND _timestamp IS NOT NULL AND _topic = '${name}'`,
        properties: { timezone: 'UTC' },
      });
      await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '200');
      const { rows } = await server.sql(
        `SELECT count(DISTINCT _offset), min(_offset), min(id), max(id), min(_partition) FROM ${name}`,
      );
      assert.deepEqual(rows, [['200', '100', '201', '599', '1']]);
      const when = `SELECT count(*) FROM ${name} WHERE _timestamp = '2026-01-05 10:00:00.250'`;
      assert.equal(await server.value(when), index === 0 ? '200' : '0');
      const now = `SELECT count(*) FROM ${name} WHERE _timestamp BETWEEN '${before}' AND date_add('${before}', INTERVAL 1 HOUR)`;
      assert.equal(await server.value(now), index === 0 ? '0' : '200');
      const ledger = await readLedger(server, name);
      assert.deepEqual([ledger.consumed, ledger.loaded, ledger.unselected], [600, 200, 400]);
    }
  });

  test(`${broker.name}: ALTER moves a job to another topic and back`, async () => {
    const name = named('moved', broker);
    await broker.topics.create(name, 1);
    await broker.topics.create(`${name}_to`, 2);
    await sendIds(broker, name, { first: 0, count: 500, partitions: [0] });
    await sendIds(broker, `${name}_to`, { first: 500, count: 500, partitions: [0, 1] });
    await loadPlaced(server, broker, { name });
    await assertPlaced(server, name, [{ first: 0, count: 500 }]);
    const alter = async (source: string): Promise<void> => {
      await server.sql(`PAUSE ROUTINE LOAD FOR ${name}`);
      await server.sql(`ALTER ROUTINE LOAD FOR ${name} FROM KAFKA (${source})`);
      await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
    };
    await alter(`"kafka_topic" = "${name}_to"`);
    await assertPlaced(server, name, [{ first: 0, count: 1000 }]);
    // The same cluster by another name: positions stay.
    const port = broker.bootstrap.split(':')[1];
    await alter(`"kafka_broker_list" = "localhost:${port}"`);
    await sendIds(broker, `${name}_to`, { first: 1000, count: 500, partitions: [0, 1] });
    await assertPlaced(server, name, [{ first: 0, count: 1500 }]);
    await sendIds(broker, name, { first: 1500, count: 10, partitions: [0] });
    await alter(
      `"kafka_topic" = "${name}", "kafka_partitions" = "0", "kafka_offsets" = "OFFSET_END - 10"`,
    );
    await assertPlaced(server, name, [{ first: 0, count: 1510 }]);
  });
}

test('Kafka: ALTER moves a job to another cluster only when it says where to begin', async () => {
  for (const broker of brokers) await broker.topics.create('clusters', 1);
  await sendIds(kafka, 'clusters', { first: 0, count: 300, partitions: [0] });
  await sendIds(embedded, 'clusters', { first: 300, count: 700, partitions: [0] });
  await loadPlaced(server, kafka, { name: 'clusters' });
  await assertPlaced(server, 'clusters', [{ first: 0, count: 300 }]);
  await server.sql('PAUSE ROUTINE LOAD FOR clusters');
  const other = `"kafka_broker_list" = "${embedded.bootstrap}"`;
  assert.match(
    await errorOf(server, `ALTER ROUTINE LOAD FOR clusters FROM KAFKA (${other})`),
    /topic clusters at the new brokers is not known to be the one that the job read/,
  );
  await server.sql(
    `ALTER ROUTINE LOAD FOR clusters FROM KAFKA (${other}, "kafka_partitions" = "0", "kafka_offsets" = "OFFSET_BEGINNING")`,
  );
  await server.sql('RESUME ROUTINE LOAD FOR clusters');
  await server.until('SELECT count(*) FROM clusters', (value) => Number(value) >= 1000);
  const { rows } = await server.sql('SELECT count(*), count(DISTINCT id), sum(id) FROM clusters');
  assert.deepEqual(rows, [['1000', '1000', String((1000 * 999) / 2)]]);
});

/** Deletes what is older than a second, a segment at a time. */
const SHORT = { 'retention.ms': '1000', 'segment.ms': '500', 'file.delete.delay.ms': '100' };

async function untilLow(topic: string, low: number): Promise<void> {
  const until = performance.now() + 30_000;
  for (;;) {
    const found = (await kafka.topics.offsets(topic)).get(0)?.low ?? 0;
    if (found >= low) return;
    if (performance.now() > until) assert.fail(`${topic} begins at ${found}, not ${low}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('Kafka: retention that deletes what was loaded does nothing to a running job', async () => {
  await kafka.topics.create('kept_up', 1, SHORT);
  await loadPlaced(server, kafka, { name: 'kept_up' });
  for (const first of [0, 500, 1000]) {
    await sendIds(kafka, 'kept_up', { first, count: 500, partitions: [0] });
    await assertPlaced(server, 'kept_up', [{ first: 0, count: first + 500 }]);
    // Also when nothing at all is left: the job stands at the end, which is where the log begins.
    await untilLow('kept_up', first + 500);
  }
  await sendIds(kafka, 'kept_up', { first: 1500, count: 500, partitions: [0] });
  await assertPlaced(server, 'kept_up', [{ first: 0, count: 2000 }]);
  const job = await showJob(server, 'kept_up');
  assert.deepEqual([job['State'], job['ReasonOfStateChanged']], ['RUNNING', '']);
  const checked = await check('kept_up');
  assert.match(checked[0] ?? '', /^note: offsets 0 to (1500|2000) are deleted: not checkable$/);
  assert.match(checked[1] ?? '', /^note: .* have (500|0) of the 2000 messages of the ledger$/);
  assert.equal(checked.at(-1), 'status: OK');
});

/** The lines of CHECK ROUTINE LOAD. */
async function check(job: string): Promise<readonly string[]> {
  const { rows } = await server.sql(`CHECK ROUTINE LOAD FOR ${job}`);
  return rows.map(([, , , type, text]) => `${type}: ${text}`);
}

test('Kafka: retention that deletes unread messages pauses the job with what is lost, running or paused', async () => {
  const loaders = (): number[] =>
    childrenOf(dataDir).flatMap(({ pid, role }) => (role === 'loader' ? [pid] : []));
  for (const name of ['lost_running', 'lost_paused']) {
    const paused = name === 'lost_paused';
    await kafka.topics.create(name, 1, SHORT);
    await loadPlaced(server, kafka, { name });
    await sendIds(kafka, name, { first: 0, count: 500, partitions: [0] });
    await assertPlaced(server, name, [{ first: 0, count: 500 }]);
    // A running job that is slower than retention: its loader stands still for a while.
    const pids = paused ? [] : loaders();
    if (paused) await server.sql(`PAUSE ROUTINE LOAD FOR ${name}`);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      await sendIds(kafka, name, { first: 500, count: 1000, partitions: [0] });
      await untilLow(name, 1500);
      await sendIds(kafka, name, { first: 1500, count: 100, partitions: [0] });
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    if (paused) await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
    const reason = await reasonOf(name, 'PAUSED');
    assert.match(
      reason,
      new RegExp(
        `offset 500 of Kafka topic '${name}' partition 0 is out of range: the partition holds 1[56]00 to 1600`,
      ),
    );
    assert.match(reason, /retention/);
    assert.equal(await server.value(`SELECT count(*) FROM ${name}`), '500');
    await server.sql(
      `ALTER ROUTINE LOAD FOR ${name} FROM KAFKA ("kafka_partitions" = "0", "kafka_offsets" = "OFFSET_BEGINNING")`,
    );
    await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
    await sendIds(kafka, name, { first: 1600, count: 100, partitions: [0] });
    const after1600 = `SELECT count(*) FROM ${name} WHERE id >= 1600`;
    await server.until(after1600, (value) => value === '100');
    assert.equal(await server.value(`SELECT count(*) - count(DISTINCT _offset) FROM ${name}`), '0');
    const { rows } = await server.sql(
      `SELECT SEGMENT, FROM_OFFSET FROM information_schema.routine_load_ledger WHERE JOB_NAME = '${name}' ORDER BY SEGMENT`,
    );
    assert.equal(rows.length, 2);
    assert.deepEqual(rows[0], ['1', '0']);
    assert.ok(Number(rows[1]?.[1]) >= 1500);
    await readLedger(server, name);
    const checked = await check(name);
    const moved = /^warning: offsets 500 to 1[56]00 were not read: the position was moved/;
    assert.match(checked[0] ?? '', moved);
    assert.equal(checked.at(-1), 'status: OK');
  }
});

test('Kafka: a topic that is compacted below and above the position of its job', async () => {
  const name = 'compacted';
  await kafka.topics.create(name, 1, {
    'cleanup.policy': 'compact',
    'segment.ms': '300',
    'min.cleanable.dirty.ratio': '0.01',
    'file.delete.delay.ms': '100',
  });
  /** Each key once: the id is the round's. */
  const round = async (first: number): Promise<void> => {
    const keys = Array.from({ length: 200 }, (_, key) => key);
    await send(
      kafka,
      keys.map((key) => ({
        topic: name,
        partition: 0,
        key: Buffer.from(String(key)),
        value: Buffer.from(`{"id":${first + key}}`),
      })),
    );
    await new Promise((resolve) => setTimeout(resolve, 400));
  };
  await round(0);
  await loadPlaced(server, kafka, { name });
  await assertPlaced(server, name, [{ first: 0, count: 200 }]);
  await server.sql(`PAUSE ROUTINE LOAD FOR ${name}`);
  for (const first of [200, 400, 600]) await round(first);
  // Keeps the active segment away from them, and is never compacted away.
  const last = { topic: name, partition: 0, key: Buffer.from('last') };
  await send(kafka, [{ ...last, value: Buffer.from('{"id":800}') }]);
  const left = async (): Promise<string[]> =>
    (await kcatAll(kafka.bootstrap, name, '%o\n')).trim().split('\n');
  const until = performance.now() + 30_000;
  let offsets = await left();
  while (offsets.length > 201 && performance.now() < until) offsets = await left();
  assert.equal(offsets.length, 201, 'Kafka compacted the topic');
  await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
  await assertPlaced(server, name, [
    { first: 0, count: 200 },
    { first: 600, count: 201 },
  ]);
  const loaded = await server.sql(`SELECT _offset FROM ${name} WHERE id >= 200 ORDER BY _offset`);
  assert.deepEqual(
    loaded.rows.map((row) => row[0]),
    offsets,
  );
  const ledger = await readLedger(server, name);
  assert.deepEqual([ledger.gap, ledger.toOffset.get(0)], [400, 801]);
  assert.deepEqual((await check(name)).slice(0, -2), [
    'warning: offsets 0 to 801 have 201 messages, the ledger has 401: 200 are no longer in the topic (compaction), not checkable',
  ]);
});

test('Kafka: a partition that lost its messages is shorter than the position: the job says so', async () => {
  const name = 'shorter';
  await kafka.topics.create(name, 1);
  await loadPlaced(server, kafka, { name });
  await sendIds(kafka, name, { first: 0, count: 500, partitions: [0] });
  await assertPlaced(server, name, [{ first: 0, count: 500 }]);
  await peer.shutdown();
  await peer.loseMessages(name, 0);
  await peer.start();
  await sendIds(kafka, name, { first: 500, count: 100, partitions: [0] });
  assert.match(
    await reasonOf(name, 'PAUSED'),
    /errCode = 5607, msg='Consume offset: 500 is greater than the latest offset: \d+ in kafka partition: 0\. You can modify 'kafka_offsets'/,
  );
  assert.equal(await server.value(`SELECT count(*) FROM ${name}`), '500');
  await server.sql(
    `ALTER ROUTINE LOAD FOR ${name} FROM KAFKA ("kafka_partitions" = "0", "kafka_offsets" = "OFFSET_BEGINNING")`,
  );
  await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
  const ids = `SELECT count(DISTINCT id) FROM ${name}`;
  await server.until(ids, (value) => value === '600');
  assert.equal(await server.value(`SELECT count(*) FROM ${name}`), '600');
  assert.equal((await readLedger(server, name)).consumed, 600);
});

test('Kafka: a topic that is made again while the server is down', async () => {
  const name = 'again_down';
  await kafka.topics.create(name, 1);
  await loadPlaced(server, kafka, { name });
  await sendIds(kafka, name, { first: 0, count: 100, partitions: [0] });
  await assertPlaced(server, name, [{ first: 0, count: 100 }]);
  await server.kill();
  await kafka.topics.remake(name, 1);
  await sendIds(kafka, name, { first: 1000, count: 400, partitions: [0] });
  server = await startConfigured(dataDir, SETTINGS);
  await server.sql('USE conformance');
  assert.match(await reasonOf(name, 'PAUSED'), /was deleted and created again/);
  assert.equal(await server.value(`SELECT count(*) FROM ${name}`), '100');
});
