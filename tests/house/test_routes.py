"""Every route says who may call it."""

import pytest
from fastapi import APIRouter

from autoshop.accounts.access import needs
from autoshop.accounts.model import SCOPES
from autoshop.app import create_app
from autoshop.kit.settings import Settings
from tests.routes import Declared, routes_of

# FastAPI's own, and files that come with a package: nothing of the shop's is told there.
OPEN = {"GET /openapi.json", "* /docs/assets"}


@pytest.fixture(scope="module")
def routes() -> list[Declared]:
    return routes_of(create_app(Settings()))


def test_every_route_declares_who_may_call_it(routes: list[Declared]) -> None:
    silent = {str(route) for route in routes if route.scope is None}
    assert silent == OPEN


def test_what_a_route_needs_is_a_scope_that_somebody_can_hold(routes: list[Declared]) -> None:
    assert {str(route) for route in routes if route.scope not in (None, "anybody", *SCOPES)} == set()


def test_nothing_is_written_by_anybody_but_ones_own_session(routes: list[Declared]) -> None:
    written = {str(route) for route in routes if route.scope == "anybody" and route.method != "GET"}
    own_session = {"POST /api/v1/session", "DELETE /api/v1/session", "POST /office/sign-in", "POST /office/sign-out"}
    own_browser = {"POST /office/settings", "POST /language"}  # cookies
    own_garage = {route for route in written if route.startswith("POST /garage/")}  # whose the cookie's token is
    assert written == own_session | own_browser | own_garage
    assert len(own_garage) == 9


def test_a_change_needs_a_right_to_write(routes: list[Declared]) -> None:
    readers = {
        str(route) for route in routes if route.method not in ("GET", "*") and str(route.scope).endswith(":read")
    }
    assert readers == {"POST /api/v1/vin"}  # a question too long for an address


def test_a_route_that_forgets_is_found() -> None:
    router = APIRouter()
    router.add_api_route("/safe", lambda: None, dependencies=[needs("cost:read")])
    router.add_api_route("/open", lambda: None, methods=["PUT"])
    app = create_app(Settings())
    app.include_router(router)
    assert routes_of(app)[-2:] == [Declared("GET", "/safe", "cost:read"), Declared("PUT", "/open", None)]
