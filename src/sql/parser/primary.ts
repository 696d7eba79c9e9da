// Operands of expressions: literals, names, parentheses, CASE, CAST, arrays, variables, and the
// suffixes that bind to them (`.f`, `[i]`, `->`, COLLATE). Calls are in function.ts.
import { fail } from '../../base/errors.ts';
import type { Expression, MapLiteral } from '../ast/expression.ts';
import type { Position } from '../ast/node.ts';
import { type Cursor, isIdentifier } from './cursor.ts';
import { emptyCall, parseCall, parseNiladic } from './function.ts';
import { parseTimeUnit } from './time-unit.ts';
import { parseType, startsType } from './type.ts';

/** One operand with its signs before and suffixes after. */
export function parsePrimary(cursor: Cursor): Expression {
  const { word, pos } = cursor.token;
  switch (word) {
    case '-':
    case '+':
    case '~':
    case '!': {
      const outer = cursor.open();
      cursor.next();
      const operand = parsePrimary(cursor);
      cursor.grow(1);
      cursor.close(outer);
      return { kind: 'unary', pos, op: word === '!' ? 'NOT' : word, operand };
    }
    default:
      return parseSuffixes(cursor, parseAtom(cursor));
  }
}

function parseSuffixes(cursor: Cursor, atom: Expression): Expression {
  let operand = atom;
  for (;;) {
    const { pos } = operand;
    const { word } = cursor.token;
    if (word === '[') {
      cursor.next();
      const index = cursor.token.word === ':' ? noSlice() : cursor.grammar.value(cursor);
      if (cursor.token.word === ':') noSlice();
      cursor.expect(']');
      operand = { kind: 'subscript', pos, operand, index };
    } else if (word === '.') {
      cursor.next();
      operand = { kind: 'field', pos, operand, name: cursor.nameAfterPoint() };
    } else if (word === '->' && cursor.peek(1).type === 'string') {
      cursor.next();
      operand = { kind: 'json_arrow', pos, operand, path: parseAtom(cursor) };
    } else if (word === 'COLLATE') {
      cursor.next();
      operand = { kind: 'collate', pos, operand, collation: cursor.identifierOrString().name };
    } else if (word === '||' && cursor.options.pipesAsConcat) {
      cursor.next();
      operand = { ...emptyCall(pos, 'concat'), args: [operand, parsePrimary(cursor)] };
    } else {
      return operand;
    }
    cursor.grow(1);
  }
}

/** StarRocks parses slices, and its engine refuses them ("does not support the operator"). */
function noSlice(): never {
  throw fail('NOT_SUPPORTED', {
    what: 'the array slice a[from:to]',
    hint: 'use array_slice(a, from, length)',
  });
}

function parseAtom(cursor: Cursor): Expression {
  const { type, pos, text } = cursor.token;
  switch (type) {
    case 'word':
      return parseWord(cursor);
    case 'quoted':
      return cursor.peek(1).word === '(' ? parseCall(cursor) : parsePath(cursor);
    case 'string':
      cursor.next();
      return { kind: 'string', pos, value: text };
    case 'integer':
    case 'decimal':
    case 'float':
      cursor.next();
      return { kind: type, pos, text };
    case 'binary':
      cursor.next();
      return { kind: 'binary_literal', pos, hex: text };
    case 'symbol':
      return parseSymbol(cursor);
    case 'end':
      return noOperand(cursor);
  }
}

/** StarRocks names only "a legal identifier" where an operand is missing. */
function noOperand(cursor: Cursor): never {
  cursor.atIdentifier();
  throw cursor.unexpected();
}

function parseSymbol(cursor: Cursor): Expression {
  const { word, pos } = cursor.token;
  switch (word) {
    case '(':
      return parseParenthesis(cursor);
    case '[':
      return { kind: 'array', pos, elementType: null, items: parseArrayItems(cursor) };
    case '@':
      return parseVariable(cursor);
    case '{':
      return parseOdbcCall(cursor);
    case '?':
      cursor.next();
      return { kind: 'parameter', pos, index: cursor.parameterIndex() };
    default:
      return noOperand(cursor);
  }
}

/** `{fn now()}`, as ODBC and JDBC tools write calls. */
function parseOdbcCall(cursor: Cursor): Expression {
  if (cursor.peek(1).word !== 'FN') return noOperand(cursor);
  cursor.next();
  cursor.next();
  const call = parseNiladic(cursor) ?? parseCall(cursor);
  cursor.expect('}');
  return call;
}

