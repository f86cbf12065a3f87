"""Who holds what, found by product, store, state and holder; and the holder forgotten in time."""

import pytest

from autoshop.inventory.reservations import jobs, store
from autoshop.inventory.reservations.model import Status
from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.reservations import FILTERS, HERE, THERE, fill, find, fulfil, lapsed, release, reserve

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await fill(pool)


async def ids(pool: Pool, status: Status | None = None, **filters: int | str) -> list[int]:
    async with pool.acquire() as db:
        return [one.id for one in await store.list_page(db, filters, 100, status)]


async def test_each_state_is_listed_as_it_is_shown(pool: Pool) -> None:
    live, sold, back = [await reserve(pool, (HERE, 1)) for _ in range(3)]
    gone, written = await lapsed(pool, (THERE, 1)), await lapsed(pool, (FILTERS, 1))
    await fulfil(pool, sold)
    await release(pool, back)
    await pool.execute("UPDATE reservations SET status = 'expired', closed_at = now() WHERE id = $1", written.id)
    expected: dict[Status, list[int]] = {
        "live": [live.id],
        "fulfilled": [sold.id],
        "released": [back.id],
        "expired": [written.id, gone.id],
    }
    assert {status: await ids(pool, status) for status in expected} == expected
    assert {(await find(pool, one)).status for one in (gone, written)} == {"expired"}
    assert len(await ids(pool)) == 5


async def test_a_product_at_a_store_is_one_line_and_not_two(pool: Pool) -> None:
    both = await reserve(pool, (THERE, 1), (FILTERS, 1))  # plugs in the north, filters in the centre
    plugs = await reserve(pool, (HERE, 1))
    assert await ids(pool, product_id=PLUG) == [plugs.id, both.id]
    assert await ids(pool, product_id=PLUG, store_id=CENTRE) == [plugs.id]
    assert await ids(pool, product_id=OIL_FILTER, store_id=CENTRE) == await ids(pool, store_id=NORTH) == [both.id]


async def test_a_holder_is_found_by_his_name_and_by_how_it_begins(pool: Pool) -> None:
    names = ["Иван Петров", "ИВАН ПЕТРОВ", "Иван", "Иванова", "100% скидка", "100 рублей", "Ёлкин"]
    held = {name: (await reserve(pool, (HERE, 1) if name[0] == "И" else (THERE, 1), holder=name)).id for name in names}

    def of(*those: str) -> list[int]:
        return sorted((held[name] for name in those), reverse=True)

    assert await ids(pool, holder="иван петров") == of("Иван Петров", "ИВАН ПЕТРОВ")
    assert await ids(pool, holder="Иван П") == []
    assert await ids(pool, holder_prefix="иван") == of(*names[:4])
    assert await ids(pool, holder_prefix="Иван ") == of(*names[:2])
    assert await ids(pool, holder_prefix="100%") == of("100% скидка"), "no pattern"
    assert await ids(pool, holder_prefix="ёл") == of("Ёлкин")
    assert await ids(pool, holder_prefix="и", before_id=held["Иван"]) == of(*names[:2])


async def test_who_held_is_forgotten_some_months_after_the_end(pool: Pool) -> None:
    old, young, living = [await reserve(pool, (place, 1)) for place in (HERE, THERE, FILTERS)]
    for one, days in ((old, 31), (young, 29)):
        await release(pool, one)
        await pool.execute(
            "UPDATE reservations SET closed_at = now() - make_interval(days => $2) WHERE id = $1", one.id, days
        )
    await pool.execute("UPDATE reservations SET created_at = now() - interval '1 year' WHERE id = $1", living.id)
    for _ in range(2):
        await jobs.forget_holders(pool, 30)
        assert [(await find(pool, one)).holder for one in (old, young, living)] == [None, "Иван", "Иван"]
    assert await ids(pool, holder="Иван") == [living.id, young.id]
    assert (await find(pool, old)).status == "released"


async def test_a_page_is_by_key(pool: Pool) -> None:
    made = [(await reserve(pool, (HERE, 1))).id for _ in range(4)]
    async with pool.acquire() as db:
        assert [one.id for one in await store.list_page(db, {"before_id": made[2]}, 1, "live")] == [made[1]]
