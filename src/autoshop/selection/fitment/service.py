"""The verbs: does a product fit a car, what does it fit, which products fit a car, what buyers say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.catalog.products import store as catalogue
from autoshop.catalog.products.model import Product
from autoshop.kit.db import Connection
from autoshop.kit.text import article_key
from autoshop.selection.crosses import store as crosses
from autoshop.selection.crosses.analogs import BOUNDS, ways_from
from autoshop.selection.crosses.analogs import named as articles_named
from autoshop.selection.crosses.model import Article, Way
from autoshop.selection.fitment import store
from autoshop.selection.fitment.feedback.silence import with_the_silent
from autoshop.selection.fitment.model import (
    Feedback,
    Fitted,
    Link,
    Origin,
    UnknownEngine,
    Verdict,
    judge,
)
from autoshop.selection.memory.service import Memory, recalled
from autoshop.selection.plugs import service as plugs
from autoshop.selection.plugs.coding import spec_of
from autoshop.selection.plugs.model import Check, Spec, compare
from autoshop.selection.vehicles import service as vehicles
from autoshop.selection.vehicles.model import Engine, Vehicle

MOST_FITTING = 5_000  # products of a car
Asked = tuple[str, str | None, int | None]  # vehicle, engine code, year


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, what it was asked of, and the articles that its chain names, by number."""

    product: Product
    vehicle: Vehicle
    engine: str | None
    year: int | None
    verdict: Verdict
    articles: dict[int, Article]


async def verdict(
    db: Connection,
    caller: Caller,
    product_id: int,
    vehicle_id: str,
    engine: str | None,
    year: int | None,
    memory: Memory | None = None,
) -> Judged:
    """Whether a product fits a car (with an engine, of a year), and the chain that proves it, or what is missing.

    Raises UnknownProduct, UnknownVehicle, UnknownEngine.
    """
    car(vehicle_id, engine)
    product = await products.get_product(db, caller, product_id)
    [judged] = await _judged(db, product, await _ways(db, product, memory), [(vehicle_id, engine, year)])
    named = {
        int(link.facts[key]) for link in judged.verdict.chain for key in ("from", "to", "article") if key in link.facts
    }
    return replace(judged, articles=await articles_named(db, named))


async def _judged(db: Connection, product: Product, ways: dict[int, Way], cars: Sequence[Asked]) -> list[Judged]:
    """The verdict for each car, without the names of the articles in its chain."""
    known = await store.beside_cars(db, [(vehicle, engine) for vehicle, engine, _ in cars], list(ways), product.id)
    own = await _spec_of(db, product)
    judged = []
    for (vehicle_id, engine, year), (found, lacking, said) in zip(cars, known, strict=True):
        vehicle, engines = car(vehicle_id, engine)
        weighed = await with_the_silent(db, {product.id: said}, vehicle_id, None if engine is None else [engine])
        result = judge(
            engine,
            year,
            [(one, ways[one.article_id]) for one in found],
            beside_plug(own, engines),
            Link("absent", lacking[1], tuple(lacking[2].split(" | ")), {"category": lacking[0]}) if lacking else None,  # type: ignore[arg-type]
            weighed[product.id],
        )
        judged.append(Judged(product, vehicle, engine, year, result, {}))
    return judged


def car(vehicle_id: str, engine: str | None) -> tuple[Vehicle, tuple[Engine, ...]]:
    """A vehicle and those of its engines that are meant. Raises UnknownVehicle and UnknownEngine."""
    vehicle, engines = vehicles.vehicle(vehicle_id)
    meant = engines if engine is None else tuple(one for one in engines if one.code == engine)
    if engine is not None and not meant:
        raise UnknownEngine(vehicle=vehicle.id, engines=sorted({one.code for one in engines if one.code}))
    return vehicle, meant


async def _ways(db: Connection, product: Product, memory: Memory | None) -> dict[int, Way]:
    """The way to each article that a product is, or that may stand for it, by number."""
    start = await crosses.find_article(db, product.brand_id, article_key(product.article))
    if start is None:
        return {}
    ways, _ = await ways_from(db, start, memory)
    return {start: Way(start, ())} | {way.to_id: way for way in reversed(ways)}


