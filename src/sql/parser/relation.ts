// FROM: tables, subqueries, table functions and joins.
import type {
  Join,
  JoinCondition,
  JoinType,
  PartitionNames,
  Relation,
  TableFunctionArgument,
  TimeTravel,
} from '../ast/query.ts';
import { JOIN_WORDS, parseAlias } from './alias.ts';
import { notSupported } from './clause.ts';
import { type Cursor, isIdentifier } from './cursor.ts';
import { parsePivots } from './pivot.ts';

interface JoinStart {
  readonly type: JoinType;
  readonly words: readonly string[];
}

/** Every spelling of a join; the first whose words all come next is it. */
const JOINS: readonly JoinStart[] = [
  { type: 'INNER', words: ['JOIN'] },
  { type: 'INNER', words: ['INNER', 'JOIN'] },
  { type: 'CROSS', words: ['CROSS', 'JOIN'] },
  { type: 'LEFT', words: ['LEFT', 'JOIN'] },
  { type: 'LEFT', words: ['LEFT', 'OUTER', 'JOIN'] },
  { type: 'RIGHT', words: ['RIGHT', 'JOIN'] },
  { type: 'RIGHT', words: ['RIGHT', 'OUTER', 'JOIN'] },
  { type: 'FULL', words: ['FULL', 'JOIN'] },
  { type: 'FULL', words: ['FULL', 'OUTER', 'JOIN'] },
  { type: 'LEFT SEMI', words: ['LEFT', 'SEMI', 'JOIN'] },
  { type: 'RIGHT SEMI', words: ['RIGHT', 'SEMI', 'JOIN'] },
  { type: 'LEFT ANTI', words: ['LEFT', 'ANTI', 'JOIN'] },
  { type: 'RIGHT ANTI', words: ['RIGHT', 'ANTI', 'JOIN'] },
];

/** `a, b JOIN c ...`: a comma is a cross join that binds weakest. */
export function parseRelations(cursor: Cursor): Relation {
  let left = parseJoined(cursor);
  while (cursor.take(',')) {
    const lateral = cursor.take('LATERAL');
    const right = parseJoined(cursor);
    const { pos } = left;
    left = { kind: 'join', pos, type: 'CROSS', hint: null, lateral, left, right, condition: null };
    cursor.grow(1);
  }
  return left;
}

function parseJoined(cursor: Cursor): Relation {
  let left = parsePivots(cursor, parseRelation(cursor));
  while (JOIN_WORDS.has(cursor.token.word)) {
    left = parseJoin(cursor, left);
    cursor.grow(1);
  }
  return left;
}

function parseJoin(cursor: Cursor, left: Relation): Join {
  const start = JOINS.find(({ words }) => words.every((word, i) => cursor.peek(i).word === word));
  if (start === undefined) {
    const first = cursor.next().word;
    for (const { words } of JOINS) if (words[0] === first) cursor.note(words[1] ?? 'JOIN');
    throw cursor.unexpected();
  }
  for (let i = 0; i < start.words.length; i += 1) cursor.next();
  const hint = parseHint(cursor);
  const lateral = cursor.take('LATERAL');
  const right = parsePivots(cursor, parseRelation(cursor));
  const optional = start.type === 'INNER' || start.type === 'CROSS';
  const condition = parseCondition(cursor, optional);
  return { kind: 'join', pos: left.pos, type: start.type, hint, lateral, left, right, condition };
}

/** `[broadcast]`, `[shuffle]`, `[skew|t.c(1, 2)]`... between JOIN and the table: only the first word is kept. */
function parseHint(cursor: Cursor): string | null {
  if (cursor.token.word !== '[') return null;
  cursor.next();
  const { name } = cursor.identifier();
  if (cursor.at('|')) {
    while (!cursor.at(']') && cursor.token.type !== 'end') cursor.next();
  }
  cursor.expect(']');
  return name.toUpperCase();
}

function parseCondition(cursor: Cursor, optional: boolean): JoinCondition | null {
  if (cursor.take('ON')) {
    return { kind: 'on', expression: cursor.grammar.expression(cursor) };
  }
  if (cursor.take('USING')) {
    return { kind: 'using', columns: cursor.parenthesised(() => cursor.identifier()) };
  }
  if (!optional) throw cursor.unexpected();
  cursor.settle();
  return null;
}

