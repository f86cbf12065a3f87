"""Screen: stock look-up. Scan or type; one sure hit opens the product at once."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.catalog.products.model import the_one
from autoshop.inventory.availability import store as availability
from autoshop.kit.text import NO_NUL
from autoshop.web import pages
from autoshop.web.office.visitor import show, visitor_of

router = APIRouter(prefix="/office", include_in_schema=False)

MOST_FOUND = 30


@router.get("")
async def look_up(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    q: Annotated[str, Query(max_length=200, pattern=NO_NUL)] = "",
) -> Response:
    """The box, and what was found; the very thing that was scanned is opened."""
    typed = q.strip()
    async with request.app.state.pool.acquire() as db:
        found = await products.look_up(db, caller, typed, MOST_FOUND + 1) if typed else []
        if (sure := the_one(found, typed)) and not pages.is_fragment(request):
            return pages.see_other(f"/office/products/{sure.id}")
        visitor = await visitor_of(request, db, caller)
        free = await availability.briefly(db, [product.id for product in found], visitor.store_id)
    return show(
        request,
        visitor,
        "look_up.html",
        typed=typed,
        found=found[:MOST_FOUND],
        more=len(found) > MOST_FOUND,
        free=free,
    )
