// StarRocks' properties of CREATE ROUTINE LOAD, each with its default, its range and what is said outside of it; and
// which of them ALTER takes. SOURCE: StarRocks, CREATE and ALTER ROUTINE LOAD (docs, FE source of 2025-09).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alteredDefinition } from '../../../../src/loads/routine/alter.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import { JOB_PROPERTIES } from '../../../../src/loads/routine/properties.ts';

const NO_CLAUSES = {
  columnSeparator: null,
  rowDelimiter: null,
  columns: null,
  where: null,
  partitions: null,
};
const KAFKA = { kafka_broker_list: 'k:9092', kafka_topic: 't' };

interface Row {
  /** null = none. */
  readonly default: string | null;
  readonly alterable: boolean;
  /** Taken, at the ends of the range. */
  readonly good: readonly string[];
  /** Refused with that message. */
  readonly bad: Readonly<Record<string, readonly string[]>>;
}

const bool = (key: string, alterable: boolean): Row => ({
  default: 'false',
  alterable,
  good: ['true', 'FALSE', 'True'],
  bad: { [`${key} should be a boolean`]: ['1', 'yes', '', 'tru'] },
});
const text = (fallback: string | null, alterable: boolean, good: string): Row => ({
  default: fallback,
  alterable,
  good: [good],
  bad: {},
});

const ROWS: Readonly<Partial<Record<keyof typeof JOB_PROPERTIES, Row>>> = {
  desired_concurrent_number: {
    default: '5',
    alterable: true,
    good: ['1', '100'],
    bad: { 'desired_concurrent_number should > 0': ['0', '-1', 'x', '', '1.5'] },
  },
  max_batch_interval: {
    default: '10',
    alterable: true,
    good: ['5', '60', '3600'],
    bad: { 'max_batch_interval should >= 5': ['4', '0', '-5', 'ten', '5.5'] },
  },
  max_batch_rows: {
    default: '200000',
    alterable: true,
    good: ['200000', '5000000000'],
    bad: { 'max_batch_rows should >= 200000': ['199999', '0', 'many'] },
  },
  max_batch_size: {
    default: null,
    alterable: true,
    good: ['0', '1073741824'],
    bad: { 'max_batch_size should >= 0': ['-1', '1GB'] },
  },
  max_error_number: {
    default: '0',
    alterable: true,
    good: ['0', '9007199254740991'],
    bad: { 'max_error_number should >= 0': ['-1', 'none', ''] },
  },
  max_filter_ratio: {
    default: '1.0',
    alterable: true,
    good: ['0', '0.0', '0.5', '1', '1.0', '1e-3'],
    bad: {
      'max_filter_ratio must between 0.0 and 1.0.': ['-0.1', '1.0001', '2'],
      'Incorrect format of max_filter_ratio': ['a half', ''],
    },
  },
  strict_mode: bool('strict_mode', true),
  log_rejected_record_num: {
    default: '0',
    alterable: false,
    good: ['-1', '0', '500'],
    bad: { 'log_rejected_record_num should >= -1': ['-2', 'all'] },
  },
  timezone: {
    default: null,
    alterable: true,
    good: ['Asia/Shanghai', '+08:00', 'UTC'],
    bad: { "Unknown or incorrect time zone: 'Nowhere'": ['Nowhere'] },
  },
  partial_update: bool('partial_update', false),
  partial_update_mode: {
    default: null,
    alterable: false,
    good: ['row', 'COLUMN', 'auto'],
    bad: { 'partial_update_mode should be row, column or auto': ['rows', ''] },
  },
  merge_condition: text(null, false, 'v'),
  format: {
    default: 'csv',
    alterable: false,
    good: ['csv', 'JSON', 'Json'],
    bad: { 'Format type is invalid. format=`orc`': ['orc'] },
  },
  strip_outer_array: bool('strip_outer_array', true),
  jsonpaths: {
    default: '',
    alterable: true,
    good: ['["$.a"]'],
    bad: { 'Invalid json path': ['$.a', '[]', '["a"]', '[1]'] },
  },
  json_root: {
    default: '',
    alterable: true,
    good: ['$.a'],
    bad: { 'Invalid json path': ['a.b'] },
  },
  trim_space: bool('trim_space', false),
  enclose: text(null, false, '"'),
  escape: text(null, false, '\\'),
  task_consume_second: {
    default: '15',
    alterable: true,
    good: ['1', '3600'],
    bad: { 'task_consume_second should > 0': ['0', 'x'] },
  },
  task_timeout_second: {
    default: '60',
    alterable: true,
    good: ['4', '3600'],
    bad: { 'task_timeout_second should > 0': ['0', 'x'] },
  },
  warehouse: {
    default: null,
    alterable: true,
    good: ['default_warehouse'],
    bad: { 'Warehouse other not exists.': ['other'] },
  },
  pause_on_fatal_parse_error: bool('pause_on_fatal_parse_error', true),
  skip_on_fatal_parse_error: bool('skip_on_fatal_parse_error', true),
};

