-- Files of CREATE FILE: certificates, keys and descriptors that load jobs name as FILE:name.

CREATE TABLE small_files (
  id BIGINT NOT NULL PRIMARY KEY,
  database_id BIGINT NOT NULL,
  -- The word of the "catalog" property: kafka, or whatever the user chose.
  catalog_name TEXT NOT NULL,
  name TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  -- Hexadecimal, lower case.
  md5 TEXT NOT NULL,
  -- Base64 of the bytes, encrypted.
  content_sealed TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX small_files_name ON small_files (database_id, catalog_name, name);
