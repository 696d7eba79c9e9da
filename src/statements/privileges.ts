// The table of rights: statement kind -> what a statement of that kind needs. The compiler wants a row for
// every kind. execute.ts checks it before the handler runs; a handler checks only what depends on data
// that it reads (such as which rows to list). SOURCE: StarRocks docs, the "Privileges" of each statement.
import type { UserIdentity } from '../catalog/account-records.ts';
import type { PrivilegeType, Requirement } from '../model/privilege.ts';
import { collectTableRefs } from '../query/collect-table-refs.ts';
import type { DatabaseName } from '../sql/ast/ddl.ts';
import type { Property, QualifiedName } from '../sql/ast/node.ts';
import type { Query } from '../sql/ast/query.ts';
import type { JobName } from '../sql/ast/routine-load.ts';
import type { Statement, StatementKind } from '../sql/ast/statement.ts';
import { databaseOf, databaseOrCurrent } from './databases.ts';
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

export const STATEMENT_PRIVILEGES: { readonly [K in StatementKind]: RequirementsOf<K> } = {
  // -- storage volumes
  create_storage_volume: () => [onSystem('CREATE STORAGE VOLUME')],
  alter_storage_volume: ({ name }) => [onVolume(name.name, ['ALTER'])],
  drop_storage_volume: ({ name }) => [onVolume(name.name, ['DROP'])],
  // Lists those with any right.
  show_storage_volumes: 'none',
  describe_storage_volume: ({ name }) => [onVolume(name.name, 'ANY')],
  set_default_storage_volume: ({ name }) => [onVolume(name.name, ['ALTER'])],
  // -- databases and tables
  create_database: ({ properties }) => [
    { anyOf: ['CREATE DATABASE'], on: { type: 'CATALOG', name: 'default_catalog' } },
    ...ofVolumeProperty(properties),
  ],
  drop_database: ({ name }) => [onDatabase(databaseOf(name), ['DROP'])],
  // Lists those with any right on or in them.
  show_databases: 'none',
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
  alter_database: ({ name, change }) => [
    onDatabase(databaseOf(name), ['ALTER']),
    ...(change.kind === 'set' ? ofVolumeProperty(change.properties) : []),
  ],
  drop_table: ({ name }, session) => [onTable(name, session, ['DROP'])],
  truncate_table: ({ name }, session) => [onTable(name, session, ['DELETE'])],
  // List those with any right.
  show_tables: inDatabase,
  show_table_status: inDatabase,
  show_create_table: ({ name }, session) => [onTable(name, session, 'ANY')],
  describe_table: ({ name }, session) => [onTable(name, session, 'ANY')],
  show_columns: ({ table }, session) => [onTable(table, session, 'ANY')],
  show_index: ({ table }, session) => [onTable(table, session, 'ANY')],
  show_partitions: ({ table }, session) => [onTable(table, session, ['SELECT'])],
  show_tablet: () => [onSystem('OPERATE')],
  // Without a table it lists those with any right.
  show_data: ({ table }, session) => (table === null ? [] : [onTable(table, session, 'ANY')]),
  analyze_table: ({ table }, session) => [onTable(table, session, ['SELECT'])],
  lock_tables: ({ tables }, session) =>
    tables.map(({ table }) => onTable(table, session, ['SELECT'])),
  unlock_tables: 'none',
  // -- loading
  create_routine_load: ({ name, table }, session) => [
    {
      anyOf: ['INSERT'],
      on: {
        type: 'TABLE',
        database: databaseOrCurrent(name.database ?? table.database, session),
        name: table.name,
      },
    },
  ],
  alter_routine_load: ofJob,
  pause_routine_load: ofJob,
  resume_routine_load: ofJob,
  stop_routine_load: ofJob,
  // Lists the jobs into tables with INSERT.
  show_routine_load: 'none',
  show_routine_load_task: 'none',
  show_create_routine_load: ofJob,
  insert: ({ table, query }, session) => [
    onTable(table, session, ['INSERT']),
    ...queryRequirements(query, session),
  ],
  // -- users, roles and rights
  create_user: manageUsers,
  alter_user: ({ user, properties }, session) =>
    properties.length > 0 ? manageUsers() : ofOthers(user, session),
  drop_user: manageUsers,
  set_password: ({ user }, session) => ofOthers(user, session),
  set_property: manageUsers,
  execute_as: ({ user }) => [
    { anyOf: ['IMPERSONATE'], on: { type: 'USER', name: user.name, host: user.host } },
  ],
  create_role: manageUsers,
  alter_role: manageUsers,
  drop_role: manageUsers,
  // Own roles only.
  set_role: 'handler',
  set_default_role: ({ user }, session) => ofOthers(user, session),
  // GRANT on SYSTEM, or the grant option of every privilege.
  grant_privileges: 'handler',
  revoke_privileges: 'handler',
  grant_roles: manageUsers,
  revoke_roles: manageUsers,
  show_users: manageUsers,
  show_authentication: ({ user, all }, session) => (all ? manageUsers() : ofOthers(user, session)),
  show_create_user: ({ user }, session) => ofOthers(user, session),
  show_property: ({ userName }, session) =>
    userName === null || userName === session.principal.identity.name ? [] : manageUsers(),
  show_roles: manageUsers,
  // Own grants and own roles' grants; others' with GRANT on SYSTEM.
  show_grants: 'handler',
  show_privileges: 'none',
  // The rights of what it runs.
  submit_task: ({ name, statement }, session) =>
    statementRequirements(statement, {
      ...session,
      database: name?.database ?? session.database,
    }),
  // Own ones; others' with OPERATE: the handler knows whose it is.
  drop_task: 'none',
  // -- queries and sessions
  query: queryRequirements,
  explain: ({ statement }, session) => statementRequirements(statement, session),
  set_variables: ({ items }) =>
    items.some((item) => item.kind === 'system' && item.scope === 'GLOBAL')
      ? [onSystem('OPERATE')]
      : [],
  show_variables: 'none',
  show_status: 'none',
  show_warnings: 'none',
  show_errors: 'none',
  // Lists the own ones, all with OPERATE.
  show_processlist: 'none',
  // Own connections; others with OPERATE.
  kill: 'handler',
  // The statement inside is checked when it is prepared, and at each run.
  prepare: 'none',
  execute: 'none',
  deallocate: 'none',
  begin: 'none',
  commit: 'none',
  rollback: 'none',
  // -- server
  show_list: ({ what }) =>
    what === 'FRONTENDS' || what === 'BACKENDS' || what === 'COMPUTE NODES'
      ? [onSystem('OPERATE', 'NODE')]
      : what === 'PLUGINS'
        ? [onSystem('PLUGIN')]
        : what === 'RUNNING QUERIES' || what === 'WAREHOUSES'
          ? [onSystem('OPERATE')]
          : [],
  show_proc: () => [onSystem('OPERATE')],
  show_create_catalog: 'none',
  set_catalog: 'none',
  sync: 'none',
  help: 'none',
  admin_show_config: () => [onSystem('OPERATE')],
  admin_set_config: () => [onSystem('OPERATE')],
};

/** What the statement needs; empty = anybody may. Throws NO_DATABASE where a name needs one. */
export function statementRequirements(
  statement: Statement,
  session: Session,
): readonly Requirement[] {
  const rule = STATEMENT_PRIVILEGES[statement.kind];
  if (rule === 'none' || rule === 'handler') return [];
  // The table pairs each kind with a rule for that kind; the compiler cannot follow the pair through an index.
  return (rule as (node: Statement, session: Session) => readonly Requirement[])(
    statement,
    session,
  );
}
