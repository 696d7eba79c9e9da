// Expressions and queries -> StarRocks SQL on one line. Parsing the result gives the same tree, so
// parentheses are put exactly where the operators' strength asks for them. Families are in print-*.ts.
import type { Case, Expression, IntervalLiteral, MapLiteral } from './ast/expression.ts';

import type { Limit, OrderItem, Query, Relation, TimeTravel } from './ast/query.ts';

import { POWER } from './parser/power.ts';
import { printCall, printWindow } from './print-call.ts';
import { printOperator } from './print-operator.ts';
import {
  ATOM,
  BINARY_POWER,
  type Printer,
  printList,
  printOrder,
  SUFFIX,
  UNARY,
} from './print-parts.ts';

import { limitText, pointText, queryText, relationText, withText } from './print-query.ts';

import { printIdentifier, printString, printType, words } from './print-text.ts';

/** An expression as SQL. Function names are lower case, keywords upper case. */
export function printExpression(expression: Expression): string {
  return print(expression, 0);
}

/** A query as SQL, without parentheses around it. */
export function printQuery(query: Query): string {
  return queryText(query, PRINTER);
}

/** `WITH [RECURSIVE] ...`, '' when there is none. */
export function printWith(query: Pick<Query, 'recursive' | 'ctes'>): string {
  return withText(query, PRINTER);
}

/** The tables of FROM or USING. */
export function printRelation(relation: Relation): string {
  return relationText(relation, PRINTER);
}

/** `VERSION n`, `TIMESTAMP '...'`. */
export function printPoint(point: TimeTravel): string {
  return pointText(point, PRINTER, '');
}

/** `ORDER BY ...`, '' when there is none. */
export function printOrderBy(items: readonly OrderItem[]): string {
  return printOrder(items, PRINTER);
}

/** `LIMIT n OFFSET m`, '' when there is none. */
export function printLimit(limit: Limit | null): string {
  return limitText(limit, PRINTER);
}

/** How strongly the outermost operator of the expression binds. */
function power(expression: Expression): number {
  switch (expression.kind) {
    case 'lambda':
      return 0;
    case 'binary':
      return BINARY_POWER[expression.op];
    case 'unary':
      return expression.op === 'NOT' ? POWER.NOT : UNARY;
    case 'is_null':
      return POWER.COMPARE;
    case 'between':
    case 'in_list':
    case 'in_subquery':
    case 'like':
      return POWER.PREDICATE;
    case 'field':
    case 'subscript':
    case 'json_arrow':
    case 'collate':
      return SUFFIX;
    default:
      return ATOM;
  }
}

/** In parentheses when it binds more weakly than `least`. */
function print(expression: Expression, least: number): string {
  const text = printKind(expression);
  return power(expression) < least ? `(${text})` : text;
}

const PRINTER: Printer = { expression: print, query: printQuery };

function printKind(expression: Expression): string {
  switch (expression.kind) {
    case 'null':
      return 'NULL';
    case 'boolean':
      return expression.value ? 'TRUE' : 'FALSE';
    case 'integer':
    case 'decimal':
    case 'float':
      return expression.text;
    case 'string':
      return printString(expression.value);
    case 'binary_literal':
      return `X'${expression.hex}'`;
    case 'date_literal':
      return `${expression.type} ${printString(expression.text)}`;
    case 'interval':
      return printInterval(expression);
    case 'default':
      return 'DEFAULT';
    case 'column':
      return expression.path.map(printIdentifier).join('.');
    case 'function':
      return printCall(expression, PRINTER);
    case 'window':
      return printWindow(expression, PRINTER);
    case 'case':
      return printCase(expression);
    case 'cast': {
      const name = expression.tryCast ? 'TRY_CAST' : 'CAST';
      return `${name}(${print(expression.operand, 0)} AS ${printType(expression.type)})`;
    }
    case 'subquery':
      return `(${printQuery(expression.query)})`;
    case 'exists':
      return `EXISTS (${printQuery(expression.query)})`;
    case 'row':
      return `(${printList(expression.items, PRINTER)})`;
    case 'array': {
      const type = expression.elementType;
      return `${type === null ? '' : `array<${printType(type)}>`}[${printList(expression.items, PRINTER)}]`;
    }
    case 'map':
      return printMap(expression);
    case 'user_variable':
      return `@${printIdentifier(expression.name)}`;
    case 'system_variable': {
      const scope = expression.scope === null ? '' : `${expression.scope}.`;
      return `@@${scope}${printIdentifier(expression.name)}`;
    }
    case 'parameter':
      return '?';
    default:
      return printOperator(expression, PRINTER);
  }
}

function printInterval({ amount, unit }: IntervalLiteral): string {
  const bare =
    amount.kind === 'string' ||
    amount.kind === 'integer' ||
    (amount.kind === 'unary' && amount.op === '-' && amount.operand.kind === 'integer');
  return `INTERVAL ${print(amount, bare ? 0 : Infinity)} ${unit}`;
}

function printMap({ type, entries }: MapLiteral): string {
  const name = type === null ? 'map' : `map<${printType(type.key)}, ${printType(type.value)}>`;
  const printed = entries.map(({ key, value }) => `${print(key, 0)}: ${print(value, 0)}`);
  return `${name}{${printed.join(', ')}}`;
}

function printCase({ operand, branches, otherwise }: Case): string {
  return words(
    'CASE',
    operand !== null && print(operand, 0),
    ...branches.map(({ when, result }) => `WHEN ${print(when, 0)} THEN ${print(result, 0)}`),
    otherwise !== null && `ELSE ${print(otherwise, 0)}`,
    'END',
  );
}
