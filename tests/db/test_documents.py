"""Bulk documents: all lines are posted or none and every reason is told; once, and undone once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoshop.accounts.model import Caller, staff
from autoshop.inventory.levels import store as levels
from autoshop.inventory.transfers import differences
from autoshop.inventory.transfers.model import Found
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Invalid, Refusal
from autoshop.warehouse.documents import jobs, store
from autoshop.warehouse.documents.model import (
    LevelsStay,
)
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.documents import done, keep, line, post_document, refused, undo
from tests.ledger import MANAGER, assert_ledger_is_clean, movements, pieces, post, request, reverse, stock
from tests.levels import let_lapse
from tests.reservations import HERE, reserve

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Ten plugs and ten filters in the centre."""
    await post(pool, request("inbound", 10), request("inbound", 10, OIL_FILTER))
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ('4006209000014', $1)", PLUG)


async def test_a_receipt_is_one_movement_a_product_and_every_line_knows_its_own(pool: Pool) -> None:
    document = await done(
        pool, "receipt", line(PLUG, 3, reason="поддон 1"), line(BULB, 5), line(PLUG, 4, reason="поддон 2")
    )
    assert await stock(pool) == {(PLUG, CENTRE): 17, (OIL_FILTER, CENTRE): 10, (BULB, CENTRE): 5}
    assert document.totals == {
        "lines": 3, "products": 2, "pieces_in": 12, "pieces_out": 0, "movements": 2, "transfers": 0,
        "problems": 0,
    }  # fmt: skip
    rows = await store.lines_page(pool, document.id, 0, 10)
    assert [(one.product_id, one.quantity) for one in rows] == [(PLUG, 3), (BULB, 5), (PLUG, 4)]
    assert rows[0].movement_id == rows[2].movement_id != rows[1].movement_id
    [moved] = await pool.fetch("SELECT * FROM movements WHERE id = $1", rows[0].movement_id)
    assert (moved["movement_type"], moved["delta"], moved["related_document"]) == ("inbound", 7, "УПД-7")
    assert moved["reason"] == "поддон 1; поддон 2"
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize(
    ("kind", "quantity", "left"), [("writeoff", 4, 6), ("adjustment", -4, 6), ("adjustment", 4, 14), ("set", 4, 4)]
)
async def test_each_kind_moves_pieces_its_own_way(pool: Pool, kind: Any, quantity: int, left: int) -> None:
    await done(pool, kind, line(PLUG, quantity))
    assert await pieces(pool) == left
    await assert_ledger_is_clean(pool)


async def test_a_product_goes_by_any_of_its_names(pool: Pool) -> None:
    await pool.execute("INSERT INTO brand_aliases (alias_key, alias, brand_id) VALUES ('нжк', 'НЖК', 1)")
    names: list[dict[str, Any]] = [
        {"sku": f"SKU-{PLUG}"},
        {"barcode": "4006209000014"},
        {"article": "bpr6es11", "brand": "ngk"},
        {"article": "BPR6ES-11", "brand": "НЖК"},
        {"product_id": str(PLUG)},
        {"product_id": PLUG, "sku": "not ours", "article": "unknown", "brand": "unknown"},
    ]
    document = await done(pool, "receipt", *[{**name, "quantity": 1} for name in names])
    assert (await pieces(pool), document.totals["movements"]) == (10 + len(names), 1)


async def test_names_that_lead_to_no_product_or_to_two_are_told_line_by_line(pool: Pool) -> None:
    told = await refused(
        pool,
        "receipt",
        line(UNKNOWN, 1),
        {"sku": f"SKU-{PLUG}", "article": "W 914/2", "brand": "MANN-FILTER", "quantity": 1},
        {"article": "W 914/2", "quantity": 1},
        {"quantity": 1},
        line(PLUG, 1),
        {"article": "--", "brand": "NGK", "quantity": 1},
        {"product_id": "1.5", "quantity": 1},
    )
    assert [(one[0], one[1], one[3]) for one in told] == [
        (1, "", "unknown_product"), (2, "", "names_differ"), (3, "brand", "required"), (4, "", "names_nothing"),
        (6, "article", "no_key"), (7, "product_id", "no_id"),
    ]  # fmt: skip
    assert await pieces(pool) == 10
    await assert_ledger_is_clean(pool)


NO_NUMBERS = {
    ">10": "not_whole", "1-5": "not_whole", "1,5": "not_whole", "1.5": "not_whole", "много": "not_whole",
    "1.000": "thousandths", "-": "dash", "-3": "below_nothing", "0": "zero", "1000001": "too_many_pieces",
    "1E+06": "not_whole", "": "not_whole",
}  # fmt: skip


