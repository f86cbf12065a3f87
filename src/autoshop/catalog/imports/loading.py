"""SQL that finds what is new in the staged rows, and writes it: the second half of staging.py."""

from collections.abc import Sequence

from autoshop.catalog.imports.model import Counts
from autoshop.kit.db import Connection

FIND_PRICES_TABLE = """
CREATE TEMP TABLE staged_prices (
    row integer NOT NULL, product_id bigint NOT NULL, price_type text NOT NULL, price_kopecks bigint NOT NULL
)
"""
FIND_PRICES = """
INSERT INTO staged_prices
SELECT r.row, k.product_id, $1, r.prices[$2]
  FROM staged_rows AS r
  JOIN known AS k ON k.row = r.row
 WHERE r.prices[$2] IS NOT NULL
   AND r.prices[$2] IS DISTINCT FROM (
       SELECT h.price_kopecks
         FROM prices AS h
        WHERE h.product_id = k.product_id AND h.price_type = $1 AND h.valid_from <= statement_timestamp()
        ORDER BY h.valid_from DESC
        LIMIT 1)
"""

FIND_BARCODES = """
CREATE TEMP TABLE added_barcodes AS
SELECT s.row, k.product_id, s.code
  FROM staged_barcodes AS s
  JOIN known AS k ON k.row = s.row
 WHERE NOT EXISTS (SELECT FROM barcodes AS b WHERE b.code = s.code)
"""

FIND_TOUCHED = """
CREATE TEMP TABLE touched AS
SELECT k.row, k.product_id, k.version
  FROM known AS k
  JOIN staged_rows AS r ON r.row = k.row
  JOIN products AS p ON p.id = k.product_id
 WHERE (r.name IS NOT NULL AND r.name <> p.name)
    OR (r.sku IS NOT NULL AND r.sku IS DISTINCT FROM p.sku)
    OR (r.unit IS NOT NULL AND r.unit <> p.unit)
    OR (r.category_id IS NOT NULL AND r.category_id IS DISTINCT FROM p.category_id)
 UNION
SELECT k.row, k.product_id, k.version
  FROM known AS k
  JOIN (SELECT row FROM staged_prices UNION SELECT row FROM added_barcodes) AS more ON more.row = k.row
"""

COUNT = """
SELECT (SELECT count(*) FROM staged_rows) - (SELECT count(*) FROM known) AS new,
       (SELECT count(*) FROM touched) AS changed,
       (SELECT count(*) FROM known) - (SELECT count(*) FROM touched) AS unchanged,
       (SELECT count(*) FROM staged_barcodes AS s WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.row = s.row))
           + (SELECT count(*) FROM added_barcodes) AS barcodes,
       (SELECT count(*) FROM staged_stock) AS movements,
       (SELECT count(*) FROM staged_brands AS b
         WHERE EXISTS (SELECT FROM staged_rows AS r WHERE r.brand_id = b.number)) AS brands,
       (SELECT count(*) FROM staged_categories AS c
         WHERE EXISTS (SELECT FROM staged_rows AS r WHERE r.category_id = c.number)) AS categories
"""
# Each column of prices or stocks, for products that are new.
COUNT_NEW = """
SELECT count(r.prices[$1]) AS prices, count(*) FILTER (WHERE r.stocks[$1] > 0) AS stocks
  FROM staged_rows AS r
 WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.row = r.row)
"""


async def find_changes(db: Connection, price_types: Sequence[str], stores: Sequence[int], counts: Counts) -> None:
    """What differs from what is there, and how much of it."""
    await db.execute(FIND_PRICES_TABLE)
    for number, price_type in enumerate(price_types, start=1):
        await db.execute(FIND_PRICES, price_type, number)
    await db.execute(FIND_BARCODES)
    await db.execute(FIND_TOUCHED)
    await db.execute("ANALYZE touched, staged_prices, added_barcodes, staged_stock")
    row = await db.fetchrow(COUNT)
    assert row is not None
    for name, count in row.items():
        setattr(counts, name, count)
    counts.prices = await db.fetchval("SELECT count(*) FROM staged_prices")
    for number in range(1, max(len(price_types), len(stores)) + 1) if counts.new else ():
        new = await db.fetchrow(COUNT_NEW, number)
        assert new is not None
        counts.prices += new["prices"]
        counts.movements += new["stocks"]


# Ids in the order of articles, not of the file: then the indexes of articles grow at their end, in half the time.
NUMBER_NEW = """
CREATE TEMP TABLE staged_new AS
SELECT nextval('products_id_seq') AS product_id, n.*
  FROM (SELECT r.*
          FROM staged_rows AS r
         WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.row = r.row)
         ORDER BY r.article_key) AS n
"""

