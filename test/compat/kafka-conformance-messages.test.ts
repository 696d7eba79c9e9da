// What messages can be, on Apache Kafka and on the embedded broker: every codec as Java and librdkafka write it, sizes
// from nothing to 20 MB and beyond what a job takes, keys and headers of any kind. Each row is compared with its message.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { KafkaClient } from '../../src/kafka/client/kafka-client.ts';
import { readBatchHeader } from '../../src/kafka/protocol/batch-header.ts';
import { runJava, startKafka } from '../peers/kafka.ts';
import { runOk } from '../peers/processes.ts';
import { pythonVenv } from '../peers/python.ts';
import { type Broker, openBroker, send, startConfigured } from '../support/conformance-case.ts';
import { readLedger } from '../support/ledger.ts';
import { showJob, untilState } from '../support/load-job.ts';
import { childrenOf, residentBytes } from '../support/process-tree.ts';
import { newDataDir } from '../support/start-server.ts';

const peer = await startKafka();
const dataDir = newDataDir();
const MAX_MESSAGE_BYTES = 24_000_000;
const server = await startConfigured(
  dataDir,
  `routine_load_max_message_bytes = ${MAX_MESSAGE_BYTES}\n`,
);
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
await server.sql('CREATE DATABASE conformance');
await server.sql('USE conformance');

const named = (name: string, broker: Broker): string => `${name}_${brokers.indexOf(broker)}`;

async function python(program: string, args: readonly string[]): Promise<string> {
  const file = join(import.meta.dirname, '..', 'peers', 'python', program);
  return runOk(await pythonVenv(), [file, ...args]);
}

async function createJob(
  broker: Broker,
  name: string,
  load: string,
  properties: string,
  source = '',
): Promise<void> {
  await server.sql(
    `CREATE ROUTINE LOAD ${name} ON ${name} ${load} PROPERTIES (${properties})
     FROM KAFKA ("kafka_broker_list" = "${broker.bootstrap}", "kafka_topic" = "${name}", "property.kafka_default_offsets" = "OFFSET_BEGINNING"${source})`,
  );
}

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Batches by codec, and the most and least messages in one, as the broker has them. */
async function batchesOf(
  broker: Broker,
  topic: string,
): Promise<{ readonly codecs: readonly string[]; readonly least: number; readonly most: number }> {
  const connection = { brokers: [broker.bootstrap], properties: {} };
  const client = new KafkaClient({ connection, clock: systemClock, random: systemRandom });
  const codecs = new Set<string>();
  const counts: number[] = [];
  try {
    const view = await client.topic(topic, { fresh: true });
    for (const [partition, { high }] of await broker.topics.offsets(topic)) {
      for (let offset = 0n; offset < high; ) {
        const maxBytes = 4_000_000;
        const answer = await client.fetch({
          topic: view,
          positions: [{ partition, offset, maxBytes }],
          isolation: 'read_committed',
          minBytes: 1,
          maxWaitMs: 200,
          maxBytes,
        });
        const records = answer.partitions[0]?.records ?? Buffer.alloc(0);
        const before = offset;
        for (let at = 0; at + 61 <= records.length; ) {
          const header = readBatchHeader(records, at);
          if (at + header.totalBytes > records.length) break;
          codecs.add(CODECS[header.attributes & 7] ?? 'unknown');
          counts.push(header.count);
          offset = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n;
          at += header.totalBytes;
        }
        answer.release();
        assert.ok(offset > before, `nothing at ${offset}`);
      }
    }
  } finally {
    await client.close();
  }
  return { codecs: [...codecs].sort(), least: Math.min(...counts), most: Math.max(...counts) };
}

const COUNT = 1500;

