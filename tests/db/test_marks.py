"""Marked units: each is sold once until it comes back, whoever else tries, and only with a mark of its product."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from autoshop.inventory.marks import store
from autoshop.inventory.marks.model import mark_of
from autoshop.inventory.movements.model import Movement, MovementRequest, MovementType, SaleReturned
from autoshop.inventory.transfers import posting
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Refusal
from autoshop.kit.gs1 import GS
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, request, reverse
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

GTIN, OTHER_GTIN = "04601234567893", "04607023704531"
MOVEMENT = "/api/v1/inventory/movement"
MARKS = "/api/v1/inventory/marks"


def mark(number: int, gtin: str = GTIN) -> str:
    return f"01{gtin}21SERIAL{number:07}{GS}91FFD0{GS}92{'a' * 43}="


def with_marks(kind: MovementType, *marks: str, product_id: int = PLUG, store_id: int = CENTRE) -> MovementRequest:
    return MovementRequest(
        product_id=product_id, store_id=store_id, movement_type=kind, quantity=len(marks), marks=list(marks)
    )


async def away(pool: Pool) -> list[tuple[str, int]]:
    """Which units are sold, and by which movement."""
    rows = await pool.fetch("SELECT serial, sale_id FROM sold_marks WHERE returned_at IS NULL ORDER BY serial")
    return [(row["serial"], row["sale_id"]) for row in rows]


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 10), request("inbound", 10, store_id=NORTH), request("inbound", 10, OIL_FILTER))


async def refused(pool: Pool, *requests: MovementRequest) -> str:
    """The title of the refusal; nothing moved and nothing was written down."""
    before = await away(pool), await pieces(pool), await pool.fetchval("SELECT count(*) FROM movements")
    with pytest.raises(Refusal) as no:
        await post(pool, *requests)
    assert (await away(pool), await pieces(pool), await pool.fetchval("SELECT count(*) FROM movements")) == before
    return no.value.title


async def test_a_unit_is_sold_once_until_it_comes_back(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1), mark(2)))
    assert await away(pool) == [("SERIAL0000001", sold.id), ("SERIAL0000002", sold.id)]
    assert await refused(pool, with_marks("sale", mark(3), mark(1))) == "That unit is sold"
    [back] = await post(pool, with_marks("return", mark(1), store_id=NORTH))
    assert await away(pool) == [("SERIAL0000002", sold.id)]
    assert await refused(pool, with_marks("return", mark(1))) == "That unit is not sold"
    [again] = await post(pool, with_marks("sale", mark(1), store_id=NORTH))
    assert await away(pool) == [("SERIAL0000001", again.id), ("SERIAL0000002", sold.id)]
    history = await pool.fetch(
        "SELECT sale_id, return_id, mark FROM sold_marks WHERE serial LIKE '%1' ORDER BY sale_id"
    )
    assert [tuple(row) for row in history] == [(sold.id, back.id, mark(1)), (again.id, None, mark(1))]
    told = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.marks' ORDER BY id")
    assert [(row["payload"]["change"], row["payload"]["marks"]) for row in told] == [
        ("sold", 2), ("returned", 1), ("sold", 1),
    ]  # fmt: skip
    await assert_ledger_is_clean(pool)


async def test_however_it_is_scanned_it_is_the_same_unit(pool: Pool) -> None:
    await post(pool, with_marks("sale", mark(1).replace(GS, "")))
    assert await refused(pool, with_marks("sale", f"]d2{mark(1)}")) == "That unit is sold"
    assert await pool.fetchval("SELECT mark FROM sold_marks") == mark(1)


async def test_a_mark_belongs_to_its_product(pool: Pool) -> None:
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ('4601234567893', $1)", PLUG)
    assert await refused(pool, with_marks("sale", mark(1), product_id=OIL_FILTER)) == "The mark is of another product"
    assert await refused(pool, with_marks("sale", mark(1, OTHER_GTIN))) == "The mark is of another product"
    await post(pool, with_marks("sale", mark(1)))
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ('OWN-1', $1)", OIL_FILTER)
    await post(pool, with_marks("sale", mark(1, OTHER_GTIN), product_id=OIL_FILTER))  # no GTIN is known of it
    assert len(await away(pool)) == 2


async def test_what_is_brought_back_was_sold_as_that_product(pool: Pool) -> None:
    await post(pool, with_marks("sale", mark(1)))
    assert await refused(pool, with_marks("return", mark(1), product_id=OIL_FILTER)) == "That unit is not sold"


async def test_a_sale_that_is_reversed_frees_its_units_and_a_reversed_return_does_not(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1), mark(2)))
    [back] = await post(pool, with_marks("return", mark(2)))
    [anew] = await post(pool, with_marks("sale", mark(2)))
    with pytest.raises(Refusal, match=f"sold by movement {anew.id}"):
        await reverse(pool, back.id)
    await reverse(pool, anew.id)
    await reverse(pool, back.id)
    assert await away(pool) == [("SERIAL0000001", sold.id), ("SERIAL0000002", sold.id)]
    undone = await reverse(pool, sold.id)
    assert await away(pool) == []
    rows = await pool.fetch("SELECT return_id FROM sold_marks WHERE sale_id = $1", sold.id)
    assert [row["return_id"] for row in rows] == [undone.id, undone.id]
    await assert_ledger_is_clean(pool)


async def test_a_sale_is_not_undone_once_a_unit_of_it_came_back(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1), mark(2)))
    await post(pool, with_marks("return", mark(2), store_id=NORTH))
    with pytest.raises(SaleReturned):
        await reverse(pool, sold.id)
    assert await away(pool) == [("SERIAL0000001", sold.id)]
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 19


async def test_a_sale_is_undone_or_its_unit_comes_back_elsewhere_but_not_both(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1)))
    async with transaction(pool) as db:
        await posting.post_requests(db, MANAGER, [with_marks("return", mark(1), store_id=NORTH)], datetime.now(UTC))
        late = asyncio.create_task(reverse(pool, sold.id))
        await waiting_for_locks(pool, 1)
    with pytest.raises(SaleReturned):
        await late
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 20


async def test_of_two_tills_that_sell_one_unit_one_is_refused(pool: Pool) -> None:
    answers = await asyncio.gather(
        *(post(pool, with_marks("sale", mark(1), mark(2), store_id=store)) for store in (CENTRE, NORTH) for _ in "12"),
        return_exceptions=True,
    )
    assert outcomes(answers) == {"list": 1, "MarkSold": 3}
    assert len(await away(pool)) == 2
    await assert_ledger_is_clean(pool)


async def test_two_batches_with_the_same_units_in_another_order_do_not_wait_in_a_circle(pool: Pool) -> None:
    [other] = await post(pool, request("sale", 1))
    units = [mark(number) for number in (1, 2, 3)]
    async with pool.acquire() as db:
        stranger = db.transaction()  # holds the unit in the middle, and lets it go
        await stranger.start()
        held = mark_of(units[1])
        assert held is not None
        await store.sell(db, [(held, other)])
        racing = [
            asyncio.create_task(post(pool, with_marks("sale", *marks, store_id=store_id)))
            for store_id, marks in ((CENTRE, units), (NORTH, units[::-1]))
        ]
        await waiting_for_locks(pool, 2)
        await stranger.rollback()
    answers = await asyncio.gather(*racing, return_exceptions=True)
    assert outcomes(answers) == {"list": 1, "MarkSold": 1}
    await assert_ledger_is_clean(pool)


async def test_a_return_that_comes_while_another_is_under_way_finds_nothing(pool: Pool) -> None:
    await post(pool, with_marks("sale", mark(1)))
    async with transaction(pool) as db:
        await posting.post_requests(db, MANAGER, [with_marks("return", mark(1))], datetime.now(UTC))
        late = asyncio.create_task(post(pool, with_marks("return", mark(1), store_id=NORTH)))
        await waiting_for_locks(pool, 1)
    [answer] = await asyncio.gather(late, return_exceptions=True)
    assert type(answer).__name__ == "MarkNotSold"
    assert await pieces(pool, PLUG, NORTH) == 10
    await assert_ledger_is_clean(pool)


SALE = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1, "marks": [mark(1)]}
BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "two marks for one piece": ({**SALE, "marks": [mark(1), mark(2)]}, 422, "each piece has its own"),
    "one mark for two pieces": ({**SALE, "quantity": 2}, 422, "each piece has its own"),
    "no marks in the list": ({**SALE, "marks": []}, 422, "each piece has its own"),
    "one unit twice": ({**SALE, "quantity": 2, "marks": [mark(1), mark(1)]}, 422, "there twice"),
    "on an inbound": ({**SALE, "movement_type": "inbound"}, 422, "only a sale or a return"),
    "on an adjustment": ({**SALE, "movement_type": "adjustment", "quantity": -1}, 422, "only a sale or a return"),
    "on a shipment": ({**SALE, "movement_type": "transfer", "to_store_id": NORTH}, 422, "only a sale or a return"),
    "an article instead": ({**SALE, "marks": ["BPR6ES-11"]}, 422, "not the marking code"),
    "a barcode instead": ({**SALE, "marks": ["4601234567893"]}, 422, "not the marking code"),
    "a wrong check digit": ({**SALE, "marks": [mark(1, "04601234567890")]}, 422, "not the marking code"),
    "a mark whose end was lost": ({**SALE, "marks": [mark(1).replace(GS, "")[:-3]]}, 422, "not the marking code"),
    "a number": ({**SALE, "marks": [5]}, 422, "marks.0"),
    "longer than any mark": ({**SALE, "marks": ["0" * 301]}, 422, "marks.0"),
    "what was never sold": ({**SALE, "movement_type": "return"}, 409, "No sale"),
    "more than there is": ({**SALE, "store_id": CENTRE, "product_id": 3}, 409, "Asked for 1, available 0"),
}


@pytest.mark.parametrize(("body", "status", "words"), BAD.values(), ids=BAD)
async def test_what_no_unit_is_sold_with_is_refused_and_nothing_is_done(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int, words: str
) -> None:
    before = await pool.fetchval("SELECT count(*) FROM movements")
    for path, sent in ((MOVEMENT, body), (f"{MOVEMENT}s", {"lines": [body]})):
        answer = await client.post(path, json=sent)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert await pool.fetchval("SELECT count(*) FROM movements") == before
    assert await away(pool) == []


async def test_a_sale_that_is_sent_twice_is_done_once(client: httpx.AsyncClient, pool: Pool) -> None:
    key = {"Idempotency-Key": "sale-1"}
    once, twice = [await client.post(MOVEMENT, json=SALE, headers=key) for _ in range(2)]
    assert (once.status_code, once.json()) == (200, twice.json())
    without = await client.post(MOVEMENT, json=SALE)
    assert (without.status_code, without.json()["title"]) == (409, "That unit is sold")
    assert without.json()["sale_id"] == once.json()["movement_id"]
    assert await pieces(pool) == 9


async def test_who_bought_what_is_found_again(client: httpx.AsyncClient) -> None:
    sold = (await client.post(MOVEMENT, json={**SALE, "quantity": 2, "marks": [mark(1), mark(2)]})).json()
    back = (await client.post(MOVEMENT, json={**SALE, "movement_type": "return"})).json()
    other = (await client.post(MOVEMENT, json={**SALE, "marks": [mark(3)]})).json()

    async def found(**params: Any) -> list[tuple[str, int, int | None]]:
        items = (await client.get(MARKS, params=params)).json()["items"]
        return [(one["mark"], one["sale_id"], one["return_id"]) for one in items]

    first, second = (mark(1), sold["movement_id"], back["movement_id"]), (mark(2), sold["movement_id"], None)
    assert await found() == [(mark(3), other["movement_id"], None), first, second]
    assert await found(movement_id=sold["movement_id"]) == [first, second]
    assert await found(movement_id=back["movement_id"]) == await found(mark=f"]d2{mark(1)}") == [first]
    assert (await client.get(MARKS, params={"mark": "4601234567893"})).status_code == 422
    page = (await client.get(MARKS, params={"limit": 2})).json()
    assert await found(page=page["next_page"]) == [second]


async def test_the_living_sale_of_a_unit_is_known(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1)))
    assert isinstance(sold, Movement)
    async with pool.acquire() as db:
        living = await store.living(db, [(GTIN, "SERIAL0000001"), (GTIN, "other")])
    assert [(one.sale_id, one.sold_at) for one in living.values()] == [(sold.id, sold.created_at)]
