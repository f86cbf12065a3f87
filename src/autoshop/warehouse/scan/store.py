"""SQL of scanning: which products a code names, and all that is shown of them. At most three statements a scan."""

from collections.abc import Sequence

import msgspec

from autoshop.inventory.marks.model import Unit
from autoshop.kit.db import Connection
from autoshop.kit.text import article_key, article_loose
from autoshop.warehouse.scan.model import MOST_PRODUCTS, Document, DocumentKind, Found, Hit, Pieces, Reading, place_key

# Each way to name a product is one look into one index. A product that is named in several ways comes once, by the
# surest. Of a shelf only that of the store which is asked for, where one is.
FIND = """
WITH named AS (
    (SELECT c.product_id, 1 AS surety, 'barcode' AS by, c.code AS read_as
       FROM barcodes AS c
      WHERE c.code = ANY ($1::text[]))
     UNION ALL
    (SELECT p.id, 2, 'product', p.id::text FROM products AS p WHERE p.id = $2)
     UNION ALL
    (SELECT p.id, 3, 'sku', p.sku FROM products AS p WHERE p.sku = ANY ($3::text[]))
     UNION ALL
    (SELECT p.id, 4, 'article', p.article
       FROM products AS p
      WHERE p.article_key = ANY ($4::text[])
      ORDER BY p.id
      LIMIT $8)
     UNION ALL
    (SELECT s.product_id, 5, 'shelf', s.place
       FROM shelf_places AS s
      WHERE s.place_key = ANY ($6::text[]) AND s.store_id = $7
      ORDER BY s.place_key, s.product_id
      LIMIT $8)
     UNION ALL
    (SELECT p.id, 6, 'article_loose', p.article
       FROM products AS p
      WHERE p.article_loose = ANY ($5::text[])
      ORDER BY p.id
      LIMIT $8)
), once AS (
    SELECT DISTINCT ON (product_id) product_id, surety, by, read_as
      FROM named
     ORDER BY product_id, surety
)
SELECT product_id, by, read_as
  FROM once
 ORDER BY surety, product_id
 LIMIT $8
"""


async def find(db: Connection, reading: Reading, store_id: int | None) -> list[Hit]:
    """The products that a reading may name, the surest first; one more than MOST_PRODUCTS where there are more."""
    rows = await db.fetch(
        FIND,
        reading.barcodes,
        reading.product_id,
        reading.texts,
        reading.keys(article_key),
        reading.keys(article_loose),
        reading.keys(place_key),
        store_id,
        MOST_PRODUCTS + 1,
    )
    return [Hit(**row) for row in rows]


SHOW = """
SELECT p.id, b.name AS brand, p.article, p.sku, p.name, p.unit, p.active,
       (SELECT h.price_kopecks
          FROM prices AS h
         WHERE h.product_id = p.id AND h.price_type = 'retail' AND h.valid_from <= statement_timestamp()
         ORDER BY h.valid_from DESC
         LIMIT 1) AS price_kopecks,
       w.quantity, w.reserved, w.in_transit, w.stores::text AS stores
  FROM products AS p
  JOIN brands AS b ON b.id = p.brand_id
 CROSS JOIN LATERAL (
        SELECT coalesce(sum(s.quantity), 0)::bigint AS quantity, coalesce(sum(s.reserved), 0)::bigint AS reserved,
               coalesce(sum(s.in_transit), 0)::bigint AS in_transit,
               coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.store_id) FILTER (WHERE $2::bigint IS NULL
                                                                              OR s.store_id = $2), '[]') AS stores
          FROM (SELECT store_id, sum(quantity) AS quantity, sum(reserved) AS reserved, sum(in_transit) AS in_transit,
                       coalesce(array_agg(place ORDER BY is_main DESC, place_key) FILTER (WHERE place IS NOT NULL),
                                '{}') AS places
                  FROM (SELECT i.store_id, i.quantity, i.reserved, 0 AS in_transit, NULL AS place,
                               NULL AS place_key, false AS is_main
                          FROM stock AS i
                         WHERE i.product_id = p.id
                         UNION ALL
                        SELECT l.to_store_id, 0, 0, l.shipped - l.received - l.returned - l.lost - l.damaged,
                               NULL, NULL, false
                          FROM transfer_lines AS l
                         WHERE l.product_id = p.id AND l.received + l.returned + l.lost + l.damaged < l.shipped
                         UNION ALL
                        SELECT f.store_id, 0, 0, 0, f.place, f.place_key, f.is_main
                          FROM shelf_places AS f
                         WHERE f.product_id = p.id) AS u
                 GROUP BY store_id) AS s) AS w
 WHERE p.id = ANY ($1::bigint[])
 LIMIT 100
"""

_pieces = msgspec.json.Decoder(list[Pieces])


async def show(db: Connection, product_ids: Sequence[int], store_id: int | None) -> list[Found]:
    """Products with their stock everywhere, and store by store (of one store only, where one is asked for)."""
    found = {}
    for row in await db.fetch(SHOW, product_ids, store_id):
        columns = dict(row)
        columns["stores"] = _pieces.decode(columns["stores"])
        found[row["id"]] = Found(**columns)
    return [found[product_id] for product_id in product_ids if product_id in found]


# The third statement: the document, or whether the unit is sold. A code is never both.
DOCUMENT = """
SELECT 'transfer' AS kind, t.id, t.status, ARRAY[t.from_store_id, t.to_store_id] AS store_ids
  FROM transfers AS t
 WHERE $1 = 'transfer' AND t.id = $2
 UNION ALL
SELECT 'reservation', r.id, CASE WHEN r.status = 'live' AND r.expires_at <= now() THEN 'expired' ELSE r.status END,
       ARRAY(SELECT DISTINCT l.store_id FROM reservation_lines AS l WHERE l.reservation_id = r.id ORDER BY 1 LIMIT 100)
  FROM reservations AS r
 WHERE $1 = 'reservation' AND r.id = $2
"""


async def document(db: Connection, kind: DocumentKind, document_id: int) -> Document | None:
    """The document that a code names, if there is one."""
    row = await db.fetchrow(DOCUMENT, kind, document_id)
    return Document(**row) if row else None


SOLD = "SELECT sale_id FROM sold_marks WHERE gtin = $1 AND serial = $2 AND returned_at IS NULL"


async def sale_of(db: Connection, unit: Unit) -> int | None:
    """The movement that sold a marked unit, if it has not come back."""
    return await db.fetchval(SOLD, *unit)  # type: ignore[no-any-return]
