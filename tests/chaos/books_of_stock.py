"""Findings within the database: the ledger, the shelves, the documents, each against the others."""

from autoshop.inventory.stock.service import check_ledger
from tests.chaos.books import Books, Check
from tests.chaos.drain import unfinished


async def nothing_was_sold_that_was_not_there(books: Books) -> list[str]:
    return await books.rows("SELECT id AS movement, balance_after FROM movements WHERE balance_after < 0")


async def no_place_is_below_zero_or_below_what_is_held_there(books: Books) -> list[str]:
    return await books.rows(
        "SELECT product_id, store_id, quantity, reserved FROM inventory"
        " WHERE quantity < 0 OR reserved < 0 OR reserved > quantity"
    )


async def what_is_reserved_is_the_sum_of_live_holds(books: Books) -> list[str]:
    return await books.rows(
        """
        SELECT i.product_id, i.store_id, i.reserved, h.held
          FROM inventory AS i
         CROSS JOIN LATERAL (SELECT coalesce(sum(l.held), 0) AS held
                               FROM reservation_lines AS l
                               JOIN reservations AS r ON r.id = l.reservation_id
                              WHERE l.product_id = i.product_id AND l.store_id = i.store_id AND r.status = 'live') AS h
         WHERE i.reserved <> h.held
        """
    )


async def no_hold_that_has_ended_holds_anything(books: Books) -> list[str]:
    return await books.rows(
        """
        SELECT r.id AS reservation, r.status, l.held
          FROM reservations AS r
          JOIN reservation_lines AS l ON l.reservation_id = r.id
         WHERE r.status <> 'live' AND l.held > 0
        """
    )


async def on_the_way_is_what_was_shipped_less_what_came_came_back_or_was_lost(books: Books) -> list[str]:
    """The document against the ledger."""
    return await books.rows(
        """
        SELECT transfer_id, product_id, m.on_the_way AS by_the_ledger,
               t.shipped - t.received - t.returned - t.lost - t.damaged AS by_the_document
          FROM (SELECT transfer_id, product_id, -sum(delta) AS on_the_way
                  FROM movements
                 WHERE transfer_id IS NOT NULL AND movement_type = 'transfer'
                 GROUP BY transfer_id, product_id) AS m
          FULL JOIN transfer_lines AS t USING (transfer_id, product_id)
         WHERE coalesce(m.on_the_way, 0) <> coalesce(t.shipped - t.received - t.returned - t.lost - t.damaged, 0)
            OR t.shipped - t.received - t.returned - t.lost - t.damaged < 0
        """
    )


async def what_a_transfer_lost_is_the_sum_of_its_differences(books: Books) -> list[str]:
    """What was lost and then found is lost no more; what was told of as damaged or found may be undone."""
    return await books.rows(
        """
        SELECT transfer_id, product_id, t.lost, t.damaged, d.lost AS told_lost, d.damaged AS told_damaged
          FROM transfer_lines AS t
          FULL JOIN (SELECT transfer_id, product_id,
                            sum(CASE reason WHEN 'lost' THEN quantity WHEN 'found' THEN -quantity ELSE 0 END) AS lost,
                            sum(CASE reason WHEN 'damaged' THEN quantity ELSE 0 END) AS damaged
                       FROM (SELECT transfer_id, product_id, quantity, reason
                               FROM transfer_differences
                              UNION ALL
                             SELECT m.transfer_id, m.product_id, -m.quantity, split_part(m.reason, ':', 1)
                               FROM movements AS u
                               JOIN movements AS m ON m.product_id = u.product_id AND m.id = u.reverses_id
                              WHERE m.transfer_id IS NOT NULL AND m.movement_type IN ('adjustment', 'writeoff')
                                AND split_part(m.reason, ':', 1) IN ('damaged', 'found')) AS told
                      GROUP BY transfer_id, product_id) AS d USING (transfer_id, product_id)
         WHERE coalesce(t.lost, 0) <> coalesce(d.lost, 0) OR coalesce(t.damaged, 0) <> coalesce(d.damaged, 0)
        """
    )


async def of_no_sale_more_came_back_than_was_sold(books: Books) -> list[str]:
    """And nothing of one that was undone; counted from the documents, not from what we keep count of."""
    return await books.rows(
        """
        SELECT s.id AS sale, -s.delta AS sold, b.back, b.undone
          FROM movements AS s
         CROSS JOIN LATERAL (SELECT coalesce((SELECT sum(l.quantity)
                                                FROM return_lines AS l
                                                JOIN returns AS r ON r.id = l.return_id
                                               WHERE l.product_id = s.product_id AND l.sale_id = s.id
                                                 AND r.status = 'posted'), 0) AS back,
                                    EXISTS (SELECT
                                              FROM movements AS u
                                             WHERE u.product_id = s.product_id AND u.reverses_id = s.id) AS undone
                            ) AS b
         WHERE s.movement_type = 'sale' AND s.delta < 0 AND (b.back > -s.delta OR (b.undone AND b.back > 0))
        """
    )


async def every_movement_is_undone_at_most_once(books: Books) -> list[str]:
    return await books.rows(
        "SELECT reverses_id AS movement, count(*) FROM movements WHERE reverses_id IS NOT NULL"
        " GROUP BY product_id, reverses_id HAVING count(*) > 1"
    )


