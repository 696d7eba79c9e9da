// Type rules of expressions: families, common types, arithmetic results, literals. SOURCE: StarRocks 3.x
// analysis rules as its documentation and answers show them. Knows no catalog and makes no SQL.
import { type SqlType, STRING_LENGTH } from '../model/sql-type.ts';

export const NULL_TYPE: SqlType = { kind: 'NULL' };
export const BOOLEAN: SqlType = { kind: 'BOOLEAN' };
export const TINYINT: SqlType = { kind: 'TINYINT' };
export const SMALLINT: SqlType = { kind: 'SMALLINT' };
export const INT: SqlType = { kind: 'INT' };
export const BIGINT: SqlType = { kind: 'BIGINT' };
export const LARGEINT: SqlType = { kind: 'LARGEINT' };
export const FLOAT: SqlType = { kind: 'FLOAT' };
export const DOUBLE: SqlType = { kind: 'DOUBLE' };
export const DATE: SqlType = { kind: 'DATE' };
export const DATETIME: SqlType = { kind: 'DATETIME' };
export const STRING: SqlType = { kind: 'VARCHAR', length: STRING_LENGTH };
export const VARBINARY: SqlType = { kind: 'VARBINARY', length: 0 };
export const JSON_TYPE: SqlType = { kind: 'JSON' };
export const BITMAP: SqlType = { kind: 'BITMAP' };
export const HLL: SqlType = { kind: 'HLL' };
export const PERCENTILE: SqlType = { kind: 'PERCENTILE' };

/** Most digits of a DECIMAL. */
export const MAX_DECIMAL_PRECISION = 38;

const INTEGER_RANK: Partial<Record<SqlType['kind'], number>> = {
  BOOLEAN: 0,
  TINYINT: 1,
  SMALLINT: 2,
  INT: 3,
  BIGINT: 4,
  LARGEINT: 5,
};
const INTEGERS: readonly SqlType[] = [BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, LARGEINT];
/** Digits an integer type can need as a DECIMAL. */
const INTEGER_DIGITS: Partial<Record<SqlType['kind'], number>> = {
  BOOLEAN: 1,
  TINYINT: 3,
  SMALLINT: 5,
  INT: 10,
  BIGINT: 19,
  LARGEINT: 38,
};

export function decimal(precision: number, scale: number): SqlType {
  return { kind: 'DECIMAL', precision, scale };
}

export function arrayOf(element: SqlType): SqlType {
  return { kind: 'ARRAY', element };
}

export function isString(type: SqlType): boolean {
  return type.kind === 'VARCHAR' || type.kind === 'CHAR';
}
/** TINYINT to LARGEINT; BOOLEAN is none of them. */
export function isInteger(type: SqlType): boolean {
  return type.kind !== 'BOOLEAN' && INTEGER_RANK[type.kind] !== undefined;
}
export function isFloating(type: SqlType): boolean {
  return type.kind === 'FLOAT' || type.kind === 'DOUBLE';
}
export function isNumeric(type: SqlType): boolean {
  return isInteger(type) || isFloating(type) || type.kind === 'DECIMAL';
}
export function isTemporal(type: SqlType): boolean {
  return type.kind === 'DATE' || type.kind === 'DATETIME';
}
/**
 * Types that GROUP BY, DISTINCT and set operations take: no JSON, also not inside, as two texts can be one value.
 * SOURCE: StarRocks docs, JSON, limitations (newer versions group by a JSON column).
 */
export function isGroupable(type: SqlType): boolean {
  switch (type.kind) {
    case 'JSON':
      return false;
    case 'ARRAY':
      return isGroupable(type.element);
    case 'MAP':
      return isGroupable(type.key) && isGroupable(type.value);
    case 'STRUCT':
      return type.fields.every((field) => isGroupable(field.type));
    default:
      return isComparable(type);
  }
}

