-- Versions that can be read again and gone back to, and what was dropped and may come back.

-- What made the version ('' = not known), and what the table held at it (NULL = not known).
ALTER TABLE table_versions ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE table_versions ADD COLUMN held_files BIGINT;
ALTER TABLE table_versions ADD COLUMN held_rows BIGINT;
ALTER TABLE table_versions ADD COLUMN held_bytes BIGINT;

-- The oldest version that can be read: nothing below it is kept. And since when that is so.
ALTER TABLE tables ADD COLUMN oldest_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE tables ADD COLUMN oldest_ms BIGINT NOT NULL DEFAULT 0;
-- Files of earlier versions may be gone already.
UPDATE tables SET oldest_version = head_version;

-- '' = not dropped, or of a session; else TABLE (by itself), DATABASE (with its database), FORCE (for good).
ALTER TABLE tables ADD COLUMN drop_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE databases ADD COLUMN drop_kind TEXT NOT NULL DEFAULT '';
UPDATE tables SET drop_kind = 'FORCE' WHERE dropped_ms IS NOT NULL;
UPDATE databases SET drop_kind = 'FORCE' WHERE dropped_ms IS NOT NULL;

-- The version at which a file came back by ROLLBACK, 0 for one that a load or compaction added: a key is in
-- a table once for each.
ALTER TABLE files ADD COLUMN restored_version BIGINT NOT NULL DEFAULT 0;
DROP INDEX files_key;
CREATE UNIQUE INDEX files_key ON files (volume_id, file_key, restored_version);
DROP INDEX files_removed;
CREATE INDEX files_removed ON files (table_id, removed_version) WHERE removed_version IS NOT NULL;
DROP INDEX delete_files_removed;
CREATE INDEX delete_files_removed ON delete_files (table_id, removed_version) WHERE removed_version IS NOT NULL;
