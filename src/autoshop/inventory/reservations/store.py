"""SQL of reservations. Whoever changes a hold first locks its places, in key order and in a statement of its own.

What is read and summed afterwards is seen with a new snapshot, and nobody else can change it: an UPDATE in the same
statement as the lock would see the holds as they were before it waited. Lines come after places, and the reservation
itself comes last: so nobody waits in a circle.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autoshop.inventory.allocation import store as allocations
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
    await db.execute(LOCK_PLACES, *keys(places))


HOLD = """
UPDATE inventory AS i
   SET reserved = i.reserved + w.pieces, updated_at = now()
  FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS w (product_id, store_id, pieces)
 WHERE i.product_id = w.product_id AND i.store_id = w.store_id
   AND i.quantity - i.reserved >= w.pieces
RETURNING i.product_id, i.store_id
"""

ADD = """
WITH head AS (
    INSERT INTO reservations (holder, related_document, actor, expires_at)
    VALUES ($1, $2, $3, $4)
    RETURNING id
), lines AS (
    INSERT INTO reservation_lines (reservation_id, product_id, store_id, quantity, held, expires_at)
    SELECT h.id, w.product_id, w.store_id, w.pieces, w.pieces, $4
      FROM head AS h, unnest($5::bigint[], $6::bigint[], $7::int[]) AS w (product_id, store_id, pieces)
)
SELECT id
  FROM head
"""


async def hold(db: Connection, wanted: Mapping[Place, int]) -> set[Place]:
    """Take pieces off what is free; the places that had enough. They are locked, and lapsed holds there let go."""
    return {tuple(row) for row in await db.fetch(HOLD, *_columns(wanted))}


async def add(
    db: Connection, wanted: Mapping[Place, int], holder: str, related_document: str | None, actor: str, until: datetime
) -> int:
    """Write down who holds what was just taken; its id."""
    return await db.fetchval(  # type: ignore[no-any-return]
        ADD, holder, related_document, actor, until, *_columns(wanted)
    )


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


# The one rule of a hold's end, for whoever reads, tells or closes: what has lapsed has ended and holds nothing, whether
# a job has noticed or not. `r` is a reservation, `l` a line of it.
CLOCK = "(SELECT clock_timestamp())"
STATUS = f"CASE WHEN r.status = 'live' AND r.expires_at <= {CLOCK} THEN 'expired' ELSE r.status END"
HELD = f"CASE WHEN l.expires_at > {CLOCK} THEN l.held ELSE 0 END"
AWAITED = f"CASE WHEN l.expires_at > {CLOCK} THEN l.awaited ELSE 0 END"
# What took the last pieces decides how it ended: time, or people; and they sold something of it, or gave all back.
ENDED = """CASE WHEN $2 = 'expired' THEN 'expired'
                     WHEN EXISTS (SELECT FROM reservation_lines WHERE reservation_id = r.id AND fulfilled > 0)
                     THEN 'fulfilled' ELSE 'released' END"""

# Locked first: of two who take the last pieces of one reservation at different places, the second must see the first.
LOCK = "SELECT id FROM reservations WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"
LIVES = f"""EXISTS (SELECT
                               FROM reservation_lines
                              WHERE reservation_id = r.id AND (held > 0 OR awaited > 0 AND expires_at > {CLOCK}))"""
CLOSE = f"""
UPDATE reservations AS r
   SET version = r.version + 1,
       status = CASE WHEN {LIVES} THEN 'live' ELSE {ENDED} END,
       closed_at = CASE WHEN NOT {LIVES} THEN clock_timestamp() END
 WHERE id = ANY ($1::bigint[]) AND status = 'live'
"""
TELL = f"""
INSERT INTO outbox (topic, payload)
SELECT 'inventory.reservation',
       jsonb_build_object('reservation_id', r.id, 'change', $2::text, 'status', {STATUS}, 'version', r.version,
                          'expires_at', r.expires_at,
                          'lines', (SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id,
                                                                        'store_id', l.store_id, 'held', {HELD},
                                                                        'awaited', {AWAITED},
                                                                        'fulfilled', l.fulfilled)
                                                     ORDER BY l.product_id, l.store_id)
                                      FROM reservation_lines AS l
                                     WHERE l.reservation_id = r.id))
  FROM reservations AS r
 WHERE r.id = ANY ($1::bigint[])
"""


async def close(db: Connection, reservation_ids: Sequence[int], change: str) -> None:
    """After pieces were taken out of holds: end those that hold nothing any more, with their promises; tell of all."""
    if reservation_ids:
        await db.execute(LOCK, reservation_ids)
        await db.execute(CLOSE, reservation_ids, change)
        await db.execute(TELL, reservation_ids, change)
        await allocations.settle(db, reservation_ids)


async def tell(db: Connection, reservation_id: int, change: str) -> None:
    """An event for whoever watches."""
    await db.execute(TELL, [reservation_id], change)


EXTEND_LINES = """
UPDATE reservation_lines
   SET expires_at = $2
 WHERE reservation_id = $1 AND (held > 0 OR awaited > 0) AND expires_at > (SELECT clock_timestamp())
