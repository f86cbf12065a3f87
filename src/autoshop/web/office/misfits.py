"""Screen: parts that did not fit, as buyers, returns and colleagues say."""

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.kit.paging import Cursor, decode_cursor, page_of
from autoshop.selection.fitment.feedback import store
from autoshop.selection.vehicles.facts import known
from autoshop.web.office.visitor import show, visitor_of

router = APIRouter(prefix="/office/misfits", include_in_schema=False)

ON_PAGE = 30


@router.get("")
async def list_misfits(
    request: Request, caller: Annotated[Caller, needs("inventory:read")], page: Cursor = None
) -> Response:
    """Each part with each car once, the newest first: where somebody has to look whether what is told is right."""
    cursor = decode_cursor(page, "misfits", int)
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        found = await store.misfits(db, cursor[0] if cursor else None, ON_PAGE + 1)
    misfits, next_page = page_of(found, ON_PAGE, "misfits", lambda one: (one.id,))
    cars = {one.vehicle: _called(one.vehicle) for one in misfits if one.vehicle is not None}
    return show(request, visitor, "misfits.html", misfits=misfits, cars=cars, next_page=next_page)


def _called(vehicle: str) -> str:
    """Make, model and generation; the id of a car that these facts do not know."""
    one = known().vehicles.get(vehicle)
    return vehicle if one is None else f"{one.make} {one.model} {one.generation}".strip()