const define = (properties: Readonly<Record<string, string>>) =>
  defineRoutineLoad({
    load: NO_CLAUSES,
    properties,
    source: KAFKA,
    sessionTimeZone: 'Etc/UTC',
  });

const says =
  (message: string) =>
  (thrown: unknown): boolean =>
    thrown instanceof Error && thrown.message.includes(message);

for (const [key, row] of Object.entries(ROWS)) {
  test(`${key}: default, range, messages`, () => {
    const spec = JOB_PROPERTIES[key as keyof typeof JOB_PROPERTIES];
    assert.equal(spec.default, row.default);
    assert.equal(spec.alterable, row.alterable);
    for (const value of row.good) {
      define({ [key]: value });
      define({ [key.toUpperCase()]: value });
    }
    for (const [message, values] of Object.entries(row.bad)) {
      for (const value of values) {
        assert.throws(() => define({ [key]: value }), says(message), `${key} = '${value}'`);
      }
    }
    const [value = ''] = row.good;
    assert.throws(
      () => define({ [key]: value, [key.toUpperCase()]: value }),
      says(`${key.toUpperCase()} is given twice`),
    );
    const altered = () =>
      alteredDefinition(define({}), {
        load: NO_CLAUSES,
        properties: { [key]: value },
        source: {},
      });
    if (row.alterable)
      assert.equal(altered().properties[key], define({ [key]: value }).properties[key]);
    else assert.throws(altered, says(`${key} is invalid property`));
  });
}

test('keys that there are not', () => {
  for (const key of ['max_batch_row', 'enable_profile', 'kafka_topic', ' format', 'toString']) {
    assert.throws(() => define({ [key]: '1' }), says(`${key} is invalid property`));
  }
});

test('task times follow from each other, and ALTER of one of them gives the other anew', () => {
  const times = ({ properties }: ReturnType<typeof define>) => [
    properties['task_consume_second'],
    properties['task_timeout_second'],
  ];
  assert.deepEqual(times(define({ task_consume_second: '20' })), ['20', '80']);
  assert.deepEqual(times(define({ task_timeout_second: '80' })), ['20', '80']);
  assert.deepEqual(times(define({ task_timeout_second: '3' })), ['1', '3']);
  const message = 'task_timeout_second must be larger than task_consume_second';
  for (const timeout of ['9', '10']) {
    assert.throws(
      () => define({ task_consume_second: '10', task_timeout_second: timeout }),
      says(message),
    );
  }
  const altered = alteredDefinition(define({ task_consume_second: '20' }), {
    load: NO_CLAUSES,
    properties: { task_consume_second: '30' },
    source: {},
  });
  assert.deepEqual(times(altered), ['30', '120']);
});

test('data source properties: what is refused, in the words of StarRocks', () => {
  const cases: readonly (readonly [Readonly<Record<string, string | null>>, string])[] = [
    [{ kafka_broker_list: null }, 'kafka_broker_list is a required property'],
    [{ kafka_broker_list: ' ' }, 'kafka_broker_list is a required property'],
    [{ kafka_broker_list: 'a b,"' }, 'kafka_broker_list:" not match pattern'],
    [{ kafka_topic: null }, 'kafka_topic is a required property'],
    [{ kafka_topic: '' }, 'kafka_topic is a required property'],
    [{ kafka_partitions: '' }, 'kafka_partitions could not be a empty string'],
    [{ kafka_partitions: '0,x' }, 'kafka_partitions must be a number string with comma-separated'],
    [{ kafka_partitions: '0', kafka_offsets: '' }, 'kafka_offsets could not be a empty string'],
    [{ kafka_offsets: '0' }, 'Partitions number should be equals to offsets number'],
    [
      { kafka_partitions: '0,1', kafka_offsets: '0' },
      'Partitions number should be equals to offsets number',
    ],
    [{ kafka_partitions: '0', kafka_offsets: '-1' }, 'Can not specify offset smaller than 0'],
    [{ kafka_partitions: '0', kafka_offsets: 'zero' }, 'kafka offset must be a integer: zero'],
    [{ 'property.kafka_default_offsets': '-3' }, 'Can not specify offset smaller than 0'],
    [{ 'property.kafka_default_offsets': 'begin' }, 'kafka offset must be a integer: begin'],
    [{ 'property.': 'x' }, 'kafka property value could not be a empty string'],
    [{ topic: 'x' }, 'topic is invalid kafka custom property'],
    [{ 'kafka.group.id': 'x' }, 'kafka.group.id is invalid kafka custom property'],
  ];
  for (const [change, message] of cases) {
    const merged = { ...KAFKA, ...change };
    const source = Object.fromEntries(
      Object.entries(merged).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
    );
    assert.throws(
      () =>
        defineRoutineLoad({
          load: NO_CLAUSES,
          properties: {},
          source,
          sessionTimeZone: 'Etc/UTC',
        }),
      says(message),
      JSON.stringify(change),
    );
  }
});
