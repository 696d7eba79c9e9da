// Where a partition begins: as users write it, as it is stored and shown, and the offset that it means now.
import { zoneOffset } from '../../formats/time-text.ts';
import type { OffsetSpec } from '../../kafka/client/cluster.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { analysisError } from '../properties.ts';

type End = 'OFFSET_BEGINNING' | 'OFFSET_END';

/** An offset, an end of the partition, a distance from it, or the first message at or after a time. */
export type StartOffset =
  | bigint
  | End
  | { readonly kind: 'relative'; readonly from: End; readonly distance: bigint }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'timestamp'; readonly epochMs: number }
  /** A time in the job's zone: `2026-11-28 10:00:00[.123]`. */
  | { readonly kind: 'time'; readonly text: string };

/** Offsets are signed 64-bit numbers. */
const MAX_OFFSET = 2n ** 63n - 1n;
/** As Date: year 275760. */
const MAX_EPOCH_MS = 8.64e15;
const RELATIVE = /^(OFFSET_BEGINNING|OFFSET_END)([+-])(\d{1,18})$/;
const TIMESTAMP = /^TIMESTAMP:(.*)$/i;
const TIME = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?)?$/;

/** Reads a start. Throws SQL_ANALYZE, with StarRocks' messages where it has them. */
export function readOffset(entry: string): StartOffset {
  const given = entry.trim();
  if (given === '') throw analysisError('kafka offset could not be a empty string');
  const time = TIMESTAMP.exec(given)?.[1]?.trim();
  if (time !== undefined) return readTimestamp(given, time);
  if (TIME.test(given)) return readTime(given);
  const upper = given.replaceAll(/\s/g, '').toUpperCase();
  if (upper === 'OFFSET_BEGINNING' || upper === 'OFFSET_END') return upper;
  const [, from, sign, digits = ''] = RELATIVE.exec(upper) ?? [];
  if (from === 'OFFSET_BEGINNING' || from === 'OFFSET_END') {
    const isInside = (from === 'OFFSET_END') === (sign === '-');
    if (!isInside) throw analysisError(`kafka offset is outside of the partition: ${given}`);
    const distance = BigInt(digits);
    return { kind: 'relative', from, distance: sign === '-' ? -distance : distance };
  }
  const offset = /^[+-]?\d{1,19}$/.test(upper) ? BigInt(upper.replace('+', '')) : null;
  if (offset === null || offset > MAX_OFFSET || offset < -MAX_OFFSET - 1n) {
    throw analysisError(`kafka offset must be a integer: ${given}`);
  }
  if (offset < 0n) throw analysisError('Can not specify offset smaller than 0');
  return offset;
}

function readTimestamp(given: string, value: string): StartOffset {
  if (TIME.test(value)) return readTime(value);
  const epochMs = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (epochMs <= MAX_EPOCH_MS) return { kind: 'timestamp', epochMs };
  throw analysisError(
    `${given} is no time: expected TIMESTAMP: with milliseconds since 1970-01-01, or yyyy-MM-dd HH:mm:ss in the job's time zone`,
  );
}

function readTime(text: string): StartOffset {
  if (localMs(text) === null) throw analysisError(`${text} is no time of the calendar`);
  return { kind: 'time', text: text.replace('T', ' ') };
}

/** The time as if it were UTC's; null where the calendar has no such day or time. */
function localMs(text: string): number | null {
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = ''] =
    TIME.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const epochMs = Date.parse(`${iso}.${fraction.padEnd(3, '0')}Z`);
  // Date takes February 30 for March 2.
  const isReal = !Number.isNaN(epochMs) && new Date(epochMs).toISOString().startsWith(iso);
  return isReal ? epochMs : null;
}

/** As it is stored and shown: readOffset reads it back. */
export function startText(start: StartOffset): string {
  if (typeof start !== 'object') return String(start);
  switch (start.kind) {
    case 'relative': {
      const { from, distance } = start;
      return distance < 0n ? `${from} - ${-distance}` : `${from} + ${distance}`;
    }
    case 'timestamp':
      return `TIMESTAMP:${start.epochMs}`;
    case 'time':
      return start.text;
  }
}

