"""Holds: who has them, until when, and that nobody waits for one that has lapsed."""

import asyncio
from datetime import timedelta

import pytest

from autoshop.accounts.model import staff
from autoshop.inventory.movements.group_commit import MovementQueue
from autoshop.inventory.movements.model import BatchRefused, InsufficientStock, Movement, MovementRequest
from autoshop.inventory.reservations import service, store
from autoshop.inventory.reservations.model import NotHeld, ReservationEnded, UnknownReservation
from autoshop.inventory.stock import store as stock_store
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Invalid, PreconditionFailed, Refusal
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.ledger import MANAGER, assert_ledger_is_clean, line, pieces, post, request
from tests.reservations import (
    FILTERS,
    HERE,
    HOUR,
    THERE,
    extend,
    fill,
    find,
    fulfil,
    lapsed,
    let_go_of_all_lapsed,
    release,
    reserve,
    reserved,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await fill(pool)


async def test_what_is_held_cannot_be_sold_to_anybody_else(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 2), (HERE, 1), (THERE, 5))
    assert [(one.place, one.quantity, one.held) for one in held.lines] == [(HERE, 3, 3), (THERE, 5, 5)]
    with pytest.raises(InsufficientStock) as refused:
        await post(pool, request("sale", 3))
    assert (refused.value.facts["available"], refused.value.facts["reserved"]) == (2, 3)
    await post(pool, request("sale", 2))
    with pytest.raises(InsufficientStock):
        await post(pool, request("transfer", 1, store_id=NORTH, to_store_id=CENTRE))
    await assert_ledger_is_clean(pool)


async def test_all_lines_are_held_or_none_and_every_reason_is_told(pool: Pool) -> None:
    with pytest.raises(BatchRefused) as refused:
        await reserve(pool, (FILTERS, 5), (HERE, 4), ((UNKNOWN, CENTRE), 1), (HERE, 2))
    told = [(one["line"], one["title"], one.get("asked")) for one in refused.value.facts["lines"]]
    assert told == [(1, "Insufficient stock", 6), (2, "Unknown product", None), (3, "Insufficient stock", 6)]
    assert [await reserved(pool, place) for place in (HERE, FILTERS)] == [(0, 0), (0, 0)]
    assert await pool.fetchval("SELECT count(*) FROM reservations") == 0


async def test_what_is_held_becomes_a_sale(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 5), (FILTERS, 1))
    done, sold = await fulfil(pool, held)
    assert [(one.product_id, one.delta, one.related_document) for one in sold] == [
        (PLUG, -5, f"reservation {held.id}"), (OIL_FILTER, -1, f"reservation {held.id}"),
    ]  # fmt: skip
    assert (done.status, [one.fulfilled for one in done.lines], await pieces(pool)) == ("fulfilled", [5, 1], 0)
    with pytest.raises(ReservationEnded):
        await fulfil(pool, held)
    await assert_ledger_is_clean(pool)


async def test_a_hold_never_blocks_its_holder(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 2))
    with pytest.raises(NotHeld, match="beyond_held"):
        await fulfil(pool, held, (HERE, 4))
    assert (await reserved(pool), await pieces(pool)) == ((2, 2), 5)
    _, [sold] = await fulfil(pool, held, (HERE, 4), beyond_held=True)  # two that are held, two that are free
    assert (sold.delta, await pieces(pool)) == (-4, 1)
    other, mine = await reserve(pool, (FILTERS, 3)), await reserve(pool, (FILTERS, 2))
    with pytest.raises(InsufficientStock):
        await fulfil(pool, mine, (FILTERS, 3), beyond_held=True)  # that one belongs to the other
    assert (await find(pool, mine)).lines[0].held == 2
    await fulfil(pool, other)
    await assert_ledger_is_clean(pool)


async def test_what_the_holder_does_not_take_stays_held(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 3), (THERE, 1))
    partly, _ = await fulfil(pool, held, (HERE, 1))
    assert (partly.status, [(one.held, one.fulfilled) for one in partly.lines]) == ("live", [(2, 1), (1, 0)])
    assert await reserved(pool) == (2, 2)
    partly = await release(pool, held, (HERE, 2))
    assert (partly.status, await reserved(pool)) == ("live", (0, 0))
    ended = await release(pool, held)
    assert (ended.status, ended.closed_at is not None) == ("fulfilled", True)  # something was sold out of it
    await assert_ledger_is_clean(pool)


async def test_only_what_is_held_is_given_back(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 2))
    for line_ in ((HERE, 3), (FILTERS, 1)):
        with pytest.raises(NotHeld):
            await release(pool, held, line_)
    with pytest.raises(NotHeld):
        await fulfil(pool, held, (FILTERS, 1))
    assert (await release(pool, held)).status == "released"
    with pytest.raises(ReservationEnded, match="released"):
        await release(pool, held)
    with pytest.raises(UnknownReservation):
        async with transaction(pool) as db:
            await service.release(db, MANAGER, UNKNOWN, None)
    assert await reserved(pool) == (0, 0)