async def test_what_is_no_number_of_pieces_is_told_with_its_value(pool: Pool) -> None:
    told = await refused(pool, "receipt", *[line(PLUG, text) for text in NO_NUMBERS], {"product_id": PLUG})
    assert [(one[2], one[3]) for one in told] == [*NO_NUMBERS.items(), ("", "required")]
    assert await movements(pool) == 2


async def test_what_is_a_number_of_pieces_is_taken_as_people_write_it(pool: Pool) -> None:
    await done(pool, "receipt", *[line(BULB, text) for text in ("1 200", "12,00", "3 шт.", "1000000")][:3])
    assert await pieces(pool, BULB) == 1215
    await done(pool, "adjustment", line(BULB, "+5"), line(BULB, "-1 000"), line(BULB, "−10"))
    assert await pieces(pool, BULB) == 210
    await done(pool, "set", line(BULB, "0"))
    assert await pieces(pool, BULB) == 0
    assert [one[3] for one in await refused(pool, "adjustment", line(BULB, "0"), line(BULB, "+0"))] == ["zero"] * 2


async def test_lines_of_one_product_are_summed_before_they_are_checked(pool: Pool) -> None:
    told = await refused(pool, "writeoff", line(PLUG, 6), line(OIL_FILTER, 10), line(PLUG, 5))
    assert told == [(1, "quantity", "6", "not_enough", "11 / 10"), (3, "quantity", "5", "not_enough", "11 / 10")]
    assert await stock(pool) == {(PLUG, CENTRE): 10, (OIL_FILTER, CENTRE): 10}
    more = await refused(pool, "receipt", line(PLUG, 600_000), line(PLUG, 600_000))
    assert [one[3:] for one in more] == [("sum_too_many", "1200000")] * 2
    await done(pool, "adjustment", line(PLUG, 5), line(PLUG, -5))
    assert await pieces(pool) == 10
    await assert_ledger_is_clean(pool)


async def test_what_is_held_is_neither_written_off_nor_counted_away(pool: Pool) -> None:
    await reserve(pool, (HERE, 4))
    assert await refused(pool, "writeoff", line(PLUG, 7)) == [(1, "quantity", "7", "not_enough", "7 / 6")]
    assert await refused(pool, "set", line(PLUG, 3)) == [(1, "quantity", "3", "held", "3 / 4")]
    await done(pool, "set", line(PLUG, 4))
    assert await pieces(pool) == 4
    await reserve(pool, ((OIL_FILTER, CENTRE), 9))
    await let_lapse(pool)
    await done(pool, "set", line(OIL_FILTER, 1))
    await assert_ledger_is_clean(pool)


async def test_what_was_sold_since_the_count_stays_sold(pool: Pool) -> None:
    counted_at = datetime.now(UTC)
    await post(pool, request("sale", 3), request("inbound", 2, OIL_FILTER))
    kept = await keep(pool, "set", line(PLUG, 8), line(OIL_FILTER, 12), line(BULB, 0), counted_at=counted_at)
    await post(pool, request("sale", 1))
    document, problems = await post_document(pool, kept)
    assert (problems, await pieces(pool), await pieces(pool, OIL_FILTER)) == ([], 4, 14)
    assert (document.totals["pieces_in"], document.totals["pieces_out"]) == (2, 2)
    told = await refused(pool, "set", line(PLUG, 3), counted_at=counted_at)
    assert told == [(1, "quantity", "3", "moved_since", "-1")]
    again = await done(pool, "set", line(PLUG, 4), line(OIL_FILTER, 14))
    assert again.totals["movements"] == 0, "what is right is left alone"
    await assert_ledger_is_clean(pool)


async def test_where_the_ledger_was_corrected_since_the_count_it_is_counted_again(pool: Pool) -> None:
    [slip] = await post(pool, request("sale", 1))
    counted_at = datetime.now(UTC)
    [sold] = await post(pool, request("sale", 1, OIL_FILTER))
    await reverse(pool, sold.id)
    await done(pool, "set", line(PLUG, 10), line(OIL_FILTER, 10), counted_at=counted_at)
    await reverse(pool, slip.id)
    told = await refused(pool, "set", line(PLUG, 10), line(OIL_FILTER, 10), counted_at=counted_at)
    assert told == [(1, "quantity", "10", "corrected_since", "")]
    await assert_ledger_is_clean(pool)


