// INSERT INTO / OVERWRITE ... VALUES or SELECT.
import type { Insert } from '../ast/ddl.ts';
import { notSupported, parseProperties } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parsePartitionNames } from './relation.ts';

/** At INSERT. */
export function parseInsert(cursor: Cursor): Insert {
  const { pos } = cursor.expect('INSERT');
  const overwrite = cursor.expectOneOf(['INTO', 'OVERWRITE']) === 'OVERWRITE';
  if (cursor.token.word === 'FILES' || cursor.token.word === 'BLACKHOLE') {
    if (cursor.peek(1).word === '(') throw notSupported(`INSERT INTO ${cursor.token.word}`);
  }
  cursor.take('TABLE');
  const table = cursor.qualifiedName();
  const partitions = parsePartitionNames(cursor);
  let label: string | null = null;
  let columns: Insert['columns'] = null;
  let byName = false;
  for (;;) {
    if (columns === null && !byName && cursor.takeAll('BY', 'NAME')) {
      byName = true;
    } else if (columns === null && !byName && atColumnList(cursor)) {
      columns = cursor.parenthesised(() => cursor.identifier());
    } else if (label === null && cursor.token.word === 'WITH' && cursor.peek(1).word === 'LABEL') {
      cursor.next();
      cursor.next();
      label = cursor.identifierOrString().name;
    } else {
      break;
    }
  }
  const properties = parseProperties(cursor);
  for (const start of ['SELECT', 'WITH', 'VALUES', '(']) cursor.note(start);
  const query = cursor.grammar.query(cursor);
  const target = { overwrite, table, partitions, label, columns, byName, properties };
  return { kind: 'insert', pos, ...target, query };
}

/** `(` that is not the beginning of a query. */
function atColumnList(cursor: Cursor): boolean {
  return cursor.token.word === '(' && !['SELECT', 'WITH', '('].includes(cursor.peek(1).word);
}
