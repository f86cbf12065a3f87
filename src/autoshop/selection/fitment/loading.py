"""Verb: the cars of the files get their numbers, and the fitments that are facts come in. Safe to repeat."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autoshop.catalog.brands import service as brands
from autoshop.kit.db import Connection
from autoshop.kit.text import article_key
from autoshop.selection.crosses import store as crosses
from autoshop.selection.crosses.facts import RUSSIAN
from autoshop.selection.fitment import store
from autoshop.selection.fitment.facts import FOLDER, FitmentFacts, FittedFact, load, parts_of
from autoshop.selection.vehicles import facts as vehicles


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is there after a load."""

    vehicles: int
    engines: int
    fitments: int


async def load_facts(db: Connection) -> Loaded:
    """Bring in all cars, and the fitments of the files; brands must be there (the crosses bring them)."""
    known = vehicles.known()
    told = load(FOLDER, known)
    engines = sorted({(one.vehicle, one.code) for several in known.engines.values() for one in several if one.code})
    await store.add_cars(db, sorted(known.vehicles), engines)
    sources = {one.source for one in told.fitted} | {one.source for one in told.absent}
    await store.add_sources(db, sorted(" | ".join(source) for source in sources), are_facts=True)
    article_ids = await _articles(db, told)
    rows = [row for fact in told.fitted for row in _rows(fact, article_ids, known.engines)]
    absences = [(one.vehicle, one.category, one.confidence, " | ".join(one.source)) for one in told.absent]
    return Loaded(len(known.vehicles), len(engines), await store.keep_facts(db, rows, absences))


async def _articles(db: Connection, told: FitmentFacts) -> dict[tuple[str, str], int]:
    """The number of each part's article, by brand and article as the facts name them."""
    parts = sorted({part for fact in told.fitted for part in parts_of(fact)})
    names = {brand: RUSSIAN if brand == "Russian" else brand for brand, _ in parts}
    brand_ids = await brands.ids_of(db, list(names.values()))
    for name in names.values():
        if name not in brand_ids:
            brand_ids[name] = await brands.ensure(db, name, None, ())
    keyed = [(brand_ids[names[brand]], article_key(article), article) for brand, article in parts]
    ids = await crosses.add_articles(db, keyed)
    return dict(zip(parts, ids, strict=True))


def _rows(fact: FittedFact, article_ids: dict[tuple[str, str], int], engines: Any) -> Iterator[tuple[Any, ...]]:
    for vehicle in fact.vehicles:
        of_this = {engine.code for engine in engines.get(vehicle, ())} & set(fact.engines)
        for code in sorted(of_this) if fact.engines else [None]:
            for part in parts_of(fact):
                yield (
                    vehicle, code, article_ids[part], fact.category, fact.position, fact.quantity, fact.years_from,
                    fact.years_to, fact.confidence, fact.basis, " | ".join(fact.source),
                )  # fmt: skip
