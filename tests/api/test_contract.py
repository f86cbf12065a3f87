"""The owner's contract, word for word."""

import httpx
import pytest
from fastapi import FastAPI

from tests.cast import BULB, CENTRE, NORTH, PLUG, UNKNOWN
from tests.conftest import client_for

pytestmark = pytest.mark.anyio

MOVEMENT = "/api/v1/inventory/movement"
SALE = {
    "product_id": PLUG,
    "store_id": CENTRE,
    "movement_type": "sale",
    "quantity": 1,
    "related_document": "test-sale-1",
}


@pytest.fixture(autouse=True)
async def ten_plugs_in_the_centre(client: httpx.AsyncClient) -> None:
    answer = await client.post(MOVEMENT, json={**SALE, "movement_type": "inbound", "quantity": 10})
    assert answer.status_code == 200, answer.text


async def test_health_says_ok(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_once_the_database_is_migrated(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "missing": []})


async def test_status_shows_stock_by_store_and_totals(client: httpx.AsyncClient) -> None:
    status = (await client.get("/api/v1/inventory/status")).json()
    [row] = status["items"]
    assert row.keys() >= {"product_id", "store_id", "quantity", "reserved", "available", "updated_at"}
    assert (row["product_id"], row["store_id"], row["available"]) == (PLUG, CENTRE, 10)
    assert (status["totals"]["quantity"], status["totals"]["available"]) == (10, 10)


async def test_an_unknown_product_is_404(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/api/v1/inventory/{UNKNOWN}")
    assert (answer.status_code, answer.json()["title"]) == (404, "Unknown product")


async def test_a_product_without_stock_is_200_with_zeros_and_a_status(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/api/v1/inventory/{BULB}")
    assert answer.status_code == 200
    product = answer.json()
    assert product["totals"]["quantity"] == 0
    assert [store["status"] for store in product["stores"]] == ["backorder", "backorder"]


async def test_a_product_shows_stock_status_and_eta_per_store(client: httpx.AsyncClient) -> None:
    product = (await client.get(f"/api/v1/inventory/{PLUG}")).json()
    centre, north = product["stores"]
    assert (centre["status"], centre["available"]) == ("on_hand", 10)
    assert (north["status"], north["available"], north["from_store_id"]) == ("transfer_1d", 0, CENTRE)
    for store in product["stores"]:
        assert store["eta_at"] is not None
        assert store["eta_minutes"] is not None
        assert store["eta_text"]


async def test_a_sale_takes_a_piece(client: httpx.AsyncClient) -> None:
    answer = await client.post(MOVEMENT, json=SALE)
    assert answer.status_code == 200
    assert answer.json()["ok"] is True
    assert isinstance(answer.json()["movement_id"], int)
    assert answer.json()["new_quantity"] == 9


async def test_more_than_there_is_is_refused_with_the_facts(client: httpx.AsyncClient) -> None:
    answer = await client.post(MOVEMENT, json={**SALE, "movement_type": "writeoff", "quantity": 999})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["title"], problem["asked"], problem["available"]) == ("Insufficient stock", 999, 10)


async def test_movements_are_listed_with_a_count(client: httpx.AsyncClient) -> None:
    await client.post(MOVEMENT, json=SALE)
    answer = await client.get(f"/api/v1/inventory/movements?product_id={PLUG}&date_from=2020-01-01")
    assert answer.json()["count"] == 2
    assert [item["movement_type"] for item in answer.json()["items"]] == ["sale", "inbound"]


async def test_a_transfer_without_its_destination_is_422(client: httpx.AsyncClient) -> None:
    answer = await client.post(MOVEMENT, json={**SALE, "movement_type": "transfer"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "to_store_id"


async def test_a_transfer_is_on_the_way_until_it_is_received(client: httpx.AsyncClient) -> None:
    shipped = await client.post(MOVEMENT, json={**SALE, "movement_type": "transfer", "to_store_id": NORTH})
    north = (await client.get(f"/api/v1/inventory/{PLUG}")).json()["stores"][1]
    assert (north["quantity"], north["in_transit"], north["status"]) == (0, 1, "in_transit")

    transfer_id = shipped.json()["transfer_id"]
    receipt = await client.post(f"/api/v1/inventory/transfers/{transfer_id}/receipt")
    assert receipt.status_code == 200
    north = (await client.get(f"/api/v1/inventory/{PLUG}")).json()["stores"][1]
    assert (north["quantity"], north["in_transit"], north["status"]) == (1, 0, "on_hand")


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_an_old_token_does_not_make_the_shop_look_dead(app: FastAPI, path: str) -> None:
    async with client_for(app, "203.0.113.9", Authorization="Bearer as_old") as monitor:
        assert (await monitor.get(path)).status_code == 200
