"""Routes: stock of the whole network, page by page."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.inventory.stock import service
from autoshop.inventory.stock.model import Stock
from autoshop.kit.db import Connection, Pool
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.fields import Moment
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor

router = APIRouter(prefix="/api/v1/inventory", tags=["inventory"])

ProductFilter = Annotated[int | None, Query(ge=1, lt=2**63, description="one product only")]
StoreFilter = Annotated[int | None, Query(ge=1, lt=2**63, description="one store only")]


class Pieces(BaseModel):
    quantity: int
    reserved: int
    available: int


class StockRow(Pieces):
    """A product at a store; `everywhere` is the same product over all stores."""

    product_id: int
    store_id: int
    updated_at: datetime
    everywhere: Pieces


class StockTotals(Pieces):
    """Over all rows that the filter lets through, not only this page; `products` have stock somewhere."""

    products: int
    as_of: datetime


class StatusPage(BaseModel):
    items: list[StockRow]
    totals: StockTotals
    next_page: str | None


class PastStockRow(BaseModel):
    product_id: int
    store_id: int
    quantity: int


class PastStock(BaseModel):
    """Stock as the ledger says it was at a past moment."""

    at: datetime
    items: list[PastStockRow]
    next_page: str | None = None


At = Annotated[Moment | None, Query(description="as of a past moment, with its time zone: 2026-01-31T23:59:59+03:00")]


@router.get("/status", dependencies=[needs("inventory:read")])
async def status(
    request: Request,
    product_id: ProductFilter = None,
    store_id: StoreFilter = None,
    available: bool = False,
    at: At = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> StatusPage | PastStock:
    """Stock by store, in the order of product and store, with totals over all stores; or, with `at`, as it was."""
    pool = request.app.state.pool
    if at is not None and available:
        raise Invalid("`available` speaks of now and cannot go with `at`", errors=[wrong("available", "with at")])
    after = decode_cursor(page, "stock", int, int)
    rows, more = await service.stock_page(
        pool,
        store_id=store_id,
        product_id=product_id,
        available=available,
        after=(after[0], after[1]) if after else None,
        limit=limit,
    )
    next_page = encode_cursor("stock", rows[-1].product_id, rows[-1].store_id) if more else None
    if at is not None:
        return await past_stock(
            pool, [(row.product_id, row.store_id) for row in rows], at, datetime.now(UTC), next_page
        )
    totals = await request.app.state.totals.get(store_id=store_id, product_id=product_id, available=available)
    return StatusPage(
        items=[_row(row) for row in rows],
        totals=StockTotals(**pieces(totals.quantity, totals.reserved), products=totals.products, as_of=totals.as_of),
        next_page=next_page,
    )


def _row(row: Stock) -> StockRow:
    return StockRow(
        product_id=row.product_id,
        store_id=row.store_id,
        **pieces(row.quantity, row.reserved),
        updated_at=row.updated_at,
        everywhere=Pieces(**pieces(row.quantity_everywhere, row.reserved_everywhere)),
    )


async def past_stock(
    db: Connection | Pool, places: list[tuple[int, int]], at: datetime, now: datetime, next_page: str | None = None
) -> PastStock:
    """Stock of (product, store) pairs as it was."""
    rows = await service.stock_at(db, places, at, now)
    items = [PastStockRow(product_id=row.product_id, store_id=row.store_id, quantity=row.quantity) for row in rows]
    return PastStock(at=at, items=items, next_page=next_page)


def pieces(quantity: int, reserved: int) -> dict[str, int]:
    """The three numbers that always go together."""
    return {"quantity": quantity, "reserved": reserved, "available": quantity - reserved}
