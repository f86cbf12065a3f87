"""Routes: which marked units were sold, and which came back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.inventory.marks import store
from autoshop.inventory.marks.model import MOST_CHARACTERS, WrongMark, mark_of
from autoshop.kit.answers import shaped
from autoshop.kit.errors import wrong
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory/marks", tags=["inventory"])


class SoldMarkOut(BaseModel):
    """A sale of a marked unit. `return_id` is the movement that brought it back: a return, or the sale's reversal."""

    gtin: str
    serial: str
    sale_id: int
    mark: str
    product_id: int
    store_id: int
    sold_at: datetime
    return_id: int | None
    returned_at: datetime | None


class SoldMarksPage(BaseModel):
    items: list[SoldMarkOut]
    next_page: str | None


@router.get("", dependencies=[needs("inventory:read")])
async def list_marks(
    request: Request,
    movement_id: Annotated[int | None, Query(ge=1, lt=2**63, description="sold or brought back by it")] = None,
    mark: Annotated[
        str | None, Query(min_length=1, max_length=MOST_CHARACTERS, pattern=NO_NUL, description="as it was scanned")
    ] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> SoldMarksPage:
    """Marked units that were sold, the newest first: of a movement, or all sales of one unit."""
    cursor = decode_cursor(page, "marks", int, str, str)
    asked = None if mark is None else mark_of(mark)
    if mark is not None and asked is None:
        raise WrongMark("mark: not the marking code of one unit", errors=[wrong("mark", "not a marking code")])
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(
            db,
            movement_id=movement_id,
            unit=asked.unit if asked else None,
            after=(cursor[0], cursor[1], cursor[2]) if cursor else None,
            limit=limit + 1,
        )
    marks, next_page = page_of(found, limit, "marks", lambda last: (last.sale_id, last.gtin, last.serial))
    return SoldMarksPage(items=[shaped(SoldMarkOut, one) for one in marks], next_page=next_page)
