"""SQL of holds whose pieces are on the way from one store to another: not held meanwhile, but awaited.

Places are locked by whoever moves the pieces, in key order; a hold that has lapsed awaits nothing.
"""

from collections.abc import Mapping

from autoshop.inventory.reservations.store import close
from autoshop.kit.db import Connection

LEAVE = """
WITH gone AS (
    UPDATE reservation_lines AS r
       SET quantity = r.quantity - w.pieces, held = r.held - w.pieces
      FROM unnest($4::bigint[], $5::int[]) AS w (product_id, pieces)
     WHERE r.reservation_id = $1 AND r.product_id = w.product_id AND r.store_id = $2
       AND r.held >= w.pieces AND r.expires_at > (SELECT clock_timestamp())
    RETURNING r.product_id, w.pieces, r.expires_at
), stock AS (
    UPDATE inventory AS i
       SET reserved = i.reserved - g.pieces, updated_at = now()
      FROM gone AS g
     WHERE i.product_id = g.product_id AND i.store_id = $2
)
INSERT INTO reservation_lines AS r (reservation_id, product_id, store_id, quantity, held, awaited, expires_at)
SELECT $1, product_id, $3, pieces, 0, pieces, expires_at
  FROM gone
    ON CONFLICT (reservation_id, product_id, store_id) DO UPDATE
   SET quantity = r.quantity + excluded.quantity, awaited = r.awaited + excluded.awaited,
       expires_at = excluded.expires_at
RETURNING product_id
"""


async def leave(
    db: Connection, reservation_id: int, from_store_id: int, to_store_id: int, pieces: Mapping[int, int]
) -> set[int]:
    """Held at one store → awaited at the other (product → pieces); the products of which all were held."""
    rows = await db.fetch(LEAVE, reservation_id, from_store_id, to_store_id, list(pieces), list(pieces.values()))
    return {row["product_id"] for row in rows}


COME = """
WITH came AS (
    UPDATE reservation_lines AS r
       SET awaited = r.awaited - least(r.awaited, w.pieces), held = r.held + least(r.awaited, w.pieces)
      FROM unnest($3::bigint[], $4::int[]) AS w (product_id, pieces)
     WHERE r.reservation_id = $1 AND r.product_id = w.product_id AND r.store_id = $2
       AND r.awaited > 0 AND r.expires_at > (SELECT clock_timestamp())
    RETURNING r.product_id, new.held - old.held AS pieces
), stock AS (
    UPDATE inventory AS i
       SET reserved = i.reserved + c.pieces, updated_at = now()
      FROM came AS c
     WHERE i.product_id = c.product_id AND i.store_id = $2
)
SELECT EXISTS (SELECT FROM came)
"""


async def come(db: Connection, reservation_id: int, store_id: int, pieces: Mapping[int, int]) -> bool:
    """Awaited → held, of what lies there now (product → pieces); whether anything was awaited."""
    return bool(await db.fetchval(COME, reservation_id, store_id, list(pieces), list(pieces.values())))


COME_BACK = """
WITH back AS (
    UPDATE reservation_lines AS r
       SET quantity = r.quantity - least(r.awaited, w.pieces), awaited = r.awaited - least(r.awaited, w.pieces)
      FROM unnest($4::bigint[], $5::int[]) AS w (product_id, pieces)
     WHERE r.reservation_id = $1 AND r.product_id = w.product_id AND r.store_id = $3
       AND r.awaited > 0 AND r.expires_at > (SELECT clock_timestamp())
    RETURNING r.product_id, old.awaited - new.awaited AS pieces, r.expires_at
), stock AS (
    UPDATE inventory AS i
       SET reserved = i.reserved + b.pieces, updated_at = now()
      FROM back AS b
     WHERE i.product_id = b.product_id AND i.store_id = $2
), held AS (
    UPDATE reservation_lines AS r
       SET quantity = r.quantity + b.pieces, held = r.held + b.pieces, expires_at = b.expires_at
      FROM back AS b
     WHERE r.reservation_id = $1 AND r.product_id = b.product_id AND r.store_id = $2
)
SELECT EXISTS (SELECT FROM back)
"""


async def come_back(
    db: Connection, reservation_id: int, from_store_id: int, to_store_id: int, pieces: Mapping[int, int]
) -> bool:
    """Awaited → held where it came from, of what lies there again; whether anything was awaited."""
    return bool(
        await db.fetchval(COME_BACK, reservation_id, from_store_id, to_store_id, list(pieces), list(pieces.values()))
    )


FORGO = """
UPDATE reservation_lines
   SET awaited = 0
 WHERE reservation_id = $1 AND awaited > 0 AND expires_at > (SELECT clock_timestamp())
"""


async def forgo(db: Connection, reservation_id: int) -> bool:
    """Wait for nothing any more: what is on the way comes as free stock. Whether anything was awaited."""
    return await db.execute(FORGO, reservation_id) != "UPDATE 0"


LAPSE = """
WITH lapsed AS (
    SELECT reservation_id, product_id, store_id
      FROM reservation_lines
     WHERE awaited > 0 AND expires_at <= (SELECT clock_timestamp())
     ORDER BY expires_at
     LIMIT $1
       FOR NO KEY UPDATE SKIP LOCKED
), ended AS (
    UPDATE reservation_lines AS r
       SET awaited = 0
      FROM lapsed AS l
     WHERE r.reservation_id = l.reservation_id AND r.product_id = l.product_id AND r.store_id = l.store_id
    RETURNING r.reservation_id
)
SELECT DISTINCT reservation_id
  FROM ended
"""


async def lapse(db: Connection, limit: int) -> int:
    """End the waiting of holds that have lapsed while their pieces were on the way; how many holds there were."""
    ended = [row["reservation_id"] for row in await db.fetch(LAPSE, limit)]
    await close(db, ended, "expired")
    return len(ended)


HELD_AT = """
SELECT product_id, held
  FROM reservation_lines
 WHERE reservation_id = $1 AND store_id = $2 AND held > 0
"""


async def held_at(db: Connection, reservation_id: int, store_id: int) -> dict[int, int]:
    """Pieces by product that a hold has at a store."""
    return {row["product_id"]: row["held"] for row in await db.fetch(HELD_AT, reservation_id, store_id)}
