"""Reservations over HTTP: held for an order, extended, sold, given back; once, whatever is sent twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.ledger import assert_ledger_is_clean, pieces, post, request

pytestmark = pytest.mark.anyio

INVENTORY = "/api/v1/inventory"
RESERVATIONS = f"{INVENTORY}/reservations"
LINES = [{"product_id": PLUG, "store_id": CENTRE, "quantity": 2}]
ORDER = {"holder": "Иван, +7 900 000-00-00", "related_document": "order-17", "lines": LINES}


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 5), request("inbound", 5, OIL_FILTER, NORTH))


async def reserve(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(RESERVATIONS, json={**ORDER, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{RESERVATIONS}/{made['id']}"
    return made


async def test_pieces_are_held_for_a_day_and_everybody_sees_it(client: httpx.AsyncClient) -> None:
    made = await reserve(client)
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23) < lasts <= timedelta(hours=24)
    assert (made["status"], made["actor"], made["version"]) == ("live", "trust:manager", 1)
    assert made["lines"] == [{**LINES[0], "held": 2, "awaited": 0, "fulfilled": 0}]
    shown = (await client.get(f"{INVENTORY}/{PLUG}")).json()
    assert [(row["quantity"], row["reserved"], row["available"]) for row in shown["stores"]] == [(5, 2, 3), (0, 0, 0)]
    page = (await client.get(f"{INVENTORY}/status", params={"product_id": PLUG})).json()
    assert page["items"][0]["reserved"] == page["totals"]["reserved"] == 2
    no = await client.post(
        f"{INVENTORY}/movement",
        json={"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 4},
    )
    assert (no.status_code, no.json()["available"], no.json()["reserved"]) == (409, 3, 2)


async def test_a_hold_that_lapses_is_on_sale_at_once(client: httpx.AsyncClient, pool: Pool) -> None:
    made = await reserve(client, lines=[{**LINES[0], "quantity": 5}])
    await pool.execute("UPDATE reservations SET expires_at = now() - interval '1 second'")
    await pool.execute("UPDATE reservation_lines SET expires_at = now() - interval '1 second'")
    shown = (await client.get(f"{INVENTORY}/{PLUG}")).json()["stores"][0]
    assert (shown["status"], shown["available"]) == ("on_hand", 5)
    sale = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 5}
    assert (await client.post(f"{INVENTORY}/movement", json=sale)).json()["new_quantity"] == 0
    late = await client.post(f"{RESERVATIONS}/{made['id']}/fulfilment", json={})
    assert (late.status_code, late.json()["reservation_status"]) == (409, "expired")
    await assert_ledger_is_clean(pool)


async def test_it_is_extended_sold_in_part_and_given_back(client: httpx.AsyncClient, pool: Pool) -> None:
    made = await reserve(client)
    path = f"{RESERVATIONS}/{made['id']}"
    read = await client.get(path)
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    assert (await client.patch(path, json={"expires_at": until})).status_code == 428
    longer = await client.patch(path, json={"expires_at": until}, headers={"If-Match": read.headers["ETag"]})
    assert (longer.status_code, datetime.fromisoformat(longer.json()["expires_at"])) == (
        200,
        datetime.fromisoformat(until),
    )
    stale = await client.patch(path, json={"expires_at": until}, headers={"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412
    sold = (await client.post(f"{path}/fulfilment", json={"lines": [{**LINES[0], "quantity": 1}]})).json()
    assert [(one["delta"], one["related_document"]) for one in sold["movements"]] == [(-1, "order-17")]
    assert sold["reservation"]["lines"][0] == {**LINES[0], "held": 1, "awaited": 0, "fulfilled": 1}
    back = (await client.post(f"{path}/release")).json()
    assert (back["status"], back["lines"][0]["held"], await pieces(pool)) == ("fulfilled", 0, 4)
    await assert_ledger_is_clean(pool)


async def test_what_is_sent_twice_is_done_once(client: httpx.AsyncClient, pool: Pool) -> None:
    key = {"Idempotency-Key": "basket-1"}
    first, again = [await client.post(RESERVATIONS, json=ORDER, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, again.json())
    assert (await client.post(RESERVATIONS, json={**ORDER, "holder": "x"}, headers=key)).status_code == 422
    path = f"{RESERVATIONS}/{first.json()['id']}/fulfilment"
    sold, same = [await client.post(path, json={}, headers={"Idempotency-Key": "sale-1"}) for _ in range(2)]
    assert (sold.status_code, sold.json(), await pieces(pool)) == (200, same.json(), 3)


async def test_who_holds_what_is_listed(client: httpx.AsyncClient) -> None:
    plug = await reserve(client)
    filters = await reserve(
        client, related_document=None, lines=[{"product_id": OIL_FILTER, "store_id": NORTH, "quantity": 1}]
    )
    await client.post(f"{RESERVATIONS}/{plug['id']}/release")

    async def ids(**params: Any) -> list[int]:
        return [one["id"] for one in (await client.get(RESERVATIONS, params=params)).json()["items"]]

    assert await ids() == [filters["id"], plug["id"]]
    assert await ids(status="live") == await ids(product_id=OIL_FILTER) == await ids(store_id=NORTH) == [filters["id"]]
    assert await ids(status="released") == await ids(related_document="order-17") == [plug["id"]]
    first = (await client.get(RESERVATIONS, params={"limit": 1})).json()
    assert await ids(limit=1, page=first["next_page"]) == [plug["id"]]


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "in the past": ({**ORDER, "expires_at": "2020-01-01T00:00:00Z"}, 422),
    "without a time zone": ({**ORDER, "expires_at": "2030-01-01T00:00:00"}, 422),
    "beyond a year": ({**ORDER, "expires_at": "2999-01-01T00:00:00Z"}, 422),
    "for nobody": ({**ORDER, "holder": " "}, 422),
    "nothing": ({**ORDER, "lines": []}, 422),
    "0 pieces": ({**ORDER, "lines": [{**LINES[0], "quantity": 0}]}, 422),
    "10⁹ pieces": ({**ORDER, "lines": [{**LINES[0], "quantity": 10**9}]}, 422),
    "1.5 pieces": ({**ORDER, "lines": [{**LINES[0], "quantity": 1.5}]}, 422),
    "an unknown field": ({**ORDER, "colour": "red"}, 422),
    "more than there is": ({**ORDER, "lines": [{**LINES[0], "quantity": 6}]}, 409),
    "more than there is, in two lines": ({**ORDER, "lines": [{**LINES[0], "quantity": 3}] * 2}, 409),
    "of what nobody has": ({**ORDER, "lines": [{**LINES[0], "store_id": NORTH}]}, 409),
    "an unknown product": ({**ORDER, "lines": [{**LINES[0], "product_id": UNKNOWN}]}, 404),
    "an unknown store": ({**ORDER, "lines": [{**LINES[0], "store_id": UNKNOWN}]}, 404),
}


@pytest.mark.parametrize(("body", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_held_is_refused_and_nothing_is(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int
) -> None:
    refused = await client.post(RESERVATIONS, json=body)
    assert (refused.status_code, refused.headers["Content-Type"]) == (status, "application/problem+json")
    assert await pool.fetchval("SELECT count(*) FROM reservations") == 0
    assert await pool.fetchval("SELECT sum(reserved) FROM inventory") == 0


async def test_a_reservation_that_nobody_made_is_unknown(client: httpx.AsyncClient) -> None:
    for verb in ("", "/release", "/fulfilment"):
        path = f"{RESERVATIONS}/{UNKNOWN}{verb}"
        answer = await (client.post(path) if verb else client.get(path))
        assert (answer.status_code, answer.json()["title"]) == (404, "Unknown reservation")
