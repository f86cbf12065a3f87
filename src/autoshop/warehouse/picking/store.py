"""SQL of pick lists: the lines of one document, with names and places."""

from autoshop.kit.db import Connection
from autoshop.warehouse.picking.model import PickLine

# What is still to be shipped; when there is nothing of that, what left the sender and has not come anywhere: as long as
# it stands on the list, somebody may have to look for it.
TRANSFER = """
SELECT l.product_id, t.from_store_id AS store_id, b.name AS brand, p.article, p.name,
       coalesce(nullif(l.wanted, 0), l.on_the_way) AS quantity, s.places, s.keys[1] AS place_key
  FROM (SELECT transfer_id, product_id, greatest(requested - dropped - shipped, 0) AS wanted,
               shipped - received - returned - lost - damaged AS on_the_way,
               max(requested - dropped - shipped) OVER () > 0 AS some_are_wanted
          FROM transfer_lines
         WHERE transfer_id = $1) AS l
  JOIN transfers AS t ON t.id = l.transfer_id
  JOIN products AS p ON p.id = l.product_id
  JOIN brands AS b ON b.id = p.brand_id
 CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(f.place ORDER BY f.is_main DESC, f.place_key), '{}') AS places,
               array_agg(f.place_key ORDER BY f.is_main DESC, f.place_key) AS keys
          FROM shelf_places AS f
         WHERE f.product_id = l.product_id AND f.store_id = t.from_store_id) AS s
 WHERE CASE WHEN l.some_are_wanted THEN l.wanted ELSE l.on_the_way END > 0
 LIMIT 10000
"""

RESERVATION = """
SELECT l.product_id, l.store_id, b.name AS brand, p.article, p.name, l.held AS quantity, s.places,
       s.keys[1] AS place_key
  FROM reservation_lines AS l
  JOIN products AS p ON p.id = l.product_id
  JOIN brands AS b ON b.id = p.brand_id
 CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(f.place ORDER BY f.is_main DESC, f.place_key), '{}') AS places,
               array_agg(f.place_key ORDER BY f.is_main DESC, f.place_key) AS keys
          FROM shelf_places AS f
         WHERE f.product_id = l.product_id AND f.store_id = l.store_id) AS s
 WHERE l.reservation_id = $1 AND l.held > 0 AND l.expires_at > now()
 LIMIT 10000
"""


async def of_transfer(db: Connection, transfer_id: int) -> list[PickLine]:
    """What is to be shipped, else what is on the way; as it lies, or lay, at the sender."""
    return [PickLine(**row) for row in await db.fetch(TRANSFER, transfer_id)]


async def of_reservation(db: Connection, reservation_id: int) -> list[PickLine]:
    """What is held and not lapsed."""
    return [PickLine(**row) for row in await db.fetch(RESERVATION, reservation_id)]


STORE_NAMES = "SELECT id, name FROM stores WHERE id = ANY ($1::bigint[]) LIMIT 10000"


async def store_names(db: Connection, store_ids: list[int]) -> dict[int, str]:
    """Names by id."""
    return {row["id"]: row["name"] for row in await db.fetch(STORE_NAMES, store_ids)}
