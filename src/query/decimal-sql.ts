// Exact DECIMAL division in DuckDB SQL: its own `/` goes through DOUBLE and loses digits beyond the 15th.

/**
 * SQL for `dividend / divisor` as DECIMAL(38, scale), rounded half away from zero; NULL for a divisor of 0.
 * Both are DECIMAL (or integer, scale 0) expressions of the given scales. Beyond 38 digits on the way
 * DuckDB raises an out-of-range error.
 */
export function decimalQuotientSql(
  dividend: string,
  dividendScale: number,
  divisor: string,
  divisorScale: number,
  scale: number,
): string {
  // One digit more than wanted, cut, then rounded by the last cast.
  const shift = scale + 1 - dividendScale + divisorScale;
  const top = `(${unscaled(dividend, dividendScale)} * CAST('1${'0'.repeat(shift)}' AS HUGEINT))`;
  const quotient = `(${top} // nullif(${unscaled(divisor, divisorScale)}, 0))`;
  const unit = `CAST('0.${'0'.repeat(scale)}1' AS DECIMAL(${scale + 1},${scale + 1}))`;
  return `CAST(CAST(${quotient} AS DECIMAL(${37 - scale},0)) * ${unit} AS DECIMAL(38,${scale}))`;
}

/** The digits of a DECIMAL as a HUGEINT. */
function unscaled(sql: string, scale: number): string {
  if (scale === 0) return `CAST(${sql} AS HUGEINT)`;
  return `CAST(${sql} * CAST(1${'0'.repeat(scale)} AS DECIMAL(${scale + 1},0)) AS HUGEINT)`;
}
