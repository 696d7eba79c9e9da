// Routine Load from Apache Kafka: every codec, transactions, compaction, restarts and kills of the broker,
// and what goes wrong with topics and offsets.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { kafkaToolOk, startKafka, writeTransactions } from '../peers/kafka.ts';
import { kcat, kcatAll } from '../peers/kcat.ts';
import { createTopic, deleteTopic, produce, produceWithJava } from '../peers/topics.ts';
import { readLedger } from '../support/ledger.ts';
import {
  assertUsers,
  createJob,
  createUsers,
  errorOf,
  loadUsers,
  showJob,
  untilState,
} from '../support/load-job.ts';
import { newDataDir, startServer } from '../support/start-server.ts';

const kafka = await startKafka();
const { bootstrap } = kafka;
const server = await startServer({ broker: 'off' }).catch(async (error: unknown) => {
  await kafka.stop();
  throw error;
});
after(async () => {
  await server.stop();
  await kafka.stop();
});

for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const)
  test(`four partitions, ${codec} by Java and by librdkafka`, async () => {
    const name = `users_${codec}`;
    await createTopic(bootstrap, name, 4);
    await produceWithJava(bootstrap, { topic: name, count: 20_000, codec });
    await loadUsers(server, { bootstrap, name });
    await produce(bootstrap, { topic: name, first: 20_000, count: 20_000, codec });
    await assertUsers(server, name, 40_000);
    const { toOffset } = await readLedger(server, name);
    assert.deepEqual([...toOffset.keys()], [0, 1, 2, 3]);
  });

test('read_committed: rows of aborted transactions never show, their gaps never stall', async () => {
  const name = 'transactions';
  await createTopic(bootstrap, name, 2);
  await writeTransactions(bootstrap, name, [
    'commit:0-999',
    // Twice in a row by one producer, and one that spans many batches.
    'abort:1000-1009',
    'abort:1010-1019',
    'abort:10000-39999',
    'commit:1020-1999',
    'abort:2000-2009',
  ]);
  await loadUsers(server, { bootstrap, name, columns: 'id BIGINT, state STRING' });
  await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '1980');
  // The last transaction was aborted: the position passes over it all the same.
  const ended = '{"0":"16010","1":"16010"}';
  for (let i = 0; i < 100 && (await showJob(server, name))['Progress'] !== ended; i += 1)
    await sleep(100);
  assert.equal((await showJob(server, name))['Progress'], ended);
  const { rows } = await server.sql(
    `SELECT state, count(*), count(DISTINCT id), sum(id) FROM ${name} GROUP BY state`,
  );
  const sum = 999 * 500 + (1020 + 1999) * 490;
  assert.deepEqual(rows, [['commit', '1980', '1980', String(sum)]]);
  const ledger = await readLedger(server, name);
  assert.equal(ledger.consumed, 1980);
  assert.equal(ledger.aborted, 30_030);
  assert.equal(ledger.control, 12);
});

test('an open transaction holds its rows back, and what comes after it', async () => {
  const name = 'open_transaction';
  await createTopic(bootstrap, name, 1);
  await writeTransactions(bootstrap, name, ['commit:0-9', 'hang:10-19']);
  await kcat(bootstrap, ['-P', '-t', name], { input: '{"id":20,"state":"commit"}\n' });
  await loadUsers(server, { bootstrap, name, columns: 'id BIGINT, state STRING' });
  await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '10');
  await sleep(1500);
  assert.equal(await server.value(`SELECT count(*) FROM ${name}`), '10');
  // The same producer comes back: its open transaction is aborted.
  await writeTransactions(bootstrap, name, ['commit:21-30']);
  await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '21');
  assert.equal(await server.value(`SELECT count(*) FROM ${name} WHERE state = 'hang'`), '0');
  assert.equal((await readLedger(server, name)).aborted, 10);
});

