// SHOW ROUTINE LOAD against the seeds' own output: columns, keys and key order, offsets, times, masks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId, type DatabaseId, type JobId, type TableId } from '../../../../src/base/ids.ts';
import type { LoadJobRecord, PositionRecord } from '../../../../src/catalog/load-jobs.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import {
  SHOW_COLUMNS,
  type ShownJob,
  shownOffset,
  showRow,
} from '../../../../src/loads/routine/show.ts';
import { timeFormatter } from '../../../../src/loads/time-zone.ts';

const NO_CLAUSES = {
  columnSeparator: null,
  rowDelimiter: null,
  columns: null,
  where: null,
  partitions: null,
};

const CLICKS = defineRoutineLoad({
  load: NO_CLAUSES,
  properties: { format: 'JSON', jsonpaths: '["$.uid","$.site","$.vtime"]' },
  source: {
    kafka_broker_list: 'redpanda:29092',
    kafka_topic: 'test2',
    kafka_partitions: '0',
    kafka_offsets: 'OFFSET_BEGINNING',
  },
  sessionTimeZone: 'Etc/UTC',
});

const COUNTERS: LoadJobRecord['counters'] = {
  receivedBytes: 0,
  errorRows: 0,
  committedTaskNum: 0,
  abortedTaskNum: 0,
  loadedRows: 0,
  totalRows: 0,
  unselectedRows: 0,
  taskExecuteTimeMs: 1,
};

function shown(
  job: Partial<LoadJobRecord> = {},
  rest: Partial<Omit<ShownJob, 'job'>> = {},
): Record<string, string> {
  const record: LoadJobRecord = {
    id: asId<JobId>(10078),
    databaseId: asId<DatabaseId>(10001),
    databaseName: 'quickstart',
    tableId: asId<TableId>(10002),
    tableName: 'site_clicks',
    name: 'clicks',
    userName: 'root',
    userHost: '%',
    groupId: 'clicks_ea38a713-5a0f-4abe-9b11-ff4a241ccbbd',
    state: 'RUNNING',
    reason: null,
    definitionJson: '',
    counters: COUNTERS,
    failures: 0,
    failingSinceMs: null,
    resumeMs: null,
    stalled: null,
    windowErrorRows: 0,
    windowTotalRows: 0,
    otherMessage: null,
    createdMs: Date.UTC(2024, 5, 12, 15, 51, 12),
    pausedMs: null,
    endedMs: null,
    ...job,
  };
  const row = showRow({
    job: record,
    definition: CLICKS,
    positions: [position(0, 0n)],
    currentTaskNum: 1,
    unstable: null,
    warning: null,
    errorLogUrl: '',
    formatTime: timeFormatter('Etc/UTC'),
    ...rest,
  });
  assert.equal(row.length, SHOW_COLUMNS.length);
  return Object.fromEntries(SHOW_COLUMNS.map((name, index) => [name, row[index] ?? '?']));
}

function position(
  partition: number,
  nextOffset: bigint,
  lastTimestampMs: number | null = null,
  latestOffset: bigint | null = null,
): PositionRecord {
  return { topic: 'test2', partition, nextOffset, lastTimestampMs, latestOffset };
}

test("before anything was consumed: the seed's row, letter by letter", () => {
  assert.deepEqual(shown(), {
    Id: '10078',
    Name: 'clicks',
    CreateTime: '2024-06-12 15:51:12',
    PauseTime: 'NULL',
    EndTime: 'NULL',
    DbName: 'quickstart',
    TableName: 'site_clicks',
    State: 'RUNNING',
    DataSourceType: 'KAFKA',
    CurrentTaskNum: '1',
    JobProperties:
      '{"partitions":"*","partial_update":"false","columnToColumnExpr":"*","maxBatchIntervalS":"10","partial_update_mode":"null","whereExpr":"*","dataFormat":"json","timezone":"Etc/UTC","format":"json","log_rejected_record_num":"0","taskTimeoutSecond":"60","json_root":"","maxFilterRatio":"1.0","strict_mode":"false","jsonpaths":"[\\"$.uid\\",\\"$.site\\",\\"$.vtime\\"]","taskConsumeSecond":"15","desireTaskConcurrentNum":"5","maxErrorNum":"0","strip_outer_array":"false","currentTaskConcurrentNum":"1","maxBatchRows":"200000"}',
    DataSourceProperties:
      '{"topic":"test2","currentKafkaPartitions":"0","brokerList":"redpanda:29092"}',
    CustomProperties: '{"group.id":"clicks_ea38a713-5a0f-4abe-9b11-ff4a241ccbbd"}',
    Statistic:
      '{"receivedBytes":0,"errorRows":0,"committedTaskNum":0,"loadedRows":0,"loadRowsRate":0,"abortedTaskNum":0,"totalRows":0,"unselectedRows":0,"receivedBytesRate":0,"taskExecuteTimeMs":1}',
    Progress: '{"0":"OFFSET_ZERO"}',
    TimestampProgress: '{}',
    ReasonOfStateChanged: '',
    ErrorLogUrls: '',
    TrackingSQL: '',
    OtherMsg: '',
    LatestSourcePosition: '{}',
  });
});

