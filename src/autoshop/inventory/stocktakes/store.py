"""SQL of stocktakes and their lines. A stocktake is locked before its places, and these in key order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autoshop.inventory.recounts import store as recounts
from autoshop.inventory.stocktakes.model import Line, Progress, Scope, Stocktake
from autoshop.kit.db import Connection

COLUMNS = """id, store_id, status, scope, blind, second_count_above, second_count_above_kopecks, note, opened_by,
       opened_at, uncounted, reviewed_by, reviewed_at, closed_by, closed_at, surplus, shortage, version,
       movement_mark"""
FIND = f"SELECT {COLUMNS} FROM stocktakes WHERE id = $1"
LOCK = FIND + " FOR NO KEY UPDATE"
LOCK_FOR_COUNTING = FIND + " FOR SHARE"


async def find(db: Connection, stocktake_id: int) -> Stocktake | None:
    row = await db.fetchrow(FIND, stocktake_id)
    return Stocktake(**row) if row else None


async def lock(db: Connection, stocktake_id: int) -> Stocktake | None:
    """Nobody else counts, reviews or ends it until the transaction does."""
    row = await db.fetchrow(LOCK, stocktake_id)
    return Stocktake(**row) if row else None


async def lock_for_counting(db: Connection, stocktake_id: int) -> Stocktake | None:
    """Others count along, but nobody ends the counting meanwhile."""
    row = await db.fetchrow(LOCK_FOR_COUNTING, stocktake_id)
    return Stocktake(**row) if row else None


# Movements carry the database's time, and counts are compared with them: so this clock, and no other.
CLOCK = "SELECT clock_timestamp()"


async def clock(db: Connection) -> datetime:
    """The time by which movements are posted."""
    return await db.fetchval(CLOCK)  # type: ignore[no-any-return]


# The mark is an early one: number and time of a movement are drawn in the same instant, and a minute is more than that.
OPEN = """
INSERT INTO stocktakes (store_id, scope, blind, second_count_above, note, opened_by, opened_at,
                        second_count_above_kopecks, movement_mark)
SELECT $1, $2, $3, $4, $5, $6, $7, $8,
       coalesce((SELECT id
                   FROM movements
                  WHERE created_at < $7::timestamptz - interval '1 minute'
                  ORDER BY id DESC
                  LIMIT 1), 0)
RETURNING id
"""


async def open_(
    db: Connection,
    store_id: int,
    scope: Scope,
    blind: bool,
    second_count_above: int | None,
    note: str | None,
    actor: str,
    now: datetime,
    above_kopecks: int | None,
) -> int:
    """A stocktake without lines; its id."""
    return await db.fetchval(  # type: ignore[no-any-return]
        OPEN, store_id, scope.document(), blind, second_count_above, note, actor, now, above_kopecks
    )


OF_STORE = """
SELECT product_id
  FROM inventory
 WHERE store_id = $1 AND quantity > 0
 ORDER BY product_id
"""
OF_CATEGORY = """
WITH RECURSIVE down AS (
    SELECT $2::bigint AS id, 1 AS level
     UNION ALL
    SELECT c.id, down.level + 1
      FROM down
      JOIN categories AS c ON c.parent_id = down.id
     WHERE down.level < 20
)
SELECT i.product_id
  FROM products AS p
  JOIN inventory AS i ON i.product_id = p.id AND i.store_id = $1
 WHERE p.category_id IN (SELECT id FROM down) AND i.quantity > 0
 ORDER BY i.product_id
"""
# Between a key and the same with «!» lie just that key and those that go on with a space, which is the sign before it.
OF_SHELVES = """
SELECT DISTINCT f.product_id
  FROM unnest($2::text[]) AS w (key)
  JOIN shelf_places AS f ON f.store_id = $1 AND f.place_key >= w.key AND f.place_key < w.key || '!'
  JOIN inventory AS i ON i.product_id = f.product_id AND i.store_id = $1
 WHERE i.quantity > 0
 ORDER BY f.product_id
