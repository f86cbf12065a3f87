"""SQL of products and barcodes."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from autoshop.catalog.products.model import Product
from autoshop.kit.db import Connection, Pool

# $1: whether the reader sees cost; what he does not see does not leave the database.
SELECT = """
SELECT p.id, p.brand_id, b.name AS brand, p.article, p.sku, p.name, p.category_id, p.unit, p.attributes, p.active,
       ARRAY(SELECT c.code FROM barcodes AS c WHERE c.product_id = p.id ORDER BY c.code) AS barcodes,
       (SELECT coalesce(jsonb_object_agg(t.code, n.price_kopecks), '{}')
          FROM price_types AS t
         CROSS JOIN LATERAL (SELECT h.price_kopecks
                               FROM prices AS h
                              WHERE h.product_id = p.id AND h.price_type = t.code
                                AND h.valid_from <= statement_timestamp()
                              ORDER BY h.valid_from DESC
                              LIMIT 1) AS n
         WHERE $1 OR NOT t.is_cost) AS prices,
       p.version, p.created_at, p.updated_at
  FROM products AS p
  JOIN brands AS b ON b.id = p.brand_id
"""

FIND = SELECT + " WHERE p.id = $2"


async def find(db: Connection | Pool, product_id: int, *, cost: bool) -> Product | None:
    row = await db.fetchrow(FIND, cost, product_id)
    return Product(**row) if row else None


FIND_MANY = SELECT + " WHERE p.id = ANY ($2::bigint[])"


async def find_many(db: Connection | Pool, product_ids: Sequence[int], *, cost: bool) -> dict[int, Product]:
    """Products by id; unknown ids are left out."""
    return {row["id"]: Product(**row) for row in await db.fetch(FIND_MANY, cost, product_ids)}


# Each filter that is given becomes one condition. By id; or, for whoever follows changes, by the time of change: what
# changes while he pages comes again at the end.
LIST = f"""
WITH page AS (
    SELECT p.id
      FROM products AS p
     WHERE {{conditions}}
     ORDER BY {{order}}
     LIMIT $2
)
{SELECT}
  JOIN page ON page.id = p.id
 ORDER BY {{order}}
"""
CONDITIONS = {
    "brand_id": "p.brand_id = {0}",
    "category_id": """p.category_id IN (
               WITH RECURSIVE down AS (
                   SELECT {0}::bigint AS id, 1 AS level
                    UNION ALL
                   SELECT c.id, down.level + 1
                     FROM down
                     JOIN categories AS c ON c.parent_id = down.id
                    WHERE down.level < 20
               )
               SELECT id FROM down)""",
    "active": "p.active = {0}",
    "article_key": "p.article_key = {0}",
    "sku": "p.sku = {0}",
    "barcodes": "p.id IN (SELECT c.product_id FROM barcodes AS c WHERE c.code = ANY ({0}::text[]))",
    "updated_since": "p.updated_at >= {0}",
    "ids": "p.id = ANY ({0}::bigint[])",
    "after_id": "p.id > {0}",
    "after_change": "(p.updated_at, p.id) > (({0}::text[])[1]::timestamptz, ({0}::text[])[2]::bigint)",
}


async def list_page(
    db: Connection | Pool, filters: dict[str, Any], *, by_change: bool, cost: bool, limit: int
) -> list[Product]:
    """At most `limit`. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [CONDITIONS[name].format(f"${number}") for number, name in enumerate(given, start=3)]
    sql = LIST.replace("{conditions}", "\n       AND ".join(conditions) or "true")
    sql = sql.replace("{order}", "p.updated_at, p.id" if by_change else "p.id")
    return [Product(**row) for row in await db.fetch(sql, cost, limit, *given.values())]


# What somebody typed or scanned, read in every way it may be meant, surest first; each way is a walk along one index.
LOOK_UP = f"""
WITH found AS (
    (SELECT c.product_id AS id, 1 AS rank FROM barcodes AS c WHERE c.code = ANY ($3::text[]) LIMIT 100)
     UNION ALL
    (SELECT p.id, 1 FROM products AS p WHERE p.sku = $4 LIMIT 100)
     UNION ALL
    (SELECT p.id, 2
       FROM products AS p
      WHERE p.article_key = $5 AND ($7::bigint IS NULL OR p.brand_id = $7)
      LIMIT 100)
     UNION ALL
    (SELECT p.id, 3
       FROM products AS p
      WHERE p.article_loose = $6 AND ($7::bigint IS NULL OR p.brand_id = $7)
      LIMIT 100)
     UNION ALL
    (SELECT p.id, 4
       FROM products AS p
      WHERE p.article_key >= $5 AND p.article_key < $5 || chr(1114111) AND ($7::bigint IS NULL OR p.brand_id = $7)
      ORDER BY p.article_key
      LIMIT 100)
), best AS (
    SELECT found.id, min(found.rank) AS rank
      FROM found
     GROUP BY found.id
     ORDER BY min(found.rank), found.id
     LIMIT $2
)
{SELECT}
  JOIN best ON best.id = p.id
 ORDER BY best.rank, p.article_key, p.id
"""


async def look_up(
    db: Connection | Pool,
    typed: str,
    barcodes: Sequence[str],
    article_key: str,
    article_loose: str,
    brand_id: int | None,
    *,
    cost: bool,
    limit: int,
) -> list[Product]:
    """Products that `typed` may name: by barcode, SKU, article, article spelt loosely, the beginning of an article.

    Articles are those of one brand, if one is given.
    """
    rows = await db.fetch(LOOK_UP, cost, limit, barcodes, typed, article_key, article_loose, brand_id)
    return [Product(**row) for row in rows]


LOCK = "SELECT version FROM products WHERE id = $1 FOR NO KEY UPDATE"


