-- Transactions of several loads: what each of them staged, until all of it becomes visible together.
CREATE TABLE transaction_loads (
  transaction_id BIGINT NOT NULL,
  -- 1.., the order in which the loads ended.
  ordinal BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  staged_json TEXT NOT NULL,
  PRIMARY KEY (transaction_id, ordinal)
);
-- '' = the transaction of one load or statement; 'SESSION' = it ends with its SQL session; 'CLIENT' = it outlives
-- connections and restarts.
ALTER TABLE transactions ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE transactions ADD COLUMN idle_timeout_ms BIGINT;
-- When the last load of it began or ended, and whether one runs now.
ALTER TABLE transactions ADD COLUMN active_ms BIGINT;
ALTER TABLE transactions ADD COLUMN busy BIGINT NOT NULL DEFAULT 0;
