-- Rows that are deleted from immutable data files: objects with positions (Iceberg v2 position deletes), and
-- which of them hold for which data file from which version on.

CREATE TABLE delete_files (
  id BIGINT NOT NULL PRIMARY KEY,
  table_id BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  volume_id BIGINT NOT NULL,
  file_key TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  -- Positions in it, of all data files together.
  row_count BIGINT NOT NULL,
  added_version BIGINT NOT NULL,
  added_ms BIGINT NOT NULL,
  -- From when on no live data file needs it.
  removed_version BIGINT,
  removed_ms BIGINT
);
CREATE UNIQUE INDEX delete_files_key ON delete_files (volume_id, file_key);
CREATE INDEX delete_files_removed ON delete_files (removed_ms) WHERE removed_ms IS NOT NULL;
CREATE INDEX delete_files_table ON delete_files (table_id);

CREATE TABLE file_deletes (
  file_id BIGINT NOT NULL,
  delete_file_id BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  -- Positions of the data file in the delete file.
  positions BIGINT NOT NULL,
  added_version BIGINT NOT NULL,
  -- The data file left the table, or a later delete file holds these positions too.
  removed_version BIGINT,
  PRIMARY KEY (file_id, delete_file_id)
);
CREATE INDEX file_deletes_live ON file_deletes (table_id, file_id) WHERE removed_version IS NULL;
CREATE INDEX file_deletes_object ON file_deletes (delete_file_id);
