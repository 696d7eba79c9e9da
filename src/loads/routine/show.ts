// SHOW ROUTINE LOAD: columns and rendering in one place. Column order, key order and texts as in the
// seeds (StarRocks' quick start output); further JobProperties keys only where the user set them.
import { isSecretName, MASK, maskUrlUsers } from '../../base/secrets.ts';
import {
  type LoadJobReason,
  type LoadJobRecord,
  type PositionRecord,
  tablesOfJob,
} from '../../catalog/load-jobs.ts';
import { parseRegistryUrl } from '../../registry/address.ts';
import { propertyOf } from '../properties.ts';
import type { RoutineLoadDefinition } from './definition.ts';
import { messagesBehind } from './health.ts';
import { JOB_PROPERTIES } from './properties.ts';
import { choiceText, readsMany } from './topics.ts';

export const SHOW_COLUMNS = [
  'Id',
  'Name',
  'CreateTime',
  'PauseTime',
  'EndTime',
  'DbName',
  'TableName',
  'State',
  'DataSourceType',
  'CurrentTaskNum',
  'JobProperties',
  'DataSourceProperties',
  'CustomProperties',
  'Statistic',
  'Progress',
  'TimestampProgress',
  'ReasonOfStateChanged',
  'ErrorLogUrls',
  'TrackingSQL',
  'OtherMsg',
  'LatestSourcePosition',
] as const;

export interface ShownJob {
  readonly job: LoadJobRecord;
  readonly definition: RoutineLoadDefinition;
  readonly positions: readonly PositionRecord[];
  readonly currentTaskNum: number;
  /** Why a running job is shown as UNSTABLE. */
  readonly unstable: LoadJobReason | null;
  /** What the user should know, of a job in any state; null = nothing. */
  readonly warning: string | null;
  /** '' without rejected rows. */
  readonly errorLogUrl: string;
  /** Prints times in the session's zone, 'NULL' for unset ones. */
  readonly formatTime: (atMs: number | null) => string;
}

/** One row of SHOW ROUTINE LOAD; every cell is text ('NULL' for unset times, as StarRocks sends it). */
export function showRow(shown: ShownJob): string[] {
  const { job, definition, formatTime } = shown;
  const running = job.state === 'NEED_SCHEDULE' || job.state === 'RUNNING';
  const isOfMany = readsMany(definition.source);
  const why = shown.unstable ?? (running ? null : job.reason);
  const reason = why === null ? '' : `ErrorReason{errCode = ${why.errCode}, msg='${why.message}'}`;
  return [
    String(job.id),
    job.name,
    formatTime(job.createdMs),
    formatTime(job.pausedMs),
    formatTime(job.endedMs),
    job.databaseName,
    tablesOfJob(job)
      .map(({ name }) => name)
      .join(','),
    shown.unstable === null ? job.state : 'UNSTABLE',
    'KAFKA',
    String(shown.currentTaskNum),
    JSON.stringify(jobProperties(shown)),
    JSON.stringify(dataSourceProperties(definition, shown.positions)),
    JSON.stringify(customProperties(job, definition)),
    JSON.stringify(statistic(job)),
    JSON.stringify(progress(shown.positions, isOfMany)),
    JSON.stringify(timestampProgress(shown.positions, isOfMany)),
    reason,
    shown.errorLogUrl,
    job.counters.errorRows === 0
      ? ''
      : `select tracking_log from information_schema.load_tracking_logs where job_id=${job.id}`,
    otherMessage(shown),
    JSON.stringify(latestPosition(shown.positions, isOfMany)),
  ];
}

/** The warning comes first: it is of now, the message of when it says. */
function otherMessage({ job, warning, formatTime }: ShownJob): string {
  const told = job.otherMessage;
  // An empty text took back what was told before.
  const isOver = told === null || told.text === '';
  const texts = [warning, isOver ? null : `[${formatTime(told.atMs)}] ${told.text}`];
  return texts.filter((text) => text !== null).join('; ');
}

function jobProperties({ definition, currentTaskNum }: ShownJob): Record<string, string> {
  const value = (key: keyof typeof JOB_PROPERTIES): string =>
    propertyOf(JOB_PROPERTIES, definition.properties, key);
  const json = value('format') === 'json';
  const derived = definition.columns?.map((entry) =>
    entry.expression === null ? entry.name : `${entry.name} = ${entry.expression}`,
  );
  const csv = {
    rowDelimiter: `'${definition.rowDelimiter ?? '\\n'}'`,
    columnSeparator: `'${definition.columnSeparator ?? '\\t'}'`,
  };
  const userSet = (
    [
      'trim_space',
      'enclose',
      'escape',
      'pause_on_fatal_parse_error',
      'merge_condition',
      'warehouse',
      'freshness',
      'route',
      'route_unmatched',
    ] as const
  )
    .filter((key) => definition.properties[key] !== undefined)
    .map((key) => [key, key === 'enclose' || key === 'escape' ? byteText(value(key)) : value(key)]);
  return {
    partitions: definition.partitions?.names.join(',') ?? '*',
    partial_update: value('partial_update'),
    columnToColumnExpr: derived === undefined ? '*' : derived.join(','),
    maxBatchIntervalS: value('max_batch_interval'),
    partial_update_mode: definition.properties['partial_update_mode'] ?? 'null',
    whereExpr: definition.where ?? '*',
    ...(json ? { dataFormat: 'json' } : csv),
    timezone: definition.timeZone,
    format: value('format'),
    log_rejected_record_num: value('log_rejected_record_num'),
    taskTimeoutSecond: value('task_timeout_second'),
    json_root: value('json_root'),
    maxFilterRatio: ratioText(value('max_filter_ratio')),
    strict_mode: value('strict_mode'),
    jsonpaths: value('jsonpaths'),
    taskConsumeSecond: value('task_consume_second'),
    desireTaskConcurrentNum: value('desired_concurrent_number'),
    maxErrorNum: value('max_error_number'),
    strip_outer_array: value('strip_outer_array'),
    currentTaskConcurrentNum: String(currentTaskNum),
    maxBatchRows: value('max_batch_rows'),
    ...Object.fromEntries(userSet),
  };
}

