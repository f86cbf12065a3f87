"""The transfers of an order: its pieces are held once, all the way from the sender to the wished store."""

from datetime import UTC, datetime, timedelta

import pytest

from autoshop.accounts.model import OtherStore
from autoshop.inventory.movements.model import InsufficientStock
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.reservations.model import NothingHasCome
from autoshop.inventory.transfers import jobs, service
from autoshop.inventory.transfers.model import NoLongerWanted, OrderDecides
from autoshop.kit.db import Pool, transaction
from tests.allocations import allocate, look, was_due
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, pieces, post, receive, request
from tests.orders import OLEG, VERA, fill, hold_of, lapse, sell, ship, transfer_of
from tests.reservations import HERE, THERE, let_go_of_all_lapsed, reserved

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await fill(pool)


# ------------------------------------------------------------------------------------------------ refused
async def test_what_an_order_waits_for_is_sold_to_nobody_else_anywhere(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 6))
    others = await post(pool, request("sale", 2))
    assert len(others) == 1, "all six come from the north in one box: those here are free"
    with pytest.raises(InsufficientStock):
        await post(pool, request("sale", 1, store_id=NORTH))
    sent = await ship(pool, await transfer_of(pool, order))
    assert (await pieces(pool, PLUG, NORTH), await reserved(pool, THERE)) == (0, (0, 0))
    await receive(pool, sent.id)
    assert await reserved(pool) == (6, 6)
    with pytest.raises(InsufficientStock):
        await post(pool, request("sale", 1))
    await assert_ledger_is_clean(pool)


