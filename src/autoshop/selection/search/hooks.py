"""Where other parts take part in the search. This is the one place to name them.

A reader looks at a text that is no article of the shop, and says what it is, or that it is none of its own; the first
that knows is believed, so it must not guess. Analogs of products that were found come right after them.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from autoshop.catalog.products import store as products
from autoshop.catalog.search.model import MOST_CANDIDATES, Candidate
from autoshop.kit.db import Connection
from autoshop.selection.crosses import analogs
from autoshop.selection.crosses import store as crosses
from autoshop.selection.plugs import service as plugs
from autoshop.selection.plugs.understanding import plug_in
from autoshop.selection.search.cars import read_vehicle
from autoshop.selection.search.model import Hint

MOST_ANALOGS = 50  # of a product that was found

Reader = Callable[[Connection, str], Awaitable[Hint | None]]
Analogs = Callable[[Connection, Sequence[int]], Awaitable[list[Candidate]]]  # of match "analog", the best first


async def read_plug(db: Connection, text: str) -> Hint | None:
    """The code of a spark plug that exists and that the shop does not sell: what it has that may stand for it."""
    return await _plug(db, text, must_be_listed=True)


async def read_unlisted_plug(db: Connection, text: str) -> Hint | None:
    """The same of a code that nobody lists: asked last, for a slip in a code may be a code too."""
    return await _plug(db, text, must_be_listed=False)


async def _plug(db: Connection, text: str, *, must_be_listed: bool) -> Hint | None:
    plug = plug_in(text)
    if plug is None or (must_be_listed and not plug.listed):
        return None
    ids = await plugs.standing_for(db, plug)
    candidates = tuple(Candidate(one, "analog", f"{place:04}") for place, one in enumerate(ids[:MOST_CANDIDATES]))
    return Hint("plug", {"brand": plug.brand, "code": plug.code}, candidates)


async def find_analogs(db: Connection, product_ids: Sequence[int]) -> list[Candidate]:
    """What may stand for products that were found, by crosses: nearest and surest first."""
    ways = {
        product_id: (await analogs.ways_from(db, article_id))[0][:MOST_ANALOGS]
        for product_id, article_id in (await crosses.articles_of(db, product_ids)).items()
    }
    named = await crosses.articles(db, {way.to_id for several in ways.values() for way in several})
    keys = {number: (one.brand_id, one.article_key) for number, one in named.items()}
    sold = {(one.brand_id, one.article_key): one.id for one in await products.by_articles(db, list(keys.values()))}
    found: dict[int, Candidate] = {}
    for product_id, several in ways.items():
        for place, way in enumerate(several):
            one = sold.get(keys[way.to_id]) if way.to_id in keys else None
            if one is not None and one != product_id:
                found.setdefault(one, Candidate(one, "analog", f"{place:04}"))
    return list(found.values())


READERS: Final[list[Reader]] = [read_plug, read_vehicle]
LAST_READERS: Final[list[Reader]] = [read_unlisted_plug]  # of what looks like an article that nothing is near to
ANALOGS: Final[list[Analogs]] = [find_analogs]
