-- Holds in a large shop: what is asked every day finds an index, and who held is forgotten in time.

-- A place where nobody holds anything, which is nearly every place, is not looked up among the holds.
CREATE OR REPLACE VIEW stock WITH (security_invoker = true) AS
SELECT i.product_id, i.store_id, i.quantity,
       CASE WHEN i.reserved = 0 THEN 0
            ELSE i.reserved - coalesce((SELECT sum(r.held)
                                          FROM reservation_lines AS r
                                         WHERE r.product_id = i.product_id AND r.store_id = i.store_id AND r.held > 0
                                           AND r.expires_at <= now()), 0)::integer
        END AS reserved,
       i.updated_at
  FROM inventory AS i;

DROP INDEX reservation_lines_held;
CREATE INDEX reservation_lines_held ON reservation_lines (product_id, store_id, expires_at) INCLUDE (held)
 WHERE held > 0;
-- Lines change in indexed columns: room for another version on the same page would stay empty.
ALTER TABLE reservation_lines RESET (fillfactor);

CREATE INDEX reservation_lines_product ON reservation_lines (product_id, reservation_id);
CREATE INDEX reservation_lines_store ON reservation_lines (store_id, reservation_id);
CREATE INDEX reservations_live ON reservations (id) INCLUDE (expires_at) WHERE status = 'live';
CREATE INDEX reservations_unsold ON reservations (id) INCLUDE (expires_at) WHERE status IN ('live', 'expired');
CREATE INDEX reservations_released ON reservations (id) WHERE status = 'released';
CREATE INDEX reservations_holder ON reservations (lower(holder), id);

-- Who held is personal data: it is forgotten some months after the hold has ended.
ALTER TABLE reservations ALTER COLUMN holder DROP NOT NULL;
ALTER TABLE reservations ADD CHECK (holder IS NOT NULL OR closed_at IS NOT NULL);
CREATE INDEX reservations_named ON reservations (closed_at) WHERE holder IS NOT NULL AND closed_at IS NOT NULL;
COMMENT ON COLUMN reservations.holder IS 'whom the pieces wait for; NULL once it is forgotten (AUTOSHOP_HOLDER_DAYS)';
