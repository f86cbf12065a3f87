"""Which products fit which of several cars: «масляный фильтр гранта» is asked of all Grantas at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from autoshop.catalog.products import store as catalogue
from autoshop.kit.db import Connection
from autoshop.selection.crosses import store as crosses
from autoshop.selection.crosses.analogs import BOUNDS
from autoshop.selection.fitment import store
from autoshop.selection.fitment.model import Fitted
from autoshop.selection.fitment.service import MOST_FITTING, Asked
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.model import in_years


@dataclass(frozen=True, slots=True)
class Fits:
    """The places, in what was asked, of the cars that a product fits; of one of them perhaps `on_conditions` alone:
    of certain years, with a certain engine where none was named, or as a qualifier says.
    """

    places: tuple[int, ...]
    on_conditions: bool


async def products_of_several(db: Connection, cars: Sequence[Asked], categories: Collection[str]) -> dict[int, Fits]:
    """By product on sale, which of `cars` it is said to fit, or may stand for what is said to.

    `categories`: codes of the facts; none means all of them.
    """
    told = await store.of_several(db, {vehicle for vehicle, _, _ in cars}, categories)
    reached = [await _reached(db, _seeds(told, one)) for one in cars]
    named = await crosses.articles(db, {article for ways in reached for article in ways})
    keys = {(one.brand_id, one.article_key): number for number, one in named.items()}
    sold = await catalogue.by_articles(db, list(keys))
    fits = {}
    for product in sold:
        article = keys.get((product.brand_id, product.article_key))
        places = tuple(place for place, ways in enumerate(reached) if article in ways)
        if article is not None and places:
            fits[product.id] = Fits(places, any(reached[place][article] for place in places))
    return fits


def _seeds(told: Sequence[Fitted], asked: Asked) -> dict[int, bool]:
    """The articles that are said to fit a car, and whether on conditions."""
    vehicle, engine, year = asked
    seeds: dict[int, bool] = {}
    for one in told:
        if one.vehicle == vehicle and _is_meant(one, engine, year):
            seeds[one.article_id] = seeds.get(one.article_id, True) and _is_bound(one, engine, year)
    return seeds


def _is_meant(one: Fitted, engine: str | None, year: int | None) -> bool:
    return (one.engine is None or engine is None or one.engine == engine) and (
        year is None or in_years(one.years_from, one.years_to, year)
    )


def _is_bound(one: Fitted, engine: str | None, year: int | None) -> bool:
    """Whether it is said of some of those cars alone."""
    vehicle = known().vehicles[one.vehicle]
    of_engine = one.engine is not None and engine is None and len(known().engines.get(vehicle.id, ())) > 1
    of_years = year is None and (
        (one.years_from or 0) > (vehicle.years_from or 0)
        or (one.years_to is not None and (vehicle.years_to is None or one.years_to < vehicle.years_to))
    )
    return bool(one.qualifiers) or of_engine or of_years


async def _reached(db: Connection, seeds: Mapping[int, bool]) -> dict[int, bool]:
    """The seeds, and what may stand for them, each with the conditions of the seed that leads there."""
    if not seeds:
        return {}
    ways = await crosses.walk(db, sorted(seeds), **BOUNDS | {"most": MOST_FITTING})
    return {way.to_id: seeds[way.steps[0].from_id] for way in ways} | dict(seeds)
