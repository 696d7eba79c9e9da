-- Routine Load jobs that load several tables: ids of those behind `table_id` as a JSON list.
ALTER TABLE load_jobs ADD COLUMN further_tables_json TEXT NOT NULL DEFAULT '[]';
