"""Why pieces cannot be held, given back or sold, as a clerk is told: who holds them, and what he can do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.inventory.reservations.model import Reservation
from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database, client_for, running_app
from tests.ledger import assert_ledger_is_clean, movements, pieces
from tests.people import clerk_of_centre, clerk_of_north
from tests.reservations import FILTERS, HERE, THERE, fill, find, lapsed, reserve, reserved

pytestmark = pytest.mark.anyio

INVENTORY = "/api/v1/inventory"
RESERVATIONS = f"{INVENTORY}/reservations"
SALE = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1}


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await fill(pool)


def line(product_id: int, store_id: int, quantity: int) -> dict[str, int]:
    return {"product_id": product_id, "store_id": store_id, "quantity": quantity}


async def test_who_wants_what_is_held_hears_by_which_reservations(client: httpx.AsyncClient, pool: Pool) -> None:
    living = [(await reserve(pool, (HERE, 1))).id for _ in range(3)]
    await lapsed(pool, (HERE, 1), (THERE, 5))
    single = await client.post(f"{INVENTORY}/movement", json={**SALE, "quantity": 3})
    assert (single.status_code, single.json()["reservation_ids"]) == (409, living)
    kept = {"Idempotency-Key": "a"}
    first, again = [
        await client.post(f"{INVENTORY}/movement", json={**SALE, "quantity": 3}, headers=kept) for _ in range(2)
    ]
    assert first.json() == again.json() == single.json()
    batch = {"lines": [{**SALE, "quantity": 3}, {**SALE, "product_id": OIL_FILTER, "quantity": 6}]}
    told = (await client.post(f"{INVENTORY}/movements", json=batch)).json()["lines"]
    assert [one.get("reservation_ids") for one in told] == [living, None], "of the filters nobody holds any"
    north = await client.post(f"{INVENTORY}/movement", json={**SALE, "store_id": NORTH, "quantity": 6})
    assert (north.json()["reserved"], "reservation_ids" in north.json()) == (0, False), "that one has lapsed"
    more = [(await reserve(pool, (THERE, 1))).id for _ in range(5)]
    six = await client.post(RESERVATIONS, json={"holder": "a", "lines": [line(PLUG, NORTH, 1)]})
    assert (six.status_code, six.json()["reservation_ids"]) == (409, more)


async def test_of_many_holders_five_are_named(client: httpx.AsyncClient, pool: Pool) -> None:
    living = [(await reserve(pool, (HERE, 1))).id for _ in range(5)]
    await client.post(f"{INVENTORY}/movement", json={**SALE, "movement_type": "inbound"})
    await reserve(pool, (HERE, 1))
    refused = await client.post(f"{INVENTORY}/movement", json=SALE)
    assert refused.json()["reservation_ids"] == living


async def test_what_cannot_be_held_is_not_called_posted(client: httpx.AsyncClient) -> None:
    wanted = {"holder": "a", "lines": [line(PLUG, CENTRE, 6), line(OIL_FILTER, CENTRE, 1)]}
    refused = (await client.post(RESERVATIONS, json=wanted)).json()
    assert (refused["title"], refused["detail"]) == ("Cannot be held", "1 line(s) cannot be held")
    assert [one["line"] for one in refused["lines"]] == [0]


async def test_more_than_is_held_is_sold_only_to_whoever_says_so(client: httpx.AsyncClient, pool: Pool) -> None:
    held = await reserve(pool, (HERE, 2))
    path, body = f"{RESERVATIONS}/{held.id}/fulfilment", {"lines": [line(PLUG, CENTRE, 3)]}
    refused = await client.post(path, json=body)
    assert (refused.status_code, refused.json()["title"], refused.json()["held"]) == (409, "Not held", 2)
    assert "beyond_held" in refused.json()["detail"]
    assert (await pieces(pool), await reserved(pool)) == (5, (2, 2))
    other = {"lines": [line(PLUG, NORTH, 1)], "beyond_held": True}
    assert (await client.post(path, json=other)).json()["held"] == 0, "of that place nothing was held at all"
    sold = await client.post(path, json={**body, "beyond_held": True})
    assert (sold.status_code, await pieces(pool)) == (200, 2)
    await assert_ledger_is_clean(pool)


async def test_an_answer_about_a_hold_carries_its_version(client: httpx.AsyncClient, pool: Pool) -> None:
    held = await reserve(pool, (HERE, 3))
    path = f"{RESERVATIONS}/{held.id}"
    sold = await client.post(f"{path}/fulfilment", json={"lines": [line(PLUG, CENTRE, 1)]})
    assert (sold.json()["version"], sold.json()["reservation"]["version"], sold.headers["ETag"]) == (2, 2, '"2"')
    back = await client.post(f"{path}/release", json={"lines": [line(PLUG, CENTRE, 1)]})
    assert (back.json()["version"], back.headers["ETag"]) == (3, '"3"')
    stale = await client.patch(path, json={"expires_at": _later()}, headers={"If-Match": sold.headers["ETag"]})
    assert stale.status_code == 412
    fresh = await client.patch(path, json={"expires_at": _later()}, headers={"If-Match": back.headers["ETag"]})
    assert fresh.status_code == 200


def _later() -> str:
    return (datetime.now(UTC) + timedelta(days=2)).isoformat()


async def test_without_a_moment_a_hold_lasts_as_the_settings_say(database: Database) -> None:
    async with running_app(database.settings(reservation_hours=3)) as app, client_for(app) as client:
        made = await client.post(RESERVATIONS, json={"holder": "a", "lines": [line(PLUG, CENTRE, 1)]})
        lasts = datetime.fromisoformat(made.json()["expires_at"]) - datetime.now(UTC)
        assert 2.9 < lasts.total_seconds() / 3600 <= 3


# ------------------------------------------------------------------------------------------------ two stores
@pytest.fixture
async def over_two_stores(pool: Pool) -> Reservation:
    return await reserve(pool, (HERE, 2), (FILTERS, 1), (THERE, 1))


@pytest.mark.parametrize("verb", ["fulfilment", "release"])
async def test_a_clerk_sees_to_the_lines_of_his_store(
    app: FastAPI, pool: Pool, over_two_stores: Reservation, verb: str
) -> None:
    path = f"{RESERVATIONS}/{over_two_stores.id}/{verb}"
    async with client_for(app, "203.0.113.9") as client:
        vera = await clerk_of_centre(app)
        before = await movements(pool)
        for body in (
            None,
            {},
            {"lines": [line(PLUG, CENTRE, 1), line(PLUG, NORTH, 1)]},
            {"lines": [line(PLUG, NORTH, 1)]},
        ):
            refused = await client.post(path, json=body, headers=vera)
            told: dict[str, Any] = refused.json()
            assert (refused.status_code, told["title"], told["store_id"]) == (403, "Not your store", NORTH), body
            if not body:
                assert "lines" in told["detail"]
                mine = told["lines"]
        assert mine == [line(PLUG, CENTRE, 2), line(OIL_FILTER, CENTRE, 1)]
        assert (await movements(pool), (await find(pool, over_two_stores)).version) == (before, 1)

        done = await client.post(path, json={"lines": mine}, headers=vera)  # as the refusal said
        assert done.status_code == 200, done.text
        nothing = await client.post(path, headers=vera)
        assert (nothing.status_code, "lines" in nothing.json()) == (403, False), "of what is left nothing is hers"
        assert (await client.post(path, headers=await clerk_of_north(app))).status_code == 200
        over = await client.post(path, headers=vera)
        assert (over.status_code, over.json()["title"]) == (409, "The reservation has ended")
    await assert_ledger_is_clean(pool)


async def test_a_clerk_extends_only_what_is_held_at_his_store_alone(
    app: FastAPI, over_two_stores: Reservation, pool: Pool
) -> None:
    own = await reserve(pool, (HERE, 1))
    async with client_for(app, "203.0.113.9") as client:
        headers = {**await clerk_of_centre(app), "If-Match": '"1"'}
        for held, status in ((over_two_stores, 403), (own, 200)):
            answer = await client.patch(f"{RESERVATIONS}/{held.id}", json={"expires_at": _later()}, headers=headers)
            assert answer.status_code == status, answer.text
