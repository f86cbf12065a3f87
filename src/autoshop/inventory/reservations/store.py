"""SQL of reservations. Whoever changes a hold first locks its places, in key order and in a statement of its own.

What is read and summed afterwards is seen with a new snapshot, and nobody else can change it: an UPDATE in the same
statement as the lock would see the holds as they were before it waited. Lines come after places, and the reservation
itself comes last: so nobody waits in a circle.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autoshop.inventory.reservations.model import Place, Reservation, ReservationLine, Status
from autoshop.kit.db import Connection

LOCK_PLACES = """
SELECT
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
  JOIN inventory AS i ON i.product_id = w.product_id AND i.store_id = w.store_id
 ORDER BY w.product_id, w.store_id
   FOR NO KEY UPDATE OF i
"""


async def lock_places(db: Connection, places: Sequence[Place]) -> None:
    """Hold the places until the transaction ends. Before anything about them is read that counts."""
    await db.execute(LOCK_PLACES, *_keys(places))


HOLD = """
UPDATE inventory AS i
   SET reserved = i.reserved + w.pieces, updated_at = now()
  FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS w (product_id, store_id, pieces)
 WHERE i.product_id = w.product_id AND i.store_id = w.store_id
   AND i.quantity - i.reserved >= w.pieces
RETURNING i.product_id, i.store_id
"""

ADD = """
INSERT INTO reservations (holder, related_document, actor, expires_at)
VALUES ($1, $2, $3, $4)
RETURNING id
"""
ADD_LINES = """
INSERT INTO reservation_lines (reservation_id, product_id, store_id, quantity, held, expires_at)
SELECT $1, product_id, store_id, pieces, pieces, $5
  FROM unnest($2::bigint[], $3::bigint[], $4::int[]) AS w (product_id, store_id, pieces)
"""


async def hold(db: Connection, wanted: Mapping[Place, int]) -> set[Place]:
    """Take pieces off what is free; the places that had enough. They are locked, and lapsed holds there let go."""
    return {tuple(row) for row in await db.fetch(HOLD, *_columns(wanted))}


async def add(
    db: Connection, wanted: Mapping[Place, int], holder: str, related_document: str | None, actor: str, until: datetime
) -> int:
    """Write down who holds what was just taken; its id."""
    reservation_id: int = await db.fetchval(ADD, holder, related_document, actor, until)
    await db.execute(ADD_LINES, reservation_id, *_columns(wanted), until)
    return reservation_id


TAKE = """
WITH taken AS (
    UPDATE reservation_lines AS r
       SET held = r.held - least(r.held, w.pieces),
           fulfilled = r.fulfilled + CASE WHEN $5 THEN least(r.held, w.pieces) ELSE 0 END
      FROM unnest($2::bigint[], $3::bigint[], $4::int[]) AS w (product_id, store_id, pieces)
     WHERE r.reservation_id = $1 AND r.product_id = w.product_id AND r.store_id = w.store_id
       AND r.held > 0 AND r.expires_at > (SELECT clock_timestamp())
    RETURNING r.product_id, r.store_id, old.held - new.held AS pieces
), stock AS (
    UPDATE inventory AS i
       SET reserved = i.reserved - t.pieces, updated_at = now()
      FROM taken AS t
     WHERE i.product_id = t.product_id AND i.store_id = t.store_id
)
SELECT EXISTS (SELECT FROM taken)
"""


async def take(db: Connection, reservation_id: int, wanted: Mapping[Place, int], *, fulfilled: bool) -> bool:
    """Take pieces out of a hold: of each place as many as are held, at most those wanted; False where it has lapsed.

    They are free then, and the places are locked: whoever fulfils sells them in the same transaction.
    """
    return bool(await db.fetchval(TAKE, reservation_id, *_columns(wanted), fulfilled))


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
    ended = await db.fetch(LET_GO, *_keys(places))
    await close(db, [row["reservation_id"] for row in ended], "expired")
    return bool(ended)


# Locked first: of two who take the last pieces of one reservation at different places, the second must see the first.
LOCK = "SELECT id FROM reservations WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"
CLOSE = """
UPDATE reservations AS r
   SET version = r.version + 1,
       status = CASE WHEN EXISTS (SELECT FROM reservation_lines WHERE reservation_id = r.id AND held > 0) THEN 'live'
                     WHEN EXISTS (SELECT FROM reservation_lines WHERE reservation_id = r.id AND fulfilled > 0)
                     THEN 'fulfilled' ELSE $2 END,
       closed_at = CASE WHEN NOT EXISTS (SELECT FROM reservation_lines WHERE reservation_id = r.id AND held > 0)
                        THEN clock_timestamp() END
 WHERE id = ANY ($1::bigint[]) AND status = 'live'
