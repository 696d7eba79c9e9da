-- Partitioned tables. A table without them has '' here and 0 in its files.

ALTER TABLE tables ADD COLUMN partitioning_json TEXT NOT NULL DEFAULT '';

ALTER TABLE files ADD COLUMN partition_id BIGINT NOT NULL DEFAULT 0;

CREATE TABLE partitions (
  id BIGINT NOT NULL PRIMARY KEY,
  table_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  -- 1: only statements that name it see its rows.
  is_temporary BIGINT NOT NULL,
  bounds_json TEXT NOT NULL,
  properties_json TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  dropped_ms BIGINT
);
CREATE UNIQUE INDEX partitions_live_name ON partitions (table_id, is_temporary, name) WHERE dropped_ms IS NULL;
CREATE INDEX partitions_live ON partitions (table_id, id) WHERE dropped_ms IS NULL;
