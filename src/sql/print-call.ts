// Printing of calls, with everything that may stand inside and behind their parentheses.
import type { FrameBound, FunctionCall, WindowCall } from './ast/expression.ts';
import { RESERVED_FUNCTIONS } from './parser/function.ts';
import { POWER } from './parser/power.ts';
import { type Printer, printList, printOrder } from './print-parts.ts';
import { printIdentifier, quoteIdentifier, words } from './print-text.ts';

/** Names whose bare form has arguments of another shape; as ordinary calls they were in backticks. */
const SPECIAL_FORMS: ReadonlySet<string> = new Set(['cast', 'try_cast', 'convert', 'extract']);

function printFunctionName(call: FunctionCall): string {
  const { name, unit } = call;
  const odd = SPECIAL_FORMS.has(name) || (unit === null && /^timestamp(add|diff)$/.test(name));
  if (odd && call.database === null) return quoteIdentifier(name);
  const text = RESERVED_FUNCTIONS.has(name.toUpperCase()) ? name : printIdentifier(name);
  return call.database === null ? text : `${printIdentifier(call.database)}.${text}`;
}

/** `f(a, b)` with FILTER and the like. */
export function printCall(call: FunctionCall, printer: Printer): string {
  const args = call.star ? '*' : printList(call.args, printer);
  const inside = words(
    call.distinct && 'DISTINCT',
    call.unit === null ? args : `${call.unit}, ${args}`,
    printOrder(call.orderBy, printer),
    call.separator !== null && `SEPARATOR ${printer.expression(call.separator, 0)}`,
  );
  return words(
    `${printFunctionName(call)}(${inside})`,
    call.ignoreNulls && 'IGNORE NULLS',
    call.filter !== null && `FILTER (WHERE ${printer.expression(call.filter, 0)})`,
  );
}

/** `f(a) OVER (...)`. */
export function printWindow(
  { call, partitionBy, orderBy, frame }: WindowCall,
  printer: Printer,
): string {
  const inside = words(
    partitionBy.length > 0 && `PARTITION BY ${printList(partitionBy, printer)}`,
    printOrder(orderBy, printer),
    frame !== null &&
      (frame.end === null
        ? `${frame.unit} ${printBound(frame.start, printer)}`
        : `${frame.unit} BETWEEN ${printBound(frame.start, printer)} AND ${printBound(frame.end, printer)}`),
  );
  return `${printCall(call, printer)} OVER (${inside})`;
}

function printBound(bound: FrameBound, printer: Printer): string {
  switch (bound.kind) {
    case 'unbounded_preceding':
      return 'UNBOUNDED PRECEDING';
    case 'unbounded_following':
      return 'UNBOUNDED FOLLOWING';
    case 'current_row':
      return 'CURRENT ROW';
    case 'preceding':
      return `${printer.expression(bound.amount, POWER.SHIFT)} PRECEDING`;
    case 'following':
      return `${printer.expression(bound.amount, POWER.SHIFT)} FOLLOWING`;
  }
}
