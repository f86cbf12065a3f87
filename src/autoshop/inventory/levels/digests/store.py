"""SQL of digests."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from autoshop.inventory.levels.model import Digest, Place
from autoshop.kit.db import Connection, Pool

DUE = """
SELECT s.id AS store_id, ($1::timestamptz AT TIME ZONE s.time_zone)::date AS day
  FROM stores AS s
 WHERE s.active AND extract(hour FROM $1::timestamptz AT TIME ZONE s.time_zone) >= $2
   AND EXISTS (SELECT FROM stock_levels AS l WHERE l.store_id = s.id)
   AND NOT EXISTS (SELECT FROM level_digests AS d
                    WHERE d.store_id = s.id AND d.day = ($1::timestamptz AT TIME ZONE s.time_zone)::date)
 ORDER BY s.id
 LIMIT 10000
"""


async def due(db: Connection | Pool, now: datetime, hour: int) -> list[tuple[int, date]]:
    """Stores whose morning has come and whose digest of the day has not."""
    return [(row["store_id"], row["day"]) for row in await db.fetch(DUE, now, hour)]


PLACES_OF = """
SELECT product_id, store_id
  FROM stock_levels
 WHERE store_id = $1 AND product_id > $2
 ORDER BY product_id
 LIMIT $3
"""


async def places_of(db: Connection, store_id: int, after: int, limit: int) -> list[Place]:
    """Where a store has levels, in key order."""
    return [(row[0], row[1]) for row in await db.fetch(PLACES_OF, store_id, after, limit)]


COUNT = """
SELECT (SELECT count(*) FROM stock_levels WHERE store_id = $1) AS levels,
       count(*) AS below, count(*) FILTER (WHERE urgency = 0) AS empty
  FROM level_alerts
 WHERE store_id = $1
"""


async def count(db: Connection, store_id: int) -> dict[str, int]:
    """Levels of a store, and how many of them were below, or their shelf empty, at the last look."""
    row = await db.fetchrow(COUNT, store_id)
    assert row is not None
    return dict(row)


NAMES = """
SELECT p.id, b.name AS brand, p.article, p.name
  FROM products AS p
  JOIN brands AS b ON b.id = p.brand_id
 WHERE p.id = ANY ($1::bigint[])
"""


async def names(db: Connection, product_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """How people call the products."""
    rows = await db.fetch(NAMES, product_ids)
    return {row["id"]: {"brand": row["brand"], "article": row["article"], "name": row["name"]} for row in rows}


ADD = """
INSERT INTO level_digests (store_id, day, document)
VALUES ($1, $2, $3)
    ON CONFLICT (store_id, day) DO NOTHING
RETURNING id
"""


async def add(db: Connection, store_id: int, day: date, document: dict[str, Any]) -> int | None:
    """Keep a digest; None where the day has one."""
    digest_id: int | None = await db.fetchval(ADD, store_id, day, document)
    return digest_id


LIST = """
SELECT id, store_id, day, document, made_at
  FROM level_digests
 WHERE {conditions}
 ORDER BY id DESC
 LIMIT $1
"""
CONDITIONS = {"store_id": "store_id =", "day": "day =", "before_id": "id <"}


async def list_page(db: Connection | Pool, filters: Mapping[str, int | date | None], limit: int) -> list[Digest]:
    """Newest first. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [f"{CONDITIONS[name]} ${number}" for number, name in enumerate(given, start=2)]
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return [Digest(*row) for row in await db.fetch(sql, limit, *given.values())]


FORGET = "DELETE FROM level_digests WHERE day < current_date - 400"


async def forget(db: Connection | Pool) -> None:
    """Remove those of more than a year ago."""
    await db.execute(FORGET)
