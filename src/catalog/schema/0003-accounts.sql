-- Users, roles and grants. Objects are named by id, so that a rename keeps rights and a table made anew
-- under an old name has none of them.

ALTER TABLE users ADD COLUMN plugin TEXT NOT NULL DEFAULT 'mysql_native_password';
-- 1: every role of the user is active after login, later ones too.
ALTER TABLE users ADD COLUMN all_roles_default BIGINT NOT NULL DEFAULT 0;

-- The host of the account that made the job: its rights are looked at whenever the job is scheduled.
ALTER TABLE load_jobs ADD COLUMN user_host TEXT NOT NULL DEFAULT '%';

-- Properties belong to a user's name, whatever the host.
CREATE TABLE user_properties (
  user_name TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (user_name, name)
);

-- Roles that users made. The built-in ones have negative ids and are in the code.
CREATE TABLE roles (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  comment TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE user_roles (
  user_name TEXT NOT NULL,
  user_host TEXT NOT NULL,
  role_id BIGINT NOT NULL,
  is_default BIGINT NOT NULL,
  PRIMARY KEY (user_name, user_host, role_id)
);

-- role_id has what granted_role_id has.
CREATE TABLE role_roles (
  role_id BIGINT NOT NULL,
  granted_role_id BIGINT NOT NULL,
  PRIMARY KEY (role_id, granted_role_id)
);

CREATE TABLE grants (
  grantee_type TEXT NOT NULL CHECK (grantee_type IN ('USER', 'ROLE')),
  -- The user's name, or the role's id.
  grantee_name TEXT NOT NULL,
  -- '' for a role.
  grantee_host TEXT NOT NULL,
  object_type TEXT NOT NULL,
  -- Id of the database; '*' = all; '' where objects of the type are in no database.
  database_key TEXT NOT NULL,
  -- Id or name of the object; '*' = all.
  object_key TEXT NOT NULL,
  privilege TEXT NOT NULL,
  -- WITH GRANT OPTION.
  grantable BIGINT NOT NULL,
  PRIMARY KEY (grantee_type, grantee_name, grantee_host, object_type, database_key, object_key, privilege)
);
CREATE INDEX grants_object ON grants (object_type, object_key);
