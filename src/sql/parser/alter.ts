// ALTER TABLE and ALTER DATABASE. What StarRocks has beyond this is named and refused.
import { type AppError, fail } from '../../base/errors.ts';
import type { AlterDatabase, AlterTable, AlterTableClause, CancelAlterTable } from '../ast/ddl.ts';
import type { Position } from '../ast/node.ts';
import { parseColumnClause } from './alter-column.ts';
import { parsePartitionClause } from './alter-partition.ts';
import { parseDatabaseName, parsePropertyList } from './clause.ts';
import type { Cursor } from './cursor.ts';

/** First words of clauses that come with changes of a table's schema and partitions. */
const LATER = [
  'ADD',
  'DROP',
  'MODIFY',
  'ORDER',
  'DISTRIBUTED',
  'PARTITIONS',
  'REPLACE',
  'OPTIMIZE',
];

function later(clause: string): AppError {
  const instead = 'CREATE TABLE with the new columns, then INSERT INTO ... SELECT';
  return fail('STATEMENT_NOT_YET', { what: `ALTER TABLE ... ${clause}`, instead });
}

/** After ALTER TABLE. */
export function parseAlterTable(cursor: Cursor, pos: Position): AlterTable {
  const name = cursor.qualifiedName();
  const clauses = cursor.list(() => parseClause(cursor));
  return { kind: 'alter_table', pos, name, clauses };
}

function parseClause(cursor: Cursor): AlterTableClause {
  const aboutColumns = parseColumnClause(cursor);
  if (aboutColumns !== null) return aboutColumns;
  const aboutPartitions = parsePartitionClause(cursor);
  if (aboutPartitions !== null) return aboutPartitions;
  const { word } = cursor.token;
  const next = cursor.peek(1).word;
  if (LATER.includes(word)) throw later(`${word} ${next}`);
  if (cursor.take('RENAME')) {
    const isPart = cursor.token.word === 'ROLLUP';
    const isName = cursor.peek(1).type === 'end' || cursor.peek(1).word === ',';
    if (isPart && !isName) throw later(`RENAME ${cursor.token.word}`);
    cursor.take('TO');
    return { kind: 'rename', name: cursor.identifier().name };
  }
  if (cursor.take('COMMENT')) {
    cursor.take('=');
    return { kind: 'comment', comment: cursor.string() };
  }
  if (cursor.take('SWAP')) {
    cursor.expect('WITH');
    return { kind: 'swap', name: cursor.identifier().name };
  }
  const isCompact =
    cursor.take('COMPACT') ||
    cursor.takeAll('BASE', 'COMPACT') ||
    cursor.takeAll('CUMULATIVE', 'COMPACT');
  if (isCompact) return { kind: 'compact', partitions: parsePartitions(cursor) };
  if (cursor.at('ROLLBACK')) return parseRollback(cursor);
  cursor.expect('SET');
  return { kind: 'set', properties: parsePropertyList(cursor) };
}

/** At ROLLBACK. */
function parseRollback(cursor: Cursor): AlterTableClause {
  const { pos } = cursor.expect('ROLLBACK');
  cursor.expect('TO');
  const unit = cursor.expectOneOf(['VERSION', 'TIMESTAMP'] as const);
  return { kind: 'rollback', to: { pos, unit, expression: cursor.grammar.value(cursor) } };
}

/** At CANCEL, before ALTER. */
export function parseCancelAlter(cursor: Cursor): CancelAlterTable {
  const { pos } = cursor.expect('CANCEL');
  cursor.expectAll('ALTER', 'TABLE');
  const what = cursor.expectOneOf(['COLUMN', 'ROLLUP', 'OPTIMIZE']);
  cursor.expect('FROM');
  const name = cursor.qualifiedName();
  const jobIds = cursor.at('(') ? cursor.parenthesised(() => cursor.integerText()) : [];
  return { kind: 'cancel_alter_table', pos, what, name, jobIds };
}

/** After COMPACT: nothing, one name, or several in parentheses. */
function parsePartitions(cursor: Cursor): readonly string[] {
  if (cursor.at('(')) return cursor.parenthesised(() => cursor.identifier().name);
  const { type, word } = cursor.token;
  return type === 'end' || word === ',' ? [] : [cursor.identifier().name];
}

/** After ALTER DATABASE. */
export function parseAlterDatabase(cursor: Cursor, pos: Position): AlterDatabase {
  const name = parseDatabaseName(cursor);
  const kind = 'alter_database';
  if (cursor.take('RENAME')) {
    return { kind, pos, name, change: { kind: 'rename', name: cursor.identifier().name } };
  }
  cursor.expect('SET');
  if (cursor.takeAll('DATA', 'QUOTA')) {
    return { kind, pos, name, change: { kind: 'data_quota', quota: parseQuota(cursor) } };
  }
  if (cursor.takeAll('REPLICA', 'QUOTA')) {
    return { kind, pos, name, change: { kind: 'replica_quota', quota: cursor.integerText() } };
  }
  cursor.take('PROPERTIES');
  return { kind, pos, name, change: { kind: 'set', properties: parsePropertyList(cursor) } };
}

/** `100GB`, `100 GB` or a number of bytes: the lexer may see one token or two. */
function parseQuota(cursor: Cursor): string {
  const { type, text } = cursor.token;
  if (type === 'integer') {
    const number = cursor.integerText();
    const unit = cursor.token.type === 'end' ? '' : cursor.identifier().name;
    return `${number}${unit.toUpperCase()}`;
  }
  cursor.identifier();
  return text.toUpperCase();
}
