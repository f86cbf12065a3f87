"""Levels over HTTP: set by whoever buys, seen by everybody, and every refusal explained."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.inventory.levels import jobs
from autoshop.kit.db import Pool
from tests.cast import BULB, CENTRE, CENTRE_CODE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.ledger import post, request
from tests.levels import look
from tests.people import signed_in, with_token

pytestmark = pytest.mark.anyio

LEVELS = "/api/v1/inventory/levels"
HERE = f"{LEVELS}/{PLUG}/{CENTRE}"


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 5), request("inbound", 5, OIL_FILTER))


async def test_a_level_is_set_read_changed_and_taken_away(client: httpx.AsyncClient) -> None:
    assert (await client.get(HERE)).status_code == 404
    made = await client.put(HERE, json={"minimum": 8, "maximum": 20})
    assert (made.status_code, made.headers["ETag"]) == (200, '"1"')
    assert {"missing": 3, "is_covered": False, "to_fill": 15, "source": "hand"}.items() <= made.json().items()
    assert (await client.put(HERE, json={"minimum": 2})).status_code == 428
    read = await client.get(HERE)
    assert (await client.get(HERE, headers={"If-None-Match": read.headers["ETag"]})).status_code == 304
    changed = await client.put(HERE, json={"minimum": 2}, headers={"If-Match": read.headers["ETag"]})
    assert (changed.json()["minimum"], changed.json()["maximum"], changed.json()["version"]) == (2, None, 2)
    stale = await client.put(HERE, json={"minimum": 9}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["differs"]["minimum"]) == (412, {"sent": 9, "current": 2})
    assert (await client.delete(HERE)).status_code == 428
    assert (await client.delete(HERE, headers={"If-Match": '"1"'})).status_code == 412
    assert (await client.delete(HERE, headers={"If-Match": '"2"'})).status_code == 204
    gone = await client.delete(HERE, headers={"If-Match": '"2"'})
    assert (gone.status_code, gone.json()["title"]) == (404, "No level there")


async def test_who_is_below_is_listed_and_the_digest_names_them(client: httpx.AsyncClient, pool: Pool) -> None:
    rows = [(PLUG, CENTRE, 10), (OIL_FILTER, CENTRE, 1), (BULB, NORTH, 1)]
    body = [dict(zip(("product_id", "store_id", "minimum"), row, strict=True)) for row in rows]
    assert (await client.put(LEVELS, json={"levels": body})).json() == {"ok": True, "added": 3, "changed": 0}
    again = {"Idempotency-Key": "monday"}
    answers = [(await client.put(LEVELS, json={"levels": body}, headers=again)).json() for _ in range(2)]
    assert answers == [{"ok": True, "added": 0, "changed": 3}] * 2
    await look(pool)

    async def places(**query: Any) -> list[tuple[int, int]]:
        page = (await client.get(LEVELS, params=query)).json()
        return [(one["product_id"], one["store_id"]) for one in page["items"]]

    assert await places() == [(PLUG, CENTRE), (OIL_FILTER, CENTRE), (BULB, NORTH)]
    assert await places(below=True) == [(BULB, NORTH), (PLUG, CENTRE)]
    assert await places(below=True, store_id=CENTRE) == await places(below=True, product_id=PLUG) == [(PLUG, CENTRE)]
    assert await places(store_id=CENTRE, product_id=OIL_FILTER) == [(OIL_FILTER, CENTRE)]
    await jobs.make_digests(pool, 0)
    digests = (await client.get(f"{LEVELS}/digests", params={"store_id": CENTRE})).json()["items"]
    assert [(one["levels"], one["below"], one["empty"]) for one in digests] == [(2, 1, 0)]
    assert [(one["brand"], one["to_fill"]) for one in digests[0]["most_urgent"]] == [("NGK", 5)]
    day = {"day": digests[0]["day"]}
    assert len((await client.get(f"{LEVELS}/digests", params=day)).json()["items"]) >= 1


async def test_a_buyer_sets_levels_and_a_clerk_does_not(app: FastAPI) -> None:
    buyer, clerk = await signed_in(app, "anna", "buyer"), await signed_in(app, "vera", "clerk", CENTRE_CODE)
    till = await with_token(app.state.pool, "till", ["levels:write"], CENTRE_CODE)
    there = f"{LEVELS}/{PLUG}/{NORTH}"
    async with client_for(app, "203.0.113.9") as client:
        assert (await client.put(there, json={"minimum": 1}, headers=clerk)).json()["scope"] == "levels:write"
        row = {"product_id": PLUG, "store_id": NORTH, "minimum": 1}
        for answer in (
            await client.put(there, json={"minimum": 1}, headers=till),
            await client.put(LEVELS, json={"levels": [{**row, "store_id": CENTRE}, row]}, headers=till),
            await client.delete(there, headers={**till, "If-Match": '"1"'}),
        ):
            assert (answer.status_code, answer.json()["title"]) == (403, "Not your store")
        assert (await client.put(there, json={"minimum": 1}, headers=buyer)).status_code == 200


ROW = {"product_id": PLUG, "store_id": CENTRE, "minimum": 1}
REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "a minimum below 0": (HERE, {"minimum": -1}, 422, "The request is not valid"),
    "10⁹ pieces": (HERE, {"minimum": 10**9}, 422, "The request is not valid"),
    "1.5 pieces": (HERE, {"minimum": 1.5}, 422, "The request is not valid"),
    "a text": (HERE, {"minimum": "3"}, 422, "The request is not valid"),
    "no minimum": (HERE, {"maximum": 3}, 422, "The request is not valid"),
    "a maximum below the minimum": (HERE, {"minimum": 5, "maximum": 4}, 422, "The request is not valid"),
    "an unknown field": (HERE, {"minimum": 1, "colour": "red"}, 422, "The request is not valid"),
    "an unknown product": (f"{LEVELS}/{UNKNOWN}/{CENTRE}", {"minimum": 1}, 404, "Unknown product"),
    "an unknown store": (f"{LEVELS}/{PLUG}/{UNKNOWN}", {"minimum": 1}, 404, "Unknown store"),
    "no rows": (LEVELS, {"levels": []}, 422, "The request is not valid"),
    "10 001 rows": (LEVELS, {"levels": [ROW] * 10_001}, 422, "The request is not valid"),
    "a place twice": (LEVELS, {"levels": [ROW, ROW]}, 409, "No level was set"),
    "one unknown product of two": (LEVELS, {"levels": [ROW, {**ROW, "product_id": UNKNOWN}]}, 409, "No level was set"),
    "a version that nobody has": (LEVELS, {"levels": [{**ROW, "version": 3}]}, 409, "No level was set"),
    "a bad row among good ones": (LEVELS, {"levels": [ROW, {**ROW, "maximum": 0}]}, 422, "The request is not valid"),
}


@pytest.mark.parametrize(("path", "body", "status", "title"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_level_is_refused_and_nothing_is_set(
    client: httpx.AsyncClient, pool: Pool, path: str, body: dict[str, Any], status: int, title: str
) -> None:
    refused = await client.put(path, json=body)
    assert (refused.status_code, refused.json()["title"]) == (status, title), refused.text
    assert await pool.fetchval("SELECT count(*) FROM stock_levels") == 0
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'inventory.levels'") == 0


async def test_an_etag_of_a_level_that_is_gone_sets_none(client: httpx.AsyncClient, pool: Pool) -> None:
    refused = await client.put(HERE, json={"minimum": 1}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["title"]) == (404, "No level there")
    assert await pool.fetchval("SELECT count(*) FROM stock_levels") == 0
