// Between which values an expression lies in the rows of one file, by the statistics of its columns: exact numbers,
// floating ones with some slack, dates, texts by their bytes. What is not known is left open.
import type { SqlType } from '../model/sql-type.ts';
import type { ColumnStats } from '../model/table.ts';
import type { CallExpression, CastExpression, TypedExpression } from './expression.ts';
import { isFloating, isInteger, isString } from './types.ts';

/** A value that can be put in order with others of its kind. */
export type OrderedValue =
  | { readonly kind: 'exact'; readonly value: bigint }
  | { readonly kind: 'floating'; readonly value: number }
  | { readonly kind: 'time'; readonly value: string }
  | { readonly kind: 'text'; readonly value: Buffer };

export interface ValueBounds {
  /** No value is below it; null = unknown. */
  readonly low: OrderedValue | null;
  readonly high: OrderedValue | null;
  /** Is there a value in both of them, so that equal ones say that all values are that one? Cut texts are not. */
  readonly isExact: boolean;
  readonly mayBeNull: boolean;
  /** False: NULL in every row. */
  readonly mayBeValue: boolean;
}

/** What is known of a column; null = nothing. */
export type BoundsOfColumn = (name: string, relation: string) => ValueBounds | null;

export const ALWAYS_NULL: ValueBounds = {
  low: null,
  high: null,
  isExact: false,
  mayBeNull: true,
  mayBeValue: false,
};

/** Digits after the point that every exact number is brought to: DECIMAL has 38 at most. */
const SCALE = 40;

/** Relative; well above what a FLOAT loses, so that one kept as its shortest text is inside. */
const FLOAT_SLACK = 2 ** -21;

/** -1, 0 or 1; null for kinds that do not compare. */
export function compareValues(a: OrderedValue, b: OrderedValue): number | null {
  if (a.kind === 'text' && b.kind === 'text') return Buffer.compare(a.value, b.value);
  if (a.kind === 'text' || b.kind === 'text') return null;
  if (a.kind === 'time' || b.kind === 'time') {
    return a.kind === b.kind ? order(a.value, b.value) : null;
  }
  if (a.kind === 'exact' && b.kind === 'exact') return order(a.value, b.value);
  return order(asNumber(a), asNumber(b));
}

function order<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function asNumber(value: Extract<OrderedValue, { kind: 'exact' | 'floating' }>): number {
  return value.kind === 'floating' ? value.value : Number(value.value) / 10 ** SCALE;
}

/** The value that a text stands for, as literals and statistics write it; null where it has no order that is known. */
export function orderedValue(type: SqlType, text: string): OrderedValue | null {
  // LARGEINT is stored as text: its statistics would be in the order of texts.
  if (isInteger(type) || type.kind === 'DECIMAL' || type.kind === 'BOOLEAN') {
    const value = exactNumber(text);
    return value === null ? null : { kind: 'exact', value };
  }
  if (isFloating(type)) {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) ? { kind: 'floating', value } : null;
  }
  if (type.kind === 'DATE' || type.kind === 'DATETIME') {
    const value = timeText(text);
    return value === null ? null : { kind: 'time', value };
  }
  return isString(type) ? { kind: 'text', value: Buffer.from(text) } : null;
}

function exactNumber(text: string): bigint | null {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text);
  const [, sign, whole, fraction = ''] = match ?? [];
  if (whole === undefined || fraction.length > SCALE) return null;
  const digits = BigInt(whole + fraction.padEnd(SCALE, '0'));
  return sign === '-' ? -digits : digits;
}

/** Dates of four-digit years compare as texts once all have a time. */
function timeText(text: string): string | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?)?$/.exec(text);
  if (match === null) return null;
  return `${match[1]} ${match[2] ?? '00:00:00'}.${(match[3] ?? '').padEnd(6, '0')}`;
}

/** What statistics say of a column of the type. */
export function statsBounds(type: SqlType, stats: ColumnStats, rowCount: number): ValueBounds {
  const mayBe = { mayBeNull: stats.nullCount > 0, mayBeValue: stats.nullCount < rowCount };
  const { min, max } = stats;
  const isOpen = min === null || max === null || type.kind === 'LARGEINT';
  const low = isOpen ? null : orderedValue(type, min);
  const high = isOpen ? null : orderedValue(type, max);
  // The writer cuts long texts: a bound then, and no value.
  const isExact = low !== null && high !== null && low.kind !== 'floating' && low.kind !== 'text';
  return { ...withSlack(low, high), isExact, ...mayBe };
}

/** Floating numbers went through texts and other precisions on their way. */
function withSlack(
  low: OrderedValue | null,
  high: OrderedValue | null,
): Pick<ValueBounds, 'low' | 'high'> {
  return { low: moved(low, -1), high: moved(high, 1) };
}