/** Types that ORDER BY takes. SOURCE: StarRocks 3.3, which names JSON, STRUCT and MAP in its error. */
export function isSortable(type: SqlType): boolean {
  switch (type.kind) {
    case 'JSON':
    case 'MAP':
    case 'STRUCT':
      return false;
    case 'ARRAY':
      return isSortable(type.element);
    default:
      return isComparable(type);
  }
}

/** Types that comparisons take. */
export function isComparable(type: SqlType): boolean {
  return type.kind !== 'BITMAP' && type.kind !== 'HLL' && type.kind !== 'PERCENTILE';
}

export function sameType(a: SqlType, b: SqlType): boolean {
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'DECIMAL':
      return b.kind === 'DECIMAL' && a.precision === b.precision && a.scale === b.scale;
    case 'ARRAY':
      return b.kind === 'ARRAY' && sameType(a.element, b.element);
    case 'MAP':
      return b.kind === 'MAP' && sameType(a.key, b.key) && sameType(a.value, b.value);
    case 'STRUCT':
      return (
        b.kind === 'STRUCT' &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => {
          const other = b.fields[i];
          return (
            other !== undefined &&
            field.name.toLowerCase() === other.name.toLowerCase() &&
            sameType(field.type, other.type)
          );
        })
      );
    default:
      return true;
  }
}

/** The engine holds both in the same form, so that no cast is needed between them. */
export function sameRepresentation(a: SqlType, b: SqlType): boolean {
  return (isString(a) && isString(b)) || sameType(a, b);
}

/** The integer as a DECIMAL that holds all its values; a DECIMAL unchanged. */
export function asDecimal(type: SqlType): Extract<SqlType, { kind: 'DECIMAL' }> {
  if (type.kind === 'DECIMAL') return type;
  return { kind: 'DECIMAL', precision: INTEGER_DIGITS[type.kind] ?? 38, scale: 0 };
}

/** The narrowest type both convert to (CASE, COALESCE, UNION, arrays); undefined when there is none. */
export function commonType(a: SqlType, b: SqlType): SqlType | undefined {
  if (a.kind === 'NULL') return b;
  if (b.kind === 'NULL') return a;
  if (sameType(a, b)) return wider(a, b);
  if (isString(a) || isString(b)) return commonWithString(a, b);
  const rankA = INTEGER_RANK[a.kind];
  const rankB = INTEGER_RANK[b.kind];
  if (rankA !== undefined && rankB !== undefined) return INTEGERS[Math.max(rankA, rankB)];
  if (isNumericOrBoolean(a) && isNumericOrBoolean(b)) return commonNumeric(a, b);
  if (isTemporal(a) && isTemporal(b)) return DATETIME;
  if (a.kind === 'JSON' || b.kind === 'JSON')
    return scalarOrJson(a) && scalarOrJson(b) ? JSON_TYPE : undefined;
  if (a.kind === 'ARRAY' && b.kind === 'ARRAY') {
    const element = commonType(a.element, b.element);
    return element === undefined ? undefined : arrayOf(element);
  }
  if (a.kind === 'MAP' && b.kind === 'MAP') {
    const key = commonType(a.key, b.key);
    const value = commonType(a.value, b.value);
    return key === undefined || value === undefined ? undefined : { kind: 'MAP', key, value };
  }
  if (a.kind === 'STRUCT' && b.kind === 'STRUCT') return commonStruct(a, b);
  return undefined;
}

/** Field by field, in order; the first one's names stay. */
function commonStruct(
  a: Extract<SqlType, { kind: 'STRUCT' }>,
  b: Extract<SqlType, { kind: 'STRUCT' }>,
): SqlType | undefined {
  if (a.fields.length !== b.fields.length) return undefined;
  const fields = [];
  for (const [i, { name, type }] of a.fields.entries()) {
    const joined = commonType(type, b.fields[i]?.type ?? NULL_TYPE);
    if (joined === undefined) return undefined;
    fields.push({ name, type: joined });
  }
  return { kind: 'STRUCT', fields };
}

