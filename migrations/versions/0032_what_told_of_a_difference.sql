-- Whoever undoes a movement that told of a difference has to know which: it was read from the words of its reason.

ALTER TABLE transfer_differences ADD COLUMN movement_id bigint;
COMMENT ON COLUMN transfer_differences.movement_id IS 'what put it into the ledger; NULL where a loss was found by undoing it';

-- Those that were told until now: the first of a kind belongs to the first movement of that kind, and so on.
UPDATE transfer_differences AS d
   SET movement_id = m.id
  FROM (SELECT id, transfer_id, product_id, quantity, reason,
               row_number() OVER (PARTITION BY transfer_id, product_id, quantity, reason ORDER BY id) AS turn
          FROM transfer_differences) AS n
  JOIN (SELECT id, transfer_id, product_id, quantity, split_part(reason, ':', 1) AS reason,
               row_number() OVER (PARTITION BY transfer_id, product_id, quantity, split_part(reason, ':', 1)
                                      ORDER BY id) AS turn
          FROM movements
         WHERE transfer_id IS NOT NULL AND movement_type IN ('adjustment', 'writeoff') AND reverses_id IS NULL) AS m
    ON (m.transfer_id, m.product_id, m.quantity, m.reason, m.turn)
       = (n.transfer_id, n.product_id, n.quantity, n.reason, n.turn)
 WHERE d.id = n.id;

CREATE UNIQUE INDEX transfer_differences_movement ON transfer_differences (movement_id);