"""
TELL = """
INSERT INTO outbox (topic, payload)
SELECT 'inventory.reservation',
       jsonb_build_object('reservation_id', r.id, 'change', $2::text, 'status', r.status,
                          'lines', (SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id,
                                                                        'store_id', l.store_id, 'held', l.held))
                                      FROM reservation_lines AS l
                                     WHERE l.reservation_id = r.id))
  FROM reservations AS r
 WHERE r.id = ANY ($1::bigint[])
"""


async def close(db: Connection, reservation_ids: Sequence[int], change: Status) -> None:
    """After pieces were taken out of holds: end those that hold nothing any more, and tell of all of them."""
    if reservation_ids:
        await db.execute(LOCK, reservation_ids)
        await db.execute(CLOSE, reservation_ids, change)
        await db.execute(TELL, reservation_ids, change)


async def tell(db: Connection, reservation_id: int, change: str) -> None:
    """An event for whoever watches."""
    await db.execute(TELL, [reservation_id], change)


EXTEND_LINES = """
UPDATE reservation_lines
   SET expires_at = $2
 WHERE reservation_id = $1 AND held > 0 AND expires_at > (SELECT clock_timestamp())
"""
EXTEND = "UPDATE reservations SET expires_at = $2, version = version + 1 WHERE id = $1"


async def extend(db: Connection, reservation_id: int, until: datetime) -> bool:
    """Move the end of a hold; False where it has lapsed. Its places are locked."""
    if await db.execute(EXTEND_LINES, reservation_id, until) == "UPDATE 0":
        return False
    await db.execute(EXTEND, reservation_id, until)
    return True


LAPSED = """
SELECT DISTINCT product_id, store_id
  FROM reservation_lines
 WHERE held > 0 AND expires_at <= now()
 ORDER BY product_id, store_id
 LIMIT $1
"""


async def lapsed_places(db: Connection, limit: int) -> list[Place]:
    """Where lapsed holds have not been let go yet."""
    return [(row["product_id"], row["store_id"]) for row in await db.fetch(LAPSED, limit)]


# What has lapsed has ended, whether a job has noticed or not.
STATUS = "CASE WHEN status = 'live' AND expires_at <= now() THEN 'expired' ELSE status END"
COLUMNS = f"id, holder, {STATUS} AS status, related_document, actor, created_at, expires_at, closed_at, version"
FIND = f"SELECT {COLUMNS} FROM reservations WHERE id = $1"
LINES = """
SELECT reservation_id, product_id, store_id, quantity, CASE WHEN expires_at > now() THEN held ELSE 0 END AS held,
       fulfilled
  FROM reservation_lines
 WHERE reservation_id = ANY ($1::bigint[])
 ORDER BY reservation_id, product_id, store_id
"""


async def find(db: Connection, reservation_id: int) -> Reservation | None:
    """A reservation with its lines."""
    row = await db.fetchrow(FIND, reservation_id)
    return (await _with_lines(db, [row]))[0] if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM reservations AS r
 WHERE {{conditions}}
 ORDER BY id DESC
 LIMIT $1
"""
CONDITIONS = {
    "before_id": "id < ${}",
    "status": f"{STATUS} = ${{}}",
    "related_document": "related_document = ${}",
    "product_id": "EXISTS (SELECT FROM reservation_lines WHERE reservation_id = r.id AND product_id = ${})",
    "store_id": "EXISTS (SELECT FROM reservation_lines WHERE reservation_id = r.id AND store_id = ${})",
}


async def list_page(db: Connection, filters: Mapping[str, int | str | None], limit: int) -> list[Reservation]:
    """Newest first. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [CONDITIONS[name].format(number) for number, name in enumerate(given, start=2)]
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return await _with_lines(db, await db.fetch(sql, limit, *given.values()))


async def _with_lines(db: Connection, rows: Sequence[Any]) -> list[Reservation]:
    if not rows:
        return []
    lines: dict[int, list[ReservationLine]] = {row["id"]: [] for row in rows}
    for reservation_id, *line in map(tuple, await db.fetch(LINES, list(lines))):
        lines[reservation_id].append(ReservationLine(*line))
    return [Reservation(**row, lines=tuple(lines[row["id"]])) for row in rows]


def _keys(places: Sequence[Place]) -> tuple[list[int], list[int]]:
    distinct = sorted(set(places))
    return [product_id for product_id, _ in distinct], [store_id for _, store_id in distinct]


def _columns(wanted: Mapping[Place, int]) -> tuple[list[int], list[int], list[int]]:
    return [place[0] for place in wanted], [place[1] for place in wanted], list(wanted.values())
