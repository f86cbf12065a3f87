"""Whatever is sent to a route that writes: a 4xx that names the field and says what is wrong with it; nothing is done.

The table holds every route that writes with a body that it takes; each test spoils that body in every place.
"""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool, transaction
from autoshop.kit.embedded import Cluster
from autoshop.selection.garage import service as garages
from autoshop.selection.garage.model import Owner
from autoshop.warehouse.documents import jobs as documents
from tests.bodies import (
    BODIES,
    COUNT,
    CROSS,
    DOCUMENTS,
    GARAGE,
    HELD,
    INVENTORY,
    LINE,
    NAMED,
    ONE,
    SOLD_MARKS,
    STOCKTAKES,
    WAY,
)
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, PLUG
from tests.conftest import client_for, new_database, running_app
from tests.imports import whole_shop
from tests.kits import fit_a_filter
from tests.routes import routes_of

pytestmark = pytest.mark.anyio

# A file, or nothing at all.
BODILESS = {
    "POST /api/v1/imports",
    "POST /api/v1/imports/crosses",
    "POST /api/v1/imports/fitments",
    f"POST {INVENTORY}/transfers/*/cancellation",
    f"POST {INVENTORY}/allocations/*/cancellation",
    f"POST {STOCKTAKES}/*/sheet",
    "POST /api/v1/documents/files",
    "POST /api/v1/garages/*/cars/*/restoration",
}
FORMS = ("/office/", "/language", "/garage", "/cars/")  # of pages
every_route = pytest.mark.parametrize("route", BODIES)

WRONG: dict[type, list[Any]] = {
    int: ["10", ">10", "", 1.5, 1.0, True, -(10**12), 2**63, 10**30, [], {}, None],
    str: [5, True, "", " ", "a\0b", "\ud800", "x" * 2_000, ["a"], {}, None],
    bool: ["true", "да", "", 1, 0, [], None],
    list: [5, "a", {}, {"0": 1}, None],
    dict: [5, "a", [], ["a"], None],
}
# What a field may be although another of its type may not; in a change a null leaves the field as it is.
NULLABLE = {
    *("engine", "year", "reference"),
    *("related_document", "reason", "sku", "category_id", "country", "parent_id", "expires_at", "note"),
    "wanted_by",
    *("second_count_above", "second_count_above_kopecks"),
    *("maximum", "store_ids", "counted_at"),
    *("marks", "version", "effective_on", "unit_cost_kopecks"),
    *("text", "hold_until", "sale"),
}
NOT_KNOWN_OF_A_CAR = {"year", "vin", "name", "done_on", "mileage_km"}  # of a service one of the last two
MAY_BE_EMPTY = {"related_document", "reason", "address", "country", "note", "text"}
# Whose body may be left out, or be null.
OPTIONAL = (
    *("reversal", "receipt", "release", "fulfilment"),
    *("shipment", "recall"),
    *("review", "reopening", "cancellation", "approval"),
    *("secret", "ping", "redelivery"),
)
# Any number, yes or no, or nothing; a password may be anything.
FREE = {"attributes.a", "password"}
VINS = "POST /api/v1/vin"

NOT_OBJECTS = {
    "nothing": b"",
    "not JSON": b"{",
    "not UTF-8": b'"\xff"',
    "a list": b"[]",
    "a text": b'"a"',
    "a number": b"1",
    "lists in lists": b"[" * 100_000,
    "objects in objects": b"[" + b'{"a":' * 100_000,
    "a long text": b'"' + b"x" * 1_000_000 + b'"',
    "more than a request may have": b'"' + b"x" * 3_000_000 + b'"',
}


