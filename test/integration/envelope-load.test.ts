// Change events of databases into PRIMARY KEY tables: Debezium (JSON and Avro, with and without schema),
// Canal and Maxwell. What the source table had in the end is what the table has.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { framed, long, sized } from '../support/avro-bytes.ts';
import { readLedger } from '../support/ledger.ts';
import { LoadCase, type LoadCaseOptions } from '../support/load-case.ts';
import { RegistryServer } from '../support/registry-server.ts';
import { startServer } from '../support/start-server.ts';

const server = await startServer();
const registry = await RegistryServer.start();
const admin = await openKafkaAdmin({
  connection: { brokers: [server.bootstrap], properties: {} },
  clientId: 'envelope-load',
});
after(async () => {
  await admin.close();
  await server.stop();
  await registry.stop();
});

/** A job with a PRIMARY KEY table; tolerates rejected rows. */
async function job(options: Omit<LoadCaseOptions, 'columns'> & { readonly columns: string }) {
  await server.sql('CREATE DATABASE IF NOT EXISTS bad');
  await admin.createTopic(options.name, 1);
  await server.sql(`CREATE TABLE bad.${options.name} (${options.columns}) PRIMARY KEY (id)`);
  const properties = { max_error_number: '100', ...options.properties };
  const load = new LoadCase(server, admin, { ...options, properties });
  await load.start();
  return load;
}

const json = (value: unknown): string => JSON.stringify(value);
const event = (op: string, before: unknown, after: unknown): Record<string, unknown> => ({
  before,
  after,
  source: { connector: 'postgresql', ts_ms: 1, db: 'shop', table: 'users' },
  op,
  ts_ms: 2,
});

test('Debezium: snapshot, creates, updates, deletes, tombstones, moved keys, and what is no row', async () => {
  const load = await job({
    name: 'dbz',
    columns: 'id BIGINT NOT NULL, name STRING, big DECIMAL(38, 2)',
    properties: { envelope: 'debezium' },
  });
  const user = (id: number, name: string | null) => ({ id, name, extra: { op: 'd' } });
  await load.send([
    json(event('r', null, user(1, 'Ann'))),
    json(event('r', null, user(2, 'Bob'))),
    json(event('c', null, user(3, 'Cem'))),
    json({ schema: null, payload: event('u', user(1, 'Ann'), user(1, 'Anna')) }),
    json(event('d', { id: 2 }, null)),
    null,
    // The key of the table changes within one event.
    json(event('u', user(3, 'Cem'), user(30, 'Cem'))),
    json(event('c', null, user(4, '}{"op":"d"'))),
    json(event('d', user(4, null), null)),
    json(event('c', null, user(4, null))),
    `{"before": null, "after": {"id": 5, "name": "Eva",\n "big": 123456789012345678901234567890.12}, "op": "c"}`,
    json(event('t', null, null)),
    json({ payload: null }),
    json({ payload: { source: {}, databaseName: 'shop', ddl: 'ALTER TABLE users ADD x int' } }),
    json({ status: 'BEGIN', id: '571', ts_ms: 1 }),
    json(event('c', null, null)),
    json(event('x', null, user(9, 'x'))),
    json({ id: 9 }),
    '{"op":"c","after":{"id":9',
    '{"op":"c","after":{"id":9 "name":1}}',
    json(event('c', null, { name: 'no key' })),
    json(event('r', null, user(6, 'Fay'))),
  ]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows('id, name, big'), [
    ['1', 'Anna', null],
    ['4', null, null],
    ['5', 'Eva', '123456789012345678901234567890.12'],
    ['6', 'Fay', null],
    ['30', 'Cem', null],
  ]);
  const rejected = await load.rejected();
  assert.deepEqual(
    rejected.map(({ source, message }) => `${source.offset} ${message}`),
    [
      '15 The message cannot be read as debezium: operation c without after',
      "16 The message cannot be read as debezium: unknown operation 'x'",
      '17 The message cannot be read as debezium: no op: the message is no Debezium change event',
      '18 The message is no JSON object in a debezium envelope',
      rejected[4] === undefined ? '' : `19 ${rejected[4].message}`,
      "20 NULL value in non-nullable column 'id'",
    ],
  );
  assert.match(rejected[4]?.message ?? '', /Failed to parse the message as JSON/);
  const ledger = await readLedger(server, 'dbz');
  assert.equal(ledger.consumed, 21);
  const { rows } = await server.sql(
    "SELECT sum(ROWS_UNSELECTED), sum(ROWS_FILTERED) FROM information_schema.routine_load_ledger WHERE JOB_NAME = 'dbz'",
  );
  assert.deepEqual(rows, [['4', '6']]);
  await server.until(
    "SELECT OTHER_MSG FROM information_schema.routine_load_jobs WHERE NAME = 'dbz'",
    (value) => value?.includes('passed over') === true,
  );
});

