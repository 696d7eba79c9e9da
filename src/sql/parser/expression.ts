// Expressions by operator precedence (Pratt). SOURCE of the order: StarRocks' grammar, which differs
// from MySQL in that IN, BETWEEN and LIKE bind tighter than = and <. Primaries are in primary.ts.
import type { BinaryOperator, Expression } from '../ast/expression.ts';
import type { Cursor } from './cursor.ts';
import { POWER } from './power.ts';
import { parsePrimary, startsQueryRest } from './primary.ts';

interface Infix {
  readonly op: BinaryOperator;
  readonly power: number;
}

/** Token -> operator, without those that need a second look (`||`, `>` `>`, NOT IN...). */
const INFIX: ReadonlyMap<string, Infix> = new Map<string, Infix>(
  Object.entries({
    OR: { op: 'OR', power: POWER.OR },
    XOR: { op: 'XOR', power: POWER.XOR },
    AND: { op: 'AND', power: POWER.AND },
    '&&': { op: 'AND', power: POWER.AND },
    '=': { op: '=', power: POWER.COMPARE },
    '<>': { op: '<>', power: POWER.COMPARE },
    '!=': { op: '<>', power: POWER.COMPARE },
    '<': { op: '<', power: POWER.COMPARE },
    '<=': { op: '<=', power: POWER.COMPARE },
    '>': { op: '>', power: POWER.COMPARE },
    '>=': { op: '>=', power: POWER.COMPARE },
    '<=>': { op: '<=>', power: POWER.COMPARE },
    '<<': { op: '<<', power: POWER.SHIFT },
    BITSHIFTLEFT: { op: '<<', power: POWER.SHIFT },
    BITSHIFTRIGHT: { op: '>>', power: POWER.SHIFT },
    '|': { op: '|', power: POWER.BIT_OR },
    '&': { op: '&', power: POWER.BIT_AND },
    '+': { op: '+', power: POWER.ADD },
    '-': { op: '-', power: POWER.ADD },
    '*': { op: '*', power: POWER.MULTIPLY },
    '/': { op: '/', power: POWER.MULTIPLY },
    '%': { op: '%', power: POWER.MULTIPLY },
    MOD: { op: '%', power: POWER.MULTIPLY },
    DIV: { op: 'DIV', power: POWER.MULTIPLY },
    '^': { op: '^', power: POWER.BIT_XOR },
  }),
);

/** AND / OR chains longer than this become balanced trees, so that thousands of terms do not nest deep. */
const BALANCE_FROM = 32;

/** A whole expression. Throws SQL_SYNTAX, LIMIT_EXCEEDED. */
export function parseExpression(cursor: Cursor): Expression {
  return parseOperators(cursor, 0);
}

/** An expression without AND, OR, comparisons and predicates: operands of BETWEEN, INTERVAL, EXTRACT. */
export function parseValue(cursor: Cursor): Expression {
  return parseOperators(cursor, POWER.SHIFT);
}

function parseOperators(cursor: Cursor, least: number): Expression {
  const outer = cursor.open();
  let left = parseOperand(cursor, least);
  cursor.grow(1);
  for (;;) {
    const infix = infixAt(cursor);
    if (infix !== null) {
      if (infix.power < least) break;
      left = parseBinary(cursor, left, infix);
    } else {
      const predicate = parsePredicate(cursor, left, least);
      if (predicate === null) break;
      left = predicate;
    }
    cursor.grow(1);
  }
  cursor.close(outer);
  cursor.settle();
  return left;
}

/** NOT, or a primary with its signs and suffixes. */
function parseOperand(cursor: Cursor, least: number): Expression {
  if (cursor.token.word !== 'NOT' || least > POWER.NOT) return parsePrimary(cursor);
  const { pos } = cursor.next();
  return { kind: 'unary', pos, op: 'NOT', operand: parseOperators(cursor, POWER.NOT) };
}

