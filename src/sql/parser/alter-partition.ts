// Clauses of ALTER TABLE that change partitions: ADD, DROP, RENAME, REPLACE, MODIFY PARTITION.
import type { AlterPartitionClause } from '../ast/ddl.ts';
import type { Identifier } from '../ast/node.ts';
import { parseIfExists, parseProperties, parsePropertyList } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseBatch, parseListPartition, parseRangePartition } from './partition.ts';
import { parseDistributedBy } from './table.ts';

/** The clause that begins here; null when it is about something else than partitions. */
export function parsePartitionClause(cursor: Cursor): AlterPartitionClause | null {
  const second = cursor.peek(1).word;
  const isTemporary = second === 'TEMPORARY';
  const word = isTemporary ? cursor.peek(2).word : second;
  if (word !== 'PARTITION' && word !== 'PARTITIONS') return null;
  switch (cursor.token.word) {
    case 'ADD':
      return parseAdd(cursor);
    case 'DROP':
      return parseDrop(cursor);
    case 'RENAME':
      return atRename(cursor) ? parseRename(cursor) : null;
    case 'REPLACE':
      return parseReplace(cursor);
    case 'MODIFY':
      return parseModify(cursor);
    default:
      return null;
  }
}

/** `RENAME PARTITION a TO b`, rather than `RENAME partition`: a table may have that name. */
function atRename(cursor: Cursor): boolean {
  const after = cursor.peek(2);
  return after.type !== 'end' && ![',', ';'].includes(after.word);
}

function parseAdd(cursor: Cursor): AlterPartitionClause {
  cursor.expect('ADD');
  const temporary = cursor.take('TEMPORARY');
  const partition = parseAdded(cursor);
  const distributedBy = cursor.take('DISTRIBUTED') ? parseDistributedBy(cursor) : null;
  const properties = cursor.at('(') ? parsePropertyList(cursor) : parseProperties(cursor);
  return { kind: 'add_partition', temporary, partition, distributedBy, properties };
}

function parseAdded(
  cursor: Cursor,
): Extract<AlterPartitionClause, { kind: 'add_partition' }>['partition'] {
  if (cursor.take('PARTITIONS')) {
    cursor.expect('START');
    return parseBatch(cursor);
  }
  // PARTITION [IF NOT EXISTS] name VALUES IN
  const skip = cursor.peek(1).word === 'IF' ? 5 : 2;
  const isList = cursor.peek(skip).word === 'VALUES' && cursor.peek(skip + 1).word === 'IN';
  return isList ? { kind: 'list', ...parseListPartition(cursor) } : parseRangePartition(cursor);
}

function parseNames(cursor: Cursor): readonly Identifier[] {
  return cursor.at('(')
    ? cursor.parenthesised(() => cursor.identifierOrString())
    : [cursor.identifierOrString()];
}

function parseDrop(cursor: Cursor): AlterPartitionClause {
  cursor.expect('DROP');
  const temporary = cursor.take('TEMPORARY');
  cursor.expectOneOf(['PARTITION', 'PARTITIONS']);
  const ifExists = parseIfExists(cursor);
  if (cursor.take('WHERE')) {
    const what = { kind: 'where', condition: cursor.grammar.expression(cursor) } as const;
    return { kind: 'drop_partition', temporary, ifExists, what, force: cursor.take('FORCE') };
  }
  const isBatch = cursor.token.word === 'START' && cursor.peek(1).word === '(';
  if (isBatch) cursor.expect('START');
  const what = isBatch ? parseBatch(cursor) : parseNames(cursor);
  return { kind: 'drop_partition', temporary, ifExists, what, force: cursor.take('FORCE') };
}

function parseRename(cursor: Cursor): AlterPartitionClause {
  cursor.expectAll('RENAME', 'PARTITION');
  const { name } = cursor.identifierOrString();
  cursor.take('TO');
  return { kind: 'rename_partition', name, to: cursor.identifierOrString().name };
}

function parseReplace(cursor: Cursor): AlterPartitionClause {
  cursor.expect('REPLACE');
  cursor.expectOneOf(['PARTITION', 'PARTITIONS']);
  const names = parseNames(cursor);
  cursor.expectAll('WITH', 'TEMPORARY');
  cursor.expectOneOf(['PARTITION', 'PARTITIONS']);
  const by = parseNames(cursor);
  return { kind: 'replace_partition', names, by, properties: parseProperties(cursor) };
}

function parseModify(cursor: Cursor): AlterPartitionClause {
  cursor.expect('MODIFY');
  cursor.expectOneOf(['PARTITION', 'PARTITIONS']);
  const isAll = cursor.token.word === '(' && cursor.peek(1).word === '*';
  if (isAll) cursor.expectAll('(', '*', ')');
  const names = isAll ? null : parseNames(cursor);
  cursor.expect('SET');
  return { kind: 'modify_partition', names, properties: parsePropertyList(cursor) };
}
