"""SQL of brands."""

from collections.abc import Collection

import asyncpg

from autoshop.catalog.brands.model import Brand
from autoshop.kit.db import Connection, Pool

SELECT = """
SELECT b.id, b.name, b.country, b.version,
       coalesce((SELECT array_agg(a.alias ORDER BY a.alias_key) FROM brand_aliases AS a WHERE a.brand_id = b.id), '{}')
           AS aliases
  FROM brands AS b
"""


def _brand(row: asyncpg.Record) -> Brand:
    return Brand(row["id"], row["name"], row["country"], tuple(row["aliases"]), row["version"])


FIND = SELECT + " WHERE b.id = $1"
LOCK = FIND + " FOR NO KEY UPDATE OF b"


async def find(db: Connection | Pool, brand_id: int, *, lock: bool = False) -> Brand | None:
    """A brand; `lock` holds it until the transaction ends."""
    row = await db.fetchrow(LOCK if lock else FIND, brand_id)
    return _brand(row) if row else None


LIST = (
    SELECT
    + """
 WHERE b.id > $1
 ORDER BY b.id
 LIMIT $2
"""
)


async def list_page(db: Connection | Pool, after_id: int, limit: int) -> list[Brand]:
    return [_brand(row) for row in await db.fetch(LIST, after_id, limit)]


NAMES = "SELECT b.id, b.name FROM brands AS b WHERE b.id = ANY ($1::bigint[])"


async def names(db: Connection | Pool, brand_ids: Collection[int]) -> dict[int, str]:
    """What brands are called, by id."""
    return {row["id"]: row["name"] for row in await db.fetch(NAMES, list(brand_ids))}


# A name wins over an alias.
BY_KEYS = """
SELECT k.key, coalesce(b.id, a.brand_id) AS brand_id
  FROM unnest($1::text[]) AS k (key)
  LEFT JOIN brands AS b ON b.name_key = k.key
  LEFT JOIN brand_aliases AS a ON a.alias_key = k.key
 WHERE b.id IS NOT NULL OR a.brand_id IS NOT NULL
"""


async def by_keys(db: Connection | Pool, keys: list[str]) -> dict[str, int]:
    """The ids of the brands that go by these keys, by key; what nobody goes by is left out."""
    return {row["key"]: row["brand_id"] for row in await db.fetch(BY_KEYS, keys)}


# Names and aliases are one set of keys in two tables: whoever adds to it does so alone.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('autoshop brand names'))"


async def take_names(db: Connection) -> None:
    """Be the only one who gives names to brands, until the transaction ends."""
    await db.execute(ONE_AT_A_TIME)


ADD = """
INSERT INTO brands (name, name_key, country)
VALUES ($1, $2, $3)
    ON CONFLICT (name_key) DO NOTHING
RETURNING id
"""


async def add(db: Connection, name: str, name_key: str, country: str | None) -> int | None:
    """The new id, or None where the name is taken (by an import: those do not wait in `take_names`)."""
    return await db.fetchval(ADD, name, name_key, country)  # type: ignore[no-any-return]


CHANGE = """
UPDATE brands
   SET name = $2, name_key = $3, country = $4, version = version + 1
 WHERE id = $1
"""


async def change(db: Connection, brand_id: int, name: str, name_key: str, country: str | None) -> None:
    """Write a locked brand anew."""
    await db.execute(CHANGE, brand_id, name, name_key, country)


FORGET_ALIASES = "DELETE FROM brand_aliases WHERE brand_id = $1"
ADD_ALIASES = """
INSERT INTO brand_aliases (alias_key, alias, brand_id)
SELECT alias_key, alias, $1
  FROM unnest($2::text[], $3::text[]) AS a (alias_key, alias)
"""


async def set_aliases(db: Connection, brand_id: int, aliases: dict[str, str]) -> None:
    """Exactly these aliases, by key."""
    await db.execute(FORGET_ALIASES, brand_id)
    await db.execute(ADD_ALIASES, brand_id, list(aliases), list(aliases.values()))


async def add_aliases(db: Connection, brand_id: int, aliases: dict[str, str]) -> None:
    """These aliases too, by key."""
    await db.execute(ADD_ALIASES, brand_id, list(aliases), list(aliases.values()))


ALL_KEYS = """
SELECT alias_key AS key, brand_id FROM brand_aliases
 UNION ALL
SELECT name_key, id FROM brands
"""


async def all_keys(db: Connection | Pool) -> dict[str, int | None]:
    """Every key under which a brand is found. A name wins over an alias."""
    return {row["key"]: row["brand_id"] for row in await db.fetch(ALL_KEYS)}
