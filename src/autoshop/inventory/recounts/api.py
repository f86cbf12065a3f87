"""Routes: what ought to be counted."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.inventory.recounts import store
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.kit.answers import shaped
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of

router = APIRouter(prefix="/api/v1/inventory/recounts", tags=["stocktakes"])


class RecountFlagOut(BaseModel):
    """`source` is the document that gave the reason; a stocktake of the kind `flagged` counts all of a store."""

    id: int
    product_id: int
    store_id: int
    reason: str
    source: str
    created_at: datetime


class RecountFlagsPage(BaseModel):
    items: list[RecountFlagOut]
    next_page: str | None


@router.get("", dependencies=[needs("inventory:read")])
async def list_recounts(
    request: Request,
    store_id: StoreFilter = None,
    product_id: ProductFilter = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> RecountFlagsPage:
    """What ought to be counted and why, the oldest first."""
    cursor = decode_cursor(page, "recounts", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, store_id, product_id, cursor[0] if cursor else 0, limit + 1)
    flags, next_page = page_of(found, limit, "recounts", lambda flag: (flag.id,))
    return RecountFlagsPage(items=[shaped(RecountFlagOut, flag) for flag in flags], next_page=next_page)
