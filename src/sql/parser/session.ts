// USE, KILL, transactions, ADMIN, DESC and EXPLAIN.
import type { Position } from '../ast/node.ts';
import type { ExplainLevel } from '../ast/session.ts';
import type { Statement } from '../ast/statement.ts';
import { parseDelete, parseUpdate, parseWithStatement } from './change.ts';
import { parseDatabaseName, parsePropertyList } from './clause.ts';
import { type Cursor, isIdentifier } from './cursor.ts';
import { parseInsert } from './insert.ts';
import { atQuery } from './query.ts';
import { parseCreateTable } from './table.ts';

/** At USE. */
export function parseUse(cursor: Cursor): Statement {
  const { pos } = cursor.expect('USE');
  return { kind: 'use_database', pos, name: parseDatabaseName(cursor) };
}

/** At KILL. */
export function parseKill(cursor: Cursor): Statement {
  const { pos } = cursor.expect('KILL');
  const target = cursor.takeOneOf(['QUERY', 'CONNECTION'] as const) ?? 'CONNECTION';
  const id = cursor.token.type === 'string' ? cursor.string() : cursor.integerText();
  return { kind: 'kill', pos, target, id };
}

/** At BEGIN: `BEGIN [WORK] [WITH LABEL l]`. */
export function parseBegin(cursor: Cursor): Statement {
  const { pos } = cursor.expect('BEGIN');
  cursor.take('WORK');
  return { kind: 'begin', pos, label: parseLabel(cursor) };
}

/** At START: `START TRANSACTION [WITH CONSISTENT SNAPSHOT] [WITH LABEL l]`. */
export function parseStart(cursor: Cursor): Statement {
  const { pos } = cursor.expect('START');
  cursor.expect('TRANSACTION');
  if (cursor.token.word === 'WITH' && cursor.peek(1).word === 'CONSISTENT') {
    cursor.next();
    cursor.next();
    cursor.expect('SNAPSHOT');
  }
  return { kind: 'begin', pos, label: parseLabel(cursor) };
}

function parseLabel(cursor: Cursor): string | null {
  if (!cursor.take('WITH')) return null;
  cursor.expect('LABEL');
  return cursor.identifierOrString().name;
}

/** At COMMIT or ROLLBACK; the words about CHAIN and RELEASE are read and mean nothing. */
export function parseEnd(cursor: Cursor): Statement {
  const { pos } = cursor.token;
  const verb = cursor.expectOneOf(['COMMIT', 'ROLLBACK'] as const);
  cursor.take('WORK');
  if (cursor.take('AND')) {
    cursor.take('NO');
    cursor.expect('CHAIN');
  }
  if (cursor.take('NO')) cursor.expect('RELEASE');
  else cursor.take('RELEASE');
  return { kind: verb === 'COMMIT' ? 'commit' : 'rollback', pos };
}

/** At ADMIN. */
export function parseAdmin(cursor: Cursor): Statement {
  const { pos } = cursor.expect('ADMIN');
  const verb = cursor.expectOneOf(['SHOW', 'SET', 'SWEEP'] as const);
  if (verb === 'SWEEP') {
    return { kind: 'admin_sweep', pos, dryRun: cursor.takeAll('DRY', 'RUN') };
  }
  cursor.expect('FRONTEND');
  if (verb === 'SET') {
    cursor.expect('CONFIG');
    const properties = parsePropertyList(cursor);
    // Every value is kept, so that the word changes nothing.
    if (cursor.take('WITH')) cursor.expect('PERSISTENT');
    return { kind: 'admin_set_config', pos, properties };
  }
  cursor.expect('CONFIG');
  return { kind: 'admin_show_config', pos, like: cursor.take('LIKE') ? cursor.string() : null };
}

const LEVELS: readonly ExplainLevel[] = [
  'LOGICAL',
  'ANALYZE',
  'VERBOSE',
  'COSTS',
  'CONTRIBUTION',
  'SCHEDULER',
];

/** At DESC, DESCRIBE or EXPLAIN: a storage volume, a table, or the plan of a query. */
export function parseDescribe(cursor: Cursor): Statement {
  const { pos, word } = cursor.token;
  if (!cursor.take('EXPLAIN')) cursor.expectOneOf(['DESC', 'DESCRIBE']);
  if (word !== 'EXPLAIN' && cursor.takeAll('STORAGE', 'VOLUME')) {
    return { kind: 'describe_storage_volume', pos, name: cursor.identifierOrString() };
  }
  const following = cursor.peek(1);
  // A table may have this name.
  if (word !== 'EXPLAIN' && cursor.token.word === 'KAFKA' && following.word === '(') {
    cursor.expect('KAFKA');
    return { kind: 'describe_kafka', pos, properties: parsePropertyList(cursor) };
  }
  const level = isLevelWord(cursor, following.word) ? cursor.takeOneOf(LEVELS) : null;
  const statement = parseExplained(cursor);
  if (statement === null) return parseDescribeTable(cursor, pos, level);
  return { kind: 'explain', pos, level: level ?? 'NORMAL', statement };
}

/** What EXPLAIN takes beside a table's name. */
function parseExplained(cursor: Cursor): Statement | null {
  switch (cursor.token.word) {
    case 'INSERT':
      return parseInsert(cursor);
    case 'UPDATE':
      return parseUpdate(cursor);
    case 'DELETE':
      return parseDelete(cursor);
    case 'CREATE':
      return parseExplainedTable(cursor);
    case 'WITH':
      return parseWithStatement(cursor);
    default:
      return atQuery(cursor) || cursor.at('(') ? cursor.grammar.query(cursor) : null;
  }
}

function parseExplainedTable(cursor: Cursor): Statement {
  const { pos } = cursor.expect('CREATE');
  const temporary = cursor.take('TEMPORARY');
  cursor.expect('TABLE');
  return parseCreateTable(cursor, pos, { temporary, external: false });
}

/** A level word counts only before a statement, so that tables may have such names. */
function isLevelWord(cursor: Cursor, following: string): boolean {
  return (
    LEVELS.some((level) => level === cursor.token.word) &&
    ['SELECT', 'WITH', '(', 'INSERT', 'UPDATE', 'DELETE'].includes(following)
  );
}

function parseDescribeTable(cursor: Cursor, pos: Position, level: ExplainLevel | null): Statement {
  if (level !== null || !isIdentifier(cursor.token)) {
    cursor.atIdentifier();
    throw cursor.unexpected();
  }
  const name = cursor.qualifiedName();
  return { kind: 'describe_table', pos, name, all: cursor.take('ALL') };
}