async def test_pieces_of_a_transfer_that_turn_up_after_the_count_stay(pool: Pool) -> None:
    [sent] = await post(pool, request("transfer", 3, to_store_id=NORTH))
    assert sent.transfer_id is not None
    counted_at = datetime.now(UTC)
    async with transaction(pool) as db:
        await differences.differ(db, MANAGER, sent.transfer_id, [Found(PLUG, 1, "surplus")])
    told = await refused(pool, "set", line(PLUG, 0), store_id=NORTH, counted_at=counted_at)
    assert told == [(1, "quantity", "0", "corrected_since", "")]
    await done(pool, "set", line(PLUG, 1), store_id=NORTH)
    assert await pieces(pool, store_id=NORTH) == 1


@pytest.mark.parametrize("ago", [timedelta(minutes=-1), timedelta(days=8)])
async def test_a_count_lies_in_the_past_and_not_too_far(pool: Pool, ago: timedelta) -> None:
    with pytest.raises(Invalid, match="counted_at"):
        await keep(pool, "set", line(PLUG, 1), counted_at=datetime.now(UTC) - ago)


async def test_levels_come_as_a_document_too(pool: Pool) -> None:
    document = await done(
        pool,
        "levels",
        {"product_id": PLUG, "minimum": "4", "maximum": "12"},
        {"article": "W914/2", "brand": "MANN-FILTER", "minimum": 1},
    )
    found = await levels.list_page(pool, CENTRE, None, None, 10)
    assert [(one.product_id, one.minimum, one.maximum) for one in found] == [(PLUG, 4, 12), (OIL_FILTER, 1, None)]
    assert found[0].source == f"document {document.id}"
    told = await refused(
        pool,
        "levels",
        {"product_id": PLUG, "minimum": "5", "maximum": "4"},
        {"product_id": AIR_FILTER, "minimum": "1"},
        {"product_id": AIR_FILTER, "minimum": "2"},
        {"product_id": BULB, "minimum": ">3"},
        {"product_id": BULB},
    )
    assert [(one[0], one[3]) for one in told] == [
        (1, "below_minimum"), (3, "repeated_product"), (4, "not_whole"), (5, "required"),
    ]  # fmt: skip
    with pytest.raises(LevelsStay):
        await undo(pool, document.id)


# ------------------------------------------------------------------------------------------------ rights
VERA = staff("vera", "clerk", frozenset({CENTRE}))


@pytest.mark.parametrize(
    ("kind", "store_id", "why"),
    [
        ("receipt", NORTH, "do not act for store"),
        ("set", CENTRE, "inventory:approve"),
        ("adjustment", CENTRE, "inventory:approve"),
        ("levels", CENTRE, "levels:write"),
    ],
)
async def test_a_clerk_receives_and_writes_off_at_his_store_only(
    pool: Pool, kind: Any, store_id: int, why: str
) -> None:
    with pytest.raises(Refusal, match=why):
        await keep(pool, kind, line(PLUG, 1), store_id=store_id, caller=VERA)
    document = await done(pool, "receipt", line(PLUG, 1), caller=VERA)
    assert document.actor == "staff:vera"
    with pytest.raises(Refusal, match="do not act"):
        await undo(pool, document.id, staff("oleg", "clerk", frozenset({NORTH})))


async def test_the_worker_has_the_rights_that_the_sender_had(pool: Pool) -> None:
    kept = await keep(pool, "receipt", line(PLUG, 1), caller=VERA)
    found = await store.find(pool, kept.id)
    assert found is not None
    assert found.caller == Caller("staff", "vera", VERA.scopes, VERA.store_ids)
    await pool.execute("UPDATE bulk_documents SET scopes = '{inventory:read}'")
    ended, problems = await post_document(pool, kept)
    assert (ended.state, [one.code for one in problems], await pieces(pool)) == ("refused", ["not_allowed"], 10)


async def test_whoever_watches_hears_of_every_end(pool: Pool) -> None:
    document = await done(pool, "receipt", line(PLUG, 1))
    await refused(pool, "receipt", line(UNKNOWN, 1))
    await undo(pool, document.id)
    rows = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.document' ORDER BY id")
    told = [(row["payload"]["change"], row["payload"]["store_id"], row["payload"]["lines"]) for row in rows]
    assert told == [("done", CENTRE, 1), ("refused", CENTRE, 1), ("undone", CENTRE, 1)]


async def test_what_was_refused_long_ago_is_forgotten(pool: Pool) -> None:
    await refused(pool, "receipt", line(UNKNOWN, 1))
    document = await done(pool, "receipt", line(PLUG, 1))
    await pool.execute("UPDATE bulk_documents SET finished_at = now() - interval '91 days'")
    await jobs.forget(pool)
    assert [one.id for one in await store.list_page(pool, {}, 10)] == [document.id]
