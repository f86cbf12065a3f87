"""Counting, approving, selling and holding at the same moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.stocktakes.approval import service as approval
from autoshop.inventory.stocktakes.counts import service as counting
from autoshop.inventory.stocktakes.counts.model import CountsRefused
from autoshop.inventory.stocktakes.model import NotCounting
from autoshop.inventory.transfers import posting
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Refusal
from tests.cast import AIR_FILTER, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, request
from tests.reservations import HERE, release, reserve
from tests.stocktakes import (
    OLEG,
    VERA,
    approve,
    asked,
    cancel,
    lines,
    open_stocktake,
    review,
    send,
    statuses,
    take,
)
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 9), request("inbound", 9, OIL_FILTER))


async def test_a_sale_that_was_under_way_at_the_count_is_in_the_number(pool: Pool) -> None:
    """Posted before the count and committed after it: the count waits for it instead of missing it."""
    opened = await open_stocktake(pool)
    async with transaction(pool) as selling:
        await posting.post_requests(selling, MANAGER, [request("sale", 2)], datetime.now(UTC))
        counted = asyncio.create_task(take(pool, opened, 7))
        await waiting_for_locks(pool, 1)
    line = await counted
    assert (line.ledger, line.difference) == (7, 0)


async def test_two_devices_add_to_one_product_and_nothing_is_lost(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    counts = [
        send(pool, opened, asked(1, mode="add"), asked(1, OIL_FILTER, mode="add"), caller=who)
        for who in (VERA, OLEG) * 4
    ]
    await asyncio.gather(*counts)
    assert {product: line.counted for product, line in (await lines(pool, opened)).items()} == {PLUG: 8, OIL_FILTER: 8}


async def test_one_count_sent_twice_at_once_is_taken_once(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    count = asked(4, mode="add", client_id="once")
    answers = await asyncio.gather(*[send(pool, opened, count) for _ in range(6)])
    assert sorted(one.taken for one in answers) == [0, 0, 0, 0, 0, 1]
    assert (await lines(pool, opened))[PLUG].counted == 4
    clash = [asked(4, client_id="mine"), asked(4, OIL_FILTER, client_id="mine")]
    refused = await asyncio.gather(*[send(pool, opened, one) for one in clash], return_exceptions=True)
    assert sorted(isinstance(one, CountsRefused) for one in refused) == [False, True]  # meanwhile, or just before
    second = next(one for one, told in zip(clash, refused, strict=True) if isinstance(told, CountsRefused))
    with pytest.raises(CountsRefused) as again:
        await send(pool, opened, second)
    assert (again.value.passing, again.value.facts["counts"][0]["title"]) == (
        False,
        "The id was used for something else",
    )


async def test_a_product_that_turns_up_on_two_devices_is_one_line(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await asyncio.gather(*[send(pool, opened, asked(1, AIR_FILTER, mode="add")) for _ in range(4)])
    line = (await lines(pool, opened))[AIR_FILTER]
    assert (line.expected, line.counted, line.difference) == (0, 4, 4)


async def test_of_two_openings_at_once_one_has_the_product(pool: Pool) -> None:
    for _ in range(3):
        answers = await asyncio.gather(*[open_stocktake(pool, PLUG) for _ in range(4)], return_exceptions=True)
        assert outcomes(answers) == {"Stocktake": 1, "AlreadyBeingCounted": 3}
        await cancel(pool, next(one for one in answers if not isinstance(one, BaseException)))


async def test_it_is_approved_once_however_many_press_the_button(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await send(pool, opened, asked(8), asked(10, OIL_FILTER))
    reviewed = await review(pool, opened)
    answers = await asyncio.gather(*[approve(pool, reviewed) for _ in range(5)], return_exceptions=True)
    assert outcomes(answers) == {"Stocktake": 1, "NotInReview": 4}
    assert (await pieces(pool), await pieces(pool, OIL_FILTER)) == (8, 10)
    await assert_ledger_is_clean(pool)


async def test_a_count_that_comes_as_the_counting_ends_is_in_or_refused(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    async with transaction(pool) as db:
        await counting.take_counts(db, VERA, opened.id, [asked(8)])
        ending = asyncio.create_task(review(pool, opened))
        await waiting_for_locks(pool, 1)
    reviewed = await ending
    assert (await statuses(pool, opened))[PLUG] == "counted"
    async with transaction(pool) as db:
        await approval.approve(db, MANAGER, opened.id, reviewed.version, "refuse", None)
        late = asyncio.create_task(take(pool, opened, 1))
        await waiting_for_locks(pool, 1)
    with pytest.raises(NotCounting, match="approved for good"):
        await late
    assert await pieces(pool) == 8
    await assert_ledger_is_clean(pool)


async def test_a_hold_that_is_made_while_an_approval_waits_is_seen_by_it(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 3)
    reviewed = await review(pool, opened)
    now = datetime.now(UTC)
    async with transaction(pool) as holding:
        await reservations.reserve(holding, MANAGER, [(HERE, 4)], "Пётр", None, now + timedelta(hours=1), now)
        approving = asyncio.create_task(approve(pool, reviewed))
        await waiting_for_locks(pool, 1)
    with pytest.raises(Refusal, match="would leave fewer"):
        await approving
    assert await pieces(pool) == 9


async def test_a_correction_that_is_made_while_an_approval_waits_is_seen_by_it(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 8)
    reviewed = await review(pool, opened)
    async with transaction(pool) as correcting:
        await posting.post_requests(correcting, MANAGER, [request("adjustment", -1)], datetime.now(UTC))
        approving = asyncio.create_task(approve(pool, reviewed))
        await waiting_for_locks(pool, 1)
    with pytest.raises(Refusal, match="counted again"):
        await approving
    assert await pieces(pool) == 8


async def test_sales_holds_counts_and_approvals_in_every_order_keep_the_ledger_right(pool: Pool) -> None:
    """Nine plugs by the ledger; there are seven. Whatever is sold meanwhile, the shortage found is two."""
    await post(pool, request("inbound", 100))
    opened = await open_stocktake(pool)
    sold = 0

    async def sell() -> None:
        nonlocal sold
        await post(pool, request("sale", 1), request("sale", 1, OIL_FILTER))
        sold += 1

    async def hold() -> None:
        await release(pool, await reserve(pool, (HERE, 1)))

    async def count() -> None:
        """Under the lock of the place, so that what is seen and what is written are of one moment."""
        async with transaction(pool) as db:
            await db.execute("SELECT FROM inventory WHERE product_id = $1 AND store_id = $2 FOR NO KEY UPDATE", *HERE)
            there = await db.fetchval(
                "SELECT quantity - 2 FROM inventory WHERE product_id = $1 AND store_id = $2", *HERE
            )
            at = await db.fetchval("SELECT clock_timestamp()")
        await send(pool, opened, asked(there, at=at))

    for _ in range(3):
        await asyncio.gather(*[sell(), hold(), count(), sell(), hold()])
    reviewed = await review(pool, opened)
    await asyncio.gather(approve(pool, reviewed), sell(), hold(), sell())
    assert await pieces(pool) == 109 - sold - 2
    assert await pool.fetchval("SELECT shortage FROM stocktakes WHERE id = $1", opened.id) == 2
    await assert_ledger_is_clean(pool)
