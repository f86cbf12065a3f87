"""Verbs: write the balances of a period that was closed; prove them."""

import asyncio
from datetime import date

from autoshop.inventory.closing import store
from autoshop.inventory.closing.store import Into
from autoshop.inventory.periods import service as periods
from autoshop.inventory.periods import store as periods_store
from autoshop.inventory.stock import store as stock
from autoshop.inventory.stock_on import store as stock_on
from autoshop.inventory.value import service as value
from autoshop.kit.db import Connection, Pool, transaction

ROWS_AT_A_TIME = 10_000


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
        rows = await _reckon(db, "closing", period_id, period.ends_on)
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
        await _reckon(db, "proven", period_id, period.ends_on)
        found, some = await store.differences(db, period_id)
        count, examples = count + found, [*examples, *some]
    return count, examples[:20]


async def _reckon(db: Connection, into: Into, period_id: int, ends_on: date) -> int:
    """Reckon a period's balances from the one before and write them; how many places there are."""
    base = await stock_on.base(db, ends_on, anew=True, snapshots=False)
    costs: list[store.Row] = []
    async for valued in value.changed(db, base):
        if valued.quantity or valued.average_microkopecks is not None:
            costs.append((period_id, valued.product_id, valued.quantity, valued.average_microkopecks))
        if len(costs) == ROWS_AT_A_TIME:
            await store.keep_costs(db, into, costs)
            costs = []
    await store.keep_costs(db, into, costs)
    return await store.keep_rest(db, into, base, period_id)
