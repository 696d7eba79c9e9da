// Queries: WITH, SELECT and its clauses, set operations, VALUES. FROM is in relation.ts.
import type { Expression } from '../ast/expression.ts';
import type { Identifier, Position, QualifiedName } from '../ast/node.ts';
import type {
  CommonTable,
  GroupBy,
  Query,
  QueryBody,
  Select,
  SelectItem,
  SetOperation,
  StarItem,
  Values,
} from '../ast/query.ts';
import { type Cursor, isIdentifier } from './cursor.ts';
import { parseLimit, parseOrderBy } from './order.ts';
import { parseRelations } from './relation.ts';

/** Set operations by how strongly they bind. MINUS is EXCEPT. */
const SET_OPERATIONS: ReadonlyMap<string, SetOperator> = new Map<string, SetOperator>([
  ['UNION', { op: 'UNION', power: 1 }],
  ['EXCEPT', { op: 'EXCEPT', power: 1 }],
  ['MINUS', { op: 'EXCEPT', power: 1 }],
  ['INTERSECT', { op: 'INTERSECT', power: 2 }],
]);

interface SetOperator {
  readonly op: SetOperation['op'];
  readonly power: number;
}

/** Words that are not reserved but, after a select item, begin a clause instead of naming it. */
const NOT_AN_ALIAS: ReadonlySet<string> = new Set(['EXCEPT', 'MINUS', 'QUALIFY']);

/** Can the next token begin a query (without an opening parenthesis)? */
export function atQuery(cursor: Cursor): boolean {
  return cursor.at('SELECT') || cursor.at('WITH');
}

/** A query with everything that belongs to it. Throws SQL_SYNTAX, LIMIT_EXCEEDED. */
export function parseQuery(cursor: Cursor): Query {
  const outer = cursor.open();
  const head = cursor.at('WITH') ? parseWith(cursor) : NO_WITH;
  const query = parseQueryAfterWith(cursor, head);
  cursor.grow(1);
  cursor.close(outer);
  cursor.settle();
  return query;
}

/** What WITH gives to the statement after it. */
export interface With {
  /** Where WITH stands; null when it was not written. */
  readonly pos: Position | null;
  readonly recursive: boolean;
  readonly ctes: readonly CommonTable[];
}

export const NO_WITH: With = { pos: null, recursive: false, ctes: [] };

/** At WITH. */
export function parseWith(cursor: Cursor): With {
  const { pos } = cursor.expect('WITH');
  const recursive = cursor.token.word === 'RECURSIVE' && cursor.peek(1).word !== 'AS';
  if (recursive) cursor.next();
  return { pos, recursive, ctes: cursor.list(() => parseCommonTable(cursor)) };
}

/** The query itself, without bookkeeping of its depth. */
export function parseQueryAfterWith(cursor: Cursor, { pos, recursive, ctes }: With): Query {
  const start = pos ?? cursor.pos;
  const body = parseSetOperations(cursor, parseQueryPrimary(cursor), 1);
  const orderBy = parseOrderBy(cursor);
  const limit = parseLimit(cursor);
  return { kind: 'query', pos: start, recursive, ctes, body, orderBy, limit };
}

/** The rest of a query whose first part was in parentheses and is already read. */
export function parseQueryRest(cursor: Cursor, first: QueryBody): Query {
  const body = parseSetOperations(cursor, unwrap(first), 1);
  const orderBy = parseOrderBy(cursor);
  const limit = parseLimit(cursor);
  cursor.grow(1);
  cursor.settle();
  return { kind: 'query', pos: first.pos, recursive: false, ctes: [], body, orderBy, limit };
}

/** The body alone where a query in parentheses adds nothing to it. */
function unwrap(body: QueryBody): QueryBody {
  if (body.kind !== 'query') return body;
  const plain = body.ctes.length === 0 && body.orderBy.length === 0 && body.limit === null;
  return plain ? body.body : body;
}

function parseCommonTable(cursor: Cursor): CommonTable {
  const { pos, name } = cursor.identifier();
  const columns = parseColumnAliases(cursor);
  cursor.expectAll('AS', '(');
  const query = parseQuery(cursor);
  cursor.expect(')');
  return { pos, name, columns, query };
}

/** `(a, b)` after a table's name or alias; empty when it does not come. */
export function parseColumnAliases(cursor: Cursor): readonly Identifier[] {
  return cursor.at('(') ? cursor.parenthesised(() => cursor.identifier()) : [];
}

function parseQueryPrimary(cursor: Cursor): QueryBody {
  if (cursor.take('(')) {
    const query = parseQuery(cursor);
    cursor.expect(')');
    return unwrap(query);
  }
  if (cursor.token.word === 'VALUES') return parseValues(cursor);
  cursor.expect('SELECT');
  return parseSelect(cursor);
}

function parseSetOperations(cursor: Cursor, first: QueryBody, least: number): QueryBody {
  let left = first;
  for (;;) {
    const operator = SET_OPERATIONS.get(cursor.token.word);
    if (operator === undefined || operator.power < least) return left;
    const { op, power } = operator;
    cursor.next();
    const all = cursor.take('ALL');
    if (!all) cursor.take('DISTINCT');
    const right = parseSetOperations(cursor, parseQueryPrimary(cursor), power + 1);
    left = { kind: 'set_operation', pos: left.pos, op, all, left, right };
    cursor.grow(1);
  }
}

