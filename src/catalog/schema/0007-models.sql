-- Models of tables: the order of files for AGGREGATE KEY tables, and the next AUTO_INCREMENT value.

-- Commit order of a file's rows. A compacted file has the largest of its inputs, so that it stays in their place.
ALTER TABLE files ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
UPDATE files SET sequence = added_version * 1000000;

ALTER TABLE tables ADD COLUMN next_auto_id BIGINT NOT NULL DEFAULT 1;
