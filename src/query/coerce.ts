// Conversions that the analyser puts in: literals change their type in place, everything else is wrapped
// in a cast. Also the types in which comparisons take place, with constants adapted to the other side.
import type { SqlType } from '../model/sql-type.ts';
import { datetimeOf, withoutZeros } from './datetime-text.ts';
import type { LiteralExpression, TypedExpression } from './expression.ts';
import {
  comparisonType,
  decimalLiteralType,
  integerLiteralType,
  isFloating,
  isInteger,
  isNumeric,
  isString,
  isTemporal,
  sameRepresentation,
} from './types.ts';

const DATE_TEXT = /^\d{4}-\d{2}-\d{2}$/;
const DATETIME_TEXT = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/;

/** The expression as a value of `to`; the caller has checked that this can be. */
export function coerce(expression: TypedExpression, to: SqlType): TypedExpression {
  if (expression.kind === 'lambda' || expression.kind === 'interval') return expression;
  if (sameRepresentation(expression.type, to)) return expression;
  if (expression.kind === 'literal') {
    const folded = foldLiteral(expression, to);
    if (folded !== undefined) return folded;
  }
  if (to.kind === 'NULL') return expression;
  return { kind: 'cast', type: to, operand: expression };
}

function foldLiteral(literal: LiteralExpression, to: SqlType): LiteralExpression | undefined {
  const { text, type } = literal;
  if (text === null) return { kind: 'literal', type: to, text: null };
  if (isInteger(type) || type.kind === 'BOOLEAN') {
    if (isInteger(to) && fitsInteger(text, to)) return { kind: 'literal', type: to, text };
    if (to.kind === 'DOUBLE' || isString(to)) return { kind: 'literal', type: to, text };
    if (to.kind === 'DECIMAL' && text.length <= to.precision - to.scale)
      return { kind: 'literal', type: to, text };
  }
  if (type.kind === 'DECIMAL' && to.kind === 'DOUBLE') return { kind: 'literal', type: to, text };
  if (isString(type)) return foldString(text, to);
  if (type.kind === 'DATE' && to.kind === 'DATETIME')
    return { kind: 'literal', type: to, text: `${text} 00:00:00` };
  return undefined;
}

function foldString(text: string, to: SqlType): LiteralExpression | undefined {
  if (to.kind === 'DATE' && isDateText(text)) return { kind: 'literal', type: to, text };
  if (to.kind === 'DATETIME') {
    if (isDateText(text)) return { kind: 'literal', type: to, text: `${text} 00:00:00` };
    if (isDatetimeText(text)) return { kind: 'literal', type: to, text: canonical(text) };
  }
  if (isInteger(to) && /^[+-]?\d+$/.test(text) && fitsInteger(text, to))
    return { kind: 'literal', type: to, text: String(BigInt(text)) };
  const isNumber = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text);
  if (to.kind === 'DOUBLE' && isNumber && Number.isFinite(Number(text)))
    return { kind: 'literal', type: to, text };
  return undefined;
}

/** With six digits behind the seconds or none: how a DATETIME is shown. */
function canonical(text: string): string {
  return withoutZeros(datetimeOf(text) ?? text);
}

/** `2020-02-29`, a day that exists. */
export function isDateText(text: string): boolean {
  if (!DATE_TEXT.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

/** `2020-02-29 10:20:30` with up to six digits behind the seconds. */
export function isDatetimeText(text: string): boolean {
  if (!DATETIME_TEXT.test(text) || !isDateText(text.slice(0, 10))) return false;
  const [hour, minute, second] = [text.slice(11, 13), text.slice(14, 16), text.slice(17, 19)].map(
    Number,
  );
  return (hour ?? 99) < 24 && (minute ?? 99) < 60 && (second ?? 99) < 60;
}

function fitsInteger(text: string, to: SqlType): boolean {
  const order = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'LARGEINT'];
  const needed = integerLiteralType(BigInt(text));
  return order.includes(needed.kind) && order.indexOf(needed.kind) <= order.indexOf(to.kind);
}

/** Both sides of a comparison in one type; undefined when they cannot be compared. */
export function comparable(
  left: TypedExpression,
  right: TypedExpression,
): readonly [TypedExpression, TypedExpression] | undefined {
  const a = adaptConstant(left, right.type);
  const b = adaptConstant(right, left.type);
  const type = comparisonType(a.type, b.type);
  if (type === undefined) return undefined;
  return [coerce(a, type), coerce(b, type)];
}

/**
 * A constant text beside a number or a date becomes that kind of constant, so that a BIGINT column is
 * compared as BIGINT (not through DOUBLE) and a DATE column as DATE.
 */
export function adaptConstant(expression: TypedExpression, other: SqlType): TypedExpression {
  if (expression.kind !== 'literal' || expression.text === null || !isString(expression.type))
    return expression;
  const text = expression.text.trim();
  if (isTemporal(other)) {
    if (isDateText(text)) return { kind: 'literal', type: { kind: 'DATE' }, text };
    if (isDatetimeText(text))
      return { kind: 'literal', type: { kind: 'DATETIME' }, text: canonical(text) };
    return expression;
  }
  if (!isNumeric(other) || isFloating(other)) return expression;
  if (/^[+-]?\d+$/.test(text)) {
    const value = BigInt(text);
    const type = integerLiteralType(value);
    return type.kind === 'DOUBLE' ? expression : { kind: 'literal', type, text: String(value) };
  }
  if (/^[+-]?\d+\.\d+$/.test(text)) {
    const type = decimalLiteralType(text);
    return { kind: 'literal', type, text: type.kind === 'DOUBLE' ? text : text.replace(/^\+/, '') };
  }
  return expression;
}
