// The columns of an ORC stripe: batches of values as writers. Each column has streams of its own, so that what nobody
// wants is not read. SOURCE: ORC Specification v1, "Column Encodings".

import type { FieldForm } from '../avro/decode.ts';
import { writeMoment } from '../avro/logical.ts';
import { shortFloat } from '../byte-reader.ts';
import {
  base64Text,
  listWriter,
  mapWriter,
  rowWriter,
  type ValueWriter,
  writeBoolean,
  writeScaled,
} from '../lines/value-writers.ts';
import { MalformedFile } from '../malformed-file.ts';
import { writeDate, type ZoneOffset } from '../time-text.ts';
import { type IntegerReader, type Integers, integerReader } from './integers.ts';
import { BitRuns, ByteRuns } from './runs.ts';
import type { OrcStream } from './stream.ts';
import type { OrcType } from './tail.ts';

const STREAM = { PRESENT: 0, DATA: 1, LENGTH: 2, DICTIONARY: 3, SECONDARY: 5 } as const;
const ENCODING = { DIRECT: 0, DICTIONARY: 1, DIRECT_V2: 2, DICTIONARY_V2: 3 } as const;
/** 2015-01-01 00:00:00, what seconds are counted from. */
const EPOCH_SECONDS = 1_420_070_400;
const NANOS = 1_000_000_000;
/** Elements of all lists of a batch. */
const MAX_ELEMENTS = 4 * 1024 * 1024;
const MAX_DICTIONARY_BYTES = 128 * 1024 * 1024;
const MAX_DECIMAL_BYTES = 64;

/** Where a column's streams are, and how it is encoded. */
export interface StripeColumns {
  /** Null: there is none. */
  stream(column: number, kind: number): OrcStream | null;
  encoding(column: number): { readonly kind: number; readonly dictionarySize: number };
  /** Where wall clocks of the stripe are. */
  readonly writerZone: ZoneOffset;
  /** Where moments are shown. */
  readonly zone: ZoneOffset;
}

/** Reads the next `count` values; the writer is for these only. Throws MalformedFile and RangeError. */
export type ColumnReader = (count: number) => ValueWriter;

export function columnReader(
  type: OrcType,
  stripe: StripeColumns,
  name: string,
  form: FieldForm = 'json',
): ColumnReader {
  if (type.kind === 'other')
    throw new MalformedFile(`its column ${name} is of a type that tables do not have`);
  const present = stripe.stream(type.id, STREAM.PRESENT);
  const values = new ColumnOpener(type, stripe, name, form).open();
  const isWrapped = form === 'base64' && type.kind !== 'text' && type.kind !== 'binary';
  const shown: ColumnReader = isWrapped ? (count) => base64Text(values(count)) : values;
  if (present === null) return shown;
  const bits = new BitRuns(present);
  return (count) => {
    const isPresent = bits.read(count);
    // Only values that are there are stored: where a row's value is among them.
    const places = new Uint32Array(count);
    let there = 0;
    for (let row = 0; row < count; row += 1) {
      places[row] = there;
      there += isPresent[row] ?? 0;
    }
    const value = shown(there);
    return (row, out) => {
      if (isPresent[row] === 1) value(places[row] ?? 0, out);
      else out.null();
    };
  };
}

class ColumnOpener {
  readonly #type: OrcType;
  readonly #stripe: StripeColumns;
  readonly #name: string;
  readonly #form: FieldForm;
  readonly #version: 1 | 2;

  constructor(type: OrcType, stripe: StripeColumns, name: string, form: FieldForm) {
    this.#type = type;
    this.#stripe = stripe;
    this.#name = name;
    this.#form = form;
    const { kind } = stripe.encoding(type.id);
    this.#version = kind === ENCODING.DIRECT_V2 || kind === ENCODING.DICTIONARY_V2 ? 2 : 1;
  }

  open(): ColumnReader {
    switch (this.#type.kind) {
      case 'boolean':
        return this.#booleans();
      case 'byte':
        return this.#bytes();
      case 'int': {
        const numbers = this.#integers(STREAM.DATA, true);
        return (count) => integerWriter(numbers.read(count));
      }
      case 'date': {
        const numbers = this.#integers(STREAM.DATA, true);
        return (count) => {
          const { values } = numbers.read(count);
          return (row, out) => writeDate(out, values[row] ?? 0);
        };
      }
      case 'float':
      case 'double':
        return this.#floats(this.#type.kind);
      case 'text':
      case 'binary':
        return this.#texts();
      case 'timestamp':
      case 'instant':
        return this.#moments(this.#type.kind);
      case 'decimal':
        return this.#decimals();
      case 'list':
      case 'map':
        return this.#lists();
      case 'struct':
        return this.#struct();
      case 'other':
        throw new MalformedFile(`its column ${this.#name} is of a type that tables do not have`);
    }
  }

