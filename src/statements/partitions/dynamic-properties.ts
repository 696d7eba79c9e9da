// Properties that make and drop partitions by the clock: dynamic_partition.*, partition_ttl and
// partition_live_number. SOURCE: StarRocks docs, Dynamic partitioning, CREATE TABLE (3.3).
import { analysisError, type PropertySpec, type PropertyTable } from '../../loads/properties.ts';
import type { Partitioning, StepUnit } from '../../model/partition.ts';
import { printSqlType, type SqlType } from '../../model/sql-type.ts';
import { isTimeZone } from '../../query/time-zone.ts';

const PREFIX = 'dynamic_partition.';
/** Partitions ahead and back together. SOURCE: StarRocks, max_dynamic_partition_num. */
const MAX_DYNAMIC = 500;
const DYNAMIC_UNITS = ['HOUR', 'DAY', 'WEEK', 'MONTH', 'YEAR'] as const;

function property(
  type: PropertySpec['type'],
  message: string,
  help: string,
  limits: Pick<PropertySpec, 'min' | 'max' | 'words'> = {},
): PropertySpec {
  return { type, default: null, message, alterable: true, help, ...limits };
}

export const DYNAMIC_PROPERTIES: PropertyTable = {
  'dynamic_partition.enable': property(
    'bool',
    'Invalid dynamic partition enable: {value}. Expected true or false',
    'partitions are made and dropped by the clock; true by default where another of these is given',
  ),
  'dynamic_partition.time_unit': property(
    'word',
    `Unsupported time unit {value}. Expect ${DYNAMIC_UNITS.join('/')}.`,
    'what each partition holds',
    { words: DYNAMIC_UNITS.map((unit) => unit.toLowerCase()) },
  ),
  'dynamic_partition.time_zone': property(
    'text',
    '',
    "time zone that decides what 'now' is; Etc/UTC when absent",
  ),
  'dynamic_partition.start': property(
    'long',
    'Dynamic partition start must less than 0',
    'partitions so many units before now and older are dropped; none when absent',
    { max: -1 },
  ),
  'dynamic_partition.end': property(
    'long',
    'Dynamic partition end must greater than 0',
    'partitions are made so many units ahead',
    { min: 1 },
  ),
  'dynamic_partition.prefix': property('text', '', 'what names begin with; p when absent'),
  'dynamic_partition.buckets': property(
    'long',
    'Dynamic partition buckets must greater than 0',
    'accepted and shown, no effect on object storage',
    { min: 1 },
  ),
  'dynamic_partition.replication_num': property(
    'long',
    'Dynamic partition replication num must greater than 0',
    'accepted and shown, no effect on object storage',
    { min: 1 },
  ),
  'dynamic_partition.history_partition_num': property(
    'long',
    'Dynamic history partition num must greater than or equal to 0',
    'partitions are made so many units back, too; 0 when absent',
    { min: 0 },
  ),
  'dynamic_partition.start_day_of_week': property(
    'long',
    'dynamic_partition.start_day_of_week should between 1 and 7',
    'day that weeks begin with, 1 = Monday',
    { min: 1, max: 7 },
  ),
  'dynamic_partition.start_day_of_month': property(
    'long',
    'dynamic_partition.start_day_of_month should between 1 and 28',
    'day that months begin with',
    { min: 1, max: 28 },
  ),
  partition_live_number: property(
    'long',
    'Partition Live Number should be greater than 0',
    'only so many of the newest partitions that have begun are kept',
    { min: -1 },
  ),
  partition_ttl: property(
    'text',
    '',
    'partitions that ended longer ago than this are dropped, such as `7 DAY`',
  ),
};

/** What dynamic_partition.* says, read. */
export interface DynamicRule {
  readonly unit: StepUnit;
  /** Negative; null = partitions are never dropped. */
  readonly start: number | null;
  readonly end: number;
  readonly history: number;
  readonly prefix: string;
  readonly timeZone: string;
  /** Days after the unit's own beginning that a partition begins: for weeks and months. */
  readonly shiftDays: number;
}

type Properties = Readonly<Record<string, string>>;

