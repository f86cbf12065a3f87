"""What a transfer holds at the sender: nobody else sells it, the shipment takes it, and who wants less holds less."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from autoshop.accounts.model import Caller, OtherStore, staff
from autoshop.inventory.movements.model import InsufficientStock
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.transfers import service
from autoshop.inventory.transfers.model import Transfer
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, receive, request
from tests.reservations import FILTERS, HERE, let_go_of_all_lapsed, reserved
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

VERA, OLEG = staff("vera", "clerk", frozenset({CENTRE})), staff("oleg", "clerk", frozenset({NORTH}))
HOUR = timedelta(hours=1)
LOCK = "SELECT FROM inventory WHERE product_id = $1 AND store_id = $2 FOR NO KEY UPDATE"


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 5), request("inbound", 5, OIL_FILTER))


async def ask(
    pool: Pool, wanted: Mapping[int, int], caller: Caller = MANAGER, lasts: timedelta | None = HOUR
) -> Transfer:
    """Ask the centre for pieces, and hold them there."""
    now = datetime.now(UTC)
    until = None if lasts is None else now + lasts
    async with transaction(pool) as db:
        return await service.request(db, caller, CENTRE, NORTH, wanted, None, None, None, now, hold_until=until)


async def ship(
    pool: Pool, transfer: Transfer, sent: Mapping[int, int] | None = None, *, close_rest: bool = False
) -> Transfer:
    async with transaction(pool) as db:
        return (
            await service.ship(
                db, MANAGER, transfer.id, sent, datetime.now(UTC), close_rest=close_rest, beyond_requested=True
            )
        )[0]


async def cancel(pool: Pool, transfer: Transfer) -> Transfer:
    async with transaction(pool) as db:
        return await service.cancel(db, MANAGER, transfer.id)


async def change(pool: Pool, transfer: Transfer, wanted: Mapping[int, int], caller: Caller = MANAGER) -> Transfer:
    async with transaction(pool) as db:
        return await service.change(db, caller, transfer.id, transfer.version, {}, wanted, datetime.now(UTC))


async def test_what_is_not_there_or_not_ones_own_is_not_held(pool: Pool) -> None:
    with pytest.raises(InsufficientStock):
        await ask(pool, {PLUG: 6})
    with pytest.raises(OtherStore):
        await ask(pool, {PLUG: 1}, OLEG)
    assert await pool.fetchval("SELECT count(*) FROM transfers") == 0
    assert await reserved(pool) == (0, 0)
    assert (await ask(pool, {PLUG: 6}, OLEG, lasts=None)).reservation_id is None, "to ask is free"


async def test_held_pieces_are_sold_to_nobody_and_leave_with_the_shipment(pool: Pool) -> None:
    asked = await ask(pool, {PLUG: 5, OIL_FILTER: 2}, VERA)
    with pytest.raises(InsufficientStock):
        await post(pool, request("sale", 1))
    async with pool.acquire() as db:
        assert await service.free_at_sender(db, asked) == {PLUG: 0, OIL_FILTER: 3}
        held = await reservations.get_reservation(db, asked.reservation_id or 0)
    assert (held.holder, held.related_document) == (f"transfer {asked.id}", f"transfer {asked.id}")
    part = await ship(pool, asked, {PLUG: 3})
    assert (part.on_the_way, await reserved(pool), await pieces(pool)) == ({PLUG: 3}, (2, 2), 2)
    await assert_ledger_is_clean(pool)
    await ship(pool, asked)
    assert (await reserved(pool), await reserved(pool, FILTERS)) == ((0, 0), (0, 0))
    async with pool.acquire() as db:
        held = await reservations.get_reservation(db, asked.reservation_id or 0)
    assert (held.status, [line.fulfilled for line in held.lines]) == ("fulfilled", [5, 2])
    await receive(pool, asked.id)
    await assert_ledger_is_clean(pool)


async def test_more_than_is_held_leaves_out_of_what_is_free(pool: Pool) -> None:
    asked = await ask(pool, {PLUG: 2})
    with pytest.raises(InsufficientStock):
        await ship(pool, asked, {PLUG: 6})
    await ship(pool, asked, {PLUG: 4, OIL_FILTER: 1})
    assert (await pieces(pool), await reserved(pool)) == (1, (0, 0))
    await assert_ledger_is_clean(pool)


async def test_what_is_no_longer_wanted_is_no_longer_held(pool: Pool) -> None:
    dropped = await ask(pool, {PLUG: 2})
    await cancel(pool, dropped)
    rest = await ask(pool, {PLUG: 4})
    await ship(pool, rest, {PLUG: 1}, close_rest=True)
    assert await reserved(pool) == (0, 0)
    await assert_ledger_is_clean(pool)


async def test_who_asks_for_something_else_holds_that(pool: Pool) -> None:
    asked = await ask(pool, {PLUG: 4})
    with pytest.raises(OtherStore):
        await change(pool, asked, {PLUG: 1}, OLEG)
    with pytest.raises(InsufficientStock):
        await change(pool, asked, {PLUG: 6})
    assert await reserved(pool) == (4, 4)
    changed = await change(pool, asked, {PLUG: 5, OIL_FILTER: 1})
    assert (await reserved(pool), await reserved(pool, FILTERS)) == ((5, 5), (1, 1))
    assert changed.reservation_id != asked.reservation_id
    await ship(pool, changed)
    assert (await pieces(pool), await reserved(pool)) == (0, (0, 0))
    await assert_ledger_is_clean(pool)


async def test_a_hold_that_has_lapsed_holds_nothing_and_stops_no_shipment(pool: Pool) -> None:
    asked = await ask(pool, {PLUG: 4}, lasts=timedelta(milliseconds=50))
    await asyncio.sleep(0.06)
    await post(pool, request("sale", 2))
    with pytest.raises(InsufficientStock):
        await ship(pool, asked)
    await ship(pool, asked, {PLUG: 3})
    await cancel(pool, asked)
    await let_go_of_all_lapsed(pool)
    assert (await pieces(pool), await reserved(pool)) == (0, (0, 0))
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ races
async def test_the_held_pieces_leave_once_whoever_wants_them(pool: Pool) -> None:
    for _ in range(6):
        asked = await ask(pool, {PLUG: 5})
        answers = await asyncio.gather(
            ship(pool, asked), cancel(pool, asked), post(pool, request("sale", 1)), ship(pool, asked),
            return_exceptions=True,
        )  # fmt: skip
        assert outcomes(answers).keys() <= {
            "Transfer", "list", "InsufficientStock", "TransferClosed", "NothingRequested",
        }, answers  # fmt: skip
        assert await reserved(pool) == (0, 0)
        await assert_ledger_is_clean(pool)
        missing = 5 - await pieces(pool)
        if missing:
            await post(pool, request("adjustment", missing))


async def test_who_cancels_while_it_leaves_hears_of_it(pool: Pool) -> None:
    asked = await ask(pool, {PLUG: 5})
    async with transaction(pool) as first:
        await service.ship(first, MANAGER, asked.id, None, datetime.now(UTC))
        late = asyncio.create_task(cancel(pool, asked))
        await waiting_for_locks(pool, 1)
    with pytest.raises(Exception, match="can be recalled"):
        await late
    assert (await reserved(pool), await pieces(pool)) == ((0, 0), 0)
    await assert_ledger_is_clean(pool)


async def test_who_asks_for_something_else_locks_all_of_it_in_order(pool: Pool) -> None:
    asked = await ask(pool, {OIL_FILTER: 2})
    async with transaction(pool) as stranger:
        await stranger.execute(LOCK, *HERE)
        waiting = asyncio.create_task(change(pool, asked, {PLUG: 1, OIL_FILTER: 1}))
        await waiting_for_locks(pool, 1)
        await stranger.execute(f"{LOCK} NOWAIT", *FILTERS)  # nobody holds the later place while he waits for the first
    assert (await waiting).wanted == {PLUG: 1, OIL_FILTER: 1}
    await assert_ledger_is_clean(pool)


async def test_transfers_with_holds_and_sales_never_wait_in_a_circle(pool: Pool) -> None:
    await post(pool, *[request("inbound", 300, *place) for place in (HERE, FILTERS)])

    async def one(number: int) -> None:
        wanted = {PLUG: 2, OIL_FILTER: 2} if number % 2 else {OIL_FILTER: 2, PLUG: 2}
        asked = await ask(pool, wanted)
        if number % 3 == 0:
            asked = await change(pool, asked, {OIL_FILTER: 1, PLUG: 1})
        await ship(pool, asked, {OIL_FILTER: 1} if number % 2 else {PLUG: 1})
        await (cancel(pool, asked) if number % 4 == 0 else ship(pool, asked))
        await post(pool, *[request("sale", 1, product) for product in ((PLUG, OIL_FILTER)[:: 1 if number % 2 else -1])])

    for _ in range(4):
        await asyncio.gather(*[one(number) for number in range(12)])
    assert [await reserved(pool, place) for place in (HERE, FILTERS)] == [(0, 0)] * 2
    await assert_ledger_is_clean(pool)
