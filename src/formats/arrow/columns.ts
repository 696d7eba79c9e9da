// One field of an Arrow batch -> the writer of its values.

import type { FieldForm } from '../avro/decode.ts';
import { writeMoment } from '../avro/logical.ts';
import { shortFloat } from '../byte-reader.ts';
import {
  base64Text,
  checkRange,
  listWriter,
  mapWriter,
  orNull,
  rowWriter,
  type ValueWriter,
  writeBoolean,
  writeInt64,
  writeScaled,
} from '../lines/value-writers.ts';
import { MalformedFile } from '../malformed-file.ts';
import { writeDate, type ZoneOffset } from '../time-text.ts';
import type { ArrowDictionaries, BatchBuffers } from './batch.ts';
import type { ArrowField, ArrowType } from './schema.ts';

const DAY_MS = 86_400_000;
const VIEW_BYTES = 16;
const INLINE_BYTES = 12;

export interface ArrowColumn {
  readonly count: number;
  readonly value: ValueWriter;
}

export interface ColumnOptions {
  readonly zone: ZoneOffset;
  readonly dictionaries: ArrowDictionaries;
  /** `base64`: bytes and texts are in base64; `number`: booleans are 1 and 0. */
  readonly form: FieldForm;
}

type Range = (row: number) => readonly [from: number, to: number];

/** Takes the field's buffers. Throws MalformedFile and RangeError; so do writers, for values outside their buffers. */
export function arrowColumn(
  field: ArrowField,
  batch: BatchBuffers,
  options: ColumnOptions,
): ArrowColumn {
  const { type, dictionary } = field;
  if (type.kind === 'other' && dictionary === null)
    throw new MalformedFile(
      `its field ${field.name} is of type ${type.name}, which is no type of a table`,
    );
  const { length, hasNulls } = batch.node();
  if (dictionary === null && type.kind === 'null')
    return { count: length, value: (_row, out) => out.null() };
  const bits = batch.buffer(hasNulls ? Math.ceil(length / 8) : 0);
  const isValid = hasNulls
    ? (row: number) => (((bits[row >> 3] ?? 0) >> (row & 7)) & 1) === 1
    : null;
  const value =
    dictionary === null
      ? values(field, length, batch, options)
      : dictionaryValues(dictionary, length, batch, options);
  return { count: length, value: orNull(value, isValid) };
}

function dictionaryValues(
  { id, index }: { readonly id: number; readonly index: ArrowType },
  length: number,
  batch: BatchBuffers,
  { dictionaries, form }: ColumnOptions,
): ValueWriter {
  const bits = index.kind === 'int' ? index.bits : 32;
  const bytes = batch.buffer((length * bits) / 8);
  const at = integerAt(bytes, bits, index.kind === 'int' && index.isSigned);
  const { count, value } = dictionaries.get(id, form === 'base64');
  return (row, out) => {
    const place = at(row);
    checkRange(place, place + 1, count);
    value(place, out);
  };
}

/** Of up to 32 bits; of 64 those that are safe. */
function integerAt(bytes: Buffer, bits: number, isSigned: boolean): (row: number) => number {
  switch (bits) {
    case 8:
      return isSigned ? (row) => bytes.readInt8(row) : (row) => bytes.readUInt8(row);
    case 16:
      return isSigned ? (row) => bytes.readInt16LE(row * 2) : (row) => bytes.readUInt16LE(row * 2);
    case 32:
      return isSigned ? (row) => bytes.readInt32LE(row * 4) : (row) => bytes.readUInt32LE(row * 4);
    default:
      return (row) => Number(bytes.readBigInt64LE(row * 8));
  }
}

