// Logical types: what the numbers and bytes of a schema mean, and how each becomes JSON. Those that the
// specification does not know, or that do not fit their type, count as none. SOURCE: Avro 1.12, `logicalType`;
// Kafka Connect's and Debezium's semantic types, which Connect's Avro converter puts into `connect.name`.
import type { LineWriter } from '../json/line-writer.ts';
import { writeDate, writeDatetime, writeTime, type ZoneOffset } from '../time-text.ts';

const DAY_SECONDS = 86_400;

export type LogicalType =
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'duration' }
  | { readonly kind: 'date' }
  /** Since midnight, in units of which so many make a second. */
  | { readonly kind: 'time'; readonly perSecond: number }
  /** A moment, shown in the job's time zone. */
  | { readonly kind: 'timestamp'; readonly perSecond: number }
  /** A date and time of no zone. */
  | { readonly kind: 'local-timestamp'; readonly perSecond: number };

const MILLIS = 1_000;
const MICROS = 1_000_000;
const NANOS = 1_000_000_000;

interface Rule {
  /** Avro types that it stands on. */
  readonly on: readonly string[];
  readonly type: LogicalType;
}

const RULES: Readonly<Record<string, Rule>> = {
  date: { on: ['int'], type: { kind: 'date' } },
  'time-millis': { on: ['int'], type: { kind: 'time', perSecond: MILLIS } },
  'time-micros': { on: ['long'], type: { kind: 'time', perSecond: MICROS } },
  'timestamp-millis': { on: ['long'], type: { kind: 'timestamp', perSecond: MILLIS } },
  'timestamp-micros': { on: ['long'], type: { kind: 'timestamp', perSecond: MICROS } },
  'timestamp-nanos': { on: ['long'], type: { kind: 'timestamp', perSecond: NANOS } },
  'local-timestamp-millis': { on: ['long'], type: { kind: 'local-timestamp', perSecond: MILLIS } },
  'local-timestamp-micros': { on: ['long'], type: { kind: 'local-timestamp', perSecond: MICROS } },
  'local-timestamp-nanos': { on: ['long'], type: { kind: 'local-timestamp', perSecond: NANOS } },
};

/** By the name that Connect gives; the types without zone are those of MySQL's DATETIME and PostgreSQL's TIMESTAMP. */
export const CONNECT_TYPES: Readonly<Record<string, LogicalType>> = {
  'io.debezium.time.Date': { kind: 'date' },
  'io.debezium.time.Time': { kind: 'time', perSecond: MILLIS },
  'io.debezium.time.MicroTime': { kind: 'time', perSecond: MICROS },
  'io.debezium.time.NanoTime': { kind: 'time', perSecond: NANOS },
  'io.debezium.time.Timestamp': { kind: 'local-timestamp', perSecond: MILLIS },
  'io.debezium.time.MicroTimestamp': { kind: 'local-timestamp', perSecond: MICROS },
  'io.debezium.time.NanoTimestamp': { kind: 'local-timestamp', perSecond: NANOS },
  'org.apache.kafka.connect.data.Date': { kind: 'date' },
  'org.apache.kafka.connect.data.Time': { kind: 'time', perSecond: MILLIS },
  'org.apache.kafka.connect.data.Timestamp': { kind: 'timestamp', perSecond: MILLIS },
};

/** The logical type that the schema of an Avro type names; null = none. `size`: of a fixed. */
export function logicalTypeOf(
  schema: Readonly<Record<string, unknown>>,
  type: string,
  size: number,
): LogicalType | null {
  const { logicalType } = schema;
  const connectName = schema['connect.name'];
  if (typeof connectName === 'string') {
    const known = Object.hasOwn(CONNECT_TYPES, connectName)
      ? CONNECT_TYPES[connectName]
      : undefined;
    if (known !== undefined && (type === 'int' || type === 'long')) return known;
  }
  if (typeof logicalType !== 'string') return null;
  if (logicalType === 'decimal')
    return type === 'bytes' || type === 'fixed' ? decimalOf(schema) : null;
  if (logicalType === 'uuid')
    return type === 'string' || (type === 'fixed' && size === 16) ? { kind: 'uuid' } : null;
  if (logicalType === 'duration')
    return type === 'fixed' && size === 12 ? { kind: 'duration' } : null;
  const rule = Object.hasOwn(RULES, logicalType) ? RULES[logicalType] : undefined;
  return rule?.on.includes(type) === true ? rule.type : null;
}