"""
EXTEND = "UPDATE reservations SET expires_at = $2, version = version + 1 WHERE id = $1"


async def extend(db: Connection, reservation_id: int, until: datetime) -> bool:
    """Move the end of a hold; False where it has lapsed. Its places are locked."""
    if await db.execute(EXTEND_LINES, reservation_id, until) == "UPDATE 0":
        return False
    await db.execute(EXTEND, reservation_id, until)
    return True


COLUMNS = f"""r.id, r.holder, {STATUS} AS status, r.related_document, r.actor, r.created_at, r.expires_at,
       r.closed_at, r.version"""
FIND = f"SELECT {COLUMNS} FROM reservations AS r WHERE r.id = $1"
LINES = f"""
SELECT l.reservation_id, l.product_id, l.store_id, l.quantity, {HELD} AS held, {AWAITED} AS awaited, l.fulfilled
  FROM reservation_lines AS l
 WHERE l.reservation_id = ANY ($1::bigint[]) AND l.quantity > 0
 ORDER BY l.reservation_id, l.product_id, l.store_id
"""


async def find(db: Connection, reservation_id: int) -> Reservation | None:
    """A reservation with its lines."""
    row = await db.fetchrow(FIND, reservation_id)
    return (await _with_lines(db, [row]))[0] if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM reservations AS r
 WHERE {{conditions}}
 ORDER BY r.id DESC
 LIMIT $1
"""
CONDITIONS = {
    "before_id": "r.id < ${}",
    "related_document": "r.related_document = ${}",
    "holder": "lower(r.holder) = lower(${})",
    # All that begins so, in the order of an index: nothing sorts behind the last character of Unicode.
    "holder_prefix": "lower(r.holder) >= lower(${0}) AND lower(r.holder) < lower(${0}) || chr(1114111)",
}
# The same as STATUS, said so that an index of just these is found.
STATUSES: dict[Status, str] = {
    "live": f"r.status = 'live' AND r.expires_at > {CLOCK}",
    "expired": f"r.status IN ('live', 'expired') AND (r.status = 'expired' OR r.expires_at <= {CLOCK})",
    "fulfilled": "r.status = 'fulfilled'",
    "released": "r.status = 'released'",
}
HOLDS = "r.id IN (SELECT l.reservation_id FROM reservation_lines AS l WHERE {conditions})"
OF_LINES = {"product_id": "l.product_id = ${}", "store_id": "l.store_id = ${}"}


async def list_page(
    db: Connection, filters: Mapping[str, int | str | None], limit: int, status: Status | None = None
) -> list[Reservation]:
    """Newest first. `filters` has names of CONDITIONS and OF_LINES; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    numbered = {name: number for number, name in enumerate(given, start=2)}
    conditions = [CONDITIONS[name].format(number) for name, number in numbered.items() if name in CONDITIONS]
    of_a_line = [OF_LINES[name].format(number) for name, number in numbered.items() if name in OF_LINES]
    if of_a_line:
        conditions.append(HOLDS.format(conditions=" AND ".join(of_a_line)))
    if status is not None:
        conditions.append(STATUSES[status])
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return await _with_lines(db, await db.fetch(sql, limit, *given.values()))


HOLDING = f"""
SELECT w.product_id, w.store_id, h.reservation_id
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
 CROSS JOIN LATERAL (SELECT reservation_id, expires_at
                       FROM reservation_lines
                      WHERE product_id = w.product_id AND store_id = w.store_id AND held > 0 AND expires_at > {CLOCK}
                      ORDER BY expires_at
                      LIMIT $3) AS h
 ORDER BY w.product_id, w.store_id, h.expires_at, h.reservation_id
"""


async def holding(db: Connection, places: Sequence[Place], most: int) -> dict[Place, list[int]]:
    """Which reservations hold pieces at each of the places: at most so many of each, those that lapse first."""
    found: dict[Place, list[int]] = {}
    for product_id, store_id, reservation_id in await db.fetch(HOLDING, *keys(places), most):
        found.setdefault((product_id, store_id), []).append(reservation_id)
    return found


async def _with_lines(db: Connection, rows: Sequence[Any]) -> list[Reservation]:
    if not rows:
        return []
    lines: dict[int, list[ReservationLine]] = {row["id"]: [] for row in rows}
    for reservation_id, *line in map(tuple, await db.fetch(LINES, list(lines))):
        lines[reservation_id].append(ReservationLine(*line))
    return [Reservation(**row, lines=tuple(lines[row["id"]])) for row in rows]


def keys(places: Sequence[Place]) -> tuple[list[int], list[int]]:
    """Products and stores of distinct places, in key order, as columns for unnest."""
    distinct = sorted(set(places))
    return [product_id for product_id, _ in distinct], [store_id for _, store_id in distinct]


def _columns(wanted: Mapping[Place, int]) -> tuple[list[int], list[int], list[int]]:
    return [place[0] for place in wanted], [place[1] for place in wanted], list(wanted.values())
