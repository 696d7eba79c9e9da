-- Views, temporary tables, and whose transaction an INSERT is.

ALTER TABLE transactions ADD COLUMN user_name TEXT NOT NULL DEFAULT '';

-- '' = an ordinary table; else the session that a temporary table belongs to and ends with.
ALTER TABLE tables ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
DROP INDEX tables_live_name;
CREATE UNIQUE INDEX tables_live_name ON tables (database_id, session_id, name) WHERE dropped_ms IS NULL;

-- A view has no name in common with a table of its database: the statement that makes either looks at both.
CREATE TABLE views (
  id BIGINT NOT NULL PRIMARY KEY,
  database_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  -- Names, types and comments of its columns as they were when it was made.
  columns_json TEXT NOT NULL,
  -- The query as canonical SQL, every name qualified.
  definition TEXT NOT NULL,
  comment TEXT NOT NULL,
  security TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  changed_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX views_name ON views (database_id, name);
