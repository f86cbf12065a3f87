"""SQL of categories."""

from typing import Any

import asyncpg

from autoshop.catalog.categories.model import Category
from autoshop.kit.db import Connection, Pool

# The walk up is short and bounded, so a page of categories costs a few index look-ups each.
SELECT = """
SELECT c.id, c.code, c.name_ru, c.name_en, c.parent_id, c.version,
       (WITH RECURSIVE up AS (
            SELECT c.id AS id, c.parent_id AS parent_id, 1 AS level
             UNION ALL
            SELECT p.id, p.parent_id, up.level + 1
              FROM up
              JOIN categories AS p ON p.id = up.parent_id
             WHERE up.level < 20
        )
        SELECT array_agg(up.id ORDER BY up.level DESC) FROM up) AS path,
       (SELECT count(*) FROM categories AS k WHERE k.parent_id = c.id) AS children
  FROM categories AS c
"""


def _category(row: asyncpg.Record) -> Category:
    return Category(**{**row, "path": tuple(row["path"])})


FIND = SELECT + " WHERE c.id = $1"


async def find(db: Connection | Pool, category_id: int) -> Category | None:
    row = await db.fetchrow(FIND, category_id)
    return _category(row) if row else None


LIST = SELECT + " WHERE {conditions} ORDER BY c.id LIMIT $1"
CONDITIONS = {"parent_id": "c.parent_id =", "code": "c.code =", "after_id": "c.id >"}


async def list_page(db: Connection | Pool, filters: dict[str, Any], top: bool, limit: int) -> list[Category]:
    """At most `limit`, by id. `filters` has names of CONDITIONS, None does not count; `top`: without a parent only."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [f"{CONDITIONS[name]} ${number}" for number, name in enumerate(given, start=2)]
    if top:
        conditions.append("c.parent_id IS NULL")
    sql = LIST.format(conditions=" AND ".join(conditions) or "true")
    return [_category(row) for row in await db.fetch(sql, limit, *given.values())]


BY_CODE = "SELECT id FROM categories WHERE code = $1"


async def by_code(db: Connection | Pool, code: str) -> int | None:
    """The id of the category with a code."""
    return await db.fetchval(BY_CODE, code)  # type: ignore[no-any-return]


DEPTH_BELOW = """
WITH RECURSIVE down AS (
    SELECT id, 1 AS level
      FROM categories
     WHERE id = $1
     UNION ALL
    SELECT c.id, down.level + 1
      FROM down
      JOIN categories AS c ON c.parent_id = down.id
     WHERE down.level < 20
)
SELECT max(level) FROM down
"""


async def depth_below(db: Connection, category_id: int) -> int:
    """How many levels a category and what hangs on it take."""
    return await db.fetchval(DEPTH_BELOW, category_id) or 1


# Two moves at once could make a ring of two branches: whoever changes the tree does so alone.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('autoshop category tree'))"


async def take_tree(db: Connection) -> None:
    """Be the only one who changes the tree, until the transaction ends."""
    await db.execute(ONE_AT_A_TIME)


ADD = """
INSERT INTO categories (code, name_ru, name_en, parent_id)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (code) DO NOTHING
RETURNING id
"""


async def add(db: Connection, code: str, name_ru: str, name_en: str, parent_id: int | None) -> int | None:
    """The new id, or None where the code is taken."""
    return await db.fetchval(ADD, code, name_ru, name_en, parent_id)  # type: ignore[no-any-return]


CHANGE = """
UPDATE categories
   SET code = $3, name_ru = $4, name_en = $5, parent_id = $6, version = version + 1
 WHERE id = $1 AND version = $2
RETURNING id
"""


async def change(
    db: Connection, category_id: int, version: int, code: str, name_ru: str, name_en: str, parent_id: int | None
) -> bool:
    """Whether it was at that version, and so was changed. Raises UniqueViolationError for a code that is taken."""
    return await db.fetchval(CHANGE, category_id, version, code, name_ru, name_en, parent_id) is not None


ALL_NAMES = "SELECT id, code, name_ru, name_en FROM categories"


async def all_names(db: Connection | Pool) -> list[asyncpg.Record]:
    """Id, code and names of every category: a menu, not a list without end."""
    return list(await db.fetch(ALL_NAMES))
