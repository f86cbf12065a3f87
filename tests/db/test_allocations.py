"""An order spread over stores: held where the pieces lie, promised for one date, and that promise kept or not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoshop.accounts.model import OtherStore, staff
from autoshop.inventory.allocation import service, store
from autoshop.inventory.allocation.model import HoldTooShort, NotAllocated, UnknownAllocation
from autoshop.inventory.availability.service import set_lead_time
from autoshop.inventory.movements.model import UnknownProduct, UnknownStore
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.transfers.model import NoWayThere, StoreClosed
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Refusal
from tests.allocations import DAY, allocate, look, propose, taken, was_due
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.ledger import MANAGER, assert_ledger_is_clean, pieces, post, request
from tests.reservations import HERE, THERE, lapsed, let_go_of_all_lapsed, reserved

pytestmark = pytest.mark.anyio

SOUTH, EAST = 3, 4


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Plugs here and in the north, oil filters in the north, air filters in the south; nobody has bulbs."""
    await pool.execute(
        "INSERT INTO stores (id, code, name) VALUES ($1, 'south', 'Юг'), ($2, 'east', 'Восток')", SOUTH, EAST
    )
    await post(
        pool,
        request("inbound", 3),
        request("inbound", 10, store_id=NORTH),
        request("inbound", 5, OIL_FILTER, NORTH),
        request("inbound", 5, AIR_FILTER, SOUTH),
    )


async def nothing_happened(pool: Pool) -> bool:
    made: int = await pool.fetchval("SELECT (SELECT count(*) FROM allocations) + (SELECT count(*) FROM reservations)")
    return made == 0 and await pool.fetchval("SELECT sum(reserved) FROM inventory") == 0


async def events(pool: Pool) -> list[dict[str, Any]]:
    rows = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.allocation' ORDER BY id")
    return [row["payload"] for row in rows]


# ------------------------------------------------------------------------------------------------ refused
async def test_all_is_held_or_nothing_and_every_line_hears_why(pool: Pool) -> None:
    with pytest.raises(NotAllocated) as refused:
        await allocate(pool, (PLUG, 1), (OIL_FILTER, 4), (UNKNOWN, 1), (OIL_FILTER, 2), (BULB, 1))
    told = refused.value.facts["lines"]
    assert [(one["line"], one["title"], one.get("asked"), one.get("available")) for one in told] == [
        (1, "Insufficient stock", 6, 5), (2, "Unknown product", 1, None), (3, "Insufficient stock", 6, 5),
        (4, "Insufficient stock", 1, 0),
    ]  # fmt: skip
    assert [one["kind"] for one in told[3]["alternatives"]] == ["backorder"], "its supplier needs three days"
    assert await nothing_happened(pool)


async def test_what_lies_where_nothing_comes_from_is_told_apart(pool: Pool) -> None:
    await post(pool, request("inbound", 7, BULB, EAST))
    await pool.execute("UPDATE stores SET active = false WHERE id = $1", EAST)
    with pytest.raises(NotAllocated) as refused:
        await allocate(pool, (BULB, 2))
    [told] = refused.value.facts["lines"]
    assert (told["available"], told["unreachable"]) == (0, 7)


async def test_who_is_refused_for_good_is_told_so(pool: Pool) -> None:
    async def refuses(kind: type[Refusal], **more: Any) -> None:
        with pytest.raises(kind):
            await allocate(pool, (more.pop("product", PLUG), 1), **more)
        assert await nothing_happened(pool)

    await refuses(UnknownProduct, product=UNKNOWN)
    await refuses(UnknownStore, store_id=UNKNOWN)
    await refuses(OtherStore, caller=staff("oleg", "clerk", frozenset({NORTH})))
    await pool.execute('UPDATE stores SET opening_hours = \'{"mon": ["09:00", "20:00"]}\' WHERE id = $1', EAST)
    await pool.execute("UPDATE stores SET active = false WHERE id = $1", EAST)
    await refuses(StoreClosed, store_id=EAST)
    days = [datetime.now(UTC).date() + timedelta(days=number) for number in range(-1, 500)]
    await pool.execute("UPDATE stores SET active = true, closed_dates = $2 WHERE id = $1", EAST, days)
    await refuses(NoWayThere, store_id=EAST)
    with pytest.raises(UnknownAllocation):
        async with pool.acquire() as db:
            await service.get_allocation(db, UNKNOWN)


async def test_a_hold_lasts_at_least_until_the_promise(pool: Pool) -> None:
    now = datetime.now(UTC)
    with pytest.raises(HoldTooShort):
        await allocate(pool, (OIL_FILTER, 1), expires_at=now + timedelta(minutes=5))
    assert await nothing_happened(pool)
    await set_days(pool, NORTH, 4)
    made = await allocate(pool, (OIL_FILTER, 1), now=now)
    assert made.expires_at == made.due_at > now + 3 * DAY, "over the promised day, though a hold usually lasts one"
    here = await allocate(pool, (OIL_FILTER, 1), store_id=NORTH, now=now)
    assert here.expires_at == max(here.due_at, now + DAY)


