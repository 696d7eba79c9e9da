// The first words of a statement decide which rule reads the rest.
import { fail } from '../../base/errors.ts';
import type { Statement } from '../ast/statement.ts';
import {
  parseAlterRole,
  parseAlterUser,
  parseCreateRole,
  parseCreateUser,
  parseDropRole,
  parseDropUser,
} from './account.ts';
import { parseAnalyze, parseCheck, parseHelp, parseLock, parseSync, parseUnlock } from './admin.ts';
import { parseAlterDatabase, parseAlterTable, parseCancelAlter } from './alter.ts';
import { parseDelete, parseUpdate, parseWithStatement } from './change.ts';
import type { Cursor } from './cursor.ts';
import {
  parseCreateDatabase,
  parseDropDatabase,
  parseDropTable,
  parseRecover,
  parseTruncate,
} from './ddl.ts';
import { parseFile } from './file.ts';
import { parseGrant } from './grant.ts';
import { parseInsert } from './insert.ts';
import { parseDeallocate, parseDeallocated, parseExecute, parsePrepare } from './prepare.ts';
import { parseQuery } from './query.ts';
import { checkNotRefused, REFUSED_FIRST_WORDS, refusedAfter } from './refused.ts';
import {
  parseAlterRoutineLoad,
  parseControlRoutineLoad,
  parseCreateRoutineLoad,
  parseReplayRoutineLoad,
} from './routine-load.ts';
import {
  parseAdmin,
  parseBegin,
  parseDescribe,
  parseEnd,
  parseKill,
  parseStart,
  parseUse,
} from './session.ts';
import { parseSet } from './set.ts';
import { parseShow } from './show.ts';
import { parseCreateTable } from './table.ts';
import { parseDropTask, parseSubmit } from './task.ts';
import { parseAlterView, parseCreateView, parseDropView } from './view.ts';
import {
  parseAlterStorageVolume,
  parseCreateStorageVolume,
  parseDropStorageVolume,
} from './volume.ts';

type StatementRule = (cursor: Cursor) => Statement;

/** First word -> rule. The rule still stands before that word. */
const RULES: ReadonlyMap<string, StatementRule> = new Map<string, StatementRule>([
  ['(', parseQuery],
  ['SELECT', parseQuery],
  ['WITH', parseWithStatement],
  ['ADMIN', parseAdmin],
  ['ALTER', parseAlter],
  ['ANALYZE', parseAnalyze],
  ['BEGIN', parseBegin],
  ['CHECK', parseCheck],
  ['COMMIT', parseEnd],
  ['CANCEL', parseCancelAlter],
  ['CREATE', parseCreate],
  ['DEALLOCATE', parseDeallocate],
  ['DELETE', (cursor) => parseDelete(cursor)],
  ['DESC', parseDescribe],
  ['DESCRIBE', parseDescribe],
  ['DROP', parseDrop],
  ['EXECUTE', parseExecute],
  ['EXPLAIN', parseDescribe],
  ['GRANT', parseGrant],
  ['HELP', parseHelp],
  ['INSERT', parseInsert],
  ['KILL', parseKill],
  ['LOCK', parseLock],
  ['PAUSE', parseControlRoutineLoad],
  ['PREPARE', (cursor) => parsePrepare(cursor, parseStatementRule)],
  ['RECOVER', parseRecover],
  ['REPLAY', parseReplayRoutineLoad],
  ['RESUME', parseControlRoutineLoad],
  ['REVOKE', parseGrant],
  ['ROLLBACK', parseEnd],
  ['SET', parseSet],
  ['SHOW', parseShow],
  ['START', parseStart],
  ['STOP', parseControlRoutineLoad],
  ['SUBMIT', parseSubmit],
  ['SYNC', parseSync],
  ['TRUNCATE', parseTruncate],
  ['UNLOCK', parseUnlock],
  ['UPDATE', (cursor) => parseUpdate(cursor)],
  ['USE', parseUse],
]);

