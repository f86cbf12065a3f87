"""The garage of a customer through the API: what is due and why, refusals, what is kept of a VIN and for whom."""

from io import StringIO
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from autoshop.kit.log import log
from autoshop.selection.garage.model import Owner
from autoshop.web.shop.garage import COOKIE
from tests.conftest import client_for
from tests.imports import whole_shop
from tests.people import with_token

pytestmark = pytest.mark.anyio

ANNA = "/api/v1/garages/anna"
VIN = "XTAGFL110KY000000"
VESTA = {"vehicle": "lada/vesta/i", "engine": "21129", "year": 2019, "vin": VIN, "name": "Ласточка"}
FIRST = {"If-Match": '"1"'}


async def post(client: httpx.AsyncClient, path: str, body: Any, status: Any = 201, **headers: Any) -> dict[str, Any]:
    answer = await client.post(f"{ANNA}/{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def garage(client: httpx.AsyncClient, **headers: str) -> list[dict[str, Any]]:
    answer = await client.get(ANNA, headers=headers)
    assert answer.status_code == 200
    cars: list[dict[str, Any]] = answer.json()["cars"]
    return cars


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(
    ("path", "body", "status", "title"),
    [
        ("cars", {**VESTA, "vehicle": "lada/none/i"}, 404, "Unknown vehicle"),
        ("cars", {**VESTA, "engine": "M54B30"}, 404, "Unknown engine"),
        ("cars", {**VESTA, "year": 1990}, 422, "That car was not made then"),
        ("cars", {**VESTA, "vin": "XTAGFL110KY00000O"}, 422, "The request is not valid"),
        ("cars", {**VESTA, "vin": "XTA"}, 422, "The request is not valid"),
        ("cars", {**VESTA, "name": "x" * 101}, 422, "The request is not valid"),
        ("cars/999/readings", {"mileage_km": 1}, 404, "No such car in the garage"),
        ("cars/1/readings", {"mileage_km": -1}, 422, "The request is not valid"),
        ("cars/1/readings", {"mileage_km": 2_000_001}, 422, "The request is not valid"),
        ("cars/1/readings", {"mileage_km": "5"}, 422, "The request is not valid"),
        ("cars/1/readings", {"mileage_km": 1.5}, 422, "The request is not valid"),
        ("cars/1/readings", {"mileage_km": 1, "read_on": "2999-01-01"}, 422, "Not that day"),
        ("cars/1/readings", {"mileage_km": 1, "read_on": "1949-12-31"}, 422, "Not that day"),
        ("cars/1/readings", {"mileage_km": 1, "read_on": "2026-06-01"}, 409, "The mileage runs backwards"),
        ("cars/1/services", {"mileage_km": 1}, 422, "What was done, and when?"),
        ("cars/1/services", {"kit": "to15", "what": "x", "mileage_km": 1}, 422, "What was done, and when?"),
        ("cars/1/services", {"kit": "to15"}, 422, "What was done, and when?"),
        ("cars/1/services", {"kit": "to16", "mileage_km": 1}, 422, "No such kit"),
        ("cars/1/restoration", {}, 200, None),
        ("cars/999/restoration", {}, 409, "Too late to put it back"),
        ("claims", {"token": "t" * 43}, 404, "No such garage"),
        ("claims", {"token": "short"}, 422, "The request is not valid"),
    ],
)
async def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, path: str, body: Any, status: int, title: str | None
) -> None:
    assert (await post(client, "cars", VESTA))["id"] == 1
    await post(client, "cars/1/readings", {"mileage_km": 50_000, "read_on": "2026-01-01"})
    before = await whole_shop(app.state.pool, but=())
    told = await post(client, path, body, status)
    assert told.get("title") == title
    assert await whole_shop(app.state.pool, but=()) == before


async def test_only_whoever_may_see_garages_sees_one(app: FastAPI) -> None:
    async with client_for(app, "203.0.113.9") as stranger:
        assert (await stranger.get(ANNA)).status_code == 401
        token = await with_token(app.state.pool, "site", ["catalog:read", "inventory:write"])
        assert (await stranger.get(ANNA, headers=token)).json()["scope"] == "garages:write"
        token = await with_token(app.state.pool, "bitrix", ["garages:write"])
        assert (await stranger.get(ANNA, headers=token)).status_code == 200


@pytest.mark.parametrize("if_match", [None, "1", '"x"', '"2"'])
async def test_a_change_says_what_was_read(client: httpx.AsyncClient, if_match: str | None) -> None:
    await post(client, "cars", VESTA)
    headers = {} if if_match is None else {"If-Match": if_match}
    answer = await client.patch(f"{ANNA}/cars/1", json={"name": "Пчёлка", "vin": None}, headers=headers)
    assert answer.status_code == (428 if if_match is None else 412 if if_match == '"2"' else 422)
    assert VIN not in answer.text
    [car] = await garage(client)
    assert (car["name"], car["vin"], car["version"]) == ("Ласточка", VIN, 1)


