"""SQL of pick lists: the lines of one document, with names and places."""

from autoshop.kit.db import Connection
from autoshop.warehouse.picking.model import PickLine

# What left the sender and has not come anywhere: as long as it stands on the list, somebody may have to look for it.
TRANSFER = """
SELECT l.product_id, t.from_store_id AS store_id, b.name AS brand, p.article, p.name,
       l.shipped - l.received - l.returned AS quantity, s.places, s.keys[1] AS place_key
  FROM transfer_lines AS l
  JOIN transfers AS t ON t.id = l.transfer_id
  JOIN products AS p ON p.id = l.product_id
  JOIN brands AS b ON b.id = p.brand_id
 CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(f.place ORDER BY f.is_main DESC, f.place_key), '{}') AS places,
               array_agg(f.place_key ORDER BY f.is_main DESC, f.place_key) AS keys
          FROM shelf_places AS f
         WHERE f.product_id = l.product_id AND f.store_id = t.from_store_id) AS s
 WHERE l.transfer_id = $1 AND l.received + l.returned < l.shipped
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
    """What is on the way, as it lay at the sender."""
    return [PickLine(**row) for row in await db.fetch(TRANSFER, transfer_id)]


async def of_reservation(db: Connection, reservation_id: int) -> list[PickLine]:
    """What is held and not lapsed."""
    return [PickLine(**row) for row in await db.fetch(RESERVATION, reservation_id)]


STORE_NAMES = "SELECT id, name FROM stores WHERE id = ANY ($1::bigint[]) LIMIT 10000"


async def store_names(db: Connection, store_ids: list[int]) -> dict[int, str]:
    """Names by id."""
    return {row["id"]: row["name"] for row in await db.fetch(STORE_NAMES, store_ids)}
