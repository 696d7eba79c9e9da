// The table of rights: statement kind -> what a statement of that kind needs. The compiler wants a row for
// every kind. execute.ts checks it before the handler runs; a handler checks only what depends on data
// that it reads (such as which rows to list). SOURCE: StarRocks docs, the "Privileges" of each statement.
import type { UserIdentity } from '../catalog/account-records.ts';
import type { PrivilegeType, Requirement } from '../model/privilege.ts';
import { changeQuery } from '../query/change-query.ts';
import { collectTableRefs } from '../query/collect-table-refs.ts';
import type { ChangeStatement } from '../sql/ast/change.ts';
import type { DatabaseName } from '../sql/ast/ddl.ts';
import type { Property, QualifiedName } from '../sql/ast/node.ts';
import type { Query } from '../sql/ast/query.ts';
import type { JobName } from '../sql/ast/routine-load.ts';
import type { Statement, StatementKind } from '../sql/ast/statement.ts';
import { databaseOf, databaseOrCurrent } from './databases.ts';
import { databaseOfFile } from './files.ts';
import { recordsWhere } from './rejected-records.ts';
import { tableName } from './tables.ts';
import type { Session, StatementFor } from './types.ts';

/**
 * The rights of one statement; all are needed. `'none'`: anybody who is logged in. `'handler'`: it depends
 * on what the handler reads, and is checked there.
 */
type RequirementsOf<K extends StatementKind> =
  | 'none'
  | 'handler'
  | ((statement: StatementFor<K>, session: Session) => readonly Requirement[]);

/** A rule, or a rule with what a reader of docs/reference/statements.md must know besides. */
type Row<K extends StatementKind> =
  | RequirementsOf<K>
  | { readonly of: RequirementsOf<K>; readonly note: string };

const onSystem = (...anyOf: readonly PrivilegeType[]): Requirement => ({
  anyOf,
  on: { type: 'SYSTEM' },
});

const onDatabase = (database: string, anyOf: readonly PrivilegeType[] | 'ANY'): Requirement => ({
  anyOf,
  on: { type: 'DATABASE', database },
});

const onTable = (
  name: QualifiedName,
  session: Session,
  anyOf: readonly PrivilegeType[] | 'ANY',
): Requirement => ({ anyOf, on: { type: 'TABLE', ...tableName(name, session) } });

const onVolume = (name: string, anyOf: readonly PrivilegeType[] | 'ANY'): Requirement => ({
  anyOf,
  on: { type: 'STORAGE VOLUME', name },
});

/** USAGE on the volume that the properties name. */
const ofVolumeProperty = (properties: readonly Property[]): readonly Requirement[] =>
  properties
    .filter(({ key }) => key === 'storage_volume')
    .map(({ value }) => onVolume(value, ['USAGE']));

/** SELECT on everything that the query names; what a view reads is its own business. */
export function queryRequirements(query: Query, session: Session): readonly Requirement[] {
  return collectTableRefs(query).map((ref) => ({
    anyOf: ['SELECT'],
    on: { type: 'TABLE', database: databaseOrCurrent(ref.database, session), name: ref.name },
  }));
}

/** SELECT on what a change reads beside the table that it changes. SOURCE: StarRocks, DELETE and UPDATE. */
function othersRead(statement: ChangeStatement, session: Session): readonly Requirement[] {
  const own = tableName(statement.table, session);
  const assignments = statement.kind === 'update' ? statement.assignments : [];
  const query = changeQuery(statement, own.database, assignments);
  return queryRequirements(query, session).filter(
    ({ on }) => on.type !== 'TABLE' || on.database !== own.database || on.name !== own.name,
  );
}

/** Any right on or in the database that the statement lists. */
const inDatabase = (
  { database }: { readonly database: DatabaseName | null },
  session: Session,
): readonly Requirement[] => [
  onDatabase(databaseOrCurrent(database === null ? null : databaseOf(database), session), 'ANY'),
];