/**
 * One statement without its `;`. Throws SQL_SYNTAX, NOT_SUPPORTED, STATEMENT_NOT_YET,
 * STATEMENT_OUT_OF_SCOPE, LIMIT_EXCEEDED, SQL_ANALYZE.
 */
export function parseStatementRule(cursor: Cursor): Statement {
  checkNotRefused(cursor);
  const rule = RULES.get(cursor.token.word);
  if (rule !== undefined) return rule(cursor);
  if (cursor.token.word === 'LOAD' && cursor.peek(1).word === 'DATA') throw fail('LOCAL_INFILE');
  for (const known of [...RULES.keys(), ...REFUSED_FIRST_WORDS, ';']) cursor.note(known);
  throw cursor.unexpected();
}

function parseCreate(cursor: Cursor): Statement {
  const { pos } = cursor.expect('CREATE');
  if (cursor.take('OR')) {
    cursor.expectAll('REPLACE', 'VIEW');
    return parseCreateView(cursor, pos, true);
  }
  const external = cursor.take('EXTERNAL');
  const temporary = !external && cursor.take('TEMPORARY');
  if (external || temporary || cursor.at('TABLE')) {
    cursor.expect('TABLE');
    return parseCreateTable(cursor, pos, { temporary, external });
  }
  if (cursor.take('DATABASE') || cursor.take('SCHEMA')) return parseCreateDatabase(cursor, pos);
  if (cursor.take('FILE')) return parseFile(cursor, pos, 'create_file');
  if (cursor.take('ROLE')) return parseCreateRole(cursor, pos);
  if (cursor.take('ROUTINE')) return parseCreateRoutineLoad(cursor, pos);
  if (cursor.take('STORAGE')) return parseCreateStorageVolume(cursor, pos);
  if (cursor.take('USER')) return parseCreateUser(cursor, pos);
  if (cursor.take('VIEW')) return parseCreateView(cursor, pos, false);
  return unknownAfter(cursor, 'CREATE');
}

function parseAlter(cursor: Cursor): Statement {
  const { pos } = cursor.expect('ALTER');
  if (cursor.take('ROLE')) return parseAlterRole(cursor, pos);
  if (cursor.take('ROUTINE')) return parseAlterRoutineLoad(cursor, pos);
  if (cursor.take('STORAGE')) return parseAlterStorageVolume(cursor, pos);
  if (cursor.take('USER')) return parseAlterUser(cursor, pos);
  if (cursor.take('TABLE')) return parseAlterTable(cursor, pos);
  if (cursor.take('VIEW')) return parseAlterView(cursor, pos);
  if (cursor.take('DATABASE') || cursor.take('SCHEMA')) return parseAlterDatabase(cursor, pos);
  return unknownAfter(cursor, 'ALTER');
}

function parseDrop(cursor: Cursor): Statement {
  const { pos } = cursor.expect('DROP');
  if (cursor.take('DATABASE') || cursor.take('SCHEMA')) return parseDropDatabase(cursor, pos);
  if (cursor.take('ROLE')) return parseDropRole(cursor, pos);
  if (cursor.take('FILE')) return parseFile(cursor, pos, 'drop_file');
  if (cursor.take('STORAGE')) return parseDropStorageVolume(cursor, pos);
  if (cursor.take('TASK')) return parseDropTask(cursor, pos);
  if (cursor.take('USER')) return parseDropUser(cursor, pos);
  if (cursor.take('VIEW')) return parseDropView(cursor, pos);
  if (cursor.at('PREPARE')) return parseDeallocated(cursor, pos);
  const temporary = cursor.take('TEMPORARY');
  if (temporary || cursor.at('TABLE')) {
    cursor.expect('TABLE');
    return parseDropTable(cursor, pos, temporary);
  }
  return unknownAfter(cursor, 'DROP');
}

/** The refused statements count as near misses, too. */
function unknownAfter(cursor: Cursor, verb: string): never {
  for (const word of refusedAfter(verb)) cursor.note(word);
  throw cursor.unexpected();
}