function parseWord(cursor: Cursor): Expression {
  const { word, pos } = cursor.token;
  const following = cursor.peek(1);
  switch (word) {
    case 'NULL':
      cursor.next();
      return { kind: 'null', pos };
    case 'TRUE':
    case 'FALSE':
      cursor.next();
      return { kind: 'boolean', pos, value: word === 'TRUE' };
    case 'CASE':
      return parseCase(cursor);
    case 'EXISTS': {
      cursor.next();
      cursor.expect('(');
      const query = cursor.grammar.query(cursor);
      cursor.expect(')');
      return { kind: 'exists', pos, query };
    }
    case 'DATE':
    case 'DATETIME':
    case 'TIMESTAMP':
      if (following.type === 'string') {
        cursor.next();
        const type = word === 'DATE' ? 'DATE' : 'DATETIME';
        return { kind: 'date_literal', pos, type, text: cursor.string() };
      }
      break;
    // MySQL's introducers: PyMySQL and Go's driver write bytes as _binary'...'.
    case '_BINARY':
    case '_UTF8':
    case '_UTF8MB4':
      if (following.type === 'string') {
        cursor.next();
        const value = cursor.string();
        if (word !== '_BINARY') return { kind: 'string', pos, value };
        const hex = Buffer.from(value, 'utf8').toString('hex').toUpperCase();
        return { kind: 'binary_literal', pos, hex };
      }
      break;
    case 'BINARY':
      // All comparisons of strings are binary, so the word before an operand changes nothing.
      if (following.type === 'string' || isIdentifier(following)) {
        cursor.next();
        return parseAtom(cursor);
      }
      break;
    case 'INTERVAL':
      if (startsAmount(cursor)) return parseInterval(cursor);
      break;
    case 'ARRAY':
      if (following.word === '<' || following.word === '[') return parseArray(cursor);
      break;
    case 'MAP':
      if (following.word === '{' || isMapType(cursor)) return parseMap(cursor);
      break;
  }
  if (following.word === '(') return parseCall(cursor);
  return parseNiladic(cursor) ?? parsePath(cursor);
}

/** `a`, `a.b`, `a.b.c`... or the single parameter of a lambda. */
function parsePath(cursor: Cursor): Expression {
  const { pos } = cursor.token;
  const first = cursor.identifier();
  if (cursor.token.word === '->' && cursor.peek(1).type !== 'string') {
    cursor.next();
    return { kind: 'lambda', pos, parameters: [first], body: cursor.grammar.expression(cursor) };
  }
  if (cursor.token.word !== '.') return { kind: 'column', pos, path: [first.name] };
  const path = [first.name];
  while (cursor.token.word === '.' && !isCallAfterPoint(cursor) && cursor.peek(1).word !== '*') {
    cursor.next();
    path.push(cursor.nameAfterPoint());
  }
  if (cursor.token.word === '.' && cursor.peek(1).word !== '*' && path.length === 1) {
    cursor.next();
    return parseCall(cursor, first.name, pos);
  }
  return { kind: 'column', pos, path };
}

/** `db.function(`: only directly after the first name. */
function isCallAfterPoint(cursor: Cursor): boolean {
  return cursor.peek(2).word === '(';
}

function parseParenthesis(cursor: Cursor): Expression {
  const { pos } = cursor.token;
  const parameters = lambdaParameterCount(cursor);
  if (parameters > 0) return parseLambda(cursor);
  cursor.next();
  if (cursor.token.word === 'SELECT' || cursor.token.word === 'WITH') {
    const query = cursor.grammar.query(cursor);
    cursor.expect(')');
    return { kind: 'subquery', pos, query };
  }
  const first = cursor.grammar.expression(cursor);
  if (first.kind === 'subquery' && startsQueryRest(cursor)) {
    const query = cursor.grammar.rest(cursor, first.query);
    cursor.expect(')');
    return { kind: 'subquery', pos, query };
  }
  if (!cursor.at(',')) {
    cursor.expect(')');
    return first;
  }
  const items = [first];
  while (cursor.take(',')) items.push(cursor.grammar.expression(cursor));
  cursor.expect(')');
  return { kind: 'row', pos, items };
}

/** After `((SELECT ...)`: does the query go on, so that the inner parentheses were a part of it? */
export function startsQueryRest(cursor: Cursor): boolean {
  switch (cursor.token.word) {
    case 'UNION':
    case 'INTERSECT':
    case 'EXCEPT':
    case 'MINUS':
    case 'ORDER':
    case 'LIMIT':
      return true;
    default:
      return false;
  }
}

