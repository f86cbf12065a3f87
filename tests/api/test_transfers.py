"""Transfers over HTTP: from the request to the receipt, and every way in which they are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.ledger import assert_ledger_is_clean, post, request, stock

pytestmark = pytest.mark.anyio

TRANSFERS = "/api/v1/inventory/transfers"
WANTED: dict[str, Any] = {
    "from_store_id": CENTRE,
    "to_store_id": NORTH,
    "lines": [{"product_id": PLUG, "quantity": 4}],
}


@pytest.fixture(autouse=True)
async def shelves(app: FastAPI) -> None:
    await post(app.state.pool, request("inbound", 10), request("inbound", 10, OIL_FILTER))


async def ask(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(TRANSFERS, json={**WANTED, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert (answer.headers["Location"], answer.headers["ETag"]) == (f"{TRANSFERS}/{made['id']}", f'"{made["version"]}"')
    return made


async def do(client: httpx.AsyncClient, transfer: dict[str, Any], what: str, body: Any = None) -> Any:
    answer = await client.post(f"{TRANSFERS}/{transfer['id']}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_transfer_goes_its_whole_way(client: httpx.AsyncClient, pool: Pool) -> None:
    asked = await ask(client, note="для заказа 17", wanted_by="2099-01-31", related_document="order-17")
    assert (asked["status"], asked["lines"][0]["wanted"], asked["shipped_at"]) == ("requested", 4, None)
    path = f"{TRANSFERS}/{asked['id']}"
    seen = await client.get(path)
    less = {"lines": [{"product_id": PLUG, "quantity": 3}]}
    changed = await client.patch(path, json=less, headers={"If-Match": seen.headers["ETag"]})
    assert (changed.status_code, changed.json()["lines"][0]["wanted"]) == (200, 3)
    stale = await client.patch(path, json=less, headers={"If-Match": seen.headers["ETag"]})
    assert (stale.status_code, stale.json()["version"]) == (412, changed.json()["version"])

    sent = await do(client, asked, "shipment")
    assert (sent["transfer"]["status"], sent["movements"][0]["delta"]) == ("in_transit", -3)
    lost = await do(client, asked, "differences", {"lines": [{"product_id": PLUG, "quantity": 1, "reason": "lost"}]})
    assert lost["transfer"]["lines"][0]["on_the_way"] == 2
    came = await do(client, asked, "receipt")
    assert (came["transfer"]["status"], came["movements"][0]["new_quantity"]) == ("received", 2)
    told = (await client.get(path)).json()
    assert [step["change"] for step in told["history"]] == ["requested", "changed", "shipped", "differed", "received"]
    differences = (await client.get(f"{TRANSFERS}/differences", params={"transfer_id": asked["id"]})).json()
    assert [(one["reason"], one["quantity"]) for one in differences["items"]] == [("lost", 1)]
    await assert_ledger_is_clean(pool)


async def test_a_transfer_can_leave_as_it_is_asked_for(client: httpx.AsyncClient) -> None:
    sent = await ask(client, ship=True)
    assert (sent["status"], sent["lines"][0]["on_the_way"], sent["overdue"]) == ("in_transit", 4, False)
    listed = (await client.get(TRANSFERS, params={"from_store_id": CENTRE, "product_id": PLUG})).json()["items"]
    assert [one["id"] for one in listed] == [sent["id"]]
    assert (await client.get(TRANSFERS, params={"to_store_id": CENTRE})).json()["items"] == []
    assert (await client.get(TRANSFERS, params={"overdue": "true"})).json()["items"] == []


async def test_a_shipment_sent_twice_with_one_key_leaves_once(client: httpx.AsyncClient, app: FastAPI) -> None:
    asked = await ask(client)
    path, key = f"{TRANSFERS}/{asked['id']}/shipment", {"Idempotency-Key": "van-1"}
    first = await client.post(path, json={"lines": WANTED["lines"]}, headers=key)
    again = await client.post(path, json={"lines": WANTED["lines"]}, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (await stock(app.state.pool))[PLUG, CENTRE] == 6


async def test_what_is_held_is_shown_and_leaves_with_the_shipment(client: httpx.AsyncClient, pool: Pool) -> None:
    until = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    held = await ask(client, hold=True, hold_until=until.isoformat())
    path = f"{TRANSFERS}/{held['id']}"
    assert (await client.get(path)).json()["lines"][0]["free"] == 6
    hold = (await client.get(f"/api/v1/inventory/reservations/{held['reservation_id']}")).json()
    assert (hold["holder"], datetime.fromisoformat(hold["expires_at"])) == (f"transfer {held['id']}", until)
    sale = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 7}
    assert (await client.post("/api/v1/inventory/movement", json=sale)).status_code == 409
    sent = await do(client, held, "shipment")
    assert sent["transfer"]["due_at"] == sent["transfer"]["eta_at"] > sent["transfer"]["shipped_at"]
    assert (await client.get(path)).json()["lines"][0]["free"] == 6
    await assert_ledger_is_clean(pool)


async def test_the_history_tells_what_was_changed_and_when_each_shipment_should_come(client: httpx.AsyncClient) -> None:
    asked = await ask(client, note="срочно")
    path = f"{TRANSFERS}/{asked['id']}"
    lines = [{"product_id": PLUG, "quantity": 3}]
    await client.patch(path, json={"lines": lines, "note": None}, headers={"If-Match": '"1"'})
    await do(client, asked, "shipment", {"lines": [{"product_id": PLUG, "quantity": 1}]})
    _, changed, shipped = (await client.get(path)).json()["history"]
    assert (changed["before"], changed["after"]) == (
        {"lines": {str(PLUG): 4}, "note": "срочно", "wanted_by": None},
        {"lines": {str(PLUG): 3}, "note": None, "wanted_by": None},
    )
    assert shipped["eta_at"] == (await client.get(path)).json()["due_at"]


async def test_what_differed_is_reported_by_product(client: httpx.AsyncClient) -> None:
    sent = await ask(client, ship=True)
    plug = {"product_id": PLUG, "quantity": 1}
    told = [
        {**plug, "quantity": 2, "reason": "lost"}, {**plug, "reason": "damaged"},
        {"product_id": OIL_FILTER, "quantity": 1, "reason": "wrong_item", "note": "вместо свечи"},
    ]  # fmt: skip
    await do(client, sent, "differences", {"lines": told})
    await do(client, sent, "differences", {"lines": [{**plug, "reason": "found"}]})
    report = (await client.get(f"{TRANSFERS}/{sent['id']}/differences")).json()
    numbers = ("product_id", "shipped", "received", "lost", "damaged", "on_the_way", "wrong_item", "found")
    assert [tuple(line[name] for name in numbers) for line in report["lines"]] == [
        (PLUG, 4, 1, 1, 1, 1, 0, 1), (OIL_FILTER, 0, 0, 0, 0, 0, 1, 0),
    ]  # fmt: skip
    assert [one["reason"] for one in report["items"]] == ["found", "wrong_item", "damaged", "lost"]
    [flag] = (await client.get("/api/v1/inventory/recounts", params={"store_id": CENTRE})).json()["items"]
    assert (flag["product_id"], flag["source"]) == (OIL_FILTER, f"transfer {sent['id']}")
    assert (await client.get(f"{TRANSFERS}/999999/differences")).status_code == 404


async def test_late_ones_are_counted_for_the_store_that_waits(client: httpx.AsyncClient, pool: Pool) -> None:
    sent = await ask(client, ship=True)
    assert (await client.get(f"{TRANSFERS}/overdue")).json() == {"items": []}
    await pool.execute("UPDATE transfers SET due_at = now() - interval '1 hour'")
    [late] = (await client.get(f"{TRANSFERS}/overdue")).json()["items"]
    assert (late["store_id"], late["transfers"]) == (NORTH, 1)
    for filters, found in ({"overdue": "true"}, 1), ({"date_from": "2999-01-01"}, 0), ({"date_to": "2999-01-01"}, 1):
        listed = (await client.get(TRANSFERS, params=filters)).json()["items"]
        assert len(listed) == found, filters
    assert listed[0]["overdue"] is True
    await do(client, sent, "receipt")
    assert (await client.get(f"{TRANSFERS}/overdue")).json() == {"items": []}


ONE = [{"product_id": PLUG, "quantity": 1}]
LOST = [{**ONE[0], "reason": "lost"}]
# Of a transfer that was asked for (4 plugs), shipped (3), is done, or was dropped: what is sent → status, title.
REFUSED: list[tuple[str, str, Any, int, str]] = [
    ("asked", "receipt", None, 409, "Not shipped yet"),
    ("asked", "recall", None, 409, "Not shipped yet"),
    ("asked", "differences", {"lines": LOST}, 409, "Not shipped yet"),
    ("asked", "shipment", {"lines": [{"product_id": PLUG, "quantity": 5}]}, 409, "More than was asked for"),
    ("asked", "shipment", {"lines": [{"product_id": OIL_FILTER, "quantity": 1}]}, 409, "More than was asked for"),
    ("asked", "shipment", {"lines": [{"product_id": PLUG, "quantity": 11}], "beyond_requested": True}, 409,
     "Insufficient stock"),
    ("asked", "shipment", {"lines": [{"product_id": UNKNOWN, "quantity": 1}], "beyond_requested": True}, 404,
     "Unknown product"),
    ("sent", "receipt", {"lines": [{"product_id": PLUG, "quantity": 4}]}, 409, "More than was shipped"),
    ("sent", "receipt", {"lines": [{"product_id": OIL_FILTER, "quantity": 1}]}, 409, "More than was shipped"),
    ("sent", "receipt", {"lines": [*ONE, *ONE, *ONE, *ONE]}, 409, "More than was shipped"),
    ("sent", "recall", {"lines": [{"product_id": PLUG, "quantity": 4}]}, 409, "More than was shipped"),
    ("sent", "differences", {"lines": [{**LOST[0], "quantity": 4}]}, 409, "More than was shipped"),
    ("sent", "differences", {"lines": [{"product_id": UNKNOWN, "quantity": 1, "reason": "surplus"}]}, 404,
     "Unknown product"),
    ("sent", "differences", {"lines": [{**ONE[0], "reason": "wrong_item"}]}, 422, "The request is not valid"),
    ("sent", "differences", {"lines": [{**ONE[0], "reason": "stolen"}]}, 422, "The request is not valid"),
    ("done", "shipment", None, 409, "The transfer is closed"),
    ("done", "receipt", None, 409, "The transfer is closed"),
    ("done", "recall", None, 409, "The transfer is closed"),
    ("done", "cancellation", None, 409, "The transfer is closed"),
    ("done", "differences", {"lines": LOST}, 409, "The transfer is closed"),
    ("done", "differences", {"lines": [{**ONE[0], "reason": "found"}]}, 409, "More than was lost"),
    ("asked", "differences", {"lines": [{**ONE[0], "reason": "found"}]}, 409, "Not shipped yet"),
    ("sent", "cancellation", None, 409, "Nothing is asked for any more"),
    ("sent", "shipment", None, 409, "Nothing is asked for any more"),
    ("dropped", "shipment", None, 409, "The transfer is closed"),
    ("dropped", "cancellation", None, 409, "The transfer is closed"),
    *[("sent", what, {"lines": [{"product_id": PLUG, "quantity": count}]}, 422, "The request is not valid")
      for what in ("shipment", "receipt", "recall") for count in (0, -1, 1.5, "3", 10**9, None)],
    ("sent", "receipt", {"lines": []}, 422, "The request is not valid"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "what", "body", "status", "title"), REFUSED)
async def test_what_a_transfer_refuses(
    client: httpx.AsyncClient, app: FastAPI, of: str, what: str, body: Any, status: int, title: str
) -> None:
    transfer = await ask(client)
    if of in ("sent", "done"):
        await do(client, transfer, "shipment", {"lines": [{"product_id": PLUG, "quantity": 3}], "close_rest": True})
    if of == "done":
        await do(client, transfer, "receipt")
    if of == "dropped":
        await do(client, transfer, "cancellation")
    path = f"{TRANSFERS}/{transfer['id']}"
    before = (await stock(app.state.pool), (await client.get(path)).json())
    answer = await client.post(f"{path}/{what}", json=body)
    assert (answer.status_code, answer.json()["title"]) == (status, title), answer.text
    assert (await stock(app.state.pool), (await client.get(path)).json()) == before


@pytest.mark.parametrize(
    ("changes", "status", "title"),
    [
        ({"to_store_id": CENTRE}, 422, "The request is not valid"),
        ({"from_store_id": UNKNOWN}, 404, "Unknown store"),
        ({"to_store_id": UNKNOWN}, 404, "Unknown store"),
        ({"lines": [{"product_id": UNKNOWN, "quantity": 1}]}, 404, "Unknown product"),
        ({"lines": [{"product_id": PLUG, "quantity": 11}], "ship": True}, 409, "Insufficient stock"),
        ({"wanted_by": "2020-01-31"}, 422, "The request is not valid"),
        ({"lines": [{"product_id": PLUG, "quantity": 11}], "hold": True}, 409, "Insufficient stock"),
        ({"hold": True, "ship": True}, 422, "The request is not valid"),
        ({"hold_until": "2099-01-31T00:00:00Z"}, 422, "The request is not valid"),
        ({"hold": True, "hold_until": "2020-01-31T00:00:00Z"}, 422, "The request is not valid"),
        ({"hold": True, "hold_until": "2999-01-31T00:00:00Z"}, 422, "The request is not valid"),
        ({"hold": True, "hold_until": "2027-01-31T00:00:00"}, 422, "The request is not valid"),
        ({"wanted_by": "31.01.2099"}, 422, "The request is not valid"),
        *[({"lines": [{"product_id": PLUG, "quantity": count}]}, 422, "The request is not valid")
          for count in (0, 1.5, 10**9)],
    ],
)  # fmt: skip
async def test_what_a_request_refuses(
    client: httpx.AsyncClient, changes: dict[str, Any], status: int, title: str
) -> None:
    answer = await client.post(TRANSFERS, json={**WANTED, **changes})
    assert (answer.status_code, answer.json()["title"]) == (status, title), answer.text
    assert (await client.get(TRANSFERS)).json()["items"] == []
