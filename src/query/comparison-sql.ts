// Comparisons in DuckDB SQL. JSON values are texts in the engine, but compare by what they say: 1 equals
// 1.0, 9 comes before 10, objects are equal whatever the order of their keys.
import type { ComparisonExpression } from './expression.ts';

/** SQL for `left op right`, both of the comparison's type. */
export function comparisonSql(
  { op, left: { type } }: ComparisonExpression,
  left: string,
  right: string,
): string {
  const plain = (a: string, b: string): string =>
    `(${a} ${op === '<=>' ? 'IS NOT DISTINCT FROM' : op} ${b})`;
  if (type.kind !== 'JSON') return plain(left, right);
  const test = op === '<=>' ? '=' : op;
  const [a, b] = [`TRY_CAST(${left} AS DOUBLE)`, `TRY_CAST(${right} AS DOUBLE)`];
  // Texts, and numbers that a double holds, are compared where they are; the rest goes value by value.
  const compared = [
    `CASE WHEN ${left} IS NULL OR ${right} IS NULL THEN NULL`,
    `WHEN strlen(${left}) <= 15 AND strlen(${right}) <= 15 AND ${a} IS NOT NULL AND ${b} IS NOT NULL THEN ${a} ${test} ${b}`,
    `WHEN left(${left}, 1) = '"' AND left(${right}, 1) = '"' THEN json_extract_string(TRY_CAST(${left} AS JSON), '$') ${test} json_extract_string(TRY_CAST(${right} AS JSON), '$')`,
    `ELSE mr_json_compare(${left}, ${right}) ${test} 0 END`,
  ].join(' ');
  if (op !== '<=>') return compared;
  return `coalesce(${compared}, ${left} IS NULL AND ${right} IS NULL)`;
}
