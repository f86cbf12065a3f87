"""Returns: never more comes back than was sold, whoever counts and in whatever order."""

import psycopg
import pytest

from autoshop.accounts.model import MissingScope, OtherStore, staff
from autoshop.inventory.movements.model import (
    BatchRefused,
    InsufficientStock,
    PartOfReturn,
    SaleReturned,
    UnknownProduct,
    UnknownStore,
)
from autoshop.inventory.returns.model import (
    AlreadyReversed,
    MoreThanSold,
    NotASale,
    NotSoldWithIt,
    SaleReversed,
    TooManySales,
    UnknownReturn,
    UnknownSale,
)
from autoshop.inventory.stock.service import check_ledger
from autoshop.kit.db import Pool
from autoshop.kit.errors import Refusal
from tests.cast import AIR_FILTER, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import Database
from tests.ledger import assert_ledger_is_clean, movements, pieces, post, request, reverse, stock
from tests.returns import bring_back, look, returnable, send_back, sold, undo

pytestmark = pytest.mark.anyio

VERA = staff("vera", "clerk", frozenset({CENTRE}))
OLEG = staff("oleg", "clerk", frozenset({NORTH}))


# ------------------------------------------------------------------------------------------------ from customers
async def test_what_was_not_sold_does_not_come_back(pool: Pool) -> None:
    [sale] = await sold(pool, 3)
    [inbound] = await post(pool, request("inbound", 1, OIL_FILTER))
    before = await movements(pool)
    refused: list[tuple[int | str, tuple[int, int], type[Refusal]]] = [
        (sale, (PLUG, 4), MoreThanSold),
        (sale, (OIL_FILTER, 1), NotSoldWithIt),
        (inbound.id, (OIL_FILTER, 1), NotASale),
        (UNKNOWN, (PLUG, 1), UnknownSale),
        ("check-1", (PLUG, 4), MoreThanSold),
        ("check-1", (OIL_FILTER, 1), UnknownSale),
        ("no such check", (PLUG, 1), UnknownSale),
    ]
    for of, line, refusal in refused:
        with pytest.raises(refusal):
            await bring_back(pool, of, line)
    with pytest.raises(UnknownStore):
        await bring_back(pool, sale, (PLUG, 1), store_id=UNKNOWN)
    with pytest.raises(OtherStore):
        await bring_back(pool, sale, (PLUG, 1), caller=OLEG)
    assert await movements(pool) == before
    assert await pool.fetchval("SELECT count(*) FROM returns") == 0
    assert await pool.fetchval("SELECT count(*) FROM sale_returns") == 0


async def test_pieces_come_back_in_parts_and_never_more_than_were_sold(pool: Pool) -> None:
    [sale] = await sold(pool, 3)
    first = await bring_back(pool, sale, (PLUG, 2))
    assert (first.status, first.unlinked, first.related_document) == ("posted", False, "check-1")
    assert [(line.quantity, line.sale_id, line.writeoff_id) for line in first.lines] == [(2, sale, None)]
    with pytest.raises(MoreThanSold, match="Asked for 2; of 3 sold, 2 came back before, so at most 1 may"):
        await bring_back(pool, "check-1", (PLUG, 2))
    await bring_back(pool, sale, (PLUG, 1))
    with pytest.raises(MoreThanSold):
        await bring_back(pool, sale, (PLUG, 1))
    assert await pieces(pool) == 3
    await assert_ledger_is_clean(pool)


async def test_the_lines_of_one_return_share_what_was_sold(pool: Pool) -> None:
    [sale] = await sold(pool, 3)
    with pytest.raises(BatchRefused) as refused:
        await bring_back(pool, sale, (PLUG, 2), (PLUG, 2, "damaged"), (OIL_FILTER, 1))
    told = [(line["line"], line["title"]) for line in refused.value.facts["lines"]]
    assert told == [(1, "More than was sold"), (2, "Not sold with that")]
    assert await pieces(pool) == 0
    await bring_back(pool, sale, (PLUG, 2), (PLUG, 1, "damaged"))
    assert await pieces(pool) == 2