/** Number of names in `(a, b) ->` at the cursor, 0 when it is something else. */
function lambdaParameterCount(cursor: Cursor): number {
  let ahead = 1;
  let count = 0;
  while (isIdentifier(cursor.peek(ahead))) {
    count += 1;
    const { word } = cursor.peek(ahead + 1);
    if (word === ')') return cursor.peek(ahead + 2).word === '->' ? count : 0;
    if (word !== ',') return 0;
    ahead += 2;
  }
  return 0;
}

function parseLambda(cursor: Cursor): Expression {
  const { pos } = cursor.token;
  const parameters = cursor.parenthesised(() => cursor.identifier());
  cursor.expect('->');
  return { kind: 'lambda', pos, parameters, body: cursor.grammar.expression(cursor) };
}

function parseCase(cursor: Cursor): Expression {
  const { pos } = cursor.next();
  const operand = cursor.at('WHEN') ? null : cursor.grammar.expression(cursor);
  const branches = [];
  do {
    cursor.expect('WHEN');
    const when = cursor.grammar.expression(cursor);
    cursor.expect('THEN');
    branches.push({ when, result: cursor.grammar.expression(cursor) });
  } while (cursor.at('WHEN'));
  const otherwise = cursor.take('ELSE') ? cursor.grammar.expression(cursor) : null;
  cursor.expect('END');
  return { kind: 'case', pos, operand, branches, otherwise };
}

/** Does an amount follow INTERVAL, or is `interval` a column here? */
function startsAmount(cursor: Cursor): boolean {
  const following = cursor.peek(1);
  switch (following.type) {
    case 'string':
    case 'integer':
    case 'decimal':
    case 'float':
    case 'quoted':
      return true;
    case 'symbol':
      return ['(', '-', '@', '?'].includes(following.word);
    case 'word':
      return (
        isIdentifier(following) ||
        ['CASE', 'NULL'].includes(following.word) ||
        cursor.peek(2).word === '('
      );
    default:
      return false;
  }
}

function parseInterval(cursor: Cursor): Expression {
  const { pos } = cursor.next();
  const amount = cursor.grammar.value(cursor);
  return { kind: 'interval', pos, amount, unit: parseTimeUnit(cursor) };
}

function parseArray(cursor: Cursor): Expression {
  const { pos } = cursor.token;
  if (cursor.peek(1).word === '[') {
    cursor.next();
    return { kind: 'array', pos, elementType: null, items: parseArrayItems(cursor) };
  }
  const type = parseType(cursor, 'cast');
  const elementType = type.kind === 'ARRAY' ? type.element : null;
  return { kind: 'array', pos, elementType, items: parseArrayItems(cursor) };
}

function parseArrayItems(cursor: Cursor): readonly Expression[] {
  cursor.expect('[');
  if (cursor.take(']')) return [];
  const items = cursor.list(() => cursor.grammar.expression(cursor));
  cursor.expect(']');
  return items;
}

/** `MAP<type, ...`, and not a column named map that is compared with something. */
function isMapType(cursor: Cursor): boolean {
  return cursor.peek(1).word === '<' && startsType(cursor.peek(2).word);
}

function parseMap(cursor: Cursor): Expression {
  const { pos } = cursor.token;
  let type: MapLiteral['type'] = null;
  if (cursor.peek(1).word === '<') {
    const parsed = parseType(cursor, 'cast');
    if (parsed.kind === 'MAP') type = { key: parsed.key, value: parsed.value };
  } else {
    cursor.next();
  }
  cursor.expect('{');
  if (cursor.take('}')) return { kind: 'map', pos, type, entries: [] };
  const entries = cursor.list(() => {
    const key = cursor.grammar.expression(cursor);
    cursor.expect(':');
    return { key, value: cursor.grammar.expression(cursor) };
  });
  cursor.expect('}');
  return { kind: 'map', pos, type, entries };
}

/** `@name`, `@@name`, `@@global.name`. */
export function parseVariable(cursor: Cursor): Expression {
  const { pos } = cursor.expect('@');
  if (!cursor.take('@')) {
    return { kind: 'user_variable', pos, name: cursor.identifierOrString().name.toLowerCase() };
  }
  const scope = cursor.peek(1).word === '.' ? parseScope(cursor, pos) : null;
  return { kind: 'system_variable', pos, scope, name: cursor.nameAfterPoint().toLowerCase() };
}

function parseScope(cursor: Cursor, pos: Position): 'SESSION' | 'GLOBAL' {
  const word = cursor.takeOneOf(['GLOBAL', 'SESSION', 'LOCAL']);
  if (word === null) {
    const { line, column } = pos;
    const name = cursor.token.text;
    throw fail('SQL_SYNTAX', { line, column, detail: `unknown variable scope '${name}'` });
  }
  cursor.expect('.');
  return word === 'GLOBAL' ? 'GLOBAL' : 'SESSION';
}
