// Routine Load statements and the COLUMNS list. Commas between load properties may be missing or extra.
import { fail } from '../../base/errors.ts';
import type { Position, QualifiedName } from '../ast/node.ts';
import type {
  AlterRoutineLoad,
  CheckRoutineLoad,
  ControlRoutineLoad,
  CreateRoutineLoad,
  LoadColumn,
  LoadProperties,
  LoadSource,
  ReplayRoutineLoad,
  ShowRoutineLoad,
  ShowRoutineLoadTask,
} from '../ast/routine-load.ts';
import {
  notSupported,
  parseFromDatabase,
  parseJobName,
  parseProperties,
  parsePropertyList,
} from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseLimit, parseOrderBy } from './order.ts';
import { parsePartitionNames } from './relation.ts';

/** What may come behind the tables, and what tells it from a table of that name. */
const CLAUSES: Readonly<Record<string, readonly string[]>> = {
  COLUMNS: ['(', 'TERMINATED'],
  ROWS: ['TERMINATED'],
  WHERE: [],
  TEMPORARY: ['PARTITION', 'PARTITIONS'],
  PARTITION: [],
  PARTITIONS: ['('],
  PROPERTIES: ['('],
  FROM: [],
};

function isAtClause(cursor: Cursor): boolean {
  const nexts = CLAUSES[cursor.token.word];
  return nexts !== undefined && (nexts.length === 0 || nexts.includes(cursor.peek(1).word));
}

/** After CREATE ROUTINE. Throws SQL_ANALYZE for a load property given twice. */
export function parseCreateRoutineLoad(cursor: Cursor, pos: Position): CreateRoutineLoad {
  cursor.expect('LOAD');
  const name = parseJobName(cursor);
  cursor.expect('ON');
  const table = cursor.qualifiedName();
  const furtherTables: QualifiedName[] = [];
  // A comma may also come before the first clause.
  while (cursor.take(',')) {
    if (isAtClause(cursor)) break;
    furtherTables.push(cursor.qualifiedName());
  }
  const load = parseLoadProperties(cursor);
  const properties = parseProperties(cursor);
  cursor.take(',');
  cursor.at('FROM');
  const source = parseSource(cursor);
  if (source === null) throw cursor.unexpected();
  return {
    kind: 'create_routine_load',
    pos,
    name,
    table,
    furtherTables,
    load,
    properties,
    source,
  };
}

/** After ALTER ROUTINE. */
export function parseAlterRoutineLoad(cursor: Cursor, pos: Position): AlterRoutineLoad {
  cursor.expectAll('LOAD', 'FOR');
  const name = parseJobName(cursor);
  const load = parseLoadProperties(cursor);
  const properties = parseProperties(cursor);
  cursor.take(',');
  return {
    kind: 'alter_routine_load',
    pos,
    name,
    load,
    properties,
    source: parseSource(cursor),
  };
}

/** At PAUSE, RESUME or STOP. */
export function parseControlRoutineLoad(cursor: Cursor): ControlRoutineLoad {
  const { pos } = cursor.token;
  const verb = cursor.expectOneOf(['PAUSE', 'RESUME', 'STOP'] as const);
  cursor.expectAll('ROUTINE', 'LOAD', 'FOR');
  const name = parseJobName(cursor);
  switch (verb) {
    case 'PAUSE':
      return { kind: 'pause_routine_load', pos, name };
    case 'RESUME':
      return { kind: 'resume_routine_load', pos, name };
    case 'STOP':
      return { kind: 'stop_routine_load', pos, name };
  }
}

/** At REPLAY. */
export function parseReplayRoutineLoad(cursor: Cursor): ReplayRoutineLoad {
  const { pos } = cursor.expect('REPLAY');
  cursor.expectAll('ROUTINE', 'LOAD', 'FOR');
  const name = parseJobName(cursor);
  const where = cursor.take('WHERE') ? cursor.grammar.expression(cursor) : null;
  return { kind: 'replay_routine_load', pos, name, where, limit: parseLimit(cursor) };
}