function wider(a: SqlType, b: SqlType): SqlType {
  if (a.kind === 'VARCHAR' && b.kind === 'VARCHAR') return a.length >= b.length ? a : b;
  if (a.kind === 'CHAR' && b.kind === 'CHAR') return a.length >= b.length ? a : b;
  return a;
}

function commonWithString(a: SqlType, b: SqlType): SqlType | undefined {
  const other = isString(a) ? b : a;
  if (isString(other)) {
    const length = Math.max('length' in a ? a.length : 0, 'length' in b ? b.length : 0);
    return { kind: 'VARCHAR', length };
  }
  if (other.kind === 'VARBINARY') return VARBINARY;
  return isNumericOrBoolean(other) || isTemporal(other) || other.kind === 'JSON'
    ? STRING
    : undefined;
}

function isNumericOrBoolean(type: SqlType): boolean {
  return type.kind === 'BOOLEAN' || isNumeric(type);
}

function scalarOrJson(type: SqlType): boolean {
  return type.kind === 'JSON' || isNumericOrBoolean(type);
}

function commonNumeric(a: SqlType, b: SqlType): SqlType {
  if (a.kind === 'FLOAT' && b.kind === 'FLOAT') return FLOAT;
  if (isFloating(a) || isFloating(b)) return DOUBLE;
  const left = asDecimal(a);
  const right = asDecimal(b);
  const scale = Math.max(left.scale, right.scale);
  const whole = Math.max(left.precision - left.scale, right.precision - right.scale);
  // More digits than a DECIMAL has: StarRocks goes to DOUBLE rather than losing the whole part.
  return whole + scale > MAX_DECIMAL_PRECISION ? DOUBLE : decimal(whole + scale, scale);
}

/** The type in which two operands of =, <, BETWEEN, IN are compared; undefined when they cannot be. */
export function comparisonType(a: SqlType, b: SqlType): SqlType | undefined {
  if (!isComparable(a) || !isComparable(b)) return undefined;
  if (isString(a) !== isString(b)) {
    const other = isString(a) ? b : a;
    if (isTemporal(other)) return DATETIME;
    // MySQL's rule, which StarRocks follows: text against number compares as DOUBLE.
    if (isNumeric(other)) return DOUBLE;
    if (other.kind === 'BOOLEAN') return BOOLEAN;
    if (other.kind === 'JSON') return JSON_TYPE;
  }
  if (isTemporal(a) !== isTemporal(b) && (isNumeric(a) || isNumeric(b))) return DOUBLE;
  return commonType(a, b);
}

export type ArithmeticOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | 'DIV'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>';

export interface ArithmeticRule {
  /** Both operands are converted to these before the operator. */
  readonly left: SqlType;
  readonly right: SqlType;
  readonly result: SqlType;
}

/** Operand and result types of an arithmetic operator; undefined when the operands do not fit. */
export function arithmeticRule(
  op: ArithmeticOperator,
  left: SqlType,
  right: SqlType,
): ArithmeticRule | undefined {
  const a = numericOperand(left);
  const b = numericOperand(right);
  if (a === undefined || b === undefined) return undefined;
  switch (op) {
    case '&':
    case '|':
    case '^':
    case '<<':
    case '>>': {
      const common = integerOperand(a, b);
      const shift = op === '<<' || op === '>>';
      return shift
        ? { left: toInteger(a), right: BIGINT, result: toInteger(a) }
        : { left: common, right: common, result: common };
    }
    case 'DIV': {
      const common = integerOperand(a, b);
      return { left: common, right: common, result: common };
    }
    case '/':
      return divisionRule(a, b);
    case '%': {
      const common = commonNumeric2(a, b);
      return { left: common, right: common, result: common };
    }
    case '+':
    case '-':
    case '*':
      return additiveRule(op, a, b);
  }
}

function numericOperand(type: SqlType): SqlType | undefined {
  if (isNumeric(type)) return type;
  if (type.kind === 'BOOLEAN') return TINYINT;
  if (type.kind === 'NULL') return TINYINT;
  if (isString(type) || type.kind === 'JSON') return DOUBLE;
  if (type.kind === 'DATE') return INT;
  return type.kind === 'DATETIME' ? BIGINT : undefined;
}

