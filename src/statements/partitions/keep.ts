// Partitions that the clock makes and drops, from the properties of their table and the partitions as they are.
// Pure: the same moment gives the same change, and nothing once it is done.
import { MAX_PARTITIONS, type NewPartition, sameName } from '../../catalog/partition-store.ts';
import type { PartitionChange } from '../../commit/partition-commit.ts';
import {
  addUnits,
  compareBounds,
  overlap,
  type Partition,
  type PartitionBounds,
  rangeName,
  type StepUnit,
  truncate,
} from '../../model/partition.ts';
import { partitionColumns } from '../../model/partition-routing.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { TableInfo } from '../../model/table.ts';
import { localDatetime } from '../../query/time-zone.ts';
import type { Services } from '../types.ts';
import { type DynamicRule, dynamicRule, hasClockRules, readTtl } from './dynamic-properties.ts';

/** Does now what the clock asks for; nothing in a table without such properties. */
export async function keepPartitions(
  { id, properties }: TableInfo,
  { changePartitions, clock }: Pick<Services, 'changePartitions' | 'clock'>,
): Promise<void> {
  if (!hasClockRules(properties)) return;
  await changePartitions(id, (now, partitions) => keptPartitions(now, partitions, clock.nowMs()));
}

const DAY_MS = 86_400_000;
/** Of a year: what would be more are days of the next year's first week. */
const LAST_WEEK = 53;

type Range = Extract<PartitionBounds, { kind: 'range' }>;
type RangePartition = Partition & { readonly bounds: Range };

/** What the properties ask for at a moment; null = everything is as it should be. */
export function keptPartitions(
  table: TableInfo,
  partitions: readonly Partition[],
  nowMs: number,
): PartitionChange | null {
  const { partitioning, schema, properties } = table;
  const [column] = partitioning === undefined ? [] : partitionColumns(partitioning, schema.columns);
  if (partitioning?.kind !== 'range' || column === undefined) return null;
  const { type } = column;
  const ranges = partitions.filter(
    (one): one is RangePartition => !one.isTemporary && one.bounds.kind === 'range',
  );
  const rule = dynamicRule(properties);
  const now = nowOf(type, nowMs, rule?.timeZone ?? 'Etc/UTC');
  const dropped = new Set([
    ...(rule === null ? [] : beforeStart(rule, type, now, ranges)),
    ...beyondLiveNumber(Number(properties['partition_live_number'] ?? 0), type, now, ranges),
    ...beyondTtl(properties['partition_ttl'], type, now, ranges),
  ]);
  const left = ranges.filter((one) => !dropped.has(one));
  const add = rule === null ? [] : missing(rule, type, now, left);
  if (dropped.size === 0 && add.length === 0) return null;
  // As StarRocks: what the clock drops is gone for good.
  return { drop: [...dropped].map(({ id }) => id), force: true, add };
}

function nowOf(type: SqlType, nowMs: number, timeZone: string): string {
  const text = localDatetime(nowMs, timeZone, false);
  return type.kind === 'DATE' ? text.slice(0, 10) : text;
}

/** Where the unit that is now begins. */
function unitStart({ unit, shiftDays }: DynamicRule, type: SqlType, now: string): string {
  const shifted = addUnits(type, now, 'day', -shiftDays);
  return addUnits(type, truncate(type, shifted, unit), 'day', shiftDays);
}

const endsBy = (type: SqlType, { bounds }: RangePartition, time: string): boolean =>
  bounds.upper[0] !== null && compareBounds([type], bounds.upper, [time], 'upper') <= 0;

function beforeStart(
  rule: DynamicRule,
  type: SqlType,
  now: string,
  ranges: readonly RangePartition[],
): readonly RangePartition[] {
  if (rule.start === null) return [];
  const oldest = addUnits(type, unitStart(rule, type, now), rule.unit, rule.start);
  return ranges.filter((one) => endsBy(type, one, oldest));
}

