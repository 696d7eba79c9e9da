-- Stream Loads and their transactions among the many more of Routine Load, for SHOW STREAM LOAD and
-- information_schema.loads and stream_loads.

CREATE INDEX transactions_bodies ON transactions (id) WHERE source IN ('BACKEND_STREAMING', 'FRONTEND_STREAMING', 'MULTI_STATEMENT_STREAMING');
