"""SQL of labels: what is on them."""

from collections.abc import Sequence

from autoshop.kit.db import Connection
from autoshop.warehouse.labels.model import Ticket

TICKETS = """
SELECT p.id AS product_id, b.name AS brand, p.article, p.sku, p.name,
       ARRAY(SELECT c.code FROM barcodes AS c WHERE c.product_id = p.id ORDER BY c.code LIMIT 50) AS barcodes,
       (SELECT h.price_kopecks
          FROM prices AS h
         WHERE h.product_id = p.id AND h.price_type = 'retail' AND h.valid_from <= statement_timestamp()
         ORDER BY h.valid_from DESC
         LIMIT 1) AS price_kopecks,
       (SELECT s.place FROM shelf_places AS s WHERE s.product_id = p.id AND s.store_id = $2 AND s.is_main) AS place
  FROM products AS p
  JOIN brands AS b ON b.id = p.brand_id
 WHERE p.id = ANY ($1::bigint[])
 LIMIT 1000
"""


async def tickets(db: Connection, product_ids: Sequence[int], store_id: int | None) -> dict[int, Ticket]:
    """At most 1 000 products as their labels show them, by id."""
    return {row["product_id"]: Ticket(**row) for row in await db.fetch(TICKETS, product_ids, store_id)}


STORE_EXISTS = "SELECT EXISTS (SELECT FROM stores WHERE id = $1)"


async def store_exists(db: Connection, store_id: int) -> bool:
    return bool(await db.fetchval(STORE_EXISTS, store_id))
