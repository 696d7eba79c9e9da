// Who may do what, as rows: the *_privileges views of information_schema and the role tables of sys.
import { type ViewTable, viewColumns } from './view.ts';

const SCOPE = 'v81 GRANTEE, v512 TABLE_CATALOG';
const RIGHT = 'v64 PRIVILEGE_TYPE, v3 IS_GRANTABLE';

export const GRANT_VIEWS: ViewTable = {
  user_privileges: {
    columns: viewColumns(`${SCOPE}, ${RIGHT}`),
    doc: 'rights on the system',
    rows: 'none',
  },
  schema_privileges: {
    columns: viewColumns(`${SCOPE}, v64 TABLE_SCHEMA, ${RIGHT}`),
    doc: 'rights on databases',
    rows: 'none',
  },
  table_privileges: {
    columns: viewColumns(`${SCOPE}, v64 TABLE_SCHEMA TABLE_NAME, ${RIGHT}`),
    doc: 'rights on tables',
    rows: 'none',
  },
  column_privileges: {
    columns: viewColumns(`${SCOPE}, v64 TABLE_SCHEMA TABLE_NAME COLUMN_NAME, ${RIGHT}`),
    doc: 'rights on columns: there are none, rights are on tables',
    rows: 'none',
  },
  applicable_roles: {
    columns: viewColumns(
      'v97 USER, v255 HOST, v97 GRANTEE, v255 GRANTEE_HOST ROLE_NAME ROLE_HOST, v3 IS_GRANTABLE IS_DEFAULT IS_MANDATORY',
    ),
    doc: "the session's roles",
    rows: 'none',
  },
};

const GRANT =
  'v1024 GRANTEE OBJECT_CATALOG OBJECT_DATABASE OBJECT_NAME, v64 OBJECT_TYPE, v1024 PRIVILEGE_TYPE, v8 IS_GRANTABLE';

export const SYS_GRANT_VIEWS: ViewTable = {
  role_edges: {
    columns: viewColumns('v1024 FROM_ROLE TO_ROLE TO_USER'),
    doc: 'which role is granted to which role or user',
    rows: 'none',
  },
  grants_to_roles: { columns: viewColumns(GRANT), doc: 'rights granted to roles', rows: 'none' },
  grants_to_users: { columns: viewColumns(GRANT), doc: 'rights granted to users', rows: 'none' },
};
