-- Readers ask for what a snapshot did not see yet: by transaction, not by id. One index on the hot path, as before.

ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ADD PRIMARY KEY (xid, id);
COMMENT ON COLUMN outbox.xid IS 'a reader takes rows whose transaction its last snapshot did not see: ids commit out of order';