"""
OF_NAMES = "SELECT id AS product_id FROM products WHERE id = ANY ($1::bigint[]) ORDER BY id"


async def products_in(db: Connection, store_id: int, scope: Scope) -> list[int]:
    """The products that are counted, in order; of those named the ones that exist."""
    if scope.kind == "store":
        rows = await db.fetch(OF_STORE, store_id)
    elif scope.kind == "category":
        rows = await db.fetch(OF_CATEGORY, store_id, scope.category_id)
    elif scope.kind == "shelves":
        rows = await db.fetch(OF_SHELVES, store_id, scope.shelf_keys)
    elif scope.kind == "flagged":
        return await recounts.flagged(db, store_id)
    else:
        rows = await db.fetch(OF_NAMES, scope.product_ids)
    return [row["product_id"] for row in rows]


CATEGORY_EXISTS = "SELECT EXISTS (SELECT FROM categories WHERE id = $1)"


async def category_exists(db: Connection, category_id: int | None) -> bool:
    return bool(await db.fetchval(CATEGORY_EXISTS, category_id))


SHELVES_THERE = """
SELECT w.key
  FROM unnest($2::text[]) AS w (key)
 WHERE EXISTS (SELECT
                 FROM shelf_places AS f
                WHERE f.store_id = $1 AND f.place_key >= w.key AND f.place_key < w.key || '!')
"""


async def shelves_there(db: Connection, store_id: int, keys: Sequence[str]) -> set[str]:
    """Those of the keys under which any product has a place."""
    return {row["key"] for row in await db.fetch(SHELVES_THERE, store_id, keys)}


CLASHES = """
SELECT product_id, stocktake_id
  FROM stocktake_lines
 WHERE product_id = ANY ($1::bigint[]) AND store_id = $2 AND open
 ORDER BY product_id
 LIMIT $3
"""


async def clashes(db: Connection, store_id: int, product_ids: Sequence[int], limit: int) -> list[dict[str, int]]:
    """Products of these that an open stocktake of the store has already."""
    return [dict(row) for row in await db.fetch(CLASHES, product_ids, store_id, limit)]


ADD_LINES = """
INSERT INTO stocktake_lines (stocktake_id, product_id, store_id, expected, place_key)
SELECT $1, w.product_id, $2, coalesce(i.quantity, 0),
       coalesce((SELECT f.place_key
                   FROM shelf_places AS f
                  WHERE f.product_id = w.product_id AND f.store_id = $2
                  ORDER BY EXISTS (SELECT
                                     FROM unnest($4::text[]) AS s (key)
                                    WHERE f.place_key >= s.key AND f.place_key < s.key || '!') DESC,
                           f.is_main DESC, f.place_key
                  LIMIT 1), chr(1114111))
  FROM unnest($3::bigint[]) AS w (product_id)
  LEFT JOIN inventory AS i ON i.product_id = w.product_id AND i.store_id = $2
 ORDER BY w.product_id
"""


async def add_lines(
    db: Connection, stocktake_id: int, store_id: int, product_ids: Sequence[int], shelf_keys: Sequence[str]
) -> None:
    """Freeze the list; a product stands where it lies on the counted shelves, else where it lies first.

    Raises UniqueViolationError where an open stocktake has one of them by now.
    """
    await db.execute(ADD_LINES, stocktake_id, store_id, product_ids, shelf_keys)


REVIEW = """
UPDATE stocktakes
   SET status = 'review', uncounted = $2, reviewed_by = $3, reviewed_at = clock_timestamp(), version = version + 1
 WHERE id = $1
"""
REOPEN = """
UPDATE stocktakes
   SET status = 'counting', uncounted = NULL, reviewed_by = NULL, reviewed_at = NULL, version = version + 1
 WHERE id = $1
"""
CLOSE = """
UPDATE stocktakes
   SET status = $2, closed_by = $3, closed_at = clock_timestamp(), surplus = $4, shortage = $5, version = version + 1
 WHERE id = $1
"""
CLOSE_LINES = "UPDATE stocktake_lines SET open = false WHERE stocktake_id = $1 AND open"


async def review(db: Connection, stocktake_id: int, uncounted: str, actor: str) -> None:
    """End the counting of one that is locked."""
    await db.execute(REVIEW, stocktake_id, uncounted, actor)


async def reopen(db: Connection, stocktake_id: int) -> None:
    await db.execute(REOPEN, stocktake_id)


async def close_lines(db: Connection, stocktake_id: int) -> None:
    """Let the products of one that is locked, and about to end, be counted by others."""
    await db.execute(CLOSE_LINES, stocktake_id)


async def close(
    db: Connection, stocktake_id: int, status: str, actor: str, sums: tuple[int, int] | None = None
) -> None:
    """End one that is locked; `sums` are surplus and shortage."""
    await db.execute(CLOSE, stocktake_id, status, actor, *(sums or (None, None)))


ASK_AGAIN = """
UPDATE stocktake_lines
   SET status = 'needs_second_count', asked_round = round + 1
 WHERE stocktake_id = $1 AND product_id = ANY ($2::bigint[]) AND round < $3
