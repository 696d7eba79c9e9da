// schema_evolution with a schema registry: fields of a new schema become columns, columns become wider, and what cannot
// be done pauses the job with a statement that does it. No message is lost or doubled on the way.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { framed, long, sized } from '../support/avro-bytes.ts';
import { LoadCase } from '../support/load-case.ts';
import { RegistryServer } from '../support/registry-server.ts';
import { startServer } from '../support/start-server.ts';

const server = await startServer();
const registry = await RegistryServer.start();
const admin = await openKafkaAdmin({
  connection: { brokers: [server.bootstrap], properties: {} },
  clientId: 'schema-evolution',
});
after(async () => {
  await admin.close();
  await server.stop();
  await registry.stop();
});

const record = (...fields: readonly (readonly [string, unknown])[]): string =>
  JSON.stringify({
    type: 'record',
    name: 'Event',
    fields: fields.map(([name, type]) => ({ name, type })),
  });

async function start(name: string, columns: string, format: string): Promise<LoadCase> {
  const load = await LoadCase.prepare(server, admin, {
    name,
    columns,
    properties: { format, schema_evolution: 'add_columns', strict_mode: 'true' },
    source: { 'confluent.schema.registry.url': registry.url },
  });
  await load.start();
  return load;
}

const columnsOf = async (table: string): Promise<readonly string[]> =>
  (await server.sql(`DESC bad.${table}`)).rows.map((row) => row.slice(0, 3).join(' '));

/** Waits for PAUSED, runs the statement that the reason names, and goes on when the column is as given; gives the statement. */
async function mend(load: LoadCase, column: string): Promise<string> {
  const shown = await load.untilState('PAUSED');
  const reason = shown['ReasonOfStateChanged'] ?? '';
  const [, statement = ''] =
    /What would make it fit: (ALTER TABLE .*) \(nothing of these/.exec(reason) ?? [];
  assert.notEqual(statement, '', reason);
  await server.sql(statement);
  // One that writes values anew goes on in the background.
  await server.until(
    `SELECT concat(COLUMN_NAME, ' ', DATA_TYPE, ' ', IS_NULLABLE) FROM information_schema.columns
     WHERE TABLE_SCHEMA = 'bad' AND TABLE_NAME = '${load.name}' AND COLUMN_NAME = '${column.split(' ')[0]}'`,
    (value) => value === column,
  );
  await load.command('RESUME');
  return statement;
}

test('Avro: new fields, wider types, a type that became another one, a field that is gone', async () => {
  const load = await start(
    'evo_avro',
    'id INT NOT NULL, n INT, price DECIMAL(5, 2), req BIGINT NOT NULL, at DATE',
    'avro',
  );
  const decimal = (precision: number): unknown => ({
    type: 'bytes',
    logicalType: 'decimal',
    precision,
    scale: 2,
  });
  const cents = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return sized(bytes);
  };
  const first = registry.register('evo_avro-value', {
    schema: record(
      ['id', 'int'],
      ['n', 'int'],
      ['price', decimal(5)],
      ['req', 'long'],
      ['at', { type: 'int', logicalType: 'date' }],
    ),
  });
  const row1 = (id: number): Buffer =>
    framed(first, long(id), long(id), cents(100), long(1), long(20_000));
  await load.send([row1(1), row1(2)]);
  await load.untilConsumed();
  const second = registry.register('evo_avro-value', {
    schema: record(
      ['extra', ['null', 'string']],
      ['id', 'long'],
      ['n', 'int'],
      ['price', decimal(9)],
      ['req', 'long'],
      ['at', { type: 'long', logicalType: 'timestamp-millis' }],
      ['raw', ['null', 'bytes']],
    ),
  });
  const row2 = (id: number | bigint): Buffer =>
    framed(
      second,
      long(1),
      sized('x'),
      long(id),
      long(7),
      cents(123_456_789),
      long(1),
      long(1_000),
      long(1),
      sized(Buffer.from([255])),
    );
  // Old and new ones in one batch, the old ones again afterwards.
  await load.send([row1(3), row2(4), row2(2n ** 40n), row1(5)]);
  await load.untilConsumed();
  assert.deepEqual(await columnsOf('evo_avro'), [
    'id bigint(20) NO',
    'n int(11) YES',
    'price decimal(9, 2) YES',
    'req bigint(20) NO',
    'at datetime YES',
    'extra varchar(65533) YES',
    'raw varbinary YES',
  ]);
  assert.deepEqual(await load.rows('id, n, price, at, extra'), [
    ['1', '1', '1.00', '2024-10-04 00:00:00', null],
    ['2', '2', '1.00', '2024-10-04 00:00:00', null],
    ['3', '3', '1.00', '2024-10-04 00:00:00', null],
    ['4', '7', '1234567.89', '1970-01-01 00:00:01', 'x'],
    ['5', '5', '1.00', '2024-10-04 00:00:00', null],
    ['1099511627776', '7', '1234567.89', '1970-01-01 00:00:01', 'x'],
  ]);
  const third = registry.register('evo_avro-value', {
    schema: record(['id', 'int'], ['n', 'string'], ['req', 'long']),
  });
  await load.send([framed(third, long(6), sized('text'), long(1)), row1(7)]);
  assert.match(
    await mend(load, 'n varchar YES'),
    /^ALTER TABLE bad\.evo_avro MODIFY COLUMN n varchar\(65533\) KEY NULL$/,
  );
  await load.untilConsumed();
  const fourth = registry.register('evo_avro-value', { schema: record(['id', 'int']) });
  await load.send([framed(fourth, long(8)), row1(9)]);
  assert.match(
    await mend(load, 'req bigint YES'),
    /^ALTER TABLE bad\.evo_avro MODIFY COLUMN req bigint\(20\) NULL$/,
  );
  await load.untilConsumed();
  assert.deepEqual(await load.rows('id, n, req', 'length(id), id'), [
    ['1', '1', '1'],
    ['2', '2', '1'],
    ['3', '3', '1'],
    ['4', '7', '1'],
    ['5', '5', '1'],
    ['6', 'text', '1'],
    ['7', '7', '1'],
    ['8', null, null],
    ['9', '9', '1'],
    ['1099511627776', '7', '1'],
  ]);
  assert.deepEqual(await load.rejected(), []);
  const { received, loaded } = await load.ledger();
  assert.deepEqual([received, loaded], [10, 10]);
});

test('Protobuf: a field of a new schema', async () => {
  const load = await start('evo_proto', 'id BIGINT NOT NULL', 'protobuf');
  const schema = (more: string) =>
    registry.register('evo_proto-value', {
      schema: `syntax = "proto3"; message User { int64 id = 1; ${more} }`,
      schemaType: 'PROTOBUF',
    });
  const indexes = Buffer.from([0]);
  const first = schema('');
  const second = schema('string name = 2; repeated uint32 marks = 3;');
  await load.send([
    framed(first, indexes, Buffer.from([8, 1])),
    framed(second, indexes, Buffer.from([8, 2, 18, 1, 0x61, 26, 1, 5])),
    framed(first, indexes, Buffer.from([8, 3])),
  ]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [
    ['1', null, null],
    ['2', 'a', '[5]'],
    ['3', null, null],
  ]);
});
