-- Partitions in the recycle bin: what RECOVER PARTITION brings back.

-- '' = live, PARTITION = can be recovered, FORCE = for good. What was dropped before cannot be.
ALTER TABLE partitions ADD COLUMN drop_kind TEXT NOT NULL DEFAULT '';
UPDATE partitions SET drop_kind = 'FORCE' WHERE dropped_ms IS NOT NULL;

-- The version of the table at which its files left; 0 = none.
ALTER TABLE partitions ADD COLUMN dropped_version BIGINT NOT NULL DEFAULT 0;

CREATE INDEX partitions_recoverable ON partitions (table_id, id) WHERE drop_kind = 'PARTITION';
