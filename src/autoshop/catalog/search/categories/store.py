"""SQL of the tree of categories, as search needs it."""

from autoshop.catalog.search.categories.model import Category
from autoshop.kit.db import Connection

TREE = """
SELECT id, code, name_ru, name_en, parent_id
  FROM categories
 ORDER BY id
 LIMIT 10000
"""


async def tree(db: Connection) -> tuple[Category, ...]:
    """Every category: a menu, not a list without end."""
    return tuple(Category(*row) for row in await db.fetch(TREE))