async def _spec_of(db: Connection, product: Product) -> Spec | None:
    """What the code of a spark plug says; None of anything else."""
    makers = await plugs.makers(db, ())
    return spec_of(makers[product.brand_id], product.article) if product.brand_id in makers else None


def beside_plug(own: Spec | None, engines: Sequence[Engine]) -> tuple[str, Check] | None:
    """A spark plug beside the one that the engine has; None where either is not known, or the engines differ."""
    codes = {one.plug_ngk for one in engines}
    code = codes.pop() if len(codes) == 1 else None
    theirs = spec_of("NGK", code) if code is not None else None
    return (code, compare(theirs, own)) if code is not None and own is not None and theirs is not None else None


async def beside(
    db: Connection, product: Product, cars: Sequence[Asked], limit: int, memory: Memory | None = None
) -> tuple[list[Judged], list[tuple[int, Fitted, Way]]]:
    """Whether a product fits each of somebody's cars (without the names in the chains), and what else it fits.

    Raises UnknownVehicle and UnknownEngine.
    """
    ways = await _ways(db, product, memory)
    judged = await _judged(db, product, ways, cars) if cars else []
    return judged, await _fits(db, ways, ("", 0), limit)


async def fits_of(
    db: Connection,
    caller: Caller,
    product_id: int,
    after: tuple[str, int],
    limit: int,
    memory: Memory | None = None,
) -> list[tuple[int, Fitted, Way]]:
    """What a product fits, or what that it may stand for does: car by car, with the way. Raises UnknownProduct."""
    product = await products.get_product(db, caller, product_id)
    return await _fits(db, await _ways(db, product, memory), after, limit)


async def _fits(
    db: Connection, ways: dict[int, Way], after: tuple[str, int], limit: int
) -> list[tuple[int, Fitted, Way]]:
    found = await store.of_articles(db, list(ways), after, limit)
    return [(number, one, ways[one.article_id]) for number, one in found]


async def products_for(
    db: Connection, vehicle_id: str, engine: str | None, memory: Memory | None = None, *, on_conditions: bool = True
) -> list[int]:
    """The products that are said to fit a car, or may stand for one that is; at most MOST_FITTING.

    Without `on_conditions`, those alone that fit it whatever else is so. Raises UnknownVehicle and UnknownEngine.
    """
    vehicle, _ = car(vehicle_id, engine)
    question, shape = ("articles for", vehicle.id, engine, on_conditions), list[tuple[int, str]]
    keys = await recalled(memory, db, question, shape, lambda: _articles_for(db, vehicle.id, engine, on_conditions))
    return sorted({one.id for one in await catalogue.by_articles(db, keys)})[:MOST_FITTING]


async def _articles_for(db: Connection, vehicle: str, engine: str | None, on_conditions: bool) -> list[tuple[int, str]]:
    """Brand and key of the articles that are said to fit a car, or may stand for one that is."""
    told = await store.whole_car(db, vehicle, engine)
    fitted = {one.article_id for one in told if on_conditions or not one.qualifiers}
    walked = await crosses.walk(db, sorted(fitted), **BOUNDS | {"most": MOST_FITTING}) if fitted else []
    named = await crosses.articles(db, fitted | {way.to_id for way in walked})
    return [(one.brand_id, one.article_key) for one in named.values()]


async def give_feedback(
    db: Connection,
    caller: Caller,
    product_id: int,
    vehicle_id: str,
    engine: str | None,
    *,
    fitted: bool,
    origin: Origin,
    reference: str | None,
    note: str | None,
) -> Feedback:
    """Keep what a buyer or a colleague says of a product and a car. The same reference says it once."""
    vehicle, _ = car(vehicle_id, engine)
    await products.get_product(db, caller, product_id)
    kept = await store.add_feedback(db, product_id, vehicle.id, engine, fitted, origin, reference, note, caller.actor)
    if kept is None:  # a car of newer files than the database was loaded from
        await store.add_cars(db, [vehicle.id], [(vehicle.id, engine)] if engine else [])
        kept = await store.add_feedback(
            db, product_id, vehicle.id, engine, fitted, origin, reference, note, caller.actor
        )
    assert kept is not None, "the car has its number now"
    return kept
