// Calls: ordinary functions, the ones with words between their arguments (EXTRACT, CAST, GROUP_CONCAT),
// functions without parentheses, and OVER. Which functions exist is the analyser's business.
import type { Expression, FrameBound, FunctionCall, WindowFrame } from '../ast/expression.ts';
import type { Position } from '../ast/node.ts';
import type { OrderItem } from '../ast/query.ts';
import { type Cursor, isIdentifier } from './cursor.ts';
import { parseOrderItems } from './order.ts';
import { parseTimeUnit } from './time-unit.ts';
import { parseType } from './type.ts';

/** Reserved words that are functions when `(` follows. */
export const RESERVED_FUNCTIONS: ReadonlySet<string> = new Set([
  'BITMAP',
  'CHAR',
  'CONVERT',
  'CURRENT_DATE',
  'CURRENT_GROUP',
  'CURRENT_ROLE',
  'CURRENT_TIME',
  'CURRENT_TIMESTAMP',
  'CURRENT_USER',
  'DATABASE',
  'DENSE_RANK',
  'FIRST_VALUE',
  'GROUPING',
  'GROUPING_ID',
  'IF',
  'LAG',
  'LAST_VALUE',
  'LEAD',
  'LEFT',
  'LIKE',
  'LOCALTIME',
  'LOCALTIMESTAMP',
  'MICROSECOND',
  'MILLISECOND',
  'MOD',
  'NTILE',
  'REGEXP',
  'REPLACE',
  'RIGHT',
  'RLIKE',
  'ROW_NUMBER',
  'SCHEMA',
]);

/** Functions that may stand without parentheses. */
const NILADIC: ReadonlySet<string> = new Set([
  'CURRENT_DATE',
  'CURRENT_GROUP',
  'CURRENT_ROLE',
  'CURRENT_TIME',
  'CURRENT_TIMESTAMP',
  'CURRENT_USER',
  'LOCALTIME',
  'LOCALTIMESTAMP',
]);

/** A call without arguments; the other forms are made by spreading it. */
export function emptyCall(pos: Position, name: string): FunctionCall {
  return {
    kind: 'function',
    pos,
    name,
    database: null,
    args: [],
    star: false,
    distinct: false,
    orderBy: [],
    separator: null,
    ignoreNulls: false,
    filter: null,
    unit: null,
  };
}

/** CURRENT_DATE and the like without parentheses, null when the next word is none of them. */
export function parseNiladic(cursor: Cursor): Expression | null {
  const { word, pos } = cursor.token;
  if (!NILADIC.has(word)) return null;
  cursor.next();
  return emptyCall(pos, word.toLowerCase());
}

/** At `name (`. With `database` the cursor stands after `database.`, which began at `start`. */
export function parseCall(
  cursor: Cursor,
  database: string | null = null,
  start: Position = cursor.pos,
): Expression {
  const token = cursor.token;
  if (!isIdentifier(token) && !RESERVED_FUNCTIONS.has(token.word)) {
    cursor.atIdentifier();
    throw cursor.unexpected();
  }
  cursor.next();
  cursor.expect('(');
  if (database === null && token.type === 'word') {
    const special = parseSpecial(cursor, token.word, start);
    if (special !== null) return special;
  }
  const call = { ...emptyCall(start, token.text.toLowerCase()), database };
  return parseOver(cursor, parseArguments(cursor, call));
}

/** Functions whose arguments are not a plain list; the `(` is read. Null for all others. */
function parseSpecial(cursor: Cursor, word: string, pos: Position): Expression | null {
  switch (word) {
    case 'CAST':
    case 'TRY_CAST':
      return parseCast(cursor, pos, 'AS', word === 'TRY_CAST');
    case 'CONVERT':
      return parseCast(cursor, pos, ',', false);
    case 'EXTRACT': {
      const unit = parseTimeUnit(cursor);
      cursor.expect('FROM');
      const operand = cursor.grammar.value(cursor);
      cursor.expect(')');
      return { ...emptyCall(pos, unit.toLowerCase()), args: [operand] };
    }
    case 'TIMESTAMPADD':
    case 'TIMESTAMPDIFF': {
      const unit = parseTimeUnit(cursor);
      cursor.expect(',');
      const args = cursor.list(() => cursor.grammar.expression(cursor));
      cursor.expect(')');
      return { ...emptyCall(pos, word.toLowerCase()), args, unit };
    }
    case 'SUBSTRING':
    case 'SUBSTR':
      return parseSubstring(cursor, pos, word.toLowerCase());
    case 'TIME_SLICE':
    case 'DATE_SLICE':
      return parseSlice(cursor, pos, word.toLowerCase());
    default:
      return null;
  }
}

function parseCast(cursor: Cursor, pos: Position, between: string, tryCast: boolean): Expression {
  const operand = cursor.grammar.expression(cursor);
  cursor.expect(between);
  const type = parseType(cursor, 'cast');
  cursor.expect(')');
  return { kind: 'cast', pos, operand, type, tryCast };
}