function values(
  field: ArrowField,
  length: number,
  batch: BatchBuffers,
  options: ColumnOptions,
): ValueWriter {
  const { type } = field;
  switch (type.kind) {
    case 'bytes':
      return bytesValues(offsets(batch, length, type.width), batch.buffer(0), options);
    case 'fixed-bytes': {
      const { size } = type;
      const range: Range = (row) => [row * size, (row + 1) * size];
      return bytesValues(range, batch.buffer(length * size), options);
    }
    case 'view':
      return viewValues(length, batch, options);
    case 'list':
    case 'large-list':
    case 'fixed-list':
    case 'map':
    case 'struct':
      return nestedValues(field, length, batch, options);
    default: {
      const value = plainValues(type, length, batch, options);
      return options.form === 'base64' ? base64Text(value) : value;
    }
  }
}

function plainValues(
  type: ArrowType,
  length: number,
  batch: BatchBuffers,
  { zone, form }: ColumnOptions,
): ValueWriter {
  switch (type.kind) {
    case 'bool': {
      const bytes = batch.buffer(Math.ceil(length / 8));
      const bit = (row: number): number => ((bytes[row >> 3] ?? 0) >> (row & 7)) & 1;
      return form === 'number'
        ? (row, out) => out.integer(bit(row))
        : (row, out) => writeBoolean(out, bit(row) === 1);
    }
    case 'int': {
      const bytes = batch.buffer((length * type.bits) / 8);
      if (type.bits === 64) return int64Values(bytes, type.isSigned);
      const at = integerAt(bytes, type.bits, type.isSigned);
      return (row, out) => out.integer(at(row));
    }
    case 'float':
      return floatValues(batch.buffer((length * type.bits) / 8), type.bits);
    case 'decimal':
      return decimalValues(batch.buffer((length * type.bits) / 8), type.bits, type.scale);
    case 'date': {
      const bytes = batch.buffer(length * (type.isDays ? 4 : 8));
      if (type.isDays) return (row, out) => writeDate(out, bytes.readInt32LE(row * 4));
      return (row, out) =>
        writeDate(out, Math.floor(Number(bytes.readBigInt64LE(row * 8)) / DAY_MS));
    }
    case 'time': {
      const { bits, perSecond } = type;
      const bytes = batch.buffer((length * bits) / 8);
      const at = integerAt(bytes, bits, true);
      return (row, out) => writeMoment(out, { kind: 'time', perSecond }, at(row), 0n, zone);
    }
    case 'timestamp': {
      const { perSecond, hasZone } = type;
      const bytes = batch.buffer(length * 8);
      const moment = {
        kind: hasZone ? ('timestamp' as const) : ('local-timestamp' as const),
        perSecond,
      };
      return (row, out) =>
        readLong(bytes, row, (value, big) => writeMoment(out, moment, value, big, zone));
    }
    default:
      throw new MalformedFile(`a type ${type.kind} where a plain one must be`);
  }
}

function readLong(bytes: Buffer, row: number, write: (value: number, big: bigint) => void): void {
  const value = bytes.readInt32LE(row * 8 + 4) * 2 ** 32 + bytes.readUInt32LE(row * 8);
  if (Number.isSafeInteger(value)) write(value, 0n);
  else write(Number.NaN, bytes.readBigInt64LE(row * 8));
}

function int64Values(bytes: Buffer, isSigned: boolean): ValueWriter {
  if (isSigned)
    return (row, out) =>
      writeInt64(out, bytes.readInt32LE(row * 8), bytes.readInt32LE(row * 8 + 4));
  return (row, out) => {
    const value = bytes.readBigUInt64LE(row * 8);
    out.ascii(String(value));
  };
}

function floatValues(bytes: Buffer, bits: number): ValueWriter {
  switch (bits) {
    case 16:
      return (row, out) => out.number(halfFloat(bytes.readUInt16LE(row * 2)));
    case 32:
      return (row, out) => out.number(shortFloat(bytes.readFloatLE(row * 4)));
    default:
      return (row, out) => out.number(bytes.readDoubleLE(row * 8));
  }
}

