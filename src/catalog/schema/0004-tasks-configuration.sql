-- Tasks of SUBMIT TASK, their runs, and configuration that was set while the server ran.

CREATE TABLE frontend_config (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE tasks (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  database_name TEXT NOT NULL,
  -- The statement after AS.
  definition TEXT NOT NULL,
  properties_json TEXT NOT NULL,
  -- The account that made it and whose rights its runs have.
  user_name TEXT NOT NULL,
  user_host TEXT NOT NULL,
  -- NULL: runs once.
  every_ms BIGINT,
  start_ms BIGINT,
  -- When it runs next; NULL: never again.
  next_run_ms BIGINT,
  created_ms BIGINT NOT NULL,
  -- When it is forgotten; NULL: never.
  expire_ms BIGINT
);

CREATE TABLE task_runs (
  query_id TEXT NOT NULL PRIMARY KEY,
  task_id BIGINT NOT NULL,
  task_name TEXT NOT NULL,
  database_name TEXT NOT NULL,
  definition TEXT NOT NULL,
  user_name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED')),
  created_ms BIGINT NOT NULL,
  started_ms BIGINT,
  finished_ms BIGINT,
  expire_ms BIGINT NOT NULL,
  error_code BIGINT NOT NULL,
  error_message TEXT NOT NULL
);
CREATE INDEX task_runs_created ON task_runs (created_ms);
CREATE INDEX task_runs_task ON task_runs (task_id);
