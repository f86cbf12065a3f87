-- Each shipment of a transfer has an arrival of its own; what was lost may be found; where pieces came that nobody sent,
-- the shelf they are from is counted again.

ALTER TABLE transfer_events
    ADD COLUMN eta_at timestamptz,
    ADD COLUMN before jsonb,
    ADD COLUMN after  jsonb;
COMMENT ON COLUMN transfer_events.eta_at IS 'of a shipment: when its pieces should be on the other shelf';
COMMENT ON COLUMN transfer_events.before IS 'of a change: what it put an end to; `after` is what was put in its place';

ALTER TABLE transfers ADD COLUMN due_at timestamptz;
UPDATE transfers SET due_at = eta_at WHERE status = 'in_transit';
COMMENT ON COLUMN transfers.due_at IS 'arrival of the oldest shipment of which something is on the way; NULL = nothing is';
DROP INDEX transfers_open;
CREATE INDEX transfers_due ON transfers (due_at) WHERE due_at IS NOT NULL;

ALTER TABLE transfer_differences
    DROP CONSTRAINT transfer_differences_reason_check,
    ADD CONSTRAINT transfer_differences_reason_check
        CHECK (reason IN ('lost', 'damaged', 'wrong_item', 'surplus', 'found')),
    ADD COLUMN recounted_at timestamptz,
    ADD COLUMN recounted_by text,
    ADD CHECK ((recounted_at IS NULL) = (recounted_by IS NULL));
CREATE INDEX transfer_differences_to_recount ON transfer_differences (id)
 WHERE reason IN ('wrong_item', 'surplus') AND recounted_at IS NULL;
COMMENT ON COLUMN transfer_differences.recounted_at IS 'the sender has looked at the shelf that such pieces came from';

GRANT UPDATE (recounted_at, recounted_by) ON transfer_differences TO autoshop_app;
