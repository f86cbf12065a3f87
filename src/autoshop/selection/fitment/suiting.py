"""Verb: which of some products do not suit a car, for lists that nobody looks through one by one.

What is bound to cars is left out unless it is told to fit: a car cannot be asked. Whether a kind of part is bound is a
fact of its category (data/selection/parts/categories.csv); of a category that the facts do not know, a part is bound
where anybody has told what it fits.
"""

from collections.abc import Collection, Sequence

from autoshop.catalog.search.categories.model import facts as categories
from autoshop.kit.db import Connection
from autoshop.selection.crosses import store as crosses
from autoshop.selection.fitment import service, store
from autoshop.selection.fitment.columns import category_codes, category_key
from autoshop.selection.fitment.feedback.silence import with_the_silent
from autoshop.selection.fitment.model import MOST_DOUBTS, PartKind
from autoshop.selection.plugs import service as plugs
from autoshop.selection.plugs.coding import spec_of
from autoshop.selection.vehicles.model import Engine


async def unsuitable(db: Connection, vehicle_id: str, engine: str | None, product_ids: Collection[int]) -> set[int]:
    """Of some products those that are known not to fit a car, or are bound to cars and not known to fit this one.

    Raises UnknownVehicle and UnknownEngine.
    """
    vehicle, engines = service.car(vehicle_id, engine)
    fitting = await _fitting(db, vehicle.id, engine, engines, product_ids)
    lacking = await store.absences(db, vehicle.id)
    makers = await plugs.makers(db, ())
    out = set()
    for one in await store.kinds(db, product_ids):
        own = spec_of(makers[one.brand_id], one.article) if one.brand_id in makers else None
        beside = service.beside_plug(own, engines)
        check = beside[1] if beside is not None else None
        refused = check is not None and check.verdict in ("conflict", "fits, differs")
        fits = one.product_id in fitting or (check is not None and check.is_proven)
        if refused or category_of(one) in lacking or (is_bound(one) and not fits):
            out.add(one.product_id)
    return out


async def _fitting(
    db: Connection, vehicle_id: str, engine: str | None, engines: Sequence[Engine], product_ids: Collection[int]
) -> set[int]:
    """Those that are told to fit, whatever else is so: by their own articles, or by what they may stand for."""
    articles = await crosses.articles_of(db, product_ids)
    told = {
        one.article_id
        for one in await store.of_car(db, vehicle_id, list(articles.values()))
        if not one.qualifiers and (engine is None or one.engine in (None, engine))
    }
    fitting = {product_id for product_id, article_id in articles.items() if article_id in told}
    fitting |= set(await service.products_for(db, vehicle_id, engine, on_conditions=False))
    codes = [one.code for one in engines if one.code]
    said = await with_the_silent(db, await store.told_many(db, product_ids, vehicle_id, codes), vehicle_id, codes)
    return fitting - {one for one, told in said.items() if told.doubts >= MOST_DOUBTS}


def category_of(one: PartKind) -> str | None:
    """The category of the facts that a product is of: by the code or a name of its own, or of the one above it."""
    codes = category_codes()
    return next((code for name in one.categories if (code := codes.get(category_key(name)))), None)


def is_bound(one: PartKind) -> bool:
    """Whether such a part fits some cars and others not."""
    code = category_of(one)
    bound = categories()[code].car_bound if code is not None else None
    return bound == "yes" or (bound is None and one.is_told)
