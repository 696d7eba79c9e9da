// Message types that mean a value: Google's well-known types and Confluent's decimal. SOURCE: Protocol
// Buffers, JSON mapping; timestamps are written as date and time in the job's zone instead.
import type { FieldForm } from '../avro/decode.ts';
import { decimalText } from '../avro/logical.ts';
import type { ByteReader } from '../byte-reader.ts';
import type { LineWriter } from '../json/line-writer.ts';
import { MalformedMessage } from '../malformed.ts';
import { writeDatetime, type ZoneOffset } from '../time-text.ts';
import { type ProtoWriter, readTag, scalarWriter, skipValue, takeLength } from './scalars.ts';
import type { ProtoScalar } from './schema.ts';

const WRAPPERS: Readonly<Record<string, readonly [ProtoScalar, empty: string]>> = {
  'google.protobuf.DoubleValue': ['double', '0'],
  'google.protobuf.FloatValue': ['float', '0'],
  'google.protobuf.Int64Value': ['int64', '0'],
  'google.protobuf.UInt64Value': ['uint64', '0'],
  'google.protobuf.Int32Value': ['int32', '0'],
  'google.protobuf.UInt32Value': ['uint32', '0'],
  'google.protobuf.BoolValue': ['bool', 'false'],
  'google.protobuf.StringValue': ['string', '""'],
  'google.protobuf.BytesValue': ['bytes', '""'],
};
const COMMA = 0x2c;
const COLON = 0x3a;
const MAX_DEPTH = 100;

/** Writes a message of such a type up to the reader's end; null for every other type. */
export function wellKnownWriter(
  fullName: string,
  zone: ZoneOffset,
  form: FieldForm = 'json',
): ProtoWriter | null {
  const wrapper = Object.hasOwn(WRAPPERS, fullName) ? WRAPPERS[fullName] : undefined;
  if (wrapper !== undefined) {
    const value = scalarWriter(wrapper[0]);
    return (from, out) => {
      const at = placesOf(from, 1)[1] ?? -1;
      if (at < 0) out.ascii(wrapper[1]);
      else readAt(from, at, () => value(from, out));
    };
  }
  switch (fullName) {
    case 'google.protobuf.Timestamp':
      return (from, out) => writeTimestamp(from, out, zone, form);
    case 'google.protobuf.Duration':
      return writeDuration;
    case 'google.protobuf.FieldMask':
      return writeFieldMask;
    case 'google.protobuf.Struct':
      return writeStruct;
    case 'google.protobuf.Value':
      return writeValue;
    case 'google.protobuf.ListValue':
      return writeList;
    case 'confluent.type.Decimal':
      return writeDecimal;
    default:
      return null;
  }
}

/** Where the last value of each field up to `most` begins, by number; -1 = absent. Passes over all. */
function placesOf(from: ByteReader, most: number): readonly number[] {
  const places = new Array<number>(most + 1).fill(-1);
  while (from.at < from.end) {
    const tag = readTag(from);
    const number = tag >>> 3;
    if (number <= most) places[number] = from.at;
    skipValue(from, tag & 7, number);
  }
  return places;
}

function readAt(from: ByteReader, at: number, read: () => void): void {
  from.at = at;
  read();
  from.at = from.end;
}

/** Seconds and nanoseconds of a Timestamp or a Duration. */
function moment(from: ByteReader): { seconds: number; nanos: number } {
  const [, secondsAt = -1, nanosAt = -1] = placesOf(from, 2);
  let seconds = 0;
  let nanos = 0;
  if (secondsAt >= 0) readAt(from, secondsAt, () => (seconds = signed(from)));
  if (nanosAt >= 0) readAt(from, nanosAt, () => (nanos = signed(from)));
  if (Math.abs(nanos) > 999_999_999) throw new MalformedMessage(`${nanos} nanoseconds`);
  return { seconds, nanos };
}

function signed(from: ByteReader): number {
  const value = from.varint();
  return Number.isNaN(value) ? Number(BigInt.asIntN(64, from.big)) : value;
}

function writeTimestamp(
  from: ByteReader,
  out: LineWriter,
  zone: ZoneOffset,
  form: FieldForm,
): void {
  const { seconds, nanos } = moment(from);
  // As the number that Avro's timestamp-millis stores.
  if (form === 'number') out.number(seconds * 1000 + Math.floor(nanos / 1_000_000));
  else writeDatetime(out, seconds + zone(seconds), Math.floor(nanos / 1000));
}

