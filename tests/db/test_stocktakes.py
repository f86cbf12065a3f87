"""Stocktakes: frozen lists, counts against the ledger of their moment, adjustments that leave sales alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autoshop.accounts.model import OtherStore, staff
from autoshop.inventory.movements.model import TooManyPieces, UnknownProduct, UnknownStore
from autoshop.inventory.recounts import service as recounts
from autoshop.inventory.stocktakes import service
from autoshop.inventory.stocktakes.approval.model import NotSettled, WouldBeTooFew
from autoshop.inventory.stocktakes.counts.model import CountsRefused
from autoshop.inventory.stocktakes.model import (
    AlreadyBeingCounted,
    ConfirmZero,
    NotCounting,
    NothingToCount,
    NotInReview,
    NotInTheList,
    Scope,
    StocktakeEnded,
    UnknownCategory,
)
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import PreconditionFailed
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN, WIPER
from tests.ledger import MANAGER, assert_ledger_is_clean, movements, pieces, post, request, reverse
from tests.reservations import HERE, lapsed, reserve
from tests.stocktakes import (
    OLEG,
    VERA,
    approve,
    ask_again,
    asked,
    cancel,
    lines,
    open_stocktake,
    reopen,
    review,
    send,
    statuses,
    take,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Nine plugs and five oil filters in the centre, five plugs in the north."""
    await post(pool, request("inbound", 9), request("inbound", 5, OIL_FILTER), request("inbound", 5, store_id=NORTH))


# ------------------------------------------------------------------------------------------------ the list
async def test_nothing_is_counted_that_is_not_there_to_be(pool: Pool) -> None:
    async with transaction(pool) as db:
        for scope, refusal in [
            (Scope("category", category_id=UNKNOWN), UnknownCategory),
            (Scope("products", product_ids=(PLUG, UNKNOWN)), UnknownProduct),
            (Scope("flagged"), NothingToCount),
        ]:
            with pytest.raises(refusal):
                await service.open_stocktake(db, MANAGER, CENTRE, scope, True, None, None)
        with pytest.raises(UnknownStore):
            await service.open_stocktake(db, MANAGER, UNKNOWN, Scope("store"), True, None, None)
        with pytest.raises(OtherStore):
            await service.open_stocktake(db, VERA, NORTH, Scope("store"), True, None, None)
    assert await pool.fetchval("SELECT count(*) FROM stocktakes") == 0


