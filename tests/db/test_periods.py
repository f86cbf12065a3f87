"""Closed periods: what is refused, that sales go on, and that of two at the same moment one comes first."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import psycopg
import pytest

from autoshop.accounts.model import BoundToStores, Caller, system
from autoshop.inventory.closing import service as closing
from autoshop.inventory.closing.jobs import balance_period, take_up_again
from autoshop.inventory.periods import service
from autoshop.inventory.periods.model import (
    ClosedAlready,
    NotOverYet,
    NotTheLast,
    PeriodClosed,
    ReopenedAlready,
    UnknownPeriod,
)
from autoshop.inventory.transfers import posting
from autoshop.kit.db import Connection, Pool, transaction
from autoshop.kit.errors import Invalid
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.ledger import MANAGER, assert_ledger_is_clean, movements, pieces, post, request, reverse
from tests.papers import assert_proven, close, days_ago, lay, paper, reopen
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


# ------------------------------------------------------------------------------------------------ refused
@pytest.mark.parametrize(("ago", "refusal"), [(-1, Invalid), (3660, Invalid), (5, PeriodClosed), (9, PeriodClosed)])
async def test_a_date_that_cannot_be_used_is_refused_and_nothing_is_posted(
    pool: Pool, ago: int, refusal: type[Exception]
) -> None:
    await close(pool, 5)
    with pytest.raises(refusal):
        await post(pool, paper("inbound", 5, ago))
    with pytest.raises(refusal, match=r"lines\.1\.effective_on" if refusal is Invalid else "closed"):
        await post(pool, request("inbound", 5), paper("inbound", 5, ago))
    assert await movements(pool) == 0
    await post(pool, paper("inbound", 5, 4), paper("inbound", 5, 0))


async def test_what_is_no_future_here_is_one_there(pool: Pool, database: Database) -> None:
    """Each store has a clock of its own; of fourteen hours' difference some day begins in one of them first."""
    zones = {CENTRE: "Pacific/Kiritimati", NORTH: "Pacific/Niue"}
    with psycopg.connect(database.owner_url) as db:
        for store_id, zone in zones.items():
            db.execute("UPDATE stores SET time_zone = %s WHERE id = %s", (zone, store_id))
    today = await pool.fetchval("SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date")
    ago = (days_ago(0) - today).days
    await post(pool, paper("inbound", 5, ago))
    with pytest.raises(Invalid, match="must not lie in the future"):
        await post(pool, paper("inbound", 5, ago, store_id=NORTH))
    with pytest.raises(NotOverYet) as no:
        await close(pool, ago + 1)  # yesterday at the one is today at the other
    assert no.value.facts["last_possible"] == str(
        await pool.fetchval("SELECT (now() AT TIME ZONE 'Pacific/Niue')::date - 1")
    )


async def test_neither_today_nor_the_future_can_be_closed_nor_anything_twice(pool: Pool) -> None:
    for ago in (0, -1, -400):
        with pytest.raises(NotOverYet):
            await close(pool, ago)
    await close(pool, 3)
    for ago in (3, 4, 400):
        with pytest.raises(ClosedAlready):
            await close(pool, ago)
    assert await pool.fetchval("SELECT count(*) FROM periods") == 1


async def test_only_the_last_period_can_be_reopened_and_once(pool: Pool) -> None:
    first, last = await close(pool, 5), await close(pool, 3)
    with pytest.raises(NotTheLast) as no:
        await reopen(pool, first)
    assert no.value.facts["last_period_id"] == last.id
    with pytest.raises(UnknownPeriod):
        async with transaction(pool) as db:
            await service.reopen_period(db, MANAGER, 999, None)
    assert (await reopen(pool, last, "a paper was forgotten")).status == "reopened"
    with pytest.raises(ReopenedAlready):
        await reopen(pool, last)
    assert (await reopen(pool, first)).status == "reopened"


async def test_who_acts_for_some_stores_closes_nothing(pool: Pool) -> None:
    bound = Caller("token", "north", frozenset({"inventory:approve"}), frozenset({NORTH}))
    period = await close(pool, 5)
    with pytest.raises(BoundToStores):
        async with transaction(pool) as db:
            await service.close_period(db, bound, days_ago(3))
    with pytest.raises(BoundToStores):
        async with transaction(pool) as db:
            await service.reopen_period(db, bound, period.id, None)


# ------------------------------------------------------------------------------------------------ closed
async def test_a_closed_period_keeps_what_lay_where_and_takes_no_more(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 9, 100), paper("sale", 3, 2))
    period = await close(pool, 5)
    assert (period.status, period.row_count, period.closed_by) == ("closed", 1, "trust:manager")
    kept = await pool.fetchrow("SELECT product_id, store_id, quantity, value_kopecks FROM closing_balances")
    assert tuple(kept or ()) == (PLUG, CENTRE, 10, 1000)
    with pytest.raises(PeriodClosed, match="Everything up to"):
        await post(pool, paper("inbound", 1, 5))
    await post(pool, request("sale", 1))
    assert (await lay(pool, 5), await pieces(pool)) == ({(PLUG, CENTRE): 10}, 6)
    await assert_ledger_is_clean(pool)


