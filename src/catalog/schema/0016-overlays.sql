-- Column overlays: objects with newer values of some columns for rows of data files. They are kept where delete
-- objects are, since all that holds for these (versions, rollback, sweep, checks) holds for them.

-- Field ids of the columns in it as a JSON list; '' = position deletes.
ALTER TABLE delete_files ADD COLUMN overlay_fields_json TEXT NOT NULL DEFAULT '';
-- Of an overlay, whose positions are 0: rows of the data file in it, and what it calls the data file.
ALTER TABLE file_deletes ADD COLUMN overlay_rows BIGINT NOT NULL DEFAULT 0;
ALTER TABLE file_deletes ADD COLUMN overlay_part BIGINT NOT NULL DEFAULT 0;
