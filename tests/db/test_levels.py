"""Levels: who falls below one is told of once, whatever made him fall, and once more when he is back."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from autoshop.inventory.levels import jobs, service, store
from autoshop.inventory.levels.digests import store as digests
from autoshop.inventory.levels.model import LevelsRefused, Wanted
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import PreconditionFailed, PreconditionRequired
from tests.cast import BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, post, receive, request
from tests.levels import alerts, crossings, let_lapse, look, set_level, set_levels
from tests.reservations import FILTERS, HERE, THERE, let_go_of_all_lapsed, release, reserve
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Ten plugs and ten filters in the centre, each with a minimum of four."""
    await post(pool, request("inbound", 10), request("inbound", 10, OIL_FILTER))
    await set_levels(pool, Wanted(*HERE, 4, 12), Wanted(*FILTERS, 4))


async def test_a_crossing_is_told_of_once_in_each_direction(pool: Pool) -> None:
    assert await crossings(pool) == []
    await post(pool, request("sale", 6))
    await look(pool)
    assert await crossings(pool) == [], "four are not below four"
    await post(pool, request("sale", 1))
    for _ in range(3):
        await look(pool)
    await post(pool, request("sale", 1))
    await look(pool)
    assert await crossings(pool) == [("below", *HERE, 3, 4)]
    assert await alerts(pool) == {HERE: 500}
    await post(pool, request("inbound", 2))
    for _ in range(2):
        await look(pool)
    assert await crossings(pool) == [("below", *HERE, 3, 4), ("recovered", *HERE, 4, 4)]
    assert await alerts(pool) == {}
    await assert_ledger_is_clean(pool)


async def test_what_is_held_is_not_available_until_it_is_given_back_or_lapses(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 7))
    await look(pool)
    assert await crossings(pool) == [("below", *HERE, 3, 4)]
    await release(pool, held, (HERE, 1))
    await look(pool)
    assert (await crossings(pool))[1:] == [("recovered", *HERE, 4, 4)]
    await release(pool, held)
    await reserve(pool, (FILTERS, 7))
    await look(pool)
    assert await alerts(pool) == {FILTERS: 750}
    await let_lapse(pool)
    assert await let_go_of_all_lapsed(pool) == 1
    await look(pool)
    assert (await crossings(pool))[2:] == [("below", *FILTERS, 3, 4), ("recovered", *FILTERS, 10, 4)]


async def test_a_level_is_judged_when_it_is_set_and_forgotten_when_it_goes(pool: Pool) -> None:
    first = await set_level(pool, THERE, 2)
    assert await crossings(pool) == [("below", *THERE, 0, 2)]
    lower = await set_level(pool, THERE, 0, version=first.version)
    assert (await crossings(pool))[1:] == [("recovered", *THERE, 0, 0)]
    await set_level(pool, THERE, 1, version=lower.version)
    async with transaction(pool) as db:
        await service.remove_level(db, MANAGER, THERE, lower.version + 1)
    assert await alerts(pool) == {}
    await look(pool)
    assert len(await crossings(pool)) == 3


async def test_what_commits_late_is_seen_by_a_later_look(pool: Pool) -> None:
    """A transaction may begin before a look and commit after the next one has begun."""
    async with transaction(pool) as slow:
        await slow.execute("SELECT 1")
        await slow.execute(
            "INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, actor,"
            " created_at) VALUES ($1, $2, 'sale', 9, -9, 1, 'test', now())",
            *HERE,
        )
        await slow.execute("UPDATE inventory SET quantity = 1 WHERE product_id = $1 AND store_id = $2", *HERE)
        began = await pool.fetchval("SELECT seen_to FROM level_looks")
        await asyncio.sleep(1.1)
        await look(pool)
        assert await pool.fetchval("SELECT seen_to FROM level_looks") < await slow.fetchval("SELECT now()")
        assert await crossings(pool) == []
    await look(pool)
    assert await crossings(pool) == [("below", *HERE, 1, 4)]
    assert await pool.fetchval("SELECT seen_to FROM level_looks") > began


async def test_of_two_workers_one_looks(pool: Pool) -> None:
    await post(pool, request("sale", 9))
    async with transaction(pool) as first:
        assert await service.look(first) is not None
        assert await look(pool) is None
    answers = await asyncio.gather(*[look(pool) for _ in range(5)])
    assert any(answers)
    assert await crossings(pool) == [("below", *HERE, 1, 4)]


async def test_a_look_judges_by_the_level_that_somebody_is_just_setting(pool: Pool) -> None:
    await post(pool, request("sale", 9), request("sale", 7, OIL_FILTER))
    async with transaction(pool) as db:
        await service.set_levels(db, MANAGER, [Wanted(*HERE, 1), Wanted(*FILTERS, 5)])
        looking = asyncio.create_task(look(pool))
        await waiting_for_locks(pool, 1)
    await looking
    assert await crossings(pool) == [("below", *FILTERS, 3, 5)]
    assert await alerts(pool) == {FILTERS: 600}


async def test_of_two_who_set_the_first_level_the_second_has_to_read_it(pool: Pool) -> None:
    answers = await asyncio.gather(*[set_level(pool, THERE, n) for n in (5, 6, 7)], return_exceptions=True)
    assert outcomes(answers) == {"Level": 1, "PreconditionRequired": 2}
    with pytest.raises(PreconditionRequired):
        await set_level(pool, THERE, 9)
    with pytest.raises(PreconditionFailed) as stale:
        await set_level(pool, THERE, 9, version=2)
    assert stale.value.facts["differs"]["minimum"]["sent"] == 9