def parts(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each part of a body, by the way to it."""
    if path:
        yield path, body
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, part in inner:
        yield from parts(part, (*path, name))


def spoiled(body: Any, path: tuple[Any, ...], bad: Any) -> str:
    """The body with one part replaced, as JSON."""
    copy = part = json.loads(json.dumps(body))
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = bad
    return json.dumps(copy)


def may_be(route: str, path: tuple[Any, ...], bad: Any) -> bool:
    """Whether this is not bad at all there."""
    name = path[-1]
    if route == VINS and isinstance(bad, str) and bad != "\ud800":
        return True  # told in its place what it looks like
    if bad is None:
        ends = route.endswith((*OPTIONAL, "lead-time")) or route.startswith("PATCH")
        return (
            name in NULLABLE
            or (ends and len(path) == 1)
            or (route == DOCUMENTS and name in NAMED)
            or (name == "product_ids" and route.endswith("webhooks"))
            or (name == "store_id" and route.endswith("labels"))
            or (GARAGE in route and name in NOT_KNOWN_OF_A_CAR and not route.endswith("readings"))
            or (name == "read_on" and route.endswith("readings"))
        )
    if bad == "":
        return name in MAY_BE_EMPTY or (name == "name_en" and route == "POST /api/v1/categories")
    return (bad == " " and name in MAY_BE_EMPTY | {"login"}) or (
        name == "name_en" and route == "POST /api/v1/categories"
    )


async def send(client: httpx.AsyncClient, route: str, body: str | bytes, kind: str | None = "application/json") -> Any:
    method, path = route.split()
    headers = {"Content-Type": kind} if kind else {}
    if method == "PATCH" or "found-policies" in path:
        headers["If-Match"] = '"1"'
    elif path.endswith("approval"):
        headers["If-Match"] = '"2"'
    elif "/shelves/" in path or "/holidays/" in path:
        headers["If-Match"] = '"0"'
    return await client.request(method, path, content=body, headers=headers)


def complaint(answer: httpx.Response, field: str) -> str | None:
    """What is wrong with a refusal of this field, or None."""
    if not 400 <= answer.status_code < 500 or answer.headers["content-type"] != "application/problem+json":
        return f"{answer.status_code} {answer.text[:200]}"
    told = answer.json().get("errors", [])
    named = [
        error for error in told if f"{error['field']}.".startswith(f"{field}.") or field.startswith(error["field"])
    ]
    if not named or not all(error["reason"] for error in named):
        return f"{answer.status_code} does not name {field}: {answer.text[:200]}"
    return None


async def fill(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Movement 1 fills a shelf, movement 2 ships transfer 1 from it, transfer 2 is asked for; a piece is held.

    Period 1 is closed. Stocktake 1 is being counted, 2 is in review; pieces may be found in both stores. Document 1
    is posted. Movement 3 sells two marked pieces; return 1 brings one of them back, return 2 sends one to its supplier.
    """
    closed = {"ends_on": (datetime.now(UTC) - timedelta(days=9)).date().isoformat()}
    assert (await client.post(f"{INVENTORY}/periods", json=closed)).json()["id"] == 1
    await client.post(f"{INVENTORY}/movement", json={**LINE, "quantity": 10})
    shipped = {**LINE, "movement_type": "transfer", "quantity": 5, "to_store_id": NORTH}
    assert (await client.post(f"{INVENTORY}/movement", json=shipped)).json()["transfer_id"] == 1
    asked = await client.post(f"{INVENTORY}/transfers", json={**WAY, "lines": [ONE]})
    assert asked.json()["id"] == 2
    held = await client.post(f"{INVENTORY}/reservations", json={"holder": "a", "lines": [HELD]})
    assert held.json()["id"] == 1
    sale = {**LINE, "movement_type": "sale", "quantity": 2, "marks": SOLD_MARKS}
    sold = await client.post(f"{INVENTORY}/movement", json=sale)
    assert sold.json()["movement_id"] == 3
    piece = {**ONE, "condition": "resaleable", "marks": SOLD_MARKS[:1]}
    back = {"store_id": CENTRE, "sale": {"movement_id": 3}, "lines": [piece]}
    assert (await client.post(f"{INVENTORY}/returns", json=back)).json()["id"] == 1
    sent = {"store_id": CENTRE, "supplier": "a", "lines": [ONE]}
    assert (await client.post(f"{INVENTORY}/supplier-returns", json=sent)).json()["id"] == 2
    hook = {"url": "https://example.com/hook", "topics": ["*"]}
    assert (await client.post("/api/v1/webhooks", json=hook)).json()["id"] == 1
    assert (await client.post("/api/v1/webhooks/1/ping")).json()["id"] == 1
    for products in ([PLUG], [BULB]):
        scope = {"kind": "products", "product_ids": products}
        opened = await client.post(STOCKTAKES, json={"store_id": CENTRE, "scope": scope})
        assert opened.status_code == 201
    counted = await client.post(f"{STOCKTAKES}/1/counts", json={"counts": [{**COUNT, "client_id": "first"}]})
    reviewed = await client.post(f"{STOCKTAKES}/2/review")
    assert (counted.status_code, reviewed.json()["version"]) == (200, 2)
    for store_id in (CENTRE, NORTH):
        policy, unread = f"{INVENTORY}/found-policies/{store_id}", {"If-Match": '"0"'}
        assert (await client.put(policy, json={"roles": ["manager"]}, headers=unread)).json()["version"] == 1
    assert (await client.put(f"{INVENTORY}/channels/1", json={"name_ru": "a", "name_en": "a"})).status_code == 200
    sent = {"kind": "receipt", "store_id": CENTRE, "lines": [{"product_id": PLUG, "quantity": 1}]}
    assert (await client.post("/api/v1/documents", json=sent)).json()["id"] == 1
    await documents.post_document(app.state.pool, 1)
    await fit_a_filter(app.state.pool)
    await client.post(f"{INVENTORY}/movement", json={**LINE, "product_id": AIR_FILTER})
    assert (await client.post("/api/v1/crosses", json=CROSS)).json()["conflict"]["id"] == 1
    await one_garage_each(app, client)
    for number, code in enumerate(("plugs", "filters"), start=1):
        assert (await client.post("/api/v1/categories", json={"code": code, "name_ru": code})).json()["id"] == number


async def one_garage_each(app: FastAPI, client: httpx.AsyncClient) -> None:
    """A car in the garage of the customer 1, and one in that of a browser."""
    car = {"vehicle": "lada/vesta/i"}
    assert (await client.post(f"{GARAGE}/cars", json=car)).json()["id"] == 1
    async with transaction(app.state.pool) as db:
        await garages.add_car(db, Owner.of_token("t" * 43), datetime.now(UTC), "lada/vesta/i")


@pytest.fixture(scope="module")
async def refusing(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    """A filled shop for all tests that leave it as it was: each of them looks."""
    with new_database(cluster) as database:
        async with running_app(database.settings()) as app, client_for(app) as client:
            await fill(app, client)
            REFUSING.append(app.state.pool)
            yield client
            REFUSING.clear()


REFUSING: list[Pool] = []  # the pool of that shop


async def all_of_it() -> dict[str, str]:
    """All that the shop which refuses has."""
    return await whole_shop(REFUSING[0], but=())


async def test_every_route_that_writes_is_in_the_table(app: FastAPI) -> None:
    def shape(path: str) -> str:
        parts = path.replace("/kits/to30/", "/kits/{kit}/").split("/")
        return "/".join("*" if part.isdigit() or part.startswith("{") else part for part in parts)

    writes = {
        f"{route.method} {shape(route.path)}"
        for route in routes_of(app)
        if route.method in ("POST", "PUT", "PATCH") and not route.path.startswith(FORMS)
    }
    assert {shape(route) for route in BODIES} == writes - BODILESS


@every_route
async def test_a_bad_value_is_refused_by_name(refusing: httpx.AsyncClient, route: str) -> None:
    before = await all_of_it()
    wrong = []
    for path, good in parts(BODIES[route]):
        field = ".".join(map(str, path))
        for bad in WRONG[type(good)]:
            if field in FREE or may_be(route, path, bad):
                continue
            answer = await send(refusing, route, spoiled(BODIES[route], path, bad))
            told = complaint(answer, field)
            if bad == "\ud800":  # no Unicode, so to some readers no JSON at all
                told = told and complaint(answer, "body")
            if told is not None:
                wrong.append(f"{field} = {str(bad)[:20]!r}: {told}")
    assert wrong == []
    assert await all_of_it() == before


@every_route
async def test_a_field_that_is_not_known_is_refused_by_name(refusing: httpx.AsyncClient, route: str) -> None:
    before = await all_of_it()
    for name in ("colour", "Quantity", "a\0b"):
        answer = await send(refusing, route, json.dumps({**BODIES[route], name: 1}))
        assert complaint(answer, name) is None, complaint(answer, name)
    broken = await send(refusing, route, json.dumps({**BODIES[route], "\ud800": 1}))
    assert complaint(broken, "body") is None, complaint(broken, "body")
    assert await all_of_it() == before


@every_route
async def test_what_is_no_object_is_refused(refusing: httpx.AsyncClient, route: str) -> None:
    before = await all_of_it()
    optional = route.endswith(OPTIONAL)
    for name, body in NOT_OBJECTS.items():
        if name == "nothing" and optional:
            continue
        answer = await send(refusing, route, body)
        told = complaint(answer, "body") if answer.status_code != 413 else None
        assert told is None, f"{name}: {told}"
    if not optional:
        assert complaint(await send(refusing, route, b"null"), "body") is None
    assert await all_of_it() == before


@every_route
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", None]
)
async def test_a_body_that_does_not_say_it_is_json_is_415(
    refusing: httpx.AsyncClient, route: str, kind: str | None
) -> None:
    before = await all_of_it()
    answer = await send(refusing, route, json.dumps(BODIES[route]), kind)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (415, "Content-Type")
    assert "application/json" in answer.json()["detail"]
    assert await all_of_it() == before


@every_route
async def test_the_table_is_right_about_the_good_bodies(app: FastAPI, client: httpx.AsyncClient, route: str) -> None:
    await fill(app, client)
    answer = await send(client, route, json.dumps(BODIES[route]), "Application/JSON; charset=utf-8")
    assert answer.status_code in ((401,) if route.endswith("session") else (200, 201, 202, 204)), answer.text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "yesterday", "1e99", ""])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{INVENTORY}/{PLUG}", "at"),
        (f"{INVENTORY}/status", "at"),
        (f"{INVENTORY}/movements", "date_from"),
        (f"{INVENTORY}/movements", "date_to"),
        (f"{INVENTORY}/promises", "date_from"),
        (f"{INVENTORY}/promises", "date_to"),
        ("/api/v1/products", "updated_since"),
    ],
)
async def test_a_moment_that_no_clock_tells_is_422(
    refusing: httpx.AsyncClient, path: str, name: str, moment: str
) -> None:
    answer = await refusing.get(path, params={name: moment})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{INVENTORY}/movements", "actor"),
        (f"{INVENTORY}/movements", "related_document"),
        (f"{INVENTORY}/reservations", "holder"),
        (f"{INVENTORY}/reservations", "holder_prefix"),
        (f"{INVENTORY}/allocations", "related_document"),
        (f"{INVENTORY}/shelves", "place"),
        (f"{INVENTORY}/{PLUG}/history", "date_from"),
        (f"{INVENTORY}/movements/export", "date_to"),
        (f"{INVENTORY}/marks", "mark"),
        ("/api/v1/scan", "code"),
        ("/api/v1/products", "sku"),
        ("/api/v1/products", "barcode"),
        ("/api/v1/categories", "code"),
        (f"/api/v1/products/{PLUG}/prices", "price_type"),
    ],
)
async def test_a_nul_in_a_filter_is_422(refusing: httpx.AsyncClient, path: str, name: str) -> None:
    answer = await refusing.get(path, params={name: "a\0b"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


@pytest.mark.parametrize("path", ["/api/v1/inventory/status", "/api/v1/products", "/api/v1/imports", "/health"])
async def test_a_misspelt_filter_is_refused_and_does_not_give_everything(
    refusing: httpx.AsyncClient, path: str
) -> None:
    answer = await refusing.get(path, params={"avaliable": "true"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "avaliable"
