"""Who reserves, sells, extends and lets go at the same moment as somebody else."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from autoshop.inventory.reservations import service
from autoshop.inventory.reservations.model import NotHeld, NothingHasCome, ReservationEnded
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, request
from tests.reservations import (
    FILTERS,
    HERE,
    HOUR,
    THERE,
    extend,
    fill,
    find,
    fulfil,
    let_go_of_all_lapsed,
    release,
    reserve,
    reserved,
)
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

LOCK = "SELECT FROM inventory WHERE product_id = $1 AND store_id = $2 FOR NO KEY UPDATE"


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await fill(pool)


async def test_a_hundred_callers_want_fifty_pieces(pool: Pool) -> None:
    await post(pool, request("inbound", 45))
    answers = await asyncio.gather(*[reserve(pool, (HERE, 1)) for _ in range(100)], return_exceptions=True)
    assert outcomes(answers) == {"Reservation": 50, "InsufficientStock": 50}
    assert await reserved(pool) == (50, 50)
    await assert_ledger_is_clean(pool)


async def test_one_hold_is_fulfilled_once_however_many_press_the_button(pool: Pool) -> None:
    await post(pool, request("inbound", 95))
    for _ in range(5):
        held = await reserve(pool, (HERE, 2), (THERE, 1), (FILTERS, 1))
        sold = [fulfil(pool, held), fulfil(pool, held, (HERE, 2)), fulfil(pool, held, (THERE, 1)), fulfil(pool, held)]
        answers = await asyncio.gather(*sold, release(pool, held), return_exceptions=True)
        assert outcomes(answers).keys() <= {"tuple", "ReservationEnded", "Reservation", "NotHeld"}, answers
        ended = await find(pool, held)
        assert (ended.closed_at is not None, [one.held for one in ended.lines]) == (True, [0, 0, 0])
        assert all(one.fulfilled <= one.quantity for one in ended.lines)
        await post(pool, request("inbound", 1, store_id=NORTH), request("inbound", 1, OIL_FILTER))
        await assert_ledger_is_clean(pool)


async def test_holds_sales_and_jobs_in_every_order_never_wait_in_a_circle(pool: Pool) -> None:
    places = [HERE, THERE, FILTERS]
    await post(pool, *[request("inbound", 500, *place) for place in places])

    async def one(number: int) -> None:
        order = places[number % 3 :] + places[: number % 3]
        held = await reserve(pool, *[(place, 1) for place in order], lasts=timedelta(milliseconds=20 + number % 7 * 10))
        try:
            if number % 3 == 0:
                await fulfil(pool, held)
            elif number % 3 == 1:
                await release(pool, held, (order[0], 1))
            else:
                await let_go_of_all_lapsed(pool)
        except (ReservationEnded, NotHeld, NothingHasCome):  # another one's job let go of it, or of a place, in between
            pass
        await post(pool, *[request("sale", 1, *place) for place in order])

    for _ in range(6):
        await asyncio.gather(*[one(number) for number in range(12)])
    await asyncio.sleep(0.1)
    await let_go_of_all_lapsed(pool)
    assert [await reserved(pool, place) for place in places] == [(0, 0)] * 3
    assert await pool.fetchval("SELECT count(*) FROM reservations WHERE closed_at IS NULL") == 0
    await assert_ledger_is_clean(pool)


async def test_what_one_sells_out_of_a_hold_the_other_does_not_sell_again(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 2), (THERE, 1))
    async with transaction(pool) as first:
        await service.fulfil(first, MANAGER, held.id, [(HERE, 2)], None)
        second = asyncio.create_task(fulfil(pool, held, (HERE, 2), (THERE, 1)))
        await waiting_for_locks(pool, 1)
    with pytest.raises(NotHeld):
        await second
    assert (await pieces(pool), await pieces(pool, store_id=NORTH)) == (3, 5)
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize("verb", ["fulfil", "release", "extend"])
async def test_a_hold_that_lapses_while_it_is_waited_for_has_lapsed_as_a_whole(pool: Pool, verb: str) -> None:
    held = await reserve(pool, (HERE, 2), (THERE, 2), lasts=timedelta(seconds=1))
    async with transaction(pool) as stranger:
        await stranger.execute(LOCK, *THERE)
        verbs: dict[str, Any] = {"fulfil": fulfil, "release": release, "extend": partial(extend, lasts=HOUR)}
        waiting = asyncio.create_task(verbs[verb](pool, held))
        await waiting_for_locks(pool, 1)
        await asyncio.sleep(1.1)
    with pytest.raises(ReservationEnded, match="expired"):
        await waiting
    assert (await pieces(pool), await pieces(pool, store_id=NORTH)) == (5, 5)
    assert len(await pool.fetch("SELECT DISTINCT expires_at FROM reservation_lines")) == 1
    assert await let_go_of_all_lapsed(pool) == 2
    await assert_ledger_is_clean(pool)


async def test_a_hold_that_its_own_transaction_outlives_stops_nobody(pool: Pool) -> None:
    now = datetime.now(UTC)
    async with transaction(pool) as slow:
        await service.reserve(slow, MANAGER, [(HERE, 5)], "Пётр", None, now + timedelta(milliseconds=100), now)
        waiting = asyncio.create_task(reserve(pool, (HERE, 5)))
        await waiting_for_locks(pool, 1)
        await asyncio.sleep(0.2)
    assert (await waiting).status == "live"
    await assert_ledger_is_clean(pool)


async def test_the_first_pieces_and_those_who_want_them_come_together(pool: Pool) -> None:
    for product_id in range(3, 7):
        place = product_id, CENTRE
        wanted = [reserve(pool, (place, 1)) for _ in range(8)]
        arrival = post(pool, request("inbound", 5, product_id))
        answers = await asyncio.gather(*wanted[:4], arrival, *wanted[4:], return_exceptions=True)
        assert outcomes(answers).keys() <= {"list", "Reservation", "InsufficientStock"}, answers
    await assert_ledger_is_clean(pool)


async def test_who_extends_and_who_sells_never_wait_in_a_circle(pool: Pool) -> None:
    """After a partial sale the lines lie in another order on disk than in the key."""
    await post(pool, *[request("inbound", 200, *place) for place in (HERE, THERE, FILTERS)])
    for _ in range(20):
        held = await reserve(pool, (HERE, 3), (THERE, 3), (FILTERS, 3))
        await fulfil(pool, held, (HERE, 1))
        held = await find(pool, held)
        answers = await asyncio.gather(
            extend(pool, held, HOUR), release(pool, held, (HERE, 1), (FILTERS, 1)), fulfil(pool, held),
            return_exceptions=True,
        )  # fmt: skip
        expected = {"tuple", "Reservation", "ReservationEnded", "NotHeld", "PreconditionFailed"}
        assert outcomes(answers).keys() <= expected, answers
    await assert_ledger_is_clean(pool)
