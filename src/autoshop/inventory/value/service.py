"""Verbs: what the stock is worth at the end of a day; the balances of closed periods, written and proven."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from autoshop.inventory.periods import service as periods
from autoshop.inventory.periods import store as periods_store
from autoshop.inventory.stock import store as stock
from autoshop.inventory.stock_on import store as stock_on
from autoshop.inventory.stock_on.model import Base
from autoshop.inventory.stock_on.service import must_have_come
from autoshop.inventory.value import store
from autoshop.inventory.value.model import BeforeTheBase, Known, Method, TotalValue, Valued, by_average, by_fifo
from autoshop.kit.db import Connection, Pool, transaction

ROWS_AT_A_TIME = 10_000


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
    async for known in store.walk(db, base, method, places=store_id is not None):
        worth = _part(await _valued(db, base, method, known), store_id)
        if worth.quantity:
            yield worth


async def totals(db: Connection, day: date, method: Method, *, store_id: int | None) -> TotalValue:
    """The sum of all pages."""
    total = TotalValue()
    async for worth in walk(db, day, method, store_id=store_id):
        total = total.plus(worth.quantity, worth.value_kopecks)
    return total


def _part(valued: Valued, store_id: int | None) -> Worth:
    average = valued.average_microkopecks
    if store_id is None:
        return Worth(valued.product_id, valued.quantity, valued.value_kopecks, average)
    return Worth(valued.product_id, valued.places.get(store_id, 0), valued.value_at(store_id), average)


async def _base(db: Connection, day: date, *, anew: bool = False) -> Base:
    return await stock_on.base(db, day, anew=anew, snapshots=False)


async def _valued(db: Connection, base: Base, method: Method, known: Known) -> Valued:
    if method == "fifo":
        return by_fifo(known)
    try:
        return by_average(known, base.closed_on)
    except BeforeTheBase:
        [known] = await store.known(db, await stock_on.beginning(db, base.day), method, [known.product_id])
        return by_average(known, None)


# ------------------------------------------------------------------------------------------------ closing balances
async def write_balances(pool: Pool, period_id: int) -> int | None:
    """Write what lay where at the end of a closed period, and what it was worth; None when there is nothing to do.

    A movement takes its time under the row's lock and commits a little later: so first wait until every transaction
    that was open has ended, as a snapshot does. Sales go on.
    """
    async with pool.acquire() as db:
        mark = await stock.horizon(db)
        while not await stock.all_ended_before(db, mark):  # noqa: ASYNC110 - the event happens in PostgreSQL
            await asyncio.sleep(0.1)
    async with transaction(pool, unhurried=True) as db:
        period = await periods.get_period(db, period_id, lock=True)
        if period.status != "closing":
            return None
        rows = await _reckon(db, period_id, period.ends_on, proof=False)
        await periods_store.balanced(db, period_id, rows)
        await periods_store.tell(db, period_id, "balanced")
        return rows


async def prove(db: Connection, *, every: bool) -> tuple[int, list[dict[str, object]]]:
    """Reckon the closing balances of the last period anew, or of every one, and compare; what differs.

    Each is reckoned from the one before, so all of them together are proven from the first movement on.
    """
    count: int = 0
    examples: list[dict[str, object]] = []
    for period_id in await store.provable(db, 10_000 if every else 1):
        period = await periods.get_period(db, period_id)
        await store.stage(db)
        await _reckon(db, period_id, period.ends_on, proof=True)
        found, some = await store.differences(db, period_id)
        count, examples = count + found, [*examples, *some]
    return count, examples[:20]


async def _reckon(db: Connection, period_id: int, ends_on: date, *, proof: bool) -> int:
    """Reckon a period's balances from the one before and write them; how many places there are."""
    base = await _base(db, ends_on, anew=True)
    balances: list[store.Row] = []
    costs: list[store.Row] = []
    rows = 0
    async for known in store.walk(db, base, "average", places=True):
        valued = await _valued(db, base, "average", known)
        values = valued.values_by_store()
        rows += len(values)
        balances += [
            (period_id, known.product_id, place, known.places[place], value) for place, value in values.items()
        ]
        if valued.quantity or valued.average_microkopecks is not None:
            costs.append((period_id, known.product_id, valued.quantity, valued.average_microkopecks))
        if len(balances) + len(costs) >= ROWS_AT_A_TIME:
            await store.keep(db, balances, costs, proof=proof)
            balances, costs = [], []
    await store.keep(db, balances, costs, proof=proof)
    return rows
