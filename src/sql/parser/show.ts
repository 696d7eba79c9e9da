// SHOW and DESC. Which words may follow SHOW is one table, so that a wrong word names its neighbours.

import type { Position, QualifiedName } from '../ast/node.ts';
import type { ShowVariables, ShowWarnings } from '../ast/show.ts';
import type { Statement } from '../ast/statement.ts';
import { parseShowAuthentication, parseShowCreateUser, parseShowProperty } from './account.ts';
import { parseDatabaseName, parseFromDatabase, parseJobName, parseShowFilter } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseGrantee } from './grant.ts';
import { parseLimit } from './order.ts';
import { parseShowRoutineLoad } from './routine-load.ts';
import {
  LIST_FIRST_WORDS,
  listWordsAfter,
  parseShowList,
  parseShowOrder,
  unknownList,
} from './show-list.ts';

type ShowRule = (cursor: Cursor, pos: Position) => Statement;

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
const temporaryTables: ShowRule = (cursor, pos) => {
  cursor.expect('TABLES');
  const database = parseFromDatabase(cursor);
  const head = { kind: 'show_tables', pos, full: false, temporary: true, database } as const;
  return { ...head, ...parseShowFilter(cursor) };
};

const columns: ShowRule = (cursor, pos) => parseColumns(cursor, pos, false);

const index: ShowRule = (cursor, pos) => ({
  kind: 'show_index',
  pos,
  table: parseTableFrom(cursor),
});

const variables =
  (kind: ShowVariables['kind']): ShowRule =>
  (cursor, pos) => ({ kind, pos, scope: null, verbose: false, ...parseShowFilter(cursor) });

const scoped =
  (scope: 'SESSION' | 'GLOBAL'): ShowRule =>
  (cursor, pos) => {
    const what = cursor.expectOneOf(['VARIABLES', 'STATUS']);
    const kind = what === 'STATUS' ? 'show_status' : 'show_variables';
    return { kind, pos, scope, verbose: false, ...parseShowFilter(cursor) };
  };

/** First word after SHOW -> the rest. */
const RULES: ReadonlyMap<string, ShowRule> = new Map<string, ShowRule>([
  [
    'ALL',
    (cursor, pos) => {
      if (cursor.take('AUTHENTICATION')) return parseShowAuthentication(cursor, pos, true);
      return cursor.expectOneOf(['ROUTINE', 'STREAM']) === 'STREAM'
        ? parseStreamLoad(cursor, pos, true)
        : parseShowRoutineLoad(cursor, pos, true);
    },
  ],
  ['AUTHENTICATION', (cursor, pos) => parseShowAuthentication(cursor, pos, false)],
  ['COLUMNS', columns],
  ['CREATE', parseShowCreate],
  ['DATABASES', databases],
  ['ERRORS', messages('show_errors')],
  ['FIELDS', columns],
  ['FULL', parseFull],
  ['GLOBAL', scoped('GLOBAL')],
  ['GRANTS', parseGrants],
  ['INDEX', index],
  ['INDEXES', index],
  ['KEY', index],
  ['KEYS', index],
  ['LOCAL', scoped('SESSION')],
  ['PRIVILEGES', (cursor, pos) => ({ kind: 'show_privileges', pos, ...parseShowFilter(cursor) })],
  ['PROC', (cursor, pos) => ({ kind: 'show_proc', pos, path: cursor.string() })],
  ['PROCESSLIST', (_, pos) => ({ kind: 'show_processlist', pos, full: false })],
  ['PROPERTY', parseShowProperty],
  ['ROLES', (_, pos) => ({ kind: 'show_roles', pos })],
  ['ROUTINE', (cursor, pos) => parseShowRoutineLoad(cursor, pos, false)],
  ['SCHEMAS', databases],
  ['SESSION', scoped('SESSION')],
  ['STATUS', variables('show_status')],
  ['STORAGE', parseStorage],
  ['STREAM', (cursor, pos) => parseStreamLoad(cursor, pos, false)],
  [
    'TABLE',
    (cursor, pos) => {
      cursor.expect('STATUS');
      const database = parseFromDatabase(cursor);
      return { kind: 'show_table_status', pos, database, ...parseShowFilter(cursor) };
    },
  ],
  ['TABLES', tables],
  ['USERS', (_, pos) => ({ kind: 'show_users', pos })],
  ['VARIABLES', variables('show_variables')],
  [
    'VERBOSE',
    (cursor, pos) => {
      cursor.expect('VARIABLES');
      const filter = parseShowFilter(cursor);
      return { kind: 'show_variables', pos, scope: null, verbose: true, ...filter };
    },
  ],
  ['WARNINGS', messages('show_warnings')],
  ['COUNT', parseCount],
  [
    'DATA',
    (cursor, pos) => ({
      kind: 'show_data',
      pos,
      table: cursor.take('FROM') || cursor.take('IN') ? cursor.qualifiedName() : null,
    }),
  ],
  ['PARTITIONS', (cursor, pos) => parsePartitions(cursor, pos, false)],
  [
    'SNAPSHOTS',
    (cursor, pos) => ({
      kind: 'show_snapshots',
      pos,
      table: parseTableFrom(cursor),
      ...parseShowFilter(cursor),
      ...parseShowOrder(cursor),
    }),
  ],
  [
    'TABLET',
    (cursor, pos) => ({
      kind: 'show_tablet',
      pos,
      table: parseTableFrom(cursor),
      ...parseShowFilter(cursor),
      ...parseShowOrder(cursor),
    }),
  ],
  [
    'TEMPORARY',
    (cursor, pos) => {
      if (cursor.token.word === 'TABLES') return temporaryTables(cursor, pos);
      cursor.expect('PARTITIONS');
      return parsePartitions(cursor, pos, true);
    },
  ],
]);

