// PIVOT behind a relation of FROM.
import type { Expression } from '../ast/expression.ts';
import type { Identifier } from '../ast/node.ts';
import type { Pivot, PivotAggregate, PivotValue, Relation } from '../ast/query.ts';
import { parseAlias } from './alias.ts';
import { type Cursor, isIdentifier } from './cursor.ts';

/** The relation with every PIVOT that follows it. */
export function parsePivots(cursor: Cursor, relation: Relation): Relation {
  let source = relation;
  while (cursor.token.word === 'PIVOT' && cursor.peek(1).word === '(') {
    source = parsePivot(cursor, source);
    cursor.grow(1);
  }
  return source;
}

function parsePivot(cursor: Cursor, source: Relation): Pivot {
  const { pos } = source;
  cursor.expectAll('PIVOT', '(');
  const aggregates = cursor.list(() => parseAggregate(cursor));
  cursor.expect('FOR');
  const columns = parseColumns(cursor);
  cursor.expect('IN');
  const values = cursor.parenthesised(() => parsePivotValue(cursor));
  cursor.expect(')');
  return { kind: 'pivot', pos, source, aggregates, columns, values, ...parseAlias(cursor) };
}

function parseAggregate(cursor: Cursor): PivotAggregate {
  const expression = cursor.grammar.expression(cursor);
  const end = cursor.previousEnd;
  return { expression, alias: parseName(cursor), end };
}

function parseColumns(cursor: Cursor): readonly Identifier[] {
  if (cursor.token.word !== '(') return [cursor.identifier()];
  return cursor.parenthesised(() => cursor.identifier());
}

function parsePivotValue(cursor: Cursor): PivotValue {
  const value = cursor.grammar.expression(cursor);
  const items: readonly Expression[] = value.kind === 'row' ? value.items : [value];
  return { items, alias: parseName(cursor) };
}

function parseName(cursor: Cursor): string | null {
  if (cursor.take('AS')) return cursor.identifierOrString().name;
  return isIdentifier(cursor.token) ? cursor.next().text : null;
}
