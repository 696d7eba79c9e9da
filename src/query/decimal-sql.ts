// Exact DECIMAL division in DuckDB SQL: its own `/` goes through DOUBLE and loses digits beyond the 15th.

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
 * Both are DECIMAL (or integer, scale 0) expressions of the given scales; `isWide`: not within quotientFits. Beyond 38 digits on the way
 * DuckDB raises an out-of-range error.
 */
export function decimalQuotientSql(
  dividend: string,
  dividendScale: number,
  divisor: string,
  divisorScale: number,
  scale: number,
  isWide = false,
): string {
  // One digit more than wanted, cut, then rounded by the last cast.
  const shift = scale + 1 - dividendScale + divisorScale;
  const top = `(${unscaled(dividend, dividendScale, isWide)} * CAST('1${'0'.repeat(shift)}' AS HUGEINT))`;
  const quotient = `(${top} // nullif(${unscaled(divisor, divisorScale, isWide)}, 0))`;
  const unit = `CAST('0.${'0'.repeat(scale)}1' AS DECIMAL(${scale + 1},${scale + 1}))`;
  return `CAST(CAST(${quotient} AS DECIMAL(${37 - scale},0)) * ${unit} AS DECIMAL(38,${scale}))`;
}

/** The digits of a DECIMAL as a HUGEINT. */
function unscaled(sql: string, scale: number, isWide: boolean): string {
  if (scale === 0) return `CAST(${sql} AS HUGEINT)`;
  // No product that could be too long: DuckDB's TRY does not catch it inside nullif.
  if (isWide) return `CAST(replace(CAST(${sql} AS VARCHAR), '.', '') AS HUGEINT)`;
  // Wide from the start: DuckDB multiplies up to 18 digits in 64 bits.
  const wide = `CAST(${sql} AS DECIMAL(${MAX_DECIMAL_PRECISION},${scale}))`;
  return `CAST(${wide} * CAST('1${'0'.repeat(scale)}' AS DECIMAL(${scale + 1},0)) AS HUGEINT)`;
}