async def lock(db: Connection, product_id: int) -> int | None:
    """The version of a product that nobody else can change until the transaction ends; None where there is none."""
    return await db.fetchval(LOCK, product_id)  # type: ignore[no-any-return]


ADD = """
INSERT INTO products (brand_id, article, article_key, article_loose, sku, name, category_id, unit, attributes, active)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING id
"""


async def add(db: Connection, *values: Any) -> int:
    """The new id. Raises UniqueViolationError where the article or the SKU is taken."""
    return await db.fetchval(ADD, *values)  # type: ignore[no-any-return]


CHANGE = """
UPDATE products
   SET brand_id = $2, article = $3, article_key = $4, article_loose = $5, sku = $6, name = $7, category_id = $8,
       unit = $9, attributes = $10, active = $11, version = version + 1, updated_at = clock_timestamp()
 WHERE id = $1
"""


async def change(db: Connection, product_id: int, *values: Any) -> None:
    """Write a locked product anew. Raises UniqueViolationError where the article or the SKU is taken."""
    await db.execute(CHANGE, product_id, *values)


BY_ARTICLES = """
SELECT p.id, p.brand_id, p.article, p.article_key
  FROM unnest($1::bigint[], $2::text[]) AS w (brand_id, article_key)
  JOIN products AS p ON p.article_key = w.article_key AND p.brand_id = w.brand_id
 WHERE p.active
 LIMIT 10000
"""
# A walk along the index for each beginning; how many of one beginning are read is bounded.
BY_BEGINNINGS = """
SELECT p.id, p.brand_id, p.article, p.article_key
  FROM unnest($1::bigint[], $2::text[]) AS w (brand_id, beginning)
 CROSS JOIN LATERAL (SELECT p.id, p.brand_id, p.article, p.article_key
                       FROM products AS p
                      WHERE p.article_key >= w.beginning AND p.article_key < w.beginning || chr(1114111)
                        AND p.brand_id = w.brand_id AND p.active
                      ORDER BY p.article_key
                      LIMIT 100) AS p
 LIMIT 10000
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A product, as far as its article goes."""

    id: int
    brand_id: int
    article: str
    article_key: str


async def by_articles(db: Connection | Pool, keys: Collection[tuple[int, str]]) -> list[Named]:
    """The products on sale that have one of these brands and article keys."""
    rows = await db.fetch(BY_ARTICLES, [brand_id for brand_id, _ in keys], [key for _, key in keys])
    return [Named(**row) for row in rows]


async def by_beginnings(
    db: Connection | Pool, keys: Collection[tuple[int, str]], may_be: Callable[[int, str], bool]
) -> list[Named]:
    """The products on sale of a brand whose article key begins so, for each brand and beginning.

    `may_be`: of brand and key; thousands may begin so, and only what it takes is made a `Named`.
    """
    rows = await db.fetch(BY_BEGINNINGS, [brand_id for brand_id, _ in keys], [key for _, key in keys])
    return list({row["id"]: Named(**row) for row in rows if may_be(row["brand_id"], row["article_key"])}.values())


AMONG_CATEGORIES = """
SELECT p.id
  FROM products AS p
 WHERE p.id = ANY ($1::bigint[]) AND p.active AND ($2::bigint[] = '{}' OR p.category_id = ANY ($2::bigint[]))
 ORDER BY p.id
 LIMIT $3
"""


async def among_categories(
    db: Connection | Pool, product_ids: Sequence[int], category_ids: Sequence[int], limit: int
) -> list[int]:
    """Of some products those that are on sale and of certain categories; of none named, all of them."""
    return [row["id"] for row in await db.fetch(AMONG_CATEGORIES, product_ids, category_ids, limit)]


BY_ARTICLE = "SELECT id FROM products WHERE article_key = $1 AND brand_id = $2"
BY_SKU = "SELECT id FROM products WHERE sku = $1"
BY_BARCODES = """
SELECT code, product_id
  FROM barcodes
 WHERE code = ANY ($1::text[])
"""


async def by_article(db: Connection | Pool, brand_id: int, article_key: str) -> int | None:
    """The id of the product with a brand and article."""
    return await db.fetchval(BY_ARTICLE, article_key, brand_id)  # type: ignore[no-any-return]


async def by_sku(db: Connection | Pool, sku: str) -> int | None:
    """The id of the product with a SKU."""
    return await db.fetchval(BY_SKU, sku)  # type: ignore[no-any-return]


FORGET_BARCODES = "DELETE FROM barcodes WHERE product_id = $1 AND code <> ALL ($2::text[])"
ADD_BARCODES = """
INSERT INTO barcodes (code, product_id)
SELECT code, $1
  FROM unnest($2::text[]) AS c (code)
 ORDER BY code
    ON CONFLICT (code) DO NOTHING
"""


async def set_barcodes(db: Connection, product_id: int, codes: Sequence[str]) -> list[asyncpg.Record]:
    """Exactly these barcodes; the rows (code, product_id) of those that belong to another product and stay there."""
    await db.execute(FORGET_BARCODES, product_id, codes)
    await db.execute(ADD_BARCODES, product_id, codes)
    return [row for row in await db.fetch(BY_BARCODES, codes) if row["product_id"] != product_id]


async def owners_of(db: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Whose barcodes these are, as far as they are anybody's."""
    return {row["code"]: row["product_id"] for row in await db.fetch(BY_BARCODES, codes)}


TOUCH = "UPDATE products SET version = version + 1, updated_at = clock_timestamp() WHERE id = $1"


async def add_barcode(db: Connection, product_id: int, code: str) -> None:
    """One more for a locked product, unless somebody has it: whoever read the product before cannot overwrite it."""
    await db.execute(ADD_BARCODES, product_id, [code])
    await db.execute(TOUCH, product_id)
