"""The verbs: count what is bought together; ask what goes with products, and what stands for those that are out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.inventory.availability import service as availability
from autoshop.kit.db import Connection, Pool
from autoshop.selection.crosses.analogs import Analogs, analogs_of
from autoshop.selection.fitment.suiting import unsuitable
from autoshop.selection.recommendations import store
from autoshop.selection.recommendations.model import MOST_LOOKED_AT, MOST_SUBSTITUTED, Recommended, substitutes_of

LOOKED_BACK = timedelta(days=2 * 365)  # cars stay the same for longer, prices and shelves do not


async def recount(db: Connection, now: datetime) -> int:
    """Count anew what is bought together, from the sales of two years; how many pairs there are."""
    await store.stage(db)
    await store.fill(db, now - LOOKED_BACK)
    return await store.count(db)


async def goes_with(db: Connection | Pool, product_ids: Sequence[int], limit: int) -> list[Recommended]:
    """What people buy with some products, the best first."""
    return await store.goes_with(db, product_ids, limit)


async def goes_with_for_car(
    db: Connection, product_ids: Sequence[int], limit: int, vehicle_id: str, engine: str | None
) -> list[Recommended]:
    """The same for a buyer's car: without what does not fit it, or is bound to cars and not known to fit this one.

    Raises UnknownVehicle and UnknownEngine.
    """
    found = await store.goes_with(db, product_ids, MOST_LOOKED_AT)
    out = await unsuitable(db, vehicle_id, engine, [one.product_id for one in found])
    return [one for one in found if one.product_id not in out][:limit]


async def substitutes(
    db: Connection,
    caller: Caller,
    product_ids: Sequence[int],
    now: datetime,
    vehicle_id: str | None = None,
    engine: str | None = None,
) -> list[Analogs]:
    """Of the products that no store has, what may stand for each and is in stock; of the first MOST_SUBSTITUTED alone.

    For a buyer's car, without what does not suit it.
    """
    there = await products.get_products(db, caller, product_ids)
    known = await availability.look_up_many(db, list(there), None, now)
    missing = [one for one in dict.fromkeys(product_ids) if one in there and not known[one].everywhere]
    found = [await analogs_of(db, caller, one, None, now) for one in missing[:MOST_SUBSTITUTED]]
    out: set[int] = set()
    if vehicle_id is not None and found:
        offered = {one.product.id for each in found for one in each.items if one.product is not None}
        out = await unsuitable(db, vehicle_id, engine, offered)
    return [substitutes_of(each, out) for each in found]
