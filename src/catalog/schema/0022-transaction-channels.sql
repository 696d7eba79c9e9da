-- Transactions whose loads come by several channels side by side; the loads of one channel come one after the other.
CREATE TABLE transaction_channels (
  transaction_id BIGINT NOT NULL,
  -- 0..; each has its row from the beginning on.
  channel BIGINT NOT NULL,
  -- BEGIN, BEFORE_LOAD, LOADING, or PREPARING: it takes no loads any more.
  state TEXT NOT NULL,
  -- Whether a load of it runs now.
  busy BIGINT NOT NULL,
  PRIMARY KEY (transaction_id, channel)
);
