"""Orders that end while their pieces are on the way, transfers of theirs that do, and all of it at the same moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoshop.accounts.model import OtherStore
from autoshop.inventory.allocation import service as allocations
from autoshop.inventory.allocation.model import Wish
from autoshop.inventory.availability.service import look_up
from autoshop.inventory.levels import store as levels
from autoshop.inventory.movements.model import InsufficientStock
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.reservations.model import ReservationEnded
from autoshop.inventory.transfers import differences, jobs, service
from autoshop.inventory.transfers.model import Found, NoLongerWanted
from autoshop.kit.db import Pool, transaction
from tests.allocations import allocate, look, propose, was_due
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, receive, request, reverse
from tests.orders import OLEG, VERA, call_off, cancel, fill, hold_of, lapse, sell, ship, transfer_of
from tests.reservations import HERE, THERE, let_go_of_all_lapsed, reserved
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await fill(pool)


# ------------------------------------------------------------------------------------------------ it ends
async def test_an_order_that_lapses_on_the_way_leaves_free_stock(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    sent = await ship(pool, await transfer_of(pool, order), {PLUG: 3})
    await lapse(pool, order)
    await let_go_of_all_lapsed(pool)
    async with pool.acquire() as db:
        assert (await reservations.get_reservation(db, order.reservation_id)).status == "expired"
    assert await pool.fetchval("SELECT status FROM reservations") == "expired", "written down, not only reckoned"
    await jobs.drop_unwanted(pool)
    assert (await look(pool, order)).state == "withdrawn"
    got, _ = await receive(pool, sent.id)
    assert (got.status, await reserved(pool), await reserved(pool, THERE)) == ("received", (0, 0), (0, 0))
    await post(pool, request("sale", 5))
    await assert_ledger_is_clean(pool)


async def test_a_hold_of_which_nothing_is_left_but_the_way_is_closed_when_it_lapses(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    sent = await ship(pool, await transfer_of(pool, order))
    await lapse(pool, order)
    await receive(pool, sent.id)
    assert await reserved(pool) == (0, 0), "it came a moment too late"
    await let_go_of_all_lapsed(pool)
    assert await pool.fetchval("SELECT status FROM reservations") == "expired"
    assert await pool.fetchval("SELECT sum(awaited) FROM reservation_lines") == 0
    assert (await look(pool, order)).ended_at is not None


async def test_whoever_acts_for_the_wished_store_gives_the_order_up(pool: Pool) -> None:
    await post(pool, request("inbound", 1, OIL_FILTER))
    order = await allocate(pool, (PLUG, 4), (OIL_FILTER, 6), caller=VERA)
    asked = await transfer_of(pool, order)
    await ship(pool, asked, {PLUG: 2})
    with pytest.raises(OtherStore):
        await cancel(pool, order, OLEG)
    ended = await cancel(pool, order, VERA)
    assert (ended.state, [one.status for one in ended.transfers]) == ("withdrawn", ["in_transit"])
    assert await pool.fetchval("SELECT sum(reserved) FROM inventory") == 0
    with pytest.raises(ReservationEnded):
        await cancel(pool, order, VERA)
    got, _ = await receive(pool, asked.id)
    assert (got.status, got.lines[1].dropped, await reserved(pool)) == ("received", 5, (0, 0))
    await assert_ledger_is_clean(pool)


async def test_what_is_bought_or_given_back_at_the_sender_is_not_asked_for_any_more(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    await sell(pool, order, (THERE, 1), caller=OLEG)
    assert (await transfer_of(pool, order)).wanted == {PLUG: 3}
    async with transaction(pool) as db:
        await reservations.release(db, OLEG, order.reservation_id, [(THERE, 2)])
    assert (await transfer_of(pool, order)).wanted == {PLUG: 1}
    await sell(pool, order, (THERE, 1), caller=OLEG)
    assert (await transfer_of(pool, order)).status == "cancelled"
    assert (await look(pool, order)).state == "withdrawn", "two were given back"
    await assert_ledger_is_clean(pool)


async def test_a_transfer_that_is_called_off_leaves_the_pieces_held_where_they_lie(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    assert (await call_off(pool, await transfer_of(pool, order))).status == "cancelled"
    assert (await reserved(pool, THERE), (await look(pool, order)).state) == ((4, 4), "open")
    await was_due(pool, order, 1)
    assert (await look(pool, order)).state == "late"
    await sell(pool, order, (THERE, 4), caller=OLEG)
    await assert_ledger_is_clean(pool)


async def test_what_the_sender_does_not_send_stays_held_there(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    sent = await ship(pool, await transfer_of(pool, order), {PLUG: 1}, close_rest=True)
    await receive(pool, sent.id)
    assert (await transfer_of(pool, order)).status == "received"
    assert await hold_of(pool, order) == {HERE: (1, 0, 0), THERE: (3, 0, 0)}


@pytest.mark.parametrize("undone", [False, True])
async def test_what_is_called_back_is_held_at_the_sender_again(pool: Pool, undone: bool) -> None:
    order = await allocate(pool, (PLUG, 4))
    sent = await ship(pool, await transfer_of(pool, order))
    if undone:
        await reverse(pool, await pool.fetchval("SELECT max(id) FROM movements"))
    else:
        async with transaction(pool) as db:
            await service.recall(db, OLEG, sent.id, {PLUG: 4})
    assert await hold_of(pool, order) == {THERE: (4, 0, 0)}
    assert (await reserved(pool, THERE), await pieces(pool, PLUG, NORTH)) == ((4, 4), 6)
    with pytest.raises(InsufficientStock):
        await post(pool, request("sale", 3, store_id=NORTH))
    await assert_ledger_is_clean(pool)


async def test_what_is_lost_is_waited_for_until_it_is_found_or_the_order_ends(pool: Pool) -> None:
    """The buyer took the rest: the promise is not withdrawn by him, it is late."""
    order = await allocate(pool, (PLUG, 4))
    sent = await ship(pool, await transfer_of(pool, order))
    async with transaction(pool) as db:
        await differences.differ(db, VERA, sent.id, [Found(PLUG, 2, "lost")])
    await receive(pool, sent.id)
    await sell(pool, order, (HERE, 2))
    assert (await hold_of(pool, order), (await look(pool, order)).state) == ({HERE: (0, 2, 2)}, "open")
    async with transaction(pool) as db:
        await differences.differ(db, VERA, sent.id, [Found(PLUG, 1, "found"), Found(PLUG, 1, "surplus")])
    assert (await hold_of(pool, order), await reserved(pool)) == ({HERE: (1, 1, 2)}, (1, 1))
    await was_due(pool, order, 1)
    await cancel(pool, order)
    assert (await look(pool, order)).state == "late"
    await assert_ledger_is_clean(pool)


async def test_an_order_that_is_fetched_where_it_lies_asks_nobody(pool: Pool) -> None:
    now = datetime.now(UTC)
    asked = Wish(CENTRE, ((PLUG, 4),), "Иван", transfers=False)
    async with transaction(pool) as db:
        made = await allocations.allocate(db, MANAGER, asked, timedelta(days=1), now)
    assert (made.transfers, await pool.fetchval("SELECT count(*) FROM transfers")) == ((), 0)
    assert (await allocate(pool, (PLUG, 2))).transfers == (), "all of it lies at the wished store"


async def test_pieces_that_an_order_waits_for_are_promised_to_nobody_else(pool: Pool) -> None:
    order = await allocate(pool, (OIL_FILTER, 5))
    sent = await ship(pool, await transfer_of(pool, order))
    now = datetime.now(UTC)

    async def coming() -> tuple[str, str, int]:
        async with transaction(pool) as db:
            there = {one.store.id: one.availability.status for one in await look_up(db, OIL_FILTER, now)}
        await post(pool, request("inbound", 1, OIL_FILTER, NORTH))
        lacking = (await propose(pool, (OIL_FILTER, 1))).explanation.alternatives
        await post(pool, request("sale", 1, OIL_FILTER, NORTH))
        [level] = await levels.list_page(pool, CENTRE, OIL_FILTER, None, 1)
        return there[CENTRE], " ".join(one.kind for one in lacking), level.in_transit

    async with transaction(pool) as db:
        await db.execute(
            "INSERT INTO stock_levels (product_id, store_id, minimum, source, actor) VALUES ($1, $2, 1, 'a', 'a')",
            OIL_FILTER, CENTRE,
        )  # fmt: skip
    before = await coming()
    await cancel(pool, order)
    after = await coming()
    assert (before[0] != "in_transit", before[1:], after) == (True, ("", 0), ("in_transit", "in_transit", 5))
    await receive(pool, sent.id)


async def test_the_event_of_an_order_names_its_transfers(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    told = await pool.fetchval("SELECT payload FROM outbox WHERE topic = 'inventory.allocation'")
    assert told["transfer_ids"] == [one.id for one in order.transfers]
    await ship(pool, await transfer_of(pool, order))
    told = await pool.fetchval(
        "SELECT payload FROM outbox WHERE topic = 'inventory.reservation' ORDER BY id DESC LIMIT 1"
    )
    assert (told["change"], told["lines"][0]) == (
        "left", {"product_id": PLUG, "store_id": CENTRE, "held": 0, "awaited": 4, "fulfilled": 0},
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ races
async def test_of_two_orders_for_the_same_pieces_one_asks_for_them(pool: Pool) -> None:
    answers = await asyncio.gather(*[allocate(pool, (PLUG, 5)) for _ in range(2)], return_exceptions=True)
    assert outcomes(answers) == {"Allocation": 1, "NotAllocated": 1}
    assert await pool.fetchval("SELECT sum(requested) FROM transfer_lines") == 5
    await assert_ledger_is_clean(pool)


async def test_whoever_ships_waits_for_whoever_sells_at_the_sender_and_finds_less(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    asked = await transfer_of(pool, order)
    async with transaction(pool) as db:
        await reservations.fulfil(db, OLEG, order.reservation_id, [(THERE, 3)], None)
        shipping = asyncio.create_task(ship(pool, asked))
        await waiting_for_locks(pool, 1)
    assert (await shipping).on_the_way == {PLUG: 1}
    assert await hold_of(pool, order) == {HERE: (0, 1, 0), THERE: (0, 0, 3)}
    await assert_ledger_is_clean(pool)


async def test_whoever_gives_the_order_up_waits_for_the_shipment_and_ends_the_wait_for_it(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    asked = await transfer_of(pool, order)
    async with transaction(pool) as db:
        await service.ship(db, OLEG, asked.id, {PLUG: 3}, datetime.now(UTC))
        giving_up = asyncio.create_task(cancel(pool, order))
        await waiting_for_locks(pool, 1)
    assert (await giving_up).state == "withdrawn"
    sent, _ = await receive(pool, asked.id)
    assert (sent.status, await pool.fetchval("SELECT sum(reserved) FROM inventory")) == ("received", 0)
    await assert_ledger_is_clean(pool)


async def test_an_order_that_lapses_while_it_is_shipped_is_shipped_or_not_as_a_whole(pool: Pool) -> None:
    """The places are locked by somebody else while its time runs out: the shipment finds that and leaves no trace."""
    order = await allocate(pool, (PLUG, 4))
    asked = await transfer_of(pool, order)
    async with transaction(pool) as db:
        await db.execute("SELECT FROM inventory WHERE product_id = $1 AND store_id = $2 FOR NO KEY UPDATE", *THERE)
        shipping = asyncio.create_task(ship(pool, asked))
        await waiting_for_locks(pool, 1)
        await lapse(pool, order)
    with pytest.raises(NoLongerWanted):
        await shipping
    assert ((await transfer_of(pool, order)).status, await pieces(pool, PLUG, NORTH)) == ("requested", 6)
    await asyncio.gather(jobs.drop_unwanted(pool), let_go_of_all_lapsed(pool))
    await assert_ledger_is_clean(pool)


async def test_orders_on_their_way_in_every_order_never_wait_in_a_circle_nor_oversell(pool: Pool) -> None:
    await post(pool, *[request("inbound", 60, product, NORTH) for product in (PLUG, OIL_FILTER)])
    orders = [await allocate(pool, (OIL_FILTER, 2), (PLUG, 2 + number % 2)) for number in range(24)]

    async def work(number: int) -> Any:
        order = orders[number % 24]
        match number // 24:
            case 0:
                return await ship(pool, await transfer_of(pool, order), {PLUG: 1})
            case 1:
                return await sell(pool, order, (THERE, 1))
            case 2:
                asked = await transfer_of(pool, order)
                return await (cancel(pool, order) if number % 3 == 0 else call_off(pool, asked))
            case 3:
                return await ship(pool, await transfer_of(pool, order))
            case 4:
                return await receive(pool, (await transfer_of(pool, order)).id)
            case _:
                return await sell(pool, order)

    answers = await asyncio.gather(*[work(number) for number in range(24 * 6)], return_exceptions=True)
    bugs = [one for one in answers if isinstance(one, BaseException) and not hasattr(one, "status")]
    assert bugs == []
    on_the_way = [await transfer_of(pool, one) for one in orders]
    received = [receive(pool, transfer.id) for transfer in on_the_way]
    await asyncio.gather(jobs.drop_unwanted(pool), *received, return_exceptions=True)
    rows = await pool.fetch(
        "SELECT t.id, l.requested - l.dropped - l.shipped AS wanted, r.held"
        " FROM transfers AS t JOIN transfer_lines AS l ON l.transfer_id = t.id"
        " LEFT JOIN reservation_lines AS r ON r.reservation_id = t.reservation_id"
        " AND r.product_id = l.product_id AND r.store_id = t.from_store_id"
        " WHERE l.requested - l.dropped - l.shipped > coalesce(r.held, 0)"
    )
    assert rows == [], "more is asked for than is held for it"
    await assert_ledger_is_clean(pool)
