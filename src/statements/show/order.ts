// ORDER BY and LIMIT of SHOW statements, over columns of text.
import { analysisError } from '../../loads/properties.ts';
import type { Expression } from '../../sql/ast/expression.ts';
import type { ShowOrder } from '../../sql/ast/show.ts';

export type Rows = readonly (readonly (string | null)[])[];

const NUMBER = /^-?\d+(\.\d+)?$/;

/** Two texts of numbers by value, all others by letters. Negative, 0 or positive. */
export function compareTexts(a: string, b: string): number {
  if (NUMBER.test(a) && NUMBER.test(b)) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** NULL first. */
function compareCells(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  return compareTexts(a, b);
}

/**
 * Rows in the order asked for; without ORDER BY as they come. `sortable` narrows the columns that may be
 * named. Throws SQL_ANALYZE for anything that is not such a column.
 */
export function orderRows(
  what: string,
  columns: readonly string[],
  rows: Rows,
  orderBy: ShowOrder['orderBy'],
  sortable: readonly string[] = columns,
): Rows {
  if (orderBy.length === 0) return rows;
  const keys = orderBy.map(({ expression, descending }) => {
    const name = nameOf(expression);
    const index = columns.findIndex((column) => column.toLowerCase() === name.toLowerCase());
    const column = columns[index];
    if (column === undefined || !sortable.includes(column)) {
      throw analysisError(`ORDER BY of ${what} takes ${sortable.join(', ')}`);
    }
    return { index, sign: descending ? -1 : 1 };
  });
  return [...rows].sort((a, b) => {
    for (const { index, sign } of keys) {
      const order = compareCells(a[index] ?? null, b[index] ?? null);
      if (order !== 0) return sign * order;
    }
    return 0;
  });
}

function nameOf(expression: Expression): string {
  return expression.kind === 'column' ? (expression.path.at(-1) ?? '') : '';
}

/** The rows of LIMIT. */
export function limitRows(rows: Rows, limit: ShowOrder['limit']): Rows {
  if (limit === null) return rows;
  const number = (expression: Expression | null): number =>
    expression?.kind === 'integer' ? Number(expression.text) : 0;
  const from = number(limit.offset);
  return rows.slice(from, from + number(limit.count));
}

/** A LIMIT that is a number alone; null = none. Throws SQL_ANALYZE. */
export function limitNumber(statement: string, limit: ShowOrder['limit']): number | null {
  if (limit === null) return null;
  if (limit.offset !== null) throw analysisError(`LIMIT of ${statement} takes no OFFSET`);
  if (limit.count.kind !== 'integer') throw analysisError(`LIMIT of ${statement} takes a number`);
  return Number(limit.count.text);
}
