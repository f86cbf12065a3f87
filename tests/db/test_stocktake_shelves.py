"""A stocktake of shelves: what has a place under them, in the order in which one walks."""

from datetime import UTC, datetime

import pytest

from autoshop.inventory.shelves import service as shelf_service
from autoshop.inventory.shelves.model import Wanted, places_of
from autoshop.inventory.stocktakes import service
from autoshop.inventory.stocktakes.counts.model import CountsRefused
from autoshop.inventory.stocktakes.model import AlreadyBeingCounted, NothingToCount, Scope, Stocktake, UnknownShelf
from autoshop.inventory.stocktakes.sheets.service import write_sheet
from autoshop.kit.db import Pool, transaction
from tests.cast import AIR_FILTER, BRAKE_PADS, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, WIPER
from tests.ledger import MANAGER, assert_ledger_is_clean, pieces, post, request
from tests.stocktakes import VERA, approve, review, take

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Two pieces of everything but the bulb, of which there is none; the wiper lies nobody knows where."""
    goods = (PLUG, OIL_FILTER, AIR_FILTER, BRAKE_PADS, WIPER)
    await post(pool, *[request("inbound", 2, one, store) for one in goods for store in (CENTRE, NORTH)])
    await put(pool, PLUG, "A-10")
    await put(pool, OIL_FILTER, "B-1", "A-2-7")
    await put(pool, AIR_FILTER, "A-2")
    await put(pool, BRAKE_PADS, "A-20")
    await put(pool, BULB, "A-2-1")
    await put(pool, PLUG, "A-2", store_id=NORTH)


async def put(pool: Pool, product_id: int, *places: str, store_id: int = CENTRE) -> None:
    async with transaction(pool) as db:
        await shelf_service.set_shelves(db, MANAGER, [Wanted(product_id, store_id, places_of(places))])


async def opened(pool: Pool, *shelves: str) -> Stocktake:
    async with transaction(pool) as db:
        scope = Scope("shelves", shelves=places_of(shelves))
        return await service.open_stocktake(db, VERA, CENTRE, scope, True, None, None)


async def listed(pool: Pool, stocktake: Stocktake) -> list[int]:
    """The products of the sheet, as they stand there."""
    text = "".join([part async for part in write_sheet(pool, stocktake.id, "en", blind=True)])
    return [int(row.split(";")[0]) for row in text.splitlines()[1:]]


async def test_shelves_that_nothing_lies_on_are_told_apart(pool: Pool) -> None:
    with pytest.raises(UnknownShelf) as refused:
        await opened(pool, "A-2", "C", "A-1")
    assert refused.value.facts["shelves"] == ["C", "A-1"], "A-10 does not lie under A-1"
    with pytest.raises(NothingToCount):
        await opened(pool, "A-2-1")
    assert await pool.fetchval("SELECT count(*) FROM stocktakes") == 0


async def test_a_shelf_stands_for_what_is_under_it_and_for_any_of_a_products_places(pool: Pool) -> None:
    stocktake = await opened(pool, "а2")
    assert stocktake.scope == {"kind": "shelves", "shelves": ["A2"]}, "written A2, the same shelf as A-2"
    assert await listed(pool, stocktake) == [AIR_FILTER, OIL_FILTER], "A-20 is not under it"
    with pytest.raises(AlreadyBeingCounted):
        await opened(pool, "B-1")


async def test_the_sheet_is_in_the_order_in_which_one_walks(pool: Pool) -> None:
    assert await listed(pool, await opened(pool, "A")) == [AIR_FILTER, OIL_FILTER, PLUG, BRAKE_PADS]


async def test_the_sheet_of_a_store_is_in_that_order_too_and_what_has_no_place_comes_last(pool: Pool) -> None:
    async with transaction(pool) as db:
        stocktake = await service.open_stocktake(db, VERA, CENTRE, Scope("store"), True, None, None)
    assert await listed(pool, stocktake) == [AIR_FILTER, PLUG, BRAKE_PADS, OIL_FILTER, WIPER]
    text = "".join([part async for part in write_sheet(pool, stocktake.id, "ru", blind=True)])
    assert text.splitlines()[0].startswith("\ufeffID товара;Места;Артикул;")
    assert f"\n{OIL_FILTER};B-1 A-2-7;" in text


async def test_what_is_moved_meanwhile_stays_in_the_sheet(pool: Pool) -> None:
    stocktake = await opened(pool, "A")
    await put(pool, AIR_FILTER, "C-1")
    assert await listed(pool, stocktake) == [AIR_FILTER, OIL_FILTER, PLUG, BRAKE_PADS]


async def test_what_turns_up_on_its_shelf_is_counted_and_what_belongs_elsewhere_is_not(pool: Pool) -> None:
    stocktake = await opened(pool, "A-2")
    for stranger in (WIPER, BRAKE_PADS):
        with pytest.raises(CountsRefused) as refused:
            await take(pool, stocktake, 1, stranger)
        assert refused.value.facts["counts"][0]["title"] == "Not in the list"
    for product_id, found in ((BULB, 3), (AIR_FILTER, 2), (OIL_FILTER, 1)):
        await take(pool, stocktake, found, product_id)
    assert await listed(pool, stocktake) == [AIR_FILTER, BULB, OIL_FILTER]
    await approve(pool, await review(pool, stocktake))
    assert [await pieces(pool, one) for one in (BULB, AIR_FILTER, OIL_FILTER)] == [3, 2, 1]
    await assert_ledger_is_clean(pool)


async def test_nobody_has_to_have_said_where_anything_lies(pool: Pool) -> None:
    await pool.execute("DELETE FROM shelf_places")
    async with transaction(pool) as db:
        stocktake = await service.open_stocktake(db, VERA, CENTRE, Scope("store"), True, None, None)
    assert stocktake.opened_at <= datetime.now(UTC)
    assert await listed(pool, stocktake) == [PLUG, OIL_FILTER, AIR_FILTER, BRAKE_PADS, WIPER]
