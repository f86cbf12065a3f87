"""A kit for a car: what the shop has of it, in three ways to buy, one total and one date each; and all of it held."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from autoshop.accounts.model import Caller, staff, trusted
from autoshop.inventory.allocation.model import NotAllocated
from autoshop.inventory.movements.model import UnknownStore
from autoshop.kit.db import Pool, transaction
from autoshop.selection.fitment import service as fitment
from autoshop.selection.fitment.model import UnknownEngine
from autoshop.selection.kits import service
from autoshop.selection.kits.model import KitChanged, Line, NothingToReserve, Seen, Tier, UnknownKit
from autoshop.selection.kits.service import Asked, Ready
from autoshop.selection.vehicles.service import UnknownVehicle
from tests.cast import CENTRE, NORTH
from tests.db.test_fitment import sell
from tests.kits import SOLD, VESTA, shop
from tests.ledger import assert_ledger_is_clean, post, request

pytestmark = pytest.mark.anyio

MANAGER = trusted("manager")
NOON = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Moscow
TO15 = Asked("to15", VESTA, ("21129",), 2020, CENTRE)


async def ready(pool: Pool, asked: Asked = TO15) -> Ready:
    async with pool.acquire() as db:
        return await service.ready(db, MANAGER, asked, NOON)


async def reserve(
    pool: Pool, asked: Asked, tier: Tier, kopecks: int, caller: Caller = MANAGER, version: str | None = None
) -> service.Ready:
    seen, lasts = Seen(tier, kopecks, version), timedelta(days=1)
    async with transaction(pool) as db:
        found, _ = await service.reserve(db, caller, asked, seen, "Анна", None, None, lasts, datetime.now(UTC))
        return found


def of(found: Ready, category: str) -> Line:
    return next(line for line in found.lines if line.need.category == category)


def articles(line: Line, tier: Tier) -> list[tuple[str, int]]:
    return [(item.product.article, item.count) for item in line.chosen[tier].items]


async def reserved(pool: Pool) -> dict[int, int]:
    rows = await pool.fetch("SELECT product_id, sum(reserved)::int AS held FROM stock WHERE reserved > 0 GROUP BY 1")
    return {row["product_id"]: row["held"] for row in rows}


async def test_each_way_to_buy_has_one_total_and_one_date(pool: Pool) -> None:
    await shop(pool)
    found = await ready(pool)
    assert [(way.tier, way.total_kopecks) for way in found.ways] == [
        ("economy", 2040_00 + 590_00 + 290_00 + 740_00),
        ("premium", 2 * 3340_00 + 410_00 + 740_00),
    ]
    assert articles(of(found, "oil_filter"), "standard") == [("21080-1012005-08", 1)]  # the middle of two is the lower
    cheap, dear = found.ways
    assert (cheap.here, cheap.promised_at, cheap.reservable) == (True, NOON, 4)
    assert dear.here is False
    assert dear.promised_at is not None
    assert dear.promised_at > NOON + timedelta(hours=20)  # its oil and its filter lie in the north


async def test_litres_are_made_up_of_a_canister_and_a_bottle(pool: Pool) -> None:
    await shop(pool)
    oil = of(await ready(pool), "engine_oil")
    assert (oil.need.quantity, oil.need.spec) == (4.4, "5W-30/5W-40, API SG-SL")
    assert articles(oil, "economy") == [("207464", 1), ("207465", 1)]
    assert articles(oil, "premium") == [("550040755", 2)]


async def test_why_it_fits_is_told_of_every_part(pool: Pool) -> None:
    await shop(pool)
    found = await ready(pool)
    for line in found.lines:
        for chosen in line.chosen.values():
            assert chosen.chain[-1].kind == "fitment"
            assert chosen.chain[-1].source


async def test_optional_parts_are_offered_and_counted_only_when_wanted(pool: Pool) -> None:
    await shop(pool)
    without = await ready(pool)
    assert (of(without, "air_filter").included, articles(of(without, "air_filter"), "economy")) == (
        False,
        [("8450033130", 1)],
    )
    wanted = await ready(pool, Asked("to15", VESTA, ("21129",), 2020, CENTRE, frozenset({"air_filter"})))
    assert wanted.ways[0].total_kopecks == without.ways[0].total_kopecks + 510_00


async def test_what_has_to_be_ordered_delays_the_whole(pool: Pool) -> None:
    await shop(pool)
    found = await ready(pool, Asked("ignition", VESTA, ("21129",), None, CENTRE))
    assert [line.need.category for line in found.lines] == ["spark_plug", "ignition_coil"]
    (way,) = found.ways
    assert way.tier == "standard"  # the only one
    assert way.total_kopecks == 4 * 310_00 + 4 * 2540_00
    assert way.promised_at is not None
    assert way.promised_at.date() == (NOON + timedelta(days=3)).date()
    assert way.reservable == 4  # the plugs: three here, one from the north


async def test_of_a_car_without_facts_everything_is_unknown_and_nothing_is_offered(pool: Pool) -> None:
    await shop(pool)
    found = await ready(pool, Asked("cooling", "lada/2101/classic", None, None, CENTRE))
    assert {line.need.state for line in found.lines} == {"unknown"}
    assert found.ways == ()
    absent = await ready(pool, Asked("to15", "lada/2101/classic", None, None, CENTRE))
    assert of(absent, "cabin_filter").need.state == "absent"


async def test_what_fits_and_is_not_sold_says_so(pool: Pool) -> None:
    products = await shop(pool)
    await pool.execute("UPDATE products SET active = false WHERE id = $1", products["cabin filter"])
    line = of(await ready(pool), "cabin_filter")
    assert (line.need.state, line.chosen) == ("not_sold", {})


async def test_without_a_price_or_a_date_a_product_is_not_offered(pool: Pool) -> None:
    products = await shop(pool)
    await post(pool, request("inbound", 9, await sell(pool, "Lada", "21080-1012005")))  # nobody said what it costs
    await pool.execute("DELETE FROM lead_times WHERE product_id = $1", products["coil"])
    filters = of(await ready(pool), "oil_filter")
    assert (filters.offers, articles(filters, "economy")) == (2, [("21080-1012005-08", 1)])
    ignition = await ready(pool, Asked("ignition", VESTA, ("21129",), None, CENTRE))
    assert of(ignition, "ignition_coil").need.state == "not_sold"


async def test_what_buyers_said_did_not_fit_is_not_offered_for_that_car(pool: Pool) -> None:
    products = await shop(pool)
    async with transaction(pool) as db:
        for number in range(3):
            await fitment.give_feedback(
                db, MANAGER, products["cheap filter"], VESTA, "21129", fitted=False, origin="return",
                reference=str(number), note=None,
            )  # fmt: skip
    assert articles(of(await ready(pool), "oil_filter"), "economy") == [("OC 384", 1)]


async def test_nobody_asked_for_a_store_then_it_is_the_one_where_most_lies(pool: Pool) -> None:
    await shop(pool)
    store = (await ready(pool, Asked("to15", VESTA, ("21129",), 2020))).store
    assert store is not None
    assert store.id == CENTRE
    with pytest.raises(UnknownStore):
        await ready(pool, Asked("to15", VESTA, ("21129",), 2020, 77))


async def test_where_no_store_is_open_there_is_no_way_to_buy_and_what_fits_is_told(pool: Pool) -> None:
    await shop(pool)
    await pool.execute("UPDATE stores SET active = false")
    found = await ready(pool, Asked("to15", VESTA, ("21129",), 2020))
    assert (found.store, found.ways) == (None, ())
    assert of(found, "oil_filter").need.articles


async def test_stock_is_that_of_this_moment(pool: Pool) -> None:
    products = await shop(pool)
    before = await ready(pool)
    await post(pool, request("sale", 5, products["cheap filter"]))
    after = await ready(pool)
    assert articles(of(before, "oil_filter"), "economy") == [("21080-1012005-08", 1)]
    assert articles(of(after, "oil_filter"), "economy") == [("OC 384", 1)]


@pytest.mark.parametrize(
    ("asked", "refusal", "says"),
    [
        (Asked("to16", VESTA), UnknownKit, "there are brakes_front"),
        (Asked("to15", "lada/vista/i"), UnknownVehicle, "lada/vista/i"),
        (Asked("to15", VESTA, ("G4FC",)), UnknownEngine, "21129"),
    ],
)
async def test_what_is_not_there_is_refused(pool: Pool, asked: Asked, refusal: type[Exception], says: str) -> None:
    with pytest.raises(refusal, match=says):
        await ready(pool, asked)


# ------------------------------------------------------------------------------------------------ reserve all
async def test_all_of_a_way_to_buy_is_held_in_one_go(pool: Pool) -> None:
    products = await shop(pool)
    found = await ready(pool)
    await reserve(pool, TO15, "premium", found.ways[-1].total_kopecks)
    held = {name: (await reserved(pool)).get(products[name], 0) for name in SOLD}
    assert {name: count for name, count in held.items() if count} == {"dear oil": 2, "filter": 1, "cabin filter": 1}
    await assert_ledger_is_clean(pool)


async def test_a_kit_that_costs_something_else_by_now_is_not_held(pool: Pool) -> None:
    products = await shop(pool)
    seen = (await ready(pool)).ways[0].total_kopecks
    await post(pool, request("sale", 5, products["cheap filter"]))
    with pytest.raises(KitChanged) as refused:
        await reserve(pool, TO15, "economy", seen)
    assert refused.value.facts == {"total_kopecks": seen - 290_00 + 410_00}
    assert await reserved(pool) == {}


@pytest.mark.parametrize("meanwhile", ["another of the same price", "it has to be ordered"])
async def test_a_kit_of_the_same_price_that_is_made_of_other_things_by_now_is_not_held(
    pool: Pool, meanwhile: str
) -> None:
    products = await shop(pool)
    way = (await ready(pool)).ways[0]
    if meanwhile == "it has to be ordered":
        await pool.execute(
            "INSERT INTO lead_times (product_id, days, source) VALUES ($1, 3, 'test')", products["cabin filter"]
        )
        await post(pool, request("sale", 1, products["cabin filter"], CENTRE))
        await post(pool, request("sale", 1, products["cabin filter"], NORTH))
    else:
        await post(pool, request("sale", 5, products["cheap filter"], CENTRE))
        await pool.execute(
            "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', 29000, 'test')",
            products["filter"],
        )
    now = (await ready(pool)).ways[0]
    assert now.total_kopecks == way.total_kopecks
    with pytest.raises(KitChanged):
        await reserve(pool, TO15, "economy", way.total_kopecks, version=way.version)
    assert await reserved(pool) == {}
    await reserve(pool, TO15, "economy", way.total_kopecks, version=now.version)


async def test_what_belongs_to_a_kit_and_is_not_in_its_sum_is_told(pool: Pool) -> None:
    products = await shop(pool)
    assert [way.lacks for way in (await ready(pool)).ways] == [(), ()]
    for store in (CENTRE, NORTH):
        await post(pool, request("sale", 1, products["cabin filter"], store))
    assert [way.lacks for way in (await ready(pool)).ways] == [("cabin_filter",)] * 2


async def test_where_all_has_to_be_ordered_there_is_nothing_to_hold(pool: Pool) -> None:
    products = await shop(pool)
    await post(pool, request("sale", 3, products["plug"]), request("sale", 9, products["plug"], NORTH))
    asked = Asked("ignition", VESTA, ("21129",), None, CENTRE)
    with pytest.raises(NothingToReserve):
        await reserve(pool, asked, "economy", (await ready(pool, asked)).ways[0].total_kopecks)


async def test_a_clerk_of_another_store_may_not_hold_it(pool: Pool) -> None:
    await shop(pool)
    seen = (await ready(pool)).ways[0].total_kopecks
    with pytest.raises(Exception, match="You do not act for store"):
        await reserve(pool, TO15, "economy", seen, staff("oleg", "clerk", frozenset({NORTH})))
    assert await reserved(pool) == {}


async def test_the_last_set_is_held_once_however_many_want_it(pool: Pool) -> None:
    products = await shop(pool)
    await pool.execute("UPDATE products SET active = false WHERE id = $1", products["filter"])
    await post(pool, request("sale", 4, products["cheap filter"]))
    seen = (await ready(pool)).ways[0].total_kopecks
    tries = await asyncio.gather(*(reserve(pool, TO15, "economy", seen) for _ in range(6)), return_exceptions=True)
    won = [one for one in tries if isinstance(one, Ready)]
    lost = [one for one in tries if not isinstance(one, Ready)]
    assert len(won) == 1
    assert {type(one) for one in lost} <= {KitChanged, NotAllocated}
    assert (await reserved(pool))[products["cheap filter"]] == 1
    await assert_ledger_is_clean(pool)