/** StarRocks shows enclose and escape as the number of their byte. */
function byteText(value: string): string {
  return String(Buffer.from(value)[0] ?? 0);
}

/** Java's text of a double: `1` is `1.0`. */
function ratioText(value: string): string {
  return /^\d+$/.test(value) ? `${value}.0` : value;
}

function dataSourceProperties(
  definition: RoutineLoadDefinition,
  positions: readonly PositionRecord[],
): Record<string, string> {
  return {
    topic: choiceText(definition.source),
    currentKafkaPartitions: inOrder(positions)
      .map((entry) => placeOf(entry, readsMany(definition.source)))
      .join(','),
    brokerList: definition.source.brokers.join(','),
    ...(definition.source.registryUrl === undefined
      ? {}
      : {
          'confluent.schema.registry.url': parseRegistryUrl(definition.source.registryUrl).url,
        }),
  };
}

function customProperties(
  job: LoadJobRecord,
  definition: RoutineLoadDefinition,
): Record<string, string> {
  const custom = Object.fromEntries(
    Object.entries(definition.source.custom).map(([key, value]) => [
      key,
      isSecretName(key) ? MASK : maskUrlUsers(value),
    ]),
  );
  return {
    ...custom,
    ...(definition.source.defaultOffset === null
      ? {}
      : { kafka_default_offsets: definition.source.defaultOffset }),
    'group.id': job.groupId,
  };
}

function statistic({ counters }: LoadJobRecord): Record<string, number> {
  const perSecond = (amount: number): number =>
    Math.floor((amount * 1000) / Math.max(1, counters.taskExecuteTimeMs));
  return {
    receivedBytes: counters.receivedBytes,
    errorRows: counters.errorRows,
    committedTaskNum: counters.committedTaskNum,
    loadedRows: counters.loadedRows,
    loadRowsRate: perSecond(counters.loadedRows),
    abortedTaskNum: counters.abortedTaskNum,
    totalRows: counters.totalRows,
    unselectedRows: counters.unselectedRows,
    receivedBytesRate: perSecond(counters.receivedBytes),
    taskExecuteTimeMs: counters.taskExecuteTimeMs,
  };
}

/** The last consumed offset (next - 1), or the symbol of a position that nothing moved yet. */
export function shownOffset(nextOffset: bigint): string {
  if (nextOffset === 0n) return 'OFFSET_ZERO';
  if (nextOffset === -1n) return 'OFFSET_END';
  if (nextOffset === -2n) return 'OFFSET_BEGINNING';
  return String(nextOffset - 1n);
}

export function inOrder(positions: readonly PositionRecord[]): readonly PositionRecord[] {
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...positions].sort((a, b) => byName(a.topic, b.topic) || a.partition - b.partition);
}

/** The partition; with its topic where a job reads several. */
export function placeOf({ topic, partition }: PositionRecord, isOfMany: boolean): string {
  return isOfMany ? `${topic}:${partition}` : String(partition);
}

function byPartition(
  positions: readonly PositionRecord[],
  isOfMany: boolean,
  text: (position: PositionRecord) => string | null,
): Record<string, string> {
  return Object.fromEntries(
    inOrder(positions).flatMap((position) => {
      const value = text(position);
      return value === null ? [] : [[placeOf(position, isOfMany), value]];
    }),
  );
}

const progress = (
  positions: readonly PositionRecord[],
  isOfMany: boolean,
): Record<string, string> =>
  byPartition(positions, isOfMany, (position) => shownOffset(position.nextOffset));

/** StarRocks stores the timestamp + 1 and shows it minus one: the last consumed message's own. */
const timestampProgress = (
  positions: readonly PositionRecord[],
  isOfMany: boolean,
): Record<string, string> =>
  byPartition(positions, isOfMany, (position) =>
    position.lastTimestampMs === null ? null : String(position.lastTimestampMs),
  );

const latestPosition = (
  positions: readonly PositionRecord[],
  isOfMany: boolean,
): Record<string, string> =>
  byPartition(positions, isOfMany, (position) =>
    position.latestOffset === null ? null : String(position.latestOffset),
  );

/** Messages that wait, per partition; without those whose end or position is not known. */
export const offsetLag = ({
  positions,
  definition,
}: Pick<ShownJob, 'positions' | 'definition'>): Record<string, string> =>
  byPartition(positions, readsMany(definition.source), (position) =>
    position.latestOffset === null || position.nextOffset < 0n
      ? null
      : String(messagesBehind([position])),
  );
