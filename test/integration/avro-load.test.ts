// Routine Load of Avro over the wire: a registry with a password, a schema that changes under way, a registry
// that goes away and comes back, and what SHOW says of it all.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { framed, long, sized } from '../support/avro-bytes.ts';
import { LoadCase } from '../support/load-case.ts';
import { RegistryServer } from '../support/registry-server.ts';
import { startServer } from '../support/start-server.ts';

const server = await startServer();
const registry = await RegistryServer.start('key:hush');
const admin = await openKafkaAdmin({
  connection: { brokers: [server.bootstrap], properties: {} },
  clientId: 'avro-load',
});
after(async () => {
  await admin.close();
  await server.stop();
  await registry.stop();
});

const URL_WITH_SECRET = `http://key:hush@${registry.host}`;
const schemaOf = (...fields: readonly (readonly [string, unknown])[]): string =>
  JSON.stringify({
    type: 'record',
    name: 'User',
    fields: fields.map(([name, type]) => ({ name, type })),
  });

const USER = schemaOf(['id', 'long'], ['name', 'string']);

test('rows load, the schema changes under way, bad messages are kept, SHOW has no secret', async () => {
  const load = await LoadCase.prepare(server, admin, {
    name: 'avro_users',
    columns: 'id BIGINT NOT NULL, name STRING, since DATETIME',
    properties: { format: 'avro', max_error_number: '10', timezone: 'Asia/Tokyo' },
    source: { 'confluent.schema.registry.url': URL_WITH_SECRET },
  });
  const first = registry.register('avro_users-value', { schema: USER });
  await load.start();
  await load.send([framed(first, long(1), sized('Ann')), framed(first, long(2), sized('Bob'))]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows('id, name, since'), [
    ['1', 'Ann', null],
    ['2', 'Bob', null],
  ]);
  const second = registry.register('avro_users-value', {
    schema: schemaOf(
      ['id', 'long'],
      ['since', ['null', { type: 'long', logicalType: 'timestamp-millis' }]],
      ['name', 'string'],
    ),
  });
  const at = Date.UTC(2026, 0, 2, 20);
  await load.send([
    framed(second, long(3), long(1), long(at), sized('Cem')),
    Buffer.from('{"id": 4}'),
    framed(first, long(5), sized('Eva')),
    framed(first, long(6)),
    framed(77, long(7), sized('?')),
    framed(second, long(8), long(0), sized('Fay')),
  ]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows('id, name, since'), [
    ['1', 'Ann', null],
    ['2', 'Bob', null],
    ['3', 'Cem', '2026-01-03 05:00:00'],
    ['5', 'Eva', null],
    ['8', 'Fay', null],
  ]);
  const rejected = await load.rejected();
  assert.deepEqual(
    rejected.map(({ source }) => source.offset),
    [3, 5, 6],
  );
  assert.match(
    rejected[2]?.message ?? '',
    /the schema registry at http:\/\/127\.0\.0\.1:\d+ has no schema id 77/,
  );
  const raw = JSON.parse(rejected[1]?.raw ?? '') as { _raw_base64: string };
  assert.deepEqual(Buffer.from(raw._raw_base64, 'base64'), framed(first, long(6)));
  const shown = await load.show();
  assert.equal(shown['State'], 'RUNNING');
  assert.equal(shown['Progress'], '{"0":"7"}');
  assert.equal(
    JSON.parse(shown['DataSourceProperties'] ?? '')['confluent.schema.registry.url'],
    `http://${registry.host}`,
  );
  assert.equal(JSON.parse(shown['JobProperties'] ?? '')['format'], 'avro');
  assert.ok(!JSON.stringify(shown).includes('hush'));
  const { rows } = await server.sql('SHOW CREATE ROUTINE LOAD bad.avro_users');
  assert.ok(
    rows[0]?.[1]?.includes(`"confluent.schema.registry.url" = "http://******@${registry.host}"`),
  );
});