function moved(value: OrderedValue | null, direction: 1 | -1): OrderedValue | null {
  if (value?.kind !== 'floating') return value;
  const slack = Math.abs(value.value) * FLOAT_SLACK + Number.MIN_VALUE;
  return { kind: 'floating', value: value.value + direction * slack };
}

/** Null where nothing is known of the expression. */
export function boundsOf(expression: TypedExpression, column: BoundsOfColumn): ValueBounds | null {
  switch (expression.kind) {
    case 'literal': {
      const { text, type } = expression;
      if (text === null) return ALWAYS_NULL;
      const value = orderedValue(type, text);
      const isExact = value !== null && value.kind !== 'floating';
      // A literal that is no value of its type (30 February) becomes NULL in the engine.
      return { ...withSlack(value, value), isExact, mayBeNull: true, mayBeValue: true };
    }
    case 'column':
      return column(expression.column, expression.relation);
    case 'cast':
      return castBounds(expression, column);
    case 'call':
      return callBounds(expression, column);
    default:
      return null;
  }
}

/** Casts keep the order, or nothing but the NULLs is known of what they give. */
function castBounds(
  { operand, type: to }: CastExpression,
  column: BoundsOfColumn,
): ValueBounds | null {
  const bounds = boundsOf(operand, column);
  if (bounds === null) return null;
  const convert = conversion(operand.type, to);
  if (convert === null) return open(bounds);
  return mapped(bounds, convert);
}

type Convert = (value: OrderedValue) => OrderedValue | null;

const same: Convert = (value) => value;

/** What a cast that keeps the order does to values; what does not fit becomes NULL. */
function conversion(from: SqlType, to: SqlType): Convert | null {
  const isWhole = isInteger(from) || from.kind === 'BOOLEAN';
  if (isFloating(to) && (isWhole || from.kind === 'DECIMAL' || isFloating(from))) {
    return (value) =>
      value.kind === 'exact' ? { kind: 'floating', value: asNumber(value) } : value;
  }
  if (isWhole && (isInteger(to) || to.kind === 'DECIMAL')) return same;
  if (from.kind === 'DECIMAL' && to.kind === 'DECIMAL') return to.scale >= from.scale ? same : null;
  if (isString(from) && isString(to)) return same;
  if (from.kind === 'DATE' && (to.kind === 'DATE' || to.kind === 'DATETIME')) return same;
  if (from.kind !== 'DATETIME') return null;
  return to.kind === 'DATETIME' ? same : to.kind === 'DATE' ? startOf('day') : null;
}

function callBounds(call: CallExpression, column: BoundsOfColumn): ValueBounds | null {
  const [name] = call.entry.names;
  if (name === 'date_trunc') {
    const [unit, value] = call.args;
    if (unit?.kind !== 'literal' || unit.text === null || value === undefined) return null;
    return ofTime(value, startOf(unit.text.toLowerCase()), column);
  }
  const [value] = call.args;
  if (value === undefined || call.args.length !== 1) return null;
  if (name === 'date' || name === 'to_date') return ofTime(value, startOf('day'), column);
  if (name === 'year') return ofTime(value, yearOf, column);
  return null;
}

function ofTime(
  value: TypedExpression,
  convert: Convert,
  column: BoundsOfColumn,
): ValueBounds | null {
  const isTime = value.type.kind === 'DATE' || value.type.kind === 'DATETIME';
  const bounds = isTime ? boundsOf(value, column) : null;
  return bounds === null ? null : mapped(bounds, convert);
}

function yearOf(value: OrderedValue): OrderedValue | null {
  if (value.kind !== 'time') return null;
  return orderedValue({ kind: 'INT' }, value.value.slice(0, 4));
}

/** Characters of `2020-01-05 10:20:30.000000` that a unit keeps. */
const KEPT: Readonly<Record<string, number>> = {
  year: 4,
  month: 7,
  day: 10,
  hour: 13,
  minute: 16,
  second: 19,
};
const FIRST = '0000-01-01 00:00:00.000000';

function startOf(unit: string): Convert {
  const kept = Object.hasOwn(KEPT, unit) ? KEPT[unit] : undefined;
  return (value) =>
    kept === undefined || value.kind !== 'time'
      ? null
      : { kind: 'time', value: value.value.slice(0, kept) + FIRST.slice(kept) };
}

function mapped(bounds: ValueBounds, convert: Convert): ValueBounds {
  const low = bounds.low === null ? null : convert(bounds.low);
  const high = bounds.high === null ? null : convert(bounds.high);
  const isExact = bounds.isExact && low?.kind !== 'floating' && low !== null && high !== null;
  return { ...bounds, ...withSlack(low, high), isExact, mayBeNull: true };
}

function open(bounds: ValueBounds): ValueBounds {
  return { ...bounds, low: null, high: null, isExact: false, mayBeNull: true };
}