async def test_any_store_takes_back_what_another_sold(pool: Pool) -> None:
    [sale] = await sold(pool, 2)
    await bring_back(pool, sale, (PLUG, 1), store_id=NORTH, caller=OLEG)
    assert await stock(pool) == {(PLUG, NORTH): 1}
    [left] = await returnable(pool, sale)
    assert (left.store_id, left.sold, left.returned, left.returnable) == (CENTRE, 2, 1, 1)
    await assert_ledger_is_clean(pool)


async def test_what_cannot_be_sold_again_comes_in_and_is_written_off_at_once(pool: Pool) -> None:
    [sale] = await sold(pool, 2)
    back = await bring_back(pool, sale, (PLUG, 2, "defective"))
    assert await pieces(pool) == 0
    rows = await pool.fetch("SELECT id, movement_type, delta, reason FROM movements WHERE id > $1 ORDER BY id", sale)
    assert [tuple(row)[1:] for row in rows] == [
        ("return", 2, "не подошло"), ("writeoff", -2, "defective: не подошло"),
    ]  # fmt: skip
    assert (back.lines[0].movement_id, back.lines[0].writeoff_id) == (rows[0]["id"], rows[1]["id"])
    await assert_ledger_is_clean(pool)


async def test_under_a_document_the_oldest_sale_is_counted_first(pool: Pool) -> None:
    first, second = await sold(pool, 2, 3)
    back = await bring_back(pool, "check-1", (PLUG, 4))
    assert [(line.sale_id, line.quantity) for line in back.lines] == [(first, 2), (second, 2)]
    assert [(sale.id, sale.returnable) for sale in await returnable(pool, "check-1")] == [(first, 0), (second, 1)]
    await assert_ledger_is_clean(pool)