/** Null where there is none, or it is off. */
export function dynamicRule(properties: Properties): DynamicRule | null {
  const value = (name: string): string | undefined => properties[`${PREFIX}${name}`];
  const unit = value('time_unit')?.toLowerCase() as StepUnit | undefined;
  if (unit === undefined || value('enable') === 'false') return null;
  const day = Number(
    (unit === 'week' ? value('start_day_of_week') : undefined) ??
      (unit === 'month' ? value('start_day_of_month') : undefined) ??
      1,
  );
  const start = value('start');
  return {
    unit,
    start: start === undefined ? null : Number(start),
    end: Number(value('end') ?? 0),
    history: Number(value('history_partition_num') ?? 0),
    prefix: value('prefix') ?? 'p',
    timeZone: value('time_zone') ?? 'Etc/UTC',
    shiftDays: day - 1,
  };
}

/** `7 DAY` or `INTERVAL 7 DAY`; null where the text is neither. */
export function readTtl(text: string): { readonly unit: StepUnit; readonly count: number } | null {
  const match =
    /^\s*(?:interval\s+)?(\d{1,6})\s+(second|minute|hour|day|week|month|quarter|year)s?\s*$/i.exec(
      text,
    );
  const count = Number(match?.[1] ?? 0);
  return match === null || count < 1 ? null : { unit: match[2]?.toLowerCase() as StepUnit, count };
}

/** Does the table have partitions that come or go by the clock? */
export function hasClockRules(properties: Properties): boolean {
  const live = properties['partition_live_number'];
  const ttl = properties['partition_ttl'];
  return (
    dynamicRule(properties) !== null ||
    (live !== undefined && Number(live) > 0) ||
    ttl !== undefined
  );
}

/**
 * Throws SQL_ANALYZE for properties that do not fit each other or the table. `columns`: types of the partition
 * columns; null = no partitions.
 */
export function checkClockRules(
  properties: Properties,
  partitioning: Pick<Partitioning, 'kind' | 'automatic'> | null,
  types: readonly SqlType[],
): void {
  const dynamic = Object.keys(properties).filter((key) => key.startsWith(PREFIX));
  const others = ['partition_live_number', 'partition_ttl'].filter(
    (key) => properties[key] !== undefined,
  );
  if (dynamic.length === 0 && others.length === 0) return;
  const [type] = types;
  const isTime = type?.kind === 'DATE' || type?.kind === 'DATETIME';
  const name = dynamic[0] ?? others[0] ?? '';
  if (partitioning?.kind !== 'range' || types.length !== 1 || type === undefined || !isTime) {
    throw analysisError(
      `${name} needs range partitions of one DATE or DATETIME column${type === undefined ? '' : `, not ${printSqlType(type)}`}`,
    );
  }
  const { partition_ttl: ttl } = properties;
  if (ttl !== undefined && readTtl(ttl) === null) {
    throw analysisError(`illegal partition_ttl '${ttl}': a number and a time unit, such as 7 DAY`);
  }
  if (dynamic.length === 0) return;
  if (partitioning.automatic) {
    throw analysisError(
      `${name}: partitions of an expression are made by rows; use partition_ttl or partition_live_number`,
    );
  }
  for (const needed of ['time_unit', 'end']) {
    if (properties[`${PREFIX}${needed}`] === undefined) {
      throw analysisError(`Must assign ${PREFIX}${needed} properties`);
    }
  }
  const zone = properties[`${PREFIX}time_zone`];
  if (zone !== undefined && !isTimeZone(zone)) {
    throw analysisError(`Unknown or incorrect time zone: '${zone}'`);
  }
  const made =
    Number(properties[`${PREFIX}end`]) + Number(properties[`${PREFIX}history_partition_num`] ?? 0);
  if (made > MAX_DYNAMIC) {
    throw analysisError(`Too many dynamic partitions: ${made}. Limit: ${MAX_DYNAMIC}`);
  }
  if (type.kind === 'DATE' && properties[`${PREFIX}time_unit`]?.toLowerCase() === 'hour') {
    throw analysisError(
      'Date type partition does not support dynamic partitioning granularity of hour',
    );
  }
}
