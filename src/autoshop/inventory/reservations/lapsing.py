"""SQL of what time does to holds: they lapse, and who held is forgotten. Apart from store.py, which is long enough."""

from collections.abc import Sequence

from autoshop.inventory.reservations.model import Place
from autoshop.inventory.reservations.store import close, keys
from autoshop.kit.db import Connection

LET_GO = """
WITH ended AS (
    UPDATE reservation_lines AS r
       SET held = 0
      FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
     WHERE r.product_id = w.product_id AND r.store_id = w.store_id
       AND r.held > 0 AND r.expires_at <= (SELECT clock_timestamp())
    RETURNING r.reservation_id, r.product_id, r.store_id, old.held AS pieces
), freed AS (
    SELECT product_id, store_id, sum(pieces)::int AS pieces
      FROM ended
     GROUP BY product_id, store_id
), stock AS (
    UPDATE inventory AS i
       SET reserved = i.reserved - f.pieces, updated_at = now()
      FROM freed AS f
     WHERE i.product_id = f.product_id AND i.store_id = f.store_id
)
SELECT DISTINCT reservation_id
  FROM ended
"""


async def let_go_of_lapsed(db: Connection, places: Sequence[Place]) -> bool:
    """Free what lapsed holds still hold at these places, which are locked; whether there was any."""
    ended = await db.fetch(LET_GO, *keys(places))
    await close(db, [row["reservation_id"] for row in ended], "expired")
    return bool(ended)


LAPSED = """
SELECT DISTINCT product_id, store_id
  FROM reservation_lines
 WHERE held > 0 AND expires_at <= now()
 ORDER BY product_id, store_id
 LIMIT $1
"""


async def lapsed_places(db: Connection, limit: int) -> list[Place]:
    """Where lapsed holds have not been let go yet, in key order."""
    return [(row["product_id"], row["store_id"]) for row in await db.fetch(LAPSED, limit)]


LOCK_FREE_PLACES = """
SELECT i.product_id, i.store_id
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
  JOIN inventory AS i ON i.product_id = w.product_id AND i.store_id = w.store_id
 ORDER BY w.product_id, w.store_id
   FOR NO KEY UPDATE OF i SKIP LOCKED
"""


async def lock_free_places(db: Connection, places: Sequence[Place]) -> list[Place]:
    """Hold those of the places that nobody else has locked, until the transaction ends."""
    return [(row["product_id"], row["store_id"]) for row in await db.fetch(LOCK_FREE_PLACES, *keys(places))]


FORGET_HOLDERS = """
WITH old AS (
    SELECT id
      FROM reservations
     WHERE holder IS NOT NULL AND closed_at < now() - make_interval(days => $1)
     ORDER BY closed_at
     LIMIT $2
       FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE reservations AS r
   SET holder = NULL
  FROM old
 WHERE r.id = old.id
"""


async def forget_holders(db: Connection, days: int, limit: int) -> int:
    """Forget for whom pieces were held, where the hold ended more than `days` ago; how many there were."""
    return int((await db.execute(FORGET_HOLDERS, days, limit)).split()[-1])
