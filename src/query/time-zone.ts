// Session time zones: local wall time of the FE's clock, and SQL between UTC and local time. Fixed offsets
// (`+08:00`) are plain arithmetic; named zones go through DuckDB's ICU. Holds no clock of its own.
import { fail } from '../base/errors.ts';
import { quoteString } from './literal.ts';

const OFFSET = /^([+-])(\d{1,2}):(\d{2})$/;

/** Seconds east of UTC of `+08:00`, `UTC` or `Etc/UTC`; null for a named zone. */
export function fixedOffsetSeconds(timeZone: string): number | null {
  if (/^(etc\/)?(utc|gmt|zulu)$/i.test(timeZone)) return 0;
  const match = OFFSET.exec(timeZone);
  if (match === null) return null;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60;
  return match[1] === '-' ? -seconds : seconds;
}

/** Is it an offset or a zone name that this runtime knows? */
export function isTimeZone(timeZone: string): boolean {
  if (fixedOffsetSeconds(timeZone) !== null) return true;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** `2020-01-05 10:20:30` (and `.123000` with milliseconds) of an instant in a zone. @throws SQL_ANALYZE on an unknown zone. */
export function localDatetime(epochMs: number, timeZone: string, withMillis: boolean): string {
  const local = new Date(epochMs + offsetMs(epochMs, timeZone));
  const iso = local.toISOString();
  const whole = `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
  const millis = iso.slice(20, 23);
  return withMillis && millis !== '000' ? `${whole}.${millis}000` : whole;
}

function offsetMs(epochMs: number, timeZone: string): number {
  const fixed = fixedOffsetSeconds(timeZone);
  if (fixed !== null) return fixed * 1000;
  if (!isTimeZone(timeZone)) {
    throw fail('SQL_ANALYZE', { detail: `Unknown or incorrect time zone: '${timeZone}'` });
  }
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(epochMs);
  const part = (type: string): number => Number(parts.find((p) => p.type === type)?.value ?? 0);
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return wall - Math.floor(epochMs / 1000) * 1000;
}

/**
 * Milliseconds since 1970 of `YYYY-MM-DD HH:MM:SS.ffffff` in a zone, microseconds cut. A time that there is twice
 * is the first of both, one that summer time leaves out the moment after it. @throws SQL_ANALYZE on an unknown zone.
 */
export function epochOfLocal(datetime: string, timeZone: string): number {
  const wall = Date.parse(`${datetime.slice(0, 10)}T${datetime.slice(11, 23)}Z`);
  const earlier = wall - offsetMs(wall - DAY_MS, timeZone);
  if (earlier + offsetMs(earlier, timeZone) === wall) return earlier;
  const later = wall - offsetMs(wall + DAY_MS, timeZone);
  return later + offsetMs(later, timeZone) === wall ? later : earlier;
}

interface SettledOffset {
  /** The offset has been the same since then and stays so. Milliseconds since 1970. */
  readonly sinceMs: number;
  readonly offsetSeconds: number;
}

const DAY_MS = 86_400_000;
/** Zones whose answer is kept; then all are forgotten. There are about 600. */
const MAX_SETTLED = 1000;
const settled = new Map<string, SettledOffset | null>();

/**
 * Since when a zone has had one offset (Asia/Shanghai: 1991): from then on, plain arithmetic does, at a
 * tenth of the cost of DuckDB's ICU. Null for zones with summer time.
 */
export function settledOffset(timeZone: string): SettledOffset | null {
  const known = settled.get(timeZone);
  if (known !== undefined) return known;
  if (settled.size >= MAX_SETTLED) settled.clear();
  const answer = findSettled(timeZone);
  settled.set(timeZone, answer);
  return answer;
}

function findSettled(timeZone: string): SettledOffset | null {
  const lastMs = Date.UTC(2050, 0, 1);
  const lastOffset = offsetMs(lastMs, timeZone);
  let at = lastMs;
  while (at > 0 && offsetMs(at, timeZone) === lastOffset) at -= 30 * DAY_MS;
  // Summer time is found within a year of the end. Two months more, to be past the change itself.
  const sinceMs = Math.max(at, 0) + 60 * DAY_MS;
  if (sinceMs > Date.UTC(2040, 0, 1)) return null;
  return { sinceMs, offsetSeconds: lastOffset / 1000 };
}

/** The form by arithmetic where the zone's offset is settled, by ICU before. */
function whereSettled(timeZone: string, sql: string, sign: '+' | '-', byName: string): string {
  const known = settledOffset(timeZone);
  if (known === null) return byName;
  const since = quoteString(localDatetime(known.sinceMs, 'UTC', false));
  const quick = `${sql} ${sign} to_seconds(${known.offsetSeconds})`;
  return `CASE WHEN ${sql} >= TIMESTAMP ${since} THEN ${quick} ELSE ${byName} END`;
}

/** A UTC TIMESTAMP expression as local wall time. */
export function utcToLocalSql(timeZone: string, sql: string): string {
  const fixed = fixedOffsetSeconds(timeZone);
  if (fixed === 0) return sql;
  if (fixed !== null) return `(${sql} + to_seconds(${fixed}))`;
  const named = `timezone(${quoteString(checked(timeZone))}, timezone('UTC', ${sql}))`;
  return `(${whereSettled(timeZone, sql, '+', named)})`;
}

/** A local wall time TIMESTAMP expression as UTC. */
export function localToUtcSql(timeZone: string, sql: string): string {
  const fixed = fixedOffsetSeconds(timeZone);
  if (fixed === 0) return sql;
  if (fixed !== null) return `(${sql} - to_seconds(${fixed}))`;
  const named = namedToUtcSql(quoteString(checked(timeZone)), sql);
  return `(${whereSettled(timeZone, sql, '-', named)})`;
}

/**
 * The same for the SQL of a zone's name. A time that summer time leaves out is the moment of the change,
 * one that there is twice is the first of both, as StarRocks and MySQL have it; DuckDB's ICU counts the
 * first on and takes the second.
 */
export function namedToUtcSql(zone: string, local: string): string {
  const utc = `timezone('UTC', timezone(${zone}, ${local}))`;
  const shown = (instant: string): string => `timezone(${zone}, timezone('UTC', ${instant}))`;
  // By the offset of the day before: another instant only around a change of the offset.
  const before = `(${utc} - to_days(1))`;
  const earlier = `(${local} - (${shown(before)} - ${before}))`;
  const gap = `(${shown(utc)} - ${local})`;
  // Offsets change at local times that are multiples of what they change by.
  const intoGap = `(${local} - time_bucket(greatest(${gap}, to_seconds(1)), ${local}))`;
  return `CASE WHEN ${gap} > to_seconds(0) THEN ${utc} - ${intoGap} WHEN ${earlier} < ${utc} AND ${shown(earlier)} = ${local} THEN ${earlier} ELSE ${utc} END`;
}

function checked(timeZone: string): string {
  if (isTimeZone(timeZone)) return timeZone;
  throw fail('SQL_ANALYZE', { detail: `Unknown or incorrect time zone: '${timeZone}'` });
}