function parseRelation(cursor: Cursor): Relation {
  if (cursor.token.word === '(') return parseParenthesis(cursor);
  if (cursor.token.word === 'TABLE') {
    cursor.next();
    cursor.expect('(');
    const call = parseTableFunction(cursor);
    cursor.expect(')');
    return { ...call, ...parseAlias(cursor) };
  }
  if (isIdentifier(cursor.token) && cursor.peek(1).word === '(') {
    const call = parseTableFunction(cursor);
    return { ...call, ...parseAlias(cursor) };
  }
  if (cursor.token.word === 'FILES' && cursor.peek(1).word === '(') {
    throw notSupported('FILES(...) in FROM', 'use CREATE ROUTINE LOAD or INSERT INTO ... VALUES');
  }
  const name = cursor.qualifiedName();
  const asOf = parseTimeTravel(cursor);
  const partitions = parsePartitionNames(cursor);
  refuseTablets(cursor);
  const alias = parseAlias(cursor);
  if (cursor.token.word === '[') throw notSupported('a hint in brackets behind a table');
  const travel = asOf === null ? {} : { asOf };
  return { kind: 'table', pos: name.pos, name, ...travel, partitions, ...alias };
}

const PERIODS: readonly string[] = ['VERSION', 'TIMESTAMP', 'SYSTEM_TIME'];

/** `[FOR] VERSION | TIMESTAMP | SYSTEM_TIME AS OF value`; null when it does not come. */
function parseTimeTravel(cursor: Cursor): TimeTravel | null {
  const { pos } = cursor.token;
  const ahead = cursor.token.word === 'FOR' ? 1 : 0;
  const { word } = cursor.peek(ahead);
  if (!PERIODS.includes(word)) return null;
  const follows = cursor.peek(ahead + 1).word;
  // Without FOR the word may as well be an alias.
  if (ahead === 0 && (follows !== 'AS' || cursor.peek(2).word !== 'OF')) return null;
  if (['ALL', 'BETWEEN', 'FROM'].includes(follows)) {
    throw notSupported(`FOR ${word} ${follows}`, 'name one point with AS OF');
  }
  for (let i = 0; i <= ahead; i += 1) cursor.next();
  cursor.expectAll('AS', 'OF');
  const unit = word === 'VERSION' ? 'VERSION' : 'TIMESTAMP';
  return { pos, unit, expression: cursor.grammar.value(cursor) };
}

function refuseTablets(cursor: Cursor): void {
  const { word } = cursor.token;
  if ((word === 'TABLET' || word === 'TABLETS') && cursor.peek(1).word === '(') {
    throw notSupported(`${word} (...) behind a table`);
  }
}

/** `(SELECT ...) t`, `(VALUES ...) t`, `(a JOIN b ...)`, and parentheses around any of them. */
function parseParenthesis(cursor: Cursor): Relation {
  const outer = cursor.open();
  const { pos } = cursor.expect('(');
  const relation = parseInside(cursor, pos);
  cursor.expect(')');
  cursor.grow(1);
  cursor.close(outer);
  if (relation.kind !== 'derived_table' || relation.alias !== null) return relation;
  return { ...relation, ...parseAlias(cursor) };
}

function parseInside(cursor: Cursor, pos: Relation['pos']): Relation {
  const { word } = cursor.token;
  const none = { alias: null, columnAliases: [] };
  if (word === 'SELECT' || word === 'WITH' || word === 'VALUES') {
    return { kind: 'derived_table', pos, query: cursor.grammar.query(cursor), ...none };
  }
  const relation = parseRelations(cursor);
  if (relation.kind !== 'derived_table' || relation.alias !== null || cursor.at(')')) {
    return relation;
  }
  return {
    kind: 'derived_table',
    pos,
    query: cursor.grammar.rest(cursor, relation.query),
    ...none,
  };
}

function parseTableFunction(cursor: Cursor): Extract<Relation, { kind: 'table_function' }> {
  const { pos, name } = cursor.identifier();
  cursor.expect('(');
  const args = cursor.take(')') ? [] : cursor.list(() => parseArgument(cursor));
  if (args.length > 0) cursor.expect(')');
  return {
    kind: 'table_function',
    pos,
    name: name.toLowerCase(),
    args,
    alias: null,
    columnAliases: [],
  };
}

function parseArgument(cursor: Cursor): TableFunctionArgument {
  if (cursor.peek(1).word !== '=>') return { name: null, value: cursor.grammar.expression(cursor) };
  const { name } = cursor.identifier();
  cursor.expect('=>');
  return { name, value: cursor.grammar.expression(cursor) };
}

/** `[TEMPORARY] PARTITION[S] (p, ...)` or with bare names; null when it does not come. */
export function parsePartitionNames(cursor: Cursor): PartitionNames | null {
  const { pos } = cursor.token;
  const temporary =
    cursor.token.word === 'TEMPORARY' && ['PARTITION', 'PARTITIONS'].includes(cursor.peek(1).word);
  if (temporary) cursor.next();
  if (!cursor.take('PARTITION') && !cursor.take('PARTITIONS')) return null;
  const names = cursor.at('(')
    ? cursor.parenthesised(() => cursor.identifierOrString())
    : cursor.list(() => cursor.identifierOrString());
  return { pos, temporary, names };
}