function decimalOf(schema: Readonly<Record<string, unknown>>): LogicalType | null {
  const { precision, scale = 0 } = schema;
  if (typeof precision !== 'number' || !Number.isInteger(precision) || precision < 1) return null;
  if (typeof scale !== 'number' || !Number.isInteger(scale) || scale < 0 || scale > precision)
    return null;
  return { kind: 'decimal', precision, scale };
}

/** Decimals of up to this many bytes are numbers that a double holds exactly. */
const SMALL_DECIMAL_BYTES = 6;

/** A decimal of big-endian two's complement bytes, as a string with all its digits. */
export function writeDecimal(
  out: LineWriter,
  bytes: Buffer,
  start: number,
  end: number,
  scale: number,
): void {
  const length = end - start;
  if (length === 0) out.ascii('"0"');
  else if (length <= SMALL_DECIMAL_BYTES)
    out.ascii(`"${decimalText(String(bytes.readIntBE(start, length)), scale)}"`);
  else {
    const value = BigInt.asIntN(length * 8, BigInt(`0x${bytes.toString('hex', start, end)}`));
    out.ascii(`"${decimalText(String(value), scale)}"`);
  }
}

/** A whole number's digits with a point before the last `scale` of them. */
export function decimalText(unscaled: string, scale: number): string {
  if (scale === 0) return unscaled;
  const sign = unscaled.startsWith('-') ? '-' : '';
  const digits = unscaled.slice(sign.length).padStart(scale + 1, '0');
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** 16 bytes as `123e4567-e89b-12d3-a456-426614174000`. */
export function writeUuid(out: LineWriter, bytes: Buffer, start: number): void {
  const hex = bytes.toString('hex', start, start + 16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  out.ascii(`"${parts.join('-')}"`);
}

/** Months, days and milliseconds, each four bytes, as an ISO 8601 duration: `P1M2DT3.5S`. */
export function writeDuration(out: LineWriter, bytes: Buffer, start: number): void {
  const months = bytes.readUInt32LE(start);
  const days = bytes.readUInt32LE(start + 4);
  const seconds = bytes.readUInt32LE(start + 8) / 1000;
  const date = `${months === 0 ? '' : `${months}M`}${days === 0 ? '' : `${days}D`}`;
  const time = seconds === 0 && date !== '' ? '' : `T${seconds}S`;
  out.ascii(`"P${date}${time}"`);
}

/** The value of a logical type that stands on a number; `big` where the number is NaN. */
export function writeMoment(
  out: LineWriter,
  type: LogicalType,
  value: number,
  big: bigint,
  offset: ZoneOffset,
): void {
  if (type.kind === 'date') {
    writeDate(out, value);
    return;
  }
  if (type.kind !== 'time' && type.kind !== 'timestamp' && type.kind !== 'local-timestamp') {
    out.number(value);
    return;
  }
  const { perSecond } = type;
  let seconds = Math.floor(value / perSecond);
  let part = value - seconds * perSecond;
  if (Number.isNaN(value)) {
    const per = BigInt(perSecond);
    const rest = ((big % per) + per) % per;
    part = Number(rest);
    seconds = Number((big - rest) / per);
  }
  const micros = perSecond === NANOS ? Math.floor(part / 1000) : (part * MICROS) / perSecond;
  switch (type.kind) {
    case 'time':
      if (seconds >= 0 && seconds < DAY_SECONDS) writeTime(out, seconds, micros);
      else out.ascii(`"${seconds} s"`);
      return;
    case 'timestamp':
      writeDatetime(out, seconds + offset(seconds), micros);
      return;
    case 'local-timestamp':
      writeDatetime(out, seconds, micros);
  }
}