/** `substring(a, b, c)` and the standard's `substring(a FROM b FOR c)`. */
function parseSubstring(cursor: Cursor, pos: Position, name: string): Expression {
  const args = [cursor.grammar.expression(cursor)];
  if (cursor.take('FROM')) {
    args.push(cursor.grammar.expression(cursor));
    if (cursor.take('FOR')) args.push(cursor.grammar.expression(cursor));
  } else {
    while (cursor.take(',')) args.push(cursor.grammar.expression(cursor));
  }
  cursor.expect(')');
  return { ...emptyCall(pos, name), args };
}

/** `time_slice(t, INTERVAL 5 DAY [, FLOOR | CEIL])`: the boundary is a bare word, kept as a text. */
function parseSlice(cursor: Cursor, pos: Position, name: string): Expression {
  const args: Expression[] = [];
  do {
    const at = cursor.pos;
    const isFloor = args.length === 2 && cursor.take('FLOOR');
    const isCeil = args.length === 2 && !isFloor && cursor.take('CEIL');
    args.push(
      isFloor || isCeil
        ? { kind: 'string', pos: at, value: isFloor ? 'floor' : 'ceil' }
        : cursor.grammar.expression(cursor),
    );
  } while (cursor.take(','));
  cursor.expect(')');
  return { ...emptyCall(pos, name), args };
}

/** Everything between the parentheses, and the closing one. */
function parseArguments(cursor: Cursor, call: FunctionCall): FunctionCall {
  if (cursor.take(')')) return call;
  if (cursor.at('*') && cursor.peek(1).word === ')') {
    cursor.next();
    cursor.next();
    return { ...call, star: true };
  }
  const distinct = cursor.take('DISTINCT');
  if (!distinct) cursor.take('ALL');
  let ignoreNulls = false;
  const args = cursor.list(() => {
    const argument = cursor.grammar.expression(cursor);
    if (cursor.token.word === 'IGNORE' && cursor.takeAll('IGNORE', 'NULLS')) ignoreNulls = true;
    return argument;
  });
  const { word } = cursor.token;
  const orderBy = word === 'ORDER' && cursor.takeAll('ORDER', 'BY') ? parseOrderItems(cursor) : [];
  const hasSeparator = cursor.token.word === 'SEPARATOR' && cursor.take('SEPARATOR');
  const separator = hasSeparator ? cursor.grammar.expression(cursor) : null;
  cursor.expect(')');
  return { ...call, distinct, args, orderBy, separator, ignoreNulls };
}

/** IGNORE NULLS, FILTER (WHERE ...) and OVER (...) after the parentheses. */
function parseOver(cursor: Cursor, called: FunctionCall): Expression {
  let call = called;
  if (cursor.token.word === 'IGNORE' && cursor.takeAll('IGNORE', 'NULLS')) {
    call = { ...call, ignoreNulls: true };
  }
  if (cursor.token.word === 'FILTER' && cursor.peek(1).word === '(') {
    cursor.next();
    cursor.next();
    cursor.expect('WHERE');
    call = { ...call, filter: cursor.grammar.expression(cursor) };
    cursor.expect(')');
  }
  if (cursor.token.word !== 'OVER') return call;
  cursor.next();
  cursor.expect('(');
  const partitionBy = cursor.takeAll('PARTITION', 'BY')
    ? cursor.list(() => cursor.grammar.expression(cursor))
    : [];
  const orderBy: readonly OrderItem[] = cursor.takeAll('ORDER', 'BY')
    ? parseOrderItems(cursor)
    : [];
  const frame = parseFrame(cursor);
  cursor.expect(')');
  cursor.grow(1);
  return { kind: 'window', pos: call.pos, call, partitionBy, orderBy, frame };
}

function parseFrame(cursor: Cursor): WindowFrame | null {
  const unit = cursor.takeOneOf(['ROWS', 'RANGE'] as const);
  if (unit === null) return null;
  if (!cursor.take('BETWEEN')) return { unit, start: parseBound(cursor), end: null };
  const start = parseBound(cursor);
  cursor.expect('AND');
  return { unit, start, end: parseBound(cursor) };
}

function parseBound(cursor: Cursor): FrameBound {
  const following = cursor.peek(1).word;
  if (following === 'PRECEDING' || following === 'FOLLOWING') {
    if (cursor.take('UNBOUNDED')) {
      cursor.next();
      return { kind: following === 'PRECEDING' ? 'unbounded_preceding' : 'unbounded_following' };
    }
  }
  if (following === 'ROW' && cursor.take('CURRENT')) {
    cursor.next();
    return { kind: 'current_row' };
  }
  const amount = cursor.grammar.value(cursor);
  const side = cursor.expectOneOf(['PRECEDING', 'FOLLOWING'] as const);
  return { kind: side === 'PRECEDING' ? 'preceding' : 'following', amount };
}