function commonNumeric2(a: SqlType, b: SqlType): SqlType {
  const rankA = INTEGER_RANK[a.kind];
  const rankB = INTEGER_RANK[b.kind];
  if (rankA !== undefined && rankB !== undefined) return INTEGERS[Math.max(rankA, rankB)] ?? BIGINT;
  return commonNumeric(a, b);
}

function toInteger(type: SqlType): SqlType {
  return isInteger(type) ? type : BIGINT;
}

function integerOperand(a: SqlType, b: SqlType): SqlType {
  return a.kind === 'LARGEINT' || b.kind === 'LARGEINT' ? LARGEINT : BIGINT;
}

/** One step up, so that the sum of two values fits: TINYINT -> SMALLINT -> INT -> BIGINT. */
function nextInteger(type: SqlType): SqlType {
  const rank = INTEGER_RANK[type.kind] ?? 4;
  return rank >= 4 ? type : (INTEGERS[rank + 1] ?? BIGINT);
}

function additiveRule(op: '+' | '-' | '*', a: SqlType, b: SqlType): ArithmeticRule {
  if (isFloating(a) || isFloating(b)) return { left: DOUBLE, right: DOUBLE, result: DOUBLE };
  if (isInteger(a) && isInteger(b)) {
    const next = nextInteger(commonNumeric2(a, b));
    return { left: next, right: next, result: next };
  }
  const left = asDecimal(a);
  const right = asDecimal(b);
  if (op === '*') {
    const scale = left.scale + right.scale;
    if (scale > MAX_DECIMAL_PRECISION) return { left: DOUBLE, right: DOUBLE, result: DOUBLE };
    const precision = Math.min(MAX_DECIMAL_PRECISION, left.precision + right.precision);
    return { left, right, result: decimal(precision, scale) };
  }
  const scale = Math.max(left.scale, right.scale);
  const whole = Math.max(left.precision - left.scale, right.precision - right.scale);
  const result = decimal(Math.min(MAX_DECIMAL_PRECISION, whole + scale + 1), scale);
  return { left: result, right: result, result };
}

/** `/`: DOUBLE for integers and floats; DECIMAL(38, s) for decimals, with 6 more digits up to 12. */
function divisionRule(a: SqlType, b: SqlType): ArithmeticRule {
  if (a.kind !== 'DECIMAL' && b.kind !== 'DECIMAL')
    return { left: DOUBLE, right: DOUBLE, result: DOUBLE };
  if (isFloating(a) || isFloating(b)) return { left: DOUBLE, right: DOUBLE, result: DOUBLE };
  const left = asDecimal(a);
  const right = asDecimal(b);
  return { left, right, result: decimal(MAX_DECIMAL_PRECISION, quotientScale(left.scale)) };
}

/** Digits after the point of a DECIMAL quotient whose dividend has `scale` of them. */
export function quotientScale(scale: number): number {
  if (scale <= 6) return scale + 6;
  return Math.max(12, scale);
}

/** The narrowest type of an unsigned integer literal: `1` is TINYINT; beyond LARGEINT it is DOUBLE. */
export function integerLiteralType(value: bigint): SqlType {
  const magnitude = value < 0n ? -value - 1n : value;
  if (magnitude < 1n << 7n) return TINYINT;
  if (magnitude < 1n << 15n) return SMALLINT;
  if (magnitude < 1n << 31n) return INT;
  if (magnitude < 1n << 63n) return BIGINT;
  return magnitude < 1n << 127n ? LARGEINT : DOUBLE;
}

/** `1.50` is DECIMAL(3, 2); more than 38 digits make a DOUBLE. */
export function decimalLiteralType(text: string): SqlType {
  const [whole = '', fraction = ''] = text.replace(/^[+-]/, '').split('.');
  const digits = whole.replace(/^0+/, '').length + fraction.length;
  return digits > MAX_DECIMAL_PRECISION ? DOUBLE : decimal(Math.max(digits, 1), fraction.length);
}

