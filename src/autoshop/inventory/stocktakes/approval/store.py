"""SQL of reviews and approvals. The stocktake is locked, then the places, in key order; then this is read."""

from collections.abc import Sequence
from datetime import datetime

from autoshop.inventory.stocktakes.approval.model import Hold, Shelf
from autoshop.kit.db import Connection

# A correction since the count: the ledger was changed and the shelf was not, or nobody knows. An adjustment, or the
# undoing of what was posted before the count.
CORRECTED = """
UPDATE stocktake_lines AS l
   SET status = 'needs_recount', difference = NULL
 WHERE l.stocktake_id = $1 AND l.status IN ('counted', 'agreed', 'zeroed', 'needs_second_count')
   AND l.movement_id IS NOT NULL
   AND EXISTS (SELECT
                 FROM movements AS m
                WHERE m.product_id = l.product_id AND m.id > l.movement_id AND m.store_id = l.store_id
                  AND (m.movement_type = 'adjustment' OR m.reverses_id <= l.movement_id))
RETURNING l.product_id
"""


async def set_aside_corrected(db: Connection, stocktake_id: int) -> list[int]:
    """Lines whose product was corrected after it was counted: they need a recount. Which products."""
    return [row["product_id"] for row in await db.fetch(CORRECTED, stocktake_id)]


UNCOUNTED = """
SELECT l.product_id, coalesce(i.quantity, 0) AS quantity
  FROM stocktake_lines AS l
  LEFT JOIN inventory AS i ON i.product_id = l.product_id AND i.store_id = l.store_id
 WHERE l.stocktake_id = $1 AND l.status = 'to_count'
 ORDER BY l.product_id
"""
# The stocktake comes with each row: see SETTLE.
ZERO = """
WITH w AS MATERIALIZED (
    SELECT $1::bigint AS stocktake_id, u.*
      FROM unnest($5::bigint[], $6::int[]) AS u (product_id, quantity)
)
UPDATE stocktake_lines AS l
   SET status = 'zeroed', counted = 0, ledger = w.quantity, difference = -w.quantity, counted_at = $2, counted_by = $3,
       movement_id = coalesce((SELECT max(m.id)
                                 FROM movements AS m
                                WHERE m.product_id = l.product_id AND m.store_id = l.store_id AND m.id > $4), $4)
  FROM w
 WHERE l.stocktake_id = w.stocktake_id AND l.product_id = w.product_id
"""
UNZERO = """
UPDATE stocktake_lines
   SET status = 'to_count', counted = NULL, ledger = NULL, difference = NULL, movement_id = NULL, counted_at = NULL,
       counted_by = NULL
 WHERE stocktake_id = $1 AND status = 'zeroed'
"""


async def uncounted(db: Connection, stocktake_id: int) -> dict[int, int]:
    """Lines that nobody has counted, with the pieces that the ledger has of them."""
    return dict(map(tuple, await db.fetch(UNCOUNTED, stocktake_id)))


async def zero(
    db: Connection, stocktake_id: int, pieces: dict[int, int], now: datetime, actor: str, movement_mark: int
) -> None:
    """These were looked for and are not there. Their places are locked, and `pieces` are what the ledger has."""
    await db.execute(ZERO, stocktake_id, now, actor, movement_mark, list(pieces), list(pieces.values()))


async def unzero(db: Connection, stocktake_id: int) -> None:
    """Back to the counting: they are uncounted again."""
    await db.execute(UNZERO, stocktake_id)


DIFFERENCES = """
SELECT product_id, difference
  FROM stocktake_lines
 WHERE stocktake_id = $1 AND status IN ('counted', 'agreed', 'zeroed') AND difference <> 0
 ORDER BY product_id
"""
SETTLED = """
SELECT product_id, counted_at
  FROM stocktake_lines
 WHERE stocktake_id = $1 AND product_id = ANY ($2::bigint[]) AND status IN ('counted', 'agreed', 'zeroed')
"""
UNSETTLED = """
SELECT product_id
  FROM stocktake_lines
 WHERE stocktake_id = $1 AND status IN ('needs_second_count', 'needs_recount')
 ORDER BY product_id
 LIMIT $2
"""


async def differences(db: Connection, stocktake_id: int) -> dict[int, int]:
    """What has to be posted, by product, in order."""
    return dict(map(tuple, await db.fetch(DIFFERENCES, stocktake_id)))


async def settled(db: Connection, stocktake_id: int, product_ids: Sequence[int]) -> list[tuple[int, datetime]]:
    """Which of these products were counted, and when."""
    rows = await db.fetch(SETTLED, stocktake_id, product_ids)
    return [(row["product_id"], row["counted_at"]) for row in rows]


async def unsettled(db: Connection, stocktake_id: int, limit: int) -> list[int]:
    """Products that have to be counted again."""
    return [row["product_id"] for row in await db.fetch(UNSETTLED, stocktake_id, limit)]


SHELVES = """
SELECT i.product_id, i.quantity, i.reserved
  FROM unnest($1::bigint[]) AS w (product_id)
  JOIN inventory AS i ON i.product_id = w.product_id AND i.store_id = $2
"""
HOLDS = """
SELECT l.product_id, r.id, r.holder, l.held
  FROM reservation_lines AS l
  JOIN reservations AS r ON r.id = l.reservation_id
 WHERE l.product_id = ANY ($1::bigint[]) AND l.store_id = $2 AND l.held > 0 AND l.expires_at > clock_timestamp()
 ORDER BY l.product_id, r.id
 LIMIT 10000
"""


async def shelves(db: Connection, store_id: int, product_ids: Sequence[int]) -> dict[int, Shelf]:
    """What the locked places hold by now."""
    rows = await db.fetch(SHELVES, product_ids, store_id)
    return {row["product_id"]: Shelf(row["quantity"], row["reserved"]) for row in rows}


async def holds(db: Connection, store_id: int, product_ids: Sequence[int]) -> dict[int, list[Hold]]:
    """Who holds pieces of these products."""
    found: dict[int, list[Hold]] = {}
    for product_id, *hold in map(tuple, await db.fetch(HOLDS, product_ids, store_id)):
        found.setdefault(product_id, []).append(Hold(*hold))
    return found