async def set_days(pool: Pool, from_store_id: int, days: int) -> None:
    await pool.execute(
        "INSERT INTO transfer_routes (from_store_id, to_store_id, days) VALUES ($1, $2, $3)",
        from_store_id,
        CENTRE,
        days,
    )


# ------------------------------------------------------------------------------------------------ allocated
async def test_what_the_store_has_is_held_there(pool: Pool) -> None:
    made = await allocate(pool, (PLUG, 2), (PLUG, 1), document="order-1")
    assert (made.rule, taken(made), made.state) == ("wished_store", [(PLUG, CENTRE, 3)], "open")
    assert (made.related_document, made.holder) == ("order-1", "Иван")
    assert (await reserved(pool), await reserved(pool, THERE)) == ((3, 3), (0, 0))
    await assert_ledger_is_clean(pool)


async def test_else_one_store_sends_everything(pool: Pool) -> None:
    made = await allocate(pool, (PLUG, 4), (OIL_FILTER, 1))
    assert (made.rule, taken(made)) == ("one_store", [(PLUG, NORTH, 4), (OIL_FILTER, NORTH, 1)])
    assert (await reserved(pool), await reserved(pool, THERE)) == ((0, 0), (4, 4))
    await assert_ledger_is_clean(pool)


async def test_else_as_few_stores_as_can_be(pool: Pool) -> None:
    made = await allocate(pool, (AIR_FILTER, 1), (PLUG, 13), (OIL_FILTER, 5))
    assert made.rule == "fewest_stores"
    assert taken(made) == [(PLUG, CENTRE, 3), (PLUG, NORTH, 10), (OIL_FILTER, NORTH, 5), (AIR_FILTER, SOUTH, 1)]
    assert made.explanation is not None
    assert [(one.store_id, one.taken) for one in made.explanation.looks] == [
        (CENTRE, True),
        (NORTH, True),
        (SOUTH, True),
    ]
    assert made.explanation.stores_looked_at == 4
    await assert_ledger_is_clean(pool)


async def test_a_clerk_allocates_for_his_store_from_whatever_store(pool: Pool) -> None:
    vera = staff("vera", "clerk", frozenset({CENTRE}))
    made = await allocate(pool, (OIL_FILTER, 1), caller=vera)
    assert (made.actor, taken(made)) == ("staff:vera", [(OIL_FILTER, NORTH, 1)])
    with pytest.raises(OtherStore):
        await allocate(pool, (PLUG, 1), store_id=NORTH, caller=vera)


async def test_what_is_held_already_is_not_promised_again_but_what_has_lapsed_is(pool: Pool) -> None:
    await allocate(pool, (PLUG, 3))
    await lapsed(pool, (THERE, 9))
    made = await allocate(pool, (PLUG, 10))
    assert (taken(made), await reserved(pool, THERE)) == ([(PLUG, NORTH, 10)], (10, 10))
    with pytest.raises(NotAllocated):
        await allocate(pool, (PLUG, 1))
    await assert_ledger_is_clean(pool)


async def test_a_look_holds_nothing(pool: Pool) -> None:
    seen = await propose(pool, (OIL_FILTER, 2))
    assert (seen.choice.rule, await nothing_happened(pool)) == ("one_store", True)
    made = await allocate(pool, (OIL_FILTER, 2))
    assert (made.promised_at, made.due_at, made.parts) == (seen.choice.promised_at, seen.due_at, seen.choice.parts)


async def test_what_is_coming_anyhow_is_told_and_not_held(pool: Pool) -> None:
    await post(pool, request("transfer", 2, OIL_FILTER, NORTH, to_store_id=CENTRE))
    async with transaction(pool) as db:
        await set_lead_time(db, MANAGER, OIL_FILTER, 6)
    made = await allocate(pool, (OIL_FILTER, 3), (PLUG, 1))
    assert made.explanation is not None
    told = [(one.product_id, one.kind, one.pieces) for one in made.explanation.alternatives]
    assert told == [(OIL_FILTER, "in_transit", 2), (OIL_FILTER, "backorder", None)]
    assert taken(made) == [(PLUG, NORTH, 1), (OIL_FILTER, NORTH, 3)]
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ kept or not
async def sell(pool: Pool, allocation: Any, *lines: tuple[tuple[int, int], int]) -> None:
    async with transaction(pool) as db:
        await reservations.fulfil(db, MANAGER, allocation.reservation_id, lines or None, None)


async def give_back(pool: Pool, allocation: Any) -> None:
    async with transaction(pool) as db:
        await reservations.release(db, MANAGER, allocation.reservation_id, None)


