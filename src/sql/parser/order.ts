// ORDER BY items and LIMIT, shared by queries, window functions and SHOW statements.
import type { Expression } from '../ast/expression.ts';
import type { Limit, OrderItem } from '../ast/query.ts';
import type { Cursor } from './cursor.ts';

/** After ORDER BY: `expr [ASC|DESC] [NULLS FIRST|LAST], ...`. */
export function parseOrderItems(cursor: Cursor): readonly OrderItem[] {
  return cursor.list(() => {
    const expression = cursor.grammar.expression(cursor);
    const direction = cursor.takeOneOf(['ASC', 'DESC']);
    const nulls = cursor.take('NULLS') ? cursor.expectOneOf(['FIRST', 'LAST']) : null;
    cursor.settle();
    return {
      pos: expression.pos,
      expression,
      descending: direction === 'DESC',
      nullsFirst: nulls === null ? null : nulls === 'FIRST',
    };
  });
}

/** `[ORDER BY ...]`, empty when it does not come. */
export function parseOrderBy(cursor: Cursor): readonly OrderItem[] {
  if (!cursor.take('ORDER')) return [];
  cursor.expect('BY');
  return parseOrderItems(cursor);
}

/** `[LIMIT n | LIMIT offset, n | LIMIT n OFFSET offset]`. */
export function parseLimit(cursor: Cursor): Limit | null {
  if (!cursor.take('LIMIT')) return null;
  const first = parseLimitNumber(cursor);
  if (cursor.take(',')) return { count: parseLimitNumber(cursor), offset: first };
  if (cursor.take('OFFSET')) return { count: first, offset: parseLimitNumber(cursor) };
  return { count: first, offset: null };
}

function parseLimitNumber(cursor: Cursor): Expression {
  const { word, pos } = cursor.token;
  if (word === '?') {
    cursor.next();
    return { kind: 'parameter', pos, index: cursor.parameterIndex() };
  }
  return { kind: 'integer', pos, text: cursor.integerText() };
}
