// SHOW and DESC. Which words may follow SHOW is one table, so that a wrong word names its neighbours.

import type { Position, QualifiedName } from '../ast/node.ts';
import type { ShowListWhat, ShowVariables } from '../ast/show.ts';
import type { Statement } from '../ast/statement.ts';
import { parseShowAuthentication, parseShowCreateUser, parseShowProperty } from './account.ts';
import {
  notSupported,
  parseDatabaseName,
  parseFromDatabase,
  parseJobName,
  parseShowFilter,
} from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseGrantee } from './grant.ts';
import { parseLimit } from './order.ts';
import { parseShowRoutineLoad } from './routine-load.ts';

type ShowRule = (cursor: Cursor, pos: Position) => Statement;

const list =
  (what: ShowListWhat, ...words: readonly string[]): ShowRule =>
  (cursor, pos) => {
    cursor.expectAll(...words);
    const database = parseFromDatabase(cursor);
    return { kind: 'show_list', pos, what, database, ...parseShowFilter(cursor) };
  };

const databases: ShowRule = (cursor, pos) => {
  const from = parseFromDatabase(cursor);
  return {
    kind: 'show_databases',
    pos,
    catalog: from === null ? null : from.name,
    ...parseShowFilter(cursor),
  };
};

const tables: ShowRule = (cursor, pos) => parseTables(cursor, pos, false);
const columns: ShowRule = (cursor, pos) => parseColumns(cursor, pos, false);

const index: ShowRule = (cursor, pos) => ({
  kind: 'show_index',
  pos,
  table: parseTableFrom(cursor),
});

const variables =
  (kind: ShowVariables['kind']): ShowRule =>
  (cursor, pos) => ({ kind, pos, scope: null, ...parseShowFilter(cursor) });

const scoped =
  (scope: 'SESSION' | 'GLOBAL'): ShowRule =>
  (cursor, pos) => {
    const what = cursor.expectOneOf(['VARIABLES', 'STATUS']);
    const kind = what === 'STATUS' ? 'show_status' : 'show_variables';
    return { kind, pos, scope, ...parseShowFilter(cursor) };
  };

/** First word after SHOW -> the rest. */
const RULES: ReadonlyMap<string, ShowRule> = new Map<string, ShowRule>([
  [
    'ALL',
    (cursor, pos) => {
      if (cursor.take('AUTHENTICATION')) return parseShowAuthentication(cursor, pos, true);
      cursor.expect('ROUTINE');
      return parseShowRoutineLoad(cursor, pos, true);
    },
  ],
  ['AUTHENTICATION', (cursor, pos) => parseShowAuthentication(cursor, pos, false)],
  ['BACKENDS', list('BACKENDS')],
  ['CATALOGS', list('CATALOGS')],
  ['CHAR', list('CHARSET', 'SET')],
  ['CHARACTER', list('CHARSET', 'SET')],
  ['CHARSET', list('CHARSET')],
  ['COLLATION', list('COLLATION')],
  ['COLUMNS', columns],
  ['COMPUTE', list('COMPUTE NODES', 'NODES')],
  ['CREATE', parseShowCreate],
  ['DATABASES', databases],
  ['ENGINES', list('ENGINES')],
  ['ERRORS', (cursor, pos) => ({ kind: 'show_errors', pos, limit: parseLimit(cursor) })],
  ['EVENTS', list('EVENTS')],
  ['FIELDS', columns],
  ['FRONTENDS', list('FRONTENDS')],
  ['FULL', parseFull],
  ['FUNCTION', list('FUNCTION STATUS', 'STATUS')],
  ['GLOBAL', scoped('GLOBAL')],
  ['GRANTS', parseGrants],
  ['INDEX', index],
  ['INDEXES', index],
  ['KEY', index],
  ['KEYS', index],
  ['LOCAL', scoped('SESSION')],
  ['OPEN', list('OPEN TABLES', 'TABLES')],
  ['PLUGINS', list('PLUGINS')],
  ['PRIVILEGES', (cursor, pos) => ({ kind: 'show_privileges', pos, ...parseShowFilter(cursor) })],
  ['PROC', (cursor, pos) => ({ kind: 'show_proc', pos, path: cursor.string() })],
  ['PROCEDURE', list('PROCEDURE STATUS', 'STATUS')],
  ['PROCESSLIST', (_, pos) => ({ kind: 'show_processlist', pos, full: false })],
  ['PROPERTY', parseShowProperty],
  ['ROLES', (_, pos) => ({ kind: 'show_roles', pos })],
  ['ROUTINE', (cursor, pos) => parseShowRoutineLoad(cursor, pos, false)],
  ['SCHEMAS', databases],
  ['SESSION', scoped('SESSION')],
  ['STATUS', variables('show_status')],
  ['STORAGE', parseStorage],
  [
    'TABLE',
    (cursor, pos) => {
      cursor.expect('STATUS');
      const database = parseFromDatabase(cursor);
      return { kind: 'show_table_status', pos, database, ...parseShowFilter(cursor) };
    },
  ],
  ['TABLES', tables],
  ['TRIGGERS', list('TRIGGERS')],
  ['USERS', (_, pos) => ({ kind: 'show_users', pos })],
  ['VARIABLES', variables('show_variables')],
  ['WARNINGS', (cursor, pos) => ({ kind: 'show_warnings', pos, limit: parseLimit(cursor) })],
]);

