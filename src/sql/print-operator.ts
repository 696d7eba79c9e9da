// Printing of operators: prefix, infix and suffix ones, predicates, lambdas.
import { unreachable } from '../base/assert.ts';
import type { Expression } from './ast/expression.ts';
import { POWER } from './parser/power.ts';
import { ATOM, BINARY_POWER, type Printer, printList, SUFFIX, UNARY } from './print-parts.ts';
import { printIdentifier, printNames, words } from './print-text.ts';

export type Operator = Extract<
  Expression,
  {
    kind:
      | 'unary'
      | 'binary'
      | 'between'
      | 'in_list'
      | 'in_subquery'
      | 'like'
      | 'is_null'
      | 'field'
      | 'subscript'
      | 'json_arrow'
      | 'collate'
      | 'lambda';
  }
>;

/** An expression whose parts are written around an operator. */
export function printOperator(expression: Operator, printer: Printer): string {
  switch (expression.kind) {
    case 'unary': {
      if (expression.op === 'NOT')
        return `NOT ${printer.expression(expression.operand, POWER.NOT)}`;
      const operand = printer.expression(expression.operand, UNARY);
      // Two minus signs in a row would begin a comment.
      return operand.startsWith(expression.op)
        ? `${expression.op} ${operand}`
        : `${expression.op}${operand}`;
    }
    case 'binary': {
      const strength = BINARY_POWER[expression.op];
      return `${printer.expression(expression.left, strength)} ${expression.op} ${printer.expression(expression.right, strength + 1)}`;
    }
    case 'between':
      return words(
        printer.expression(expression.operand, POWER.SHIFT),
        expression.negated && 'NOT',
        `BETWEEN ${printer.expression(expression.low, POWER.SHIFT)} AND ${printer.expression(expression.high, POWER.SHIFT)}`,
      );
    case 'in_list':
      return `${printIn(expression, printer)} (${printList(expression.items, printer)})`;
    case 'in_subquery':
      return `${printIn(expression, printer)} (${printer.query(expression.query)})`;
    case 'like':
      return words(
        printer.expression(expression.operand, POWER.SHIFT),
        expression.negated && 'NOT',
        `${expression.op} ${printer.expression(expression.pattern, POWER.SHIFT)}`,
      );
    case 'is_null':
      return `${printer.expression(expression.operand, POWER.COMPARE)} IS ${expression.negated ? 'NOT NULL' : 'NULL'}`;
    case 'field': {
      const { operand, name } = expression;
      const isPath = operand.kind === 'column' || operand.kind === 'system_variable';
      return `${isPath ? `(${printer.expression(operand, 0)})` : printSuffixed(operand, printer)}.${printIdentifier(name)}`;
    }
    case 'subscript':
      return `${printSuffixed(expression.operand, printer)}[${printer.expression(expression.index, POWER.SHIFT)}]`;
    case 'json_arrow':
      return `${printSuffixed(expression.operand, printer)} -> ${printer.expression(expression.path, ATOM)}`;
    case 'collate':
      return `${printSuffixed(expression.operand, printer)} COLLATE ${printIdentifier(expression.collation)}`;
    case 'lambda': {
      const [first] = expression.parameters;
      const single = expression.parameters.length === 1 && first !== undefined;
      const parameters = single
        ? printIdentifier(first.name)
        : `(${printNames(expression.parameters)})`;
      // A string directly after the arrow would be read as a JSON path.
      const body = printer.expression(expression.body, 0);
      return `${parameters} -> ${body.startsWith("'") ? `(${body})` : body}`;
    }
    default:
      return unreachable(expression, 'operator');
  }
}

function printIn(
  expression: { readonly operand: Expression; readonly negated: boolean },
  printer: Printer,
): string {
  return words(
    printer.expression(expression.operand, POWER.SHIFT),
    expression.negated && 'NOT',
    'IN',
  );
}

/** An operand that a suffix follows; numbers get parentheses so that a point after them is not theirs. */
function printSuffixed(operand: Expression, printer: Printer): string {
  const isNumber = operand.kind === 'integer' || operand.kind === 'decimal';
  return printer.expression(operand, isNumber ? Infinity : SUFFIX);
}