test('Kafka: large messages in small answers: bytes of 100 MB are loaded by a loader of bounded memory', async (t) => {
  const sizes = Array.from({ length: 5 }, () => '20000000');
  for (const [name, columns, load, format, cells] of [
    ['large_bytes', '_offset BIGINT, v VARBINARY', 'COLUMNS (v, _offset)', 'raw', 'v'],
    [
      'large_text',
      '_offset BIGINT, size INT',
      'COLUMNS (v, _offset, size = length(v))',
      'csv',
      'size',
    ],
  ] as const) {
    await kafka.topics.create(name, 1, { 'max.message.bytes': '33000000' });
    await server.sql(`CREATE TABLE ${name} (${columns}) DUPLICATE KEY(_offset)`);
    const printed = await python('size_writer.py', [kafka.bootstrap, name, 'lz4', ...sizes]);
    const began = performance.now();
    await createJob(kafka, name, load, `"format" = "${format}"`);
    await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '5', 60_000);
    t.diagnostic(`${name}: ${Math.round(performance.now() - began)} ms`);
    const hashes = printed
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const [offset, hash] of hashes.entries()) {
      const cell = await server.value(`SELECT ${cells} FROM ${name} WHERE _offset = ${offset}`);
      const seen =
        cell === '20000000'
          ? cell
          : createHash('md5')
              .update(cell ?? '')
              .digest('hex');
      assert.equal(seen, format === 'raw' ? hash : '20000000');
    }
    const ledger = await readLedger(server, name);
    assert.deepEqual([ledger.received, ledger.loaded, ledger.toOffset.get(0)], [5, 5, 5]);
    assert.equal((await showJob(server, name))['State'], 'RUNNING');
  }
  const loader = childrenOf(dataDir).find(({ role }) => role === 'loader')?.pid ?? 0;
  const megabytes = Math.round(residentBytes(loader) / 1e6);
  t.diagnostic(`loader ${megabytes} MB`);
  assert.ok(megabytes < 1100, `the loader has ${megabytes} MB`);
});

