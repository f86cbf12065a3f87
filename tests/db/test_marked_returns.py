"""A marked unit comes back once, together with its piece; it is undone or comes back, never both."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from autoshop.inventory.marks.model import MarkNotSold, MarkSold, mark_of
from autoshop.inventory.marks.store import sell
from autoshop.inventory.movements.model import BatchRefused, SaleReturned
from autoshop.inventory.returns import service
from autoshop.inventory.returns.model import MarksNeeded, SaleOf, SoldAnew, Wanted
from autoshop.inventory.transfers import posting
from autoshop.kit import idempotency
from autoshop.kit.db import Connection, Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, request, reverse
from tests.marks import away, bring_marked, mark, sold_marked, wanted, with_marks
from tests.returns import bring_back, returnable, undo
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 10), request("inbound", 10, store_id=NORTH), request("inbound", 10, OIL_FILTER))


async def test_a_piece_comes_back_with_its_unit_and_both_are_sold_again(pool: Pool) -> None:
    sale = await sold_marked(pool, 1, 2)
    back = await bring_marked(pool, wanted(mark(1)), sale=SaleOf(sale))
    assert [(line.sale_id, line.quantity) for line in back.lines] == [(sale, 1)]
    assert (await away(pool), await pieces(pool)) == ([("SERIAL0000002", sale)], 9)
    assert [(one.returned, one.returnable) for one in await returnable(pool, sale)] == [(1, 1)]
    anew = await sold_marked(pool, 1)
    assert await away(pool) == [("SERIAL0000001", anew), ("SERIAL0000002", sale)]
    assert await pieces(pool) == 8
    told = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.marks' ORDER BY id")
    assert [(row["payload"]["change"], row["payload"]["movement_id"], row["payload"]["marks"]) for row in told] == [
        ("sold", sale, 2), ("returned", back.lines[0].movement_id, 1), ("sold", anew, 1),
    ]  # fmt: skip
    await assert_ledger_is_clean(pool)


async def test_a_unit_comes_back_once(pool: Pool) -> None:
    sale = await sold_marked(pool, 1, 2)
    await bring_marked(pool, wanted(mark(1)), store_id=NORTH)
    for named in (None, SaleOf(sale)):
        with pytest.raises(MarkNotSold):
            await bring_marked(pool, wanted(mark(1)), sale=named)
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 19
    await assert_ledger_is_clean(pool)


async def test_what_comes_back_was_sold_as_that_product(pool: Pool) -> None:
    await sold_marked(pool, 1)
    with pytest.raises(MarkNotSold, match=f"No sale of product {OIL_FILTER}"):
        await bring_marked(pool, wanted(mark(1), product_id=OIL_FILTER))


async def test_the_marks_say_which_sale_it_was_though_an_older_one_is_of_the_same_document(pool: Pool) -> None:
    first, second = [await sold_marked(pool, *numbers, document="check-1") for numbers in ((1, 2), (3, 4))]
    for named in (SaleOf(related_document="check-1"), None):
        back = await bring_marked(pool, wanted(mark(4)), sale=named)
        assert [(line.sale_id, line.quantity) for line in back.lines] == [(second, 1)]
        assert (back.unlinked, back.related_document) == (False, "check-1")
        assert [one.returned for one in await returnable(pool, "check-1")] == [0, 1]
        await undo(pool, back)
    assert [one.returned for one in await returnable(pool, first)] == [0]
    await assert_ledger_is_clean(pool)


async def test_units_of_one_line_that_two_sales_took_come_back_out_of_each(pool: Pool) -> None:
    first, second = (
        await sold_marked(pool, 1, 3, document="a"),
        await sold_marked(pool, 2, store_id=NORTH, document="b"),
    )
    back = await bring_marked(pool, wanted(mark(3), mark(2), mark(1)))
    assert [(line.sale_id, line.quantity) for line in back.lines] == [(first, 2), (second, 1)]
    assert back.related_document is None
    rows = await pool.fetch("SELECT sale_id, return_id FROM sold_marks ORDER BY serial")
    of_first, of_second = (line.movement_id for line in back.lines)
    assert [tuple(row) for row in rows] == [(first, of_first), (second, of_second), (first, of_first)]
    await assert_ledger_is_clean(pool)


async def test_what_is_damaged_comes_back_and_is_written_off_and_its_unit_is_free(pool: Pool) -> None:
    await sold_marked(pool, 1)
    await bring_marked(pool, Wanted(PLUG, 1, "damaged", marks=[mark(1)]))
    assert (await away(pool), await pieces(pool)) == ([], 9)
    await assert_ledger_is_clean(pool)


async def test_a_marked_piece_does_not_come_back_without_its_mark(pool: Pool) -> None:
    sale = await sold_marked(pool, 1, 2)
    with pytest.raises(MarksNeeded, match="Of 2 that may come back, 2 are marked: scan the marks"):
        await bring_back(pool, sale, (PLUG, 1))
    with pytest.raises(BatchRefused) as half:
        await bring_marked(pool, wanted(mark(1)), Wanted(PLUG, 1, "resaleable"), sale=SaleOf(sale))
    assert [(line["line"], line["title"]) for line in half.value.facts["lines"]] == [(1, "Scan the marks")]
    await bring_marked(pool, wanted(mark(1)), sale=SaleOf(sale))
    with pytest.raises(MarksNeeded, match="Of 1 that may come back, 1 are marked"):
        await bring_back(pool, sale, (PLUG, 1))
    assert (await away(pool), await pieces(pool)) == ([("SERIAL0000002", sale)], 9)
    await assert_ledger_is_clean(pool)


async def test_of_a_document_pieces_without_a_mark_come_out_of_the_sale_that_had_none(pool: Pool) -> None:
    marked = await sold_marked(pool, 1, 2, document="check-1")
    [plain] = await post(pool, request("sale", 2, document="check-1"))
    back = await bring_marked(
        pool, Wanted(PLUG, 1, "resaleable"), wanted(mark(2)), sale=SaleOf(related_document="check-1")
    )
    assert [line.sale_id for line in back.lines] == [plain.id, marked]
    with pytest.raises(MarksNeeded):
        await bring_back(pool, "check-1", (PLUG, 2))
    back = await bring_back(pool, "check-1", (PLUG, 1))
    assert [line.sale_id for line in back.lines] == [plain.id]
    await assert_ledger_is_clean(pool)


async def test_who_reverses_a_return_has_its_units_sold_again(pool: Pool) -> None:
    sale = await sold_marked(pool, 1, 2, 3)
    back = await bring_marked(pool, wanted(mark(3)), wanted(mark(1)))
    await undo(pool, back)
    assert await away(pool) == [(f"SERIAL000000{number}", sale) for number in (1, 2, 3)]
    assert [one.returnable for one in await returnable(pool, sale)] == [3]
    told = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.marks' ORDER BY id")
    assert [(row["payload"]["change"], row["payload"]["marks"]) for row in told][-2:] == [("sold", 1), ("sold", 1)]
    await bring_marked(pool, wanted(mark(3)))
    with pytest.raises(SaleReturned):
        await reverse(pool, sale)
    await assert_ledger_is_clean(pool)


async def test_a_return_of_a_unit_that_was_sold_anew_is_not_reversed(pool: Pool) -> None:
    sale = await sold_marked(pool, 1, 2)
    back = await bring_marked(pool, wanted(mark(1), mark(2)))
    anew = await sold_marked(pool, 2)
    with pytest.raises(MarkSold, match=f"sold by movement {anew}"):
        await undo(pool, back)
    assert (await away(pool), await pieces(pool)) == ([("SERIAL0000002", anew)], 9)
    assert [one.returned for one in await returnable(pool, sale)] == [2]
    await assert_ledger_is_clean(pool)


async def test_a_unit_of_a_sale_that_was_reversed_does_not_come_back(pool: Pool) -> None:
    sale = await sold_marked(pool, 1)
    await reverse(pool, sale)
    for named in (None, SaleOf(sale)):
        with pytest.raises(MarkNotSold):
            await bring_marked(pool, wanted(mark(1)), sale=named)
    await assert_ledger_is_clean(pool)


async def test_of_many_who_bring_one_unit_back_one_does(pool: Pool) -> None:
    sale = await sold_marked(pool, 1, 2)
    answers = await asyncio.gather(
        *[
            bring_marked(pool, wanted(mark(1)), sale=named, store_id=store_id)
            for store_id in (CENTRE, NORTH)
            for named in (None, SaleOf(sale))
            for _ in "12"
        ],
        return_exceptions=True,
    )
    assert outcomes(answers) == {"Return": 1, "MarkNotSold": 7}
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 19
    assert [one.returned for one in await returnable(pool, sale)] == [1]
    await assert_ledger_is_clean(pool)


async def test_who_brings_a_unit_back_while_another_does_hears_that_it_is_back(pool: Pool) -> None:
    await sold_marked(pool, 1, 2)
    async with transaction(pool) as first:
        await service.take_back(first, MANAGER, CENTRE, [wanted(mark(1))], None, None, None)
        late = asyncio.create_task(bring_marked(pool, wanted(mark(1)), store_id=NORTH))
        await waiting_for_locks(pool, 1)
    with pytest.raises(MarkNotSold):
        await late
    assert await pieces(pool, store_id=NORTH) == 10
    await assert_ledger_is_clean(pool)


async def test_a_sale_of_units_is_undone_or_one_comes_back_but_not_both(pool: Pool) -> None:
    for number in range(10):
        sale = await sold_marked(pool, number, number + 100)
        named = SaleOf(sale) if number % 2 else None
        answers = await asyncio.gather(
            reverse(pool, sale),
            bring_marked(pool, wanted(mark(number)), sale=named, store_id=NORTH),
            return_exceptions=True,
        )
        assert outcomes(answers) in ({"Movement": 1, "MarkNotSold": 1}, {"SaleReturned": 1, "Return": 1}), answers
    await assert_ledger_is_clean(pool)


async def test_who_undoes_a_sale_while_a_unit_comes_back_and_the_other_way_round_hears_of_it(pool: Pool) -> None:
    sale = await sold_marked(pool, 1)
    async with transaction(pool) as first:
        back = await service.take_back(first, MANAGER, NORTH, [wanted(mark(1))], None, None, None)
        late = asyncio.create_task(reverse(pool, sale))
        await waiting_for_locks(pool, 1)
    with pytest.raises(SaleReturned):
        await late
    await undo(pool, back)
    async with transaction(pool) as first:
        await posting.reverse(first, MANAGER, sale, None)
        later = asyncio.create_task(bring_marked(pool, wanted(mark(1)), store_id=NORTH))
        await waiting_for_locks(pool, 1)
    with pytest.raises(MarkNotSold):
        await later
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 20
    await assert_ledger_is_clean(pool)


async def test_a_unit_that_was_sold_anew_meanwhile_comes_back_when_the_same_is_sent_again(pool: Pool) -> None:
    await sold_marked(pool, 1)
    key = idempotency.key_for("staff:vera", "back-1", "POST", "/returns", b"{}")

    async def verb(db: Connection) -> dict[str, Any]:
        back = await service.take_back(db, MANAGER, CENTRE, [wanted(mark(1))], None, None, None)
        return {"sale_id": back.lines[0].sale_id}

    async with transaction(pool) as first:
        await service.take_back(first, MANAGER, CENTRE, [wanted(mark(1))], None, None, None)
        late = asyncio.create_task(idempotency.once(pool, key, verb))
        await waiting_for_locks(pool, 1)
        [anew] = await posting.post_requests(
            first, MANAGER, [with_marks("sale", mark(1), store_id=NORTH)], datetime.now(UTC)
        )
    with pytest.raises(SoldAnew, match="send the same again"):
        await late
    assert (await idempotency.once(pool, key, verb)).document == {"sale_id": anew.id}
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 20
    await assert_ledger_is_clean(pool)


async def test_who_reverses_a_return_and_who_sells_its_units_do_not_wait_in_a_circle(pool: Pool) -> None:
    [other] = await post(pool, request("sale", 1))
    await sold_marked(pool, 1, 2, 3)
    back = await bring_marked(pool, wanted(mark(3)), wanted(mark(2)), wanted(mark(1)))
    async with pool.acquire() as db:
        stranger = db.transaction()  # holds the unit in the middle, and lets it go
        await stranger.start()
        held = mark_of(mark(2))
        assert held is not None
        await sell(db, [(held, other)])
        selling = asyncio.create_task(
            post(pool, with_marks("sale", *[mark(number) for number in (1, 2, 3)], store_id=NORTH))
        )
        await waiting_for_locks(pool, 1)
        undoing = asyncio.create_task(undo(pool, back))
        await waiting_for_locks(pool, 2)
        await stranger.rollback()
    answers = await asyncio.gather(selling, undoing, return_exceptions=True)
    assert outcomes(answers) == {"list": 1, "MarkSold": 1}
    await assert_ledger_is_clean(pool)
