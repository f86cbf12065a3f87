"""Verb: the phrases that lead to the shop's categories, as the categories are now."""

from autoshop.catalog.search.categories import store
from autoshop.catalog.search.categories.model import Lexicon
from autoshop.kit.db import Connection

_made: tuple[str, Lexicon] = ("", Lexicon(()))


async def lexicon(db: Connection) -> Lexicon:
    """The menu is looked at each time, which is a moment; phrases are made anew only where it is another one.

    Looked at first and read then: what changes in between is seen at the next look.
    """
    global _made
    seen = await store.tree_print(db)
    if _made[0] != seen:
        _made = seen, Lexicon(await store.tree(db))
    return _made[1]
