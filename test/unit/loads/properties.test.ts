// Property tables: each check and each message of CREATE ROUTINE LOAD, in StarRocks' words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkProperties, propertyOf } from '../../../src/loads/properties.ts';
import { JOB_PROPERTIES, readKafkaSource } from '../../../src/loads/routine/properties.ts';
import { readOffset } from '../../../src/loads/routine/start-offset.ts';

const refuses = (given: Record<string, string>, message: string): void => {
  assert.throws(
    () => checkProperties(JOB_PROPERTIES, given),
    (error: unknown) => error instanceof Error && error.message.includes(message),
    `${JSON.stringify(given)} should say: ${message}`,
  );
};

test('unknown keys are named as they were written', () => {
  refuses({ Desired_Concurrency: '1' }, 'Desired_Concurrency is invalid property');
  refuses({ __proto__x: '1' }, '__proto__x is invalid property');
  refuses({ constructor: '1' }, 'constructor is invalid property');
  refuses({ format: 'json', FORMAT: 'csv' }, 'FORMAT is given twice');
});

test('numbers: range and form', () => {
  const cases: readonly [string, string, string][] = [
    ['desired_concurrent_number', '0', 'desired_concurrent_number should > 0'],
    ['desired_concurrent_number', 'two', 'desired_concurrent_number should > 0'],
    ['max_batch_interval', '4', 'max_batch_interval should >= 5'],
    ['max_batch_interval', '5.5', 'max_batch_interval should >= 5'],
    ['max_batch_rows', '199999', 'max_batch_rows should >= 200000'],
    ['max_batch_size', '-1', 'max_batch_size should >= 0'],
    ['max_error_number', '-1', 'max_error_number should >= 0'],
    ['max_error_number', '99999999999999999999', 'max_error_number should >= 0'],
    ['max_filter_ratio', '1.1', 'max_filter_ratio must between 0.0 and 1.0.'],
    ['max_filter_ratio', '-0.1', 'max_filter_ratio must between 0.0 and 1.0.'],
    ['max_filter_ratio', '', 'Incorrect format of max_filter_ratio'],
    ['max_filter_ratio', 'NaN', 'Incorrect format of max_filter_ratio'],
    ['log_rejected_record_num', '-2', 'log_rejected_record_num should >= -1'],
    ['task_consume_second', '0', 'task_consume_second should > 0'],
    ['task_timeout_second', '', 'task_timeout_second should > 0'],
    ['strict_mode', 'yes', 'strict_mode should be a boolean'],
    ['strip_outer_array', '1', 'strip_outer_array should be a boolean'],
    ['format', 'parquet', 'Format type is invalid. format=`parquet`'],
    ['partial_update_mode', 'x', 'partial_update_mode should be row, column or auto'],
  ];
  for (const [key, value, message] of cases) refuses({ [key]: value }, message);
});

test('values come back in their normal form, others by their default', () => {
  const checked = checkProperties(JOB_PROPERTIES, {
    FORMAT: ' JSON ',
    strict_mode: 'TRUE',
    max_batch_interval: '+7',
    max_error_number: '007',
    jsonpaths: '["$.A"]',
  });
  assert.deepEqual(checked, {
    format: 'json',
    strict_mode: 'true',
    max_batch_interval: '7',
    max_error_number: '7',
    jsonpaths: '["$.A"]',
  });
  assert.equal(propertyOf(JOB_PROPERTIES, checked, 'max_batch_rows'), '200000');
  assert.equal(propertyOf(JOB_PROPERTIES, checked, 'desired_concurrent_number'), '5');
});

test('FROM KAFKA: what is required, what is known, what goes to the client', () => {
  const base = { kafka_broker_list: 'a:9092, b:9093', kafka_topic: ' t ' };
  const source = readKafkaSource({
    ...base,
    kafka_partitions: '0, 2',
    kafka_offsets: 'offset_beginning, 17',
    'property.kafka_default_offsets': 'OFFSET_END',
    'property.group.id': 'g',
    'property.security.protocol': 'plaintext',
  });
  assert.deepEqual(source, {
    brokers: ['a:9092', 'b:9093'],
    topic: 't',
    partitions: [
      { partition: 0, start: 'OFFSET_BEGINNING' },
      { partition: 2, start: 17n },
    ],
    defaultOffset: 'OFFSET_END',
    custom: { 'security.protocol': 'plaintext' },
    groupId: 'g',
  });
  const says = (given: Record<string, string>, message: string): void =>
    assert.throws(
      () => readKafkaSource(given),
      (error: unknown) => error instanceof Error && error.message.includes(message),
      message,
    );
  says({ kafka_topic: 't' }, 'kafka_broker_list is a required property');
  says({ kafka_broker_list: 'a:1' }, 'kafka_topic is a required property');
  says({ ...base, kafka_topic: '' }, 'kafka_topic is a required property');
  says({ ...base, group: 'x' }, 'group is invalid kafka custom property');
  says(
    { ...base, kafka_broker_list: 'a:1,no host^:1' },
    'kafka_broker_list:nohost^:1 not match pattern [-A-Za-z0-9+&@#/%?=~_|!:,.;]+[-A-Za-z0-9+&@#/%=~_|]',
  );
  assert.deepEqual(readKafkaSource({ ...base, kafka_broker_list: 'a:1, [::1]:2' }).brokers, [
    'a:1',
    '[::1]:2',
  ]);
  says({ ...base, 'property.': 'x' }, 'kafka property value could not be a empty string');
  says({ ...base, kafka_partitions: '' }, 'kafka_partitions could not be a empty string');
  const notNumbers = 'kafka_partitions must be a number string with comma-separated';
  for (const kafka_partitions of ['0,x', '0,,1', '-1', '0.5'])
    says({ ...base, kafka_partitions }, notNumbers);
  says(
    { ...base, kafka_partitions: '0', kafka_offsets: ' ' },
    'kafka_offsets could not be a empty',
  );
  says({ ...base, kafka_partitions: '1,1' }, 'names a partition twice');
  const unequal = 'Partitions number should be equals to offsets number';
  says({ ...base, kafka_partitions: '0,1', kafka_offsets: '5' }, unequal);
  says({ ...base, kafka_offsets: '5' }, unequal);
  says({ ...base, kafka_partitions: '0', kafka_offsets: '-3' }, 'offset smaller than 0');
});

test('offsets: numbers and the two symbols', () => {
  assert.equal(readOffset(' 9223372036854775807 '), 9223372036854775807n);
  assert.equal(readOffset('offset_end'), 'OFFSET_END');
  assert.equal(readOffset('OFFSET_beginning'), 'OFFSET_BEGINNING');
  // StarRocks stores the symbols as -1 and -2 and takes neither number.
  for (const negative of ['-1', '-2'])
    assert.throws(() => readOffset(negative), /Can not specify offset smaller than 0/);
  assert.throws(() => readOffset('1e3'), /kafka offset must be a integer: 1e3/);
  assert.throws(() => readOffset('9223372036854775808'), /kafka offset must be a integer/);
  assert.throws(() => readOffset(''), /kafka offset could not be a empty string/);
});