  /** A column of which no value is there may have no streams. */
  #stream(kind: number): OrcStream | null {
    return this.#stripe.stream(this.#type.id, kind);
  }

  #integers(kind: number, isSigned: boolean): IntegerReader {
    const stream = this.#stream(kind);
    if (stream !== null) return integerReader(stream, this.#version, isSigned);
    return { read: (count) => this.#none(count, { values: new Float64Array(0), bigs: null }) };
  }

  #none<T>(count: number, nothing: T): T {
    if (count > 0) throw new MalformedFile(`its column ${this.#name} lacks a stream`);
    return nothing;
  }

  #booleans(): ColumnReader {
    const stream = this.#stream(STREAM.DATA);
    const runs = stream === null ? null : new BitRuns(stream);
    const isNumber = this.#form === 'number';
    return (count) => {
      const bits = runs === null ? this.#none(count, new Uint8Array(0)) : runs.read(count);
      if (isNumber) return (row, out) => out.integer(bits[row] ?? 0);
      return (row, out) => writeBoolean(out, bits[row] === 1);
    };
  }

  #bytes(): ColumnReader {
    const stream = this.#stream(STREAM.DATA);
    const runs = stream === null ? null : new ByteRuns(stream);
    return (count) => {
      const values = new Int8Array(runs === null ? this.#none(count, 0) : count);
      if (runs !== null) for (let row = 0; row < count; row += 1) values[row] = runs.next();
      return (row, out) => out.integer(values[row] ?? 0);
    };
  }

  #floats(kind: 'float' | 'double'): ColumnReader {
    const stream = this.#stream(STREAM.DATA);
    const width = kind === 'float' ? 4 : 8;
    return (count) => {
      const bytes =
        stream === null ? this.#none(count, Buffer.alloc(0)) : stream.take(count * width);
      return kind === 'float'
        ? (row, out) => out.number(shortFloat(bytes.readFloatLE(row * 4)))
        : (row, out) => out.number(bytes.readDoubleLE(row * 8));
    };
  }

  #texts(): ColumnReader {
    const { kind, dictionarySize } = this.#stripe.encoding(this.#type.id);
    const lengths = this.#integers(STREAM.LENGTH, false);
    if (kind === ENCODING.DIRECT || kind === ENCODING.DIRECT_V2) {
      const data = this.#stream(STREAM.DATA);
      return (count) => {
        const ends = endsOf(lengths.read(count), MAX_DICTIONARY_BYTES);
        const total = ends[count] ?? 0;
        const bytes = data === null ? this.#none(total, Buffer.alloc(0)) : data.take(total);
        return this.#textWriter(bytes, (row) => row, ends);
      };
    }
    const stream = this.#stream(STREAM.DICTIONARY);
    const indexes = this.#integers(STREAM.DATA, false);
    let ends: Float64Array | null = null;
    let bytes: Buffer = Buffer.alloc(0);
    return (count) => {
      if (ends === null) {
        if (dictionarySize > MAX_ELEMENTS) throw new MalformedFile('a dictionary is too large');
        ends = endsOf(lengths.read(dictionarySize), MAX_DICTIONARY_BYTES);
        const total = ends[dictionarySize] ?? 0;
        bytes = stream === null ? this.#none(total, bytes) : stream.take(total);
      }
      const { values } = indexes.read(count);
      return this.#textWriter(bytes, (row) => values[row] ?? -1, ends);
    };
  }

  /** Of `index(row)`; `ends`: where each text begins, and the last one ends. */
  #textWriter(bytes: Buffer, index: (row: number) => number, ends: Float64Array): ValueWriter {
    const isBase64 = this.#form === 'base64';
    return (row, out) => {
      const at = index(row);
      const from = ends[at];
      const to = ends[at + 1];
      if (from === undefined || to === undefined)
        throw new MalformedFile(`a text ${at} that its dictionary does not have`);
      if (isBase64) out.base64(bytes, from, to);
      else out.utf8(bytes, from, to);
    };
  }

  #moments(kind: 'timestamp' | 'instant'): ColumnReader {
    const seconds = this.#integers(STREAM.DATA, true);
    const parts = this.#integers(STREAM.SECONDARY, false);
    const { writerZone, zone } = this.#stripe;
    const isInstant = kind === 'instant';
    // The same wall clock: seconds are of the writer's zone, from when the epoch was there.
    const epoch = isInstant ? EPOCH_SECONDS : EPOCH_SECONDS - writerZone(EPOCH_SECONDS);
    return (count) => {
      const { values: whole } = seconds.read(count);
      const encoded = parts.read(count);
      return (row, out) => {
        const nanos = nanosOf(encoded.values[row] ?? 0, encoded.bigs?.[row] ?? 0n);
        let second = (whole[row] ?? 0) + epoch;
        // SOURCE: ORC's own readers: before 1970 writers cut the seconds off towards zero.
        if (second < 0 && nanos > 999_999) second -= 1;
        const shown = isInstant ? second : second + writerZone(second);
        const big = BigInt(shown) * BigInt(NANOS) + BigInt(nanos);
        const type = isInstant ? ('timestamp' as const) : ('local-timestamp' as const);
        writeMoment(out, { kind: type, perSecond: NANOS }, Number.NaN, big, zone);
      };
    };
  }

  #decimals(): ColumnReader {
    const data = this.#stream(STREAM.DATA);
    const scales = this.#integers(STREAM.SECONDARY, true);
    const { scale } = this.#type;
    return (count) => {
      const unscaled: bigint[] = [];
      if (data === null) this.#none(count, 0);
      else for (let row = 0; row < count; row += 1) unscaled.push(readBig(data));
      const { values } = scales.read(count);
      return (row, out) => {
        const own = values[row] ?? 0;
        const missing = scale - own;
        if (!(missing >= 0 && missing <= scale + MAX_DECIMAL_BYTES))
          writeScaled(out, unscaled[row] ?? 0n, checkedScale(own));
        else writeScaled(out, (unscaled[row] ?? 0n) * 10n ** BigInt(missing), scale);
      };
    };
  }

  #lists(): ColumnReader {
    const lengths = this.#integers(STREAM.LENGTH, false);
    const [first, second] = this.#type.children.map((child) =>
      columnReader(child, this.#stripe, this.#name),
    );
    if (first === undefined) throw new MalformedFile('a list of no type');
    return (count) => {
      const ends = endsOf(lengths.read(count), MAX_ELEMENTS);
      const total = ends[count] ?? 0;
      const range = (row: number): readonly [number, number] => [
        ends[row] ?? 0,
        ends[row + 1] ?? 0,
      ];
      const items = first(total);
      return second === undefined
        ? listWriter(items, total, range)
        : mapWriter(items, second(total), total, range);
    };
  }

  #struct(): ColumnReader {
    const { children, names } = this.#type;
    const readers = children.map((child, index) => ({
      key: names[index] ?? '',
      read: columnReader(child, this.#stripe, this.#name),
    }));
    return (count) => rowWriter(readers.map(({ key, read }) => ({ key, value: read(count) })));
  }
}

