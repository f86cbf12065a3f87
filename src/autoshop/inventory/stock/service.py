"""Verbs: page through stock, look into the past, freeze it, prove it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from autoshop.inventory.closing import service as closing
from autoshop.inventory.movements.model import UnknownProduct
from autoshop.inventory.stock import store
from autoshop.inventory.stock.model import Check, InTheFuture, Stock, StockAt, Totals
from autoshop.kit.db import Connection, Pool, transaction
from autoshop.kit.reuse import Reused


async def stock_page(
    pool: Pool,
    *,
    store_id: int | None,
    product_id: int | None,
    available: bool,
    after: tuple[int, int] | None,
    limit: int,
) -> tuple[list[Stock], bool]:
    """A page of stock rows in key order, and whether there is more."""
    rows = await store.list_page(
        pool, store_id=store_id, product_id=product_id, available=available, after=after, limit=limit + 1
    )
    return rows[:limit], len(rows) > limit


class TotalsOfAll:
    """Sums over the whole stock, reused: with 1 000 rows for no time at all, with a million for half a minute or so.

    Then they are counted anew while those before are told, if they are not older than five minutes: `as_of`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.reused = Reused[Totals]()

    async def get(self, *, store_id: int | None, product_id: int | None, available: bool) -> Totals:
        """Sums over what the filter lets through; a single product is always counted anew."""

        async def count() -> Totals:
            return await store.totals(self._pool, store_id=store_id, product_id=product_id, available=available)

        return await count() if product_id is not None else await self.reused.get((store_id, available), count)


async def stock_at(
    db: Connection | Pool, places: Sequence[tuple[int, int]], at: datetime, now: datetime
) -> list[StockAt]:
    """Stock of (product, store) pairs as of a past moment."""
    if at > now:
        raise InTheFuture(at=at.isoformat())
    return await store.stock_at(db, places, at)


async def must_exist(db: Connection | Pool, product_id: int) -> None:
    """Refuse a product that nobody ever made."""
    if not await store.product_exists(db, product_id):
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)


async def take_snapshot(pool: Pool, taken_at: datetime) -> int | None:
    """Freeze the stock as of `taken_at`, a moment in the past; None when that was done before.

    A movement takes its time under the row's lock and commits a little later. So first wait until every transaction
    that was open has ended: then no movement from before `taken_at` can still turn up.
    """
    async with pool.acquire() as db:
        mark = await store.horizon(db)
        while not await store.all_ended_before(db, mark):  # noqa: ASYNC110 - the event happens in PostgreSQL
            await asyncio.sleep(0.1)
    async with transaction(pool, unhurried=True) as db:
        return await store.take_snapshot(db, taken_at)


async def check_ledger(pool: Pool, *, balances: bool = False, periods: Literal["last", "every"] = "last") -> Check:
    """Recount the ledger and keep the result for the metric and the alert; closing balances are proven with it."""
    async with transaction(pool, unhurried=True) as db:
        proof = await closing.prove(db, every=periods == "every")
        return await store.recount(db, balances=balances, proof=proof)


def midnight_before(now: datetime) -> datetime:
    """The moment of the nightly snapshot: 00:00 UTC of the day."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
