// SUBMIT TASK, DROP TASK.
import type { Position } from '../ast/node.ts';
import type { Statement } from '../ast/statement.ts';
import type { SubmitTask } from '../ast/task.ts';
import { parseIfExists, parseProperties } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseInsert } from './insert.ts';
import { parseCreateTable } from './table.ts';

/** At SUBMIT. */
export function parseSubmit(cursor: Cursor): Statement {
  const { pos } = cursor.expect('SUBMIT');
  const hints = cursor.hints();
  cursor.expect('TASK');
  const isNamed = !['AS', 'SCHEDULE', 'PROPERTIES'].includes(cursor.token.word);
  const name = isNamed ? cursor.qualifiedName(2) : null;
  const schedule = cursor.take('SCHEDULE') ? parseSchedule(cursor) : null;
  const properties = parseProperties(cursor);
  cursor.expect('AS');
  const statement = parseTaskStatement(cursor);
  return { kind: 'submit_task', pos, hints, name, schedule, properties, statement };
}

function parseSchedule(cursor: Cursor): SubmitTask['schedule'] {
  let start: string | null = null;
  if (cursor.take('START')) {
    cursor.expect('(');
    start = cursor.string();
    cursor.expect(')');
  }
  cursor.expectAll('EVERY', '(', 'INTERVAL');
  const every = cursor.integerText();
  const unit = cursor.expectOneOf(['DAY', 'HOUR', 'SECOND', 'MINUTE'] as const);
  cursor.expect(')');
  return { start, every, unit };
}

function parseTaskStatement(cursor: Cursor): SubmitTask['statement'] {
  if (cursor.at('INSERT')) return parseInsert(cursor);
  const { pos } = cursor.expect('CREATE');
  const temporary = cursor.take('TEMPORARY');
  cursor.expect('TABLE');
  const table = parseCreateTable(cursor, pos, { temporary, external: false });
  if (table.kind !== 'create_table' || table.query === null) throw cursor.unexpected();
  return table;
}

/** After DROP TASK. */
export function parseDropTask(cursor: Cursor, pos: Position): Statement {
  const ifExists = parseIfExists(cursor);
  const name = cursor.qualifiedName(2);
  return { kind: 'drop_task', pos, ifExists, name, force: cursor.take('FORCE') };
}
