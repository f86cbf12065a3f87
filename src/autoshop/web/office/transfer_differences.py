"""Screen: what of a transfer did not come as it was sent, and what the sender calls back."""

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products.model import Product
from autoshop.inventory.movements.model import MOST_PIECES
from autoshop.inventory.transfers import differences, service
from autoshop.inventory.transfers.model import Found, Reason
from autoshop.kit.db import Connection
from autoshop.kit.fields import PathId
from autoshop.web import forms, pages
from autoshop.web.forms import Form, once
from autoshop.web.office.movements import named
from autoshop.web.office.transfers import address_after, pressed, transfer_page

router = APIRouter(prefix="/office/transfers", include_in_schema=False)

REASONS: tuple[Reason, ...] = get_args(Reason)


@router.post("/{transfer_id}/differences")
async def differ(
    request: Request, transfer_id: PathId, caller: Annotated[Caller, needs("inventory:write")]
) -> Response:
    """Tell of one product that was lost, damaged or found again, or came though nobody sent it."""
    form = await forms.read(request)
    reason = form.choice("reason", REASONS)
    pieces = form.whole("pieces", 1, MOST_PIECES)
    note = form.text("note", 500)
    product_id, choices = await _product(request, caller, form)
    status = 422
    if not form.errors:
        found = Found(product_id, pieces, reason, note)  # type: ignore[arg-type]

        async def verb(db: Connection) -> dict[str, Any]:
            await differences.differ(db, caller, transfer_id, [found])
            return {"transfer_id": transfer_id}

        outcome = await once(request, caller, form, verb, "pieces", address_after("differed"))
        if outcome.address is not None:
            return pages.see_other(outcome.address)
        status = outcome.status
    return await transfer_page(request, caller, transfer_id, form, status, choices=choices)


async def _product(request: Request, caller: Caller, form: Form) -> tuple[int, list[Product]]:
    """The product of the transfer that was chosen; else the one whose code was typed, as of what nobody sent."""
    chosen = form["product"]
    if form["code"].strip() or not chosen:
        async with request.app.state.pool.acquire() as db:
            product, choices = await named(db, caller, form, "code")
        return product.id if product else 0, choices
    if chosen.isdecimal() and len(chosen) < 18:
        return int(chosen), []
    form.wrong("product", "form.choose")
    return 0, []


@router.post("/{transfer_id}/recall")
async def recall(
    request: Request, transfer_id: PathId, caller: Annotated[Caller, needs("inventory:write")]
) -> Response:
    """Bring all that is on the way back to the sender's shelf."""

    async def call_back(db: Connection) -> None:
        await service.recall(db, caller, transfer_id, None)

    return await pressed(request, caller, transfer_id, call_back, "recalled")