async def test_bulk_levels_are_all_set_or_none_and_every_row_is_named(pool: Pool) -> None:
    with pytest.raises(LevelsRefused) as refused:
        await set_levels(
            pool, Wanted(*THERE, 1), Wanted(UNKNOWN, CENTRE, 1), Wanted(*HERE, 5, version=9), Wanted(*THERE, 2)
        )
    told = [(one["line"], one["title"]) for one in refused.value.facts["lines"]]
    assert told == [(1, "Unknown product"), (2, "Changed by somebody else"), (3, "Named twice")]
    assert await pool.fetchval("SELECT count(*) FROM stock_levels") == 2
    assert await set_levels(pool, Wanted(*THERE, 1), Wanted(*HERE, 5, version=1)) == (1, 1)


async def test_bulks_in_any_order_never_wait_in_a_circle(pool: Pool) -> None:
    rows = [Wanted(product, store_id, 3) for product in range(1, 7) for store_id in (CENTRE, NORTH)]

    async def one(number: int) -> None:
        for _ in range(5):
            await set_levels(pool, *(rows[number:] + rows[:number]))
            await post(pool, request("inbound", 1, number % 6 + 1, NORTH))
            await look(pool)

    await asyncio.gather(*[one(number) for number in range(12)])
    await look(pool)
    assert await pool.fetchval("SELECT count(*) FROM stock_levels") == 12
    await assert_ledger_is_clean(pool)


async def test_the_emptiest_shelf_comes_first_and_what_is_on_the_way_is_counted(pool: Pool) -> None:
    await set_levels(pool, Wanted(PLUG, NORTH, 100), Wanted(OIL_FILTER, NORTH, 2), Wanted(BULB, NORTH, 1))
    sent = await post(pool, request("transfer", 2, OIL_FILTER, to_store_id=NORTH))
    await post(pool, request("inbound", 50, PLUG, NORTH))
    below = await store.below_at(pool, NORTH, None, (-1, 0, 0), 10)
    assert [(one.product_id, one.missing, one.in_transit, one.is_covered, one.to_fill) for one in below] == [
        (OIL_FILTER, 2, 2, True, 0), (BULB, 1, 0, False, 1), (PLUG, 50, 0, False, 50),
    ]  # fmt: skip
    rest = await store.below_at(pool, NORTH, None, (below[0].urgency, below[0].product_id, NORTH), 10)
    assert [one.product_id for one in rest] == [BULB, PLUG]
    await look(pool)
    assert [one.product_id for one in await store.below_anywhere(pool, (-1, 0, 0), 10)] == [OIL_FILTER, BULB, PLUG]
    await receive(pool, sent[0].transfer_id)
    assert [one.product_id for one in await store.below_at(pool, NORTH, None, (-1, 0, 0), 10)] == [BULB, PLUG]
    assert [one.product_id for one in await store.below_anywhere(pool, (-1, 0, 0), 10)] == [BULB, PLUG], "as it is now"


async def test_a_hold_that_has_lapsed_makes_nobody_short_although_no_job_ran(pool: Pool) -> None:
    await reserve(pool, (HERE, 9))
    assert len(await store.below_at(pool, CENTRE, None, (-1, 0, 0), 10)) == 1
    await let_lapse(pool)
    assert await store.below_at(pool, CENTRE, None, (-1, 0, 0), 10) == []


async def test_each_store_has_one_digest_a_day_at_its_own_hour(pool: Pool) -> None:
    await pool.execute("UPDATE stores SET time_zone = 'Asia/Vladivostok' WHERE id = $1", NORTH)  # UTC+10
    await set_levels(pool, Wanted(BULB, NORTH, 1), Wanted(PLUG, NORTH, 5))
    await post(pool, request("inbound", 2, PLUG, NORTH))
    evening = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # 08:30 of the 2nd in Vladivostok, 01:30 in Moscow
    for _ in range(2):
        await jobs.make_digests(pool, 8, evening)
    [north] = await digests.list_page(pool, {}, 10)
    assert (north.store_id, north.day) == (NORTH, date(2026, 3, 2))
    assert {name: north.document[name] for name in ("levels", "below", "empty")} == {
        "levels": 2,
        "below": 2,
        "empty": 1,
    }
    assert [one["article"] for one in north.document["most_urgent"]] == ["64210", "BPR6ES-11"]
    await jobs.make_digests(pool, 8, evening + timedelta(hours=8))
    both = await digests.list_page(pool, {}, 10)
    assert [(one.store_id, one.document["below"]) for one in both] == [(CENTRE, 0), (NORTH, 2)]
    told = await pool.fetchval("SELECT count(*) FROM outbox WHERE payload ->> 'kind' = 'digest'")
    assert told == 2


async def test_the_digest_finds_what_every_look_missed(pool: Pool) -> None:
    await pool.execute("UPDATE level_looks SET seen_to = now() + interval '1 hour'")
    await pool.execute("UPDATE inventory SET quantity = 1 WHERE product_id = $1 AND store_id = $2", *HERE)
    await look(pool)
    assert await alerts(pool) == {}
    await jobs.make_digests(pool, 0)
    assert await alerts(pool) == {HERE: 250}
    assert await crossings(pool) == [("below", *HERE, 1, 4)]
