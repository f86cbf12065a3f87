"""SQL of a product's history. What a page costs depends on the page, not on how much happened before or since."""

from datetime import datetime
from typing import Any

from autoshop.inventory.history.model import LAST, Held, Moved
from autoshop.inventory.movements.store import list_page
from autoshop.kit.db import Connection

# Dates are found by the ids that snapshots remember: what came before `date_to` came before the next snapshot, and what
# came after `date_from`, after the one before.
BOUNDS = """
SELECT (SELECT last_movement_id
          FROM snapshots
         WHERE taken_at >= $2::timestamptz AND last_movement_id IS NOT NULL
         ORDER BY taken_at
         LIMIT 1) AS last_id,
       (SELECT next_movement_id
          FROM snapshots
         WHERE taken_at < $1::timestamptz AND next_movement_id IS NOT NULL
         ORDER BY taken_at DESC
         LIMIT 1) AS first_id
"""


async def bounds(db: Connection, date_from: datetime | None, date_to: datetime | None) -> tuple[int, int]:
    """Between which ids, these included, all movements lie that were posted between two moments."""
    row = await db.fetchrow(BOUNDS, date_from, date_to)
    assert row is not None
    return row["first_id"] or 1, LAST if row["last_id"] is None else row["last_id"]


# The balance over all stores is reckoned backwards from where it is known: from the snapshot that comes next, or else
# from the stock there is. Statements of their own, all at one instant: so the planner knows how far that is.
NEXT_SNAPSHOT = """
SELECT taken_at, last_movement_id,
       (SELECT coalesce(sum(quantity), 0)::bigint
          FROM stock_snapshots AS f
         WHERE f.taken_at = s.taken_at AND f.product_id = $1) AS quantity
  FROM snapshots AS s
 WHERE next_movement_id > $2
 ORDER BY taken_at
 LIMIT 1
"""
STOCK_NOW = "SELECT coalesce(sum(quantity), 0)::bigint FROM inventory WHERE product_id = $1"
MOVED_UNTIL = """
SELECT coalesce(sum(delta) FILTER (WHERE $4::timestamptz IS NULL OR created_at <= $4), 0)::bigint
  FROM movements
 WHERE product_id = $1 AND id > $2 AND id <= $3
"""


async def everywhere_after(db: Connection, product_id: int, movement_id: int) -> int:
    """Pieces over all stores once the movements up to this id had happened. For a transaction that sees one instant."""
    known = await db.fetchrow(NEXT_SNAPSHOT, product_id, movement_id)
    if known is None:
        quantity, until, taken_at = await db.fetchval(STOCK_NOW, product_id), LAST, None
    else:
        taken_at, until, quantity = known
    return int(quantity - await db.fetchval(MOVED_UNTIL, product_id, movement_id, until, taken_at))


LATER_ON_THE_PAGE = """
SELECT id, later
  FROM (SELECT id, (sum(delta) OVER (ORDER BY id DESC) - delta)::bigint AS later
          FROM movements
         WHERE product_id = $1 AND id >= $2 AND id <= $3) AS running
 WHERE id = ANY ($4::bigint[])
"""


async def moved(db: Connection, filters: dict[str, Any], limit: int) -> list[Moved]:
    """Movements of a product, newest first; `filters` as those of the ledger. At one instant, see everywhere_after."""
    page = await list_page(db, filters, limit)
    if not page:
        return []
    product_id, highest, lowest = page[0].product_id, page[0].id, page[-1].id
    after_highest = await everywhere_after(db, product_id, highest)
    rows = await db.fetch(LATER_ON_THE_PAGE, product_id, lowest, highest, [movement.id for movement in page])
    later = {row["id"]: row["later"] for row in rows}
    return [Moved(movement, after_highest - later[movement.id]) for movement in page]


HELD = """
SELECT r.id, l.store_id, r.created_at, r.actor, r.holder,
       CASE WHEN r.status = 'live' AND r.expires_at <= now() THEN 'expired' ELSE r.status END, l.quantity,
       CASE WHEN l.expires_at > now() THEN l.held ELSE 0 END, l.fulfilled, r.related_document, r.expires_at, r.closed_at
  FROM reservation_lines AS l
  JOIN reservations AS r ON r.id = l.reservation_id
 WHERE l.product_id = $1 AND l.quantity > 0
   AND (l.reservation_id, l.store_id) < ($2, $3)
   AND l.reservation_id <= $2
   AND ($4::bigint IS NULL OR l.store_id = $4)
   AND ($5::timestamptz IS NULL OR r.created_at >= $5)
   AND ($6::timestamptz IS NULL OR r.created_at < $6)
 ORDER BY l.reservation_id DESC, l.store_id DESC
 LIMIT $7
"""


async def held(
    db: Connection,
    product_id: int,
    seen: tuple[int, int],
    store_id: int | None,
    between: tuple[datetime | None, datetime | None],
    limit: int,
) -> list[Held]:
    """Holds of a product, newest first, after those that were seen."""
    return [Held(*row) for row in map(tuple, await db.fetch(HELD, product_id, *seen, store_id, *between, limit))]
