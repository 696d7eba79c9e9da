// Partitions of a table as plain data: how rows are told apart, what each partition holds, and the arithmetic
// of bounds. Values are texts in one canonical form per type. Pure.
import type { FieldId, PartitionId } from '../base/ids.ts';
import type { SqlType } from './sql-type.ts';

/** Units of date_trunc in PARTITION BY. */
export const TRUNC_UNITS = ['hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
/** Units of the interval of time_slice in PARTITION BY, of ranges in batches and of dynamic partitions. */
export const STEP_UNITS = [
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
] as const;
export type TruncUnit = (typeof TRUNC_UNITS)[number];
export type StepUnit = (typeof STEP_UNITS)[number];

/** What of a column's value says which partition a row belongs to. */
export type PartitionTransform =
  | { readonly kind: 'identity' }
  | { readonly kind: 'date_trunc'; readonly unit: TruncUnit }
  | { readonly kind: 'time_slice'; readonly unit: StepUnit; readonly count: number }
  /** Seconds or milliseconds since 1970, as a DATETIME in UTC. */
  | { readonly kind: 'from_unixtime'; readonly perSecond: 1 | 1000 }
  /** A text as a DATE. */
  | { readonly kind: 'str2date'; readonly format: string };

/** Formats of str2date in PARTITION BY. */
export const DATE_FORMATS = ['%Y-%m-%d', '%Y%m%d', '%Y/%m/%d'] as const;

/** The type of the bounds of a column of `type`. */
export function boundType(transform: PartitionTransform, type: SqlType): SqlType {
  switch (transform.kind) {
    case 'from_unixtime':
      return { kind: 'DATETIME' };
    case 'str2date':
      return { kind: 'DATE' };
    default:
      return type;
  }
}

export interface PartitionItem {
  readonly fieldId: FieldId;
  readonly transform: PartitionTransform;
}

/** PARTITION BY of a table. */
export interface Partitioning {
  /** `range`: intervals, of one or several columns; `list`: sets of values. */
  readonly kind: 'range' | 'list';
  readonly items: readonly PartitionItem[];
  /** Partitions are made as rows arrive (expression partitioning). */
  readonly automatic: boolean;
}

/** One canonical text per partition column; null = NULL. */
export type PartitionKey = readonly (string | null)[];

export type PartitionBounds =
  /** `[lower, upper)`; null: unbounded at that end. */
  | { readonly kind: 'range'; readonly lower: PartitionKey; readonly upper: PartitionKey }
  | { readonly kind: 'list'; readonly values: readonly PartitionKey[] };

export interface Partition {
  readonly id: PartitionId;
  readonly name: string;
  /** Invisible to queries that do not name it. */
  readonly isTemporary: boolean;
  readonly bounds: PartitionBounds;
  /** As given for the partition, validated. */
  readonly properties: Readonly<Record<string, string>>;
  readonly createdMs: number;
}

/** Where the rows of a staged file belong: a partition that is there, or the key of one that the commit finds or makes. */
export type StagedPartition =
  | { readonly kind: 'id'; readonly id: PartitionId }
  | { readonly kind: 'key'; readonly key: PartitionKey };

const INTEGER_BITS: Readonly<Partial<Record<SqlType['kind'], bigint>>> = {
  TINYINT: 8n,
  SMALLINT: 16n,
  INT: 32n,
  BIGINT: 64n,
  LARGEINT: 128n,
};

/** The canonical text of a value of the type; null when the text is none. */
export function canonicalValue(type: SqlType, text: string): string | null {
  const bits = INTEGER_BITS[type.kind];
  if (bits !== undefined) {
    if (!/^[+-]?\d{1,40}$/.test(text.trim())) return null;
    const value = BigInt(text.trim().replace(/^\+/, ''));
    const limit = 1n << (bits - 1n);
    return value >= -limit && value < limit ? String(value) : null;
  }
  switch (type.kind) {
    case 'DATE':
      return canonicalTime(text)?.slice(0, 10) ?? null;
    case 'DATETIME':
      return canonicalTime(text);
    case 'BOOLEAN':
      return /^(1|true)$/i.test(text) ? 'true' : /^(0|false)$/i.test(text) ? 'false' : null;
    case 'CHAR':
    case 'VARCHAR':
      return text;
    default:
      return null;
  }
}

const TIME =
  /^(\d{4})-?(\d{1,2})-?(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?)?$/;

function canonicalTime(text: string): string | null {
  const match = TIME.exec(text.trim());
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const date = utc(year, month, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const fraction = (match[7] ?? '').replace(/0+$/, '');
  const time = [hour, minute, second].map((part) => String(part).padStart(2, '0')).join(':');
  return `${dayText(date)} ${time}${fraction === '' ? '' : `.${fraction}`}`;
}

function utc(year: number, month: number, day: number): Date {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

function dayText(date: Date): string {
  const parts = [date.getUTCMonth() + 1, date.getUTCDate()];
  const [month, day] = parts.map((part) => String(part).padStart(2, '0'));
  return `${String(date.getUTCFullYear()).padStart(4, '0')}-${month}-${day}`;
}

/** Order of two canonical values of a type that ranges can have. */
export function compareValues(type: SqlType, a: string, b: string): number {
  if (INTEGER_BITS[type.kind] === undefined) return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [BigInt(a), BigInt(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Order of two lower (or two upper) bounds, column by column; null is below (above) everything. */
export function compareBounds(
  types: readonly SqlType[],
  a: PartitionKey,
  b: PartitionKey,
  end: 'lower' | 'upper',
): number {
  const beyond = end === 'lower' ? -1 : 1;
  for (const [index, type] of types.entries()) {
    const [x = null, y = null] = [a[index], b[index]];
    if (x === y) continue;
    if (x === null) return beyond;
    if (y === null) return -beyond;
    const order = compareValues(type, x, y);
    if (order !== 0) return order;
  }
  return 0;
}

/** Is a lower bound (or a key, whose NULL is below everything) before an upper bound? */
function isBefore(types: readonly SqlType[], low: PartitionKey, upper: PartitionKey): boolean {
  for (const [index, type] of types.entries()) {
    const [x = null, y = null] = [low[index], upper[index]];
    if (y === null || x === null) return true;
    const order = compareValues(type, x, y);
    if (order !== 0) return order < 0;
  }
  return false;
}

/** Does the partition hold rows of the key? */
export function holds(
  types: readonly SqlType[],
  bounds: PartitionBounds,
  key: PartitionKey,
): boolean {
  if (bounds.kind === 'list') {
    return bounds.values.some((value) => value.every((text, index) => text === key[index]));
  }
  return (
    compareBounds(types, key, bounds.lower, 'lower') >= 0 && isBefore(types, key, bounds.upper)
  );
}

/** Have the two ranges or lists a value in common? */
export function overlap(
  types: readonly SqlType[],
  a: PartitionBounds,
  b: PartitionBounds,
): boolean {
  if (a.kind === 'list' || b.kind === 'list') {
    return a.kind === 'list' && a.values.some((value) => holds(types, b, value));
  }
  return isBefore(types, a.lower, b.upper) && isBefore(types, b.lower, a.upper);
}

/** Is the range empty? */
export function isEmptyRange(
  types: readonly SqlType[],
  lower: PartitionKey,
  upper: PartitionKey,
): boolean {
  return !isBefore(types, lower, upper);
}

/** A canonical DATE or DATETIME and so many units later (or, negative, earlier). */
export function addUnits(type: SqlType, text: string, unit: StepUnit, count: number): string {
  const [day = '', time = '00:00:00'] = text.split(' ');
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const [hour = 0, minute = 0, second = 0] = time
    .split(':')
    .map((part) => Number.parseInt(part, 10));
  const at = utc(year, month, date);
  at.setUTCHours(hour, minute, second);
  const months = { month: 1, quarter: 3, year: 12 } as const;
  if (unit === 'month' || unit === 'quarter' || unit === 'year') {
    const wanted = at.getUTCDate();
    at.setUTCDate(1);
    at.setUTCMonth(at.getUTCMonth() + count * months[unit]);
    const last = utc(at.getUTCFullYear(), at.getUTCMonth() + 2, 0).getUTCDate();
    at.setUTCDate(Math.min(wanted, last));
  } else {
    const seconds = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 } as const;
    at.setTime(at.getTime() + count * seconds[unit] * 1000);
  }
  if (type.kind === 'DATE') return dayText(at);
  return `${dayText(at)} ${at.toISOString().slice(-13, -5)}`;
}

/** Where the unit that a canonical DATE or DATETIME lies in begins. Weeks begin on Mondays. */
export function truncate(type: SqlType, text: string, unit: StepUnit): string {
  const year = text.slice(0, 4);
  const month = Number(text.slice(5, 7));
  const time = text.length > 10 ? text.slice(11, 19) : '00:00:00';
  const begin = (): string => {
    switch (unit) {
      case 'year':
        return `${year}-01-01`;
      case 'quarter':
        return `${year}-${String(month - ((month - 1) % 3)).padStart(2, '0')}-01`;
      case 'month':
        return `${text.slice(0, 7)}-01`;
      case 'week': {
        const day = utc(Number(year), month, Number(text.slice(8, 10)));
        return addUnits({ kind: 'DATE' }, text.slice(0, 10), 'day', -((day.getUTCDay() + 6) % 7));
      }
      default:
        return text.slice(0, 10);
    }
  };
  if (type.kind === 'DATE') return begin();
  switch (unit) {
    case 'hour':
      return `${begin()} ${time.slice(0, 2)}:00:00`;
    case 'minute':
      return `${begin()} ${time.slice(0, 5)}:00`;
    case 'second':
      return `${begin()} ${time}`;
    default:
      return `${begin()} 00:00:00`;
  }
}

/** The interval of an item's key: how far it is to the next one; null for plain columns. */
export function stepOf(
  transform: PartitionTransform,
): { readonly unit: StepUnit; readonly count: number } | null {
  switch (transform.kind) {
    case 'identity':
    case 'from_unixtime':
    case 'str2date':
      return null;
    case 'date_trunc':
      return { unit: transform.unit, count: 1 };
    case 'time_slice':
      return { unit: transform.unit, count: transform.count };
  }
}

/** NULL of a column that is cut into times lies in the first of them. SOURCE: StarRocks, expression partitioning. */
const LEAST_TIME = '0000-01-01';

/** What a partition that is made for a key holds. */
export function boundsOfKey(
  { kind, items }: Partitioning,
  types: readonly SqlType[],
  key: PartitionKey,
): PartitionBounds {
  const [item] = items;
  const [type] = types;
  const step = item === undefined ? null : stepOf(item.transform);
  if (kind === 'list' || step === null || type === undefined)
    return { kind: 'list', values: [key] };
  const [text = null] = key;
  if (text === null) {
    const least = canonicalValue(type, LEAST_TIME) ?? LEAST_TIME;
    const upper = addUnits(type, least, step.unit, step.count);
    return { kind: 'range', lower: [null], upper: [upper] };
  }
  const upper = addUnits(type, text, step.unit, step.count);
  // The last year is 9999: what ends later has no end.
  return { kind: 'range', lower: [text], upper: [/^\d{4}-/.test(upper) ? upper : null] };
}

/** Digits of a time that the name of its partition shows, by unit. */
const NAME_DIGITS: Readonly<Record<StepUnit, number>> = {
  second: 14,
  minute: 12,
  hour: 10,
  day: 8,
  week: 8,
  month: 6,
  quarter: 6,
  year: 4,
};

/** The name of a range that begins at a time: `p20240131`. */
export function rangeName(prefix: string, text: string, unit: StepUnit): string {
  const digits = text.replaceAll(/[^0-9]/g, '').padEnd(14, '0');
  return `${prefix}${digits.slice(0, NAME_DIGITS[unit])}`;
}

/** Longest name that is made from values. */
const MAX_NAME = 60;

/** The name of a partition that is made for a key; another partition may have it. SOURCE: StarRocks, `p20240131`, `p20220401_beijing`. */
export function nameOfKey({ kind, items }: Partitioning, key: PartitionKey): string {
  const [item] = items;
  const step = item === undefined ? null : stepOf(item.transform);
  if (kind === 'range' && step !== null) return rangeName('p', key[0] ?? LEAST_TIME, step.unit);
  const parts = key.map((text) => (text === null ? 'NULL' : namePart(text)));
  return `p${parts.join('_').slice(0, MAX_NAME)}`;
}

function namePart(text: string): string {
  const sign = text.startsWith('-') ? '_' : '';
  const plain = [...text.replace(/ 00:00:00$/, '')].map((character) => {
    if (/[A-Za-z0-9]/.test(character)) return character;
    const code = character.codePointAt(0) ?? 0;
    return code > 255 ? code.toString(16) : '';
  });
  return sign + plain.join('');
}