async def test_a_document_with_very_many_sales_is_not_searched(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    await sold(pool, 1, 1, 1)
    monkeypatch.setattr("autoshop.inventory.returns.service.MOST_SALES", 2)
    with pytest.raises(TooManySales):
        await bring_back(pool, "check-1", (PLUG, 1))


async def test_without_a_receipt_only_who_may_approve_it_takes_back(pool: Pool) -> None:
    with pytest.raises(MissingScope):
        await bring_back(pool, None, (PLUG, 1), caller=VERA)
    with pytest.raises(UnknownProduct):
        await bring_back(pool, None, (UNKNOWN, 1))
    back = await bring_back(pool, None, (PLUG, 1), (OIL_FILTER, 2, "damaged"))
    assert (back.unlinked, [line.sale_id for line in back.lines]) == (True, [None, None])
    assert await stock(pool) == {(PLUG, CENTRE): 1}
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ sale and return
async def test_a_sale_of_which_pieces_came_back_is_not_undone(pool: Pool) -> None:
    [sale] = await sold(pool, 2)
    back = await bring_back(pool, sale, (PLUG, 1))
    with pytest.raises(SaleReturned):
        await reverse(pool, sale)
    assert await pieces(pool) == 1
    await undo(pool, back)
    await reverse(pool, sale)
    assert await pieces(pool) == 2
    await assert_ledger_is_clean(pool)


async def test_nothing_comes_back_of_a_sale_that_was_undone(pool: Pool) -> None:
    first, second = await sold(pool, 2, 1)
    await reverse(pool, first)
    with pytest.raises(SaleReversed):
        await bring_back(pool, first, (PLUG, 1))
    with pytest.raises(MoreThanSold, match="of 1 sold"):
        await bring_back(pool, "check-1", (PLUG, 2))
    back = await bring_back(pool, "check-1", (PLUG, 1))
    assert back.lines[0].sale_id == second
    await assert_ledger_is_clean(pool)


async def test_a_movement_of_a_return_is_not_undone_alone(pool: Pool) -> None:
    [sale] = await sold(pool, 2)
    back = await bring_back(pool, sale, (PLUG, 1), (PLUG, 1, "damaged"))
    await post(pool, request("inbound", 1, AIR_FILTER))
    sent = await send_back(pool, (AIR_FILTER, 1))
    of_documents = [back.lines[0].movement_id, back.lines[1].movement_id, back.lines[1].writeoff_id]
    for movement_id in (*of_documents, sent.lines[0].movement_id):
        assert movement_id is not None
        with pytest.raises(PartOfReturn, match="undo that as a whole"):
            await reverse(pool, movement_id)
    # What was posted without a document is undone as ever.
    [plain] = await post(pool, request("return", 1, AIR_FILTER))
    assert (await reverse(pool, plain.id)).delta == -1


async def test_a_return_is_undone_as_a_whole_and_once(pool: Pool) -> None:
    [sale] = await sold(pool, 3)
    back = await bring_back(pool, sale, (PLUG, 1), (PLUG, 2, "damaged"), store_id=NORTH)
    with pytest.raises(OtherStore):
        await undo(pool, back, caller=VERA)
    undone = await undo(pool, back)
    assert (undone.status, undone.reversed_by, undone.reversal_reason) == ("reversed", "trust:manager", "ошибка")
    assert await stock(pool) == {}
    assert [one.returnable for one in await returnable(pool, sale)] == [3]
    with pytest.raises(AlreadyReversed):
        await undo(pool, back)
    await bring_back(pool, sale, (PLUG, 3))
    await assert_ledger_is_clean(pool)


async def test_a_return_whose_pieces_were_sold_again_is_not_undone(pool: Pool) -> None:
    [sale] = await sold(pool, 1)
    back = await bring_back(pool, sale, (PLUG, 1))
    await post(pool, request("sale", 1))
    with pytest.raises(InsufficientStock):
        await undo(pool, back)
    assert (await look(pool, "customer", back.id)).status == "posted"
    assert [one.returnable for one in await returnable(pool, sale)] == [0]
    await assert_ledger_is_clean(pool)


async def test_the_table_itself_refuses_more_than_was_sold(pool: Pool, database: Database) -> None:
    [sale] = await sold(pool, 2)
    await bring_back(pool, sale, (PLUG, 1))
    with psycopg.connect(database.owner_url) as db:
        for change in ("returned = 3", "returned = -1", "reversed = true"):
            with pytest.raises(psycopg.errors.CheckViolation), db.transaction():
                db.execute(f"UPDATE sale_returns SET {change}")


async def test_the_recount_finds_a_return_that_was_not_counted(pool: Pool, database: Database) -> None:
    [sale] = await sold(pool, 2)
    await bring_back(pool, sale, (PLUG, 1))
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE sale_returns SET returned = 0")
    check = await check_ledger(pool, balances=False)
    assert [(one["what"], one["written"], one["counted"]) for one in check.examples] == [("returned", 0, 1)]


# ------------------------------------------------------------------------------------------------ to suppliers
async def test_what_does_not_lie_there_is_not_sent_back(pool: Pool) -> None:
    await post(pool, request("inbound", 2))
    with pytest.raises(InsufficientStock):
        await send_back(pool, (PLUG, 3))
    with pytest.raises(BatchRefused):
        await send_back(pool, (PLUG, 1), (OIL_FILTER, 1))
    with pytest.raises(UnknownProduct):
        await send_back(pool, (UNKNOWN, 1))
    with pytest.raises(OtherStore):
        await send_back(pool, (PLUG, 1), caller=OLEG)
    assert (await pieces(pool), await pool.fetchval("SELECT count(*) FROM returns")) == (2, 0)


async def test_pieces_go_back_to_the_supplier_and_all_of_it_is_undone(pool: Pool) -> None:
    await post(pool, request("inbound", 2), request("inbound", 1, OIL_FILTER))
    sent = await send_back(pool, (PLUG, 2), (OIL_FILTER, 1), caller=VERA)
    assert (sent.kind, sent.supplier, sent.note) == ("supplier", "Авто-Опт", "брак")
    rows = await pool.fetch(
        "SELECT delta, related_document, reason FROM movements WHERE movement_type = 'supplier_return'"
    )
    assert [tuple(row) for row in rows] == [
        (-2, f"supplier return {sent.id}", "брак"),
        (-1, f"supplier return {sent.id}", "брак"),
    ]
    with pytest.raises(UnknownReturn):
        await look(pool, "customer", sent.id)
    assert await stock(pool) == {}
    await undo(pool, sent)
    assert await stock(pool) == {(PLUG, CENTRE): 2, (OIL_FILTER, CENTRE): 1}
    await assert_ledger_is_clean(pool)
