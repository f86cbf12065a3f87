-- An allocation asks the stores for its pieces. They are held for the order all along, by its one reservation: at the
-- sender, then on the way, then at the wished store.

ALTER TABLE reservation_lines
    ADD COLUMN awaited integer NOT NULL DEFAULT 0 CHECK (awaited >= 0),
    DROP CONSTRAINT reservation_lines_check,
    DROP CONSTRAINT reservation_lines_quantity_check,
    ADD CONSTRAINT reservation_lines_add_up CHECK (held + awaited + fulfilled <= quantity),
    ADD CONSTRAINT reservation_lines_quantity_check CHECK (quantity >= 0);
CREATE INDEX reservation_lines_awaited ON reservation_lines (expires_at) WHERE awaited > 0;
COMMENT ON COLUMN reservation_lines.awaited IS 'left another store for this one; held here once a transfer has come';
COMMENT ON COLUMN reservation_lines.quantity IS 'promised at this store; pieces that leave for another take theirs along';

ALTER TABLE transfers
    ADD COLUMN allocation_id bigint REFERENCES allocations,
    ADD CHECK (allocation_id IS NULL OR reservation_id IS NOT NULL);
CREATE INDEX transfers_allocation ON transfers (allocation_id) WHERE allocation_id IS NOT NULL;
CREATE INDEX transfers_of_orders ON transfers (reservation_id) WHERE allocation_id IS NOT NULL AND closed_at IS NULL;
COMMENT ON COLUMN transfers.allocation_id IS 'the order whose pieces it brings; reservation_id is the hold of that order';