function infixAt(cursor: Cursor): Infix | null {
  const { word, end } = cursor.token;
  if (word === '') return null;
  if (word === '||') {
    return cursor.options.pipesAsConcat ? null : { op: 'OR', power: POWER.OR };
  }
  if (word === '>') {
    const following = cursor.peek(1);
    if (following.word === '>' && following.pos.start === end) {
      return { op: '>>', power: POWER.SHIFT };
    }
  }
  return INFIX.get(word) ?? null;
}

function parseBinary(cursor: Cursor, left: Expression, { op, power }: Infix): Expression {
  takeOperator(cursor, op);
  const right = parseOperators(cursor, power + 1);
  if (op !== 'AND' && op !== 'OR') return { kind: 'binary', pos: left.pos, op, left, right };
  const operands = [left, right];
  for (let next = infixAt(cursor); next !== null && next.op === op; next = infixAt(cursor)) {
    takeOperator(cursor, op);
    operands.push(parseOperators(cursor, power + 1));
  }
  if (operands.length > BALANCE_FROM) {
    cursor.grow(Math.ceil(Math.log2(operands.length)));
    return balanced(op, operands);
  }
  cursor.grow(operands.length - 2);
  return leftDeep(op, operands);
}

function takeOperator(cursor: Cursor, op: BinaryOperator): void {
  const { word } = cursor.next();
  if (op === '>>' && word === '>') cursor.next();
}

function leftDeep(op: 'AND' | 'OR', operands: readonly Expression[]): Expression {
  return operands.reduce((left, right) => ({ kind: 'binary', pos: left.pos, op, left, right }));
}

function balanced(op: 'AND' | 'OR', operands: readonly Expression[]): Expression {
  if (operands.length <= 2) return leftDeep(op, operands);
  const middle = Math.ceil(operands.length / 2);
  const left = balanced(op, operands.slice(0, middle));
  const right = balanced(op, operands.slice(middle));
  return { kind: 'binary', pos: left.pos, op, left, right };
}

/** IS [NOT] NULL and [NOT] IN, BETWEEN, LIKE, REGEXP after `left`; null when none follows or it binds too weakly. */
function parsePredicate(cursor: Cursor, left: Expression, least: number): Expression | null {
  const { word } = cursor.token;
  if (word === 'IS') {
    if (least > POWER.COMPARE) return null;
    cursor.next();
    const negated = cursor.take('NOT');
    cursor.expect('NULL');
    return { kind: 'is_null', pos: left.pos, negated, operand: left };
  }
  if (least > POWER.PREDICATE) return null;
  const negated = word === 'NOT';
  const key = negated ? cursor.peek(1).word : word;
  switch (key) {
    case 'IN':
    case 'BETWEEN':
    case 'LIKE':
    case 'REGEXP':
    case 'RLIKE':
      if (negated) cursor.next();
      cursor.next();
      break;
    default:
      return null;
  }
  if (key === 'IN') return parseIn(cursor, left, negated);
  if (key === 'BETWEEN') {
    const low = parseValue(cursor);
    cursor.expect('AND');
    const high = parseOperators(cursor, POWER.PREDICATE);
    return { kind: 'between', pos: left.pos, negated, operand: left, low, high };
  }
  const op = key === 'LIKE' ? 'LIKE' : 'REGEXP';
  return { kind: 'like', pos: left.pos, op, negated, operand: left, pattern: parseValue(cursor) };
}

function parseIn(cursor: Cursor, operand: Expression, negated: boolean): Expression {
  const { pos } = operand;
  cursor.expect('(');
  if (cursor.token.word === 'SELECT' || cursor.token.word === 'WITH') {
    const query = cursor.grammar.query(cursor);
    cursor.expect(')');
    return { kind: 'in_subquery', pos, negated, operand, query };
  }
  const first = parseExpression(cursor);
  if (first.kind === 'subquery' && cursor.token.word !== ',') {
    const query = startsQueryRest(cursor) ? cursor.grammar.rest(cursor, first.query) : first.query;
    cursor.expect(')');
    return { kind: 'in_subquery', pos, negated, operand, query };
  }
  const items = [first];
  while (cursor.take(',')) items.push(parseExpression(cursor));
  cursor.expect(')');
  return { kind: 'in_list', pos, negated, operand, items };
}