/** SOURCE: IEEE 754 binary16. */
function halfFloat(word: number): number {
  const sign = word >= 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 31;
  const fraction = word & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function decimalValues(bytes: Buffer, bits: number, scale: number): ValueWriter {
  if (bits === 32) return (row, out) => writeScaled(out, bytes.readInt32LE(row * 4), scale);
  const words = bits / 64;
  return (row, out) => {
    let value = bytes.readBigInt64LE((row + 1) * words * 8 - 8);
    for (let word = words - 2; word >= 0; word -= 1)
      value = (value << 64n) | bytes.readBigUInt64LE((row * words + word) * 8);
    writeScaled(out, value, scale);
  };
}

function offsets(batch: BatchBuffers, length: number, width: 4 | 8): Range {
  // A column of no rows may come without its one offset.
  const bytes = batch.buffer(length === 0 ? 0 : (length + 1) * width);
  return width === 4
    ? (row) => [bytes.readInt32LE(row * 4), bytes.readInt32LE(row * 4 + 4)]
    : (row) => [Number(bytes.readBigInt64LE(row * 8)), Number(bytes.readBigInt64LE(row * 8 + 8))];
}

function bytesValues(range: Range, bytes: Buffer, { form }: ColumnOptions): ValueWriter {
  return (row, out) => {
    const [from, to] = range(row);
    checkRange(from, to, bytes.length);
    if (form === 'base64') out.base64(bytes, from, to);
    else out.utf8(bytes, from, to);
  };
}

/** A view: its length, then its bytes, or four of them and where all of them are. */
function viewValues(length: number, batch: BatchBuffers, options: ColumnOptions): ValueWriter {
  const views = batch.buffer(length * VIEW_BYTES);
  const data = Array.from({ length: batch.viewBuffers() }, () => batch.buffer(0));
  const { form } = options;
  return (row, out) => {
    const at = row * VIEW_BYTES;
    const bytes = views.readInt32LE(at);
    const isInline = bytes <= INLINE_BYTES;
    const source = isInline ? views : data[views.readInt32LE(at + 8)];
    const from = isInline ? at + 4 : views.readInt32LE(at + 12);
    if (source === undefined) throw new MalformedFile('a view of a buffer that there is not');
    checkRange(from, from + bytes, source.length);
    if (form === 'base64') out.base64(source, from, from + bytes);
    else out.utf8(source, from, from + bytes);
  };
}

function nestedValues(
  { type, children }: ArrowField,
  length: number,
  batch: BatchBuffers,
  options: ColumnOptions,
): ValueWriter {
  const inner = { ...options, form: 'json' as const };
  const child = (field: ArrowField, least: number): ArrowColumn => {
    const column = arrowColumn(field, batch, inner);
    if (column.count < least) throw new MalformedFile(`a nested column of ${column.count} rows`);
    return column;
  };
  const value = ((): ValueWriter => {
    const [items] = children;
    if (type.kind === 'struct')
      return rowWriter(
        children.map((field) => ({ key: field.name, value: child(field, length).value })),
      );
    if (items === undefined) throw new MalformedFile('a list of no type');
    if (type.kind === 'fixed-list') {
      const { size } = type;
      const column = child(items, length * size);
      return listWriter(column.value, column.count, (row) => [row * size, (row + 1) * size]);
    }
    const range = offsets(batch, length, type.kind === 'large-list' ? 8 : 4);
    if (type.kind !== 'map') {
      const column = child(items, 0);
      return listWriter(column.value, column.count, range);
    }
    return mapValues(items, batch, child, range);
  })();
  return options.form === 'base64' ? base64Text(value) : value;
}

/** Of the struct of keys and values that a map is a list of: no entry is NULL. */
function mapValues(
  { children: [key, value] }: ArrowField,
  batch: BatchBuffers,
  child: (field: ArrowField, least: number) => ArrowColumn,
  range: Range,
): ValueWriter {
  const { length, hasNulls } = batch.node();
  batch.buffer(hasNulls ? Math.ceil(length / 8) : 0);
  if (key === undefined || value === undefined) throw new MalformedFile('a map of no types');
  const keys = child(key, length);
  const entries = child(value, length);
  return mapWriter(keys.value, entries.value, length, range);
}
