"""Verb: the phrases that lead to the shop's categories, as the categories are now."""

from autoshop.catalog.search.categories import store
from autoshop.catalog.search.categories.model import Category, Lexicon
from autoshop.kit.db import Connection

_made: tuple[tuple[Category, ...], Lexicon] | None = None


async def lexicon(db: Connection) -> Lexicon:
    """The tree is read each time, which is a moment; the phrases are made anew only where it is another one."""
    global _made
    tree = await store.tree(db)
    if _made is None or _made[0] != tree:
        _made = tree, Lexicon(tree)
    return _made[1]
