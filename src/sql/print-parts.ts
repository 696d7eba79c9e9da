// What the files that print SQL share: how strongly operators bind, and the recursion that print.ts hands
// in so that they need not import in a circle.
import type { Binary, Expression } from './ast/expression.ts';
import type { OrderItem, Query } from './ast/query.ts';
import { POWER } from './parser/power.ts';
import { words } from './print-text.ts';

/** The recursion over the tree. */
export interface Printer {
  /** An expression, in parentheses when it binds more weakly than `least` (0: never). */
  expression(expression: Expression, least: number): string;
  /** A query without parentheses around it. */
  query(query: Query): string;
}

export const UNARY = POWER.BIT_XOR + 1;
export const SUFFIX = UNARY + 1;
export const ATOM = SUFFIX + 1;

export const BINARY_POWER: Readonly<Record<Binary['op'], number>> = {
  OR: POWER.OR,
  XOR: POWER.XOR,
  AND: POWER.AND,
  '=': POWER.COMPARE,
  '<>': POWER.COMPARE,
  '<': POWER.COMPARE,
  '<=': POWER.COMPARE,
  '>': POWER.COMPARE,
  '>=': POWER.COMPARE,
  '<=>': POWER.COMPARE,
  '<<': POWER.SHIFT,
  '>>': POWER.SHIFT,
  '|': POWER.BIT_OR,
  '&': POWER.BIT_AND,
  '+': POWER.ADD,
  '-': POWER.ADD,
  '*': POWER.MULTIPLY,
  '/': POWER.MULTIPLY,
  '%': POWER.MULTIPLY,
  DIV: POWER.MULTIPLY,
  '^': POWER.BIT_XOR,
};

/** `a, b, c`. */
export const printList = (expressions: readonly Expression[], printer: Printer): string =>
  expressions.map((expression) => printer.expression(expression, 0)).join(', ');

/** `ORDER BY ...`, '' when there is none. */
export function printOrder(items: readonly OrderItem[], printer: Printer): string {
  if (items.length === 0) return '';
  const printed = items.map(({ expression, descending, nullsFirst }) =>
    words(
      printer.expression(expression, 0),
      descending && 'DESC',
      nullsFirst !== null && (nullsFirst ? 'NULLS FIRST' : 'NULLS LAST'),
    ),
  );
  return `ORDER BY ${printed.join(', ')}`;
}