/** After CHECK. */
export function parseCheckRoutineLoad(cursor: Cursor, pos: Position): CheckRoutineLoad {
  cursor.expectAll('ROUTINE', 'LOAD', 'FOR');
  const name = parseJobName(cursor);
  return { kind: 'check_routine_load', pos, name, limit: parseLimit(cursor) };
}

/** After SHOW [ALL] ROUTINE. */
export function parseShowRoutineLoad(
  cursor: Cursor,
  pos: Position,
  all: boolean,
): ShowRoutineLoad | ShowRoutineLoadTask {
  cursor.expect('LOAD');
  if (!all && cursor.take('TASK')) {
    const database = parseDatabase(cursor);
    const where = cursor.take('WHERE') ? cursor.grammar.expression(cursor) : null;
    return { kind: 'show_routine_load_task', pos, database, where };
  }
  return {
    kind: 'show_routine_load',
    pos,
    all,
    name: cursor.take('FOR') ? parseJobName(cursor) : null,
    database: parseDatabase(cursor),
    where: cursor.take('WHERE') ? cursor.grammar.expression(cursor) : null,
    orderBy: parseOrderBy(cursor),
    limit: parseLimit(cursor),
  };
}

function parseDatabase(cursor: Cursor): ShowRoutineLoad['database'] {
  const database = parseFromDatabase(cursor);
  return database === null ? null : { pos: database.pos, name: database.name };
}

/** `[FROM KAFKA (...)]`. */
function parseSource(cursor: Cursor): LoadSource | null {
  const { pos } = cursor.token;
  if (!cursor.take('FROM')) return null;
  const type = cursor.identifier().name.toUpperCase();
  if (type !== 'KAFKA' && type !== 'PULSAR') throw notSupported(`routine load from ${type}`);
  return { pos, type, properties: parsePropertyList(cursor) };
}

type Draft = { -readonly [K in keyof LoadProperties]: LoadProperties[K] };

function parseLoadProperties(cursor: Cursor): LoadProperties {
  const draft: Draft = {
    columnSeparator: null,
    rowDelimiter: null,
    columns: null,
    where: null,
    partitions: null,
  };
  do {
    while (cursor.take(','));
  } while (parseLoadProperty(cursor, draft));
  return draft;
}

/** Reads one clause into the draft; false when none comes. */
function parseLoadProperty(cursor: Cursor, draft: Draft): boolean {
  if (cursor.take('COLUMNS')) {
    if (cursor.take('TERMINATED')) {
      cursor.expect('BY');
      once(draft.columnSeparator, 'column separator');
      draft.columnSeparator = cursor.string();
    } else {
      once(draft.columns, 'columns info');
      draft.columns = cursor.parenthesised(() => parseLoadColumn(cursor));
    }
    return true;
  }
  if (cursor.take('ROWS')) {
    cursor.expectAll('TERMINATED', 'BY');
    once(draft.rowDelimiter, 'row delimiter');
    draft.rowDelimiter = cursor.string();
    return true;
  }
  if (cursor.take('WHERE')) {
    once(draft.where, 'where predicate');
    draft.where = cursor.grammar.expression(cursor);
    return true;
  }
  cursor.at('TEMPORARY');
  const partitions = parsePartitionNames(cursor);
  if (partitions === null) return false;
  once(draft.partitions, 'partition names');
  draft.partitions = partitions;
  return true;
}

function once(value: unknown, what: string): void {
  if (value !== null) throw fail('SQL_ANALYZE', { detail: `repeat setting of ${what}` });
}

/** `name` or `name = expr`. */
export function parseLoadColumn(cursor: Cursor): LoadColumn {
  const { pos, name } = cursor.identifier();
  if (!cursor.take('=')) return { pos, name, expression: null };
  return { pos, name, expression: cursor.grammar.expression(cursor) };
}
