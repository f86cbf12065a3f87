"""Verbs: may this date still be used; close a period, reopen the last one."""

from collections.abc import Sequence
from datetime import date

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.inventory.periods import store
from autoshop.inventory.periods.model import (
    ClosedAlready,
    NotOverYet,
    NotTheLast,
    Period,
    ReopenedAlready,
    UnknownPeriod,
    check_date,
)
from autoshop.kit.db import Connection, Pool
from autoshop.kit.jobs import defer

JOB = "balance_period"


async def must_be_open(db: Connection, dated: Sequence[tuple[str, int, date]]) -> None:
    """Refuse dates (field, store, date) that cannot be used; what is open stays so until the transaction ends.

    Before any row is locked. Without a date there is nothing to ask, and a sale never comes here: it has today's.
    """
    if not dated:
        return
    await store.share_closing(db)
    known = await store.dates(db, sorted({store_id for _, store_id, _ in dated}))
    for field, store_id, effective_on in dated:
        if store_id in known:  # an unknown store is refused where the pieces move
            check_date(effective_on, known[store_id], field)


async def close_period(db: Connection, caller: Caller, ends_on: date) -> Period:
    """Close everything up to and including a day that is over. The worker writes the closing balances."""
    caller.must_act_for_all()
    await store.hold_closing(db)
    last_possible, last = await store.last_possible(db), await store.last(db)
    if last_possible is None or ends_on > last_possible:
        raise NotOverYet(ends_on=ends_on.isoformat(), last_possible=last_possible and last_possible.isoformat())
    if last is not None and ends_on <= last.ends_on:
        raise ClosedAlready(period_id=last.id, closed_on=last.ends_on.isoformat())
    period_id = await store.close(db, ends_on, caller.actor)
    await audit(db, caller, "close", f"period:{period_id}", None, {"ends_on": ends_on.isoformat()})
    await defer(db, JOB, {"period_id": period_id}, once_as=f"{JOB}:{period_id}")
    await store.tell(db, period_id, "closed")
    return await get_period(db, period_id)


async def reopen_period(db: Connection, caller: Caller, period_id: int, reason: str | None) -> Period:
    """Open the last closed period again; its closing balances are forgotten, the ledger knows them anyway."""
    caller.must_act_for_all()
    await store.hold_closing(db)
    period, last = await get_period(db, period_id, lock=True), await store.last(db)
    if period.reopened_at is not None:
        raise ReopenedAlready(f"Period {period_id} was reopened before", period_id=period_id)
    assert last is not None, "this one is closed"
    if last.id != period_id:
        raise NotTheLast(period_id=period_id, last_period_id=last.id)
    await store.reopen(db, period_id, caller.actor, reason)
    told = {"ends_on": period.ends_on.isoformat(), "reason": reason}
    await audit(db, caller, "reopen", f"period:{period_id}", {"ends_on": told["ends_on"]}, told)
    await store.tell(db, period_id, "reopened")
    return await get_period(db, period_id)


async def get_period(db: Connection | Pool, period_id: int, *, lock: bool = False) -> Period:
    """The period, or a refusal."""
    period = await store.find(db, period_id, lock=lock)
    if period is None:
        raise UnknownPeriod(f"There is no period {period_id}", period_id=period_id)
    return period


async def take_up_again(db: Connection) -> int:
    """Enqueue periods whose balances nobody wrote: a worker died over them, or none was there."""
    waiting = await store.unbalanced(db)
    for period_id in waiting:
        await defer(db, JOB, {"period_id": period_id}, once_as=f"{JOB}:{period_id}")
    return len(waiting)
