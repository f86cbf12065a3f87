"""Screen: one product: its stock in all stores, live; its last movements; sell, receive, write off, correct."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.prices import store as prices
from autoshop.catalog.products import service as products
from autoshop.inventory.availability import api as availability
from autoshop.inventory.availability import service as stock
from autoshop.inventory.movements import service as movements
from autoshop.kit.db import Connection
from autoshop.kit.fields import PathId
from autoshop.web import forms, pages
from autoshop.web.forms import Form
from autoshop.web.office import movements as moving
from autoshop.web.office.visitor import Visitor, show, visitor_of

router = APIRouter(prefix="/office/products", include_in_schema=False)

LAST = 12
RETAIL = "retail"  # the price type that the counter asks for first
EVENTS = "/api/v1/inventory/events"
MovementId = Annotated[int | None, Query(ge=1, lt=2**63)]


@router.get("/{product_id}")
async def show_product(
    request: Request,
    product_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    movement: MovementId = None,
    again: bool = False,
) -> Response:
    """A product; with `movement`, what was just done, and how to undo it."""
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        facts = await _facts(request, db, visitor, product_id)
        done = await moving.done_by(db, product_id, movement)
    return show(request, visitor, "product.html", form=Form(), done=done, again=again, **facts)


@router.get("/{product_id}/stock")
async def show_stock(
    request: Request, product_id: PathId, caller: Annotated[Caller, needs("inventory:read")]
) -> Response:
    """The part of the page that changes while one looks at it."""
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        facts = await _facts(request, db, visitor, product_id)
    return show(request, visitor, "_stock.html", **facts)


@router.post("/{product_id}")
async def move(request: Request, product_id: PathId, caller: Annotated[Caller, needs("inventory:write")]) -> Response:
    """Post a movement of this product; a refusal comes back on its page, with what was typed."""
    form = await forms.read(request)
    form.values["product"] = str(product_id)
    outcome = await moving.post(request, caller, form, product_id)
    if outcome.address is not None:
        return pages.see_other(outcome.address)
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        facts = await _facts(request, db, visitor, product_id)
    return show(request, visitor, "product.html", outcome.status, form=form, done=None, again=False, **facts)


async def _facts(request: Request, db: Connection, visitor: Visitor, product_id: int) -> dict[str, Any]:
    """What the page and its changing part show."""
    now = datetime.now(UTC)
    product = await products.get_product(db, visitor.caller, product_id)
    found = availability.answer(product_id, await stock.look_up(db, product_id, now), now, pages.language_of(request))
    last, more = await movements.list_movements(db, {"product_id": product_id}, LAST, cost=False)
    types = await prices.types(db, cost=visitor.caller.may("cost:read"))
    types.sort(key=lambda one: (one.code != RETAIL, one.is_cost))
    return {
        "product": product,
        "stock": found,
        "own": next((here for here in found.stores if here.store_id == visitor.store_id), None),
        "last": last,
        "more": more,
        "store_names": {here.store_id: here.store_name for here in found.stores},
        "prices": [(one, product.prices[one.code]) for one in types if one.code in product.prices],
        "events": f"{EVENTS}?product_id={product_id}" if request.app.state.tells_events else None,
    }
