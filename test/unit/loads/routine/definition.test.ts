// A job's definition: what CREATE and ALTER ROUTINE LOAD accept, and what becomes of it in a task's plan.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asId,
  type DatabaseId,
  type FieldId,
  type JobId,
  type TableId,
  type VolumeId,
} from '../../../../src/base/ids.ts';
import { alteredDefinition, movesOf } from '../../../../src/loads/routine/alter.ts';
import { buildPlan, compileTransform } from '../../../../src/loads/routine/compile.ts';
import {
  defineRoutineLoad,
  type RoutineLoadDefinition,
  startOffsetOf,
} from '../../../../src/loads/routine/definition.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../../../../src/model/table.ts';
import type { LoadProperties } from '../../../../src/sql/ast/routine-load.ts';
import { parseStatement } from '../../../../src/sql/parse.ts';

const NO_CLAUSES: LoadProperties = {
  columnSeparator: null,
  rowDelimiter: null,
  columns: null,
  where: null,
  partitions: null,
};
const KAFKA = { kafka_broker_list: 'kafka:9092', kafka_topic: 't' };

function column(name: string, type: SqlType, rest: Partial<ColumnSchema> = {}): ColumnSchema {
  return {
    name,
    type,
    nullable: true,
    isKey: false,
    defaultValue: null,
    comment: '',
    fieldId: asId<FieldId>(1),
    ...rest,
  };
}

function tableOf(columns: readonly ColumnSchema[]): TableInfo {
  return {
    id: asId<TableId>(1),
    databaseId: asId<DatabaseId>(2),
    databaseName: 'd',
    name: 't',
    schema: { keysType: 'DUP_KEYS', columns },
    volumeId: asId<VolumeId>(3),
    prefix: 'd/t-1/data',
    comment: '',
    distributedBy: [],
    buckets: null,
    properties: {},
    createdMs: 0,
  };
}

const TABLE = tableOf([
  column('id', { kind: 'BIGINT' }, { nullable: false }),
  column('Name', { kind: 'VARCHAR', length: 20 }),
  column('at', { kind: 'DATETIME' }, { nullable: false, defaultValue: '2020-01-01 00:00:00' }),
]);

/** The definition that a statement's text makes. */
function define(
  clauses: string,
  properties: Record<string, string> = {},
  source: Record<string, string> = {},
): RoutineLoadDefinition {
  const statement = parseStatement(
    `CREATE ROUTINE LOAD j ON t ${clauses} FROM KAFKA ("kafka_topic" = "t")`,
  );
  assert(statement.kind === 'create_routine_load');
  return defineRoutineLoad({
    load: statement.load,
    properties,
    source: { ...KAFKA, ...source },
    sessionTimeZone: 'Etc/UTC',
  });
}

const says = (work: () => unknown, message: string | RegExp): void => {
  assert.throws(work, (error: unknown) => {
    assert(error instanceof Error);
    if (typeof message === 'string') assert.ok(error.message.includes(message), error.message);
    else assert.match(error.message, message);
    return true;
  });
};

test('what is refused at CREATE, with its reason', () => {
  says(
    () => define('', { format: 'avro' }),
    'confluent.schema.registry.url is a required property',
  );
  const registry = { 'confluent.schema.registry.url': 'ftp://u:hush@h' };
  says(() => define('', { format: 'avro' }, registry), /'ftp:\/\/\*{6}@h': it does not begin/);
  const address = { 'confluent.schema.registry.url': 'http://h:8081' };
  const rooted = { format: 'avro', json_root: '$.a' };
  says(() => define('', rooted, address), 'json_root is not a property of format avro');
  says(() => define("COLUMNS TERMINATED BY ''"), 'Delimiter cannot be empty or null');
  says(() => define('', { timezone: 'Mars/Base' }), "Unknown or incorrect time zone: 'Mars/Base'");
  for (const jsonpaths of ['{}', '[]', '["a"]', '[1]', '["$.a"', 'x']) {
    says(() => define('', { format: 'json', jsonpaths }), /[Jj]son ?path/);
  }
  says(() => define('', { format: 'json', json_root: 'a' }), 'does not begin with $');
  says(
    () => define('', { task_consume_second: '10', task_timeout_second: '10' }),
    'task_timeout_second must be larger than task_consume_second',
  );
});