test("Debezium with its schema: MySQL's and PostgreSQL's types as they are meant", async () => {
  const field = (name: string, type: string, semantic?: string, parameters?: object) => ({
    field: name,
    type,
    optional: true,
    ...(semantic === undefined ? {} : { name: semantic, version: 1 }),
    ...(parameters === undefined ? {} : { parameters }),
  });
  const fields = [
    field('id', 'int64'),
    field('day', 'int32', 'io.debezium.time.Date'),
    field('at', 'int64', 'io.debezium.time.Timestamp'),
    field('at_micro', 'int64', 'io.debezium.time.MicroTimestamp'),
    field('at_nano', 'int64', 'io.debezium.time.NanoTimestamp'),
    field('at_zone', 'string', 'io.debezium.time.ZonedTimestamp'),
    field('clock', 'int64', 'io.debezium.time.MicroTime'),
    field('price', 'bytes', 'org.apache.kafka.connect.data.Decimal', {
      scale: '2',
      'connect.decimal.precision': '20',
    }),
    field('any_scale', 'struct', 'io.debezium.data.VariableScaleDecimal'),
    field('bits', 'bytes', 'io.debezium.data.Bits', { length: '12' }),
    field('doc', 'string', 'io.debezium.data.Json'),
    field('note', 'bytes'),
    field('bin', 'bytes'),
    field('epoch', 'int64', 'io.debezium.time.Timestamp'),
    field('price_double', 'double'),
    field('price_text', 'string'),
  ];
  const schema = {
    type: 'struct',
    name: 'shop.Envelope',
    fields: [
      { type: 'struct', fields, field: 'before', optional: true },
      { type: 'struct', fields, field: 'after', optional: true },
      { type: 'string', field: 'op' },
    ],
  };
  const load = await job({
    name: 'dbz_types',
    columns: `id BIGINT NOT NULL, day DATE, at DATETIME, at_micro DATETIME, at_nano DATETIME, at_zone DATETIME, clock STRING,
      price DECIMAL(38,2), any_scale DECIMAL(20,3), bits INT, doc JSON, note STRING, bin VARBINARY, epoch BIGINT,
      price_double DECIMAL(10,2), price_text DECIMAL(10,2)`,
    properties: { envelope: 'debezium', timezone: 'Asia/Shanghai' },
  });
  const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
  const row = {
    id: 1,
    day: 19_782,
    at: 1_709_210_096_007,
    at_micro: 1_709_210_096_000_007,
    at_nano: 1_709_210_096_000_007_000,
    at_zone: '2024-02-29T12:34:56.5Z',
    clock: 3_661_000_001,
    price: base64('0462d53c8abac0'),
    any_scale: { scale: 3, value: base64('ff38') },
    bits: base64('0102'),
    doc: '{"a": [1, 2]}',
    note: Buffer.from('höhe').toString('base64'),
    bin: base64('00ff01'),
    epoch: 1_709_210_096_007,
    price_double: 12.34,
    price_text: '-5.60',
  };
  await load.send([json({ schema, payload: event('c', null, row) })]);
  await load.untilConsumed();
  const columns =
    'id, day, at, at_micro, at_nano, at_zone, clock, price, any_scale, bits, doc, note, hex(bin), epoch, price_double, price_text';
  assert.deepEqual(await load.rows(columns), [
    [
      '1',
      '2024-02-29',
      '2024-02-29 12:34:56.007000',
      '2024-02-29 12:34:56.000007',
      '2024-02-29 12:34:56.000007',
      '2024-02-29 20:34:56.500000',
      '01:01:01.000001',
      '12345678901234.56',
      '-0.200',
      '513',
      '{"a": [1, 2]}',
      'höhe',
      '00FF01',
      '1709210096007',
      '12.34',
      '-5.60',
    ],
  ]);
  assert.deepEqual(await load.rejected(), []);
});

test('Debezium in Avro: nested images, types by connect.name', async () => {
  const value = {
    type: 'record',
    name: 'Value',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'name', type: ['null', 'string'] },
      { name: 'at', type: { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' } },
    ],
  };
  const id = registry.register('dbz_avro-value', {
    schema: json({
      type: 'record',
      name: 'Envelope',
      fields: [
        { name: 'before', type: ['null', value] },
        { name: 'after', type: ['null', 'Value'] },
        { name: 'op', type: 'string' },
      ],
    }),
  });
  const load = await job({
    name: 'dbz_avro',
    columns: 'id BIGINT NOT NULL, label STRING, at DATETIME',
    load: 'COLUMNS (id, name, at, label = upper(name))',
    properties: { format: 'avro', envelope: 'debezium' },
    source: { 'confluent.schema.registry.url': registry.url },
  });
  const image = (key: number, name: string): Buffer =>
    Buffer.concat([long(1), long(key), long(1), sized(name), long(1_000_000 * key)]);
  const none = long(0);
  await load.send([
    framed(id, none, image(1, 'ann'), sized('c')),
    framed(id, none, image(2, 'bob'), sized('r')),
    framed(id, image(1, 'ann'), image(1, 'anna'), sized('u')),
    framed(id, image(2, 'bob'), none, sized('d')),
    null,
    framed(id, image(1, 'anna'), image(3, 'anna'), sized('u')),
  ]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [['3', 'ANNA', '1970-01-01 00:00:03']]);
});