/** At SHOW. */
export function parseShow(cursor: Cursor): Statement {
  const { pos } = cursor.expect('SHOW');
  const listed = parseShowList(cursor, pos);
  if (listed !== null) return listed;
  const { word } = cursor.token;
  const rule = RULES.get(word);
  const following = listWordsAfter(word);
  if (rule === undefined && following.length === 0) {
    for (const known of [...RULES.keys(), ...LIST_FIRST_WORDS]) cursor.note(known);
    throw cursor.unexpected();
  }
  if (rule === undefined) throw unknownList(cursor);
  cursor.next();
  for (const known of following) cursor.note(known);
  return rule(cursor, pos);
}

function messages(kind: ShowWarnings['kind']): ShowRule {
  return (cursor, pos) => ({ kind, pos, count: false, limit: parseLimit(cursor) });
}

/** After COUNT: `(*) WARNINGS`. */
function parseCount(cursor: Cursor, pos: Position): Statement {
  cursor.expectAll('(', '*', ')');
  const what = cursor.expectOneOf(['WARNINGS', 'ERRORS']);
  const kind = what === 'ERRORS' ? 'show_errors' : 'show_warnings';
  return { kind, pos, count: true, limit: null };
}

/** After STREAM: `LOAD [FOR [db.]label] [FROM db] ...`. A database before the label wins. */
function parseStreamLoad(cursor: Cursor, pos: Position, all: boolean): Statement {
  cursor.expect('LOAD');
  const named = cursor.take('FOR') ? parseJobName(cursor) : null;
  const from = parseFromDatabase(cursor);
  return {
    kind: 'show_stream_load',
    pos,
    all,
    label: named === null ? null : named.name,
    database:
      named === null || named.database === null
        ? from
        : { pos: named.pos, catalog: null, name: named.database },
    ...parseShowFilter(cursor),
    ...parseShowOrder(cursor),
  };
}

function parsePartitions(cursor: Cursor, pos: Position, temporary: boolean): Statement {
  return {
    kind: 'show_partitions',
    pos,
    temporary,
    table: parseTableFrom(cursor),
    ...parseShowFilter(cursor),
    ...parseShowOrder(cursor),
  };
}

function parseTables(cursor: Cursor, pos: Position, full: boolean): Statement {
  const database = parseFromDatabase(cursor);
  const head = { kind: 'show_tables', pos, full, temporary: false, database } as const;
  return { ...head, ...parseShowFilter(cursor) };
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
  cursor.expect('VOLUMES');
  return { kind: 'show_storage_volumes', pos, like: cursor.take('LIKE') ? cursor.string() : null };
}

function parseGrants(cursor: Cursor, pos: Position): Statement {
  const grantee = cursor.take('FOR') ? parseGrantee(cursor) : null;
  return { kind: 'show_grants', pos, grantee };
}

function parseShowCreate(cursor: Cursor, pos: Position): Statement {
  const words = ['DATABASE', 'SCHEMA', 'TABLE', 'VIEW', 'ROUTINE', 'CATALOG', 'USER'] as const;
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
    case 'CATALOG':
      return { kind: 'show_create_catalog', pos, name: cursor.identifierOrString().name };
    case 'TABLE':
    case 'VIEW':
      return { kind: 'show_create_table', pos, type: word, name: cursor.qualifiedName() };
  }
}
