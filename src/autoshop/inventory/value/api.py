"""Routes: what the stock is worth at the end of a day; for those who may see costs."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.inventory.stock.api import StoreFilter
from autoshop.inventory.stock_on.api import AS_CSV, OnDay
from autoshop.inventory.value import service
from autoshop.inventory.value.model import MICRO, Method, TotalValue, nearest
from autoshop.inventory.value.service import Worth
from autoshop.kit.csv_out import Write, download, filed, in_pieces
from autoshop.kit.db import Pool, one_instant
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor

router = APIRouter(prefix="/api/v1/inventory/value", tags=["reports"])

HowValued = Annotated[Method, Query(description="moving average, or first in, first out")]
HEADING = ("date", "method", "product_id", "quantity", "value_kopecks", "unit_cost_kopecks")


class ValueRow(BaseModel):
    """A product over all stores and on the way between them, or its part at one store.

    `value_kopecks` null: no cost was ever told. `unit_cost_kopecks` is the moving average, rounded; null with FIFO.
    """

    product_id: int
    quantity: int
    value_kopecks: int | None
    unit_cost_kopecks: int | None


class ValuePage(BaseModel):
    """At the end of `date`; the values of all pages add up to those of `/value/totals`."""

    date: date
    method: Method
    items: list[ValueRow]
    next_page: str | None


class ValueTotals(BaseModel):
    """Over all products. `unknown_*` have no known cost and are not in the value. Maybe some minutes old: `as_of`."""

    date: date
    method: Method
    quantity: int
    value_kopecks: int
    products: int
    unknown_quantity: int
    unknown_products: int
    as_of: datetime


@router.get("", dependencies=[needs("cost:read")])
async def value(
    request: Request,
    date: OnDay,
    method: HowValued = "average",
    store_id: StoreFilter = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> ValuePage:
    """What products were worth at the end of a day, by the costs of their deliveries."""
    after = decode_cursor(page, "value", int)
    async with one_instant(request.app.state.pool) as db:
        found, last = await service.value_page(
            db, date, method, store_id=store_id, after_id=after[0] if after else 0, limit=limit
        )
    next_page = None if last is None else encode_cursor("value", last)
    return ValuePage(date=date, method=method, items=[_row(worth) for worth in found], next_page=next_page)


@router.get("/totals", dependencies=[needs("cost:read")])
async def value_totals(
    request: Request, date: OnDay, method: HowValued = "average", store_id: StoreFilter = None
) -> ValueTotals:
    """What all of it was worth."""

    async def count() -> tuple[TotalValue, datetime]:
        async with one_instant(request.app.state.pool, unhurried=True) as db:
            return await service.totals(db, date, method, store_id=store_id), datetime.now(UTC)

    total, as_of = await request.app.state.reports.get(("value", date, method, store_id), count)
    return ValueTotals(date=date, method=method, as_of=as_of, **asdict(total))


@router.get("/export", response_model=None, responses=AS_CSV, dependencies=[needs("cost:read")])
async def value_export(
    request: Request, date: OnDay, method: HowValued = "average", store_id: StoreFilter = None
) -> Response:
    """Every product that had pieces at the end of a day, with its value, as CSV."""
    file = await filed(lambda write: export(request.app.state.pool, date, method, store_id, write))
    return download(file, f"value-{date}-{method}.csv")


async def export(pool: Pool, day: date, method: Method, store_id: int | None, write: Write) -> None:
    """Write the file."""

    async def rows() -> AsyncIterator[tuple[Any, ...]]:
        async for worth in service.walk(db, day, method, store_id=store_id):
            yield (day, method, *_row(worth).model_dump().values())

    async with one_instant(pool, unhurried=True) as db:
        async for piece in in_pieces(HEADING, rows()):
            write(piece)


def _row(worth: Worth) -> ValueRow:
    average = worth.average_microkopecks
    return ValueRow(
        product_id=worth.product_id,
        quantity=worth.quantity,
        value_kopecks=worth.value_kopecks,
        unit_cost_kopecks=None if average is None else nearest(average, MICRO),
    )
