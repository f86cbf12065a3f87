"""Where products lie: said by a clerk for his store, found in walking order, and never overwritten unread."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.inventory.shelves import store
from autoshop.kit.db import Pool
from tests.cast import AIR_FILTER, BRAKE_PADS, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.ledger import post, request
from tests.people import clerk_of_centre
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

SHELVES = "/api/v1/inventory/shelves"
PLUGS = f"{SHELVES}/{CENTRE}/{PLUG}"


async def put(client: httpx.AsyncClient, *places: str, path: str = PLUGS, version: int = 0) -> httpx.Response:
    return await client.put(path, json={"places": places}, headers={"If-Match": f'"{version}"'})


def item(product_id: int, *places: str, store_id: int = CENTRE, **more: Any) -> dict[str, Any]:
    return {"product_id": product_id, "store_id": store_id, "places": list(places), **more}


async def lines(client: httpx.AsyncClient, **params: Any) -> list[tuple[int, int, str]]:
    page = await client.get(SHELVES, params=params)
    assert page.status_code == 200, page.text
    return [(one["store_id"], one["product_id"], one["place"]) for one in page.json()["items"]]


async def test_a_product_lies_where_a_clerk_says(client: httpx.AsyncClient, pool: Pool) -> None:
    nowhere = await client.get(PLUGS)
    assert (nowhere.json()["places"], nowhere.json()["version"]) == ([], 0)
    said = await client.put(PLUGS, json={"places": ["а 03/2", "B-1"]}, headers={"If-Match": nowhere.headers["ETag"]})
    assert (said.status_code, said.json()["places"]) == (200, ["A-03-2", "B-1"])
    assert (await client.get(PLUGS)).json() == said.json()
    moved = await put(client, "B-1", version=said.json()["version"])
    assert moved.json()["places"] == ["B-1"]
    gone = await client.delete(PLUGS, headers={"If-Match": f'"{moved.json()["version"]}"'})
    assert (gone.status_code, (await client.get(PLUGS)).json()["places"]) == (204, [])
    told = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.shelf' ORDER BY id")
    assert [row["payload"] for row in told] == [{"store_id": CENTRE, "product_ids": [PLUG]}] * 3


async def test_who_has_not_read_the_list_does_not_overwrite_it(client: httpx.AsyncClient) -> None:
    assert (await client.put(PLUGS, json={"places": ["A-1"]})).status_code == 428
    first = (await put(client, "A-1")).json()
    stale = await put(client, "B-2")
    assert (stale.status_code, stale.json()["differs"]) == (
        412, {"places": {"sent": ["B-2"], "current": ["A-1"]}},
    )  # fmt: skip
    await client.delete(PLUGS, headers={"If-Match": f'"{first["version"]}"'})
    again = (await put(client, "C-3")).json()
    assert again["version"] != first["version"], "a version is never given twice"
    assert (await put(client, "D-4", version=first["version"])).status_code == 412


async def test_of_two_who_say_at_once_where_it_lies_one_is_heard(client: httpx.AsyncClient, pool: Pool) -> None:
    async with pool.acquire() as db, db.transaction():
        await db.execute("SELECT FROM stores WHERE id = $1 FOR NO KEY UPDATE", CENTRE)
        racing = [asyncio.create_task(put(client, place)) for place in ("A-1", "B-2")]
        await waiting_for_locks(pool, 2)
    assert sorted([(await one).status_code for one in racing]) == [200, 412]
    assert len((await client.get(PLUGS)).json()["places"]) == 1


async def test_what_lies_where_is_listed_as_one_walks(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, request("inbound", 5, OIL_FILTER))
    said = await client.post(
        SHELVES,
        json={
            "items": [
                item(PLUG, "A-10", "A-2"),
                item(OIL_FILTER, "A-2"),
                item(AIR_FILTER, "A-1"),
                item(PLUG, "A-1", store_id=NORTH),
            ]
        },
    )
    assert [one["places"] for one in said.json()["items"]] == [["A-10", "A-2"], ["A-2"], ["A-1"], ["A-1"]]
    centre = [(CENTRE, AIR_FILTER, "A-1"), (CENTRE, PLUG, "A-2"), (CENTRE, OIL_FILTER, "A-2"), (CENTRE, PLUG, "A-10")]
    assert await lines(client, store_id=CENTRE) == centre
    assert await lines(client) == [*centre, (NORTH, PLUG, "A-1")]
    assert await lines(client, place="а 02", store_id=CENTRE) == centre[1:3]
    assert await lines(client, product_id=PLUG) == [centre[1], centre[3], (NORTH, PLUG, "A-1")]
    on_shelf = (await client.get(SHELVES, params={"place": "A-2"})).json()["items"]
    assert [(one["product_id"], one["quantity"], one["is_main"]) for one in on_shelf] == [
        (PLUG, 0, False), (OIL_FILTER, 5, True),
    ]  # fmt: skip


async def test_what_a_store_has_and_nobody_said_where(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, *(request("inbound", 2, product) for product in (PLUG, OIL_FILTER, AIR_FILTER)))
    await post(pool, request("sale", 2, AIR_FILTER), request("inbound", 1, BULB, NORTH))
    await put(client, "A-1")
    await put(client, "A-1", path=f"{SHELVES}/{NORTH}/{OIL_FILTER}")  # a place in the other store is none here
    missing = (await client.get(f"{SHELVES}/missing", params={"store_id": CENTRE})).json()["items"]
    assert [(one["product_id"], one["available"]) for one in missing] == [(OIL_FILTER, 2)]


async def test_a_page_looks_at_so_many_rows_and_the_next_goes_on(
    client: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_LOOKED_AT", 2)
    products = (PLUG, OIL_FILTER, AIR_FILTER, BRAKE_PADS, BULB)
    await post(pool, *(request("inbound", 1, product) for product in products))
    await client.post(SHELVES, json={"items": [item(product, "A-1") for product in (PLUG, OIL_FILTER, BRAKE_PADS)]})
    pages: list[list[int]] = []
    cursor = None
    while cursor is not None or not pages:
        params: dict[str, Any] = {"store_id": CENTRE, "limit": 2} | ({"page": cursor} if cursor else {})
        page = (await client.get(f"{SHELVES}/missing", params=params)).json()
        pages.append([one["product_id"] for one in page["items"]])
        cursor = page["next_page"]
    assert pages == [[], [AIR_FILTER], [BULB]]


async def test_many_are_set_at_once_and_one_that_changed_stops_all(client: httpx.AsyncClient) -> None:
    first = (await put(client, "A-1")).json()
    good = [item(PLUG, "B-1", version=first["version"]), item(OIL_FILTER, "B-2", version=0), item(BULB)]
    stale = await client.post(SHELVES, json={"items": [*good[1:], item(PLUG, "C-1", version=0)]})
    assert (stale.status_code, stale.json()["items"]) == (
        409, [{"item": 2, "version": first["version"], "places": ["A-1"]}],
    )  # fmt: skip
    assert await lines(client) == [(CENTRE, PLUG, "A-1")]
    assert (await client.post(SHELVES, json={"items": good})).status_code == 200
    assert await lines(client) == [(CENTRE, PLUG, "B-1"), (CENTRE, OIL_FILTER, "B-2")]
    key = {"Idempotency-Key": "shelves-1"}
    once, twice = [await client.post(SHELVES, json={"items": [item(PLUG, "D-1")]}, headers=key) for _ in range(2)]
    assert once.json() == twice.json()


async def test_a_thousand_are_set_in_one_go(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO products (id, brand_id, article, article_key, article_loose, name)"
        " SELECT n, 1, 'N' || n, 'N' || n, 'N' || n, 'n' FROM generate_series(1001, 2000) AS n"
    )
    items = [item(number, f"A-{number % 40}-{number}", "B-1") for number in range(1001, 2001)]
    assert (await client.post(SHELVES, json={"items": items})).status_code == 200
    assert await pool.fetchval("SELECT count(*) FROM shelf_places WHERE is_main") == 1000
    assert (await client.post(SHELVES, json={"items": [*items, item(PLUG, "A")]})).status_code == 422


async def test_a_clerk_says_so_of_his_own_store(app: FastAPI) -> None:
    vera = await clerk_of_centre(app)
    async with client_for(app, "203.0.113.9", **vera) as client:
        assert (await put(client, "A-1")).status_code == 200
        refused = await put(client, "A-1", path=f"{SHELVES}/{NORTH}/{PLUG}")
        assert (refused.status_code, refused.json()["title"]) == (403, "Not your store")
        both = await client.post(SHELVES, json={"items": [item(PLUG, "B-1"), item(PLUG, "B-1", store_id=NORTH)]})
        assert both.status_code == 403
        assert await lines(client) == [(CENTRE, PLUG, "A-1")]


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no items": ({"items": []}, 422, "The request is not valid"),
    "an unknown product": ({"items": [item(PLUG, "A-1"), item(UNKNOWN, "A-1")]}, 404, "Unknown product"),
    "an unknown store": ({"items": [item(PLUG, "A-1", store_id=UNKNOWN)]}, 404, "Unknown store"),
    "a product twice": ({"items": [item(PLUG, "A-1"), item(PLUG, "B-1")]}, 422, "The request is not valid"),
    "a place twice": ({"items": [item(PLUG, "A-1", "а 01")]}, 422, "The request is not valid"),
    "a place without a letter or digit": ({"items": [item(PLUG, "—")]}, 422, "The request is not valid"),
    "a place as long as a sentence": ({"items": [item(PLUG, "A" * 41)]}, 422, "The request is not valid"),
    "twenty-one places": ({"items": [item(PLUG, *(f"A-{n}" for n in range(21)))]}, 422, "The request is not valid"),
    "a place that is a number": ({"items": [{**item(PLUG), "places": [3]}]}, 422, "The request is not valid"),
    "a version that is a text": ({"items": [item(PLUG, "A-1", version="1")]}, 422, "The request is not valid"),
    "an unknown field": ({"items": [item(PLUG, "A-1", row=3)]}, 422, "The request is not valid"),
}


@pytest.mark.parametrize(("body", "status", "title"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_place_for_a_product_is_refused_and_nothing_is_set(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int, title: str
) -> None:
    answer = await client.post(SHELVES, json=body)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert await pool.fetchval("SELECT count(*) FROM shelf_places") == 0
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize(
    ("path", "status"), [(f"{SHELVES}/{CENTRE}/{UNKNOWN}", 404), (f"{SHELVES}/{UNKNOWN}/{PLUG}", 404)]
)
async def test_of_what_there_is_not_nothing_is_said(client: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await put(client, "A-1", path=path)).status_code == status