async def test_a_promise_is_kept_by_what_is_sold_in_full_until_the_end_of_its_day(pool: Pool) -> None:
    made = await allocate(pool, (PLUG, 13))
    await sell(pool, made, (HERE, 3))
    partly = await look(pool, made)
    assert (partly.state, partly.fulfilled_at, partly.version) == ("open", None, 1)
    await sell(pool, made)
    done = await look(pool, made)
    assert (done.state, done.version, done.fulfilled_at, await pieces(pool)) == ("kept", 2, done.ended_at, 0)
    assert [(one["change"], one["state"]) for one in await events(pool)] == [("allocated", "open"), ("ended", "kept")]
    assert (await events(pool))[1]["from_store_ids"] == [CENTRE, NORTH]
    await assert_ledger_is_clean(pool)


async def test_a_promise_whose_day_is_over_is_late_and_stays_so(pool: Pool) -> None:
    made = await allocate(pool, (PLUG, 1))
    await was_due(pool, made, 0.1)
    assert (await look(pool, made)).state == "late"
    await sell(pool, made)
    done = await look(pool, made)
    assert (done.state, done.fulfilled_at is not None) == ("late", True)


async def test_a_promise_that_nobody_waits_for_any_more_is_withdrawn(pool: Pool) -> None:
    back, gone, broken = [await allocate(pool, (PLUG, 1)) for _ in range(3)]
    await give_back(pool, back)
    await was_due(pool, broken, 0.1)
    await give_back(pool, broken)
    for table, column in (("reservations", "id"), ("reservation_lines", "reservation_id")):
        await pool.execute(f"UPDATE {table} SET expires_at = now() WHERE {column} = $1", gone.reservation_id)
    before = [await look(pool, one) for one in (back, gone, broken)]
    assert [one.state for one in before] == ["withdrawn", "withdrawn", "late"]
    await let_go_of_all_lapsed(pool)
    after = [await look(pool, one) for one in (back, gone, broken)]
    assert [(one.state, one.ended_at) for one in after] == [(one.state, one.ended_at) for one in before]
    await assert_ledger_is_clean(pool)


async def test_a_part_that_is_sold_keeps_no_promise(pool: Pool) -> None:
    made = await allocate(pool, (PLUG, 2))
    await sell(pool, made, (HERE, 1))
    await give_back(pool, made)
    ended = await look(pool, made)
    assert (ended.state, ended.fulfilled_at) == ("withdrawn", None)


async def test_an_ordinary_hold_is_no_promise(pool: Pool) -> None:
    made = await allocate(pool, (PLUG, 1))
    async with transaction(pool) as db:
        now = datetime.now(UTC)
        other = await reservations.reserve(db, MANAGER, [(HERE, 1)], "Пётр", None, now + DAY, now)
        await reservations.release(db, MANAGER, other.id, None)
    assert (await look(pool, made)).ended_at is None


# ------------------------------------------------------------------------------------------------ lists
async def test_promises_are_listed_and_counted_as_they_stand(pool: Pool) -> None:
    await post(pool, request("inbound", 9))
    open_, kept, late, overdue, dropped = [await allocate(pool, (PLUG, 1), document=f"order-{n}") for n in range(5)]
    north = await allocate(pool, (OIL_FILTER, 1), store_id=NORTH)
    for one in (late, overdue):
        await was_due(pool, one, 0.1)
    for one in (kept, late):
        await sell(pool, one)
    await give_back(pool, dropped)

    async def ids(late: bool = False, **filters: int | str) -> list[int]:
        async with pool.acquire() as db:
            return [one.id for one in await store.list_page(db, filters, 9, late=late)]

    assert await ids() == [north.id, dropped.id, overdue.id, late.id, kept.id, open_.id]
    assert await ids(late=True) == [overdue.id, late.id]
    assert await ids(late=True, store_id=NORTH) == []
    assert await ids(store_id=NORTH) == await ids(product_id=OIL_FILTER) == [north.id]
    assert await ids(related_document="order-3") == [overdue.id]
    assert await ids(before_id=kept.id) == [open_.id]

    async def counted(from_: timedelta, to: timedelta, store_id: int | None = None, after: int | None = None) -> Any:
        now = datetime.now(UTC)
        async with pool.acquire() as db:
            found = await store.promises(db, now + from_, now + to, store_id, after, 9)
        return [(one.store_id, one.kept, one.late, one.open, one.withdrawn) for one in found]

    centre, other = (CENTRE, 1, 2, 1, 1), (NORTH, 0, 0, 1, 0)
    assert await counted(-DAY, 9 * DAY) == [centre, other]
    assert await counted(-DAY, 9 * DAY, CENTRE) == [centre]
    assert await counted(-DAY, 9 * DAY, after=CENTRE) == [other]
    assert await counted(9 * DAY, 10 * DAY) == []