async def each_approved_stocktake_posted_its_differences_once_and_no_other_any(books: Books) -> list[str]:
    return await books.rows(
        """
        SELECT s.id AS stocktake, s.status, s.surplus, s.shortage, m.up, m.down, m.adjustments, e.approvals
          FROM stocktakes AS s
         CROSS JOIN LATERAL (SELECT coalesce(sum(greatest(delta, 0)), 0) AS up,
                                    coalesce(sum(greatest(-delta, 0)), 0) AS down, count(*) AS adjustments,
                                    count(DISTINCT product_id) AS products
                               FROM movements
                              WHERE related_document = 'stocktake ' || s.id AND movement_type = 'adjustment'
                                AND reverses_id IS NULL) AS m
         CROSS JOIN LATERAL (SELECT count(*) AS approvals
                               FROM outbox
                              WHERE topic = 'inventory.stocktake' AND (payload->>'stocktake_id')::bigint = s.id
                                AND payload->>'change' = 'approved') AS e
         WHERE m.up <> coalesce(s.surplus, 0) OR m.down <> coalesce(s.shortage, 0) OR m.adjustments <> m.products
            OR e.approvals <> (s.status = 'approved')::int
        """
    )


async def each_allocation_holds_all_that_it_promises_by_one_reservation(books: Books) -> list[str]:
    """Wherever the pieces are by now: the hold goes along with them to the wished store."""
    return await books.rows(
        """
        SELECT allocation_id, product_id, p.pieces AS promised, h.quantity AS held
          FROM (SELECT allocation_id, product_id, sum(pieces) AS pieces
                  FROM allocation_lines
                 GROUP BY allocation_id, product_id) AS p
          FULL JOIN (SELECT a.id AS allocation_id, l.product_id, sum(l.quantity) AS quantity
                       FROM allocations AS a
                       JOIN reservation_lines AS l ON l.reservation_id = a.reservation_id
                      GROUP BY a.id, l.product_id) AS h
         USING (allocation_id, product_id)
         WHERE p.pieces IS DISTINCT FROM h.quantity
        """
    )


async def each_import_posted_what_it_says_once_and_told_of_it_once(books: Books) -> list[str]:
    """One that was refused posted nothing. However many movements, it has one event."""
    return await books.rows(
        """
        SELECT r.id AS import, r.state, r.counts->>'movements' AS said, m.posted, m.places, e.events, e.told
          FROM import_runs AS r
         CROSS JOIN LATERAL (SELECT count(*) AS posted, count(DISTINCT (product_id, store_id)) AS places
                               FROM movements
                              WHERE related_document = 'Остатки ' || r.file_name AND reverses_id IS NULL) AS m
         CROSS JOIN LATERAL (SELECT count(*) AS events, coalesce(sum((payload->>'movements')::bigint), 0) AS told
                               FROM outbox
                              WHERE topic = 'inventory.movements'
                                AND payload->>'document' = 'Начальный остаток ' || r.file_name) AS e
         WHERE m.posted <> CASE r.state WHEN 'done' THEN (r.counts->>'movements')::bigint ELSE 0 END
            OR m.posted <> m.places OR e.told <> m.posted OR e.events <> (m.posted > 0)::int
        """
    )


async def every_movement_has_its_event_once(books: Books) -> list[str]:
    """But those of an import, which have one together."""
    return await books.rows(
        """
        SELECT m.id AS movement, count(o.id) AS events
          FROM movements AS m
          LEFT JOIN (SELECT id, (payload->>'movement_id')::bigint AS movement_id
                       FROM outbox
                      WHERE topic = 'inventory.movement') AS o ON o.movement_id = m.id
         WHERE NOT EXISTS (SELECT
                             FROM import_runs AS r
                            WHERE m.related_document = 'Остатки ' || r.file_name AND m.reverses_id IS NULL)
         GROUP BY m.id
        HAVING count(o.id) <> 1
        """
    )


async def no_key_moved_pieces_twice(books: Books) -> list[str]:
    return await books.rows(
        "SELECT actor, idempotency_key, count(*) FROM movements WHERE idempotency_key IS NOT NULL"
        " GROUP BY actor, idempotency_key HAVING count(*) > 1"
    )


async def the_ledger_check_is_clean(books: Books) -> list[str]:
    check = await check_ledger(books.pool, balances=True, periods="every")
    return [f"{check.differences} differences in {check.row_count} rows: {check.examples}"] if check.differences else []


async def nothing_that_was_begun_is_left_undone(books: Books) -> list[str]:
    return [f"{left} {what}" for what, left in (await unfinished(books.pool)).items()]


CHECKS: list[Check] = [
    nothing_was_sold_that_was_not_there,
    no_place_is_below_zero_or_below_what_is_held_there,
    what_is_reserved_is_the_sum_of_live_holds,
    no_hold_that_has_ended_holds_anything,
    on_the_way_is_what_was_shipped_less_what_came_came_back_or_was_lost,
    what_a_transfer_lost_is_the_sum_of_its_differences,
    of_no_sale_more_came_back_than_was_sold,
    every_movement_is_undone_at_most_once,
    each_approved_stocktake_posted_its_differences_once_and_no_other_any,
    each_allocation_holds_all_that_it_promises_by_one_reservation,
    each_import_posted_what_it_says_once_and_told_of_it_once,
    every_movement_has_its_event_once,
    no_key_moved_pieces_twice,
    the_ledger_check_is_clean,
    nothing_that_was_begun_is_left_undone,
]
