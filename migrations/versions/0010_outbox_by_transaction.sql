-- Readers ask for what a snapshot did not see yet: by transaction, not by id. One index on the hot path, as before; the
-- other one is a page or two, for whoever asks for a stretch of time: a replay, the housekeeping.

ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ADD PRIMARY KEY (xid, id);
CREATE INDEX outbox_created ON outbox USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON COLUMN outbox.xid IS 'a reader takes rows whose transaction its last snapshot did not see: ids commit out of order';