test('a compacted topic: gaps are passed over and counted', async () => {
  const name = 'compacted';
  await createTopic(bootstrap, name, 1, {
    'cleanup.policy': 'compact',
    'segment.ms': '500',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '600000',
  });
  const lines = (round: number): string =>
    Array.from({ length: 200 }, (_, key) => `${key}|{"id":${key},"name":"round-${round}"}\n`).join(
      '',
    );
  const send = (input: string, more: readonly string[] = []): Promise<string> =>
    kcat(bootstrap, ['-P', '-t', name, '-K', '|', ...more], { input });
  for (const round of [1, 2, 3]) {
    await send(lines(round));
    await sleep(600);
  }
  // Tombstones, then something newer that keeps the active segment away from them.
  await send('0|\n1|\n', ['-Z']);
  await sleep(600);
  await send('last|{"id":1000,"name":"round-4"}\n');
  const left = async (): Promise<string[]> =>
    (await kcatAll(bootstrap, name, '%o\n')).trim().split('\n');
  let offsets = await left();
  for (let i = 0; i < 60 && offsets.length > 201; i += 1) {
    await sleep(500);
    offsets = await left();
  }
  assert.equal(offsets.length, 201, 'Kafka compacted the topic');

  await loadUsers(server, { bootstrap, name });
  await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '199');
  const { rows } = await server.sql(
    `SELECT count(DISTINCT id), min(id), max(id), sum(CASE WHEN name = 'round-3' THEN 1 ELSE 0 END) FROM ${name}`,
  );
  assert.deepEqual(rows, [['199', '2', '1000', '198']]);
  const ledger = await readLedger(server, name);
  assert.equal(ledger.toOffset.get(0), 603);
  assert.equal(ledger.consumed, 199);
  assert.equal(ledger.empty, 2);
  assert.equal(ledger.gap, 402);
});

test('partitions that are added are found and read from their beginning', async () => {
  const name = 'growing';
  await createTopic(bootstrap, name, 1);
  await loadUsers(server, { bootstrap, name });
  await produce(bootstrap, { topic: name, count: 1000 });
  await assertUsers(server, name, 1000);
  await kafkaToolOk('org.apache.kafka.tools.TopicCommand', [
    ...['--bootstrap-server', bootstrap, '--alter', '--topic', name, '--partitions', '3'],
  ]);
  await produce(bootstrap, { topic: name, first: 1000, count: 20_000 });
  await assertUsers(server, name, 21_000);
  assert.deepEqual([...(await readLedger(server, name)).toOffset.keys()], [0, 1, 2]);
});

test('the broker restarts and is killed while rows flow: each row once', async () => {
  const name = 'restarts';
  await createTopic(bootstrap, name, 2);
  await loadUsers(server, { bootstrap, name });
  const producing = produce(bootstrap, { topic: name, count: 60_000, rate: 4000 });
  await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) > 1000);
  await kafka.restart();
  await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) > 15_000);
  await kafka.kill();
  await sleep(500);
  await kafka.start();
  await producing;
  await assertUsers(server, name, 60_000);
  assert.equal((await showJob(server, name))['State'], 'RUNNING');
});

test('what is wrong with a topic or a broker is said at CREATE', async () => {
  await createUsers(server, 'wrong');
  const create = (source: string): Promise<string> =>
    errorOf(
      server,
      `CREATE ROUTINE LOAD wrong ON wrong PROPERTIES ("format" = "json") FROM KAFKA (${source})`,
    );
  const broker = `"kafka_broker_list" = "${bootstrap}"`;
  assert.match(
    await create(`${broker}, "kafka_topic" = "no_such_topic"`),
    /Kafka topic 'no_such_topic' does not exist/,
  );
  assert.match(
    await create(`"kafka_broker_list" = "127.0.0.1:1", "kafka_topic" = "growing"`),
    /cannot reach Kafka at 127\.0\.0\.1:1.*ECONNREFUSED/,
  );
  assert.match(
    await create(`"kafka_broker_list" = "no-such-host.invalid:9092", "kafka_topic" = "growing"`),
    /cannot reach Kafka at no-such-host\.invalid:9092/,
  );
  assert.match(
    await create(
      `"kafka_broker_list" = "127.0.0.1:${server.ready.httpPort}", "kafka_topic" = "growing"`,
    ),
    /does not speak the Kafka protocol/,
  );
  assert.match(
    await create(`${broker}, "kafka_topic" = "growing", "kafka_partitions" = "7"`),
    /partition 7.*growing/,
  );
  assert.match(
    await create(`${broker}, "kafka_topic" = "growing", "property.no.such" = "1"`),
    /unknown Kafka property 'no\.such'/,
  );
  assert.match(
    await create(
      `${broker}, "kafka_topic" = "growing", "property.security.protocol" = "SASL_PLAINTEXT"`,
    ),
    /sasl\.mechanism|sasl\.username/,
  );
  const { rows } = await server.sql('SHOW ALL ROUTINE LOAD FOR wrong').catch(() => ({ rows: [] }));
  assert.deepEqual(rows, []);
});

test('a topic deleted and created again pauses the job with the reason', async () => {
  const name = 'recreated';
  await createTopic(bootstrap, name, 1);
  await produce(bootstrap, { topic: name, count: 500 });
  await loadUsers(server, { bootstrap, name });
  await assertUsers(server, name, 500);
  await deleteTopic(bootstrap, name);
  await createTopic(bootstrap, name, 1);
  await produce(bootstrap, { topic: name, first: 10_000, count: 700 });
  const paused = await untilState(server, name, 'PAUSED');
  assert.match(paused['ReasonOfStateChanged'] ?? '', /recreated.*(created again|does not exist)/);
  assert.equal(await server.value(`SELECT count(*) FROM ${name} WHERE id >= 10000`), '0');
});

