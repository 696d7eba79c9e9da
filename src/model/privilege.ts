// The privileges there are: which types of object, and what may be granted on each. One table, from which
// GRANT, SHOW PRIVILEGES, the built-in roles and the checks are made. SOURCE: StarRocks docs, privilege items.

/** Spelled as in GRANT; SHOW GRANTS writes `_` for the blanks. */
export type PrivilegeType =
  | 'ALTER'
  | 'BLACKLIST'
  | 'CREATE DATABASE'
  | 'CREATE EXTERNAL CATALOG'
  | 'CREATE FUNCTION'
  | 'CREATE GLOBAL FUNCTION'
  | 'CREATE MATERIALIZED VIEW'
  | 'CREATE PIPE'
  | 'CREATE RESOURCE'
  | 'CREATE RESOURCE GROUP'
  | 'CREATE STORAGE VOLUME'
  | 'CREATE TABLE'
  | 'CREATE VIEW'
  | 'DELETE'
  | 'DROP'
  | 'EXPORT'
  | 'FILE'
  | 'GRANT'
  | 'IMPERSONATE'
  | 'INSERT'
  | 'NODE'
  | 'OPERATE'
  | 'PLUGIN'
  | 'REFRESH'
  | 'REPOSITORY'
  | 'SELECT'
  | 'UPDATE'
  | 'USAGE';

/** What rights are about. Spelled as in GRANT. */
export type ObjectType =
  | 'SYSTEM'
  | 'CATALOG'
  | 'DATABASE'
  | 'TABLE'
  | 'VIEW'
  | 'MATERIALIZED VIEW'
  | 'FUNCTION'
  | 'GLOBAL FUNCTION'
  | 'RESOURCE'
  | 'RESOURCE GROUP'
  | 'STORAGE VOLUME'
  | 'USER';

/** Object type -> what may be granted on it, in the order in which SHOW GRANTS lists it. */
export const OBJECT_PRIVILEGES: Readonly<Record<ObjectType, readonly PrivilegeType[]>> = {
  SYSTEM: [
    'GRANT',
    'NODE',
    'CREATE RESOURCE',
    'PLUGIN',
    'FILE',
    'BLACKLIST',
    'OPERATE',
    'CREATE EXTERNAL CATALOG',
    'REPOSITORY',
    'CREATE RESOURCE GROUP',
    'CREATE GLOBAL FUNCTION',
    'CREATE STORAGE VOLUME',
  ],
  CATALOG: ['USAGE', 'CREATE DATABASE', 'DROP', 'ALTER'],
  DATABASE: [
    'CREATE TABLE',
    'DROP',
    'ALTER',
    'CREATE VIEW',
    'CREATE FUNCTION',
    'CREATE MATERIALIZED VIEW',
    'CREATE PIPE',
  ],
  TABLE: ['DELETE', 'DROP', 'INSERT', 'SELECT', 'ALTER', 'EXPORT', 'UPDATE'],
  VIEW: ['SELECT', 'ALTER', 'DROP'],
  'MATERIALIZED VIEW': ['ALTER', 'REFRESH', 'DROP', 'SELECT'],
  FUNCTION: ['USAGE', 'DROP'],
  'GLOBAL FUNCTION': ['USAGE', 'DROP'],
  RESOURCE: ['USAGE', 'ALTER', 'DROP'],
  'RESOURCE GROUP': ['ALTER', 'DROP'],
  'STORAGE VOLUME': ['DROP', 'ALTER', 'USAGE'],
  USER: ['IMPERSONATE'],
};

/** GRANT and NODE come only with the built-in roles. SOURCE: StarRocks docs, privilege items, SYSTEM. */
export const NOT_GRANTABLE: ReadonlySet<PrivilegeType> = new Set<PrivilegeType>(['GRANT', 'NODE']);

/** One object that a statement needs rights on. */
export type ObjectRef =
  | { readonly type: 'SYSTEM' }
  | { readonly type: 'CATALOG'; readonly name: string }
  | { readonly type: 'DATABASE'; readonly database: string }
  /** Whatever has the name: a table, a view, a temporary table. */
  | { readonly type: 'TABLE'; readonly database: string; readonly name: string }
  | { readonly type: 'STORAGE VOLUME'; readonly name: string }
  | { readonly type: 'USER'; readonly name: string; readonly host: string }
  /** A load job stands for the table that it loads into. */
  | { readonly type: 'ROUTINE LOAD'; readonly database: string; readonly name: string };

/** One right that a statement needs. An object that does not exist needs none: the handler says what is missing. */
export interface Requirement {
  /** One of these is enough; `ANY`: any privilege on the object, for a database also on anything in it. */
  readonly anyOf: readonly PrivilegeType[] | 'ANY';
  readonly on: ObjectRef;
}