test("after five rows: the seed's positions and counters", () => {
  const row = shown(
    {
      counters: {
        ...COUNTERS,
        receivedBytes: 372,
        committedTaskNum: 1,
        loadedRows: 5,
        totalRows: 5,
        taskExecuteTimeMs: 519,
      },
    },
    { positions: [position(0, 5n, 1_718_217_035_111, 5n)] },
  );
  assert.equal(
    row['Statistic'],
    '{"receivedBytes":372,"errorRows":0,"committedTaskNum":1,"loadedRows":5,"loadRowsRate":9,"abortedTaskNum":0,"totalRows":5,"unselectedRows":0,"receivedBytesRate":716,"taskExecuteTimeMs":519}',
  );
  assert.equal(row['Progress'], '{"0":"4"}');
  assert.equal(row['TimestampProgress'], '{"0":"1718217035111"}');
  assert.equal(row['LatestSourcePosition'], '{"0":"5"}');
});

test('a paused job shows its reason, its time and where its errors are', () => {
  const row = shown({
    state: 'PAUSED',
    reason: { errCode: 102, message: 'Current error rows: 3 is more than max error num: 0' },
    pausedMs: Date.UTC(2024, 5, 12, 16),
    otherMessage: { atMs: Date.UTC(2024, 5, 12, 15, 59, 59), text: 'a "task" failed' },
    counters: { ...COUNTERS, errorRows: 3 },
  });
  assert.equal(
    row['ReasonOfStateChanged'],
    "ErrorReason{errCode = 102, msg='Current error rows: 3 is more than max error num: 0'}",
  );
  assert.equal(row['PauseTime'], '2024-06-12 16:00:00');
  assert.equal(row['OtherMsg'], '[2024-06-12 15:59:59] a "task" failed');
  assert.equal(
    row['TrackingSQL'],
    'select tracking_log from information_schema.load_tracking_logs where job_id=10078',
  );
  const again = shown({ state: 'NEED_SCHEDULE', reason: { errCode: 100, message: 'old' } });
  assert.equal(again['ReasonOfStateChanged'], '');
});

test('CSV has separators in place of dataFormat, and what the user set comes last', () => {
  const definition = defineRoutineLoad({
    load: { ...NO_CLAUSES, columnSeparator: ',' },
    properties: { trim_space: 'true', enclose: '"', escape: '\\', max_filter_ratio: '0.25' },
    source: { kafka_broker_list: 'a:1,b:2', kafka_topic: 't' },
    sessionTimeZone: 'Asia/Shanghai',
  });
  const row = shown({}, { definition, positions: [], currentTaskNum: 0 });
  const properties = JSON.parse(row['JobProperties'] ?? '') as Record<string, string>;
  assert.equal(properties['rowDelimiter'], "'\\n'");
  assert.equal(properties['columnSeparator'], "','");
  assert.equal(properties['dataFormat'], undefined);
  assert.equal(properties['timezone'], 'Asia/Shanghai');
  assert.equal(properties['maxFilterRatio'], '0.25');
  assert.deepEqual(Object.entries(properties).slice(-3), [
    ['trim_space', 'true'],
    ['enclose', '34'],
    ['escape', '92'],
  ]);
  assert.equal(row['Progress'], '{}');
  assert.equal(
    row['DataSourceProperties'],
    '{"topic":"t","currentKafkaPartitions":"","brokerList":"a:1,b:2"}',
  );
});

test('secrets of the connection are never shown', () => {
  const definition = defineRoutineLoad({
    load: NO_CLAUSES,
    properties: {},
    source: {
      kafka_broker_list: 'a:1',
      kafka_topic: 't',
      'property.kafka_default_offsets': 'OFFSET_BEGINNING',
      'property.sasl.username': 'me',
      'property.sasl.password': 'hush',
      'property.sasl.jaas.config': 'hush',
      'property.ssl.key.pem': 'hush',
      'property.ssl.key.password': 'hush',
    },
    sessionTimeZone: 'Etc/UTC',
  });
  const row = shown({}, { definition });
  assert.doesNotMatch(JSON.stringify(row), /hush/);
  assert.equal(
    row['CustomProperties'],
    '{"sasl.username":"me","sasl.password":"******","sasl.jaas.config":"******","ssl.key.pem":"******","ssl.key.password":"******","kafka_default_offsets":"OFFSET_BEGINNING","group.id":"clicks_ea38a713-5a0f-4abe-9b11-ff4a241ccbbd"}',
  );
});

test('offsets are shown minus one, symbols by name, partitions in order', () => {
  assert.deepEqual([0n, 1n, 2n ** 62n, -1n, -2n].map(shownOffset), [
    'OFFSET_ZERO',
    '0',
    String(2n ** 62n - 1n),
    'OFFSET_END',
    'OFFSET_BEGINNING',
  ]);
  const row = shown({}, { positions: [position(10, 3n), position(2, 0n), position(1, 9n)] });
  assert.equal(row['Progress'], '{"1":"8","2":"OFFSET_ZERO","10":"2"}');
  assert.match(row['DataSourceProperties'] ?? '', /"currentKafkaPartitions":"1,2,10"/);
});

test('a message that was taken back is none', () => {
  assert.equal(shown({ otherMessage: { atMs: 1, text: '' } })['OtherMsg'], '');
});

test('a warning stands in front of the last message, alone without one', () => {
  const warning = 'Kafka may delete messages';
  assert.equal(shown({}, { warning })['OtherMsg'], warning);
  const otherMessage = { atMs: Date.UTC(2024, 5, 12, 16), text: 'a broker was away' };
  assert.equal(
    shown({ otherMessage }, { warning })['OtherMsg'],
    `${warning}; [2024-06-12 16:00:00] a broker was away`,
  );
});
