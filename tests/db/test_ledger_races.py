"""Who comes at the same moment as somebody else: the ledger on a real PostgreSQL, raced."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from asyncpg.transaction import Transaction

from autoshop.inventory.movements.model import InsufficientStock, MovementRequest
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.transfers import posting
from autoshop.kit.db import Connection, Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import (
    MANAGER,
    assert_ledger_is_clean,
    outcomes,
    pieces,
    post,
    receive,
    request,
    stock,
)
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def begun(pool: Pool, *requests: MovementRequest) -> AsyncIterator[tuple[Connection, Transaction]]:
    """Posted in a transaction that is not over yet, with the connection that it is on."""
    async with pool.acquire() as db:
        held = db.transaction()
        await held.start()
        await posting.post_requests(db, MANAGER, requests, datetime.now(UTC))
        yield db, held


async def test_two_racers_for_the_first_movement_of_a_product_at_a_store(pool: Pool) -> None:
    for product_id in range(1, 7):
        await asyncio.gather(*[post(pool, request("inbound", 1, product_id)) for _ in range(8)])
    assert set((await stock(pool)).values()) == {8}
    await assert_ledger_is_clean(pool)


async def test_the_first_arrival_and_the_first_sale_race(pool: Pool) -> None:
    for product_id in range(1, 7):
        answers = await asyncio.gather(
            post(pool, request("sale", 1, product_id)),
            post(pool, request("inbound", 1, product_id)),
            post(pool, request("sale", 1, product_id)),
            return_exceptions=True,
        )
        counted = outcomes(answers)
        assert counted.keys() <= {"list", "InsufficientStock"}, answers
        assert counted["list"] <= 2
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize("kind", ["batch", "transfer"])
async def test_who_waited_for_a_row_finds_what_came_meanwhile(pool: Pool, kind: str) -> None:
    """The row was empty when the statement began; the holder fills it, and reserves one piece."""
    await post(pool, request("inbound", 1), request("sale", 1))
    wanted = [request("sale", 4)] if kind == "batch" else [request("transfer", 4, to_store_id=NORTH)]
    async with begun(pool, request("inbound", 5)) as (db, held):
        now = datetime.now(UTC)
        await reservations.reserve(db, MANAGER, [((PLUG, CENTRE), 1)], "Ivan", None, now + timedelta(hours=1), now)
        served, refused = (asyncio.create_task(post(pool, *wanted)) for _ in range(2))
        await waiting_for_locks(pool, 2)
        await held.commit()
    answers = await asyncio.gather(served, refused, return_exceptions=True)
    assert outcomes(answers) == {"list": 1, "InsufficientStock": 1}, answers
    [no] = [answer for answer in answers if isinstance(answer, InsufficientStock)]
    assert (no.facts["asked"], no.facts["available"], await pieces(pool)) == (4, 0, 1)
    await assert_ledger_is_clean(pool)


async def test_a_first_movement_that_is_taken_back_leaves_room_for_the_one_who_waits(pool: Pool) -> None:
    """One transaction makes the row and rolls back while another waits for it."""
    async with begun(pool, request("inbound", 100)) as (_, held):
        waiting = asyncio.create_task(post(pool, request("inbound", 3)))
        await waiting_for_locks(pool, 1)
        await held.rollback()
    [movement] = await waiting
    assert movement.balance_after == 3
    assert await pieces(pool) == 3


async def test_a_sale_waits_for_the_sale_before_it_and_then_sees_what_is_left(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    async with begun(pool, request("sale", 3)) as (_, held):
        waiting = asyncio.create_task(post(pool, request("sale", 3)))
        await waiting_for_locks(pool, 1)
        await held.commit()
    with pytest.raises(InsufficientStock) as refused:
        await waiting
    assert refused.value.facts["available"] == 2
    assert await pieces(pool) == 2


async def test_of_a_hundred_sales_of_fifty_pieces_fifty_are_done(pool: Pool) -> None:
    await post(pool, request("inbound", 50))
    answers = await asyncio.gather(*[post(pool, request("sale", 1)) for _ in range(100)], return_exceptions=True)
    assert outcomes(answers) == {"list": 50, "InsufficientStock": 50}
    assert await pieces(pool) == 0
    await assert_ledger_is_clean(pool)


async def test_batches_in_opposite_order_never_wait_in_a_circle(pool: Pool) -> None:
    """Some rows exist and some do not; every batch takes all of them in an order of its own."""
    dice = random.Random(7)
    places = [(product_id, store_id) for product_id in range(1, 7) for store_id in (CENTRE, NORTH)]
    await post(pool, *[request("inbound", 1, *place) for place in places[::3]])

    async def one_batch() -> None:
        shuffled = places[:]
        dice.shuffle(shuffled)
        lines = [request("inbound", 2, *place) for place in shuffled]
        dice.shuffle(shuffled)
        await post(pool, *lines, *[request("sale", 1, *place) for place in shuffled])

    for _ in range(25):
        await asyncio.gather(*[one_batch() for _ in range(8)])
    assert sum((await stock(pool)).values()) == 25 * 8 * len(places) + len(places[::3])
    await assert_ledger_is_clean(pool)


async def test_shipments_against_each_other_and_their_receipts_never_wait_in_a_circle(pool: Pool) -> None:
    await post(pool, *[request("inbound", 100, 1 + n, 1 + s) for n in range(3) for s in range(2)])

    async def there_and_back(from_id: int, to_id: int, order: list[int]) -> None:
        shipped = await post(pool, *[request("transfer", 1, product, from_id, to_id) for product in order])
        assert len({one.transfer_id for one in shipped}) == 1
        await receive(pool, shipped[0].transfer_id)

    for _ in range(15):
        await asyncio.gather(
            there_and_back(CENTRE, NORTH, [1, 2, 3]),
            there_and_back(NORTH, CENTRE, [3, 2, 1]),
            there_and_back(CENTRE, NORTH, [2, 3, 1]),
            there_and_back(NORTH, CENTRE, [1, 3, 2]),
        )
    assert set((await stock(pool)).values()) == {100}
    await assert_ledger_is_clean(pool)


async def test_time_never_runs_back_within_a_place(pool: Pool) -> None:
    await post(pool, request("inbound", 1000), request("inbound", 1000, OIL_FILTER))

    async def sell(product_id: int) -> None:
        for _ in range(15):
            await post(pool, request("sale", 1, product_id), request("sale", 1, product_id))

    await asyncio.gather(*[sell(product_id) for product_id in (PLUG, OIL_FILTER) for _ in range(4)])
    backwards = await pool.fetchval(
        "SELECT count(*) FROM (SELECT created_at < lag(created_at) OVER (PARTITION BY product_id, store_id ORDER BY id)"
        " AS back FROM movements) AS m WHERE back"
    )
    assert backwards == 0
    await assert_ledger_is_clean(pool)
