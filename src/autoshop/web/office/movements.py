"""Screen: a sale, receipt, write-off or correction by itself; the one movement, and its undoing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.catalog.products.model import Product, the_one
from autoshop.inventory.movements import store
from autoshop.inventory.movements.model import MOST_PIECES, Movement, MovementRequest, UnknownMovement
from autoshop.inventory.movements.model import MovementType as AnyType
from autoshop.inventory.stores import service as stores
from autoshop.inventory.transfers import posting
from autoshop.kit.db import Connection
from autoshop.kit.fields import PathId
from autoshop.kit.text import NO_NUL
from autoshop.web import forms, pages
from autoshop.web.forms import Form, Outcome, once
from autoshop.web.office.visitor import show, visitor_of

router = APIRouter(prefix="/office/movements", include_in_schema=False)

TYPES: tuple[AnyType, ...] = ("sale", "inbound", "return", "writeoff", "adjustment")
assert set(TYPES) <= set(get_args(AnyType))
MOST_CHOICES = 20
Code = Annotated[str, Query(max_length=200, pattern=NO_NUL)]


@dataclass(frozen=True, slots=True)
class Done:
    """A movement that was just posted; `undone` = it was reversed since."""

    movement: Movement
    undone: bool


async def done_by(db: Connection, product_id: int, movement_id: int | None) -> Done | None:
    """What a page says was done; nothing where the movement is not one of this product."""
    movement = await store.find(db, movement_id) if movement_id is not None else None
    if movement is None or movement.product_id != product_id:
        return None
    return Done(movement, await store.is_reversed(db, movement))


@router.get("/new")
async def new_movement(
    request: Request, caller: Annotated[Caller, needs("inventory:write")], product: Code = "", kind: Code = "sale"
) -> Response:
    """The form by itself."""
    form = Form({"product": product, "kind": kind if kind in TYPES else "sale"})
    return await _form_page(request, caller, form, 200, [])


@router.post("/new")
async def post_new(request: Request, caller: Annotated[Caller, needs("inventory:write")]) -> Response:
    """Find the product by what was typed, and post."""
    form = await forms.read(request)
    async with request.app.state.pool.acquire() as db:
        product, choices = await named(db, caller, form, "product")
    outcome = await post(request, caller, form, product.id if product else 0)
    if outcome.address is not None:
        return pages.see_other(outcome.address)
    return await _form_page(request, caller, form, outcome.status, choices)


async def named(db: Connection, caller: Caller, form: Form, field: str) -> tuple[Product | None, list[Product]]:
    """The product that a field names beyond doubt, or was chosen for it; else those to choose among, and an error."""
    typed = form.text(field, 200)
    if form.error_of(field):
        return None, []
    if typed is None:
        form.wrong(field, "form.empty")
        return None, []
    found = await products.look_up(db, caller, typed, MOST_CHOICES)
    chosen = next((one for one in found if str(one.id) == form[f"{field}_id"]), None) or the_one(found, typed)
    if chosen is None:
        form.wrong(field, "form.several" if found else "form.no_product", typed=typed)
        return None, found
    return chosen, []


async def _form_page(request: Request, caller: Caller, form: Form, status: int, choices: list[Product]) -> Response:
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
    return show(request, visitor, "movement_form.html", status, form=form, choices=choices)


async def post(request: Request, caller: Caller, form: Form, product_id: int) -> Outcome:
    """Read the form and post its movement, once for its key. What is wrong is in the form afterwards."""
    kind = form.choice("kind", TYPES)
    least = -MOST_PIECES if kind == "adjustment" else 1
    quantity = form.whole("quantity", least, MOST_PIECES)
    document, reason = form.text("document", 200), form.text("reason", 500)
    if kind in ("writeoff", "adjustment") and reason is None:
        form.wrong("reason", "form.why")
    if kind == "adjustment" and quantity == 0:
        form.wrong("quantity", "form.nothing")
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
    store_id = visitor.store_id
    if form["store"].isdecimal() and len(form["store"]) < 18:
        store_id = int(form["store"])  # the one that the form was shown for, whatever was chosen in another window
    if form.errors:
        return Outcome(status=422)
    asked = MovementRequest(
        product_id=product_id,
        store_id=store_id,
        movement_type=kind,  # type: ignore[arg-type]
        quantity=quantity,
        related_document=document,
        reason=reason,
    )

    async def verb(db: Connection) -> dict[str, Any]:
        [movement] = await posting.post_requests(db, caller, [asked], datetime.now(UTC))
        return {"movement_id": movement.id, "product_id": product_id}

    return await once(request, caller, form, verb, "quantity", _address)


def _address(document: dict[str, Any], again: bool) -> str:
    repeated = "&again=true" if again else ""
    return f"/office/products/{document['product_id']}?movement={document['movement_id']}{repeated}"


# ------------------------------------------------------------------------------------------------ one movement
@router.get("/{movement_id}")
async def show_movement(
    request: Request, movement_id: PathId, caller: Annotated[Caller, needs("inventory:read")]
) -> Response:
    """One line of the ledger, and the button that undoes it."""
    return await _movement_page(request, caller, movement_id, Form(), 200)


@router.post("/{movement_id}/reversal")
async def reverse(
    request: Request, movement_id: PathId, caller: Annotated[Caller, needs("inventory:write")]
) -> Response:
    """Undo a movement by its opposite."""
    form = await forms.read(request)
    reason = form.text("reason", 500)
    outcome = Outcome(status=422)
    if not form.errors:

        async def verb(db: Connection) -> dict[str, Any]:
            movement = await posting.reverse(db, caller, movement_id, reason)
            return {"movement_id": movement.id, "product_id": movement.product_id}

        outcome = await once(request, caller, form, verb, "", _address)
    if outcome.address is not None:
        return pages.see_other(outcome.address)
    return await _movement_page(request, caller, movement_id, form, outcome.status)


async def _movement_page(request: Request, caller: Caller, movement_id: int, form: Form, status: int) -> Response:
    async with request.app.state.pool.acquire() as db:
        movement = await store.find(db, movement_id)
        if movement is None:
            raise UnknownMovement(f"There is no movement {movement_id}", movement_id=movement_id)
        visitor = await visitor_of(request, db, caller)
        product = await products.get_product(db, caller, movement.product_id)
        place = await stores.get_store(db, movement.store_id)
        undone = await store.is_reversed(db, movement)
    return show(
        request,
        visitor,
        "movement.html",
        status,
        here=f"/office/movements/{movement_id}",
        form=form,
        movement=movement,
        product=product,
        place=place,
        undone=undone,
    )
