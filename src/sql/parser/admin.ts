// ANALYZE, SYNC, HELP, LOCK TABLES, UNLOCK TABLES.
import type { LockTables } from '../ast/admin.ts';
import type { Statement } from '../ast/statement.ts';
import { parseProperties } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseCheckRoutineLoad } from './routine-load.ts';

/** At ANALYZE: `ANALYZE [FULL|SAMPLE] TABLE t [UPDATE HISTOGRAM ON] [(c, ...)] [WITH SYNC|ASYNC MODE] [WITH n BUCKETS] [PROPERTIES]`. */
export function parseAnalyze(cursor: Cursor): Statement {
  const { pos } = cursor.expect('ANALYZE');
  cursor.takeOneOf(['FULL', 'SAMPLE']);
  cursor.expect('TABLE');
  const table = cursor.qualifiedName();
  const isHistogram = cursor.take('UPDATE');
  if (isHistogram) cursor.expectAll('HISTOGRAM', 'ON');
  else if (cursor.takeAll('ALL', 'COLUMNS') || cursor.takeAll('PREDICATE', 'COLUMNS')) {
    parseModes(cursor);
    parseProperties(cursor);
    return { kind: 'analyze_table', pos, table, columns: [] };
  }
  const name = () => cursor.identifier();
  const columns = isHistogram
    ? cursor.list(name)
    : cursor.at('(')
      ? cursor.parenthesised(name)
      : [];
  parseModes(cursor);
  parseProperties(cursor);
  return { kind: 'analyze_table', pos, table, columns };
}

function parseModes(cursor: Cursor): void {
  while (cursor.take('WITH')) {
    if (cursor.token.type === 'integer') {
      cursor.integerText();
      cursor.expect('BUCKETS');
    } else {
      cursor.expectOneOf(['SYNC', 'ASYNC']);
      cursor.expect('MODE');
    }
  }
}

/** At CHECK. What is less than EXTENDED is one check here. */
export function parseCheck(cursor: Cursor): Statement {
  const { pos } = cursor.expect('CHECK');
  if (cursor.at('ROUTINE')) return parseCheckRoutineLoad(cursor, pos);
  cursor.expectOneOf(['TABLE', 'TABLES']);
  const tables = cursor.list(() => cursor.qualifiedName());
  let deep = false;
  while (cursor.token.type !== 'end' && cursor.token.word !== ';') {
    const words = ['EXTENDED', 'QUICK', 'FAST', 'MEDIUM', 'CHANGED', 'FOR'] as const;
    const word = cursor.expectOneOf(words);
    if (word === 'FOR') cursor.expect('UPGRADE');
    if (word === 'EXTENDED') deep = true;
  }
  return { kind: 'check_table', pos, tables, deep };
}

/** At SYNC. */
export function parseSync(cursor: Cursor): Statement {
  return { kind: 'sync', pos: cursor.expect('SYNC').pos };
}

/** At HELP: the rest are words of the topic. */
export function parseHelp(cursor: Cursor): Statement {
  const { pos } = cursor.expect('HELP');
  const words: string[] = [];
  while (cursor.token.type !== 'end' && cursor.token.word !== ';') words.push(cursor.next().text);
  return { kind: 'help', pos, topic: words.length === 0 ? null : words.join(' ') };
}

/** At LOCK: `LOCK TABLES t [AS a] {READ [LOCAL] | [LOW_PRIORITY] WRITE}, ...`. */
export function parseLock(cursor: Cursor): Statement {
  const { pos } = cursor.expect('LOCK');
  cursor.expectOneOf(['TABLES', 'TABLE']);
  const tables = cursor.list((): LockTables['tables'][number] => {
    const table = cursor.qualifiedName();
    if (cursor.take('AS')) cursor.identifier();
    cursor.take('LOW_PRIORITY');
    const write = cursor.expectOneOf(['READ', 'WRITE']) === 'WRITE';
    if (!write) cursor.take('LOCAL');
    return { table, write };
  });
  return { kind: 'lock_tables', pos, tables };
}

/** At UNLOCK. */
export function parseUnlock(cursor: Cursor): Statement {
  const { pos } = cursor.expect('UNLOCK');
  cursor.expectOneOf(['TABLES', 'TABLE']);
  return { kind: 'unlock_tables', pos, tables: [] };
}
