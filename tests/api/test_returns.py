"""Returns over HTTP: from the sale back onto the shelf, to the supplier, and every way in which they are refused."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.imports import whole_shop
from tests.ledger import assert_ledger_is_clean, post, request, stock
from tests.people import clerk_of_centre, clerk_of_north

pytestmark = pytest.mark.anyio

STRANGER = "203.0.113.9"
INVENTORY = "/api/v1/inventory"
RETURNS, SUPPLIER_RETURNS = f"{INVENTORY}/returns", f"{INVENTORY}/supplier-returns"
ONE = {"product_id": PLUG, "quantity": 1}
GOOD = {**ONE, "condition": "resaleable"}
SALE = 3  # its movement: see `shop`
OF_SALE: dict[str, Any] = {"store_id": CENTRE, "sale": {"movement_id": SALE}, "lines": [GOOD]}
TO_SUPPLIER: dict[str, Any] = {"store_id": CENTRE, "supplier": "Авто-Опт", "lines": [ONE], "reason": "брак"}


@pytest.fixture(autouse=True)
async def shop(pool: Pool) -> None:
    """Ten plugs and ten filters came in the centre; then four plugs and a filter were sold under check-1."""
    moved = await post(
        pool,
        request("inbound", 10),
        request("inbound", 10, OIL_FILTER),
        request("sale", 4, document="check-1"),
        request("sale", 1, OIL_FILTER, document="check-1"),
    )
    assert moved[2].id == SALE


async def send(client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_what_a_customer_brings_back_is_seen_and_undone(client: httpx.AsyncClient, pool: Pool) -> None:
    lines = [{**GOOD, "quantity": 2, "reason": "не подошло"}, {**ONE, "condition": "damaged"}]
    sale = {"related_document": "check-1"}
    answer = await client.post(
        RETURNS, json={**OF_SALE, "sale": sale, "store_id": NORTH, "lines": lines, "note": "чек есть"}
    )
    made = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{RETURNS}/{made['id']}")
    assert [(line["sale_id"], line["quantity"], line["condition"]) for line in made["lines"]] == [
        (SALE, 2, "resaleable"), (SALE, 1, "damaged"),
    ]  # fmt: skip
    assert (await stock(pool))[PLUG, NORTH] == 2
    left = (await client.get(f"{INVENTORY}/sales/returnable", params={"movement_id": SALE})).json()["items"]
    assert [(one["sold"], one["returned"], one["returnable"]) for one in left] == [(4, 3, 1)]

    shown = await client.get(answer.headers["Location"])
    assert shown.json() == made
    known = {"If-None-Match": shown.headers["ETag"]}
    assert (await client.get(answer.headers["Location"], headers=known)).status_code == 304
    filtered: list[tuple[dict[str, Any], int]] = [
        ({"store_id": NORTH}, 1), ({"store_id": CENTRE}, 0), ({"product_id": PLUG}, 1), ({"product_id": OIL_FILTER}, 0),
        ({"status": "posted"}, 1), ({"unlinked": "true"}, 0), ({"related_document": "check-1"}, 1),
        ({"date_from": "2999-01-01"}, 0), ({"date_to": "2999-01-01"}, 1),
    ]  # fmt: skip
    for filters, found in filtered:
        assert len((await client.get(RETURNS, params=filters)).json()["items"]) == found, filters

    undone = await send(client, f"{RETURNS}/{made['id']}/reversal", {"reason": "не тот чек"})
    assert (undone["status"], undone["reversal_reason"], undone["version"]) == ("reversed", "не тот чек", 2)
    assert (PLUG, NORTH) not in await stock(pool)
    told = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.return' ORDER BY id")
    assert [row["payload"]["change"] for row in told] == ["posted", "reversed"]
    await assert_ledger_is_clean(pool)


async def test_a_return_sent_twice_with_one_key_comes_back_once(client: httpx.AsyncClient, pool: Pool) -> None:
    key = {"Idempotency-Key": "return-1"}
    first = await client.post(RETURNS, json=OF_SALE, headers=key)
    again = await client.post(RETURNS, json=OF_SALE, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (await stock(pool))[PLUG, CENTRE] == 7


async def test_pieces_go_to_the_supplier_and_come_back(client: httpx.AsyncClient, pool: Pool) -> None:
    sent = await send(client, SUPPLIER_RETURNS, {**TO_SUPPLIER, "lines": [{**ONE, "quantity": 6}]})
    assert (sent["supplier"], sent["reason"], sent["lines"][0]["quantity"]) == ("Авто-Опт", "брак", 6)
    assert (PLUG, CENTRE) not in await stock(pool)
    path = f"{SUPPLIER_RETURNS}/{sent['id']}"
    assert (await client.get(path)).json() == sent
    assert (await client.get(f"{RETURNS}/{sent['id']}")).status_code == 404, "it is no customer's"
    filtered: list[tuple[dict[str, Any], int]] = [
        ({"supplier": "Авто-Опт"}, 1), ({"supplier": "Другой"}, 0), ({"product_id": PLUG}, 1),
    ]  # fmt: skip
    for filters, found in filtered:
        assert len((await client.get(SUPPLIER_RETURNS, params=filters)).json()["items"]) == found, filters
    listed = (await client.get(f"{INVENTORY}/movements", params={"movement_type": "supplier_return"})).json()["items"]
    assert [(one["delta"], one["reason"]) for one in listed] == [(-6, "брак")]
    assert (await send(client, f"{path}/reversal"))["status"] == "reversed"
    assert (await stock(pool))[PLUG, CENTRE] == 6
    await assert_ledger_is_clean(pool)


async def test_pieces_go_to_a_supplier_by_a_plain_movement_too(client: httpx.AsyncClient, pool: Pool) -> None:
    line = {**ONE, "store_id": CENTRE, "movement_type": "supplier_return", "quantity": 2}
    sent = await send(client, f"{INVENTORY}/movement", line)
    assert (sent["delta"], sent["new_quantity"]) == (-2, 4)
    back = await send(client, f"{INVENTORY}/movements/{sent['movement_id']}/reversal")
    assert back["new_quantity"] == 6


Sent = dict[str, Any]
NOT_VALID = "The request is not valid"
# What is changed in a good return of one plug of a sale of four → status, title.
REFUSED: list[tuple[Sent, int, str]] = [
    ({"lines": [{**GOOD, "quantity": 5}]}, 409, "More than was sold"),
    ({"lines": [{**GOOD, "quantity": 3}, {**GOOD, "quantity": 2}]}, 409, "Nothing was posted"),
    ({"lines": [{**GOOD, "product_id": OIL_FILTER}]}, 409, "Not sold with that"),
    ({"lines": [{**GOOD, "product_id": UNKNOWN}]}, 409, "Not sold with that"),
    ({"lines": [{**GOOD, "product_id": UNKNOWN}], "sale": None}, 404, "Unknown product"),
    ({"sale": {"movement_id": 1}}, 409, "Not a sale"),
    ({"sale": {"movement_id": UNKNOWN}}, 404, "Unknown sale"),
    ({"sale": {"related_document": "check-2"}}, 404, "Unknown sale"),
    ({"sale": {"movement_id": SALE, "related_document": "check-1"}}, 422, NOT_VALID),
    ({"sale": {}}, 422, NOT_VALID),
    ({"sale": SALE}, 422, NOT_VALID),
    ({"store_id": UNKNOWN}, 404, "Unknown store"),
    ({"lines": []}, 422, NOT_VALID),
    ({"lines": [GOOD] * 501}, 422, NOT_VALID),
    ({"lines": [ONE]}, 422, NOT_VALID),
    ({"lines": [{**GOOD, "condition": "worn"}]}, 422, NOT_VALID),
    *[({"lines": [{**GOOD, "quantity": count}]}, 422, NOT_VALID) for count in (0, -1, 1.5, "3", 10**9, None, True)],
]  # fmt: skip
REFUSED_TO_SUPPLIER: list[tuple[Sent, int, str]] = [
    ({"lines": [{**ONE, "quantity": 7}]}, 409, "Insufficient stock"),
    ({"lines": [{**ONE, "quantity": 4}, {**ONE, "quantity": 3}]}, 409, "Nothing was posted"),
    ({"lines": [{**ONE, "product_id": UNKNOWN}]}, 404, "Unknown product"),
    ({"store_id": UNKNOWN}, 404, "Unknown store"),
    ({"store_id": NORTH}, 409, "Insufficient stock"),
    ({"supplier": " "}, 422, NOT_VALID),
    ({"supplier": None}, 422, NOT_VALID),
    ({"lines": []}, 422, NOT_VALID),
    ({"lines": [GOOD]}, 422, NOT_VALID),
    *[({"lines": [{**ONE, "quantity": count}]}, 422, NOT_VALID) for count in (0, -1, 1.5, "3", 10**9, None, True)],
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status", "title"),
    [
        *[(RETURNS, {**OF_SALE, **changed}, status, title) for changed, status, title in REFUSED],
        *[
            (SUPPLIER_RETURNS, {**TO_SUPPLIER, **changed}, status, title)
            for changed, status, title in REFUSED_TO_SUPPLIER
        ],
    ],
)
async def test_what_a_return_refuses(
    client: httpx.AsyncClient, pool: Pool, path: str, body: Any, status: int, title: str
) -> None:
    before = await whole_shop(pool, but=())
    answer = await client.post(path, json=body)
    assert (answer.status_code, answer.json()["title"]) == (status, title), answer.text
    assert await whole_shop(pool, but=()) == before


@pytest.mark.parametrize(
    ("first", "then", "status", "title"),
    [
        (f"{RETURNS}/1/reversal", f"{RETURNS}/1/reversal", 409, "The return was reversed before"),
        (None, f"{RETURNS}/2/reversal", 404, "Unknown return"),
        (None, f"{SUPPLIER_RETURNS}/1/reversal", 404, "Unknown return"),
        (None, f"{INVENTORY}/movements/{SALE}/reversal", 409, "Pieces of the sale came back"),
        (None, f"{INVENTORY}/movements/5/reversal", 409, "Part of a return"),
        (None, f"{INVENTORY}/movements/6/reversal", 409, "Part of a return"),
    ],
)
async def test_what_is_refused_once_pieces_came_back(
    client: httpx.AsyncClient, pool: Pool, first: str | None, then: str, status: int, title: str
) -> None:
    back = await send(client, RETURNS, {**OF_SALE, "lines": [{**GOOD, "condition": "defective"}]})
    assert [(line["movement_id"], line["writeoff_id"]) for line in back["lines"]] == [(5, 6)]
    if first is not None:
        await send(client, first)
    before = await whole_shop(pool, but=())
    answer = await client.post(then, json={})
    assert (answer.status_code, answer.json()["title"]) == (status, title), answer.text
    assert await whole_shop(pool, but=()) == before


@pytest.mark.parametrize("query", [{}, {"movement_id": SALE, "related_document": "check-1"}, {"movement_id": "x"}])
async def test_what_is_returnable_is_asked_of_one_sale_or_document(
    client: httpx.AsyncClient, query: dict[str, Any]
) -> None:
    answer = await client.get(f"{INVENTORY}/sales/returnable", params=query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "movement_id")


async def test_a_clerk_takes_back_at_his_own_store_and_only_with_a_receipt(app: FastAPI, pool: Pool) -> None:
    of_centre, of_north = await clerk_of_centre(app), await clerk_of_north(app)
    async with client_for(app, STRANGER) as stranger:
        answers = [
            await stranger.post(RETURNS, json=OF_SALE, headers=of_north),
            await stranger.post(SUPPLIER_RETURNS, json=TO_SUPPLIER, headers=of_north),
            await stranger.post(RETURNS, json={**OF_SALE, "sale": None}, headers=of_centre),
            await stranger.post(RETURNS, json={**OF_SALE, "store_id": NORTH}, headers=of_north),
            await stranger.post(f"{RETURNS}/1/reversal", headers=of_centre),
        ]
    assert [(one.status_code, one.json().get("title")) for one in answers] == [
        (403, "Not your store"), (403, "Not your store"), (403, "Not allowed"), (201, None), (403, "Not your store"),
    ]  # fmt: skip
    assert answers[2].json()["scope"] == "inventory:approve"
    await assert_ledger_is_clean(pool)