async def test_the_order_decides_what_its_transfer_brings(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    asked = await transfer_of(pool, order)
    with pytest.raises(OrderDecides):
        await ship(pool, asked, {PLUG: 5}, beyond_requested=True)
    with pytest.raises(OrderDecides):
        await ship(pool, asked, {PLUG: 4, OIL_FILTER: 1}, beyond_requested=True)
    async with transaction(pool) as db:
        with pytest.raises(OrderDecides):
            await service.change(db, MANAGER, asked.id, asked.version, {}, {PLUG: 1}, datetime.now(UTC))
    async with transaction(pool) as db:
        noted = await service.change(db, MANAGER, asked.id, asked.version, {"note": "a"}, None, datetime.now(UTC))
    assert (noted.note, noted.wanted, await reserved(pool, THERE)) == ("a", {PLUG: 4}, (4, 4))


async def test_an_order_that_has_lapsed_gets_nothing_any_more(pool: Pool) -> None:
    """Whether a job has noticed or not; then the job calls the transfer off, and running twice does no harm."""
    order = await allocate(pool, (PLUG, 4))
    asked = await transfer_of(pool, order)
    await lapse(pool, order)
    with pytest.raises(NoLongerWanted):
        await ship(pool, asked)
    await let_go_of_all_lapsed(pool)
    await jobs.drop_unwanted(pool)
    await jobs.drop_unwanted(pool)
    ended = await transfer_of(pool, order)
    assert (ended.status, ended.version, await reserved(pool, THERE)) == ("cancelled", asked.version + 1, (0, 0))
    assert await pool.fetchval("SELECT actor FROM transfer_events WHERE change = 'cancelled'") == "system:transfers"
    await assert_ledger_is_clean(pool)


async def test_what_is_on_the_way_is_not_sold(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    await ship(pool, await transfer_of(pool, order))
    with pytest.raises(NothingHasCome):
        await sell(pool, order)
    with pytest.raises(NothingHasCome):
        await sell(pool, order, caller=VERA)
    with pytest.raises(OtherStore):
        await sell(pool, order, caller=OLEG)


# ------------------------------------------------------------------------------------------------ the way
async def test_an_order_asks_for_its_pieces_and_has_them_all_the_way(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4), (OIL_FILTER, 5), caller=VERA, document="order-17")
    asked = await transfer_of(pool, order)
    assert (asked.from_store_id, asked.to_store_id, asked.wanted) == (NORTH, CENTRE, {PLUG: 4, OIL_FILTER: 5})
    assert (asked.reservation_id, asked.allocation_id) == (order.reservation_id, order.id)
    assert (asked.status, asked.related_document, asked.actor) == ("requested", "order-17", "staff:vera")
    promised_on = await pool.fetchval("SELECT ($1::timestamptz AT TIME ZONE 'Europe/Moscow')::date", order.promised_at)
    assert asked.wanted_by == promised_on
    assert await pool.fetchval("SELECT count(*) FROM reservations") == 1, "held once"
    assert await hold_of(pool, order) == {THERE: (4, 0, 0), (OIL_FILTER, NORTH): (5, 0, 0)}
    await ship(pool, asked, {PLUG: 3})
    assert await hold_of(pool, order) == {HERE: (0, 3, 0), THERE: (1, 0, 0), (OIL_FILTER, NORTH): (5, 0, 0)}
    await receive(pool, asked.id, {PLUG: 2})
    assert await hold_of(pool, order) == {HERE: (2, 1, 0), THERE: (1, 0, 0), (OIL_FILTER, NORTH): (5, 0, 0)}
    await ship(pool, asked)
    await receive(pool, asked.id)
    assert await hold_of(pool, order) == {HERE: (4, 0, 0), (OIL_FILTER, CENTRE): (5, 0, 0)}
    assert (await look(pool, order)).state == "open"
    ended = await sell(pool, order, caller=VERA)
    assert (ended.status, (await look(pool, order)).state) == ("fulfilled", "kept")
    assert [one.status for one in (await look(pool, order)).transfers] == ["received"]
    await assert_ledger_is_clean(pool)


async def test_what_comes_too_late_makes_the_promise_late(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    sent = await ship(pool, await transfer_of(pool, order))
    await was_due(pool, order, 1)
    await receive(pool, sent.id)
    await sell(pool, order)
    assert (await look(pool, order)).state == "late"


async def test_a_hold_of_which_all_is_on_the_way_lives_and_can_be_extended(pool: Pool) -> None:
    order = await allocate(pool, (PLUG, 4))
    sent = await ship(pool, await transfer_of(pool, order))
    async with transaction(pool) as db:
        held = await reservations.get_reservation(db, order.reservation_id)
        assert (held.status, held.version) == ("live", 2)
        now = datetime.now(UTC)
        with pytest.raises(OtherStore):
            await reservations.extend(db, OLEG, held.id, held.version, now + timedelta(days=9), now)
        await reservations.extend(db, VERA, held.id, held.version, now + timedelta(days=9), now)
    lines = await pool.fetch("SELECT DISTINCT expires_at FROM reservation_lines WHERE held + awaited > 0")
    assert [one["expires_at"] for one in lines] == [now + timedelta(days=9)]
    await receive(pool, sent.id)
    assert await reserved(pool) == (4, 4)


async def test_pieces_sold_here_do_not_shorten_the_wait_for_the_rest(pool: Pool) -> None:
    """A line of the wished store that was sold out keeps its old end; pieces that leave for it bring their own."""
    await post(pool, request("inbound", 1, OIL_FILTER))
    order = await allocate(pool, (OIL_FILTER, 6))
    await sell(pool, order, ((OIL_FILTER, CENTRE), 1))
    async with transaction(pool) as db:
        held = await reservations.get_reservation(db, order.reservation_id)
        now = datetime.now(UTC)
        await reservations.extend(db, MANAGER, held.id, held.version, now + timedelta(days=9), now)
    await pool.execute("UPDATE reservation_lines SET expires_at = now() WHERE store_id = $1", CENTRE)
    sent = await ship(pool, await transfer_of(pool, order))
    await let_go_of_all_lapsed(pool)
    await receive(pool, sent.id)
    assert await hold_of(pool, order) == {(OIL_FILTER, CENTRE): (5, 0, 1)}
    await assert_ledger_is_clean(pool)
