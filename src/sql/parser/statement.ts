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
import { notSupported } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseCreateDatabase, parseDropDatabase, parseDropTable, parseTruncate } from './ddl.ts';
import { parseGrant } from './grant.ts';
import { parseInsert } from './insert.ts';
import { parseDeallocate, parseDeallocated, parseExecute, parsePrepare } from './prepare.ts';
import { parseQuery } from './query.ts';
import {
  parseAlterRoutineLoad,
  parseControlRoutineLoad,
  parseCreateRoutineLoad,
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
  ['WITH', parseQuery],
  ['ADMIN', parseAdmin],
  ['ALTER', parseAlter],
  ['BEGIN', parseBegin],
  ['COMMIT', parseEnd],
  ['CREATE', parseCreate],
  ['DEALLOCATE', parseDeallocate],
  ['DESC', parseDescribe],
  ['DESCRIBE', parseDescribe],
  ['DROP', parseDrop],
  ['EXECUTE', parseExecute],
  ['EXPLAIN', parseDescribe],
  ['GRANT', parseGrant],
  ['INSERT', parseInsert],
  ['KILL', parseKill],
  ['PAUSE', parseControlRoutineLoad],
  ['PREPARE', (cursor) => parsePrepare(cursor, parseStatementRule)],
  ['RESUME', parseControlRoutineLoad],
  ['REVOKE', parseGrant],
  ['ROLLBACK', parseEnd],
  ['SET', parseSet],
  ['SHOW', parseShow],
  ['START', parseStart],
  ['STOP', parseControlRoutineLoad],
  ['TRUNCATE', parseTruncate],
  ['USE', parseUse],
]);

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** First words of StarRocks statements that Millrace does not have. They still count as near misses. */
const NOT_YET = words(
  'ADD ANALYZE BACKUP CACHE CALL CANCEL CLEAR DELETE EXPORT HELP INSTALL LOAD ' +
    'LOCK RECOVER REFRESH RESTORE SUBMIT SUSPEND SYNC TRACE TRANSLATE UNINSTALL UNLOCK UPDATE',
);
const CREATE_NOT_YET = words(
  'ANALYZE BASELINE CATALOG DATACACHE DICTIONARY FILE FUNCTION GLOBAL GROUP INDEX MASKING MATERIALIZED ' +
    'OR PASSWORD PIPE READ REPOSITORY RESOURCE ROW SECURITY VIEW WAREHOUSE',
);
const ALTER_NOT_YET = words(
  'CATALOG DATABASE LOAD MASKING MATERIALIZED PIPE PLAN RESOURCE ROW SECURITY SYSTEM TABLE VIEW WAREHOUSE',
);
const DROP_NOT_YET = words(
  'ALL ANALYZE BASELINE CATALOG DATACACHE DICTIONARY FILE FUNCTION GLOBAL GROUP INDEX MASKING ' +
    'MATERIALIZED MULTIPLE PASSWORD PIPE REPOSITORY RESOURCE ROW SECURITY STATS VIEW WAREHOUSE',
);

/** One statement without its `;`. Throws SQL_SYNTAX, NOT_SUPPORTED, LIMIT_EXCEEDED, SQL_ANALYZE. */
export function parseStatementRule(cursor: Cursor): Statement {
  const { word } = cursor.token;
  const rule = RULES.get(word);
  if (rule !== undefined) return rule(cursor);
  if (word === 'LOAD' && cursor.peek(1).word === 'DATA') throw fail('LOCAL_INFILE');
  if (NOT_YET.has(word)) throw notSupported(word);
  for (const known of [...RULES.keys(), ...NOT_YET, ';']) cursor.note(known);
  throw cursor.unexpected();
}

function parseCreate(cursor: Cursor): Statement {
  const { pos } = cursor.expect('CREATE');
  refuse(cursor, 'CREATE', CREATE_NOT_YET);
  const external = cursor.take('EXTERNAL');
  if (external) refuse(cursor, 'CREATE EXTERNAL', CREATE_NOT_YET);
  const temporary = !external && cursor.take('TEMPORARY');
  if (external || temporary || cursor.at('TABLE')) {
    cursor.expect('TABLE');
    return parseCreateTable(cursor, pos, { temporary, external });
  }
  if (cursor.take('DATABASE') || cursor.take('SCHEMA')) return parseCreateDatabase(cursor, pos);
  if (cursor.take('ROLE')) return parseCreateRole(cursor, pos);
  if (cursor.take('ROUTINE')) return parseCreateRoutineLoad(cursor, pos);
  if (cursor.take('STORAGE')) return parseCreateStorageVolume(cursor, pos);
  if (cursor.take('USER')) return parseCreateUser(cursor, pos);
  return refuseUnknown(cursor, CREATE_NOT_YET);
}

function parseAlter(cursor: Cursor): Statement {
  const { pos } = cursor.expect('ALTER');
  refuse(cursor, 'ALTER', ALTER_NOT_YET);
  if (cursor.take('ROLE')) return parseAlterRole(cursor, pos);
  if (cursor.take('ROUTINE')) return parseAlterRoutineLoad(cursor, pos);
  if (cursor.take('STORAGE')) return parseAlterStorageVolume(cursor, pos);
  if (cursor.take('USER')) return parseAlterUser(cursor, pos);
  return refuseUnknown(cursor, ALTER_NOT_YET);
}

function parseDrop(cursor: Cursor): Statement {
  const { pos } = cursor.expect('DROP');
  refuse(cursor, 'DROP', DROP_NOT_YET);
  if (cursor.take('DATABASE') || cursor.take('SCHEMA')) return parseDropDatabase(cursor, pos);
  if (cursor.take('ROLE')) return parseDropRole(cursor, pos);
  if (cursor.take('STORAGE')) return parseDropStorageVolume(cursor, pos);
  if (cursor.take('USER')) return parseDropUser(cursor, pos);
  if (cursor.at('PREPARE')) return parseDeallocated(cursor, pos);
  const temporary = cursor.take('TEMPORARY');
  if (temporary || cursor.at('TABLE')) {
    cursor.expect('TABLE');
    return parseDropTable(cursor, pos, temporary);
  }
  return refuseUnknown(cursor, DROP_NOT_YET);
}

function refuse(cursor: Cursor, verb: string, notYet: ReadonlySet<string>): void {
  const { word } = cursor.token;
  if (notYet.has(word)) throw notSupported(`${verb} ${word}`);
}

function refuseUnknown(cursor: Cursor, alsoKnown: ReadonlySet<string>): never {
  for (const word of alsoKnown) cursor.note(word);
  throw cursor.unexpected();
}
