"""Marked units come back over HTTP: who may bring them, and every way in which they are refused."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from autoshop.kit.gs1 import GS
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import client_for
from tests.imports import whole_shop
from tests.ledger import assert_ledger_is_clean, post, request
from tests.marks import GTIN, OTHER_GTIN, away, mark, sold_marked
from tests.people import clerk_of_centre, clerk_of_north

pytestmark = pytest.mark.anyio

RETURNS = "/api/v1/inventory/returns"


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 10), request("inbound", 10, store_id=NORTH), request("inbound", 10, OIL_FILTER))


GOOD = {"product_id": PLUG, "quantity": 1, "condition": "resaleable", "marks": [mark(1)]}
WITHOUT_ITS_END = mark(1).replace(GS, "")[:-3]
PLAIN = {"product_id": PLUG, "quantity": 1, "condition": "resaleable"}
SALE, OTHER_SALE = {"movement_id": 4}, {"movement_id": 5}  # see the test
# What is changed in a good return of one unit without a sale → status, words.
BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "two marks for one piece": ({"lines": [{**GOOD, "marks": [mark(1), mark(2)]}]}, 422, "each piece has its own"),
    "one mark for two pieces": ({"lines": [{**GOOD, "quantity": 2}]}, 422, "each piece has its own"),
    "no marks in the list": ({"lines": [{**GOOD, "marks": []}]}, 422, "each piece has its own"),
    "one unit twice": ({"lines": [GOOD, GOOD]}, 422, "lines.1.marks.0: the unit with serial SERIAL0000001 is there"),
    "a barcode instead": ({"lines": [{**GOOD, "marks": [GTIN]}]}, 422, "lines.0.marks.0: not the marking code"),
    "a mark whose end was lost": ({"lines": [{**GOOD, "marks": [WITHOUT_ITS_END]}]}, 422, "not the marking code"),
    "a number": ({"lines": [{**GOOD, "marks": [5]}]}, 422, "lines.0.marks.0"),
    "longer than any mark": ({"lines": [{**GOOD, "marks": ["0" * 301]}]}, 422, "lines.0.marks.0"),
    "of another product": ({"lines": [{**GOOD, "product_id": OIL_FILTER}]}, 409, "is a barcode of product 1"),
    "of no product, where this has its own": ({"lines": [{**GOOD, "marks": [mark(1, OTHER_GTIN)]}]}, 409, "no product"),
    "never sold": ({"lines": [{**GOOD, "marks": [mark(9)]}]}, 409, "No sale of product 1"),
    "never sold with the sale": ({"sale": SALE, "lines": [{**GOOD, "marks": [mark(9)]}]}, 409, "No sale of product 1"),
    "sold with another sale": ({"sale": OTHER_SALE}, 409, "sold by movement 4, not with what you named"),
    "some lines without marks and no sale": ({"lines": [GOOD, PLAIN]}, 422, "lines.1.marks: without a sale"),
    "a marked sale and no marks": ({"sale": SALE, "lines": [PLAIN]}, 409, "scan the marks"),
    "to an unknown store": ({"store_id": 2**40}, 404, "There is no store"),
    "to a supplier": ({"supplier": "a"}, 422, "supplier"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "status", "words"), BAD.values(), ids=BAD)
async def test_what_does_not_come_back_is_refused_and_nothing_is_done(
    client: httpx.AsyncClient, pool: Pool, changed: dict[str, Any], status: int, words: str
) -> None:
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ('4601234567893', $1)", PLUG)
    assert await sold_marked(pool, 1, 2) == SALE["movement_id"]
    assert await sold_marked(pool, 3) == OTHER_SALE["movement_id"]
    before = await whole_shop(pool, but=())
    answer = await client.post(RETURNS, json={"store_id": CENTRE, "lines": [GOOD], **changed})
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert await whole_shop(pool, but=()) == before


async def test_a_clerk_needs_no_receipt_where_the_mark_says_which_sale_it_was(app: FastAPI, pool: Pool) -> None:
    await sold_marked(pool, 1)
    body = {"store_id": NORTH, "lines": [GOOD]}
    of_centre, of_north = await clerk_of_centre(app), await clerk_of_north(app)
    async with client_for(app, "203.0.113.9") as stranger:
        answers = [
            await stranger.post(RETURNS, json=body, headers=of_centre),
            await stranger.post(RETURNS, json={**body, "lines": [PLAIN]}, headers=of_north),
            await stranger.post(RETURNS, json=body, headers=of_north),
        ]
    assert [(one.status_code, one.json().get("title")) for one in answers] == [
        (403, "Not your store"), (403, "Not allowed"), (201, None),
    ]  # fmt: skip
    assert (await away(pool), answers[2].json()["unlinked"]) == ([], False)
    await assert_ledger_is_clean(pool)
