"""SQL of the tree of categories, as search needs it."""

from autoshop.catalog.search.categories.model import Category
from autoshop.kit.db import Connection

# A print of the whole menu: as long as it is the same, so is the menu.
PRINT = """
SELECT concat_ws(' ', count(*), sum(hashtextextended(concat_ws('|', id, code, name_ru, name_en, parent_id), 0)))
  FROM categories
"""


async def tree_print(db: Connection) -> str:
    """What tells one menu of categories from another."""
    return str(await db.fetchval(PRINT))


TREE = """
SELECT id, code, name_ru, name_en, parent_id
  FROM categories
 ORDER BY id
 LIMIT 10000
"""


async def tree(db: Connection) -> tuple[Category, ...]:
    """Every category: a menu, not a list without end."""
    return tuple(Category(*row) for row in await db.fetch(TREE))
