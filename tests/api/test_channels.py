"""Channels and buffers over HTTP: made, changed by whoever has read them, and every refusal explained."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.cast import CENTRE, CENTRE_CODE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.ledger import post, request
from tests.people import signed_in, with_token

pytestmark = pytest.mark.anyio

CHANNELS = "/api/v1/inventory/channels"
SITE = f"{CHANNELS}/bitrix"
NAMES = {"name_ru": "Сайт", "name_en": "Site"}


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 5), request("inbound", 2, store_id=NORTH), request("inbound", 3, OIL_FILTER))


async def test_a_channel_is_made_read_changed_and_removed(client: httpx.AsyncClient) -> None:
    assert (await client.get(SITE)).status_code == 404
    made = await client.put(SITE, json={**NAMES, "buffer": 2})
    assert (made.status_code, made.headers["ETag"], made.json()["store_ids"]) == (200, '"1"', None)
    assert (await client.put(SITE, json=NAMES)).status_code == 428
    read = await client.get(SITE)
    assert (await client.get(SITE, headers={"If-None-Match": read.headers["ETag"]})).status_code == 304
    changed = await client.put(SITE, json={**NAMES, "store_ids": [NORTH, NORTH]}, headers={"If-Match": '"1"'})
    assert (changed.json()["store_ids"], changed.json()["buffer"], changed.json()["version"]) == ([NORTH], 0, 2)
    stale = await client.put(SITE, json=NAMES, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["differs"]) == (412, {"store_ids": {"sent": None, "current": [NORTH]}})
    assert [one["code"] for one in (await client.get(CHANNELS)).json()["items"]] == ["bitrix"]
    assert (await client.delete(SITE)).status_code == 428
    assert (await client.delete(SITE, headers={"If-Match": '"2"'})).status_code == 204
    gone = await client.put(SITE, json=NAMES, headers={"If-Match": '"2"'})
    assert (gone.status_code, gone.json()["title"]) == (412, "The channel is gone")


async def test_what_it_may_show_comes_with_the_reason(client: httpx.AsyncClient) -> None:
    await client.put(SITE, json={**NAMES, "buffer": 1})
    buffer = f"{SITE}/buffers/products/{PLUG}/stores/{CENTRE}"
    assert (await client.put(buffer, json={"buffer": 3})).json()["store_id"] == CENTRE
    page = (await client.get(f"{SITE}/stock", params={"limit": 1})).json()
    assert page["items"] == [
        {
            "product_id": PLUG,
            "shown": 3,
            "off": None,
            "stores": [
                {"store_id": CENTRE, "available": 5, "buffer": 3, "rule": "place", "shown": 2},
                {"store_id": NORTH, "available": 2, "buffer": 1, "rule": "channel", "shown": 1},
            ],
        }
    ]
    rest = (await client.get(f"{SITE}/stock", params={"page": page["next_page"]})).json()
    assert ([one["shown"] for one in rest["items"]], rest["next_page"]) == ([2], None)
    again = (await client.get(f"{SITE}/stock", params={"changed_after": page["as_of"]})).json()
    assert again["is_everything"], "the buffer was set within the second"
    one = (await client.get(f"{SITE}/stock", params={"product_id": OIL_FILTER})).json()
    assert [product["shown"] for product in one["items"]] == [2]


async def test_buffers_are_changed_by_whoever_has_read_them(client: httpx.AsyncClient) -> None:
    await client.put(SITE, json=NAMES)
    category = (await client.post("/api/v1/categories", json={"code": "p", "name_ru": "п"})).json()["id"]
    for path in (f"products/{PLUG}", f"products/{PLUG}/stores/{CENTRE}", f"categories/{category}"):
        buffer = f"{SITE}/buffers/{path}"
        made = await client.put(buffer, json={"buffer": 2})
        assert (made.status_code, made.headers["ETag"]) == (200, '"1"')
        assert (await client.put(buffer, json={"buffer": 3})).status_code == 428
        assert (await client.put(buffer, json={"buffer": 3}, headers={"If-Match": '"1"'})).json()["version"] == 2
        stale = await client.put(buffer, json={"buffer": 4}, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["differs"]) == (412, {"buffer": {"sent": 4, "current": 3}})
    listed = (await client.get(f"{SITE}/buffers")).json()["items"]
    assert [(one["product_id"], one["store_id"], one["category_id"]) for one in listed] == [
        (PLUG, None, None), (PLUG, CENTRE, None), (None, None, category),
    ]  # fmt: skip
    assert len((await client.get(f"{SITE}/buffers", params={"product_id": PLUG})).json()["items"]) == 2
    product = f"{SITE}/buffers/products/{PLUG}"
    assert (await client.delete(product)).status_code == 428
    assert (await client.delete(product, headers={"If-Match": '"1"'})).status_code == 412
    assert (await client.delete(product, headers={"If-Match": '"2"'})).status_code == 204
    for gone in (
        await client.delete(product, headers={"If-Match": '"2"'}),
        await client.put(product, json={"buffer": 1}, headers={"If-Match": '"2"'}),
    ):
        assert (gone.status_code, gone.json()["title"]) == (404, "No buffer there")


async def test_channels_are_for_managers_of_all_stores(app: FastAPI) -> None:
    clerk, buyer = await signed_in(app, "vera", "clerk", CENTRE_CODE), await signed_in(app, "anna", "buyer")
    till = await with_token(app.state.pool, "till", ["channels:write"], CENTRE_CODE)
    async with client_for(app, "203.0.113.9") as client:
        for headers in (clerk, buyer):
            assert (await client.put(SITE, json=NAMES, headers=headers)).json()["scope"] == "channels:write"
        refused = await client.put(SITE, json=NAMES, headers=till)
        assert (refused.status_code, refused.json()["title"]) == (403, "Not for one store alone")
        assert (await client.get(CHANNELS, headers=clerk)).json()["items"] == []


REFUSED: dict[str, tuple[str, Any, int, str]] = {
    "without names": (SITE, {}, 422, "The request is not valid"),
    "a buffer below 0": (SITE, {**NAMES, "buffer": -1}, 422, "The request is not valid"),
    "10⁹ pieces": (SITE, {**NAMES, "buffer": 10**9}, 422, "The request is not valid"),
    "1.5 pieces": (SITE, {**NAMES, "buffer": 1.5}, 422, "The request is not valid"),
    "a text": (SITE, {**NAMES, "buffer": "3"}, 422, "The request is not valid"),
    "no stores at all": (SITE, {**NAMES, "store_ids": []}, 422, "The request is not valid"),
    "an unknown store": (SITE, {**NAMES, "store_ids": [CENTRE, UNKNOWN]}, 404, "Unknown store"),
    "a code with a blank": (f"{CHANNELS}/a%20b", NAMES, 422, "The request is not valid"),
    "a buffer of a channel that nobody made": (
        f"{CHANNELS}/ozon/buffers/products/{PLUG}",
        {"buffer": 1},
        404,
        "Unknown channel",
    ),
    "a product that nobody made": (f"{SITE}/buffers/products/{UNKNOWN}", {"buffer": 1}, 404, "Unknown product"),
    "a category that nobody made": (f"{SITE}/buffers/categories/{UNKNOWN}", {"buffer": 1}, 404, "Unknown category"),
    "a store that nobody opened": (
        f"{SITE}/buffers/products/{PLUG}/stores/{UNKNOWN}",
        {"buffer": 1},
        404,
        "Unknown store",
    ),
    "a negative buffer of a product": (
        f"{SITE}/buffers/products/{PLUG}",
        {"buffer": -1},
        422,
        "The request is not valid",
    ),
}


@pytest.mark.parametrize(("path", "body", "status", "title"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, pool: Pool, path: str, body: Any, status: int, title: str
) -> None:
    if "/buffers/" in path:
        assert (await client.put(SITE, json=NAMES)).status_code == 200
    before = await pool.fetch("SELECT * FROM channels")
    refused = await client.put(path, json=body)
    assert (refused.status_code, refused.json()["title"]) == (status, title), refused.text
    assert await pool.fetch("SELECT * FROM channels") == before
    assert await pool.fetchval("SELECT count(*) FROM channel_buffers") == 0


async def test_what_nobody_made_shows_nothing(client: httpx.AsyncClient) -> None:
    for path in ("", "/stock", "/buffers"):
        answer = await client.get(f"{SITE}{path}")
        assert (answer.status_code, answer.json()["title"]) == (404, "Unknown channel")
    await client.put(SITE, json=NAMES)
    answer = await client.get(f"{SITE}/stock", params={"product_id": UNKNOWN})
    assert (answer.status_code, answer.json()["title"]) == (404, "Unknown product")
