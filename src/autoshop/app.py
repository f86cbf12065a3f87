"""The web application: routes of all folders behind one gate."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import msgspec
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from autoshop import __version__
from autoshop.accounts import api as accounts
from autoshop.accounts.access import anybody, needs
from autoshop.accounts.service import SESSION_COOKIE, Doorkeeper
from autoshop.catalog.brands import api as brands
from autoshop.catalog.categories import api as categories
from autoshop.catalog.imports import api as imports
from autoshop.catalog.prices import api as prices
from autoshop.catalog.products import api as products
from autoshop.inventory.allocation import api as allocations
from autoshop.inventory.availability import api as availability
from autoshop.inventory.buffers import api as buffers
from autoshop.inventory.found import api as found
from autoshop.inventory.history import api as history
from autoshop.inventory.levels import api as levels
from autoshop.inventory.live import api as live
from autoshop.inventory.live.service import Live
from autoshop.inventory.marks import api as marks
from autoshop.inventory.movements import api as movements
from autoshop.inventory.movements.group_commit import MovementQueue
from autoshop.inventory.periods import api as periods
from autoshop.inventory.recounts import api as recounts
from autoshop.inventory.reservations import api as reservations
from autoshop.inventory.returns import api as returns
from autoshop.inventory.shelves import api as shelves
from autoshop.inventory.stock import api as stock
from autoshop.inventory.stock.service import TotalsOfAll
from autoshop.inventory.stock_on import api as stock_on
from autoshop.inventory.stocktakes import api as stocktakes
from autoshop.inventory.stocktakes.approval import api as approval
from autoshop.inventory.stocktakes.counts import api as counts
from autoshop.inventory.stocktakes.sheets import api as sheets
from autoshop.inventory.stores import api as stores
from autoshop.inventory.transfers import api as transfers
from autoshop.inventory.value import api as value
from autoshop.kit import health
from autoshop.kit.answers import REFUSED, NotJson, answers_with, says_json
from autoshop.kit.cache import open_cache
from autoshop.kit.db import open_pool
from autoshop.kit.errors import PROBLEM_JSON, Invalid, Refusal, problem, wrong
from autoshop.kit.fields import only_known_parameters, reason_for
from autoshop.kit.http import Gate
from autoshop.kit.reuse import Reused
from autoshop.kit.settings import Settings, settings
from autoshop.selection.crosses import api as crosses
from autoshop.selection.fitment import api as fitment
from autoshop.selection.fitment.feedback import api as feedback
from autoshop.selection.fitment.service import products_for
from autoshop.selection.garage import api as garages
from autoshop.selection.kits import api as kits
from autoshop.selection.memory.service import Memory
from autoshop.selection.plugs import api as plugs
from autoshop.selection.readiness import read_facts
from autoshop.selection.recommendations import api as recommendations
from autoshop.selection.search import api as search
from autoshop.selection.vehicles import api as vehicles
from autoshop.selection.vin import api as vin
from autoshop.warehouse.documents import api as documents
from autoshop.warehouse.documents import files as document_files
from autoshop.warehouse.labels import api as labels
from autoshop.warehouse.picking import api as picking
from autoshop.warehouse.scan import api as scan
from autoshop.web import assets
from autoshop.web.office import counting as counting_pages
from autoshop.web.office import look_up, session
from autoshop.web.office import misfits as misfit_pages
from autoshop.web.office import movements as movement_pages
from autoshop.web.office import products as product_pages
from autoshop.web.office import stocktake_review as review_pages
from autoshop.web.office import stocktakes as stocktake_pages
from autoshop.web.office import transfer_differences as difference_pages
from autoshop.web.office import transfers as transfer_pages
from autoshop.web.pages import error_page, prepare
from autoshop.web.shop import cars as shop_cars
from autoshop.web.shop import garage as shop_garage
from autoshop.web.shop import garage_car as shop_garage_car
from autoshop.web.shop import home as shop_home
from autoshop.web.shop import kits as shop_kits
from autoshop.web.shop import maps as shop_maps
from autoshop.web.shop import plugs as shop_plugs
from autoshop.web.shop import products as shop_products
from autoshop.web.shop import search as shop_search
from autoshop.web.shop import vin as shop_vin
from autoshop.webhooks import api as webhooks

DESCRIPTION = """
One stock ledger for all stores and channels. Errors are RFC 9457 problem documents; every write but signing in takes an
`Idempotency-Key`, so that a repeat is done once; lists are paged by `next_page`.
"""


def create_app(config: Settings | None = None) -> FastAPI:
    """The application as uvicorn serves it."""
    config = config or settings()
    app = FastAPI(
        title="AUTOSHOP",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # /metrics and the gate's log tell it
        docs_url=None,
        redoc_url=None,
        responses=REFUSED,
        dependencies=[Depends(only_known_parameters)],
    )
    app.state.settings = config
    app.state.products_for = products_for  # the catalogue's list asks it, and may not know the selection
    app.router.routes.append(Route(movements.POST_PATH, movements.post_movement, methods=["POST"]))
    counting = (stocktakes, approval, counts, sheets, recounts, found)
    moving = (movements, transfers, reservations, allocations, returns)
    reports = (periods, stock, stock_on, value, history)
    inventory = (*moving, *counting, shelves, marks, levels, buffers, live, *reports, availability, stores)
    catalogue = (products, brands, categories, prices, imports)
    warehouse = (scan, labels, picking, document_files, documents)
    selection = (search, vin, vehicles, plugs, crosses, fitment, feedback, kits, recommendations, garages)
    for module in (*inventory, *catalogue, *warehouse, *selection, webhooks, accounts):
        app.include_router(module.router)
    app.include_router(stores.holidays_router)
    screens = (session, look_up, product_pages, movement_pages, transfer_pages, difference_pages)
    shop = (shop_home, shop_search, shop_products, shop_cars, shop_kits, shop_vin, shop_plugs, shop_maps)
    garage = (shop_garage, shop_garage_car)
    for screen in (*screens, misfit_pages, stocktake_pages, review_pages, counting_pages, *shop, *garage, assets):
        app.include_router(screen.router)
    _own_routes(app)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(
        Gate,
        settings=config,
        express={("POST", movements.POST_PATH): movements.post_movement},
        error_page=error_page,
    )
    app.state.tells_events = product_pages.EVENTS in set(_paths(app.routes))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _paths(routes: Sequence[Any]) -> Iterator[str]:
    for route in routes:
        yield from _paths(getattr(getattr(route, "original_router", None), "routes", []))
        yield getattr(route, "path", "")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    prepare()
    await asyncio.to_thread(read_facts)
    pool = await open_pool(app.state.settings, name="serve")
    app.state.pool = pool
    app.state.doorkeeper = Doorkeeper(pool, app.state.settings)
    app.state.movements = MovementQueue(pool)
    app.state.totals = TotalsOfAll(pool)
    app.state.live = Live(pool, app.state.settings.live_listeners)
    app.state.reports = Reused[Any]()
    app.state.cache = open_cache(app.state.settings.cache_url)
    app.state.memory = Memory(app.state.cache)
    try:
        yield
    finally:
        await app.state.live.close()
        await app.state.totals.reused.close()
        await app.state.reports.close()
        await app.state.movements.drain()
        await app.state.cache.close()
        await asyncio.wait_for(pool.close(), timeout=10)


def _own_routes(app: FastAPI) -> None:
    swagger = str(files("fastapi_swagger") / "resources")
    told = answers_with(status={"type": "string"}, missing={"type": "array", "items": {"type": "string"}})[200]
    readiness: dict[int | str, dict[str, Any]] = {200: told, 503: {**told, "description": "Not ready"}}
    app.mount("/docs/assets", StaticFiles(directory=swagger), name="docs-assets")

    @app.get("/docs", include_in_schema=False, dependencies=[anybody])
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="AUTOSHOP API",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon-32x32.png",
        )

    @app.get("/health", tags=["operations"], dependencies=[anybody])
    async def alive() -> dict[str, str]:
        """This process lives. It says nothing of the database: a restart would not mend that."""
        return {"status": "ok"}

    @app.get("/ready", tags=["operations"], dependencies=[anybody], response_model=None, responses=readiness)
    async def ready(request: Request) -> Response:
        """Whether requests can be served, and if not, what is missing."""
        missing = await health.not_ready(request.app.state.pool)
        body = {"status": "not ready" if missing else "ready", "missing": missing}
        return Response(msgspec.json.encode(body), 503 if missing else 200, media_type="application/json")

    @app.get("/metrics", include_in_schema=False, dependencies=[needs("metrics:read")])
    async def metrics(request: Request) -> Response:
        return Response(await health.metrics(request.app.state.pool), media_type="text/plain; version=0.0.4")


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    refusal = _refusal_for(request, error.errors())
    return _told(request, refusal.problem(), refusal.headers())


def _refusal_for(request: Request, found: Sequence[Any]) -> Refusal:
    """What Pydantic found, as a refusal."""
    first = found[0]
    if first["type"] == "json_invalid":
        where = f"{first['ctx']['error']} at character {first['loc'][-1]}"
        return Invalid(f"The body is not JSON: {where}", errors=[wrong("body", "not JSON")])
    if first["loc"] == ("body",) and first["type"] != "missing" and not says_json(request.headers.get("content-type")):
        return NotJson()
    errors = [wrong(".".join(str(part) for part in one["loc"][1:]) or one["loc"][0], reason_for(one)) for one in found]
    return Invalid("; ".join(f"{one['field']}: {one['reason']}" for one in errors[:3]), errors=errors)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, UnicodeDecodeError | RecursionError):
        refusal = Invalid("The body is not JSON in UTF-8, or far too deep", errors=[wrong("body", "not JSON")])
        return _told(request, refusal.problem(), refusal.headers())
    body = problem(error.status_code, error.detail, error.detail)
    return _told(request, body, error.headers or {})


def _told(request: Request, body: dict[str, Any], headers: Mapping[str, str]) -> Response:
    """A problem: as a page for people, as its document for programs."""
    page = error_page(request, body, headers)
    return page or Response(msgspec.json.encode(body), body["status"], headers=headers, media_type=PROBLEM_JSON)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with the routes that are not FastAPI's and the shape of every refusal."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        by_hand = movements.openapi()
        document["paths"] = {**by_hand["paths"], **document["paths"]}
        for path in document["paths"].values():
            for operation in path.values():  # the first sentence says more than the function's name
                operation["summary"] = (
                    operation["description"].partition("\n")[0].partition(". ")[0].rstrip(".").replace("`", "")
                )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(by_hand["components"]["schemas"])
        schemas["Problem"] = PROBLEM_SCHEMA
        document["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
        }
        document["security"] = [{}, {"token": []}, {"session": []}]  # {}: a trusted network needs none
        app.openapi_schema = document
    return app.openapi_schema


PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "RFC 9457: what was refused and why. Further members are facts, such as asked and available.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "additionalProperties": True,
}