/** At VALUES: `VALUES (1, DEFAULT), (2, 3)`. */
export function parseValues(cursor: Cursor): Values {
  const { pos } = cursor.expect('VALUES');
  const rows = cursor.list(() => {
    cursor.expect('(');
    if (cursor.take(')')) return [];
    const row = cursor.list(() => parseValueOrDefault(cursor));
    cursor.expect(')');
    return row;
  });
  return { kind: 'values', pos, rows };
}

/** An expression, or DEFAULT. */
export function parseValueOrDefault(cursor: Cursor): Expression {
  if (cursor.token.word !== 'DEFAULT') return cursor.grammar.expression(cursor);
  return { kind: 'default', pos: cursor.next().pos };
}

/** After SELECT. */
function parseSelect(cursor: Cursor): Select {
  const outer = cursor.open();
  const pos = cursor.peek(-1).pos;
  const hints = cursor.hints();
  const distinct = cursor.take('DISTINCT');
  if (!distinct) cursor.take('ALL');
  const items = cursor.list(() => parseSelectItem(cursor));
  const from = cursor.take('FROM') ? parseFrom(cursor) : null;
  const where = cursor.take('WHERE') ? cursor.grammar.expression(cursor) : null;
  const groupBy = cursor.takeAll('GROUP', 'BY') ? parseGroupBy(cursor) : null;
  const having = cursor.take('HAVING') ? cursor.grammar.expression(cursor) : null;
  const qualify = cursor.take('QUALIFY') ? cursor.grammar.expression(cursor) : null;
  cursor.grow(1);
  cursor.close(outer);
  return { kind: 'select', pos, hints, distinct, items, from, where, groupBy, having, qualify };
}

function parseFrom(cursor: Cursor): Select['from'] {
  return cursor.take('DUAL') ? null : parseRelations(cursor);
}

function parseSelectItem(cursor: Cursor): SelectItem {
  const star = parseStarItem(cursor);
  if (star !== null) return star;
  const expression = cursor.grammar.expression(cursor);
  const end = cursor.previousEnd;
  return {
    kind: 'expression_item',
    pos: expression.pos,
    expression,
    alias: parseSelectAlias(cursor),
    end,
  };
}

/** `*`, `t.*`, `db.t.*`, or null when an expression comes. */
function parseStarItem(cursor: Cursor): StarItem | null {
  const { pos } = cursor.token;
  let qualifier: QualifiedName | null = null;
  if (cursor.token.word !== '*') {
    const length = starQualifierLength(cursor);
    if (length === 0) return null;
    qualifier = cursor.qualifiedName(length);
    cursor.expect('.');
  }
  cursor.expect('*');
  const { word } = cursor.token;
  const excludes =
    (word === 'EXCLUDE' || word === 'EXCEPT') &&
    cursor.peek(1).word === '(' &&
    isIdentifier(cursor.peek(2));
  if (!excludes) return { kind: 'star_item', pos, qualifier, exclude: [] };
  cursor.next();
  const exclude = cursor.parenthesised(() => cursor.identifier());
  return { kind: 'star_item', pos, qualifier, exclude };
}

/** How many names stand before `.*` at the cursor (1 to 3), 0 when it is not a star item. */
function starQualifierLength(cursor: Cursor): number {
  if (cursor.peek(1).word !== '.' || !isIdentifier(cursor.token)) return 0;
  for (let names = 1; names <= 3; names += 1) {
    if (cursor.peek(2 * names - 1).word !== '.') return 0;
    if (cursor.peek(2 * names).word === '*') return names;
  }
  return 0;
}

function parseSelectAlias(cursor: Cursor): string | null {
  if (cursor.take('AS')) return cursor.identifierOrString().name;
  const { token } = cursor;
  if (token.type === 'string') return cursor.next().text;
  if (!isIdentifier(token) || NOT_AN_ALIAS.has(token.word)) return null;
  return cursor.next().text;
}

function parseGroupBy(cursor: Cursor): GroupBy {
  const list = (): readonly Expression[] => cursor.list(() => cursor.grammar.expression(cursor));
  const { word } = cursor.token;
  if ((word === 'ROLLUP' || word === 'CUBE') && cursor.peek(1).word === '(') {
    cursor.next();
    cursor.expect('(');
    const items = cursor.at(')') ? [] : list();
    cursor.expect(')');
    return { kind: word === 'ROLLUP' ? 'rollup' : 'cube', items };
  }
  if (word === 'GROUPING' && cursor.peek(1).word === 'SETS') {
    cursor.next();
    cursor.next();
    const sets = cursor.parenthesised(() => {
      cursor.expect('(');
      const set = cursor.at(')') ? [] : list();
      cursor.expect(')');
      return set;
    });
    return { kind: 'grouping_sets', sets };
  }
  const items = list();
  if (!cursor.takeAll('WITH', 'ROLLUP')) return { kind: 'simple', items };
  return { kind: 'rollup', items };
}