ADD_BRANDS = """
INSERT INTO brands (name, name_key)
SELECT b.name, b.name_key
  FROM staged_brands AS b
 WHERE EXISTS (SELECT FROM staged_new AS n WHERE n.brand_id = b.number)
 ORDER BY b.number DESC
RETURNING id
"""
MATCH_BRANDS = "UPDATE staged_brands AS s SET brand_id = b.id FROM brands AS b WHERE b.name_key = s.name_key"

ADD_CATEGORIES = """
INSERT INTO categories (code, name_ru, name_en)
SELECT c.code, c.name, c.name
  FROM staged_categories AS c
 WHERE EXISTS (SELECT FROM staged_rows AS r WHERE r.category_id = c.number)
 ORDER BY c.number DESC
"""
MATCH_CATEGORIES = "UPDATE staged_categories AS s SET category_id = c.id FROM categories AS c WHERE c.code = s.code"

CHANGE_PRODUCTS = """
UPDATE products AS p
   SET name = coalesce(r.name, p.name), sku = coalesce(r.sku, p.sku), unit = coalesce(r.unit, p.unit),
       category_id = coalesce(c.category_id, r.category_id, p.category_id),
       version = p.version + 1, updated_at = clock_timestamp()
  FROM touched AS t
  JOIN staged_rows AS r ON r.row = t.row
  LEFT JOIN staged_categories AS c ON c.number = r.category_id
 WHERE p.id = t.product_id AND p.version = t.version
"""

ADD_PRODUCTS = """
INSERT INTO products (id, brand_id, article, article_key, article_loose, sku, name, category_id, unit)
SELECT n.product_id, coalesce(b.brand_id, n.brand_id), n.article, n.article_key, n.article_loose, n.sku, n.name,
       coalesce(c.category_id, n.category_id), coalesce(n.unit, 'шт')
  FROM staged_new AS n
  LEFT JOIN staged_brands AS b ON b.number = n.brand_id
  LEFT JOIN staged_categories AS c ON c.number = n.category_id
"""

ADD_BARCODES = """
INSERT INTO barcodes (code, product_id)
SELECT unnest(barcodes) AS code, product_id
  FROM staged_new
 WHERE barcodes IS NOT NULL
 UNION ALL
SELECT code, product_id
  FROM added_barcodes
 ORDER BY code
"""

ADD_NEW_PRICES = """
INSERT INTO prices (product_id, price_type, price_kopecks, actor)
SELECT n.product_id, p.price_type, p.price_kopecks, $2
  FROM staged_new AS n
 CROSS JOIN LATERAL unnest($1::text[], n.prices) AS p (price_type, price_kopecks)
 WHERE p.price_kopecks IS NOT NULL
"""

ADD_PRICES = """
INSERT INTO prices (product_id, price_type, price_kopecks, actor)
SELECT product_id, price_type, price_kopecks, $1
  FROM staged_prices
"""

# All stores of a product together: so the places and their movements come in the order of their keys.
STAGE_NEW_STOCK = """
INSERT INTO staged_stock (row, product_id, store_id, quantity, is_new)
SELECT n.row, n.product_id, s.store_id, s.quantity, true
  FROM staged_new AS n
 CROSS JOIN LATERAL unnest($1::bigint[], n.stocks) AS s (store_id, quantity)
 WHERE s.quantity > 0
"""


async def number_new_products(db: Connection, stores: Sequence[int]) -> None:
    """Before the transaction that others may wait for: ids for new products, and their stock laid out."""
    await db.execute(NUMBER_NEW)
    if stores:
        await db.execute(STAGE_NEW_STOCK, stores)


async def add_brands_and_categories(db: Connection) -> None:
    """Those that the rows name and nobody knew. Raises UniqueViolationError where somebody made one just now."""
    await db.execute(ADD_BRANDS)
    await db.execute(MATCH_BRANDS)
    await db.execute(ADD_CATEGORIES)
    await db.execute(MATCH_CATEGORIES)


async def change_products(db: Connection) -> int:
    """Write what differs; how many products were still at the version that was looked at."""
    return int((await db.execute(CHANGE_PRODUCTS)).split()[-1])


async def add_products(db: Connection) -> None:
    """Raises UniqueViolationError where somebody added one of them just now."""
    await db.execute(ADD_PRODUCTS)


async def add_barcodes(db: Connection) -> None:
    """Raises UniqueViolationError where somebody gave one away just now."""
    await db.execute(ADD_BARCODES)


async def add_prices(db: Connection, price_types: Sequence[str], actor: str) -> None:
    """New lines in the history of prices."""
    if price_types:
        await db.execute(ADD_NEW_PRICES, price_types, actor)
    await db.execute(ADD_PRICES, actor)
