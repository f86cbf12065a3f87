"""The OpenAPI document keeps its word: whatever fits it, and whatever does not, is answered as it says.

Schemathesis makes the requests up from the document; they go to a served process, as everybody's do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from autoshop.app import create_app
from autoshop.kit.embedded import Cluster
from autoshop.kit.settings import Settings
from tests.cast import AIR_FILTER, BRAKE_PADS, CENTRE, NORTH, PLUG, WIPER
from tests.conftest import Database, Server, free_port, new_database
from tests.everything import (
    CONFLICTS,
    COUNTED,
    DOCUMENTS,
    HOLDS,
    HOOKS,
    LEVELLED,
    STOCKTAKES,
    make_one_of_everything,
    some_day,
)
from tests.garages import choose_car, fill_garages
from tests.routes import ENDLESS

DOCUMENT = create_app(Settings.model_validate({"database_url": "postgresql://nobody@127.0.0.1:1/none"})).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
ENDING = [label for label in OPERATIONS if label not in ENDLESS]
WITH_INPUT = [label for label in ENDING if OPERATIONS[label].body or list(OPERATIONS[label].iter_parameters())]
PUBLIC = {"GET /health", "GET /ready", "GET /api/v1/session", "POST /api/v1/session", "DELETE /api/v1/session"}
NO_SURPRISE: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
DAYS = ("date", "ends_on", "effective_on")
some_hold = cycle(range(1, HOLDS + 1))
some_hook = cycle(range(3, HOOKS + 1))  # the first two stay
some_year = cycle(range(2100, 2200))
UNDOABLE: list[int] = []  # movements of one piece, each to be undone once
some_order = cycle(range(1, HOLDS + 1))  # each to be given up once
some_transfer = cycle(range(3, HOLDS + 3))  # by turns one that is asked for, and one that is on the way
UNCOUNTED = {"store_id": NORTH, "scope": {"kind": "products", "product_ids": [WIPER]}}
some_conflict = cycle(range(1, len(CONFLICTS) + 1))
some_document = cycle(range(1, DOCUMENTS + 1))
some_channel = cycle(f"channel-{number}" for number in range(HOLDS))  # to be removed, or to be given buffers
not_levelled = cycle([AIR_FILTER, BRAKE_PADS])
DONE = {200, 201, 202, 204}
few = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a failure is shown as it came: to shrink it, every request would be sent again and again
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def served(cluster: Cluster, trust: str) -> Iterator[tuple[str, Database]]:
    """The URL of a shop that trusts these networks, and its database."""
    with new_database(cluster) as database:
        server = Server(database.url, free_port(), AUTOSHOP_TRUST=trust)
        try:
            server.start()
            yield server.url, database
        finally:
            server.stop()


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """Whoever calls is a manager, and one of everything has happened."""
    with served(cluster, "127.0.0.0/8=manager") as (url, database):
        with httpx.Client(base_url=url) as client:
            UNDOABLE.extend(make_one_of_everything(client, database))
            fill_garages(url, client)
        yield url


@pytest.fixture(scope="module")
def closed_shop(cluster: Cluster) -> Iterator[str]:
    """Nobody is trusted."""
    with served(cluster, "") as (url, _):
        yield url


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def last_period(shop: str) -> int:
    """The only one that can be reopened."""
    found: list[dict[str, Any]] = httpx.get(f"{shop}/api/v1/inventory/periods?limit=1000").json()["items"]
    return int(next(one["id"] for one in found if one["reopened_at"] is None))


def bring_home(case: Case[Any], shop: str) -> None:
    """Make a request be about what there is, in the quantities of a shop: else hardly one would get past the door."""
    case.path_parameters = _known(case.path_parameters)
    if "reservation_id" in case.path_parameters:  # most of what is done to one ends it
        case.path_parameters["reservation_id"] = next(some_hold)
    if "webhook_id" in case.path_parameters:
        if case.method == "DELETE":
            case.path_parameters["webhook_id"] = next(some_hook)
        if isinstance(case.body, dict):
            case.body.pop("active", None)
    if "delivery_id" in case.path_parameters:  # each of the two was pinged once
        case.path_parameters["delivery_id"] = case.path_parameters["webhook_id"]
    if "movements/{movement_id}" in case.path:
        case.path_parameters["movement_id"] = UNDOABLE.pop()
    if "transfer_id" in case.path_parameters:
        case.path_parameters["transfer_id"] = next(some_transfer)
    if "allocation_id" in case.path_parameters and case.method == "POST":
        case.path_parameters["allocation_id"] = next(some_order)
    if "stocktake_id" in case.path_parameters:
        verb = case.path.rpartition("/")[2]
        numbers = {done: number for number, (done, _, _) in enumerate(STOCKTAKES, start=1)}
        case.path_parameters["stocktake_id"] = numbers.get(verb, COUNTED)
        if verb == "sheet" and case.method == "POST":
            case.body = b"id;counted\n1;1\n"
    if "document_id" in case.path_parameters:
        case.path_parameters["document_id"] = next(some_document)
    if "code" in case.path_parameters:
        kept = case.method == "GET" or (case.method == "DELETE" and "buffers" in case.path)
        case.path_parameters["code"] = "site" if kept else next(some_channel)
    if "levels/{" in case.path and case.method != "GET":
        product_id = int(case.path_parameters["product_id"])
        case.path_parameters["product_id"] = next(not_levelled) if case.method == "PUT" else LEVELLED[product_id % 2]
    if "vin" in case.path_parameters:
        case.path_parameters["vin"] = "XTAGFL110KY000000"
    if "year" in case.path_parameters:  # whose holidays nobody has set
        year = case.path_parameters["year"] = next(some_year)
        if case.method == "PUT":
            case.body = {"days": [{"day": f"{year}-01-01", "name": "Новый год"}]}
            case.headers["If-Match"] = '"0"'
    if "period_id" in case.path_parameters:
        case.path_parameters["period_id"] = last_period(shop)
    case.query = _known(case.query)
    if case.path.endswith("documents/files"):
        case.query = {"kind": "receipt", "store_id": CENTRE, "again": "true"}
        case.body = "Код;Количество\nSKU-1;1\n".encode()
    case.body = _known(case.body)
    _choose_plugs(case)
    if "kit" in case.path_parameters:
        _choose_a_kit(case, shop)
    case.headers.pop("Idempotency-Key", None)  # used before, as likely as not
    if case.method in ("PATCH", "DELETE") or "found-policies" in case.path:
        case.headers["If-Match"] = '"1"'
    elif case.path.endswith("approval"):
        case.headers["If-Match"] = '"2"'
    if "/shelves/" in case.path and case.method in ("PUT", "DELETE"):  # of what nobody else has said where it lies
        case.path_parameters["product_id"] = AIR_FILTER if case.method == "PUT" else BRAKE_PADS
        case.headers["If-Match"] = '"0"'
    if case.path.startswith("/api/v1/pick-lists"):  # one of both
        case.query = {"transfer_id": 1}


def _choose_a_kit(case: Case[Any], shop: str) -> None:
    """A filter for a Vesta, for what it costs now."""
    case.path_parameters["kit"] = "to30"
    car: dict[str, Any] = {"vehicle": "lada/vesta/i", "store_id": CENTRE}
    if case.method == "GET":
        case.query = car
    else:
        seen = httpx.get(f"{shop}/api/v1/kits/to30", params=car).json()["ways"]
        case.body = {**car, "tier": "standard", "total_kopecks": seen[0]["total_kopecks"], "holder": "Ivan"}


def _choose_plugs(case: Case[Any]) -> None:
    """Of the selection: a plug that there is, two that fit, a pair that nobody has decided, a car of a garage."""
    if "/garages/" in case.path:
        choose_car(case)
    if "plugs/{" in case.path:
        case.path_parameters["code"] = "BPR6ES"
    if "conflict_id" in case.path_parameters:
        case.path_parameters["conflict_id"] = next(some_conflict)
    if case.path.endswith("/crosses"):
        case.body = {"brand": "NGK", "article": "BPR6ES", "other_brand": "Bosch", "other_article": "WR7DC"}
    if case.path.endswith("/fitment/purchases"):
        case.body = {"related_document": "чек", "vehicle": {"id": "lada/vesta/i"}}
    if case.path.endswith("/fitment/feedback") and case.method == "POST":
        case.body = {"vehicle": "lada/vesta/i", "engine": "21129", "fitted": False}
    query = case.query if isinstance(case.query, dict) else {}
    if case.path.endswith(("/fitment/verdict", "/products", "/recommendations")) and "vehicle" in query:
        query |= {"vehicle": "lada/vesta/i"}
        query.pop("engine", None)
    if "/vehicles/{make}" in case.path:
        case.path_parameters |= {"make": "lada", "model": "vesta", "generation": "i"}
    elif "/vehicles" in case.path:
        query |= {name: value for name, value in (("make", "Lada"), ("model", "Vesta")) if name in query}


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    known = {name: _known(inner) for name, inner in value.items() if name not in ("brand", "barcodes", "prices")}
    for name, inner in known.items():
        if isinstance(inner, float) and inner.is_integer():
            known[name] = inner = int(inner)
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            if name.endswith("_id"):
                known[name] = int(inner) % 2 + 1
            elif name == "quantity":
                known[name] = int(inner) % 3 + 1
            elif name == "round":
                known[name] = 1
        elif name == "product_ids":
            known[name] = [PLUG]
        elif name == "counts" and inner and isinstance(inner[0], str):
            known[name] = [f"c{PLUG}"]
        elif (name in ("counted_at", "sent_at") and inner is not None) or name == "marks" or name == "version":
            known[name] = None
        elif name == "places":
            known[name] = ["A-1"]
        elif name == "start_at":
            known[name] = 1
        elif name == "copies":
            known[name] = 2
        elif name in DAYS and isinstance(inner, str):
            known[name] = next(some_day)
        elif name in ("expires_at", "hold_until") and inner is not None:
            known[name] = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    if "from_store_id" in known:
        known["to_store_id"] = CENTRE + NORTH - known["from_store_id"]
        known.pop("wanted_by", None)  # it may not lie in the past
    if known.get("movement_type", "transfer") != "transfer":
        known.pop("to_store_id", None)
    elif "store_id" in known and ("to_store_id" in known or "movement_type" in known):
        known["to_store_id"] = CENTRE + NORTH - known["store_id"]
    if known.keys() >= {"from", "to"}:
        known |= {"from": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "to": datetime.now(UTC).isoformat()}
    if "url" in known:
        known |= {"url": "https://example.com/hook"} | ({"topics": ["*"]} if "topics" in known else {})
    if "scope" in known:
        known |= UNCOUNTED
    if known.keys() >= {"kind", "lines"}:
        known |= {"kind": "receipt", "lines": [{"product_id": PLUG, "quantity": 1}], "counted_at": None}
    if known.get("movement_type", "inbound") not in ("inbound", "return"):
        known.pop("unit_cost_kopecks", None)
    if "article" in known and "name" in known:
        known["brand_id"] = 1
    return known


@pytest.mark.parametrize("label", ENDING)
def test_what_fits_the_document_is_answered_as_it_says(shop: str, session: requests.Session, label: str) -> None:
    operation: APIOperation[Any, Any, Any, Any] = OPERATIONS[label]
    answered: set[int] = set()

    def ask(times: settings) -> None:
        @times
        @given(case=operation.as_strategy(GenerationMode.POSITIVE), known=st.booleans())
        def each(case: Case[Any], known: bool) -> None:
            if known or case.method == "DELETE":  # what the others are about must not be gone
                bring_home(case, shop)
            answer = case.call_and_validate(base_url=shop, session=session, checks=NO_SURPRISE)
            answered.add(answer.status_code)

        each()

    ask(few)
    if not answered & DONE and label != "POST /api/v1/session":  # all were about what is not there, or has been done
        ask(settings(few, max_examples=150))
    assert label == "POST /api/v1/session" or answered & DONE, f"only refusals: {answered}"


@pytest.mark.parametrize("label", WITH_INPUT)
def test_what_does_not_fit_is_refused(shop: str, session: requests.Session, label: str) -> None:
    operation: APIOperation[Any, Any, Any, Any] = OPERATIONS[label]

    @few
    @given(case=operation.as_strategy(GenerationMode.NEGATIVE))
    def each(case: Case[Any]) -> None:
        for name in [name for name in case.headers if name.lower() == "host"]:  # which would lead to no shop at all
            del case.headers[name]
        case.call_and_validate(base_url=shop, session=session, checks=[*NO_SURPRISE, checks.negative_data_rejection])

    each()


@pytest.mark.parametrize("label", OPERATIONS)
def test_nobody_is_told_so(closed_shop: str, session: requests.Session, label: str) -> None:
    operation: APIOperation[Any, Any, Any, Any] = OPERATIONS[label]

    @settings(few, max_examples=3)
    @given(case=operation.as_strategy(GenerationMode.POSITIVE))
    def each(case: Case[Any]) -> None:
        answer = case.call_and_validate(base_url=closed_shop, session=session, checks=NO_SURPRISE)
        assert label in PUBLIC or answer.status_code == 401

    each()


def test_the_document_says_how_callers_prove_who_they_are() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert (schemes["token"]["scheme"], schemes["session"]["in"]) == ("bearer", "cookie")
    assert {name for way in DOCUMENT["security"] for name in way} == set(schemes)
