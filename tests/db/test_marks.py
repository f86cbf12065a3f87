"""Marked units: each is sold once until it comes back, whoever else tries, and only with a mark of its product."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from autoshop.inventory.marks import store
from autoshop.inventory.marks.model import Mark, Unit, mark_of
from autoshop.inventory.movements.model import Line, Movement, MovementRequest, SaleReturned
from autoshop.inventory.movements.service import post_lines
from autoshop.kit.db import Connection, Pool, transaction
from autoshop.kit.errors import Refusal
from autoshop.kit.gs1 import GS
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import assert_ledger_is_clean, outcomes, pieces, post, request, reverse
from tests.marks import GTIN, OTHER_GTIN, away, bring_marked, mark, wanted, with_marks
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

SELL = store.sell
MOVEMENT = "/api/v1/inventory/movement"
MARKS = "/api/v1/inventory/marks"
RETURNS = "/api/v1/inventory/returns"


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
    [back] = (await bring_marked(pool, wanted(mark(1)), store_id=NORTH)).lines
    assert await away(pool) == [("SERIAL0000002", sold.id)]
    [again] = await post(pool, with_marks("sale", mark(1), store_id=NORTH))
    assert await away(pool) == [("SERIAL0000001", again.id), ("SERIAL0000002", sold.id)]
    history = await pool.fetch(
        "SELECT sale_id, return_id, mark FROM sold_marks WHERE serial LIKE '%1' ORDER BY sale_id"
    )
    assert [tuple(row) for row in history] == [(sold.id, back.movement_id, mark(1)), (again.id, None, mark(1))]
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


async def test_a_sale_that_is_reversed_frees_its_units(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1), mark(2)))
    undone = await reverse(pool, sold.id)
    assert await away(pool) == []
    rows = await pool.fetch("SELECT return_id FROM sold_marks WHERE sale_id = $1", sold.id)
    assert [row["return_id"] for row in rows] == [undone.id, undone.id]
    await assert_ledger_is_clean(pool)


async def come_back_alone(pool: Pool, number: int, store_id: int) -> int:
    """A unit comes back by a plain movement, as it could before returns knew marks; the movement."""
    async with transaction(pool) as db:
        [back] = await post_lines(db, [Line(PLUG, store_id, "return", 1, "token:till-1")])
        await store.take_back(db, {(GTIN, f"SERIAL{number:07}"): back.id})
    return back.id


async def test_a_sale_is_not_undone_once_a_unit_of_it_came_back_by_a_movement_alone(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1), mark(2)))
    await come_back_alone(pool, 2, NORTH)
    with pytest.raises(SaleReturned):
        await reverse(pool, sold.id)
    assert await away(pool) == [("SERIAL0000001", sold.id)]
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 19
    await assert_ledger_is_clean(pool)


async def test_a_movement_that_brought_a_unit_back_is_reversed_unless_it_was_sold_anew(pool: Pool) -> None:
    [sold] = await post(pool, with_marks("sale", mark(1), mark(2)))
    back_id = await come_back_alone(pool, 2, CENTRE)
    [anew] = await post(pool, with_marks("sale", mark(2)))
    with pytest.raises(Refusal, match=f"sold by movement {anew.id}"):
        await reverse(pool, back_id)
    await reverse(pool, anew.id)
    await reverse(pool, back_id)
    assert await away(pool) == [("SERIAL0000001", sold.id), ("SERIAL0000002", sold.id)]
    await assert_ledger_is_clean(pool)


async def test_who_sells_what_came_back_this_very_moment_sends_the_same_again(
    client: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(pool, with_marks("sale", mark(1)))

    async def sell(db: Connection, marks: Sequence[tuple[Mark, Movement]]) -> set[Unit]:
        done = await SELL(db, marks)
        if not done:
            await bring_marked(pool, wanted(mark(1)))
        return done

    monkeypatch.setattr(store, "sell", sell)
    key = {"Idempotency-Key": "sale-1"}
    first, again = [await client.post(MOVEMENT, json={**SALE, "store_id": NORTH}, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()["title"]) == (409, "That unit is sold")
    assert first.json()["detail"].endswith("came back just now: send the same again")
    assert (again.status_code, await pieces(pool, store_id=NORTH)) == (200, 9)
    await assert_ledger_is_clean(pool)


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


SALE = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1, "marks": [mark(1)]}
BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "two marks for one piece": ({**SALE, "marks": [mark(1), mark(2)]}, 422, "each piece has its own"),
    "one mark for two pieces": ({**SALE, "quantity": 2}, 422, "each piece has its own"),
    "no marks in the list": ({**SALE, "marks": []}, 422, "each piece has its own"),
    "one unit twice": ({**SALE, "quantity": 2, "marks": [mark(1), mark(1)]}, 422, "there twice"),
    "on an inbound": ({**SALE, "movement_type": "inbound"}, 422, "only a sale has marks"),
    "on an adjustment": ({**SALE, "movement_type": "adjustment", "quantity": -1}, 422, "only a sale has marks"),
    "on a shipment": ({**SALE, "movement_type": "transfer", "to_store_id": NORTH}, 422, "only a sale has marks"),
    "an article instead": ({**SALE, "marks": ["BPR6ES-11"]}, 422, "not the marking code"),
    "a barcode instead": ({**SALE, "marks": ["4601234567893"]}, 422, "not the marking code"),
    "a wrong check digit": ({**SALE, "marks": [mark(1, "04601234567890")]}, 422, "not the marking code"),
    "a mark whose end was lost": ({**SALE, "marks": [mark(1).replace(GS, "")[:-3]]}, 422, "not the marking code"),
    "a number": ({**SALE, "marks": [5]}, 422, "marks.0"),
    "longer than any mark": ({**SALE, "marks": ["0" * 301]}, 422, "marks.0"),
    "on a return without its document": ({**SALE, "movement_type": "return"}, 422, f"POST {RETURNS}"),
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
    piece = {"product_id": PLUG, "quantity": 1, "condition": "resaleable", "marks": [mark(1)]}
    [back] = (await client.post(RETURNS, json={"store_id": CENTRE, "lines": [piece]})).json()["lines"]
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
