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
from tests.cast import AIR_FILTER, BRAKE_PADS, CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Server, free_port, new_database

DOCUMENT = create_app(Settings.model_validate({"database_url": "postgresql://nobody@127.0.0.1:1/none"})).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
WITH_INPUT = [label for label, found in OPERATIONS.items() if found.body or list(found.iter_parameters())]
PUBLIC = {"GET /health", "GET /ready", "GET /api/v1/session", "POST /api/v1/session", "DELETE /api/v1/session"}
NO_SURPRISE: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
PLACES = [{"product_id": product, "store_id": store} for product in (PLUG, OIL_FILTER) for store in (CENTRE, NORTH)]
HOLDS = 60
some_hold = cycle(range(1, HOLDS + 1))
few = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a failure is shown as it came: to shrink it, every request would be sent again and again
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def served(cluster: Cluster, trust: str) -> Iterator[str]:
    """The URL of a shop that trusts these networks."""
    with new_database(cluster) as database:
        server = Server(database.url, free_port(), AUTOSHOP_TRUST=trust)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """Whoever calls is a manager, and one of everything has happened."""
    lines = [{**place, "movement_type": "inbound", "quantity": 1000} for place in PLACES] + [
        {"product_id": product, "store_id": CENTRE, "movement_type": "transfer", "quantity": 99, "to_store_id": NORTH}
        for product in (PLUG, OIL_FILTER)
    ]
    with served(cluster, "127.0.0.0/8=manager") as url:
        with httpx.Client(base_url=url) as client:
            for line in lines:
                assert client.post("/api/v1/inventory/movement", json=line).status_code == 200
            held = [{**place, "quantity": 3} for place in PLACES]
            for _ in range(HOLDS):
                made = client.post("/api/v1/inventory/reservations", json={"holder": "Ivan", "lines": held})
                assert made.status_code == 201
            for code in ("plugs", "filters"):
                added = client.post("/api/v1/categories", json={"code": code, "name_ru": code})
                assert added.status_code == 201
            file = "Бренд;Артикул;Название\nNGK;BKR6E;Свеча\n".encode()
            sent = client.post("/api/v1/imports", content=file, headers={"Content-Type": "text/csv"})
            assert sent.status_code == 202
        yield url


@pytest.fixture(scope="module")
def closed_shop(cluster: Cluster) -> Iterator[str]:
    """Nobody is trusted."""
    with served(cluster, "") as url:
        yield url


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def bring_home(case: Case[Any]) -> None:
    """Make a request be about what there is, in the quantities of a shop: else hardly one would get past the door."""
    case.path_parameters = _known(case.path_parameters)
    if "reservation_id" in case.path_parameters:  # most of what is done to one ends it
        case.path_parameters["reservation_id"] = next(some_hold)
    case.query = _known(case.query)
    case.body = _known(case.body)
    case.headers.pop("Idempotency-Key", None)  # used before, as likely as not
    if case.method == "PATCH":
        case.headers["If-Match"] = '"1"'
    if "/shelves/" in case.path and case.method in ("PUT", "DELETE"):  # of what nobody else has said where it lies
        case.path_parameters["product_id"] = AIR_FILTER if case.method == "PUT" else BRAKE_PADS
        case.headers["If-Match"] = '"0"'
    if case.path.startswith("/api/v1/pick-lists"):  # one of both
        case.query = {"transfer_id": 1}


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    known = {name: _known(inner) for name, inner in value.items() if name not in ("brand", "barcodes", "prices")}
    for name, inner in known.items():
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            if name.endswith("_id"):
                known[name] = int(inner) % 2 + 1
            elif name == "quantity":
                known[name] = int(inner) % 3 + 1
        elif name in ("marks", "version"):  # they speak of one unit, one list
            known[name] = None
        elif name == "places":
            known[name] = ["A-1"]
        elif name == "start_at":
            known[name] = 1
        elif name == "copies":
            known[name] = 2
        elif name == "expires_at" and inner is not None:
            known[name] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    if known.get("movement_type", "transfer") != "transfer":
        known.pop("to_store_id", None)
    elif "store_id" in known and ("to_store_id" in known or "movement_type" in known):
        known["to_store_id"] = CENTRE + NORTH - known["store_id"]
    if "article" in known and "name" in known:
        known["brand_id"] = 1
    return known


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_fits_the_document_is_answered_as_it_says(shop: str, session: requests.Session, label: str) -> None:
    operation: APIOperation[Any, Any, Any, Any] = OPERATIONS[label]
    answered = set()

    @few
    @given(case=operation.as_strategy(GenerationMode.POSITIVE), known=st.booleans())
    def each(case: Case[Any], known: bool) -> None:
        if known:
            bring_home(case)
        answer = case.call_and_validate(base_url=shop, session=session, checks=NO_SURPRISE)
        answered.add(answer.status_code)

    each()
    assert label == "POST /api/v1/session" or answered & {200, 201, 202, 204}, f"only refusals: {answered}"


@pytest.mark.parametrize("label", WITH_INPUT)
def test_what_does_not_fit_is_refused(shop: str, session: requests.Session, label: str) -> None:
    operation: APIOperation[Any, Any, Any, Any] = OPERATIONS[label]

    @few
    @given(case=operation.as_strategy(GenerationMode.NEGATIVE))
    def each(case: Case[Any]) -> None:
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