/** May a value of `from` be passed where `to` is wanted without CAST being written? Lower is closer; undefined = no. */
export function implicitCastCost(from: SqlType, to: SqlType): number | undefined {
  if (from.kind === 'NULL') return 0;
  if (sameRepresentation(from, to)) return 0;
  const rankFrom = INTEGER_RANK[from.kind];
  const rankTo = INTEGER_RANK[to.kind];
  if (rankFrom !== undefined && rankTo !== undefined)
    return rankTo >= rankFrom ? rankTo - rankFrom : 20 + rankFrom - rankTo;
  if (isNumericOrBoolean(from) && to.kind === 'DECIMAL') return isFloating(from) ? 25 : 7;
  if (isNumericOrBoolean(from) && isFloating(to)) return to.kind === 'DOUBLE' ? 8 : 9;
  if (isNumericOrBoolean(from) && isNumericOrBoolean(to)) return 24;
  if (from.kind === 'DATE' && to.kind === 'DATETIME') return 1;
  if (from.kind === 'DATETIME' && to.kind === 'DATE') return 10;
  if (isString(from) && isTemporal(to)) return to.kind === 'DATETIME' ? 12 : 13;
  if (isString(from) && isNumericOrBoolean(to)) return to.kind === 'DOUBLE' ? 14 : 16;
  if (isString(to))
    return isNumericOrBoolean(from) || isTemporal(from) || from.kind === 'JSON' ? 18 : undefined;
  if (from.kind === 'VARBINARY' || to.kind === 'VARBINARY') return isString(from) ? 19 : undefined;
  if (to.kind === 'JSON') return isString(from) || isNumericOrBoolean(from) ? 22 : undefined;
  if (from.kind === 'JSON') return isNumericOrBoolean(to) ? 23 : undefined;
  if (isTemporal(to) && isInteger(from)) return 26;
  if (isTemporal(from) && isNumeric(to)) return 27;
  if (from.kind === 'ARRAY' && to.kind === 'ARRAY')
    return implicitCastCost(from.element, to.element);
  if (from.kind === 'MAP' && to.kind === 'MAP')
    return sumOfCosts([implicitCastCost(from.key, to.key), implicitCastCost(from.value, to.value)]);
  if (from.kind === 'STRUCT' && to.kind === 'STRUCT') {
    if (from.fields.length !== to.fields.length) return undefined;
    return sumOfCosts(
      from.fields.map((field, i) => implicitCastCost(field.type, to.fields[i]?.type ?? NULL_TYPE)),
    );
  }
  return undefined;
}

function sumOfCosts(costs: readonly (number | undefined)[]): number | undefined {
  return costs.reduce((a, b) => (a === undefined || b === undefined ? undefined : a + b), 0);
}

/** Can CAST(from AS to) be written at all? */
export function isCastable(from: SqlType, to: SqlType): boolean {
  if (from.kind === 'NULL' || sameType(from, to)) return true;
  if (!isComparable(from) || !isComparable(to)) return false;
  if (from.kind === 'ARRAY' && to.kind === 'ARRAY') return isCastable(from.element, to.element);
  if (from.kind === 'MAP' && to.kind === 'MAP')
    return isCastable(from.key, to.key) && isCastable(from.value, to.value);
  if (from.kind === 'STRUCT' && to.kind === 'STRUCT')
    return (
      from.fields.length === to.fields.length &&
      from.fields.every((field, i) => {
        const target = to.fields[i];
        return target !== undefined && isCastable(field.type, target.type);
      })
    );
  const nested = (type: SqlType): boolean =>
    type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT';
  if (nested(from)) return to.kind === 'JSON' || isString(to);
  if (nested(to)) return from.kind === 'JSON' || isString(from);
  if (from.kind === 'VARBINARY' || to.kind === 'VARBINARY') return isString(from) || isString(to);
  return true;
}