test('messages removed by retention pause the job; new offsets make it go on', async () => {
  const name = 'retention';
  await createTopic(bootstrap, name, 1);
  await produce(bootstrap, { topic: name, count: 100 });
  await loadUsers(server, { bootstrap, name });
  await assertUsers(server, name, 100);
  await server.sql(`PAUSE ROUTINE LOAD FOR ${name}`);
  await produce(bootstrap, { topic: name, first: 100, count: 100 });
  await deleteRecords(name, 150);
  await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
  const paused = await untilState(server, name, 'PAUSED');
  const reason = paused['ReasonOfStateChanged'] ?? '';
  assert.match(reason, /offset 100 .*retention.* partition 0 is out of range.*150 to 200/);

  await server.sql(
    `ALTER ROUTINE LOAD FOR ${name} FROM KAFKA ("kafka_partitions" = "0", "kafka_offsets" = "150")`,
  );
  await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
  await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '150');
  const { rows } = await server.sql(`SELECT count(DISTINCT id), max(id) FROM ${name}`);
  assert.deepEqual(rows, [['150', '199']]);
  const ledger = await readLedger(server, name);
  assert.equal(ledger.loaded, 150);
});

test('the server is killed and starts again: nothing lost, nothing twice', async () => {
  const name = 'killed';
  await createTopic(bootstrap, name, 2);
  const dataDir = newDataDir();
  const other = await startServer({ broker: 'off', dataDir });
  await loadUsers(other, { bootstrap, name });
  const producing = produce(bootstrap, { topic: name, count: 30_000, rate: 6000 });
  await other.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) > 3000);
  await other.kill();
  const again = await startServer({ broker: 'off', dataDir });
  try {
    await producing;
    await again.sql('USE compat');
    await assertUsers(again, name, 30_000);
    await createUsers(again, 'second');
    await createJob(again, { bootstrap, name: 'second', topic: name });
    await assertUsers(again, 'second', 30_000);
  } finally {
    await again.stop();
    await rm(dataDir, { recursive: true });
  }
});

test('messages that fit no row: kept with their place, the others are loaded', async () => {
  const name = 'bad_input';
  await createTopic(bootstrap, name, 1, { 'max.message.bytes': '33000000' });
  const send = (input: string | Buffer): Promise<string> =>
    kcat(bootstrap, ['-P', '-t', name, '-X', 'message.max.bytes=33000000'], {
      input: input.toString(),
    });
  await send('{"id": 0, "name": "user-0"}\n{"id": 1, "name": \n[1, 2]\n"text"\n{"id": "x"}\n');
  await send(`{"id": 1, "name": "${'x'.repeat(20_000_000)}"}\n`);
  await send('{"id": 1, "name": "user-1"}\n');
  await createUsers(server, name, 'id BIGINT NOT NULL, name STRING');
  await server.sql(
    `CREATE ROUTINE LOAD ${name} ON ${name} PROPERTIES ("format" = "json", "max_error_number" = "100") FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "${name}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
  await server.until(`SELECT count(*) FROM ${name} WHERE name LIKE 'user-%'`, (v) => v === '2');
  assert.deepEqual((await server.sql(`SELECT id, length(name) FROM ${name} ORDER BY 1, 2`)).rows, [
    ['0', '6'],
    // Longer than a STRING may be: NULL, as every value that does not fit a column that allows it.
    ['1', null],
    ['1', '6'],
  ]);
  const { rows } = await server.sql(
    `SELECT get_json_int(source_info, '$.offset'), error_code, error_column, error_message FROM _statistics_.rejected_records WHERE target_table = '${name}' ORDER BY 1`,
  );
  assert.deepEqual(
    rows.map((row) => row.slice(0, 3)),
    [
      ['1', 'PARSE_ERROR', null],
      ['2', 'PARSE_ERROR', null],
      ['3', 'PARSE_ERROR', null],
      ['4', 'VALUE_OUT_OF_RANGE', 'id'],
    ],
  );
  assert.match(rows[3]?.[3] ?? '', /NULL value in non-nullable column 'id'/);
  const ledger = await readLedger(server, name);
  assert.deepEqual([ledger.consumed, ledger.loaded, ledger.filtered], [7, 3, 4]);
  assert.equal((await showJob(server, name))['State'], 'RUNNING');
});

test('dead letters as a consumer of Kafka sees them; a topic that takes less than a message gets it without its value', async () => {
  const name = 'with_letters';
  await createTopic(bootstrap, name, 1, { 'max.message.bytes': '3000000' });
  await createTopic(bootstrap, 'letters', 2, { 'max.message.bytes': '100000' });
  // Of random digits: no codec makes it fit.
  const big = Array.from({ length: 40_000 }, (_, n) => Math.sin(n + 1).toString(36)).join('');
  const send = (key: string, header: string, value: string): Promise<string> =>
    kcat(
      bootstrap,
      ['-P', '-t', name, '-k', key, '-H', header, '-X', 'message.max.bytes=3000000'],
      {
        input: value,
      },
    );
  await send('k0', 'a=1', '{"id": 0, "name": "fine"}');
  await send('k1', 'a=2', '{"id": "x", "name": "bad"}');
  await send('k2', 'a=3', `{"id": "y", "name": "${big}"}`);
  await createUsers(server, name, 'id BIGINT NOT NULL, name STRING');
  await server.sql(
    `CREATE ROUTINE LOAD ${name} ON ${name} PROPERTIES ("format" = "json", "max_error_number" = "100") FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "${name}", "dead_letter_topic" = "letters", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
  await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '1');
  await server.until(
    `SELECT count(*) FROM _statistics_.rejected_records WHERE target_table = '${name}'`,
    (value) => value === '2',
  );
  const letters = (await kcatAll(bootstrap, 'letters', '%k|%S|%s|%h\n')).trim().split('\n').sort();
  assert.equal(letters.length, 2);
  const [small = '', large = ''] = letters;
  assert.match(
    small,
    /^k1\|26\|\{"id": "x", "name": "bad"\}\|a=2,__connect\.errors\.topic=with_letters,/,
  );
  assert.match(small, /__connect\.errors\.partition=0,__connect\.errors\.offset=1,/);
  assert.match(small, /__connect\.errors\.connector\.name=compat\.with_letters,/);
  assert.match(small, /exception\.message=NULL value in non-nullable column 'id'/);
  assert.match(large, /^k2\|-1\|\|a=3,/);
  assert.match(large, /__millrace\.errors\.value\.omitted=\d{6}/);
});

