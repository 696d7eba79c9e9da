-- Changes of columns that write the table's files anew: jobs in the background. One that is done is a row of
-- schema_changes, under the same id.
CREATE TABLE alter_jobs (
  id BIGINT NOT NULL PRIMARY KEY,
  database_id BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  -- PENDING, RUNNING, FINISHED, CANCELLED.
  state TEXT NOT NULL,
  -- ALTER TABLE with its clauses, and the moment of the statement.
  statement TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  statement_ms BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  message TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  finished_ms BIGINT
);
-- A table has one at a time.
CREATE UNIQUE INDEX alter_jobs_open ON alter_jobs (table_id) WHERE finished_ms IS NULL;
CREATE INDEX alter_jobs_finished ON alter_jobs (finished_ms);

-- The newest version whose files were written anew for other columns: files of before have no values for them.
ALTER TABLE tables ADD COLUMN rewritten_version BIGINT NOT NULL DEFAULT 0;
