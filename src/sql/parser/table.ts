// CREATE TABLE. The order of the clauses after the columns is fixed, as in StarRocks.
import type {
  AggregateType,
  ColumnDefault,
  ColumnDefinition,
  CreateTable,
  CreateTableLike,
  DistributedBy,
  IndexDefinition,
  KafkaTopic,
  KeyType,
} from '../ast/ddl.ts';
import type { Identifier, Position } from '../ast/node.ts';
import {
  notSupported,
  parseComment,
  parseIfNotExists,
  parseProperties,
  parsePropertyList,
} from './clause.ts';
import type { Cursor } from './cursor.ts';
import { skipCharset } from './ddl.ts';
import { parsePartitionBy } from './partition.ts';
import { parsePrimary } from './primary.ts';
import { atQuery } from './query.ts';
import { parseType } from './type.ts';

const AGGREGATES: readonly AggregateType[] = [
  'SUM',
  'MAX',
  'MIN',
  'REPLACE',
  'REPLACE_IF_NOT_NULL',
  'BITMAP_UNION',
  'HLL_UNION',
  'PERCENTILE_UNION',
];

export interface TableFlags {
  readonly temporary: boolean;
  readonly external: boolean;
}

/** After CREATE [TEMPORARY] [EXTERNAL] TABLE. Throws SQL_SYNTAX, NOT_SUPPORTED. */
export function parseCreateTable(
  cursor: Cursor,
  pos: Position,
  { temporary, external }: TableFlags,
): CreateTable | CreateTableLike {
  const ifNotExists = parseIfNotExists(cursor);
  const name = cursor.qualifiedName();
  if (cursor.take('LIKE')) {
    const like = cursor.qualifiedName();
    return { kind: 'create_table_like', pos, temporary, ifNotExists, name, like };
  }
  const columns: ColumnDefinition[] = [];
  const indexes: IndexDefinition[] = [];
  const columnNames = atNames(cursor) ? parseNames(cursor) : [];
  if (columnNames.length === 0 && cursor.take('(')) {
    do {
      if (cursor.token.word === 'INDEX') indexes.push(parseIndex(cursor));
      else columns.push(parseColumn(cursor));
    } while (cursor.take(','));
    cursor.expect(')');
  }
  const clauses = parseClauses(cursor);
  const head = { pos, temporary, external, ifNotExists, name };
  const topic = columns.length === 0 ? parseTopic(cursor) : null;
  if (topic !== null) {
    const nothing = { columns, columnNames, indexes, query: null };
    return { kind: 'create_table', ...head, ...nothing, ...clauses, topic };
  }
  const query = parseAsSelect(cursor, columns.length === 0);
  return { kind: 'create_table', ...head, columns, columnNames, indexes, ...clauses, query };
}

/** `(a, b)` without types, as it stands before AS SELECT or FROM KAFKA TOPIC: one of them must follow somewhere. */
function atNames(cursor: Cursor): boolean {
  if (cursor.token.word !== '(' || ![',', ')'].includes(cursor.peek(2).word)) return false;
  for (let ahead = 3; cursor.peek(ahead).type !== 'end'; ahead += 1) {
    if (['SELECT', 'WITH', 'VALUES', 'FROM'].includes(cursor.peek(ahead).word)) return true;
  }
  return false;
}

type Clauses = Pick<
  CreateTable,
  'engine' | 'keys' | 'comment' | 'partitionBy' | 'distributedBy' | 'orderBy' | 'properties'
>;

function parseClauses(cursor: Cursor): Clauses {
  let engine: string | null = null;
  if (cursor.take('ENGINE')) {
    cursor.expect('=');
    engine = cursor.identifierOrString().name;
  }
  skipCharset(cursor);
  const keyType = cursor.takeOneOf(['DUPLICATE', 'PRIMARY', 'UNIQUE', 'AGGREGATE'] as const);
  let keys: Clauses['keys'] = null;
  if (keyType !== null) {
    cursor.expect('KEY');
    keys = { type: keyType, columns: parseKeyNames(cursor, keyType) };
  }
  const comment = parseComment(cursor);
  const partitionBy = cursor.takeAll('PARTITION', 'BY') ? parsePartitionBy(cursor) : null;
  const distributedBy = cursor.take('DISTRIBUTED') ? parseDistributedBy(cursor) : null;
  const orderBy = cursor.takeAll('ORDER', 'BY') ? parseNames(cursor) : [];
  if (cursor.token.word === 'ROLLUP') throw notSupported('ROLLUP in CREATE TABLE');
  const properties = parseProperties(cursor);
  return { engine, keys, comment, partitionBy, distributedBy, orderBy, properties };
}

