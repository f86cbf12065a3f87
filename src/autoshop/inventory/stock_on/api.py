"""Routes: stock at the end of a day, by the dates on the papers."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.inventory.stock_on import service
from autoshop.inventory.stock_on.model import TotalsOn
from autoshop.kit.answers import shaped
from autoshop.kit.csv_out import Write, download, filed
from autoshop.kit.db import Pool, one_instant
from autoshop.kit.fields import Day
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor

router = APIRouter(prefix="/api/v1/inventory/stock-on", tags=["reports"])

OnDay = Annotated[Day, Query(description="the end of this day, in each store by its own clock")]
AS_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "CSV in UTF-8 with semicolons", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


class StockOnRow(BaseModel):
    """A product at a store; `quantity_everywhere` is the same product over all stores."""

    product_id: int
    store_id: int
    quantity: int
    quantity_everywhere: int


class StockOnPage(BaseModel):
    """Stock at the end of `date`. A paper dated before its goods came can make it negative."""

    date: date
    items: list[StockOnRow]
    next_page: str | None


class StockOnTotals(BaseModel):
    """Over all products; `products` have pieces somewhere. They may be some minutes old: `as_of`."""

    date: date
    quantity: int
    products: int
    as_of: datetime


@router.get("", dependencies=[needs("inventory:read")])
async def stock_on(
    request: Request,
    date: OnDay,
    product_id: ProductFilter = None,
    store_id: StoreFilter = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> StockOnPage:
    """What lay where at the end of a day: a movement counts on the date of its paper, else on the day it was posted."""
    after = decode_cursor(page, "stock_on", int, int)
    async with one_instant(request.app.state.pool) as db:
        rows, more = await service.stock_page(
            db,
            date,
            store_id=store_id,
            product_id=product_id,
            after=(after[0], after[1]) if after else None,
            limit=limit,
        )
    next_page = encode_cursor("stock_on", rows[-1].product_id, rows[-1].store_id) if more else None
    return StockOnPage(date=date, items=[shaped(StockOnRow, row) for row in rows], next_page=next_page)


@router.get("/totals", dependencies=[needs("inventory:read")])
async def stock_on_totals(request: Request, date: OnDay, store_id: StoreFilter = None) -> StockOnTotals:
    """All pieces at the end of a day, over all pages."""

    async def count() -> TotalsOn:
        async with one_instant(request.app.state.pool, unhurried=True) as db:
            return await service.totals(db, date, store_id)

    totals = await request.app.state.reports.get(("stock on", date, store_id), count)
    return StockOnTotals(date=date, **asdict(totals))


@router.get("/export", response_model=None, responses=AS_CSV, dependencies=[needs("inventory:read")])
async def stock_on_export(request: Request, date: OnDay, store_id: StoreFilter = None) -> Response:
    """Everything that lay somewhere at the end of a day, as CSV."""
    file = await filed(lambda write: export(request.app.state.pool, date, store_id, write))
    return download(file, f"stock-{date}.csv")


async def export(pool: Pool, day: date, store_id: int | None, write: Write) -> None:
    """Write the file."""
    async with one_instant(pool, unhurried=True) as db:
        await service.export(db, day, store_id, write)