/** What is asked of Kafka about partitions. Throws what says what could not be reached and why. */
export interface OffsetProbe {
  /** First, next, or first offset at or after a time (the next one if none is), per partition. */
  offsets(
    connection: KafkaConnectionSpec,
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
  ): Promise<ReadonlyMap<number, bigint>>;
}

/**
 * Numbers for starts, so that "the end" is the end now and nothing after it is missed. A distance from an end is cut
 * at the other one. A partition that Kafka did not answer for is left out.
 */
export async function resolveStarts(input: {
  readonly probe: OffsetProbe;
  readonly connection: KafkaConnectionSpec;
  readonly topic: string;
  readonly starts: ReadonlyMap<number, StartOffset>;
  /** For times: IANA name or offset. */
  readonly timeZone: string;
}): Promise<ReadonlyMap<number, bigint>> {
  const { probe, connection, topic, starts, timeZone } = input;
  const asked = new Map<'earliest' | 'latest' | number, Promise<ReadonlyMap<number, bigint>>>();
  const timeOf = (start: StartOffset): number | null => epochMsOf(start, timeZone);
  const ask = (key: 'earliest' | 'latest' | number): Promise<ReadonlyMap<number, bigint>> => {
    let answer = asked.get(key);
    if (answer === undefined) {
      const wanted = [...starts.keys()].filter((partition) => {
        const start = starts.get(partition);
        return (
          start !== undefined &&
          (typeof key === 'number' ? timeOf(start) === key : needs(start, key))
        );
      });
      const at: OffsetSpec = typeof key === 'number' ? { timestampMs: key } : key;
      answer = probe.offsets(connection, topic, wanted, at);
      asked.set(key, answer);
    }
    return answer;
  };
  const found: [number, bigint][] = [];
  for (const [partition, start] of starts) {
    const atMs = timeOf(start);
    let offset: bigint | undefined;
    if (typeof start === 'bigint') offset = start;
    else if (atMs !== null) offset = (await ask(atMs)).get(partition);
    else {
      const first = needs(start, 'earliest') ? (await ask('earliest')).get(partition) : undefined;
      const next = needs(start, 'latest') ? (await ask('latest')).get(partition) : undefined;
      offset = offsetBetween(start, first, next);
    }
    if (offset !== undefined) found.push([partition, offset]);
  }
  return new Map(found);
}

function needs(start: StartOffset, end: 'earliest' | 'latest'): boolean {
  if (typeof start === 'object') return start.kind === 'relative';
  return start === (end === 'earliest' ? 'OFFSET_BEGINNING' : 'OFFSET_END');
}

function offsetBetween(
  start: StartOffset,
  first: bigint | undefined,
  next: bigint | undefined,
): bigint | undefined {
  if (typeof start !== 'object' || start.kind !== 'relative') return first ?? next;
  if (first === undefined || next === undefined) return undefined;
  const wanted = (start.from === 'OFFSET_END' ? next : first) + start.distance;
  if (wanted > next) return next;
  return wanted < first ? first : wanted;
}

/** The moment of a start that is a time. Of a time that its zone has twice: the earlier one, so that nothing is left out. */
function epochMsOf(start: StartOffset, timeZone: string): number | null {
  if (typeof start !== 'object' || start.kind === 'relative') return null;
  if (start.kind === 'timestamp') return start.epochMs;
  const local = localMs(start.text) ?? 0;
  const offset = zoneOffset(timeZone);
  const day = 86_400_000;
  const moments = [local - day, local + day].map(
    (near) => local - offset(Math.floor(near / 1000)) * 1000,
  );
  const real = moments.filter((at) => at + offset(Math.floor(at / 1000)) * 1000 === local);
  // None where clocks go forward: the time that both sides of the gap are measured from.
  return Math.max(0, Math.min(...(real.length > 0 ? real : moments)));
}