test('a rejected message is replayed by the schema that it names; one that the registry learns of later too', async () => {
  const load = await LoadCase.prepare(server, admin, {
    name: 'avro_replay',
    columns: 'id BIGINT NOT NULL, name STRING',
    properties: {
      format: 'avro',
      max_error_number: '10',
      jsonpaths: '["$.id", "$.name"]',
    },
    source: { 'confluent.schema.registry.url': URL_WITH_SECRET },
  });
  const first = registry.register('avro_replay-value', {
    schema: schemaOf(['id', ['null', 'long']], ['name', 'string']),
  });
  await load.start();
  await load.send([
    framed(first, long(1), long(1), sized('Ann')),
    framed(first, long(0), sized('Bob')),
    framed(first + 1, sized('Cem'), long(3)),
  ]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [['1', 'Ann']]);
  const later = registry.register('avro_replay-value', {
    schema: schemaOf(['name', 'string'], ['id', 'long']),
  });
  assert.equal(later, first + 1);
  await server.sql('PAUSE ROUTINE LOAD FOR bad.avro_replay');
  await server.sql(
    'ALTER ROUTINE LOAD FOR bad.avro_replay COLUMNS (raw, name, id = coalesce(raw, 2))',
  );
  const { rows } = await server.sql('REPLAY ROUTINE LOAD FOR bad.avro_replay');
  assert.deepEqual(rows, [['2', '2', '0', '0', '1', '']]);
  assert.deepEqual(await load.rows(), [
    ['1', 'Ann'],
    ['2', 'Bob'],
    ['3', 'Cem'],
  ]);
  const check = await server.sql('CHECK ROUTINE LOAD FOR bad.avro_replay');
  assert.equal(
    check.rows[0]?.[4],
    'offsets 0 to 3: 3 messages and 3 rows read again, as the ledger has them: 1 loaded, 2 filtered, 0 unselected',
  );
});

test('a registry that is away holds the rows back and says so; nothing is rejected or lost', async () => {
  const load = await LoadCase.prepare(server, admin, {
    name: 'avro_away',
    columns: 'id BIGINT NOT NULL, name STRING',
    properties: { format: 'avro' },
    source: { 'confluent.schema.registry.url': URL_WITH_SECRET },
  });
  const id = registry.register('avro_away-value', {
    schema: schemaOf(['name', 'string'], ['id', 'long']),
  });
  registry.failing = 503;
  await load.start();
  await load.send([framed(id, sized('late'), long(1))]);
  await server.until(
    "SELECT OTHER_MSG FROM information_schema.routine_load_jobs WHERE NAME = 'avro_away'",
    (value) => value?.includes('schema registry') === true,
  );
  assert.match((await load.show())['OtherMsg'] ?? '', /failed for schema id \d+: HTTP 503/);
  registry.failing = null;
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [['1', 'late']]);
  assert.deepEqual(await load.rejected(), []);
});

test('a registry that refuses pauses the job; ALTER of the URL and RESUME mend it', async () => {
  const load = await LoadCase.prepare(server, admin, {
    name: 'avro_refused',
    columns: 'id BIGINT NOT NULL, name STRING',
    properties: { format: 'avro' },
    source: { 'confluent.schema.registry.url': `http://key:wrong@${registry.host}` },
  });
  const id = registry.register('avro_refused-value', { schema: USER });
  await load.start();
  await load.send([framed(id, long(1), sized('x'))]);
  const paused = await load.untilState('PAUSED');
  assert.match(paused['ReasonOfStateChanged'] ?? '', /refused schema id \d+: HTTP 401/);
  await server.sql(
    `ALTER ROUTINE LOAD FOR bad.avro_refused FROM KAFKA ("confluent.schema.registry.url" = "${URL_WITH_SECRET}")`,
  );
  await server.sql('RESUME ROUTINE LOAD FOR bad.avro_refused');
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [['1', 'x']]);
});

test('what CREATE refuses', async () => {
  const refused = async (source: Readonly<Record<string, string>>, reason: RegExp) => {
    const load = new LoadCase(server, admin, {
      name: 'avro_users',
      columns: '',
      properties: { format: 'avro' },
      source,
    });
    await assert.rejects(load.start(), reason);
  };
  await refused({}, /confluent\.schema\.registry\.url is a required property/);
  await refused(
    { 'confluent.schema.registry.url': 'registry:8081' },
    /it does not begin with http:\/\/ or https:\/\//,
  );
});
