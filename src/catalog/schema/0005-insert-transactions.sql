-- INSERTs among the many more transactions of Routine Load, for SHOW LOAD and information_schema.loads.

CREATE INDEX transactions_inserts ON transactions (id) WHERE source = 'INSERT_STREAMING';