/** SHOW statements that StarRocks has and Millrace does not. */
const NOT_YET: ReadonlySet<string> = new Set(
  (
    'ALTER ANALYZE AUTHORS BACKUP BASELINE BROKER CLUSTERS CNGROUPS DATA DATACACHE DELETE ' +
    'DICTIONARY DYNAMIC EXPORT FAILPOINTS FILE FUNCTIONS BUILTIN GROUP HISTOGRAM LOAD MASKING MATERIALIZED ' +
    'NODES PARTITIONS PASSWORD PIPES PLAN PROFILELIST REPOSITORIES RESOURCE RESOURCES RESTORE ROLE ' +
    'ROW RUNNING SECURITY SNAPSHOT SQL SQLBLACKLIST STATS STREAM TABLET TEMPORARY TRANSACTION ' +
    'USAGE USER VERBOSE WAREHOUSES WHITELIST'
  ).split(' '),
);

/** At SHOW. */
export function parseShow(cursor: Cursor): Statement {
  const { pos } = cursor.expect('SHOW');
  const { word } = cursor.token;
  const rule = RULES.get(word);
  if (rule === undefined) {
    if (NOT_YET.has(word)) throw notSupported(`SHOW ${word}`);
    for (const known of [...RULES.keys(), ...NOT_YET]) cursor.note(known);
    throw cursor.unexpected();
  }
  cursor.next();
  return rule(cursor, pos);
}

function parseTables(cursor: Cursor, pos: Position, full: boolean): Statement {
  const database = parseFromDatabase(cursor);
  return { kind: 'show_tables', pos, full, database, ...parseShowFilter(cursor) };
}

function parseColumns(cursor: Cursor, pos: Position, full: boolean): Statement {
  const table = parseTableFrom(cursor);
  return { kind: 'show_columns', pos, full, table, ...parseShowFilter(cursor) };
}

/** `FROM t [FROM db]`: the second FROM wins over a database written before the table. */
function parseTableFrom(cursor: Cursor): QualifiedName {
  cursor.expectOneOf(['FROM', 'IN']);
  const table = cursor.qualifiedName();
  const database = parseFromDatabase(cursor);
  if (database === null) return table;
  return { ...table, catalog: database.catalog, database: database.name };
}

function parseFull(cursor: Cursor, pos: Position): Statement {
  const word = cursor.expectOneOf(['TABLES', 'COLUMNS', 'FIELDS', 'PROCESSLIST'] as const);
  switch (word) {
    case 'TABLES':
      return parseTables(cursor, pos, true);
    case 'COLUMNS':
    case 'FIELDS':
      return parseColumns(cursor, pos, true);
    case 'PROCESSLIST':
      return { kind: 'show_processlist', pos, full: true };
  }
}

function parseStorage(cursor: Cursor, pos: Position): Statement {
  if (cursor.expectOneOf(['VOLUMES', 'ENGINES']) === 'ENGINES') {
    return { kind: 'show_list', pos, what: 'ENGINES', database: null, like: null, where: null };
  }
  return { kind: 'show_storage_volumes', pos, like: cursor.take('LIKE') ? cursor.string() : null };
}

function parseGrants(cursor: Cursor, pos: Position): Statement {
  const grantee = cursor.take('FOR') ? parseGrantee(cursor) : null;
  return { kind: 'show_grants', pos, grantee };
}

function parseShowCreate(cursor: Cursor, pos: Position): Statement {
  const words = ['DATABASE', 'SCHEMA', 'TABLE', 'VIEW', 'MATERIALIZED', 'ROUTINE', 'USER'] as const;
  const word = cursor.expectOneOf(words);
  switch (word) {
    case 'DATABASE':
    case 'SCHEMA':
      return { kind: 'show_create_database', pos, name: parseDatabaseName(cursor) };
    case 'USER':
      return parseShowCreateUser(cursor, pos);
    case 'ROUTINE':
      cursor.expect('LOAD');
      return { kind: 'show_create_routine_load', pos, name: parseJobName(cursor) };
    case 'MATERIALIZED': {
      cursor.expect('VIEW');
      const name = cursor.qualifiedName();
      return { kind: 'show_create_table', pos, type: 'MATERIALIZED VIEW', name };
    }
    case 'TABLE':
    case 'VIEW':
      return { kind: 'show_create_table', pos, type: word, name: cursor.qualifiedName() };
  }
}