for (const broker of brokers) {
  test(`${broker.name}: every codec of Java and librdkafka in one topic, in small and large batches`, async () => {
    const name = named('codecs', broker);
    await broker.topics.create(name, 2);
    await server.sql(
      `CREATE TABLE ${name} (id BIGINT, client STRING, codec STRING, batch STRING, place STRING, _key STRING, header STRING) DUPLICATE KEY(id)`,
    );
    await createJob(
      broker,
      name,
      `COLUMNS (id, client, codec, batch, _key, place = concat(_partition, '/', _offset), header = get_json_string(_headers, '$.id'))`,
      '"format" = "json"',
    );
    const perClient = COUNT * CODECS.length * 2;
    // At once: batches of all kinds lie beside each other.
    await Promise.all([
      runJava('CodecWriter', [broker.bootstrap, name, '0', String(COUNT)]),
      python('codec_writer.py', [broker.bootstrap, name, String(perClient), String(COUNT)]),
    ]);
    const total = 2 * perClient;
    await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) >= total);
    const { rows } = await server.sql(
      `SELECT client, codec, batch, count(*), count(DISTINCT id), sum(id), count(DISTINCT place), count(header)
       FROM ${name} WHERE _key = concat('key-', id % 7) AND (header IS NULL OR header = id) GROUP BY client, codec, batch ORDER BY min(id)`,
    );
    const wanted = ['java', 'librdkafka'].flatMap((client, clientIndex) =>
      CODECS.flatMap((codec, codecIndex) =>
        ['small', 'large'].map((batch, batchIndex) => {
          const first = clientIndex * perClient + (codecIndex * 2 + batchIndex) * COUNT;
          const sum = COUNT * first + (COUNT * (COUNT - 1)) / 2;
          return [client, codec, batch, COUNT, COUNT, sum, COUNT, COUNT / 10].map(String);
        }),
      ),
    );
    assert.deepEqual(rows, wanted);
    const places = `SELECT count(*), count(DISTINCT place) FROM ${name}`;
    assert.deepEqual((await server.sql(places)).rows, [[String(total), String(total)]]);
    const ledger = await readLedger(server, name);
    assert.deepEqual([ledger.loaded, ledger.consumed, ledger.received], [total, total, total]);
    const batches = await batchesOf(broker, name);
    assert.deepEqual(batches.codecs, CODECS.toSorted());
    assert.ok(batches.least <= 5 && batches.most >= 500, JSON.stringify(batches));
  });

  test(`${broker.name}: messages from 0 bytes to 20 MB, plain and compressed`, async () => {
    const sizes = [
      '0',
      '1',
      '2',
      '1000',
      '65535',
      '65536',
      'null',
      '1048576',
      '5000000',
      '20000000',
    ];
    for (const codec of ['none', 'zstd', 'snappy']) {
      const name = `${named('sizes', broker)}_${codec}`;
      await broker.topics.create(name, 1, { 'max.message.bytes': '33000000' });
      await server.sql(
        `CREATE TABLE ${name} (_offset BIGINT, size INT, hash STRING) DUPLICATE KEY(_offset)`,
      );
      await createJob(
        broker,
        name,
        'COLUMNS (message, _offset, size = length(message), hash = md5(message))',
        '"format" = "raw"',
      );
      const printed = await python('size_writer.py', [
        broker.bootstrap,
        name,
        codec,
        ...sizes,
        '3',
      ]);
      const sent = printed.trim().split('\n');
      await server.until(
        `SELECT count(*) FROM ${name}`,
        (value) => value === String(sent.length - 1),
      );
      const wanted = sent.flatMap((line, offset) => {
        const [size = '', hash = ''] = line.split(' ');
        return size === 'null' ? [] : [[String(offset), size, hash]];
      });
      assert.deepEqual((await server.sql(`SELECT * FROM ${name} ORDER BY _offset`)).rows, wanted);
      const ledger = await readLedger(server, name);
      assert.deepEqual(
        [ledger.received, ledger.consumed, ledger.empty, ledger.filtered],
        [sent.length, sent.length - 1, 1, 0],
      );
    }
  });

  test(`${broker.name}: a message above the job's bound is rejected with the reason, those around it are loaded`, async () => {
    const name = named('too_large', broker);
    await broker.topics.create(name, 1, { 'max.message.bytes': '33000000' });
    await server.sql(`CREATE TABLE ${name} (_offset BIGINT, size INT) DUPLICATE KEY(_offset)`);
    await createJob(
      broker,
      name,
      'COLUMNS (message, _offset, size = length(message))',
      '"format" = "raw", "max_error_number" = "1"',
    );
    const sizes = [10, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1, 20].map(String);
    await python('size_writer.py', [broker.bootstrap, name, 'none', ...sizes]);
    await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '3');
    assert.deepEqual((await server.sql(`SELECT * FROM ${name} ORDER BY 1`)).rows, [
      ['0', '10'],
      ['1', String(MAX_MESSAGE_BYTES)],
      ['3', '20'],
    ]);
    const rejected = `SELECT error_message, message_offset, message_size, message_kept, get_json_int(raw_record, '$._raw_size') FROM _statistics_.rejected_records WHERE target_table = '${name}'`;
    assert.deepEqual((await server.sql(rejected)).rows, [
      [
        `The message is larger than the limit: ${MAX_MESSAGE_BYTES + 1} bytes, the limit is ${MAX_MESSAGE_BYTES}`,
        '2',
        ...[MAX_MESSAGE_BYTES + 1, 23_068_672, MAX_MESSAGE_BYTES + 1].map(String),
      ],
    ]);
    assert.equal((await showJob(server, name))['State'], 'RUNNING');
    assert.equal((await readLedger(server, name)).filtered, 1);
    // One more error than the job allows.
    await python('size_writer.py', [
      broker.bootstrap,
      name,
      'zstd',
      sizes[2] ?? '',
      sizes[2] ?? '',
    ]);
    const paused = await untilState(server, name, 'PAUSED');
    assert.match(paused['ReasonOfStateChanged'] ?? '', /errCode = 102/);
  });

  test(`${broker.name}: an answer that is larger than the job takes from a broker says so`, async () => {
    const name = named('answers', broker);
    await broker.topics.create(name, 1, { 'max.message.bytes': '33000000' });
    await server.sql(`CREATE TABLE ${name} (_offset BIGINT, size INT) DUPLICATE KEY(_offset)`);
    await createJob(
      broker,
      name,
      'COLUMNS (message, _offset, size = length(message))',
      '"format" = "raw"',
      ', "property.receive.message.max.bytes" = "1000000"',
    );
    await python('size_writer.py', [broker.bootstrap, name, 'none', '10', '5000000']);
    const reason = (await untilState(server, name, 'PAUSED'))['ReasonOfStateChanged'] ?? '';
    assert.match(
      reason,
      /Kafka broker 127\.0\.0\.1:\d+ answers with 50\d{5} bytes, more than receive\.message\.max\.bytes \(1000000\)/,
    );
    await server.sql(
      `ALTER ROUTINE LOAD FOR ${name} FROM KAFKA ("property.receive.message.max.bytes" = "20000000")`,
    );
    await server.sql(`RESUME ROUTINE LOAD FOR ${name}`);
    await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '2');
    assert.deepEqual((await server.sql(`SELECT * FROM ${name} ORDER BY 1`)).rows, [
      ['0', '10'],
      ['1', '5000000'],
    ]);
    assert.equal((await readLedger(server, name)).consumed, 2);
  });

  test(`${broker.name}: headers, many, of one name, of bytes, empty and without a name`, async () => {
    const name = named('headers', broker);
    await broker.topics.create(name, 1);
    await server.sql(
      `CREATE TABLE ${name} (_offset BIGINT, _key STRING, _headers JSON, first STRING) DUPLICATE KEY(_offset)`,
    );
    await createJob(
      broker,
      name,
      `COLUMNS (payload, _offset, _key, _headers, first = get_json_string(_headers, '$.h0'))`,
      '"format" = "raw"',
    );
    const bytes = (text: string): Buffer => Buffer.from(text);
    const many = Array.from(
      { length: 500 },
      (_, index) => [`h${index}`, bytes(`v${index}`)] as const,
    );
    const message = { topic: name, partition: 0, value: bytes('x') };
    await send(broker, [
      message,
      { ...message, headers: many },
      {
        ...message,
        headers: [
          ['n', bytes('1')],
          ['n', bytes('2')],
          ['n', bytes('')],
          ['m', bytes('3')],
        ],
      },
      {
        ...message,
        key: Buffer.from([0xff, 0xfe]),
        headers: [['b', Buffer.from([0, 0xff, 0x80])]],
      },
      {
        ...message,
        key: bytes(''),
        headers: [
          ['', bytes('nameless')],
          ['empty', bytes('')],
        ],
      },
      { ...message, key: bytes('schlüssel'), headers: [['ключ "q"', bytes('значение\n"q"')]] },
      { ...message, headers: [['large', bytes('x'.repeat(200_000))]] },
    ]);
    await python('headers_writer.py', [broker.bootstrap, name]);
    await server.until(`SELECT count(*) FROM ${name}`, (value) => value === '8');
    const { rows } = await server.sql(`SELECT _key, _headers, first FROM ${name} ORDER BY _offset`);
    const json = (text: string | null | undefined): unknown => JSON.parse(text ?? 'null');
    assert.deepEqual(
      rows.map(([key, headers, first]) => [key, json(headers), first]),
      [
        [null, {}, null],
        [null, Object.fromEntries(many.map(([header, value]) => [header, String(value)])), 'v0'],
        [null, { n: ['1', '2', ''], m: '3' }, null],
        ['//4=', { b: 'AP+A' }, null],
        ['', { '': 'nameless', empty: '' }, null],
        ['schlüssel', { 'ключ "q"': 'значение\n"q"' }, null],
        [null, { large: 'x'.repeat(200_000) }, null],
        ['k', { nothing: null, twice: ['a', null] }, null],
      ],
    );
  });
}
