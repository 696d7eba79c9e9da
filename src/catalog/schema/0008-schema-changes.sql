-- Columns that change: the schemas a table has had, for readers of its older versions, and the changes
-- themselves, for SHOW ALTER TABLE COLUMN.

-- 0 = as it was made; one more with every change.
ALTER TABLE tables ADD COLUMN schema_version BIGINT NOT NULL DEFAULT 0;

-- Written from the first change on: a table without rows here has had one schema only.
CREATE TABLE table_schemas (
  table_id BIGINT NOT NULL,
  schema_version BIGINT NOT NULL,
  -- The first version of the table that has this schema.
  from_version BIGINT NOT NULL,
  schema_json TEXT NOT NULL,
  PRIMARY KEY (table_id, schema_version)
);

CREATE TABLE schema_changes (
  id BIGINT NOT NULL PRIMARY KEY,
  database_id BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  schema_version BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  finished_ms BIGINT NOT NULL
);
CREATE INDEX schema_changes_finished ON schema_changes (finished_ms);