function integerWriter({ values, bigs }: Integers): ValueWriter {
  return (row, out) => {
    const value = values[row] ?? 0;
    if (Number.isNaN(value)) out.ascii(String(bigs?.[row] ?? 0n));
    else out.integer(value);
  };
}

/** Where values of such lengths begin, one behind the other, and at last where they end. */
function endsOf({ values }: Integers, most: number): Float64Array {
  const ends = new Float64Array(values.length + 1);
  let at = 0;
  for (let index = 0; index < values.length; index += 1) {
    const length = values[index] ?? 0;
    if (!(length >= 0 && at + length <= most))
      throw new MalformedFile(`values of a batch have more than ${most} bytes or elements`);
    at += length;
    ends[index + 1] = at;
  }
  return ends;
}

/**
 * The last three bits tell how many zeros were taken off; `big` where `encoded` is NaN. pyarrow writes moments before
 * 1970 with negative nanoseconds.
 */
function nanosOf(encoded: number, big: bigint): number {
  const isBig = Number.isNaN(encoded);
  const zeros = isBig ? Number(big & 7n) : encoded % 8;
  const digits = isBig ? Number(big >> 3n) : Math.floor(encoded / 8);
  const nanos = zeros === 0 ? digits : digits * 10 ** (zeros + 1);
  if (!(Math.abs(nanos) < NANOS)) throw new MalformedFile(`a second of ${nanos} nanoseconds`);
  return nanos;
}

function checkedScale(scale: number): number {
  if (!(Math.abs(scale) <= 1000)) throw new MalformedFile(`a decimal of scale ${scale}`);
  return scale;
}

/** A zigzag number without limit, within reason. */
function readBig(stream: OrcStream): bigint {
  let value = 0n;
  for (let index = 0; index < MAX_DECIMAL_BYTES; index += 1) {
    const byte = stream.byte();
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
  }
  throw new MalformedFile('a decimal has too many digits');
}