async def test_a_movement_of_a_closed_period_is_undone_today(pool: Pool) -> None:
    [slip] = await post(pool, paper("inbound", 10, 9))
    await close(pool, 5)
    await reverse(pool, slip.id)
    assert [await lay(pool, ago) for ago in (5, 0)] == [{(PLUG, CENTRE): 10}, {}]
    await assert_proven(pool)


async def test_reopened_it_takes_the_forgotten_paper(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 9))
    period = await close(pool, 5)
    await reopen(pool, period)
    await post(pool, paper("inbound", 1, 6))
    again = await close(pool, 5)
    assert again.id != period.id
    assert await pool.fetchval("SELECT quantity FROM closing_balances") == 11
    said = await pool.fetch("SELECT action, actor FROM audit WHERE subject LIKE 'period:%' ORDER BY id")
    assert [tuple(row) for row in said] == [(verb, "trust:manager") for verb in ("close", "reopen", "close")]
    told = await pool.fetch("SELECT payload ->> 'change' FROM outbox WHERE topic = 'inventory.period' ORDER BY id")
    assert [row[0] for row in told] == ["closed", "balanced", "reopened", "closed", "balanced"]


async def test_the_job_may_run_twice_or_late_and_a_reopened_period_gets_none(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 9))
    period = await close(pool, 5, balance=False)
    assert period.status == "closing"
    with pytest.raises(PeriodClosed):
        await post(pool, paper("inbound", 1, 5))
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'balance_period'") == 1
    await take_up_again(pool)  # it waits already
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'balance_period'") == 1
    assert await lay(pool, 5) == {(PLUG, CENTRE): 10}, "reports do without"
    for _ in range(2):
        await balance_period(pool, period.id)
    assert await pool.fetchval("SELECT count(*) FROM closing_balances") == 1
    later = await close(pool, 3, balance=False)
    await reopen(pool, later)
    assert await closing.write_balances(pool, later.id) is None
    await assert_proven(pool)


# ------------------------------------------------------------------------------------------------ raced
Posting = Callable[[Connection], Awaitable[object]]


async def post_dated(db: Connection) -> object:
    return await posting.post_requests(db, MANAGER, [paper("inbound", 4, 5)], datetime.now(UTC))


async def test_a_dated_movement_under_way_is_waited_for_and_counted(pool: Pool) -> None:
    async with transaction(pool) as db:
        await post_dated(db)
        closing = asyncio.create_task(close(pool, 5))
        await waiting_for_locks(pool, 1)
    await closing
    assert await pool.fetchval("SELECT quantity FROM closing_balances") == 4
    await assert_proven(pool)


async def test_a_dated_movement_that_comes_while_one_closes_is_refused_afterwards(pool: Pool) -> None:
    async with transaction(pool) as db:
        await service.close_period(db, MANAGER, days_ago(5))
        posting = asyncio.create_task(post(pool, paper("inbound", 4, 5)))
        await waiting_for_locks(pool, 1)
    with pytest.raises(PeriodClosed):
        await posting
    assert await movements(pool) == 0


async def test_nobody_waits_for_a_closing_who_dates_nothing(pool: Pool) -> None:
    await post(pool, request("inbound", 10))
    async with transaction(pool) as db:
        await service.close_period(db, MANAGER, days_ago(5))
        await asyncio.wait_for(post(pool, request("sale", 1), request("transfer", 1, to_store_id=NORTH)), 2)
    await assert_ledger_is_clean(pool)


async def test_a_movement_in_flight_since_before_the_closing_is_waited_for(pool: Pool) -> None:
    """It took its time on the day that is closed, and commits after it; a slow bulk load may do so."""
    await post(pool, request("inbound", 10))
    period = await close(pool, 1, balance=False)
    async with pool.acquire() as db:
        held = db.transaction()
        await held.start()
        await posting.post_requests(db, MANAGER, [request("sale", 4)], datetime.now(UTC))
        balancing = asyncio.create_task(closing.write_balances(pool, period.id))
        await asyncio.sleep(0.3)
        assert not balancing.done()
        await held.commit()
    await balancing


async def test_closing_reopening_and_dated_papers_at_once_leave_every_balance_right(pool: Pool) -> None:
    await post(pool, paper("inbound", 100, 20, 100), paper("inbound", 100, 20, 70, product_id=OIL_FILTER))

    async def papers(number: int) -> int:
        done = 0
        for ago in range(12, 1, -1):
            try:
                await post(pool, paper("sale", 1, ago), paper("inbound", 1, ago, number, product_id=OIL_FILTER))
                done += 1
            except PeriodClosed:
                pass
        return done

    async def closings() -> None:
        for ago in (11, 9, 7):
            await close(pool, ago)
            period = await close(pool, ago - 1)
            await reopen(pool, period)

    closed = asyncio.create_task(closings())
    done = sum(await asyncio.gather(*(papers(number) for number in range(6))))
    await closed
    assert 0 < done < 66
    assert await pieces(pool) == 100 - done
    await assert_proven(pool)
    await assert_ledger_is_clean(pool)


async def test_of_two_who_close_one_day_one_does(pool: Pool) -> None:
    answers = await asyncio.gather(*[close(pool, 5) for _ in range(4)], return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["ClosedAlready"] * 3 + ["Period"]


async def test_jobs_act_for_all(pool: Pool) -> None:
    async with transaction(pool) as db:
        assert (await service.close_period(db, system("night"), days_ago(5))).closed_by == "system:night"
