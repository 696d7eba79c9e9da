// Avro and Protobuf as Confluent's own serializers write them, through Apache Kafka and a real schema registry
// (Apicurio): nullable fields, decimals, moments, nested records, references, and a schema that changes under way.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startApicurio } from '../peers/apicurio.ts';
import { startKafka } from '../peers/kafka.ts';
import { kcat } from '../peers/kcat.ts';
import { pythonStory } from '../peers/python.ts';
import { createTopic } from '../peers/topics.ts';
import { readLedger } from '../support/ledger.ts';
import { showJob } from '../support/load-job.ts';
import { startServer } from '../support/start-server.ts';

const kafka = await startKafka();
const registry = await startApicurio().catch(async (error: unknown) => {
  await kafka.stop();
  throw error;
});
const server = await startServer({ broker: 'off' });
after(async () => {
  await server.stop();
  await registry.server.end('SIGTERM');
  await kafka.stop();
});

async function produce(kind: string, topic: string, first: number, count: number): Promise<void> {
  const args = [kafka.bootstrap, registry.url, kind, topic, String(first), String(count)];
  assert.deepEqual(await pythonStory('registry.txt', 'registry_producer.py', args), [
    `ok ${count}`,
  ]);
}

async function createJob(name: string, format: string): Promise<void> {
  await server.sql('CREATE DATABASE IF NOT EXISTS reg');
  await server.sql(
    `CREATE TABLE reg.${name} (id BIGINT NOT NULL, name STRING, price DECIMAL(20, 2), at DATETIME, tags ARRAY<STRING>, city STRING, place JSON, score STRING)`,
  );
  await server.sql(
    `CREATE ROUTINE LOAD reg.${name} ON ${name} COLUMNS (id, name, price, at, tags, city, place, score)
     PROPERTIES ("format" = "${format}", "timezone" = "UTC", "max_error_number" = "10",
       "jsonpaths" = '["$.id", "$.name", "$.price", "$.at", "$.tags", "$.place.city", "$.place", "$.score"]')
     FROM KAFKA ("kafka_broker_list" = "${kafka.bootstrap}", "kafka_topic" = "${name}",
       "property.kafka_default_offsets" = "OFFSET_BEGINNING", "confluent.schema.registry.url" = "${registry.url}")`,
  );
}

async function assertRows(name: string, count: number): Promise<void> {
  await server.until(
    `SELECT count(*) FROM reg.${name}`,
    (value) => value === String(count),
    60_000,
  );
  const { rows } = await server.sql(
    `SELECT count(DISTINCT id), sum(id), sum(name IS NULL), sum(price), min(at), max(at), sum(array_length(tags)), count(DISTINCT city), sum(name = concat('name ', id)) FROM reg.${name}`,
  );
  const ids = Array.from({ length: count }, (_, id) => id);
  const sum = (of: (id: number) => number): number => ids.reduce((all, id) => all + of(id), 0);
  const total = sum((id) => id);
  const last = new Date(Date.UTC(2024, 1, 29, 12) + (count - 1) * 1000).toISOString();
  assert.deepEqual(rows, [
    [
      String(count),
      String(total),
      String(sum((id) => (id % 3 === 0 ? 1 : 0))),
      (total / 100).toFixed(2),
      '2024-02-29 12:00:00.000007',
      `${last.slice(0, 19).replace('T', ' ')}.000007`,
      String(sum((id) => id % 3)),
      '10',
      String(sum((id) => (id % 3 === 0 ? 0 : 1))),
    ],
  ]);
  assert.equal(
    await server.value(`SELECT place FROM reg.${name} WHERE id = 7`),
    '{"city": "city 7"}',
  );
}