RETURNING product_id
"""


async def ask_again(db: Connection, stocktake_id: int, product_ids: Sequence[int], most_rounds: int) -> set[int]:
    """Want these lines counted once more; those of which that is possible. The stocktake is locked."""
    return {row["product_id"] for row in await db.fetch(ASK_AGAIN, stocktake_id, product_ids, most_rounds)}


TELL = """
INSERT INTO outbox (topic, payload)
SELECT 'inventory.stocktake',
       jsonb_build_object('stocktake_id', id, 'change', $2::text, 'status', status,
                          'store_ids', jsonb_build_array(store_id), 'product_ids', $3::bigint[])
  FROM stocktakes
 WHERE id = $1
"""


async def tell(db: Connection, stocktake_id: int, change: str, product_ids: Sequence[int] = ()) -> None:
    """An event for whoever watches; of a whole stocktake it names no products."""
    await db.execute(TELL, stocktake_id, change, product_ids)


LIST = f"""
SELECT {COLUMNS}
  FROM stocktakes
 WHERE ($1::bigint IS NULL OR store_id = $1)
   AND ($2::text[] IS NULL OR status = ANY ($2))
   AND ($3::bigint IS NULL OR id < $3)
 ORDER BY id DESC
 LIMIT $4
"""


async def list_page(
    db: Connection, store_id: int | None, statuses: Sequence[str] | None, before_id: int | None, limit: int
) -> list[Stocktake]:
    """Newest first."""
    return [Stocktake(**row) for row in await db.fetch(LIST, store_id, statuses, before_id, limit)]


LINE_COLUMNS = "product_id, status, expected, asked_round, round, counted, ledger, difference, counted_at, counted_by"
LINES = f"""
SELECT {LINE_COLUMNS}
  FROM stocktake_lines
 WHERE {{conditions}}
 ORDER BY {{order}}
 LIMIT $1
"""
CONDITIONS = {
    "stocktake_id": "stocktake_id = ${}",
    "status": "status = ${}",
    "product_ids": "product_id = ANY (${}::bigint[])",
    "after_id": "product_id > ${}",
    "after_difference": "(-coalesce(abs(difference), -1), product_id) > ((${0}::bigint[])[1], (${0}::bigint[])[2])",
}
BY_DIFFERENCE = "-coalesce(abs(difference), -1), product_id"


async def lines(db: Connection, filters: Mapping[str, Any], limit: int, *, by_difference: bool = False) -> list[Line]:
    """By product, or the largest differences first. `filters` has names of CONDITIONS; None does not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [CONDITIONS[name].format(number) for number, name in enumerate(given, start=2)]
    sql = LINES.replace("{conditions}", "\n   AND ".join(conditions) or "true")
    sql = sql.replace("{order}", BY_DIFFERENCE if by_difference else "product_id")
    return [Line(**row) for row in await db.fetch(sql, limit, *given.values())]


BY_STATUS = "SELECT status, count(*) FROM stocktake_lines WHERE stocktake_id = $1 GROUP BY status ORDER BY status"
BY_PERSON = """
SELECT actor, count(DISTINCT product_id)
  FROM stocktake_counts AS c
 WHERE stocktake_id = $1
   AND NOT EXISTS (SELECT
                     FROM stocktake_retractions AS r
                    WHERE r.stocktake_id = c.stocktake_id AND r.client_id = c.client_id)
 GROUP BY actor
 ORDER BY actor
"""


async def by_status(db: Connection, stocktake_id: int) -> dict[str, int]:
    """How many lines there are of each status."""
    return dict(map(tuple, await db.fetch(BY_STATUS, stocktake_id)))


async def progress(db: Connection, stocktake_id: int) -> Progress:
    """How far it is, and by whom."""
    lines = await by_status(db, stocktake_id)
    by_person: dict[str, int] = dict(map(tuple, await db.fetch(BY_PERSON, stocktake_id)))
    return Progress(sum(lines.values()), lines, by_person)
