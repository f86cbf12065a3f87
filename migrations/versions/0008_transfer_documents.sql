-- A transfer is asked for, shipped (in parts, if need be), received, and what did not come as sent is told with its reason.

ALTER TABLE transfers
    DROP CONSTRAINT transfers_status_check,
    ADD CONSTRAINT transfers_status_check CHECK (status IN ('requested', 'in_transit', 'received', 'cancelled')),
    ALTER COLUMN shipped_at DROP NOT NULL,
    ALTER COLUMN shipped_at DROP DEFAULT,
    ALTER COLUMN eta_at DROP NOT NULL,
    ADD COLUMN note text,
    ADD COLUMN wanted_by date,
    ADD COLUMN reservation_id bigint REFERENCES reservations,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN overdue_told_at timestamptz,
    ADD CHECK ((shipped_at IS NULL) = (eta_at IS NULL));
UPDATE transfers SET created_at = shipped_at;
CREATE INDEX transfers_open ON transfers (eta_at) WHERE status = 'in_transit';
CREATE INDEX transfers_from ON transfers (from_store_id, id);
CREATE INDEX transfers_to ON transfers (to_store_id, id);
CREATE INDEX transfers_document ON transfers (related_document) WHERE related_document IS NOT NULL;
COMMENT ON COLUMN transfers.eta_at IS 'of the last shipment';
COMMENT ON COLUMN transfers.reservation_id IS 'the hold at the sending store that the shipment takes its pieces from';

ALTER TABLE transfer_lines
    DROP CONSTRAINT transfer_lines_shipped_check,
    DROP CONSTRAINT transfer_lines_check,
    ALTER COLUMN shipped SET DEFAULT 0,
    ADD COLUMN requested integer NOT NULL DEFAULT 0 CHECK (requested >= 0),
    ADD COLUMN dropped integer NOT NULL DEFAULT 0 CHECK (dropped >= 0),
    ADD COLUMN lost integer NOT NULL DEFAULT 0 CHECK (lost >= 0),
    ADD COLUMN damaged integer NOT NULL DEFAULT 0 CHECK (damaged >= 0),
    ADD CONSTRAINT transfer_lines_add_up CHECK (shipped >= 0 AND received >= 0 AND returned >= 0
                                                AND received + returned + lost + damaged <= shipped);
UPDATE transfer_lines SET requested = shipped;
COMMENT ON COLUMN transfer_lines.dropped IS 'asked for, and then no longer wanted';
COMMENT ON COLUMN transfer_lines.lost IS 'never came: on the ledger received, and written off at once';
COMMENT ON COLUMN transfer_lines.damaged IS 'came broken: on the ledger received, and written off at once';
DROP INDEX transfer_lines_on_the_way;
CREATE INDEX transfer_lines_on_the_way ON transfer_lines (product_id, to_store_id)
 WHERE received + returned + lost + damaged < shipped;
CREATE INDEX transfer_lines_product ON transfer_lines (product_id, transfer_id);

CREATE TABLE transfer_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id bigint      NOT NULL REFERENCES transfers,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text        NOT NULL,
    change      text        NOT NULL,
    lines       jsonb       NOT NULL
);
CREATE INDEX transfer_events_transfer ON transfer_events (transfer_id, id);
COMMENT ON COLUMN transfer_events.lines IS 'product -> pieces that this step was about';

CREATE TABLE transfer_differences (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id bigint      NOT NULL REFERENCES transfers,
    product_id  bigint      NOT NULL REFERENCES products NOT ENFORCED,
    quantity    integer     NOT NULL CHECK (quantity > 0),
    reason      text        NOT NULL CHECK (reason IN ('lost', 'damaged', 'wrong_item', 'surplus')),
    note        text,
    actor       text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX transfer_differences_transfer ON transfer_differences (transfer_id, id);
CREATE INDEX transfer_differences_product ON transfer_differences (product_id, id);

GRANT SELECT, INSERT ON transfer_events, transfer_differences TO autoshop_app;
GRANT USAGE ON SEQUENCE transfer_events_id_seq, transfer_differences_id_seq TO autoshop_app;
