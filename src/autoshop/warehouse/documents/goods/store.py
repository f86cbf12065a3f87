"""SQL that asks the catalogue and the ledger about all products of a document at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autoshop.kit.db import Connection
from autoshop.warehouse.documents.checking import Named

# Brands go by their names and aliases. Each way to name a product is one branch; what names none finds none.
PRODUCTS = """
SELECT w.number, 'product_id' AS by, p.id
  FROM unnest($1::int[], $2::bigint[]) AS w (number, product_id)
  JOIN products AS p ON p.id = w.product_id
 UNION
SELECT w.number, 'sku', p.id
  FROM unnest($1::int[], $3::text[]) AS w (number, sku)
  JOIN products AS p ON p.sku = w.sku
 UNION
SELECT w.number, 'barcode', c.product_id
  FROM unnest($4::int[], $5::text[]) AS w (number, code)
  JOIN barcodes AS c ON c.code = w.code
 UNION
SELECT w.number, 'article', p.id
  FROM unnest($1::int[], $6::text[], $7::text[]) AS w (number, article_key, brand_key)
  JOIN (SELECT name_key, id FROM brands WHERE name_key = ANY ($7)
         UNION ALL
        SELECT alias_key, brand_id FROM brand_aliases WHERE alias_key = ANY ($7)) AS b ON b.name_key = w.brand_key
  JOIN products AS p ON p.article_key = w.article_key AND p.brand_id = b.id
"""


async def products(db: Connection, named: Sequence[Named]) -> dict[int, dict[str, int]]:
    """Of each line (by number) the products that its names lead to: way of naming → product."""
    scanned = [(one.number, code) for one in named for code in one.barcodes]
    rows = await db.fetch(
        PRODUCTS,
        [one.number for one in named],
        [one.product_id for one in named],
        [one.sku for one in named],
        [number for number, _ in scanned],
        [code for _, code in scanned],
        [one.article_key for one in named],
        [one.brand_key for one in named],
    )
    found: dict[int, dict[str, int]] = {}
    for number, by, product_id in rows:
        found.setdefault(number, {})[by] = product_id
    return found


# What came and went since the count, by its time. An adjustment corrects the book: no piece was moved. But whoever
# undoes what was posted before the count may have brought a piece, or may have corrected the book; and what turns up of
# a transfer is put on the shelf by an adjustment. Of that nobody can know whether it was counted.
SHELVES = """
WITH since AS MATERIALIZED (
    SELECT m.product_id, coalesce(sum(m.delta) FILTER (WHERE m.movement_type <> 'adjustment'), 0)::int AS moved,
           bool_or(CASE WHEN m.movement_type = 'adjustment' THEN m.transfer_id IS NOT NULL
                        ELSE o.created_at <= $3 END) AS is_doubtful
      FROM movements AS m
      LEFT JOIN movements AS o ON o.product_id = m.product_id AND o.id = m.reverses_id
     WHERE m.created_at > $3 AND m.store_id = $1
     GROUP BY m.product_id
)
SELECT w.product_id, coalesce(s.quantity, 0) AS quantity, coalesce(s.reserved, 0) AS reserved,
       coalesce(since.moved, 0) AS moved, coalesce(since.is_doubtful, false) AS is_doubtful
  FROM unnest($2::bigint[]) AS w (product_id)
  LEFT JOIN stock AS s ON s.product_id = w.product_id AND s.store_id = $1
  LEFT JOIN since ON since.product_id = w.product_id
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies there now, what of it is held, and what came or went since the count.

    `is_doubtful`: nobody can know whether something of that was counted.
    """

    quantity: int
    reserved: int
    moved: int
    is_doubtful: bool


async def shelves(db: Connection, store_id: int, product_ids: Sequence[int], since: datetime) -> dict[int, Shelf]:
    """The shelves of these products at a store. They are locked."""
    rows = await db.fetch(SHELVES, store_id, product_ids, since)
    return {row["product_id"]: Shelf(*list(row.values())[1:]) for row in rows}


MOVED = """
SELECT DISTINCT m.id, m.product_id, m.movement_type, m.delta, m.related_document,
       EXISTS (SELECT FROM movements AS r WHERE r.product_id = m.product_id AND r.reverses_id = m.id) AS is_reversed
  FROM bulk_lines AS l
  JOIN movements AS m ON m.product_id = l.product_id AND m.id = l.movement_id
 WHERE l.document_id = $1
 ORDER BY m.product_id, m.id
 LIMIT 10000
"""
PLACES = """
SELECT DISTINCT product_id
  FROM bulk_lines
 WHERE document_id = $1 AND movement_id IS NOT NULL
 ORDER BY product_id
 LIMIT 10000
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement that came of a document."""

    id: int
    product_id: int
    movement_type: str
    delta: int
    related_document: str | None
    is_reversed: bool


async def moved_products(db: Connection, document_id: int) -> list[int]:
    """Products of which the document moved pieces."""
    return [row["product_id"] for row in await db.fetch(PLACES, document_id)]


async def moved(db: Connection, document_id: int) -> list[Moved]:
    """The movements of a document, and whether somebody reversed them one by one. Their places are locked."""
    return [Moved(*row) for row in await db.fetch(MOVED, document_id)]