/** The newest of those that have begun stay; what is still to come does not count. */
function beyondLiveNumber(
  most: number,
  type: SqlType,
  now: string,
  ranges: readonly RangePartition[],
): readonly RangePartition[] {
  if (most <= 0) return [];
  const begun = ranges
    .filter(({ bounds }) => compareBounds([type], bounds.lower, [now], 'lower') <= 0)
    .toSorted((a, b) => compareBounds([type], b.bounds.lower, a.bounds.lower, 'lower'));
  return begun.slice(most);
}

function beyondTtl(
  text: string | undefined,
  type: SqlType,
  now: string,
  ranges: readonly RangePartition[],
): readonly RangePartition[] {
  const ttl = text === undefined ? null : readTtl(text);
  if (ttl === null) return [];
  const oldest = addUnits(type, now, ttl.unit, -ttl.count);
  return ranges.filter((one) => endsBy(type, one, oldest));
}

function missing(
  rule: DynamicRule,
  type: SqlType,
  now: string,
  known: readonly RangePartition[],
): readonly NewPartition[] {
  const first = unitStart(rule, type, now);
  const back = Math.min(rule.history, rule.start === null ? rule.history : -rule.start);
  const made: NewPartition[] = [];
  for (let step = -back; step <= rule.end; step += 1) {
    const begin = addUnits(type, first, rule.unit, step);
    const upper = addUnits(type, first, rule.unit, step + 1);
    const lower = endOfEarlier(type, known, begin, upper);
    const bounds: Range = { kind: 'range', lower: [lower], upper: [upper] };
    const isThere = known.some((one) => overlap([type], one.bounds, bounds));
    if (isThere || known.length + made.length >= MAX_PARTITIONS) continue;
    const name = freeName(dynamicName(rule.prefix, begin, rule.unit), [...known, ...made]);
    made.push({ name, isTemporary: false, bounds, properties: {} });
  }
  return made;
}

/**
 * Where a partition that reaches into the unit from before ends, as after a change of the unit or of its first day:
 * the unit's own begins there. SOURCE: StarRocks, DynamicPartitionScheduler.
 */
function endOfEarlier(
  type: SqlType,
  known: readonly RangePartition[],
  begin: string,
  upper: string,
): string {
  const ends = known.flatMap(({ bounds }) => {
    const [end = null] = bounds.upper;
    const reachesIn =
      end !== null &&
      compareBounds([type], bounds.lower, [begin], 'lower') <= 0 &&
      compareBounds([type], [end], [begin], 'upper') > 0 &&
      compareBounds([type], [end], [upper], 'upper') < 0;
    return reachesIn ? [end] : [];
  });
  return ends.toSorted((a, b) => compareBounds([type], [b], [a], 'upper'))[0] ?? begin;
}

/** The name, or the next that is free: rows of a time must not be refused because another range has its name. */
function freeName(name: string, taken: readonly { readonly name: string }[]): string {
  for (let count = 1; ; count += 1) {
    const free = count === 1 ? name : `${name}_${count}`;
    if (!taken.some((one) => sameName(one.name, free))) return free;
  }
}

/**
 * As StarRocks names them. Weeks have the year and the number of the week that their first day is in, where weeks begin
 * on Sundays and the first one is that of January 1, whatever day the partitions begin with; days of December in the
 * next year's first week are in the 53rd. SOURCE: StarRocks, DynamicPartitionUtil (java.util.Calendar, its usual locale).
 */
function dynamicName(prefix: string, lower: string, unit: StepUnit): string {
  if (unit !== 'week') return rangeName(prefix, lower, unit);
  const year = lower.slice(0, 4);
  const [day, newYear] = [lower.slice(0, 10), `${year}-01-01`].map((date) =>
    Math.round(Date.parse(`${date}T00:00:00Z`) / DAY_MS),
  );
  if (day === undefined || newYear === undefined) return rangeName(prefix, lower, unit);
  // Day 0 of 1970 was a Thursday.
  const sundayOf = (one: number): number => one - ((((one + 4) % 7) + 7) % 7);
  const week = (sundayOf(day) - sundayOf(newYear)) / 7 + 1;
  return `${prefix}${year}_${String(Math.min(week, LAST_WEEK)).padStart(2, '0')}`;
}
