// PARTITION BY of CREATE TABLE: range, list and expression partitioning.
import type { ListPartition, PartitionBound, PartitionBy, RangePartition } from '../ast/ddl.ts';
import { parseIfNotExists, parsePropertyList } from './clause.ts';
import { type Cursor, isIdentifier } from './cursor.ts';
import { parsePrimary } from './primary.ts';

/** After PARTITION BY. */
export function parsePartitionBy(cursor: Cursor): PartitionBy {
  if (cursor.token.word === 'RANGE') {
    cursor.next();
    if (!atNames(cursor)) {
      const items = [parsePrimary(cursor)];
      const partitions = parseRangePartitions(cursor);
      return { kind: 'expression', items, partitions, inRange: true };
    }
    const columns = cursor.parenthesised(() => cursor.identifier());
    return { kind: 'range', columns, partitions: parseRangePartitions(cursor) };
  }
  if (cursor.token.word === 'LIST' && cursor.peek(1).word === '(') {
    cursor.next();
    const columns = cursor.parenthesised(() => cursor.identifier());
    return { kind: 'list', columns, partitions: parseListPartitions(cursor) };
  }
  const inParentheses = cursor.token.word === '(';
  const items = inParentheses
    ? cursor.parenthesised(() => cursor.grammar.expression(cursor))
    : cursor.list(() => cursor.grammar.expression(cursor));
  const partitions = cursor.token.word === '(' ? parseRangePartitions(cursor) : [];
  return { kind: 'expression', items, partitions };
}

/** `(name, name)` rather than an expression in parentheses? */
function atNames(cursor: Cursor): boolean {
  let ahead = 1;
  while (isIdentifier(cursor.peek(ahead))) {
    const { word } = cursor.peek(ahead + 1);
    if (word === ')') return true;
    if (word !== ',') return false;
    ahead += 2;
  }
  return false;
}

function parseRangePartitions(cursor: Cursor): readonly RangePartition[] {
  cursor.expect('(');
  if (cursor.take(')')) return [];
  const partitions = cursor.list(() => parseRangePartition(cursor));
  cursor.expect(')');
  return partitions;
}

/** One entry of a list of range partitions. */
export function parseRangePartition(cursor: Cursor): RangePartition {
  if (cursor.take('START')) return parseBatch(cursor);
  cursor.expect('PARTITION');
  const ifNotExists = parseIfNotExists(cursor);
  const { name } = cursor.identifier();
  cursor.expect('VALUES');
  if (cursor.take('LESS')) {
    cursor.expect('THAN');
    const bound = cursor.take('MAXVALUE') ? null : parseBound(cursor);
    return { kind: 'less_than', name, ifNotExists, bound, properties: parseOptions(cursor) };
  }
  cursor.expect('[');
  const lower = parseBound(cursor);
  cursor.expect(',');
  const upper = parseBound(cursor);
  cursor.expect(')');
  return { kind: 'fixed', name, ifNotExists, lower, upper, properties: parseOptions(cursor) };
}

/** After START: `("a") END ("b") EVERY (INTERVAL 1 DAY | 10)`. */
export function parseBatch(cursor: Cursor): Extract<RangePartition, { readonly kind: 'batch' }> {
  const inParentheses = <T>(rule: () => T): T => {
    cursor.expect('(');
    const result = rule();
    cursor.expect(')');
    return result;
  };
  const start = inParentheses(() => cursor.string());
  cursor.expect('END');
  const end = inParentheses(() => cursor.string());
  cursor.expect('EVERY');
  const every = inParentheses(() => cursor.grammar.value(cursor));
  return { kind: 'batch', start, end, every };
}

function parseBound(cursor: Cursor): PartitionBound {
  return cursor.parenthesised(() => (cursor.take('MAXVALUE') ? null : cursor.string()));
}

function parseOptions(cursor: Cursor): ListPartition['properties'] {
  return cursor.at('(') ? parsePropertyList(cursor) : [];
}

function parseListPartitions(cursor: Cursor): readonly ListPartition[] {
  if (!cursor.at('(')) return [];
  cursor.expect('(');
  if (cursor.take(')')) return [];
  const partitions = cursor.list(() => parseListPartition(cursor));
  cursor.expect(')');
  return partitions;
}

/** `PARTITION [IF NOT EXISTS] p VALUES IN (...)`. */
export function parseListPartition(cursor: Cursor): ListPartition {
  cursor.expect('PARTITION');
  const ifNotExists = parseIfNotExists(cursor);
  const { name } = cursor.identifier();
  cursor.expectAll('VALUES', 'IN');
  const values = cursor.parenthesised(() => parseListValue(cursor));
  return { name, ifNotExists, values, properties: parseOptions(cursor) };
}

function parseListValue(cursor: Cursor): readonly (string | null)[] {
  const one = (): string | null => (cursor.take('NULL') ? null : cursor.string());
  return cursor.at('(') ? cursor.parenthesised(one) : [one()];
}
