// DECIMAL arithmetic in DuckDB SQL. Results of more than 38 digits are NULL as in StarRocks: the operands
// are looked at first, since DuckDB's TRY fails over grouped columns and beside aggregates. Division is
// exact: DuckDB's own `/` goes through DOUBLE and loses digits beyond the 15th.
import type { SqlType } from '../model/sql-type.ts';
import { asDecimal, MAX_DECIMAL_PRECISION } from './types.ts';

type Decimal = Pick<Extract<SqlType, { kind: 'DECIMAL' }>, 'precision' | 'scale'>;

/** Can no result of `+`, `-` or `*` be longer than its type? A sum's type has a digit to spare below 38. */
export function decimalFits(
  op: '+' | '-' | '*',
  left: SqlType,
  right: SqlType,
  precision: number,
): boolean {
  if (op !== '*') return precision < MAX_DECIMAL_PRECISION;
  return asDecimal(left).precision + asDecimal(right).precision <= MAX_DECIMAL_PRECISION;
}

/** The largest number of 38 digits; HUGEINT goes up to 1.7 times that. */
const MAX_UNSCALED = 10n ** BigInt(MAX_DECIMAL_PRECISION) - 1n;
const MAX_HUGEINT = 2n ** 127n - 1n;
/** Far more than two conversions to DOUBLE and their product can be wrong by, relatively. */
const DOUBLE_MARGIN = 1e-12;

/** SQL for `left + right` or `left - right` as DECIMAL(38, scale); NULL beyond 38 digits, never an error. */
export function checkedSumSql(op: '+' | '-', left: string, right: string, scale: number): string {
  const type = `DECIMAL(${MAX_DECIMAL_PRECISION},${scale})`;
  const [a, b] = [left, right].map((sql) => `TRY_CAST(${sql} AS ${type})`);
  const zero = `CAST(0 AS ${type})`;
  const max = decimalLiteral(MAX_UNSCALED, scale);
  // What may be added is from -max - a to max - a, which is itself within 38 digits.
  const top = `(${max} - greatest(${a}, ${zero}))`;
  const bottom = `(-${max} - least(${a}, ${zero}))`;
  const fits =
    op === '+' ? `${b} BETWEEN ${bottom} AND ${top}` : `${b} BETWEEN -${top} AND -${bottom}`;
  return `CAST((${a} ${op} CASE WHEN ${fits} THEN ${b} END) AS ${type})`;
}

/**
 * SQL for `left * right`, of the types `a` and `b` that come to more than 38 digits, as a DECIMAL of 38; NULL
 * beyond that, never an error. Most products fit by the size of the left side alone; for the others
 * DOUBLE tells, but for those about as large as the limit.
 */
export function checkedProductSql(left: string, right: string, a: Decimal, b: Decimal): string {
  const scale = a.scale + b.scale;
  const certain = decimalLiteral(
    MAX_UNSCALED / (10n ** BigInt(b.precision) - 1n),
    a.scale,
    a.precision,
  );
  const limit = 10 ** (MAX_DECIMAL_PRECISION - scale);
  const [low, high] = [limit * (1 - DOUBLE_MARGIN), limit * (1 + DOUBLE_MARGIN)].map(
    (bound) => `CAST('${bound}' AS DOUBLE)`,
  );
  const size = `abs(CAST(${left} AS DOUBLE) * CAST(${right} AS DOUBLE))`;
  const exact = `abs(${unscaled(left, a.scale, true)} * ${unscaled(right, b.scale, true)})`;
  const max = `CAST('${MAX_UNSCALED}' AS HUGEINT)`;
  const checked = `CASE WHEN ${left} BETWEEN -${certain} AND ${certain} THEN ${right} WHEN ${size} < ${low} THEN ${right} WHEN ${size} < ${high} THEN CASE WHEN ${exact} <= ${max} THEN ${right} END END`;
  return `CAST((${left} * ${checked}) AS DECIMAL(${MAX_DECIMAL_PRECISION},${scale}))`;
}