test('Canal: many rows in a message, texts as values, moved keys, DDL', async () => {
  const load = await job({
    name: 'canal_users',
    columns: 'id BIGINT NOT NULL, name STRING, age INT',
    properties: { envelope: 'canal' },
  });
  const message = (type: string, data: unknown, old: unknown = null, isDdl = false): string =>
    json({
      data,
      database: 'shop',
      es: 1,
      id: 5,
      isDdl,
      mysqlType: {},
      old,
      pkNames: ['id'],
      sql: '',
      table: 'users',
      ts: 2,
      type,
    });
  await load.send([
    message('INSERT', [
      { id: '1', name: 'Ann', age: '30' },
      { id: '2', name: 'Bob', age: null },
      { id: '3', name: 'Cem', age: '5' },
    ]),
    message(
      'UPDATE',
      [
        { id: '1', name: 'Anna', age: '31' },
        { id: '20', name: 'Bob', age: '7' },
      ],
      [{ name: 'Ann', age: '30' }, { id: '2' }],
    ),
    message('DELETE', [{ id: '3', name: 'Cem', age: '5' }]),
    message('ALTER', null, null, true),
    message('TRUNCATE', null, null, true),
    message('INSERT', null),
  ]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows('id, name, age'), [
    ['1', 'Anna', '31'],
    ['20', 'Bob', '7'],
  ]);
  const rejected = await load.rejected();
  assert.deepEqual(
    rejected.map(({ source, message }) => `${source.offset} ${message}`),
    ['5 The message cannot be read as canal: INSERT without an array of data'],
  );
});

test('Maxwell: bootstrap, inserts, updates with the old values, deletes, DDL', async () => {
  const load = await job({
    name: 'maxwell_users',
    columns: 'id BIGINT NOT NULL, who STRING',
    properties: { envelope: 'maxwell', jsonpaths: '["$.id", "$.person.name", "$.unused"]' },
    load: 'COLUMNS (id, who)',
  });
  const message = (type: string, data: unknown, old?: unknown): string =>
    json({
      database: 'shop',
      table: 'users',
      type,
      ts: 1,
      xid: 2,
      commit: true,
      data,
      ...(old === undefined ? {} : { old }),
    });
  const user = (id: number, name: string) => ({ id, person: { name } });
  await load.send([
    message('bootstrap-start', {}),
    message('bootstrap-insert', user(1, 'Ann')),
    message('bootstrap-complete', {}),
    message('insert', user(2, 'Bob')),
    message('update', user(2, 'Bobby'), { person: { name: 'Bob' } }),
    message('update', user(10, 'Ann'), { id: 1 }),
    message('delete', user(2, 'Bobby')),
    message('insert', user(3, 'Cem')),
    message('table-alter', null),
  ]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [
    ['3', 'Cem'],
    ['10', 'Ann'],
  ]);
  assert.deepEqual(await load.rejected(), []);
});

test('what CREATE refuses', async () => {
  await server.sql('CREATE TABLE bad.plain (id BIGINT)');
  await admin.createTopic('plain', 1);
  const refused = async (
    properties: Readonly<Record<string, string>>,
    reason: RegExp,
    load = '',
  ) => {
    const one = new LoadCase(server, admin, { name: 'plain', columns: '', properties, load });
    await assert.rejects(one.start(), reason);
  };
  await refused({ envelope: 'debezium' }, /envelope=debezium needs a PRIMARY KEY table/);
  await refused(
    { envelope: 'debezium', format: 'csv' },
    /envelope=debezium needs format=json or format=avro/,
  );
  await refused({ envelope: 'canal', format: 'avro' }, /envelope=canal needs format=json/);
  await refused({ envelope: 'debezium', json_root: '$.payload' }, /can not be used with json_root/);
  await refused(
    { envelope: 'debezium', strip_outer_array: 'true' },
    /can not be used with strip_outer_array/,
  );
  await refused(
    { envelope: 'x' },
    /Invalid envelope: `x`, it should be debezium, canal or maxwell/,
  );
  await server.sql('CREATE TABLE bad.keyed (id BIGINT NOT NULL) PRIMARY KEY (id)');
  await admin.createTopic('keyed', 1);
  const given = new LoadCase(server, admin, {
    name: 'keyed',
    columns: '',
    properties: { envelope: 'debezium' },
    load: "COLUMNS (id, __op = 'delete')",
  });
  await assert.rejects(given.start(), /__op comes from the envelope/);
});
