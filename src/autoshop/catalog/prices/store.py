"""SQL of price types and prices. A price is added, never changed."""

from collections.abc import Mapping
from datetime import datetime

from autoshop.catalog.prices.model import Price, PriceType
from autoshop.kit.db import Connection, Pool

TYPES = """
SELECT code, name_ru, name_en, is_cost
  FROM price_types
 WHERE $1 OR NOT is_cost
 ORDER BY code
 LIMIT 1000
"""


async def types(db: Connection | Pool, *, cost: bool) -> list[PriceType]:
    """All price types, or those that are no cost."""
    return [PriceType(**row) for row in await db.fetch(TYPES, cost)]


ADD_TYPE = """
INSERT INTO price_types (code, name_ru, name_en, is_cost)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (code) DO NOTHING
RETURNING true
"""


async def add_type(db: Connection, price_type: PriceType) -> bool:
    """Whether it was new."""
    added = await db.fetchval(ADD_TYPE, price_type.code, price_type.name_ru, price_type.name_en, price_type.is_cost)
    return added is not None


# Under the lock of the product's row, so that of two changes the later one is the newer one. A price that is in force
# already makes no line.
ADD = """
INSERT INTO prices (product_id, price_type, valid_from, price_kopecks, actor)
SELECT $1, w.price_type, clock_timestamp(), w.price_kopecks, $2
  FROM unnest($3::text[], $4::bigint[]) AS w (price_type, price_kopecks)
 WHERE w.price_kopecks IS DISTINCT FROM (
       SELECT p.price_kopecks
         FROM prices AS p
        WHERE p.product_id = $1 AND p.price_type = w.price_type AND p.valid_from <= statement_timestamp()
        ORDER BY p.valid_from DESC
        LIMIT 1)
RETURNING price_type
"""


async def add(db: Connection, product_id: int, prices: Mapping[str, int], actor: str) -> list[str]:
    """Set prices by type from now on; the types whose price is another one than before. The product is locked."""
    rows = await db.fetch(ADD, product_id, actor, list(prices), list(prices.values()))
    return [row["price_type"] for row in rows]


HISTORY = """
SELECT p.price_type, p.price_kopecks, p.valid_from, p.actor
  FROM prices AS p
  JOIN price_types AS t ON t.code = p.price_type
 WHERE p.product_id = $1
   AND ($2 OR NOT t.is_cost)
   AND ($3::text IS NULL OR p.price_type = $3)
   AND ($4::timestamptz IS NULL OR (p.valid_from, p.price_type) < ($4, $5::text))
 ORDER BY p.valid_from DESC, p.price_type DESC
 LIMIT $6
"""


async def history(
    db: Connection | Pool,
    product_id: int,
    *,
    cost: bool,
    price_type: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Price]:
    """Newest first."""
    at, code = before or (None, None)
    return [Price(**row) for row in await db.fetch(HISTORY, product_id, cost, price_type, at, code, limit)]