/** `1.5s`, `-0.000000001s`. */
const writeDuration: ProtoWriter = (from, out) => {
  const { seconds, nanos } = moment(from);
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  const digits = String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '');
  const fraction = digits === '' ? '' : `.${digits}`;
  out.ascii(`"${sign}${Math.abs(seconds)}${fraction}s"`);
};

/** Paths, separated by commas. */
const writeFieldMask: ProtoWriter = (from, out) => {
  const paths: string[] = [];
  while (from.at < from.end) {
    const tag = readTag(from);
    if (tag >>> 3 !== 1) skipValue(from, tag & 7, tag >>> 3);
    else {
      const start = takeLength(from);
      paths.push(from.bytes.toString('utf8', start, from.at));
    }
  }
  out.text(paths.join(','));
};

/** A value of base 10: bytes in two's complement, precision, scale. */
const writeDecimal: ProtoWriter = (from, out) => {
  const [, valueAt = -1, , scaleAt = -1] = placesOf(from, 3);
  let scale = 0;
  let unscaled = 0n;
  if (scaleAt >= 0) readAt(from, scaleAt, () => (scale = signed(from)));
  if (valueAt >= 0)
    readAt(from, valueAt, () => {
      const start = takeLength(from);
      const length = from.at - start;
      if (length > 0)
        unscaled = BigInt.asIntN(
          length * 8,
          BigInt(`0x${from.bytes.toString('hex', start, from.at)}`),
        );
    });
  if (scale < 0 || scale > 1000) throw new MalformedMessage(`a decimal of scale ${scale}`);
  out.ascii(`"${decimalText(String(unscaled), scale)}"`);
};

/** Calls back with the reader at each value of field `number`, which must be read. */
function each(from: ByteReader, number: number, visit: () => void): void {
  while (from.at < from.end) {
    const tag = readTag(from);
    if (tag >>> 3 === number && (tag & 7) === 2) visit();
    else skipValue(from, tag & 7, tag >>> 3);
  }
}

/** Reads a length, and the body within it. */
function inside(from: ByteReader, read: () => void): void {
  const start = takeLength(from);
  const { at: after, end } = from;
  from.at = start;
  from.end = after;
  from.enter(MAX_DEPTH);
  read();
  from.leave();
  from.at = after;
  from.end = end;
}

const writeStruct: ProtoWriter = (from, out) => {
  let isFirst = true;
  out.ascii('{');
  each(from, 1, () =>
    inside(from, () => {
      const [, keyAt = -1, valueAt = -1] = placesOf(from, 2);
      if (!isFirst) out.byte(COMMA);
      isFirst = false;
      if (keyAt < 0) out.ascii('""');
      else readAt(from, keyAt, () => scalarWriter('string')(from, out));
      out.byte(COLON);
      if (valueAt < 0) out.null();
      else readAt(from, valueAt, () => inside(from, () => writeValue(from, out)));
      from.at = from.end;
    }),
  );
  out.ascii('}');
};

const writeList: ProtoWriter = (from, out) => {
  let isFirst = true;
  out.ascii('[');
  each(from, 1, () => {
    if (!isFirst) out.byte(COMMA);
    isFirst = false;
    inside(from, () => writeValue(from, out));
  });
  out.ascii(']');
};

/** One of null, number, text, boolean, object and list; the last one given counts. */
const writeValue: ProtoWriter = (from, out) => {
  let kind = 0;
  let at = -1;
  while (from.at < from.end) {
    const tag = readTag(from);
    if (tag >>> 3 <= 6) {
      kind = tag >>> 3;
      at = from.at;
    }
    skipValue(from, tag & 7, tag >>> 3);
  }
  if (at < 0) {
    out.null();
    return;
  }
  readAt(from, at, () => {
    if (kind === 1) out.null();
    else if (kind === 2) scalarWriter('double')(from, out);
    else if (kind === 3) scalarWriter('string')(from, out);
    else if (kind === 4) scalarWriter('bool')(from, out);
    else if (kind === 5) inside(from, () => writeStruct(from, out));
    else inside(from, () => writeList(from, out));
  });
};
