-- Returns speak by themselves: what came back because it did not fit is feedback, of the car that the purchase was for.
-- Where nobody knows the car, of none. What a return said is taken back with it.

ALTER TABLE fitment_feedback
    ALTER COLUMN vehicle_id DROP NOT NULL,
    ADD COLUMN withdrawn_at timestamptz;
DROP INDEX fitment_feedback_once;
CREATE UNIQUE INDEX fitment_feedback_once ON fitment_feedback (product_id, vehicle_id, origin, reference)
    NULLS NOT DISTINCT WHERE reference IS NOT NULL;
CREATE INDEX fitment_feedback_misfits ON fitment_feedback (id) WHERE NOT fitted AND withdrawn_at IS NULL;
COMMENT ON COLUMN fitment_feedback.vehicle_id IS 'NULL: nobody knows for which car it was bought';
COMMENT ON COLUMN fitment_feedback.withdrawn_at IS 'the return that said so was undone';

CREATE TABLE fitment_purchases (
    related_document text        NOT NULL CHECK (related_document <> ''),
    product_id       bigint      NOT NULL DEFAULT 0,
    vehicle_id       integer     NOT NULL REFERENCES vehicles,
    engine_id        integer     REFERENCES vehicle_engines,
    year             smallint,
    actor            text        NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (related_document, product_id)
);
COMMENT ON TABLE fitment_purchases IS 'for which car something is bought: an order, a hold or a sale, by its document';
COMMENT ON COLUMN fitment_purchases.product_id IS '0: all of the document, where nothing else is said of a product';

CREATE TABLE fitment_hearing (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    position text    NOT NULL
);
COMMENT ON TABLE fitment_hearing IS 'one row: how far the outbox has been heard for returns';

-- As kit/outbox.py writes it: xmax, and the transactions that run as distances below it.
INSERT INTO fitment_hearing (position)
SELECT pg_snapshot_xmax(seen)::text || ':'
       || coalesce((SELECT string_agg((pg_snapshot_xmax(seen)::text::bigint - xid::text::bigint)::text, ',')
                      FROM pg_snapshot_xip(seen) AS xid), '') || ':'
  FROM pg_current_snapshot() AS seen;

GRANT UPDATE (withdrawn_at) ON fitment_feedback TO autoshop_app;
GRANT SELECT, INSERT, UPDATE ON fitment_purchases TO autoshop_app;
GRANT SELECT, UPDATE ON fitment_hearing TO autoshop_app;