async def test_a_whole_store_is_what_lies_there_at_the_opening(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await post(pool, request("sale", 2), request("inbound", 3, AIR_FILTER))
    assert {product: line.expected for product, line in (await lines(pool, opened)).items()} == {
        PLUG: 9, OIL_FILTER: 5,
    }  # fmt: skip
    assert set((await statuses(pool, opened)).values()) == {"to_count"}


async def test_a_category_is_counted_with_those_below_it(pool: Pool) -> None:
    above = await pool.fetchval("INSERT INTO categories (code, name_ru, name_en) VALUES ('a', 'a', 'a') RETURNING id")
    below = await pool.fetchval(
        "INSERT INTO categories (code, name_ru, name_en, parent_id) VALUES ('b', 'b', 'b', $1) RETURNING id", above
    )
    await pool.execute("UPDATE products SET category_id = $1 WHERE id = ANY ($2)", below, [PLUG, WIPER])
    async with transaction(pool) as db:
        opened = await service.open_stocktake(
            db, MANAGER, CENTRE, Scope("category", category_id=above), True, None, None
        )
    assert set(await lines(pool, opened)) == {PLUG}
    await send(pool, opened, asked(1, WIPER))  # nothing was expected of it, but it belongs there
    with pytest.raises(CountsRefused) as refused:
        await send(pool, opened, asked(5, OIL_FILTER))
    assert [one["title"] for one in refused.value.facts["counts"]] == ["Not in the list"]
    assert set(await lines(pool, opened)) == {PLUG, WIPER}


async def test_no_product_is_in_two_open_stocktakes_of_a_store(pool: Pool) -> None:
    first = await open_stocktake(pool, PLUG)
    with pytest.raises(AlreadyBeingCounted) as refused:
        await open_stocktake(pool, PLUG, OIL_FILTER)
    assert refused.value.facts["products"] == [{"product_id": PLUG, "stocktake_id": first.id}]
    await open_stocktake(pool, PLUG, store_id=NORTH, caller=MANAGER)
    others = await open_stocktake(pool, OIL_FILTER)
    await cancel(pool, first)
    whole = await open_stocktake(pool, AIR_FILTER, PLUG)
    await cancel(pool, others)
    await cancel(pool, whole)
    everything, filters = await open_stocktake(pool), await open_stocktake(pool, AIR_FILTER)
    with pytest.raises(CountsRefused) as elsewhere:
        await send(pool, everything, asked(1, AIR_FILTER))
    told = elsewhere.value.facts["counts"][0]
    assert (told["title"], str(filters.id) in told["detail"]) == ("Already being counted", True)


# ------------------------------------------------------------------------------------------------ counts
async def test_what_is_sold_before_and_after_a_count_does_not_disturb_it(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await post(pool, request("sale", 2))
    line = await take(pool, opened, 6)  # the ledger says seven
    assert (line.expected, line.ledger, line.difference, line.status) == (9, 7, -1, "counted")
    await post(pool, request("sale", 4), request("inbound", 10))
    done = await approve(pool, await review(pool, opened))
    assert (done.status, done.surplus, done.shortage, await pieces(pool)) == ("approved", 0, 1, 12)
    row = await pool.fetchrow("SELECT * FROM movements WHERE movement_type = 'adjustment'")
    assert row is not None
    assert (row["delta"], row["related_document"], row["reason"]) == (-1, f"stocktake {opened.id}", "quarterly")
    await assert_ledger_is_clean(pool)


async def test_a_count_of_an_hour_ago_is_compared_with_the_ledger_of_then(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    then = await pool.fetchval("SELECT clock_timestamp()")
    await post(pool, request("sale", 2))
    line = await take(pool, opened, 8, at=then)
    assert (line.ledger, line.difference, line.counted_at) == (9, -1, then)
    await approve(pool, await review(pool, opened))
    assert await pieces(pool) == 6
    await assert_ledger_is_clean(pool)


async def test_a_device_whose_clock_is_wrong_tells_what_it_shows_as_it_sends(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    then = await pool.fetchval("SELECT clock_timestamp()")
    await post(pool, request("sale", 2))
    wrong = timedelta(hours=3)
    now = await pool.fetchval("SELECT clock_timestamp()")
    count = asked(8, at=then + wrong)
    with pytest.raises(CountsRefused) as refused:
        await send(pool, opened, count)
    assert refused.value.facts["counts"][0]["title"] == "No moment to count at"
    [line] = (await send(pool, opened, count, sent_at=now + wrong)).lines
    assert line.counted_at is not None
    assert then <= line.counted_at
    early = asked(8, OIL_FILTER, at=opened.opened_at - timedelta(seconds=1))
    with pytest.raises(CountsRefused):
        await send(pool, opened, early)


async def test_a_count_that_is_sent_again_is_taken_once(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    parts = [asked(4, mode="add", client_id="a"), asked(5, mode="add", client_id="b")]
    first = await send(pool, opened, *parts)
    again = await send(pool, opened, *parts, asked(5, OIL_FILTER, client_id="c"))
    assert [(one.taken, one.repeated) for one in (first, again)] == [(2, 0), (1, 2)]
    assert [line.counted for line in again.lines] == [9, 5]
    with pytest.raises(CountsRefused, match="cannot be taken"):
        await send(pool, opened, asked(5, mode="add", client_id="a"))
    await review(pool, opened)
    assert (await send(pool, opened, *parts)).repeated == 2, "a late copy of what was taken is no error"
    with pytest.raises(NotCounting):
        await send(pool, opened, *parts, asked(1, client_id="d"))
    assert await pool.fetchval("SELECT count(*) FROM stocktake_counts") == 3


async def test_every_count_that_stands_in_the_way_is_named_and_none_is_taken(pool: Pool) -> None:
    opened = await open_stocktake(pool, PLUG)
    await send(pool, opened, asked(9, client_id="a"))
    future = opened.opened_at + timedelta(days=1)
    with pytest.raises(CountsRefused) as refused:
        await send(
            pool, opened, asked(9, client_id="b"), asked(1, UNKNOWN), asked(1, OIL_FILTER), asked(1, at=future),
            asked(8, client_id="a"), asked(1, round=3), asked(7, client_id="b"),
        )  # fmt: skip
    assert [(one["count"], one["title"]) for one in refused.value.facts["counts"]] == [
        (1, "Unknown product"), (2, "Not in the list"), (3, "No moment to count at"),
        (4, "The id was used for something else"), (5, "No such round yet"), (6, "The id was used for something else"),
    ]  # fmt: skip
    assert await pool.fetchval("SELECT count(*) FROM stocktake_counts") == 1
    assert await pool.fetchval("SELECT count(*) FROM inventory") == 3, "no place was left behind"


async def test_two_people_count_two_shelves_and_a_sale_between_them_asks_for_a_recount(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 4, mode="add")
    line = await take(pool, opened, 5, mode="add", caller=OLEG, device="other")
    assert (line.counted, line.difference, line.status) == (9, 0, "counted")
    await take(pool, opened, 2, OIL_FILTER, mode="add")
    await post(pool, request("sale", 1, OIL_FILTER))
    line = await take(pool, opened, 2, OIL_FILTER, mode="add")
    assert (line.counted, line.difference, line.status) == (4, None, "needs_recount")
    line = await take(pool, opened, 4, OIL_FILTER)
    assert (line.difference, line.status) == (0, "counted")


async def test_a_large_difference_is_counted_twice_and_a_third_time_if_asked(pool: Pool) -> None:
    opened = await open_stocktake(pool, above=1)
    assert (await take(pool, opened, 5)).status == "needs_second_count"
    with pytest.raises(NotSettled) as refused:
        await approve(pool, await review(pool, opened))
    assert refused.value.facts == {"lines": {"needs_second_count": 1}, "products": [PLUG]}
    await reopen(pool, opened)
    assert (await take(pool, opened, 7, round=2, caller=OLEG)).status == "agreed"
    with pytest.raises(NotInTheList):
        await ask_again(pool, opened, PLUG, OIL_FILTER)
    await ask_again(pool, opened, PLUG)
    assert (await statuses(pool, opened))[PLUG] == "needs_second_count"
    line = await take(pool, opened, 8, round=3)
    assert (line.status, line.round, line.difference) == ("agreed", 3, -1)
    await approve(pool, await review(pool, opened))
    assert await pieces(pool) == 8
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ review, approval
async def test_what_nobody_counted_stays_unless_somebody_confirms_that_it_is_not_there(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 9)
    with pytest.raises(ConfirmZero) as refused:
        await review(pool, opened, "zero")
    assert refused.value.facts == {"lines": 1, "pieces": 5}
    await review(pool, opened, "zero", True)
    assert (await statuses(pool, opened))[OIL_FILTER] == "zeroed"
    await reopen(pool, opened)
    assert (await statuses(pool, opened))[OIL_FILTER] == "to_count"
    await approve(pool, await review(pool, opened, "zero", True))
    assert (await pieces(pool), await pieces(pool, OIL_FILTER)) == (9, 0)
    left = await open_stocktake(pool, PLUG)
    done = await approve(pool, await review(pool, left))
    assert (done.surplus, done.shortage, await pieces(pool)) == (0, 0, 9)
    await assert_ledger_is_clean(pool)


async def test_what_was_sold_after_it_was_said_not_to_be_there_is_counted_again(pool: Pool) -> None:
    opened = await open_stocktake(pool, OIL_FILTER)
    reviewed = await review(pool, opened, "zero", True)
    await post(pool, request("sale", 1, OIL_FILTER))
    with pytest.raises(WouldBeTooFew) as refused:
        await approve(pool, reviewed)
    assert "count it again" in refused.value.facts["lines"][0]["detail"]
    assert await pieces(pool, OIL_FILTER) == 4


async def test_a_hold_in_the_way_is_named_with_its_holder_and_a_lapsed_one_is_not(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await send(pool, opened, asked(3), asked(4, OIL_FILTER))
    held, gone = await reserve(pool, (HERE, 5)), await lapsed(pool, ((OIL_FILTER, CENTRE), 5))
    reviewed = await review(pool, opened)
    before = await movements(pool)
    with pytest.raises(WouldBeTooFew) as refused:
        await approve(pool, reviewed)
    [told] = refused.value.facts["lines"]
    assert (told["product_id"], told["left"], told["reserved"]) == (PLUG, 3, 5)
    assert told["reservations"] == [{"reservation_id": held.id, "holder": "Иван", "held": 5}]
    assert (await movements(pool), gone.status) == (before, "live")
    await pool.execute("UPDATE reservations SET expires_at = now() WHERE id = $1", held.id)
    await pool.execute("UPDATE reservation_lines SET expires_at = now() WHERE reservation_id = $1", held.id)
    await approve(pool, reviewed)
    assert (await pieces(pool), await pieces(pool, OIL_FILTER)) == (3, 4)
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize("correction", ["adjustment", "reversal"])
async def test_what_was_corrected_since_its_count_needs_another(pool: Pool, correction: str) -> None:
    [sale] = await post(pool, request("sale", 1))
    opened = await open_stocktake(pool)
    await send(pool, opened, asked(9), asked(5, OIL_FILTER))  # the sale never was
    assert (await lines(pool, opened))[PLUG].difference == 1
    if correction == "reversal":
        await reverse(pool, sale.id)
    else:
        await post(pool, request("adjustment", 1))
    reviewed = await review(pool, opened)
    assert (await statuses(pool, opened))[PLUG] == "needs_recount", "whoever reviews sees it"
    with pytest.raises(NotSettled) as refused:
        await approve(pool, reviewed)
    assert refused.value.facts == {"lines": {"needs_recount": 1}, "products": [PLUG]}
    await reopen(pool, opened)
    assert (await take(pool, opened, 9)).difference == 0
    await approve(pool, await review(pool, opened))
    assert await pieces(pool) == 9
    await assert_ledger_is_clean(pool)


async def test_a_correction_between_review_and_approval_is_seen_too_and_may_be_left(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await send(pool, opened, asked(8), asked(4, OIL_FILTER))
    reviewed = await review(pool, opened)
    await post(pool, request("adjustment", -1))
    with pytest.raises(NotSettled):
        await approve(pool, reviewed)
    done = await approve(pool, reviewed, "leave")
    assert (done.shortage, await pieces(pool), await pieces(pool, OIL_FILTER)) == (1, 8, 4)
    assert (await statuses(pool, opened))[PLUG] == "needs_recount"
    await assert_ledger_is_clean(pool)


async def test_a_sale_that_was_posted_and_undone_after_the_count_changes_nothing(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 8)
    [sale] = await post(pool, request("sale", 1))
    await reverse(pool, sale.id)
    await approve(pool, await review(pool, opened))
    assert await pieces(pool) == 8


async def test_a_stocktake_goes_one_way_and_what_has_ended_stays_so(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    for refused in (reopen(pool, opened), approve(pool, opened)):
        with pytest.raises(NotInReview):
            await refused
    reviewed = await review(pool, opened)
    with pytest.raises(NotCounting):
        await review(pool, opened)
    await reopen(pool, opened)
    again = await review(pool, opened)
    with pytest.raises(PreconditionFailed):
        await approve(pool, reviewed)
    await approve(pool, again)
    for ended in (reopen(pool, opened), approve(pool, again)):
        with pytest.raises(NotInReview, match="approved for good"):
            await ended
    with pytest.raises(StocktakeEnded):
        await cancel(pool, opened)
    other = await open_stocktake(pool)
    await cancel(pool, other)
    with pytest.raises(NotCounting, match="cancelled for good"):
        await take(pool, other, 1)


async def test_a_clerk_of_another_store_counts_nothing_here(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    stranger = staff("nina", "clerk", frozenset({NORTH}))
    with pytest.raises(OtherStore):
        await take(pool, opened, 1, caller=stranger)
    with pytest.raises(OtherStore):
        await approve(pool, await review(pool, opened), caller=stranger)


# ------------------------------------------------------------------------------------------------ flags
async def test_what_is_flagged_is_counted_and_the_flag_is_gone_once_that_is_approved(pool: Pool) -> None:
    async with transaction(pool) as db:
        for _ in range(2):
            await recounts.flag_for_recount(
                db, [(BULB, CENTRE), (PLUG, CENTRE), (PLUG, NORTH)], "surplus", "transfer 1"
            )
        opened = await service.open_stocktake(db, MANAGER, CENTRE, Scope("flagged"), True, None, None)
    assert await pool.fetchval("SELECT count(*) FROM recount_flags") == 3
    assert {product: line.expected for product, line in (await lines(pool, opened)).items()} == {PLUG: 9, BULB: 0}
    await send(pool, opened, asked(9), asked(1, BULB))
    async with transaction(pool) as db:  # after the count: this one it does not answer
        await recounts.flag_for_recount(db, [(PLUG, CENTRE)], "found", "found sale 1")
    await approve(pool, await review(pool, opened))
    left = await pool.fetch(
        "SELECT product_id, store_id, source FROM recount_flags WHERE cleared_at IS NULL ORDER BY id"
    )
    assert [tuple(row) for row in left] == [(PLUG, NORTH, "transfer 1"), (PLUG, CENTRE, "found sale 1")]
    assert await pieces(pool, BULB) == 1
    await assert_ledger_is_clean(pool)


async def test_everything_that_happens_is_told(pool: Pool) -> None:
    opened = await open_stocktake(pool)
    await take(pool, opened, 8)
    await ask_again(pool, opened, PLUG)
    await take(pool, opened, 8, round=2)
    await review(pool, opened)
    await reopen(pool, opened)
    await approve(pool, await review(pool, opened))
    told = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.stocktake' ORDER BY id")
    changes = [(row["payload"]["change"], row["payload"]["product_ids"]) for row in told]
    assert changes == [
        ("opened", []), ("counted", [PLUG]), ("asked again", [PLUG]), ("counted", [PLUG]), ("review", []),
        ("reopened", []), ("review", []), ("approved", []),
    ]  # fmt: skip
    assert {tuple(row["payload"]["store_ids"]) for row in told} == {(CENTRE,)}
    done = await pool.fetch("SELECT action, subject, after FROM audit ORDER BY id")
    assert [row["action"] for row in done] == ["review", "reopen", "review", "approve"]
    assert {row["subject"] for row in done} == {f"stocktake:{opened.id}"}
    assert done[-1]["after"] == {"surplus": 0, "shortage": 1, "lines": 1, "reason": "quarterly"}


async def test_what_no_shelf_holds_is_not_counted_in_however_many_parts(pool: Pool) -> None:
    stocktake = await open_stocktake(pool, PLUG)
    parts = [asked(1_000_000, mode="add", client_id=f"part-{number}") for number in range(1_000)]
    assert (await send(pool, stocktake, *parts)).lines[0].counted == 1_000_000_000
    with pytest.raises(TooManyPieces):
        await send(pool, stocktake, *[replace(one, client_id=f"more-{one.client_id}") for one in parts])
    assert (await take(pool, stocktake, 4)).counted == 4