# ------------------------------------------------------------------------------------------------ yes
async def test_a_customer_without_a_garage_has_no_cars(client: httpx.AsyncClient) -> None:
    assert await garage(client) == []


async def test_what_is_due_comes_with_its_reason_and_its_page(client: httpx.AsyncClient) -> None:
    await post(client, "cars", VESTA)
    await post(client, "cars/1/readings", {"mileage_km": 50_000, "read_on": "2026-01-01"})
    await post(client, "cars/1/services", {"kit": "oil_change", "done_on": "2025-09-01", "mileage_km": 39_000})
    [car] = await garage(client)
    assert (car["title"], car["mileage"]["estimated"]) == ("Lada Vesta I", True)
    due = car["due"][0]
    assert due.items() >= {
        "kit": "oil_change", "state": "due", "basis": "service", "since_km": 39_000, "since_on": "2025-09-01",
        "due_km": 49_000, "due_on": "2026-09-01", "confidence": "medium", "source": ["k"],
        "page": "/cars/lada/vesta/i/kits/oil_change?engine=21129&year=2019",
    }.items()  # fmt: skip
    assert due["since"] == "после замены 01.09.2025 на 39\u00a0000 км"
    assert due["when"].startswith("пора: срок был на 49\u00a0000 км")
    unknown = next(one for one in car["due"] if one["kit"] == "timing")
    assert (unknown["state"], unknown["when"]) == ("unknown", "неизвестно, когда делали: впишите")
    [english] = await garage(client, **{"Accept-Language": "en"})
    assert english["due"][0]["title"] == "Oil change"


async def test_a_repeat_is_done_once_and_nothing_that_is_kept_of_it_has_the_vin(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        assert await post(client, "cars", VESTA, **{"Idempotency-Key": "k"}) == {"id": 1, "added": True}
    assert await post(client, "cars", VESTA) == {"id": 1, "added": False}
    change = {"vin": "XTAGFL110KY000001"}
    await client.patch(f"{ANNA}/cars/1", json=change, headers={**FIRST, "Idempotency-Key": "c"})
    stale = {**FIRST, "Idempotency-Key": "d"}
    assert (await client.patch(f"{ANNA}/cars/1", json=change, headers=stale)).status_code == 412
    kept = str(await app.state.pool.fetch("SELECT * FROM idempotency_keys"))
    assert "XTAGFL" not in kept
    assert "XTAGFL" not in str(await app.state.pool.fetch("SELECT * FROM outbox"))


async def test_a_car_is_taken_out_put_back_and_at_last_all_is_forgotten(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await post(client, "cars", VESTA)
    assert (await client.delete(f"{ANNA}/cars/1")).status_code == 204
    assert (await client.delete(f"{ANNA}/cars/1")).status_code == 404
    assert await garage(client) == []
    assert (await post(client, "cars/1/restoration", {}, 200))["id"] == 1
    assert len(await garage(client)) == 1
    assert (await client.delete(ANNA)).status_code == 204
    assert (await client.delete(ANNA)).status_code == 404
    assert "XTAGFL" not in str(await app.state.pool.fetch("SELECT * FROM garage_cars"))


async def test_whoever_signs_in_takes_along_what_he_put_in_before(app: FastAPI, client: httpx.AsyncClient) -> None:
    async with client_for(app) as browser:
        put_in = await browser.post("/garage/cars", data={"vehicle": "lada/priora/-"})
        token = put_in.cookies[COOKIE]
        assert await post(client, "claims", {"token": token}, 200) == {"cars": 1}
        assert [car["vehicle"] for car in await garage(client)] == ["lada/priora/-"]
        assert "lada/priora" not in (await browser.get("/garage", headers={"Accept": "text/html"})).text
        again = await client.post("/api/v1/garages/boris/claims", json={"token": token})
        assert again.status_code == 404
    assert Owner.of_token(token).token_hash not in [
        row["token_hash"] for row in await app.state.pool.fetch("SELECT token_hash FROM garages")
    ]


async def test_a_vin_is_in_no_line_of_the_log(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = StringIO()  # whatever was configured before, and whoever holds the logger already
    wrapper, render = structlog.make_filtering_bound_logger(0), structlog.processors.JSONRenderer()
    listener = structlog.wrap_logger(structlog.PrintLogger(heard), processors=[render], wrapper_class=wrapper)
    monkeypatch.setattr(log, "bind", listener.bind)
    await post(client, "cars", VESTA)
    await client.post("/garage/cars", data={"vin": VIN}, headers={"Accept": "text/html"})
    await client.patch(f"{ANNA}/cars/1", json={"vin": VIN}, headers=FIRST)
    await client.get(f"/api/v1/vin/{VIN}")
    await client.get("/vin", params={"vin": VIN}, headers={"Accept": "text/html"})
    assert "/cars" in heard.getvalue()
    assert VIN not in heard.getvalue()
    assert '"/api/v1/vin/{vin:path}"' in heard.getvalue()
    assert "anna" not in heard.getvalue()  # a customer's name may be his telephone
