-- Metadata, first version. Never edited once released: write 0002-*.sql instead.
-- Portable between SQLite and PostgreSQL: BIGINT and TEXT only, times in ms since the epoch, JSON as
-- TEXT, booleans as 0/1. Columns that end in _offset hold 64-bit Kafka offsets (read as bigint).

CREATE TABLE incarnation (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  uuid TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  leader_epoch BIGINT NOT NULL,
  -- A known text under the key file's key: tells a wrong key from damage.
  key_check TEXT NOT NULL
);

CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  next_value BIGINT NOT NULL
);

CREATE TABLE volumes (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  location TEXT NOT NULL,
  -- All parameters, secrets included, encrypted.
  params_sealed TEXT NOT NULL,
  enabled BIGINT NOT NULL,
  is_default BIGINT NOT NULL,
  comment TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE databases (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  volume_id BIGINT,
  is_system BIGINT NOT NULL,
  properties_json TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  dropped_ms BIGINT
);
CREATE UNIQUE INDEX databases_live_name ON databases (name) WHERE dropped_ms IS NULL;

CREATE TABLE tables (
  id BIGINT NOT NULL PRIMARY KEY,
  database_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  schema_json TEXT NOT NULL,
  next_field_id BIGINT NOT NULL,
  -- 0: each file names its own (system tables).
  volume_id BIGINT NOT NULL,
  prefix TEXT NOT NULL,
  comment TEXT NOT NULL,
  distributed_by_json TEXT NOT NULL,
  buckets BIGINT,
  properties_json TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  dropped_ms BIGINT,
  head_version BIGINT NOT NULL,
  live_files BIGINT NOT NULL,
  live_rows BIGINT NOT NULL,
  live_bytes BIGINT NOT NULL
);
CREATE UNIQUE INDEX tables_live_name ON tables (database_id, name) WHERE dropped_ms IS NULL;

CREATE TABLE table_versions (
  table_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  committed_ms BIGINT NOT NULL,
  PRIMARY KEY (table_id, version)
);

CREATE TABLE files (
  id BIGINT NOT NULL PRIMARY KEY,
  table_id BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  volume_id BIGINT NOT NULL,
  file_key TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  stats_json TEXT NOT NULL,
  added_version BIGINT NOT NULL,
  -- Of the newest rows in it: a compacted file keeps its inputs' latest.
  added_ms BIGINT NOT NULL,
  removed_version BIGINT,
  removed_ms BIGINT
);
CREATE UNIQUE INDEX files_key ON files (volume_id, file_key);
CREATE INDEX files_live ON files (table_id, id) WHERE removed_version IS NULL;
CREATE INDEX files_removed ON files (removed_ms) WHERE removed_ms IS NOT NULL;

CREATE TABLE load_jobs (
  id BIGINT NOT NULL PRIMARY KEY,
  database_id BIGINT NOT NULL,
  table_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  user_name TEXT NOT NULL,
  group_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('NEED_SCHEDULE', 'RUNNING', 'PAUSED', 'STOPPED', 'CANCELLED')),
  reason_code BIGINT,
  reason_message TEXT,
  definition_sealed TEXT NOT NULL,
  received_bytes BIGINT NOT NULL,
  error_rows BIGINT NOT NULL,
  committed_tasks BIGINT NOT NULL,
  aborted_tasks BIGINT NOT NULL,
  loaded_rows BIGINT NOT NULL,
  total_rows BIGINT NOT NULL,
  unselected_rows BIGINT NOT NULL,
  execute_ms BIGINT NOT NULL,
  window_error_rows BIGINT NOT NULL,
  window_total_rows BIGINT NOT NULL,
  other_message TEXT,
  other_message_ms BIGINT,
  created_ms BIGINT NOT NULL,
  paused_ms BIGINT,
  ended_ms BIGINT
);
CREATE UNIQUE INDEX load_jobs_live_name ON load_jobs (database_id, name) WHERE ended_ms IS NULL;

CREATE TABLE load_positions (
  job_id BIGINT NOT NULL,
  topic TEXT NOT NULL,
  partition_no BIGINT NOT NULL,
  next_offset BIGINT NOT NULL,
  latest_offset BIGINT,
  last_timestamp_ms BIGINT,
  -- The ledger row that the next batch adds to; one more after a move by hand.
  ledger_segment BIGINT NOT NULL,
  PRIMARY KEY (job_id, topic, partition_no)
);

CREATE TABLE load_ledger (
  job_id BIGINT NOT NULL,
  topic TEXT NOT NULL,
  partition_no BIGINT NOT NULL,
  segment BIGINT NOT NULL,
  from_offset BIGINT NOT NULL,
  to_offset BIGINT NOT NULL,
  received BIGINT NOT NULL,
  consumed BIGINT NOT NULL,
  skipped_control BIGINT NOT NULL,
  skipped_aborted BIGINT NOT NULL,
  skipped_empty BIGINT NOT NULL,
  skipped_gap BIGINT NOT NULL,
  received_bytes BIGINT NOT NULL,
  rows_loaded BIGINT NOT NULL,
  rows_filtered BIGINT NOT NULL,
  rows_unselected BIGINT NOT NULL,
  first_commit_ms BIGINT NOT NULL,
  last_commit_ms BIGINT NOT NULL,
  PRIMARY KEY (job_id, topic, partition_no, segment)
);

CREATE TABLE task_leases (
  task_id TEXT NOT NULL PRIMARY KEY,
  job_id BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  node TEXT NOT NULL,
  partitions_json TEXT NOT NULL,
  granted_ms BIGINT NOT NULL
);
CREATE INDEX task_leases_job ON task_leases (job_id);

CREATE TABLE transactions (
  id BIGINT NOT NULL PRIMARY KEY,
  label TEXT NOT NULL,
  database_id BIGINT NOT NULL,
  table_id BIGINT,
  job_id BIGINT,
  task_id TEXT,
  epoch BIGINT,
  state TEXT NOT NULL CHECK (state IN ('PREPARE', 'PREPARED', 'COMMITTED', 'VISIBLE', 'ABORTED')),
  source TEXT NOT NULL,
  coordinator TEXT NOT NULL,
  prepare_ms BIGINT NOT NULL,
  prepared_ms BIGINT,
  commit_ms BIGINT,
  finish_ms BIGINT,
  timeout_ms BIGINT NOT NULL,
  reason TEXT NOT NULL,
  attachment_json TEXT NOT NULL
);
CREATE INDEX transactions_open ON transactions (id) WHERE finish_ms IS NULL;
CREATE INDEX transactions_finished ON transactions (finish_ms) WHERE finish_ms IS NOT NULL;

CREATE TABLE labels (
  database_id BIGINT NOT NULL,
  label TEXT NOT NULL,
  transaction_id BIGINT NOT NULL,
  PRIMARY KEY (database_id, label)
);
CREATE INDEX labels_transaction ON labels (transaction_id);

CREATE TABLE table_turns (
  ticket BIGINT NOT NULL PRIMARY KEY,
  table_id BIGINT NOT NULL,
  -- Loads (0) go before compaction (1).
  rank BIGINT NOT NULL,
  holder TEXT NOT NULL,
  held BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX table_turns_table ON table_turns (table_id, rank, ticket);

CREATE TABLE global_variables (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE users (
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  sha1_digest TEXT NOT NULL,
  sha256_digest TEXT NOT NULL,
  PRIMARY KEY (name, host)
);
