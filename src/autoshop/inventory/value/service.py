"""Verbs: what the stock is worth at the end of a day."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date

from autoshop.inventory.stock_on import store as stock_on
from autoshop.inventory.stock_on.model import Base
from autoshop.inventory.stock_on.service import must_have_come
from autoshop.inventory.value import store
from autoshop.inventory.value.model import BeforeTheBase, Known, Method, TotalValue, Valued, by_average, by_fifo
from autoshop.kit.db import Connection


@dataclass(frozen=True, slots=True)
class Worth:
    """A product, or its part at one store."""

    product_id: int
    quantity: int
    value_kopecks: int | None
    average_microkopecks: int | None


async def value_page(
    db: Connection, day: date, method: Method, *, store_id: int | None, after_id: int, limit: int
) -> tuple[list[Worth], int | None]:
    """What products are worth, in the order of their ids, and the last id where there are more."""
    await must_have_come(db, day)
    found = await store.products(db, after_id, store_id, limit + 1)
    page = found[:limit]
    base = await _base(db, day)
    valued = {one.product_id: await _valued(db, base, method, one) for one in await store.known(db, base, method, page)}
    nothing = {product_id: Worth(product_id, 0, 0, None) for product_id in page}
    worth = [
        _part(valued[product_id], store_id) if product_id in valued else nothing[product_id] for product_id in page
    ]
    return worth, page[-1] if len(found) > limit else None


async def walk(db: Connection, day: date, method: Method, *, store_id: int | None) -> AsyncIterator[Worth]:
    """All products that have pieces, in the order of their ids."""
    await must_have_come(db, day)
    base = await _base(db, day)
    async for known in store.walk(db, base, method, "all" if store_id is None else "with places"):
        worth = _part(await _valued(db, base, method, known), store_id)
        if worth.quantity:
            yield worth


async def totals(db: Connection, day: date, method: Method, *, store_id: int | None) -> TotalValue:
    """The sum of all pages. Averages that have not changed since the last closing the database sums up by itself."""
    await must_have_come(db, day)
    if method == "average" and store_id is None:
        base = await _base(db, day)
        total = await store.total_untouched(db, base)
        async for valued in changed(db, base):
            total = total.plus(valued.quantity, valued.value_kopecks)
        return total
    total = TotalValue()
    async for worth in walk(db, day, method, store_id=store_id):
        total = total.plus(worth.quantity, worth.value_kopecks)
    return total


async def averages(db: Connection, product_ids: Sequence[int]) -> dict[int, int]:
    """What a piece of each product costs now, in millionths of a kopeck; those of unknown cost are not there."""
    today = await stock_on.today(db)
    if today is None:
        return {}
    base = await _base(db, today)
    valued = [await _valued(db, base, "average", one) for one in await store.known(db, base, "average", product_ids)]
    return {one.product_id: one.average_microkopecks for one in valued if one.average_microkopecks is not None}


async def changed(db: Connection, base: Base) -> AsyncIterator[Valued]:
    """Products whose average cost may have changed since the base, in the order of their ids; without their places."""
    async for known in store.walk(db, base, "average", "touched"):
        yield await _valued(db, base, "average", known)


def _part(valued: Valued, store_id: int | None) -> Worth:
    average = valued.average_microkopecks
    if store_id is None:
        return Worth(valued.product_id, valued.quantity, valued.value_kopecks, average)
    return Worth(valued.product_id, valued.places.get(store_id, 0), valued.value_at(store_id), average)


async def _base(db: Connection, day: date) -> Base:
    return await stock_on.base(db, day, snapshots=False)


async def _valued(db: Connection, base: Base, method: Method, known: Known) -> Valued:
    if method == "fifo":
        return by_fifo(known)
    try:
        return by_average(known, base.closed_on)
    except BeforeTheBase:
        [known] = await store.known(db, await stock_on.beginning(db, base.day), method, [known.product_id])
        return by_average(known, None)
