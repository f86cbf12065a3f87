"""Selling what is in your hand, over HTTP: off by default, switched on by a manager, seen afterwards."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.imports import whole_shop
from tests.ledger import assert_ledger_is_clean, pieces, post, request
from tests.people import clerk_of_centre, clerk_of_north

pytestmark = pytest.mark.anyio

INVENTORY = "/api/v1/inventory"
POLICY = f"{INVENTORY}/found-policies/{CENTRE}"
FOUND = {"product_id": PLUG, "store_id": CENTRE, "quantity": 1, "reason": "за стеллажом"}


async def switch_on(client: httpx.AsyncClient, *roles: str, most: int = 2) -> httpx.Response:
    read = await client.get(POLICY)
    body = {"roles": list(roles), "most_pieces": most}
    answer = await client.put(POLICY, json=body, headers={"If-Match": read.headers["ETag"]})
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_clerk_sells_what_is_in_his_hand_once_a_manager_has_switched_it_on(app: FastAPI, pool: Pool) -> None:
    vera = await clerk_of_centre(app)
    async with client_for(app, "203.0.113.9") as clerk, client_for(app) as manager:
        clerk.headers.update(vera)
        off = await clerk.post(f"{INVENTORY}/found-sale", json=FOUND)
        assert (off.status_code, POLICY in off.json()["detail"]) == (403, True)
        assert (await clerk.get(POLICY)).json() == {"store_id": CENTRE, "roles": [], "most_pieces": 2, "version": 0}
        own = await clerk.put(POLICY, json={"roles": ["clerk"]}, headers={"If-Match": '"0"'})
        assert (own.status_code, own.json()["scope"]) == (403, "inventory:approve")
        assert (await switch_on(manager, "clerk")).json()["version"] == 1
        sold = (await clerk.post(f"{INVENTORY}/found-sale", json=FOUND)).json()
        assert [(one["movement_type"], one["new_quantity"]) for one in sold["movements"]] == [
            ("adjustment", 1), ("sale", 0),
        ]  # fmt: skip
        listed = (await manager.get(f"{INVENTORY}/found-sales", params={"actor": "staff:vera"})).json()["items"]
        assert [(one["id"], one["found"], one["reason"]) for one in listed] == [
            (sold["found_sale_id"], 1, "за стеллажом")
        ]
        [flag] = (await manager.get(f"{INVENTORY}/recounts", params={"store_id": CENTRE})).json()["items"]
        assert (flag["product_id"], flag["source"]) == (PLUG, f"found sale {sold['found_sale_id']}")
        opened = await manager.post(f"{INVENTORY}/stocktakes", json={"store_id": CENTRE, "scope": {"kind": "flagged"}})
        assert opened.status_code == 201
    await assert_ledger_is_clean(pool)


async def test_what_is_sent_twice_is_found_once(client: httpx.AsyncClient, pool: Pool) -> None:
    await switch_on(client, "manager")
    key = {"Idempotency-Key": "found-1"}
    first, again = [await client.post(f"{INVENTORY}/found-sale", json=FOUND, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, again.json())
    assert await pool.fetchval("SELECT count(*) FROM found_sales") == 1


async def test_a_policy_is_changed_by_whoever_has_read_it(client: httpx.AsyncClient) -> None:
    assert (await client.put(POLICY, json={"roles": ["clerk"]})).status_code == 428
    await switch_on(client, "clerk")
    stale = await client.put(POLICY, json={"roles": ["owner"]}, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.json()["differs"]["roles"]) == (412, {"sent": ["owner"], "current": ["clerk"]})
    assert (await switch_on(client)).json()["roles"] == []
    assert (await client.get(f"{INVENTORY}/found-policies/{UNKNOWN}")).json()["title"] == "Unknown store"


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "0 pieces": ({"quantity": 0}, 422, "The request is not valid"),
    "-1 piece": ({"quantity": -1}, 422, "The request is not valid"),
    "1.5 pieces": ({"quantity": 1.5}, 422, "The request is not valid"),
    "3 as a text": ({"quantity": "3"}, 422, "The request is not valid"),
    "10⁹ pieces": ({"quantity": 10**9}, 422, "The request is not valid"),
    "no reason": ({"reason": "  . "}, 422, "The request is not valid"),
    "an unknown field": ({"colour": "red"}, 422, "The request is not valid"),
    "more than may be found": ({"quantity": 6}, 409, "Held for somebody else"),
    "more than may be found, unheld": ({"quantity": 3, "product_id": 2}, 409, "Too many pieces found at once"),
    "what is held": ({"quantity": 3}, 409, "Held for somebody else"),
    "an unknown product": ({"product_id": UNKNOWN}, 404, "Unknown product"),
    "an unknown store": ({"store_id": UNKNOWN}, 404, "Unknown store"),
    "a store that does not allow it": ({"store_id": NORTH}, 403, "Not allowed at this store"),
}


@pytest.mark.parametrize(("more", "status", "title"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_found_is_refused_and_nothing_changes(
    client: httpx.AsyncClient, pool: Pool, more: dict[str, Any], status: int, title: str
) -> None:
    await switch_on(client, "manager")
    await post(pool, request("inbound", 3))
    held = {"holder": "Иван", "lines": [{"product_id": PLUG, "store_id": CENTRE, "quantity": 1}]}
    assert (await client.post(f"{INVENTORY}/reservations", json=held)).status_code == 201
    before = await whole_shop(pool, but=())
    refused = await client.post(f"{INVENTORY}/found-sale", json={**FOUND, **more})
    assert (refused.status_code, refused.json()["title"]) == (status, title), refused.text
    assert await whole_shop(pool, but=()) == before
    assert await pieces(pool) == 3


async def test_a_clerk_finds_nothing_in_another_store(app: FastAPI, pool: Pool) -> None:
    async with client_for(app) as manager:
        await switch_on(manager, "clerk")
    async with client_for(app, "203.0.113.9", **await clerk_of_north(app)) as clerk:
        answer = await clerk.post(f"{INVENTORY}/found-sale", json=FOUND)
        assert (answer.status_code, answer.json()["title"]) == (403, "Not your store")
    assert await pieces(pool) == 0
