"""Screens: transfers on the way and done; a new shipment; a receipt, whole or in part."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.catalog.products.model import Product
from autoshop.inventory.movements.model import MOST_PIECES, MovementRequest
from autoshop.inventory.movements.service import MOST_LINES
from autoshop.inventory.stores import store as stores
from autoshop.inventory.transfers import posting, service, store
from autoshop.inventory.transfers.model import Transfer
from autoshop.kit.db import Connection
from autoshop.kit.fields import PathId
from autoshop.kit.paging import Cursor, decode_cursor, page_of
from autoshop.web import forms, pages
from autoshop.web.forms import Form, once
from autoshop.web.office.movements import MOST_CHOICES, named
from autoshop.web.office.visitor import Visitor, show, visitor_of

router = APIRouter(prefix="/office/transfers", include_in_schema=False)

ON_PAGE = 30
MOST_TOLD = 100
Which = Literal["requested", "in_transit", "overdue", "received", "cancelled", "all"]


@router.get("")
async def list_transfers(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    which: Which = "in_transit",
    store_id: Annotated[int, Query(ge=0, lt=2**63, alias="store")] = 0,
    page: Cursor = None,
) -> Response:
    """What is on the way (or late, or done) from and to a store or all, newest first."""
    cursor = decode_cursor(page, "transfers", int)
    now = datetime.now(UTC)
    filters = {
        "status": None if which in ("all", "overdue") else which,
        "overdue_at": now if which == "overdue" else None,
        "store_id": store_id or None,
        "before_id": cursor[0] if cursor else None,
    }
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        found = await store.list_page(db, filters, ON_PAGE + 1)
        all_stores = await stores.in_business(db)
        strangers = {one for transfer in found for one in (transfer.from_store_id, transfer.to_store_id)}
        names = await _names(db, all_stores, strangers)
    transfers, next_page = page_of(found, ON_PAGE, "transfers", lambda transfer: (transfer.id,))
    return show(
        request,
        visitor,
        "transfers.html",
        transfers=transfers,
        next_page=next_page,
        which=which,
        store_id=store_id,
        stores=all_stores,
        names=names,
        now=now,
    )


async def _names(db: Connection, known: list[Any], wanted: set[int]) -> dict[int, str]:
    """Names of stores by id; those that closed are asked for one by one, since they are few."""
    names = {one.id: one.name for one in known}
    for store_id in sorted(wanted - names.keys()):
        closed = await stores.find(db, store_id)
        names[store_id] = closed.name if closed else str(store_id)
    return names


# ------------------------------------------------------------------------------------------------ a new shipment
@router.get("/new")
async def new_shipment(request: Request, caller: Annotated[Caller, needs("inventory:write")]) -> Response:
    """An empty shipment from one's own store."""
    return await _shipment_page(request, caller, Form(), 200, {}, [])


@router.post("/new")
async def shipment(request: Request, caller: Annotated[Caller, needs("inventory:write")]) -> Response:
    """Add a line, take one away, or ship: which button was pressed says `do`."""
    form = await forms.read(request)
    do = form["do"] or "add"
    lines = _lines_in(form)
    choices: list[Product] = []
    if do.startswith("drop-"):
        lines = {product_id: pieces for product_id, pieces in lines.items() if str(product_id) != do[5:]}
        form.errors = [error for error in form.errors if error.field != f"line-{do[5:]}"]
    # What stands in the box belongs to the shipment. Nothing there: somebody pressed Enter in another field.
    if (form["code"].strip() and do in ("add", "ship")) or (do == "add" and not lines):
        async with request.app.state.pool.acquire() as db:
            product, choices = await named(db, caller, form, "code")
        pieces = form.whole("pieces", 1, MOST_PIECES) if form["pieces"].strip() else 1
        if product and not form.error_of("pieces"):
            lines[product.id] = lines.get(product.id, 0) + pieces
            form.values |= {"code": "", "pieces": ""}
    if do != "ship":
        return await _shipment_page(request, caller, form, 422 if form.errors else 200, lines, choices)
    status = 422
    if not lines:
        form.wrong("code", "transfer.no_lines")
    to_store_id = form.whole("to", 1, 2**62)
    document = form.text("document", 200)
    if not form.errors:
        asked = [_request(form, product_id, pieces, to_store_id, document) for product_id, pieces in lines.items()]

        async def verb(db: Connection) -> dict[str, Any]:
            posted = await posting.post_requests(db, caller, asked, datetime.now(UTC))
            return {"transfer_id": posted[0].transfer_id, "products": [one.product_id for one in asked]}

        outcome = await once(request, caller, form, verb, "line-{product_id}", address_after("shipped"))
        if outcome.address is not None:
            return pages.see_other(outcome.address)
        status = outcome.status
    return await _shipment_page(request, caller, form, status, lines, choices)


def _request(form: Form, product_id: int, pieces: int, to_store_id: int, document: str | None) -> MovementRequest:
    return MovementRequest(
        product_id=product_id,
        store_id=int(form["from"]) if form["from"].isdecimal() else 0,
        movement_type="transfer",
        quantity=pieces,
        to_store_id=to_store_id,
        related_document=document,
    )


