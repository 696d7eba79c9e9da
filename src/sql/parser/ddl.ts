// CREATE and DROP of databases, DROP and TRUNCATE of tables, RECOVER of both. CREATE TABLE is in table.ts.
import type {
  CreateDatabase,
  DropDatabase,
  DropTable,
  Recover,
  TruncateTable,
} from '../ast/ddl.ts';
import type { Position } from '../ast/node.ts';
import {
  parseComment,
  parseDatabaseName,
  parseIfExists,
  parseIfNotExists,
  parseProperties,
} from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parsePartitionNames } from './relation.ts';

/** After CREATE DATABASE or CREATE SCHEMA. A character set is read and means nothing: text is UTF-8. */
export function parseCreateDatabase(cursor: Cursor, pos: Position): CreateDatabase {
  const ifNotExists = parseIfNotExists(cursor);
  const name = parseDatabaseName(cursor);
  skipCharset(cursor);
  const comment = parseComment(cursor);
  const properties = parseProperties(cursor);
  return { kind: 'create_database', pos, ifNotExists, name, comment, properties };
}

/** `[DEFAULT] {CHARSET | CHARACTER SET | CHAR SET | COLLATE} [=] name`, any number of them. */
export function skipCharset(cursor: Cursor): void {
  for (;;) {
    const following = cursor.peek(1).word;
    const isCharset = ['CHARSET', 'COLLATE', 'CHARACTER', 'CHAR'].includes(following);
    if (cursor.token.word === 'DEFAULT' && isCharset) cursor.next();
    const found =
      cursor.take('CHARSET') ||
      cursor.take('COLLATE') ||
      cursor.takeAll('CHARACTER', 'SET') ||
      cursor.takeAll('CHAR', 'SET');
    if (!found) return;
    cursor.take('=');
    cursor.identifierOrString();
  }
}

/** After DROP DATABASE or DROP SCHEMA. */
export function parseDropDatabase(cursor: Cursor, pos: Position): DropDatabase {
  const ifExists = parseIfExists(cursor);
  const name = parseDatabaseName(cursor);
  return { kind: 'drop_database', pos, ifExists, name, force: cursor.take('FORCE') };
}

/** After DROP [TEMPORARY] TABLE. */
export function parseDropTable(cursor: Cursor, pos: Position, temporary: boolean): DropTable {
  const ifExists = parseIfExists(cursor);
  const name = cursor.qualifiedName();
  return { kind: 'drop_table', pos, temporary, ifExists, name, force: cursor.take('FORCE') };
}

/** At TRUNCATE. */
export function parseTruncate(cursor: Cursor): TruncateTable {
  const { pos } = cursor.expect('TRUNCATE');
  cursor.expect('TABLE');
  const name = cursor.qualifiedName();
  return { kind: 'truncate_table', pos, name, partitions: parsePartitionNames(cursor) };
}

/** At RECOVER. */
export function parseRecover(cursor: Cursor): Recover {
  const { pos } = cursor.expect('RECOVER');
  const kind = 'recover';
  const type = cursor.expectOneOf(['DATABASE', 'SCHEMA', 'TABLE', 'PARTITION'] as const);
  switch (type) {
    case 'DATABASE':
    case 'SCHEMA':
      return { kind, pos, what: { type: 'DATABASE', name: parseDatabaseName(cursor) } };
    case 'TABLE':
      return { kind, pos, what: { type, name: cursor.qualifiedName() } };
    case 'PARTITION': {
      const { name } = cursor.identifierOrString();
      cursor.expect('FROM');
      return { kind, pos, what: { type, name, table: cursor.qualifiedName() } };
    }
  }
}