test('format raw: the payload is the column _value, or the one field of COLUMNS', () => {
  const raw = { format: 'raw' };
  const withValue = tableOf([
    column('_value', { kind: 'VARCHAR', length: 20 }),
    column('n', { kind: 'INT' }),
  ]);
  assert.deepEqual(compileTransform(define('', raw), withValue).fields, ['_value']);
  assert.deepEqual(compileTransform(define('COLUMNS (x, n = length(x))', raw), withValue).fields, [
    'x',
  ]);
  says(() => compileTransform(define('', raw), TABLE), 'format raw has one source field');
  says(
    () => compileTransform(define('COLUMNS (x, y)', raw), withValue),
    'format raw has one source field',
  );
  says(
    () => define('', { format: 'raw', jsonpaths: '["$.a"]' }),
    'jsonpaths is not a property of format raw',
  );
});

test('PARTITION is kept with the job, and ALTER without it keeps it', () => {
  const job = define('PARTITION (p1, p2)');
  assert.deepEqual(job.partitions, { names: ['p1', 'p2'], temporary: false });
  const change = { load: NO_CLAUSES, properties: { max_error_number: '5' }, source: {} };
  assert.deepEqual(alteredDefinition(job, change).partitions, job.partitions);
  assert.equal(define('').partitions, undefined);
});

test('task times follow from each other', () => {
  assert.equal(define('', { task_consume_second: '10' }).properties['task_timeout_second'], '40');
  assert.equal(define('', { task_timeout_second: '10' }).properties['task_consume_second'], '2');
  assert.equal(define('', { task_timeout_second: '3' }).properties['task_consume_second'], '1');
});

test('without COLUMNS the fields are the columns of the table, in order', () => {
  const { fields, outputs, whereSql } = compileTransform(define('', { format: 'json' }), TABLE);
  assert.deepEqual(fields, ['id', 'Name', 'at']);
  assert.deepEqual(
    outputs.map((output) => output.from),
    [
      { kind: 'field', field: 'id' },
      { kind: 'field', field: 'Name' },
      { kind: 'field', field: 'at' },
    ],
  );
  assert.equal(whereSql, null);
});

test('COLUMNS: fields in any case, derived columns, defaults for the rest', () => {
  const { fields, outputs } = compileTransform(
    define('COLUMNS (ID, tmp, name = upper(tmp))'),
    TABLE,
  );
  assert.deepEqual(fields, ['ID', 'tmp']);
  assert.deepEqual(
    outputs.map((output) => output.from.kind),
    ['field', 'expression', 'default'],
  );
  const wrong: readonly [string, string][] = [
    ['COLUMNS (name)', 'Column has no default value, column: id'],
    ['COLUMNS (id, nosuch = id)', "Column 'nosuch' of COLUMNS is not in table t"],
    ['COLUMNS (id, ID)', "Duplicate column 'ID' in COLUMNS"],
    ['COLUMNS (id, name = id, NAME = id)', "Duplicate column 'NAME' in COLUMNS"],
    ['COLUMNS (id, name = upper(nosuch))', 'nosuch'],
    ['COLUMNS (id) WHERE nosuch > 1', 'nosuch'],
  ];
  for (const [clauses, message] of wrong) {
    says(() => compileTransform(define(clauses), TABLE), message);
  }
  says(
    () =>
      compileTransform(
        define('COLUMNS (id, tmp)', { format: 'json', jsonpaths: '["$.a"]' }),
        TABLE,
      ),
    'jsonpaths has 1 paths for 2 source fields',
  );
});

const CONNECTION = { brokers: ['kafka:9092'], properties: {}, files: {} };

test('the plan of a task has what the user asked for', () => {
  const target = {
    tableId: TABLE.id,
    databaseName: 'd',
    tableName: 't',
    volume: {
      id: asId<VolumeId>(3),
      name: 'v',
      type: 'LOCAL' as const,
      location: 'file:///x',
      params: {},
    },
    prefix: 'p',
    keys: null,
  };
  const plan = (definition: RoutineLoadDefinition) =>
    buildPlan({
      jobId: asId<JobId>(7),
      jobName: 'j',
      userName: 'root',
      definition,
      connection: CONNECTION,
      tables: [{ table: TABLE, target }],
      rejected: target,
      topics: [{ topic: 't', partitions: [{ partition: 1, offset: 5n }] }],
      limits: {
        maxBatchRows: 1,
        maxBatchBytes: 1,
        maxBatchIntervalMs: 1,
        freshnessMs: 1,
        maxMessageBytes: 1,
        keptMessageBytes: 1,
      },
    });
  const json = plan(
    define(
      '',
      { format: 'json', jsonpaths: '["$.a","$.b","$.c"]', json_root: '$.r', strict_mode: 'true' },
      { 'property.isolation.level': 'read_uncommitted' },
    ),
  );
  assert.deepEqual(json.format, {
    kind: 'json',
    jsonpaths: ['$.a', '$.b', '$.c'],
    jsonRoot: '$.r',
    stripOuterArray: false,
  });
  assert.equal(json.transform.strictMode, true);
  assert.equal(json.source.isolation, 'read_uncommitted');
  const csv = plan(define("COLUMNS TERMINATED BY '\\\\x01', ROWS TERMINATED BY '|'"));
  assert.deepEqual(csv.format, {
    kind: 'csv',
    columnSeparator: '\x01',
    rowDelimiter: '|',
    trimSpace: false,
    enclose: '',
    escape: '',
  });
  assert.equal(csv.source.isolation, 'read_committed');
});