SALE, AWAY = request("sale", 5), request("transfer", 5, to_store_id=NORTH)


@pytest.mark.parametrize("wanted", [[SALE], [SALE, request("sale", 1, OIL_FILTER)], [AWAY]], ids=["", "batch", "van"])
async def test_a_hold_that_has_lapsed_stops_nobody_although_no_job_ran(
    pool: Pool, wanted: list[MovementRequest]
) -> None:
    gone = await lapsed(pool, (HERE, 4))
    assert await reserved(pool) == (4, 0)
    await post(pool, *wanted)
    assert await reserved(pool) == (0, 0)
    ended = await find(pool, gone)
    assert (ended.status, ended.closed_at is not None, ended.lines[0].held) == ("expired", True, 0)
    await assert_ledger_is_clean(pool)


async def test_nor_a_single_sale_nor_another_hold(pool: Pool) -> None:
    await lapsed(pool, (HERE, 5), (THERE, 5))
    queue = MovementQueue(pool)
    assert isinstance(await queue.post(line(-5)), Movement)
    await reserve(pool, (THERE, 5))
    assert (await reserved(pool), await reserved(pool, THERE)) == ((0, 0), (5, 5))
    await assert_ledger_is_clean(pool)


async def test_readers_do_not_see_it_any_more(pool: Pool) -> None:
    gone = await lapsed(pool, (HERE, 5), (THERE, 1))
    await reserve(pool, (THERE, 2))
    seen = await find(pool, gone)
    assert (seen.status, [one.held for one in seen.lines]) == ("expired", [0, 0])
    async with pool.acquire() as db:
        page = await stock_store.list_page(db, store_id=None, product_id=PLUG, available=True, after=None, limit=9)
        totals = await stock_store.totals(db, store_id=None, product_id=PLUG, available=True)
        live = await store.list_page(db, {}, 9, "live")
        expired = await store.list_page(db, {}, 9, "expired")
    assert [(row.store_id, row.reserved, row.reserved_everywhere) for row in page] == [(CENTRE, 0, 2), (NORTH, 2, 2)]
    assert (totals.quantity, totals.reserved) == (10, 2)
    assert ([one.id for one in expired], len(live)) == ([gone.id], 1)


async def test_the_job_writes_down_what_has_lapsed(pool: Pool) -> None:
    living = await reserve(pool, (HERE, 1))
    gone = [await lapsed(pool, (place, 1)) for place in (HERE, THERE, FILTERS)]
    assert await let_go_of_all_lapsed(pool) == 3
    assert await let_go_of_all_lapsed(pool) == 0
    assert (await reserved(pool), await reserved(pool, THERE)) == ((1, 1), (0, 0))
    assert {(await find(pool, one)).status for one in gone} == {"expired"}
    assert (await find(pool, living)).status == "live"
    changes = "SELECT payload ->> 'change' FROM outbox WHERE topic = 'inventory.reservation' ORDER BY id"
    told = [row[0] for row in await pool.fetch(changes)]
    assert (told.count("reserved"), told.count("expired")) == (4, 3)
    await assert_ledger_is_clean(pool)


async def test_a_hold_that_lapsed_is_neither_sold_nor_given_back_nor_extended(pool: Pool) -> None:
    gone = await lapsed(pool, (HERE, 1))
    for verb in (fulfil, release):
        with pytest.raises(ReservationEnded, match="expired"):
            await verb(pool, gone)
    with pytest.raises(ReservationEnded, match="expired"):
        await extend(pool, gone, HOUR)


async def test_a_hold_is_extended_by_whoever_has_read_it(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 1), lasts=timedelta(seconds=1))
    longer = await extend(pool, held, HOUR)
    assert (longer.version, longer.expires_at > held.expires_at) == (held.version + 1, True)
    with pytest.raises(PreconditionFailed):
        await extend(pool, held, HOUR)
    shorter = await extend(pool, longer, timedelta(milliseconds=30))
    await asyncio.sleep(0.04)
    assert (await find(pool, shorter)).status == "expired"
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
async def test_a_hold_lies_ahead_and_not_too_far(pool: Pool, lasts: timedelta) -> None:
    with pytest.raises(Invalid, match="must lie ahead"):
        await reserve(pool, (HERE, 1), lasts=lasts)


async def test_a_clerk_holds_and_releases_at_his_store_whoever_reserved(pool: Pool) -> None:
    vera, oleg = staff("vera", "clerk", frozenset({CENTRE})), staff("oleg", "clerk", frozenset({NORTH}))
    held = await reserve(pool, (HERE, 1), caller=vera)
    for verb in (fulfil, release):
        with pytest.raises(Refusal, match="do not act"):
            await verb(pool, held, caller=oleg)
    with pytest.raises(Refusal, match="do not act"):
        await reserve(pool, (HERE, 1), (THERE, 1), caller=vera)
    assert (await release(pool, await reserve(pool, (HERE, 1)), caller=vera)).status == "released"