function decimalLiteral(
  unscaledValue: bigint,
  scale: number,
  precision = MAX_DECIMAL_PRECISION,
): string {
  const digits = String(unscaledValue).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return `CAST('${text}' AS DECIMAL(${precision},${scale}))`;
}

/** Is every step of decimalQuotientSql within 38 digits, whatever the values? */
export function quotientFits(dividend: Decimal, divisor: Decimal, scale: number): boolean {
  const shift = scale + 1 - dividend.scale + divisor.scale;
  return (
    dividend.precision + shift <= MAX_DECIMAL_PRECISION - 1 - scale &&
    dividend.precision + dividend.scale < MAX_DECIMAL_PRECISION &&
    divisor.precision + divisor.scale < MAX_DECIMAL_PRECISION
  );
}

/**
 * SQL for `dividend / divisor` as DECIMAL(38, scale), rounded half away from zero; NULL for a divisor of 0.
 * Both are DECIMAL (or integer, scale 0) expressions of the given scales. `width` says what is known of
 * them: 'fits', they are within quotientFits; else what gets beyond 38 digits on the way is NULL where
 * 'checked', which writes the dividend three times, and DuckDB's out-of-range error where 'unchecked'.
 */
export function decimalQuotientSql(
  dividend: string,
  dividendScale: number,
  divisor: string,
  divisorScale: number,
  scale: number,
  width: 'fits' | 'checked' | 'unchecked' = 'fits',
): string {
  // One digit more than wanted, cut, then rounded by the last cast.
  const shift = scale + 1 - dividendScale + divisorScale;
  const isWide = width !== 'fits';
  const top =
    width === 'checked'
      ? shiftedSql(dividend, dividendScale, shift)
      : `(${unscaled(dividend, dividendScale, isWide)} * CAST('1${'0'.repeat(shift)}' AS HUGEINT))`;
  const quotient = `(${top} // nullif(${unscaled(divisor, divisorScale, isWide)}, 0))`;
  const unit = `CAST('0.${'0'.repeat(scale)}1' AS DECIMAL(${scale + 1},${scale + 1}))`;
  return `CAST(${isWide ? 'TRY_CAST' : 'CAST'}(${quotient} AS DECIMAL(${37 - scale},0)) * ${unit} AS DECIMAL(38,${scale}))`;
}

/** The digits of a DECIMAL with `shift` zeros after them as a HUGEINT; NULL for those that are too many. */
function shiftedSql(sql: string, scale: number, shift: number): string {
  const largest = MAX_HUGEINT / 10n ** BigInt(shift);
  const max = decimalLiteral(largest < MAX_UNSCALED ? largest : MAX_UNSCALED, scale);
  const checked = `CASE WHEN ${sql} BETWEEN -${max} AND ${max} THEN ${sql} END`;
  // Only 0 is left where no HUGEINT is that long.
  const factor = shift > MAX_DECIMAL_PRECISION ? '1' : `1${'0'.repeat(shift)}`;
  return `(${unscaled(checked, scale, true)} * CAST('${factor}' AS HUGEINT))`;
}

/** The digits of a DECIMAL as a HUGEINT. */
function unscaled(sql: string, scale: number, isWide = false): string {
  if (scale === 0) return `CAST(${sql} AS HUGEINT)`;
  // No product that could be too long.
  if (isWide) return `CAST(replace(CAST(${sql} AS VARCHAR), '.', '') AS HUGEINT)`;
  // Wide from the start: DuckDB multiplies up to 18 digits in 64 bits.
  const wide = `CAST(${sql} AS DECIMAL(${MAX_DECIMAL_PRECISION},${scale}))`;
  return `CAST(${wide} * CAST('1${'0'.repeat(scale)}' AS DECIMAL(${scale + 1},0)) AS HUGEINT)`;
}