/** `[FROM KAFKA TOPIC 'name' PROPERTIES (...)]`. */
function parseTopic(cursor: Cursor): KafkaTopic | null {
  const { pos } = cursor.token;
  if (!cursor.take('FROM')) return null;
  cursor.expectAll('KAFKA', 'TOPIC');
  const name = cursor.string();
  cursor.expect('PROPERTIES');
  return { pos, name, properties: parsePropertyList(cursor) };
}

function parseAsSelect(cursor: Cursor, required: boolean): CreateTable['query'] {
  if (cursor.take('AS')) return cursor.grammar.query(cursor);
  if (required && !atQuery(cursor)) {
    cursor.note('(');
    throw cursor.unexpected();
  }
  return required ? cursor.grammar.query(cursor) : null;
}

function parseNames(cursor: Cursor): readonly Identifier[] {
  return cursor.parenthesised(() => cursor.identifier());
}

/** `DUPLICATE KEY()`: rows in no order. SOURCE: StarRocks, tables without a sort key. */
function parseKeyNames(cursor: Cursor, type: KeyType): readonly Identifier[] {
  if (type === 'DUPLICATE' && cursor.token.word === '(' && cursor.peek(1).word === ')') {
    cursor.expectAll('(', ')');
    return [];
  }
  return parseNames(cursor);
}

/** One column of a list: name, type and what may follow. */
export function parseColumn(cursor: Cursor): ColumnDefinition {
  const { pos, name } = cursor.identifier();
  const type = parseType(cursor, 'column');
  skipCharset(cursor);
  const isKey = cursor.take('KEY');
  const aggregate = cursor.takeOneOf(AGGREGATES);
  let nullable: boolean | null = null;
  if (cursor.take('NULL')) {
    nullable = true;
  } else if (cursor.take('NOT')) {
    cursor.expect('NULL');
    nullable = false;
  }
  const defaultValue = cursor.take('DEFAULT') ? parseDefault(cursor) : null;
  const autoIncrement = cursor.take('AUTO_INCREMENT');
  const generated = cursor.take('AS') ? cursor.grammar.expression(cursor) : null;
  const comment = parseComment(cursor);
  cursor.settle();
  return {
    pos,
    name,
    type,
    isKey,
    aggregate,
    nullable,
    defaultValue,
    autoIncrement,
    generated,
    comment,
  };
}

/** After DEFAULT. StarRocks wants a string; bare numbers and booleans are taken as their text. */
function parseDefault(cursor: Cursor): ColumnDefault {
  if (cursor.take('NULL')) return { kind: 'null' };
  if (cursor.take('(')) {
    const expression = cursor.grammar.expression(cursor);
    cursor.expect(')');
    return { kind: 'expression', expression };
  }
  const { type, word, text } = cursor.token;
  if (word === 'TRUE' || word === 'FALSE') {
    cursor.next();
    return { kind: 'text', value: text };
  }
  if (word === 'CURRENT_TIMESTAMP' || (word === 'NOW' && cursor.peek(1).word === '(')) {
    return { kind: 'expression', expression: parsePrimary(cursor) };
  }
  const sign = word === '-' ? cursor.next().text : '';
  switch (cursor.token.type) {
    case 'integer':
    case 'decimal':
    case 'float':
      return { kind: 'text', value: `${sign}${cursor.next().text}` };
    default:
      if (sign !== '' || type !== 'string') {
        for (const known of ['NULL', 'CURRENT_TIMESTAMP', '(']) cursor.note(known);
      }
      return { kind: 'text', value: cursor.string() };
  }
}

function parseIndex(cursor: Cursor): IndexDefinition {
  const { pos } = cursor.expect('INDEX');
  const { name } = cursor.identifier();
  const columns = parseNames(cursor);
  const type = cursor.take('USING') ? cursor.next().word : null;
  if (type !== null && cursor.token.word === '(') parsePropertyList(cursor);
  return { pos, name, columns, type, comment: parseComment(cursor) };
}

/** After DISTRIBUTED. */
export function parseDistributedBy(cursor: Cursor): DistributedBy {
  cursor.expect('BY');
  const hash = cursor.expectOneOf(['HASH', 'RANDOM']) === 'HASH';
  const columns = hash ? parseNames(cursor) : [];
  const buckets = cursor.take('BUCKETS') ? Number(cursor.integerText()) : null;
  return { kind: hash ? 'hash' : 'random', columns, buckets };
}
