"""Verbs: stock at the end of a day; a page, the totals, or all of it."""

from datetime import date

from autoshop.inventory.stock_on import store
from autoshop.inventory.stock_on.model import NotYet, StockOn, TotalsOn
from autoshop.kit.csv_out import Write
from autoshop.kit.db import Connection


async def must_have_come(db: Connection, day: date) -> None:
    """Refuse a day of which nothing is known yet."""
    today = await store.today(db)
    if today is not None and day > today:
        raise NotYet(today)


async def stock_page(
    db: Connection,
    day: date,
    *,
    store_id: int | None,
    product_id: int | None,
    after: tuple[int, int] | None,
    limit: int,
) -> tuple[list[StockOn], bool]:
    """A page of stock rows in key order, and whether there is more."""
    await must_have_come(db, day)
    found = await store.places(db, store_id, product_id, after, limit + 1)
    wanted = found[:limit]
    return await store.count(db, await store.base(db, day), wanted), len(found) > limit


async def totals(db: Connection, day: date, store_id: int | None) -> TotalsOn:
    """Pieces of the whole network, or of a store."""
    await must_have_come(db, day)
    return await store.totals(db, await store.base(db, day), store_id)


async def export(db: Connection, day: date, store_id: int | None, write: Write) -> None:
    """Write everything that lay somewhere as CSV, in key order."""
    await must_have_come(db, day)
    await store.export(db, await store.base(db, day), store_id, write)
