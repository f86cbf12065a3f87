"""Counts that are taken back: what remains decides, and where nothing remains nobody has counted."""

import asyncio

import pytest

from autoshop.accounts.model import OtherStore, staff
from autoshop.inventory.stocktakes.counts import service as counting
from autoshop.inventory.stocktakes.counts.model import NotYourCount, UnknownCount
from autoshop.inventory.stocktakes.model import NotCounting, Stocktake, UnknownStocktake
from autoshop.kit.db import Pool, transaction
from tests.cast import NORTH, OIL_FILTER, PLUG, WIPER
from tests.ledger import MANAGER, assert_ledger_is_clean, pieces, post, request
from tests.stocktakes import OLEG, VERA, approve, ask_again, asked, lines, open_stocktake, review, send, take
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Nine plugs and five oil filters in the centre."""
    await post(pool, request("inbound", 9), request("inbound", 5, OIL_FILTER))


async def take_back(pool: Pool, stocktake: Stocktake, *ids: str, caller: object = VERA) -> counting.Taken:
    async with transaction(pool) as db:
        return await counting.take_back(db, caller, stocktake.id, ids)  # type: ignore[arg-type]


async def retracted(pool: Pool) -> int:
    return await pool.fetchval("SELECT count(*) FROM stocktake_retractions")  # type: ignore[no-any-return]


async def test_what_nobody_may_take_back_stays(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 7, client_id="vera-1")
    for caller, ids, refusal in [
        (OLEG, ["vera-1"], NotYourCount),
        (VERA, ["vera-1", "nobody's"], UnknownCount),
        (staff("anna", "clerk", frozenset({NORTH})), ["vera-1"], OtherStore),
    ]:
        with pytest.raises(refusal):
            await take_back(pool, opened, *ids, caller=caller)
    async with transaction(pool) as db:
        with pytest.raises(UnknownStocktake):
            await counting.take_back(db, VERA, 999, ["vera-1"])
    await review(pool, opened)
    with pytest.raises(NotCounting):
        await take_back(pool, opened, "vera-1")
    assert ((await lines(pool, opened))[PLUG].counted, await retracted(pool)) == (7, 0)


async def test_the_other_shelves_of_the_product_still_count(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    for number, found in enumerate((4, 5, 1)):
        await take(pool, opened, found, mode="add", client_id=f"shelf-{number}")
    [line] = (await take_back(pool, opened, "shelf-2")).lines
    assert (line.status, line.counted, line.difference) == ("counted", 9, 0)
    [line] = (await take_back(pool, opened, "shelf-0", caller=MANAGER)).lines  # whoever approves takes back anybody's
    assert (line.counted, line.difference) == (5, -4)


async def test_a_product_of_which_no_count_remains_is_uncounted_and_keeps_its_stock(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 1, OIL_FILTER, client_id="slip")
    [line] = (await take_back(pool, opened, "slip")).lines
    assert (line.status, line.round, line.counted, line.difference, line.counted_by) == ("to_count", *[None] * 4)
    await approve(pool, await review(pool, opened))
    assert await pieces(pool, OIL_FILTER) == 5
    await assert_ledger_is_clean(pool)


async def test_a_doubt_goes_with_the_count_that_brought_it(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 9, mode="add", client_id="all")
    await post(pool, request("sale", 1))
    line = await take(pool, opened, 1, mode="add", client_id="slip")
    assert line.status == "needs_recount"  # a sale lies between the two
    [line] = (await take_back(pool, opened, "slip")).lines
    assert (line.status, line.counted, line.ledger, line.difference) == ("counted", 9, 9, 0)


async def test_a_second_count_that_is_taken_back_is_wanted_again(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 7)
    await ask_again(pool, opened, PLUG)
    assert (await take(pool, opened, 9, round=2, client_id="second")).status == "agreed"
    [line] = (await take_back(pool, opened, "second")).lines
    assert (line.status, line.round, line.counted) == ("needs_second_count", 1, 7)


async def test_it_is_done_once_and_a_count_that_is_sent_again_stays_taken_back(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    count = asked(7, client_id="slip")
    await send(pool, opened, count)
    first, again = await take_back(pool, opened, "slip", "slip"), await take_back(pool, opened, "slip")
    assert ((first.taken, first.repeated), (again.taken, again.repeated)) == ((1, 0), (0, 1))
    repeated = await send(pool, opened, count)
    assert (repeated.taken, repeated.repeated, repeated.lines[0].status) == (0, 1, "to_count")
    await review(pool, opened)
    assert (await take_back(pool, opened, "slip")).repeated == 1  # as from a phone that had no answer
    assert await retracted(pool) == 1


async def test_a_product_that_turned_up_by_a_slip_is_to_be_counted(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 1, WIPER, client_id="slip")
    [line] = (await take_back(pool, opened, "slip")).lines
    assert (line.product_id, line.status, line.expected) == (WIPER, "to_count", 0)


async def test_one_takes_back_while_another_counts_and_both_are_in_the_line(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 3, mode="add", client_id="slip")
    async with transaction(pool) as db:
        await counting.take_counts(db, OLEG, opened.id, [asked(9, mode="add", device="other")])
        waiting = asyncio.create_task(take_back(pool, opened, "slip"))
        await waiting_for_locks(pool, 1)
    await waiting
    line = (await lines(pool, opened))[PLUG]
    assert (line.counted, line.difference, line.status) == (9, 0, "counted")
