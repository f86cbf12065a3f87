"""Transfers as documents: asked for, shipped in parts, received with differences, dropped, recalled."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoshop.accounts.model import Caller, staff
from autoshop.inventory.movements.model import InsufficientStock, Movement
from autoshop.inventory.transfers import differences, service, store
from autoshop.inventory.transfers.jobs import tell_overdue
from autoshop.inventory.transfers.model import (
    Found,
    MoreThanRequested,
    MoreThanShipped,
    NothingRequested,
    NotShippedYet,
    ShippedAlready,
    Transfer,
    TransferClosed,
)
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import PreconditionFailed, Refusal
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, receive, request, stock

pytestmark = pytest.mark.anyio

VERA, OLEG = staff("vera", "clerk", frozenset({CENTRE})), staff("oleg", "clerk", frozenset({NORTH}))
FIVE_PLUGS = {PLUG: 5}


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 10), request("inbound", 10, OIL_FILTER))


async def ask(pool: Pool, wanted: Mapping[int, int] = FIVE_PLUGS, caller: Caller = MANAGER) -> Transfer:
    """Ask the centre for plugs; the north wants them."""
    async with transaction(pool) as db:
        return await service.request(db, caller, CENTRE, NORTH, wanted, None, None, None, datetime.now(UTC))


async def ship(
    pool: Pool, transfer: Transfer, sent: Mapping[int, int] | None = None, caller: Caller = MANAGER, **how: bool
) -> tuple[Transfer, list[Movement]]:
    async with transaction(pool) as db:
        return await service.ship(db, caller, transfer.id, sent, datetime.now(UTC), **how)


async def differ(
    pool: Pool, transfer: Transfer, *found: Found, caller: Caller = MANAGER
) -> tuple[Transfer, list[Movement]]:
    async with transaction(pool) as db:
        return await differences.differ(db, caller, transfer.id, found)


async def cancel(pool: Pool, transfer: Transfer, caller: Caller = MANAGER) -> Transfer:
    async with transaction(pool) as db:
        return await service.cancel(db, caller, transfer.id)


async def recall(
    pool: Pool, transfer: Transfer, back: Mapping[int, int] | None = None, caller: Caller = MANAGER
) -> tuple[Transfer, list[Movement]]:
    async with transaction(pool) as db:
        return await service.recall(db, caller, transfer.id, back)


async def change(pool: Pool, transfer: Transfer, wanted: Mapping[int, int] | None, **changes: Any) -> Transfer:
    async with transaction(pool) as db:
        return await service.change(
            db, MANAGER, transfer.id, transfer.version, changes, wanted, datetime.now(UTC)
        )  # fmt: skip


async def steps(pool: Pool, transfer: Transfer) -> list[tuple[str, dict[str, int]]]:
    async with pool.acquire() as db:
        return [(step.change, dict(step.lines)) for step in await store.history(db, transfer.id)]


async def test_what_was_not_asked_for_is_not_shipped_unless_it_is_meant(pool: Pool) -> None:
    asked = await ask(pool)
    with pytest.raises(MoreThanRequested, match="Wanted are 5, not 6"):
        await ship(pool, asked, {PLUG: 6})
    with pytest.raises(MoreThanRequested, match="Wanted are 0, not 1"):
        await ship(pool, asked, {PLUG: 5, OIL_FILTER: 1})
    assert (await pieces(pool), await stock(pool)) == (10, {(PLUG, CENTRE): 10, (OIL_FILTER, CENTRE): 10})
    sent, moved = await ship(pool, asked, {PLUG: 6, OIL_FILTER: 1}, beyond_requested=True)
    assert (sent.status, sent.on_the_way, sent.wanted) == ("in_transit", {PLUG: 6, OIL_FILTER: 1}, {})
    assert [one.delta for one in moved] == [-6, -1]
    await receive(pool, asked.id)
    await assert_ledger_is_clean(pool)


async def test_what_nobody_asked_for_is_on_the_way_too(pool: Pool) -> None:
    sent, _ = await ship(pool, await ask(pool), {OIL_FILTER: 2}, close_rest=True, beyond_requested=True)
    assert (sent.status, sent.wanted, sent.on_the_way) == ("in_transit", {}, {OIL_FILTER: 2})
    done, _ = await receive(pool, sent.id)
    assert (done.status, await pieces(pool, OIL_FILTER, NORTH)) == ("received", 2)
    await assert_ledger_is_clean(pool)


async def test_nothing_is_shipped_that_is_not_there(pool: Pool) -> None:
    asked = await ask(pool, {PLUG: 11})
    with pytest.raises(InsufficientStock):
        await ship(pool, asked)
    async with pool.acquire() as db:
        unchanged = await service.get_transfer(db, asked.id)
    assert (unchanged, await pieces(pool)) == (asked, 10)


async def test_a_request_is_shipped_in_parts_and_received_in_parts(pool: Pool) -> None:
    asked = await ask(pool, {PLUG: 5, OIL_FILTER: 2})
    assert (asked.status, asked.wanted, asked.eta_at) == ("requested", {PLUG: 5, OIL_FILTER: 2}, None)
    with pytest.raises(NotShippedYet):
        await receive(pool, asked.id)
    first, _ = await ship(pool, asked, {PLUG: 3})
    assert (first.status, first.wanted, first.on_the_way) == ("in_transit", {PLUG: 2, OIL_FILTER: 2}, {PLUG: 3})
    came, _ = await receive(pool, asked.id)
    assert (came.status, came.closed_at) == ("requested", None), "there is more to ship"
    second, _ = await ship(pool, asked)
    assert (second.status, second.wanted) == ("in_transit", {})
    with pytest.raises(NothingRequested):
        await ship(pool, asked)
    done, _ = await receive(pool, asked.id)
    assert done.status == "received"
    assert done.closed_at is not None
    with pytest.raises(TransferClosed):
        await ship(pool, asked, {PLUG: 1}, beyond_requested=True)
    assert [name for name, _ in await steps(pool, asked)] == ["requested", "shipped", "received", "shipped", "received"]
    assert await stock(pool) == {(PLUG, CENTRE): 5, (PLUG, NORTH): 5, (OIL_FILTER, CENTRE): 8, (OIL_FILTER, NORTH): 2}
    await assert_ledger_is_clean(pool)


async def test_what_is_not_sent_can_be_dropped_with_the_shipment_or_later(pool: Pool) -> None:
    asked = await ask(pool)
    sent, _ = await ship(pool, asked, {PLUG: 3}, close_rest=True)
    assert (sent.wanted, sent.lines[0].dropped) == ({}, 2)
    with pytest.raises(NothingRequested, match="can be recalled"):
        await cancel(pool, asked)
    other = await ask(pool)
    await ship(pool, other, {PLUG: 1})
    assert (await cancel(pool, other)).status == "in_transit", "one plug is still on the way"
    done, _ = await receive(pool, other.id)
    assert done.status == "received"
    never = await cancel(pool, await ask(pool))
    assert (never.status, never.lines[0].dropped) == ("cancelled", 5)
    with pytest.raises(TransferClosed):
        await ship(pool, never)


async def test_a_request_is_changed_by_whoever_has_read_it_until_something_leaves(pool: Pool) -> None:
    asked = await ask(pool)
    changed = await change(pool, asked, {OIL_FILTER: 4}, note="срочно")
    assert (changed.wanted, changed.note, changed.version) == ({OIL_FILTER: 4}, "срочно", asked.version + 1)
    with pytest.raises(PreconditionFailed) as refused:
        await change(pool, asked, {PLUG: 1})
    assert refused.value.facts["differs"]["lines"]["current"] == [{"product_id": OIL_FILTER, "quantity": 4}]
    with pytest.raises(Refusal, match="in the past"):
        await change(pool, changed, None, wanted_by=datetime.now(UTC).date() - timedelta(days=2))
    sent, _ = await ship(pool, changed, {OIL_FILTER: 1})
    with pytest.raises(ShippedAlready):
        await change(pool, sent, {OIL_FILTER: 9})
    assert sent.lines[0].requested == 4
    assert [line.product_id for line in sent.lines] == [OIL_FILTER], "what is no longer asked for is not shown"


async def test_a_loss_is_in_the_ledger_with_its_reason(pool: Pool) -> None:
    sent, _ = await ship(pool, await ask(pool))
    with pytest.raises(MoreThanShipped):
        await differ(pool, sent, Found(PLUG, 4, "lost"), Found(PLUG, 2, "damaged"))
    told, moved = await differ(
        pool, sent, Found(PLUG, 2, "lost"), Found(PLUG, 1, "damaged", "коробка раздавлена"),
    )  # fmt: skip
    assert (told.on_the_way, told.lines[0].lost, told.lines[0].damaged) == ({PLUG: 2}, 2, 1)
    assert [(one.movement_type, one.delta, one.reason) for one in moved] == [
        ("transfer", 2, None), ("writeoff", -2, "lost"),
        ("transfer", 1, None), ("writeoff", -1, "damaged: коробка раздавлена"),
    ]  # fmt: skip
    assert {one.related_document for one in moved if one.movement_type == "writeoff"} == {f"transfer {sent.id}"}
    assert await pieces(pool, store_id=NORTH) == 0
    await assert_ledger_is_clean(pool)
    done, _ = await receive(pool, sent.id)
    assert (done.status, await pieces(pool, store_id=NORTH)) == ("received", 2)
    with pytest.raises(TransferClosed):
        await differ(pool, sent, Found(PLUG, 1, "lost"))
    await assert_ledger_is_clean(pool)


async def test_what_came_though_nobody_sent_it_is_on_the_shelf_and_the_sender_hears_of_it(pool: Pool) -> None:
    asked = await ask(pool)
    with pytest.raises(NotShippedYet):
        await differ(pool, asked, Found(PLUG, 1, "surplus"))
    sent, _ = await ship(pool, asked)
    await receive(pool, sent.id)
    _, moved = await differ(
        pool, sent, Found(PLUG, 1, "surplus"), Found(OIL_FILTER, 1, "wrong_item", "вместо свечей"),
    )  # fmt: skip
    assert [(one.movement_type, one.delta) for one in moved] == [("adjustment", 1), ("adjustment", 1)]
    assert await pieces(pool, store_id=NORTH) == 6
    async with pool.acquire() as db:
        told = await store.list_differences(db, {"store_id": CENTRE}, 10)
    assert [(one.product_id, one.quantity, one.reason) for one in told] == [
        (OIL_FILTER, 1, "wrong_item"), (PLUG, 1, "surplus"),
    ]  # fmt: skip
    events = "SELECT count(*) FROM outbox WHERE topic = 'inventory.transfer' AND payload->>'change' = 'differed'"
    assert await pool.fetchval(events) == 1
    await assert_ledger_is_clean(pool)


async def test_what_is_on_the_way_is_recalled_to_its_shelf(pool: Pool) -> None:
    sent, _ = await ship(pool, await ask(pool))
    with pytest.raises(MoreThanShipped):
        await recall(pool, sent, {PLUG: 6})
    part, [back] = await recall(pool, sent, {PLUG: 2})
    assert (part.on_the_way, back.delta, back.store_id, await pieces(pool)) == ({PLUG: 3}, 2, CENTRE, 7)
    rest, _ = await recall(pool, sent)
    assert (rest.status, await pieces(pool)) == ("cancelled", 10)
    with pytest.raises(TransferClosed):
        await recall(pool, sent)
    await assert_ledger_is_clean(pool)


async def test_what_should_have_come_is_told_once_for_each_shipment(pool: Pool) -> None:
    now = datetime.now(UTC)
    asked = await ask(pool, {PLUG: 5})
    for sent_at in (now - timedelta(days=9), now - timedelta(days=5), now):
        async with transaction(pool) as db:
            sent, _ = await service.ship(db, MANAGER, asked.id, {PLUG: 1}, sent_at)
    assert sent.due_at is not None
    assert sent.due_at < now < (sent.eta_at or now), "the last one is not late"
    assert (await steps(pool, sent))[4:] == []
    await tell_overdue(pool)
    await tell_overdue(pool)
    assert (await steps(pool, sent))[4:] == [("overdue", {"1": 3})]
    async with pool.acquire() as db:
        [late] = await store.list_page(db, {"overdue_at": now}, 10)
        [counted] = await store.late(db, now)
    assert (late.id, counted.store_id, counted.transfers, counted.oldest_due_at) == (sent.id, NORTH, 1, sent.due_at)

    came, _ = await receive(pool, sent.id, {PLUG: 1})
    assert came.due_at is not None
    assert sent.due_at < came.due_at < now, "the second one is late, too"
    await tell_overdue(pool)
    assert (await steps(pool, sent))[5:] == [("received", {"1": 1}), ("overdue", {"1": 2})]
    came, _ = await receive(pool, sent.id, {PLUG: 1})
    assert came.due_at == came.eta_at
    await tell_overdue(pool)
    assert len(await steps(pool, sent)) == 8
    done, _ = await receive(pool, sent.id)
    assert done.due_at is None
    async with pool.acquire() as db:
        assert await store.late(db, now + timedelta(days=30)) == []


async def test_each_clerk_does_what_is_done_at_his_store(pool: Pool) -> None:
    tanya = staff("tanya", "clerk", frozenset({77}))
    with pytest.raises(Refusal, match="do not act"):
        await ask(pool, caller=tanya)
    asked = await ask(pool, caller=OLEG)  # the north asks
    with pytest.raises(Refusal, match="do not act"):
        await ship(pool, asked, caller=OLEG)
    sent, _ = await ship(pool, asked, {PLUG: 3}, caller=VERA)  # the centre ships
    for at_the_north in (receive_as(pool, sent, VERA), differ(pool, sent, Found(PLUG, 1, "lost"), caller=VERA)):
        with pytest.raises(Refusal, match="do not act"):
            await at_the_north
    with pytest.raises(Refusal, match="do not act"):
        await recall(pool, sent, caller=OLEG)
    with pytest.raises(Refusal, match="do not act"):
        await cancel(pool, sent, caller=tanya)
    await receive_as(pool, sent, OLEG)
    assert (await cancel(pool, sent, caller=VERA)).status == "received"
    await assert_ledger_is_clean(pool)


async def receive_as(pool: Pool, transfer: Transfer, caller: Caller) -> Transfer:
    async with transaction(pool) as db:
        return (await service.receive(db, caller, transfer.id, None))[0]


# ------------------------------------------------------------------------------------------------ races
async def test_a_request_is_shipped_once_however_many_press_the_button(pool: Pool) -> None:
    asked = await ask(pool)
    answers = await asyncio.gather(*[ship(pool, asked) for _ in range(5)], return_exceptions=True)
    assert outcomes(answers) == {"tuple": 1, "NothingRequested": 4}
    assert await pieces(pool) == 5


async def test_everybody_pulls_at_one_transfer_and_each_piece_goes_one_way(pool: Pool) -> None:
    await post(pool, request("inbound", 90))
    for _ in range(8):
        sent, _ = await ship(pool, await ask(pool, {PLUG: 4}), {PLUG: 3})
        answers = await asyncio.gather(
            receive(pool, sent.id, {PLUG: 2}), receive(pool, sent.id), recall(pool, sent, {PLUG: 1}),
            recall(pool, sent), differ(pool, sent, Found(PLUG, 2, "lost")), ship(pool, sent), cancel(pool, sent),
            return_exceptions=True,
        )  # fmt: skip
        wrong = [one for one in answers if isinstance(one, BaseException) and not isinstance(one, Refusal)]
        assert wrong == []
        await assert_ledger_is_clean(pool)
    async with pool.acquire() as db:
        for transfer in await store.list_page(db, {}, 10):
            [line] = transfer.lines
            assert line.received + line.returned + line.lost + line.on_the_way == line.shipped <= line.requested


async def test_the_last_pieces_are_sold_or_shipped(pool: Pool) -> None:
    for _ in range(6):
        asked = await ask(pool, {PLUG: await pieces(pool)})
        answers = await asyncio.gather(ship(pool, asked), post(pool, request("sale", 1)), return_exceptions=True)
        assert outcomes(answers) in ({"tuple": 1, "InsufficientStock": 1}, {"InsufficientStock": 1, "list": 1})
        await post(pool, request("inbound", 3))
    await assert_ledger_is_clean(pool)
