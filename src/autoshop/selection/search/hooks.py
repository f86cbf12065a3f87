"""Where other parts take part in the search. This is the one place to name them.

A reader looks at a text that is no article of the shop, and says what it is, or that it is none of its own; the first
that knows is believed, so it must not guess. Analogs of products that were found come right after them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from autoshop.catalog.products import store as products
from autoshop.catalog.search.categories import service as categories
from autoshop.catalog.search.categories.model import stems_in
from autoshop.catalog.search.model import MOST_CANDIDATES, Candidate
from autoshop.kit.db import Connection
from autoshop.selection.crosses import analogs
from autoshop.selection.crosses import store as crosses
from autoshop.selection.fitment import service as fitment
from autoshop.selection.plugs import service as plugs
from autoshop.selection.search.model import Kind
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.words import Fitting, Understood, understand

MOST_CARS = 20  # of a text, in the answer
MOST_ANALOGS = 50  # of a product that was found
SMALL_WORDS = frozenset(("на", "для", "в", "во", "к", "ко", "от", "с", "по", "и", "for", "of", "to", "a", "the"))
SURE_OF_A_CAR = frozenset(("model", "body_code", "engine_code"))


@dataclass(frozen=True, slots=True)
class Hint:
    """What a reader knows of a text: `facts` for the answer, and the products that it leads to, if it leads to any."""

    kind: Kind
    facts: dict[str, Any] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()


Reader = Callable[[Connection, str], Awaitable[Hint | None]]
Analogs = Callable[[Connection, Sequence[int]], Awaitable[list[Candidate]]]  # of match "analog", the best first


async def read_plug(db: Connection, text: str) -> Hint | None:
    """The code of a spark plug that tables list and the shop does not sell: what it has that may stand for it."""
    found = await plugs.standing_for(db, text)
    if found is None:
        return None
    plug, ids = found
    if not plug.listed or not ids:  # a slip in a code may be a code too
        return None
    candidates = tuple(Candidate(one, "analog", f"{place:04}") for place, one in enumerate(ids[:MOST_CANDIDATES]))
    return Hint("plug", {"brand": plug.brand, "code": plug.code}, candidates)


async def read_vehicle(db: Connection, text: str) -> Hint | None:
    """A car, and perhaps a category: «свечи на приору 16 клапанов». If anything else is said, it is another's text."""
    understood = understand(text, known(), datetime.now(UTC).year)
    if not understood.fitting or not _is_sure(understood):
        return None
    left = [word for word in understood.left if word not in SMALL_WORDS]
    lexicon = await categories.lexicon(db)
    hits = lexicon.named_in(stems_in(" ".join(left))) if left else []
    if left and (not hits or hits[0].left):
        return None
    cars = understood.fitting[:MOST_CARS]
    category_ids = lexicon.with_all_below(hit.category_id for hit in hits) if hits else []
    ids = await _fitting(db, understood, category_ids)
    facts = {
        "vehicles": [_told(one) for one in cars],
        "more_vehicles": len(understood.fitting) > len(cars),
        "ignored": [one.text for one in understood.ignored],
        "category_ids": category_ids,
    }
    return Hint("vehicle", facts, tuple(Candidate(one, "fitment") for one in ids))


def _is_sure(understood: Understood) -> bool:
    """«h7» is a lamp before it is a Haval: a short name with a figure in it names a car beside its make alone."""
    kinds = {one.kind for one in understood.said}
    named = [one for one in understood.said if one.kind in SURE_OF_A_CAR]
    return any("make" in kinds or len(one.text) > 3 or one.text.isalpha() for one in named)


async def _fitting(db: Connection, understood: Understood, category_ids: list[int]) -> list[int]:
    """The products of the one car that is meant (with the one engine, where one is): of several nobody knows which."""
    if len(understood.fitting) != 1:
        return []
    one = understood.fitting[0]
    codes = {engine.code for engine in one.engines}
    engine = codes.pop() if len(codes) == 1 else None
    ids = await fitment.products_for(db, one.vehicle.id, engine)
    return await products.among_categories(db, ids, category_ids, MOST_CANDIDATES)


def _told(one: Fitting) -> dict[str, Any]:
    vehicle = one.vehicle
    name = " ".join(part for part in (vehicle.make, vehicle.model, vehicle.generation) if part)
    engines = sorted({engine.code for engine in one.engines if engine.code})
    return {"id": vehicle.id, "name": name, "engines": engines}


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
ANALOGS: Final[list[Analogs]] = [find_analogs]