def address_after(done: str) -> Callable[[dict[str, Any], bool], str]:
    """Where to look once it is done: at the transfer, which tells of it."""

    def address(document: dict[str, Any], again: bool) -> str:
        return f"/office/transfers/{document['transfer_id']}?done={'again' if again else done}"

    return address


def _lines_in(form: Form) -> dict[int, int]:
    """Pieces by product, from the fields `line-PRODUCT`; what is no number is told there."""
    lines: dict[int, int] = {}
    for name in list(form.values):
        product_id = name.removeprefix("line-")
        if name != product_id and product_id.isdecimal() and len(product_id) < 18 and len(lines) < MOST_LINES:
            lines[int(product_id)] = form.whole(name, 1, MOST_PIECES)
    return lines


async def _shipment_page(
    request: Request,
    caller: Caller,
    form: Form,
    status: int,
    lines: dict[int, int],
    choices: list[Product],
) -> Response:
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        destinations = [one for one in await stores.in_business(db) if one.id != visitor.store_id]
        known = await products.get_products(db, caller, list(lines))
    return show(
        request,
        visitor,
        "shipment.html",
        status,
        form=form,
        lines=lines,
        products=known,
        choices=choices[:MOST_CHOICES],
        destinations=destinations,
    )


# ------------------------------------------------------------------------------------------------ one transfer
@router.get("/{transfer_id}")
async def show_transfer(
    request: Request,
    transfer_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    done: Literal["shipped", "received", "differed", "recalled", "again", ""] = "",
) -> Response:
    """What was sent, what came, what is on the way; and the form for what came now."""
    return await transfer_page(request, caller, transfer_id, Form(), 200, done=done)


@router.post("/{transfer_id}/receipt")
async def receive(
    request: Request, transfer_id: PathId, caller: Annotated[Caller, needs("inventory:write")]
) -> Response:
    """Put on the shelf what came: the pieces of each line, none where the field says 0."""
    form = await forms.read(request)
    pieces = {}
    for name in list(form.values):
        product_id = name.removeprefix("came-")
        if name != product_id and product_id.isdecimal() and len(product_id) < 18:
            pieces[int(product_id)] = form.whole(name, 0, MOST_PIECES)
    came = {product_id: count for product_id, count in pieces.items() if count}
    if not came and not form.errors:
        form.wrong(next((f"came-{product_id}" for product_id in pieces), ""), "transfer.nothing_came")
    status = 422
    if not form.errors:

        async def verb(db: Connection) -> dict[str, Any]:
            await service.receive(db, caller, transfer_id, came)
            return {"transfer_id": transfer_id}

        outcome = await once(request, caller, form, verb, "came-{product_id}", address_after("received"))
        if outcome.address is not None:
            return pages.see_other(outcome.address)
        status = outcome.status
    return await transfer_page(request, caller, transfer_id, form, status)


@router.post("/{transfer_id}/shipment")
async def ship_wanted(
    request: Request, transfer_id: PathId, caller: Annotated[Caller, needs("inventory:write")]
) -> Response:
    """Send on its way all that is still wanted."""

    async def ship(db: Connection) -> None:
        await service.ship(db, caller, transfer_id, None, datetime.now(UTC))

    return await pressed(request, caller, transfer_id, ship, "shipped")


async def pressed(
    request: Request, caller: Caller, transfer_id: int, press: Callable[[Connection], Awaitable[None]], done: str
) -> Response:
    """A button that does something to the whole transfer."""
    form = await forms.read(request)

    async def verb(db: Connection) -> dict[str, Any]:
        await press(db)
        return {"transfer_id": transfer_id}

    outcome = await once(request, caller, form, verb, "", address_after(done))
    if outcome.address is not None:
        return pages.see_other(outcome.address)
    return await transfer_page(request, caller, transfer_id, form, outcome.status)


async def transfer_page(
    request: Request,
    caller: Caller,
    transfer_id: int,
    form: Form,
    status: int,
    *,
    done: str = "",
    choices: Sequence[Product] = (),
) -> Response:
    """A transfer with all that the visitor may do about it; `choices`: which products a typed code may mean."""
    async with request.app.state.pool.acquire() as db:
        transfer = await service.get_transfer(db, transfer_id)
        visitor = await visitor_of(request, db, caller)
        ends = [await stores.find(db, one) for one in (transfer.from_store_id, transfer.to_store_id)]
        told = await store.list_differences(db, {"transfer_id": transfer_id}, MOST_TOLD)
        on_page = {one.product_id for one in transfer.lines} | {one.product_id for one in told}
        known = await products.get_products(db, caller, sorted(on_page))
    return show(
        request,
        visitor,
        "transfer.html",
        status,
        here=f"/office/transfers/{transfer_id}",
        form=form,
        transfer=transfer,
        source=ends[0],
        destination=ends[1],
        told=told,
        choices=choices[:MOST_CHOICES],
        products=known,
        done=done,
        may_receive=_may_receive(visitor, transfer),
        may_differ=transfer.shipped_at is not None and visitor.may_write(transfer.to_store_id),
        may_recall=transfer.status == "in_transit" and visitor.may_write(transfer.from_store_id),
        may_ship=bool(transfer.wanted) and visitor.may_write(transfer.from_store_id),
        now=datetime.now(UTC),
    )


def _may_receive(visitor: Visitor, transfer: Transfer) -> bool:
    return transfer.status == "in_transit" and visitor.may_write(transfer.to_store_id)
