"""SQL of places on shelves. Whoever writes holds the lock of the store: two never set the same list at once."""

from collections.abc import Sequence

from autoshop.inventory.shelves.model import Shelf, ShelfLine, Unplaced, Wanted, key_of
from autoshop.kit.db import Connection

# The row of the store, because a product that never lay anywhere has no row of its own to lock.
LOCK_STORES = "SELECT id FROM stores WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"


async def lock_stores(db: Connection, store_ids: Sequence[int]) -> set[int]:
    """Hold the shelves of these stores until the transaction ends; those that there are."""
    return {row["id"] for row in await db.fetch(LOCK_STORES, sorted(set(store_ids)))}


KNOWN = "SELECT id FROM products WHERE id = ANY ($1::bigint[]) LIMIT 1000"


async def known_products(db: Connection, product_ids: Sequence[int]) -> set[int]:
    """Those of at most 1 000 products that there are."""
    return {row["id"] for row in await db.fetch(KNOWN, sorted(set(product_ids)))}


LISTS = """
SELECT s.product_id, s.store_id, array_agg(s.place ORDER BY s.is_main DESC, s.place_key) AS places,
       max(s.version) AS version
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
  JOIN shelf_places AS s ON s.product_id = w.product_id AND s.store_id = w.store_id
 GROUP BY s.product_id, s.store_id
"""


async def lists(db: Connection, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Shelf]:
    """The places of each (product, store) that has some."""
    rows = await db.fetch(LISTS, [product_id for product_id, _ in wanted], [store_id for _, store_id in wanted])
    return {
        (row["product_id"], row["store_id"]): Shelf(
            row["product_id"], row["store_id"], tuple(row["places"]), row["version"]
        )
        for row in rows
    }


CLEAR = """
DELETE FROM shelf_places AS s
 USING unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
 WHERE s.product_id = w.product_id AND s.store_id = w.store_id
"""
FILL = """
INSERT INTO shelf_places (product_id, store_id, place, place_key, is_main, version)
SELECT w.product_id, w.store_id, w.place, w.place_key, w.is_main, v.version
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::boolean[])
       AS w (product_id, store_id, place, place_key, is_main),
       (SELECT nextval('shelf_versions')::integer AS version) AS v
"""
TELL = """
INSERT INTO outbox (topic, payload)
SELECT 'inventory.shelf', jsonb_build_object('store_id', store_id, 'product_ids', jsonb_agg(product_id))
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
 GROUP BY store_id
 ORDER BY store_id
"""


async def replace(db: Connection, wanted: Sequence[Wanted]) -> None:
    """Give products these places and no others, and tell of it. The stores are locked."""
    keys = [one.product_id for one in wanted], [one.store_id for one in wanted]
    rows = [(one, number, place) for one in wanted for number, place in enumerate(one.places)]
    await db.execute(CLEAR, *keys)
    await db.execute(
        FILL,
        [one.product_id for one, _, _ in rows],
        [one.store_id for one, _, _ in rows],
        [place for _, _, place in rows],
        [key_of(place) for _, _, place in rows],
        [number == 0 for _, number, _ in rows],
    )
    await db.execute(TELL, *keys)


# Along the shelves of a store; or where a product lies. Each filter that is given becomes one condition.
LIST = """
SELECT s.product_id, s.store_id, s.place, s.place_key, s.is_main, s.version, s.updated_at,
       coalesce(i.quantity, 0) AS quantity, coalesce(i.reserved, 0) AS reserved
  FROM shelf_places AS s
  LEFT JOIN stock AS i ON i.product_id = s.product_id AND i.store_id = s.store_id
 WHERE {conditions}
 ORDER BY s.store_id, s.place_key, s.product_id
 LIMIT $1
"""
CONDITIONS = {
    "store_id": "s.store_id = ${0}",
    "product_id": "s.product_id = ${0}",
    "place_key": "s.place_key = ${0}",
    "after": "(s.store_id, s.place_key, s.product_id) > (${0}, ${1}, ${2})",
    "after_in_store": "(s.place_key, s.product_id) > (${0}, ${1})",
}


async def list_page(
    db: Connection,
    *,
    store_id: int | None,
    product_id: int | None,
    place_key: str | None,
    after: tuple[int, str, int] | None,
    limit: int,
) -> list[ShelfLine]:
    """By store, then as one walks."""
    filters = {"store_id": store_id, "product_id": product_id, "place_key": place_key}
    values: list[int | str] = []
    conditions = []
    for name, value in filters.items():
        if value is not None:
            conditions.append(CONDITIONS[name].format(len(values) + 2))
            values.append(value)
    if after is not None:
        name, key = ("after", after) if store_id is None else ("after_in_store", after[1:])
        conditions.append(CONDITIONS[name].format(*range(len(values) + 2, len(values) + 2 + len(key))))
        values += key
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return [ShelfLine(**row) for row in await db.fetch(sql, limit, *values)]


# Where all but a few have a place, one would look through the whole store for a page: so many rows at a time.
MOST_LOOKED_AT = 10_000
UNPLACED = """
WITH looked AS (
    SELECT i.product_id, i.quantity
      FROM stock AS i
     WHERE i.store_id = $1 AND i.product_id > $2
     ORDER BY i.product_id
     LIMIT $4
), missing AS (
    SELECT l.product_id
      FROM looked AS l
     WHERE l.quantity > 0
       AND NOT EXISTS (SELECT FROM shelf_places AS s WHERE s.product_id = l.product_id AND s.store_id = $1)
     ORDER BY l.product_id
     LIMIT $3
)
SELECT i.product_id, i.store_id, i.quantity, i.reserved
  FROM missing AS m
  JOIN stock AS i ON i.product_id = m.product_id AND i.store_id = $1
 ORDER BY i.product_id
"""
LOOKED_UP_TO = """
SELECT CASE WHEN count(*) = $3 THEN max(product_id) END
  FROM (SELECT i.product_id
          FROM stock AS i
         WHERE i.store_id = $1 AND i.product_id > $2
         ORDER BY i.product_id
         LIMIT $3) AS looked
"""


async def unplaced(db: Connection, store_id: int, after_id: int, limit: int) -> tuple[list[Unplaced], int | None]:
    """At most `limit` products that a store has and that have no place there, and after which one to look on."""
    found = [Unplaced(**row) for row in await db.fetch(UNPLACED, store_id, after_id, limit + 1, MOST_LOOKED_AT)]
    if len(found) > limit:
        return found[:limit], found[limit - 1].product_id
    return found, await db.fetchval(LOOKED_UP_TO, store_id, after_id, MOST_LOOKED_AT)