test('where a job starts: the end by default, an offset, the beginning; read_uncommitted', async () => {
  const topic = 'starts';
  await createTopic(bootstrap, topic, 1);
  await produce(bootstrap, { topic, count: 100 });
  const jobs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    from_default: {},
    from_end: { kafka_partitions: '0', kafka_offsets: 'OFFSET_END' },
    from_40: { kafka_partitions: '0', kafka_offsets: '40' },
    from_beginning: { kafka_partitions: '0', kafka_offsets: 'OFFSET_BEGINNING' },
  };
  for (const [name, source] of Object.entries(jobs)) {
    await createUsers(server, name);
    const all = { kafka_broker_list: bootstrap, kafka_topic: topic, ...source };
    const text = Object.entries(all).map(([key, value]) => `"${key}" = "${value}"`);
    await server.sql(
      `CREATE ROUTINE LOAD ${name} ON ${name} PROPERTIES ("format" = "json") FROM KAFKA (${text.join(', ')})`,
    );
  }
  await produce(bootstrap, { topic, first: 100, count: 10 });
  const wanted = { from_default: 10, from_end: 10, from_40: 70, from_beginning: 110 };
  for (const [name, count] of Object.entries(wanted)) {
    await server.until(`SELECT count(*) FROM ${name}`, (value) => value === String(count));
    assert.deepEqual((await server.sql(`SELECT min(id), max(id) FROM ${name}`)).rows, [
      [String(110 - count), '109'],
    ]);
  }

  await createTopic(bootstrap, 'uncommitted', 1);
  await writeTransactions(bootstrap, 'uncommitted', ['commit:0-9', 'abort:10-19', 'commit:20-29']);
  await loadUsers(server, {
    bootstrap,
    name: 'uncommitted',
    columns: 'id BIGINT, state STRING',
    source: { 'property.isolation.level': 'read_uncommitted' },
  });
  await server.until('SELECT count(*) FROM uncommitted', (value) => value === '30');
});

async function deleteRecords(topic: string, before: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-offsets-'));
  const file = join(folder, 'offsets.json');
  const partitions = [{ topic, partition: 0, offset: before }];
  await writeFile(file, JSON.stringify({ partitions, version: 1 }));
  await kafkaToolOk('org.apache.kafka.tools.DeleteRecordsCommand', [
    ...['--bootstrap-server', bootstrap, '--offset-json-file', file],
  ]);
  await rm(folder, { recursive: true });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
