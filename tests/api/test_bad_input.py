"""Whatever is sent to a route that writes: a 4xx that names the field and says what is wrong with it; nothing is done.

The table holds every route that writes with a body that it takes; each test spoils that body in every place.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.cast import BULB, CENTRE, NORTH, PLUG
from tests.imports import whole_shop
from tests.routes import routes_of

pytestmark = pytest.mark.anyio

INVENTORY = "/api/v1/inventory"
LINE = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "inbound", "quantity": 1}
TEXTS = {"related_document": "a", "reason": "a"}
WEEK = {"mon": ["09:00", "20:00"]}
NAMES = {"code": "a", "name_ru": "a", "name_en": "a"}
NUMBERED = {"brand_id": 1, "category_id": 1}
CARD = {"article": "a1", "sku": "a", "name": "a", "unit": "a", "active": True}
HUNG = {"barcodes": ["a"], "prices": {"retail": 1}, "attributes": {"a": 1}}
STORE = {"code": "a", "name": "a", "address": "a", "time_zone": "UTC", "opening_hours": WEEK, "active": True}
BRAND = {"name": "a", "country": "a", "aliases": ["b"]}
HELD = {"product_id": PLUG, "store_id": CENTRE, "quantity": 1}
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
BODIES: dict[str, Any] = {
    f"POST {INVENTORY}/movement": {**LINE, **TEXTS},
    f"POST {INVENTORY}/movements": {"lines": [{**LINE, **TEXTS}]},
    f"POST {INVENTORY}/movements/2/reversal": {"reason": "a"},
    f"POST {INVENTORY}/transfers/1/receipt": {"lines": [{"product_id": PLUG, "quantity": 1}]},
    f"POST {INVENTORY}/reservations": {
        "holder": "a",
        "lines": [HELD],
        "related_document": "a",
        "expires_at": TOMORROW,
    },
    f"PATCH {INVENTORY}/reservations/1": {"expires_at": TOMORROW},
    f"POST {INVENTORY}/reservations/1/release": {"lines": [HELD]},
    f"POST {INVENTORY}/reservations/1/fulfilment": {"lines": [HELD], "related_document": "a"},
    f"PUT {INVENTORY}/{BULB}/lead-time": {"days": 2},
    "POST /api/v1/stores": {**STORE, "closed_dates": ["2027-01-01"]},
    f"PATCH /api/v1/stores/{CENTRE}": {**STORE, "closed_dates": ["2027-01-01"]},
    f"PUT /api/v1/stores/{CENTRE}/routes/{NORTH}": {"cutoff": "18:00", "days": 1, "arrival": "17:00", "weekdays": [1]},
    "POST /api/v1/products": {**CARD, **NUMBERED, **HUNG},
    f"PATCH /api/v1/products/{PLUG}": {**CARD, **NUMBERED, **HUNG},
    "POST /api/v1/brands": BRAND,
    "PATCH /api/v1/brands/1": BRAND,
    "POST /api/v1/categories": {**NAMES, "parent_id": 1},
    "PATCH /api/v1/categories/2": {**NAMES, "parent_id": 1},
    "POST /api/v1/price-types": {**NAMES, "is_cost": True},
    "POST /api/v1/session": {"login": "a", "password": "a"},
}
every_route = pytest.mark.parametrize("route", BODIES)

WRONG: dict[type, list[Any]] = {
    int: ["10", ">10", "", 1.5, 1.0, True, -(10**12), 2**63, 10**30, [], {}, None],
    str: [5, True, "", " ", "a\0b", "\ud800", "x" * 2_000, ["a"], {}, None],
    bool: ["true", "да", "", 1, 0, [], None],
    list: [5, "a", {}, {"0": 1}, None],
    dict: [5, "a", [], ["a"], None],
}
# What a field may be although another of its type may not; in a change a null leaves the field as it is.
NULLABLE = {"related_document", "reason", "sku", "category_id", "country", "parent_id", "expires_at"}
MAY_BE_EMPTY = {"related_document", "reason", "address", "country"}
# Any number, yes or no, or nothing; a password may be anything.
FREE = {"attributes.a", "password"}

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
    if bad is None:
        ends = route.endswith(("receipt", "lead-time", "release", "fulfilment")) or route.startswith("PATCH")
        return name in NULLABLE or (ends and len(path) == 1)
    if bad == "":
        return name in MAY_BE_EMPTY or (name == "name_en" and route == "POST /api/v1/categories")
    return (bad == " " and name in MAY_BE_EMPTY | {"login"}) or (
        name == "name_en" and route == "POST /api/v1/categories"
    )


async def send(client: httpx.AsyncClient, route: str, body: str | bytes, kind: str | None = "application/json") -> Any:
    method, path = route.split()
    headers = {"Content-Type": kind} if kind else {}
    if method == "PATCH":
        headers["If-Match"] = '"1"'
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


@pytest.fixture(autouse=True)
async def shop(client: httpx.AsyncClient) -> None:
    """Movement 1 fills a shelf, movement 2 ships transfer 1 from it; of what is left a piece is held."""
    await client.post(f"{INVENTORY}/movement", json={**LINE, "quantity": 10})
    shipped = {**LINE, "movement_type": "transfer", "quantity": 5, "to_store_id": NORTH}
    assert (await client.post(f"{INVENTORY}/movement", json=shipped)).json()["transfer_id"] == 1
    held = await client.post(f"{INVENTORY}/reservations", json={"holder": "a", "lines": [HELD]})
    assert held.json()["id"] == 1
    for number, code in enumerate(("plugs", "filters"), start=1):
        assert (await client.post("/api/v1/categories", json={"code": code, "name_ru": code})).json()["id"] == number


async def test_every_route_that_writes_is_in_the_table(app: FastAPI) -> None:
    def shape(path: str) -> str:
        return "/".join("*" if part.isdigit() or part.startswith("{") else part for part in path.split("/"))

    writes = {
        f"{route.method} {shape(route.path)}"
        for route in routes_of(app)
        if route.method in ("POST", "PUT", "PATCH") and not route.path.startswith("/office/")  # forms: test_office.py
    }
    assert {shape(route) for route in BODIES} == writes - {"POST /api/v1/imports"}


@every_route
async def test_a_bad_value_is_refused_by_name(app: FastAPI, client: httpx.AsyncClient, route: str) -> None:
    before = await whole_shop(app.state.pool, but=())
    wrong = []
    for path, good in parts(BODIES[route]):
        field = ".".join(map(str, path))
        for bad in WRONG[type(good)]:
            if field in FREE or may_be(route, path, bad):
                continue
            answer = await send(client, route, spoiled(BODIES[route], path, bad))
            told = complaint(answer, field)
            if bad == "\ud800":  # no Unicode, so to some readers no JSON at all
                told = told and complaint(answer, "body")
            if told is not None:
                wrong.append(f"{field} = {str(bad)[:20]!r}: {told}")
    assert wrong == []
    assert await whole_shop(app.state.pool, but=()) == before


@every_route
async def test_a_field_that_is_not_known_is_refused_by_name(
    app: FastAPI, client: httpx.AsyncClient, route: str
) -> None:
    before = await whole_shop(app.state.pool, but=())
    for name in ("colour", "Quantity", "a\0b"):
        answer = await send(client, route, json.dumps({**BODIES[route], name: 1}))
        assert complaint(answer, name) is None, complaint(answer, name)
    broken = await send(client, route, json.dumps({**BODIES[route], "\ud800": 1}))
    assert complaint(broken, "body") is None, complaint(broken, "body")
    assert await whole_shop(app.state.pool, but=()) == before


@every_route
async def test_what_is_no_object_is_refused(app: FastAPI, client: httpx.AsyncClient, route: str) -> None:
    before = await whole_shop(app.state.pool, but=())
    optional = route.endswith(("reversal", "receipt", "release", "fulfilment"))
    for name, body in NOT_OBJECTS.items():
        if name == "nothing" and optional:
            continue
        answer = await send(client, route, body)
        told = complaint(answer, "body") if answer.status_code != 413 else None
        assert told is None, f"{name}: {told}"
    if not optional:
        assert complaint(await send(client, route, b"null"), "body") is None
    assert await whole_shop(app.state.pool, but=()) == before


@every_route
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", None]
)
async def test_a_body_that_does_not_say_it_is_json_is_415(
    app: FastAPI, client: httpx.AsyncClient, route: str, kind: str | None
) -> None:
    before = await whole_shop(app.state.pool, but=())
    answer = await send(client, route, json.dumps(BODIES[route]), kind)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (415, "Content-Type")
    assert "application/json" in answer.json()["detail"]
    assert await whole_shop(app.state.pool, but=()) == before


@every_route
async def test_the_table_is_right_about_the_good_bodies(client: httpx.AsyncClient, route: str) -> None:
    answer = await send(client, route, json.dumps(BODIES[route]), "Application/JSON; charset=utf-8")
    assert answer.status_code in ((401,) if route.endswith("session") else (200, 201, 204)), answer.text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "yesterday", "1e99", ""])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{INVENTORY}/{PLUG}", "at"),
        (f"{INVENTORY}/status", "at"),
        (f"{INVENTORY}/movements", "date_from"),
        (f"{INVENTORY}/movements", "date_to"),
        ("/api/v1/products", "updated_since"),
    ],
)
async def test_a_moment_that_no_clock_tells_is_422(
    client: httpx.AsyncClient, path: str, name: str, moment: str
) -> None:
    answer = await client.get(path, params={name: moment})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{INVENTORY}/movements", "actor"),
        (f"{INVENTORY}/movements", "related_document"),
        ("/api/v1/products", "sku"),
        ("/api/v1/products", "barcode"),
        ("/api/v1/categories", "code"),
        (f"/api/v1/products/{PLUG}/prices", "price_type"),
    ],
)
async def test_a_nul_in_a_filter_is_422(client: httpx.AsyncClient, path: str, name: str) -> None:
    answer = await client.get(path, params={name: "a\0b"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


@pytest.mark.parametrize("path", ["/api/v1/inventory/status", "/api/v1/products", "/api/v1/imports", "/health"])
async def test_a_misspelt_filter_is_refused_instead_of_giving_everything(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, params={"avaliable": "true"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "avaliable"