const manageUsers = (): readonly Requirement[] => [onSystem('GRANT')];

/** Nothing for the own account, GRANT on SYSTEM for another one. */
const ofOthers = (user: UserIdentity | null, { principal }: Session): readonly Requirement[] => {
  const { name, host } = principal.identity;
  return user === null || (user.name === name && user.host === host) ? [] : manageUsers();
};

const ofJob = ({ name }: { readonly name: JobName }, session: Session): readonly Requirement[] => [
  {
    anyOf: ['INSERT'],
    on: {
      type: 'ROUTINE LOAD',
      database: databaseOrCurrent(name.database, session),
      name: name.name,
    },
  },
];

const READ_BESIDES = 'SELECT: on the tables that it reads besides its own';
const OWN_ACCOUNT = 'the own account: none';
const GRANT_OPTION = 'GRANT on SYSTEM, or the grant option of each privilege';

export const STATEMENT_PRIVILEGES: { readonly [K in StatementKind]: Row<K> } = {
  // -- storage volumes
  create_storage_volume: () => [onSystem('CREATE STORAGE VOLUME')],
  alter_storage_volume: ({ name }) => [onVolume(name.name, ['ALTER'])],
  drop_storage_volume: ({ name }) => [onVolume(name.name, ['DROP'])],
  show_storage_volumes: { of: 'none', note: 'lists those with any right' },
  describe_storage_volume: ({ name }) => [onVolume(name.name, 'ANY')],
  set_default_storage_volume: ({ name }) => [onVolume(name.name, ['ALTER'])],
  // -- small files
  create_file: (statement, session) => [
    onDatabase(databaseOfFile(statement, session), 'ANY'),
    onSystem('FILE'),
  ],
  drop_file: (statement, session) => [
    onDatabase(databaseOfFile(statement, session), 'ANY'),
    onSystem('FILE'),
  ],
  // -- databases and tables
  create_database: ({ properties }) => [
    { anyOf: ['CREATE DATABASE'], on: { type: 'CATALOG', name: 'default_catalog' } },
    ...ofVolumeProperty(properties),
  ],
  drop_database: ({ name }) => [onDatabase(databaseOf(name), ['DROP'])],
  show_databases: { of: 'none', note: 'lists those with any right on or in them' },
  show_create_database: ({ name }) => [onDatabase(databaseOf(name), 'ANY')],
  use_database: ({ name }) => [onDatabase(databaseOf(name), 'ANY')],
  create_table: ({ name, properties, query }, session) => [
    onDatabase(tableName(name, session).database, ['CREATE TABLE']),
    ...ofVolumeProperty(properties),
    ...(query === null ? [] : queryRequirements(query, session)),
  ],
  create_table_like: ({ name, like }, session) => [
    onDatabase(tableName(name, session).database, ['CREATE TABLE']),
    onTable(like, session, ['SELECT']),
  ],
  create_view: ({ name, query }, session) => [
    onDatabase(tableName(name, session).database, ['CREATE VIEW']),
    ...queryRequirements(query, session),
  ],
  alter_view: ({ name, query }, session) => [
    onTable(name, session, ['ALTER']),
    ...(query === null ? [] : queryRequirements(query, session)),
  ],
  drop_view: ({ name }, session) => [onTable(name, session, ['DROP'])],
  alter_table: ({ name }, session) => [onTable(name, session, ['ALTER'])],
  cancel_alter_table: ({ name }, session) => [onTable(name, session, ['ALTER'])],
  alter_database: ({ name, change }) => [
    onDatabase(databaseOf(name), ['ALTER']),
    ...(change.kind === 'set' ? ofVolumeProperty(change.properties) : []),
  ],
  drop_table: ({ name }, session) => [onTable(name, session, ['DROP'])],
  recover: ({ what }, session) => {
    switch (what.type) {
      case 'DATABASE':
        return [{ anyOf: ['CREATE DATABASE'], on: { type: 'CATALOG', name: 'default_catalog' } }];
      case 'TABLE':
        return [onDatabase(tableName(what.name, session).database, ['CREATE TABLE'])];
      case 'PARTITION':
        return [onTable(what.table, session, ['INSERT']), onTable(what.table, session, ['ALTER'])];
    }
  },
  truncate_table: ({ name }, session) => [onTable(name, session, ['DELETE'])],
  show_tables: { of: inDatabase, note: 'lists those with any right' },
  show_table_status: { of: inDatabase, note: 'lists those with any right' },
  show_create_table: ({ name }, session) => [onTable(name, session, 'ANY')],
  describe_table: ({ name }, session) => [onTable(name, session, 'ANY')],
  show_columns: ({ table }, session) => [onTable(table, session, 'ANY')],
  show_index: ({ table }, session) => [onTable(table, session, 'ANY')],
  show_partitions: ({ table }, session) => [onTable(table, session, ['SELECT'])],
  show_snapshots: ({ table }, session) => [onTable(table, session, ['SELECT'])],
  show_tablet: () => [onSystem('OPERATE')],
  show_data: {
    of: ({ table }, session) => (table === null ? [] : [onTable(table, session, 'ANY')]),
    note: 'without a table: none, lists those with any right',
  },
  analyze_table: ({ table }, session) => [onTable(table, session, ['SELECT'])],
  check_table: ({ tables }, session) => tables.map((table) => onTable(table, session, ['SELECT'])),
  lock_tables: ({ tables }, session) =>
    tables.map(({ table }) => onTable(table, session, ['SELECT'])),
  unlock_tables: 'none',
  // -- loading
  create_routine_load: ({ name, table, furtherTables }, session) =>
    [table, ...furtherTables].map((one) => ({
      anyOf: ['INSERT'],
      on: {
        type: 'TABLE',
        database: databaseOrCurrent(name.database ?? table.database, session),
        name: one.name,
      },
    })),
  alter_routine_load: ofJob,
  pause_routine_load: ofJob,
  resume_routine_load: ofJob,
  stop_routine_load: ofJob,
  check_routine_load: ofJob,
  replay_routine_load: {
    of: (statement, session) => [
      ...ofJob(statement, session),
      ...othersRead(recordsWhere(statement.where), session),
    ],
    note: 'SELECT: on the tables that its WHERE reads',
  },
  show_routine_load: { of: 'none', note: 'lists jobs into tables with INSERT' },
  show_routine_load_task: { of: 'none', note: 'lists jobs into tables with INSERT' },
  show_create_routine_load: ofJob,
  describe_kafka: (_, session) => [onDatabase(databaseOrCurrent(null, session), ['CREATE TABLE'])],
  insert: ({ table, query }, session) => [
    onTable(table, session, ['INSERT']),
    ...queryRequirements(query, session),
  ],
  delete: {
    of: (statement, session) => [
      onTable(statement.table, session, ['DELETE']),
      ...othersRead(statement, session),
    ],
    note: READ_BESIDES,
  },
  update: {
    of: (statement, session) => [
      onTable(statement.table, session, ['UPDATE']),
      ...othersRead(statement, session),
    ],
    note: READ_BESIDES,
  },
  // -- users, roles and rights
  create_user: manageUsers,
  alter_user: {
    of: ({ user, properties }, session) =>
      properties.length > 0 ? manageUsers() : ofOthers(user, session),
    note: 'the own account, without properties: none',
  },
  drop_user: manageUsers,
  set_password: { of: ({ user }, session) => ofOthers(user, session), note: OWN_ACCOUNT },
  set_property: manageUsers,
  execute_as: ({ user }) => [
    { anyOf: ['IMPERSONATE'], on: { type: 'USER', name: user.name, host: user.host } },
  ],
  create_role: manageUsers,
  alter_role: manageUsers,
  drop_role: manageUsers,
  set_role: { of: 'handler', note: 'own roles only' },
  set_default_role: { of: ({ user }, session) => ofOthers(user, session), note: OWN_ACCOUNT },
  grant_privileges: { of: 'handler', note: GRANT_OPTION },
  revoke_privileges: { of: 'handler', note: GRANT_OPTION },
  grant_roles: manageUsers,
  revoke_roles: manageUsers,
  show_users: manageUsers,
  show_authentication: {
    of: ({ user, all }, session) => (all ? manageUsers() : ofOthers(user, session)),
    note: OWN_ACCOUNT,
  },
  show_create_user: { of: ({ user }, session) => ofOthers(user, session), note: OWN_ACCOUNT },
  show_property: {
    of: ({ userName }, session) =>
      userName === null || userName === session.principal.identity.name ? [] : manageUsers(),
    note: OWN_ACCOUNT,
  },
  show_roles: manageUsers,
  show_grants: {
    of: 'handler',
    note: 'GRANT on SYSTEM; own grants and those of own roles: none',
  },
  show_privileges: 'none',
  submit_task: {
    of: ({ name, statement }, session) =>
      statementRequirements(statement, {
        ...session,
        database: name?.database ?? session.database,
      }),
    note: 'those of its statement, at each run too',
  },
  drop_task: { of: 'handler', note: 'OPERATE on SYSTEM; own tasks: none' },
  // -- queries and sessions
  query: { of: queryRequirements, note: 'for a view: on the view, not on what it reads' },
  explain: {
    of: ({ statement }, session) => statementRequirements(statement, session),
    note: 'those of its statement',
  },
  set_variables: {
    of: ({ items }) =>
      items.some((item) => item.kind === 'system' && item.scope === 'GLOBAL')
        ? [onSystem('OPERATE')]
        : [],
    note: 'without GLOBAL: none',
  },
  show_variables: 'none',
  show_status: 'none',
  show_warnings: 'none',
  show_errors: 'none',
  show_processlist: { of: 'none', note: 'lists own connections, with OPERATE on SYSTEM all' },
  kill: { of: 'handler', note: 'OPERATE on SYSTEM; own connections: none' },
  prepare: { of: 'handler', note: 'those of its statement, at each run too' },
  execute: { of: 'handler', note: 'those of its statement' },
  deallocate: 'none',
  begin: 'none',
  commit: 'none',
  rollback: 'none',
  // -- server
  show_list: {
    of: ({ what }) =>
      what === 'FRONTENDS' || what === 'BACKENDS' || what === 'COMPUTE NODES'
        ? [onSystem('OPERATE', 'NODE')]
        : what === 'PLUGINS'
          ? [onSystem('PLUGIN')]
          : what === 'RUNNING QUERIES' || what === 'WAREHOUSES'
            ? [onSystem('OPERATE')]
            : [],
    note: 'of FRONTENDS, BACKENDS, COMPUTE NODES; PLUGINS: PLUGIN on SYSTEM; RUNNING QUERIES, WAREHOUSES: OPERATE on SYSTEM; others: none',
  },
  show_stream_load: { of: 'none', note: 'lists loads into tables with INSERT' },
  show_proc: () => [onSystem('OPERATE')],
  show_create_catalog: 'none',
  set_catalog: 'none',
  sync: 'none',
  help: 'none',
  admin_show_config: () => [onSystem('OPERATE')],
  admin_set_config: () => [onSystem('OPERATE')],
  admin_sweep: () => [onSystem('OPERATE')],
};

/** What the statement needs; empty = anybody may. Throws NO_DATABASE where a name needs one. */
export function statementRequirements(
  statement: Statement,
  session: Session,
): readonly Requirement[] {
  const row = STATEMENT_PRIVILEGES[statement.kind];
  const rule = typeof row === 'object' ? row.of : row;
  if (rule === 'none' || rule === 'handler') return [];
  // The table pairs each kind with a rule for that kind; the compiler cannot follow the pair through an index.
  return (rule as (node: Statement, session: Session) => readonly Requirement[])(
    statement,
    session,
  );
}
