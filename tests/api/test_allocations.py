"""Allocations over HTTP: an order for one store, from whatever store; once, whatever is sent twice; and why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.api.conftest import BROWSER
from tests.api.test_office import said
from tests.cast import BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.ledger import assert_ledger_is_clean, pieces, post, request
from tests.people import clerk_of_centre, clerk_of_north
from tests.reservations import reserved

pytestmark = pytest.mark.anyio

INVENTORY = "/api/v1/inventory"
ALLOCATIONS, PROMISES = f"{INVENTORY}/allocations", f"{INVENTORY}/promises"
PLUGS, FILTERS = {"product_id": PLUG, "quantity": 2}, {"product_id": OIL_FILTER, "quantity": 3}
ORDER: dict[str, Any] = {
    "store_id": CENTRE,
    "holder": "Иван",
    "related_document": "order-17",
    "lines": [PLUGS, FILTERS],
}


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 5), request("inbound", 5, OIL_FILTER, NORTH))


async def allocate(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(ALLOCATIONS, json={**ORDER, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{ALLOCATIONS}/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    return made


async def test_an_order_is_held_at_two_stores_and_told_why(client: httpx.AsyncClient, pool: Pool) -> None:
    made = await allocate(client)
    assert (made["rule"], made["state"], made["exact"], made["stores_looked_at"]) == ("fewest_stores", "open", True, 2)
    assert [(one["from_store_id"], one["to_store_id"], one["pieces"]) for one in made["lines"]] == [
        (CENTRE, CENTRE, 2), (NORTH, CENTRE, 3),
    ]  # fmt: skip
    assert made["promised_at"] == max(one["promised_at"] for one in made["lines"])
    assert [(one["store_name"], one["taken"], one["reason"]) for one in made["stores"]] == [
        ("Центр", True, "at_wished_store"), ("Север", True, "completes"),
    ]  # fmt: skip
    assert made["stores"][1]["free"] == [{"product_id": OIL_FILTER, "pieces": 5}]
    assert "наименьшего" in made["rule_text"]
    assert "после" in made["promised_text"]
    assert await reserved(pool) == (2, 2)
    read = (await client.get(f"{ALLOCATIONS}/{made['id']}", headers={"Accept-Language": "ru"})).json()
    assert read == made
    held = (await client.get(f"{INVENTORY}/reservations/{made['reservation_id']}")).json()
    assert (held["holder"], held["related_document"], held["expires_at"]) == ("Иван", "order-17", made["expires_at"])
    assert made["promised_at"] < made["due_at"] <= made["expires_at"]
    await assert_ledger_is_clean(pool)


async def test_it_is_read_again_in_english_and_not_sent_twice(client: httpx.AsyncClient) -> None:
    made = await allocate(client)
    path = f"{ALLOCATIONS}/{made['id']}"
    read = await client.get(path)
    assert {**read.json(), "promised_text": "", "stores": []} == {**made, "promised_text": "", "stores": []}
    english = (await client.get(path, headers={"Accept-Language": "en"})).json()
    assert "as few stores as possible" in english["rule_text"]
    assert english["stores"][1]["reason_text"] == "completes the order together with others"
    again = await client.get(path, headers={"If-None-Match": read.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_preview_says_the_same_and_holds_nothing(client: httpx.AsyncClient, pool: Pool) -> None:
    seen = await client.post(ALLOCATIONS, json={**ORDER, "preview": True})
    assert (seen.status_code, seen.json()["preview"], "ETag" in seen.headers) == (200, True, False)
    assert (await reserved(pool), await pool.fetchval("SELECT count(*) FROM allocations")) == ((0, 0), 0)
    made = await allocate(client)
    for name in ("rule", "promised_at", "due_at", "exact", "stores_looked_at"):
        assert seen.json()[name] == made[name], name


async def test_what_is_sent_twice_is_allocated_once(client: httpx.AsyncClient, pool: Pool) -> None:
    key = {"Idempotency-Key": "order-17"}
    first, again = [await client.post(ALLOCATIONS, json=ORDER, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert await pool.fetchval("SELECT count(*) FROM allocations") == 1
    other = await client.post(ALLOCATIONS, json={**ORDER, "preview": True}, headers=key)
    assert other.status_code == 422


async def test_a_clerk_of_the_wished_store_has_pieces_held_elsewhere(app: FastAPI, pool: Pool) -> None:
    async with client_for(app, "203.0.113.9") as client:
        vera = await clerk_of_centre(app)
        made = await client.post(ALLOCATIONS, json=ORDER, headers=vera)
        assert (made.status_code, made.json()["actor"]) == (201, "staff:vera")
        refused = await client.post(ALLOCATIONS, json={**ORDER, "store_id": NORTH}, headers=vera)
        assert (refused.status_code, refused.json()["title"]) == (403, "Not your store")
        # What lies at the other store she does not sell from there.
        sold = await client.post(f"{INVENTORY}/reservations/{made.json()['reservation_id']}/fulfilment", headers=vera)
        assert (sold.status_code, sold.json()["lines"]) == (403, [{**PLUGS, "store_id": CENTRE}])


async def test_the_other_stores_are_asked_for_the_pieces_and_the_order_shows_how_far_they_are(app: FastAPI) -> None:
    async with client_for(app, "203.0.113.9") as client:
        vera, oleg = await clerk_of_centre(app), await clerk_of_north(app)
        made = (await client.post(ALLOCATIONS, json=ORDER, headers=vera)).json()
        [asked] = made["transfers"]
        assert asked == {"id": asked["id"], "from_store_id": NORTH, "status": "requested", "eta_at": None}
        transfer, path = f"{INVENTORY}/transfers/{asked['id']}", f"{ALLOCATIONS}/{made['id']}"
        before = await client.get(path, headers=vera)
        refused = await client.patch(
            transfer, json={"lines": [FILTERS]}, headers={**oleg, "If-Match": '"1"'}
        )  # fmt: skip
        assert (refused.status_code, refused.json()["title"]) == (409, "The order decides what it brings")
        assert (await client.post(f"{transfer}/shipment", headers=oleg)).status_code == 200
        shown = await client.get(path, headers={**vera, "If-None-Match": before.headers["ETag"]})
        assert (shown.status_code, shown.json()["transfers"][0]["status"]) == (200, "in_transit")
        hold = f"{INVENTORY}/reservations/{made['reservation_id']}"
        held = (await client.get(hold, headers=vera)).json()["lines"]
        assert [(one["store_id"], one["held"], one["awaited"]) for one in held] == [(CENTRE, 2, 0), (CENTRE, 0, 3)]
        assert (await client.post(f"{transfer}/receipt", headers=vera)).status_code == 200
        assert (await client.post(f"{hold}/fulfilment", headers=vera)).status_code == 200
        ended = (await client.get(path, headers=vera)).json()
        assert (ended["state"], ended["transfers"][0]["status"]) == ("kept", "received")


async def test_an_order_is_given_up_by_its_own_store_once(app: FastAPI, pool: Pool) -> None:
    async with client_for(app, "203.0.113.9") as client:
        vera, oleg = await clerk_of_centre(app), await clerk_of_north(app)
        made = (await client.post(ALLOCATIONS, json=ORDER, headers=vera)).json()
        path = f"{ALLOCATIONS}/{made['id']}/cancellation"
        refused = await client.post(path, headers=oleg)
        assert (refused.status_code, refused.json()["title"]) == (403, "Not your store")
        assert await reserved(pool) == (2, 2)
        ended = (await client.post(path, headers=vera)).json()
        assert (ended["state"], [one["status"] for one in ended["transfers"]]) == ("withdrawn", ["cancelled"])
        again = await client.post(path, headers=vera)
        assert (again.status_code, again.json()["title"]) == (409, "The reservation has ended")
        unknown = await client.post(f"{ALLOCATIONS}/{UNKNOWN}/cancellation", headers=vera)
        assert (unknown.status_code, unknown.json()["title"]) == (404, "Unknown allocation")
    assert await pool.fetchval("SELECT sum(reserved) FROM inventory") == 0
    await assert_ledger_is_clean(pool)


async def test_who_sends_what_an_order_no_longer_waits_for_is_told_so_on_the_page(app: FastAPI, pool: Pool) -> None:
    async with client_for(app, **BROWSER) as office:
        [asked] = (await allocate(office))["transfers"]
        await pool.execute("UPDATE reservation_lines SET expires_at = now()")
        refused = await office.post(f"/office/transfers/{asked['id']}/shipment", data={"key": "s1"})
        assert (refused.status_code, "уже не ждёт этот товар" in said(refused)) == (409, True)
    assert await pieces(pool, OIL_FILTER, NORTH) == 5


async def test_promises_that_were_not_kept_are_listed_and_counted(client: httpx.AsyncClient, pool: Pool) -> None:
    kept, late = await allocate(client, lines=[PLUGS]), await allocate(client, lines=[FILTERS], related_document="x")
    await pool.execute(
        "UPDATE allocations SET promised_at = now() - interval '1 day', due_at = now() - interval '1 hour'"
        " WHERE id = $1",
        late["id"],
    )
    sold = await client.post(f"{INVENTORY}/reservations/{kept['reservation_id']}/fulfilment")
    assert sold.status_code == 200

    async def ids(**params: Any) -> list[int]:
        return [one["id"] for one in (await client.get(ALLOCATIONS, params=params)).json()["items"]]

    assert await ids() == [late["id"], kept["id"]]
    assert await ids(late=True) == await ids(related_document="x") == await ids(product_id=OIL_FILTER) == [late["id"]]
    assert (await ids(store_id=CENTRE, late=False), await ids(store_id=NORTH)) == ([late["id"], kept["id"]], [])
    shown = (await client.get(f"{ALLOCATIONS}/{kept['id']}")).json()
    assert (shown["state"], shown["fulfilled_at"] is not None, shown["version"]) == ("kept", True, 2)
    counted = (await client.get(PROMISES)).json()
    assert counted["items"] == [{"store_id": CENTRE, "kept": 1, "late": 1, "open": 0, "withdrawn": 0}]
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    until = {"date_from": yesterday, "date_to": datetime.now(UTC).isoformat()}
    only = (await client.get(PROMISES, params=until)).json()["items"]
    assert [(one["kept"] + one["late"] >= 1, one["late"]) for one in only] == [(True, 1)]
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize(
    "span",
    [
        {"date_from": "2026-02-01", "date_to": "2026-02-01"},
        {"date_from": "2026-02-02", "date_to": "2026-02-01"},
        {"date_from": "2025-01-01", "date_to": "2026-06-01"},
        {"date_to": "2020-01-01"},
    ],
)
async def test_promises_are_counted_over_a_year_at_most(client: httpx.AsyncClient, span: dict[str, str]) -> None:
    refused = await client.get(PROMISES, params=span)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "date_from")


def line(**more: Any) -> dict[str, Any]:
    return {**ORDER, "lines": [{**PLUGS, **more}]}


NAIVE = (datetime.now(UTC) + timedelta(days=30)).replace(tzinfo=None).isoformat()
SOON = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing": ({**ORDER, "lines": []}, 422, "The request is not valid"),
    "0 pieces": (line(quantity=0), 422, "The request is not valid"),
    "fewer than none": (line(quantity=-1), 422, "The request is not valid"),
    "10⁹ pieces": (line(quantity=10**9), 422, "The request is not valid"),
    "1.5 pieces": (line(quantity=1.5), 422, "The request is not valid"),
    "pieces as a text": (line(quantity="3"), 422, "The request is not valid"),
    "from a named store": (line(store_id=NORTH), 422, "The request is not valid"),
    "an unknown field": ({**ORDER, "colour": "red"}, 422, "The request is not valid"),
    "a text for transfers": ({**ORDER, "transfers": "no"}, 422, "The request is not valid"),
    "a text for yes": ({**ORDER, "preview": "true"}, 422, "The request is not valid"),
    "for nobody": ({**ORDER, "holder": " "}, 422, "The request is not valid"),
    "101 lines": ({**ORDER, "lines": [PLUGS] * 101}, 422, "The request is not valid"),
    "without a time zone": ({**ORDER, "expires_at": "2030-01-01T00:00:00"}, 422, "The request is not valid"),
    "soon, without a time zone": ({**ORDER, "expires_at": NAIVE}, 422, "The request is not valid"),
    "beyond a year": ({**ORDER, "expires_at": "2999-01-01T00:00:00Z"}, 422, "The request is not valid"),
    "held until yesterday": ({**ORDER, "expires_at": "2020-01-01T00:00:00Z"}, 422, "The request is not valid"),
    "held only today": ({**ORDER, "expires_at": SOON}, 409, "The hold would end before the promise"),
    "an unknown store": ({**ORDER, "store_id": UNKNOWN}, 404, "Unknown store"),
    "an unknown product": (line(product_id=UNKNOWN), 404, "Unknown product"),
    "more than all have": (line(quantity=6), 409, "Cannot be allocated"),
    "more than all have, twice": ({**ORDER, "lines": [{**PLUGS, "quantity": 3}] * 2}, 409, "Cannot be allocated"),
    "what nobody has": (line(product_id=BULB), 409, "Cannot be allocated"),
    "some of what nobody has": (
        {**ORDER, "lines": [PLUGS, {"product_id": BULB, "quantity": 1}]}, 409, "Cannot be allocated",
    ),
}  # fmt: skip


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize(("body", "status", "title"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_allocated_is_refused_and_nothing_is_held(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int, title: str, preview: bool
) -> None:
    refused = await client.post(ALLOCATIONS, json={**body, "preview": body.get("preview", preview)})
    assert (refused.status_code, refused.json().get("title", "")) == (status, title), refused.text
    assert await pool.fetchval("SELECT (SELECT count(*) FROM allocations) + (SELECT count(*) FROM reservations)") == 0
    assert (await pool.fetchval("SELECT sum(reserved) FROM inventory"), await pieces(pool)) == (0, 5)


async def test_an_allocation_that_nobody_made_is_unknown(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{ALLOCATIONS}/{UNKNOWN}")
    assert (answer.status_code, answer.json()["title"]) == (404, "Unknown allocation")