test("Avro by Confluent's serializer; the schema changes while the job runs; foreign bytes in between", async () => {
  await createTopic(kafka.bootstrap, 'users_avro', 2);
  await produce('avro1', 'users_avro', 0, 3000);
  await createJob('users_avro', 'avro');
  await assertRows('users_avro', 3000);
  await kcat(kafka.bootstrap, ['-P', '-t', 'users_avro', '-p', '0'], { input: '{"no": "avro"}\n' });
  await produce('avro2', 'users_avro', 3000, 3000);
  await assertRows('users_avro', 6000);
  const { rows } = await server.sql(
    'SELECT score, count(*) FROM reg.users_avro WHERE id IN (3000, 3001, 3002) GROUP BY score ORDER BY score',
  );
  assert.deepEqual(rows, [
    [null, '1'],
    ['1500.5', '1'],
    ['text', '1'],
  ]);
  const ledger = await readLedger(server, 'users_avro');
  assert.equal(ledger.consumed, 6001);
  const rejected = await server.sql(
    "SELECT error_code, error_message, get_json_string(raw_record, '$._raw_base64') FROM _statistics_.rejected_records WHERE target_table = 'users_avro'",
  );
  assert.equal(rejected.rows.length, 1);
  const [code, message, raw] = rejected.rows[0] ?? [];
  assert.equal(code, 'PARSE_ERROR');
  assert.match(message ?? '', /begins with byte 123/);
  assert.equal(Buffer.from(raw ?? '', 'base64').toString(), '{"no": "avro"}');
  assert.equal((await showJob(server, 'reg.users_avro'))['State'], 'RUNNING');
});

test('Avro with a reference between schemas', async () => {
  await createTopic(kafka.bootstrap, 'users_ref', 1);
  await produce('avro_ref', 'users_ref', 0, 500);
  await createJob('users_ref', 'avro');
  await assertRows('users_ref', 500);
});

test("Protobuf by Confluent's serializer, with message indexes and well-known types", async () => {
  await createTopic(kafka.bootstrap, 'users_proto', 2);
  await createJob('users_proto', 'protobuf');
  await produce('protobuf', 'users_proto', 0, 3000);
  await assertRows('users_proto', 3000);
});

/** Name and type of each column, sorted: a table that grew has its columns in another order. */
async function columnsOf(table: string): Promise<readonly string[]> {
  const { rows } = await server.sql(`DESC reg.${table}`);
  return rows.map(([name, type]) => `${name} ${type}`).sort();
}

for (const [format, topic, count] of [
  ['avro', 'users_avro', 6000],
  ['protobuf', 'users_proto', 3000],
] as const)
  test(`${format}: the table that the topic asks for, and one that grows to it under a job with schema_evolution`, async () => {
    const reach = `"kafka_broker_list" = "${kafka.bootstrap}", "confluent.schema.registry.url" = "${registry.url}"`;
    const made = `made_${format}`;
    const grown = `grown_${format}`;
    await server.sql(
      `CREATE TABLE reg.${made} FROM KAFKA TOPIC '${topic}' PROPERTIES (${reach}, "format" = "${format}")`,
    );
    await server.sql(`CREATE TABLE reg.${grown} (id INT) DUPLICATE KEY (id)`);
    for (const [table, evolution] of [
      [made, 'none'],
      [grown, 'add_columns'],
    ]) {
      await server.sql(
        `CREATE ROUTINE LOAD reg.${table} ON ${table}
         PROPERTIES ("format" = "${format}", "strict_mode" = "true", "max_error_number" = "1", "schema_evolution" = "${evolution}")
         FROM KAFKA (${reach}, "kafka_topic" = "${topic}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
      );
      await server.until(
        `SELECT count(*) FROM reg.${table}`,
        (value) => value === String(count),
        60_000,
      );
    }
    const columns = await columnsOf(made);
    assert.ok(columns.length >= 6, columns.join());
    assert.deepEqual(await columnsOf(grown), columns);
    const names = columns.map((column) => column.split(' ')[0]);
    const figures = names.map(
      (name) => `count(\`${name}\`), count(DISTINCT CAST(\`${name}\` AS STRING))`,
    );
    const [one, other] = await Promise.all(
      [made, grown].map((table) => server.sql(`SELECT ${figures.join(', ')} FROM reg.${table}`)),
    );
    assert.deepEqual(one?.rows, other?.rows);
    assert.equal(one?.rows[0]?.[names.indexOf('id') * 2 + 1], String(count));
  });