test('a definition lives as JSON and means the same afterwards', () => {
  const definition = define(
    'COLUMNS (id, tmp, name = concat(tmp, "x")), WHERE id > 5',
    { format: 'json', jsonpaths: '["$.a","$.b"]' },
    { kafka_partitions: '0,1', kafka_offsets: '9007199254740993,OFFSET_END' },
  );
  const stored = JSON.parse(JSON.stringify(definition)) as RoutineLoadDefinition;
  assert.deepEqual(stored, definition);
  assert.equal(startOffsetOf(stored, 0), 9007199254740993n);
  assert.equal(startOffsetOf(stored, 1), 'OFFSET_END');
  assert.equal(startOffsetOf(define(''), 0), 'OFFSET_END');
  assert.deepEqual(compileTransform(stored, TABLE), compileTransform(definition, TABLE));
});

test('ALTER keeps what it does not name', () => {
  const old = define(
    "COLUMNS TERMINATED BY ',', COLUMNS (id, name), WHERE id > 5",
    { max_error_number: '3', task_consume_second: '20' },
    { 'property.sasl.username': 'u', 'property.sasl.password': 'p', ...SASL },
  );
  const change = { load: NO_CLAUSES, properties: {}, source: {} };
  assert.deepEqual(alteredDefinition(old, change), old);
  const altered = alteredDefinition(old, {
    ...change,
    properties: { max_error_number: '10', task_consume_second: '100' },
    source: {
      'property.sasl.password': 'new',
      'property.kafka_default_offsets': 'OFFSET_BEGINNING',
    },
  });
  assert.deepEqual(altered, {
    ...old,
    properties: {
      ...old.properties,
      max_error_number: '10',
      task_consume_second: '100',
      task_timeout_second: '400',
    },
    source: {
      ...old.source,
      custom: { ...old.source.custom, 'sasl.password': 'new' },
      defaultOffset: 'OFFSET_BEGINNING',
    },
  });
});

const SASL = {
  'property.security.protocol': 'SASL_PLAINTEXT',
  'property.sasl.mechanism': 'PLAIN',
};

test('ALTER refuses what cannot be changed', () => {
  const old = define('', { format: 'json' });
  const change = { load: NO_CLAUSES, properties: {}, source: {} };
  const alter = (part: Partial<typeof change>) => () =>
    alteredDefinition(old, { ...change, ...part });
  says(alter({ properties: { format: 'csv' } }), 'format is invalid property');
  says(alter({ properties: { nosuch: '1' } }), 'nosuch is invalid property');
  says(alter({ source: { 'property.group.id': 'u' } }), 'property.group.id is invalid');
  says(alter({ source: { 'property.nosuch': 'u' } }), "unknown Kafka property 'nosuch'");
  says(alter({ source: { 'property.sasl.password': 'u' } }), 'needs security.protocol');
});

test('ALTER moves only positions that there are', () => {
  const pinned = define('', {}, { kafka_partitions: '0,1' });
  const positions = [{ partition: 0 }, { partition: 1 }];
  const lists = { kafka_partitions: '1,0', kafka_offsets: '7,OFFSET_BEGINNING' };
  assert.deepEqual(movesOf(pinned, lists, positions), [
    { partition: 1, to: 7n },
    { partition: 0, to: 'OFFSET_BEGINNING' },
  ]);
  assert.deepEqual(movesOf(pinned, { 'property.client.id': 'x' }, positions), []);
  says(
    () => movesOf(pinned, { kafka_partitions: '9', kafka_offsets: '1' }, positions),
    'The specified partition 9 is not in the custom partitions',
  );
  says(
    () => movesOf(define(''), { kafka_partitions: '9', kafka_offsets: '1' }, positions),
    'The specified partition 9 is not in the consumed partitions',
  );
  says(() => movesOf(pinned, { kafka_partitions: '0' }, positions), 'equals to offsets number');
  says(() => movesOf(pinned, { kafka_offsets: '0' }, positions), 'equals to offsets number');
});
