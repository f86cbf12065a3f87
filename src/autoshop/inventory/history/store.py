"""SQL of a product's history. What a page costs depends on the page, not on how much happened before or since."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autoshop.inventory.history.model import LAST, Held, Moved
from autoshop.inventory.movements.model import Movement
from autoshop.inventory.movements.store import COLUMNS
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


# The balance over all stores after the newest movement of the page: from the snapshot that comes next, or from the
# stock there is, backwards over what happened in between. All in one statement, so at one instant: what commits
# meanwhile is in all of it or in none.
MOVED = f"""
WITH page AS (
    SELECT {COLUMNS}
      FROM movements
     WHERE {{conditions}}
     ORDER BY id DESC
     LIMIT $1
), edges AS (
    SELECT min(id) AS lowest, max(id) AS highest
      FROM page
), later AS (
    SELECT s.taken_at, s.last_movement_id
      FROM snapshots AS s, edges AS e
     WHERE s.next_movement_id > e.highest
     ORDER BY s.taken_at
     LIMIT 1
), known AS (
    SELECT CASE WHEN EXISTS (SELECT FROM later)
                THEN (SELECT coalesce(sum(quantity), 0) FROM stock_snapshots
                       WHERE taken_at = (SELECT taken_at FROM later) AND product_id = $2)
                ELSE (SELECT coalesce(sum(quantity), 0) FROM inventory WHERE product_id = $2) END AS quantity
), since AS (
    SELECT coalesce(sum(delta), 0) AS delta
      FROM movements
     WHERE product_id = $2 AND id > (SELECT highest FROM edges)
       AND id <= coalesce((SELECT last_movement_id FROM later), 9223372036854775807)
       AND created_at <= coalesce((SELECT taken_at FROM later), 'infinity')
), running AS (
    SELECT m.id, sum(m.delta) OVER (ORDER BY m.id DESC) - m.delta AS undone
      FROM movements AS m
     WHERE m.product_id = $2 AND m.id BETWEEN (SELECT lowest FROM edges) AND (SELECT highest FROM edges)
)
SELECT p.*, (k.quantity - s.delta - r.undone)::bigint AS everywhere_after
  FROM page AS p
  JOIN running AS r ON r.id = p.id
 CROSS JOIN known AS k
 CROSS JOIN since AS s
 ORDER BY p.id DESC
"""
CONDITIONS = {
    "product_id": "product_id =",
    "store_id": "store_id =",
    "before_id": "id <",
    "last_id": "id <=",
    "first_id": "id >=",
    "date_from": "created_at >=",
    "date_to": "created_at <",
}


async def moved(db: Connection, filters: Mapping[str, Any], limit: int) -> list[Moved]:
    """Movements of a product, newest first. `filters` has names of CONDITIONS, a product first; None does not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [f"{CONDITIONS[name]} ${number}" for number, name in enumerate(given, start=2)]
    rows = await db.fetch(MOVED.format(conditions=" AND ".join(conditions)), limit, *given.values())
    return [Moved(Movement(*row[:-1]), row[-1]) for row in map(tuple, rows)]


HELD = """
SELECT r.id, l.store_id, r.created_at, r.actor, r.holder,
       CASE WHEN r.status = 'live' AND r.expires_at <= now() THEN 'expired' ELSE r.status END, l.quantity,
       CASE WHEN l.expires_at > now() THEN l.held ELSE 0 END, l.fulfilled, r.related_document, r.expires_at, r.closed_at
  FROM reservation_lines AS l
  JOIN reservations AS r ON r.id = l.reservation_id
 WHERE l.product_id = $1
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
