"""Routes: price types, and what a product cost when."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.prices import service
from autoshop.catalog.prices.model import PriceType
from autoshop.kit.answers import IdempotencyKey, shaped, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import Name, PathId, YesNo
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


class PriceTypeDocument(BaseModel, extra="forbid"):
    """What a price is for; one that `is_cost` exists only for callers with `cost:read`."""

    code: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_-]+$")]
    name_ru: Name
    name_en: Name
    is_cost: YesNo = False


class PriceTypes(BaseModel):
    items: list[PriceTypeDocument]


@router.get("/price-types")
async def list_price_types(request: Request, caller: Annotated[Caller, needs("catalog:read")]) -> PriceTypes:
    """All price types that the caller may see."""
    async with request.app.state.pool.acquire() as db:
        found = await service.price_types(db, caller)
    return PriceTypes(items=[shaped(PriceTypeDocument, price_type) for price_type in found])


@router.post("/price-types", status_code=201, response_model=PriceTypeDocument)
async def add_price_type(
    request: Request,
    body: PriceTypeDocument,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add a price type. It stays: prices refer to it."""

    async def verb(db: Connection) -> dict[str, Any]:
        await service.add_price_type(db, caller, PriceType(**body.model_dump()))
        return body.model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


class PriceOut(BaseModel):
    price_type: str
    price_kopecks: int
    valid_from: datetime
    actor: str


class PricesPage(BaseModel):
    items: list[PriceOut]
    next_page: str | None


@router.get("/products/{product_id}/prices")
async def price_history(
    request: Request,
    product_id: PathId,
    caller: Annotated[Caller, needs("catalog:read")],
    price_type: Annotated[str | None, Query(max_length=40, pattern=NO_NUL)] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> PricesPage:
    """The prices of a product, newest first: the first of each type is in force."""
    cursor = decode_cursor(page, "prices", datetime, str)
    before = (cursor[0], cursor[1]) if cursor else None
    async with request.app.state.pool.acquire() as db:
        found, more = await service.history(db, caller, product_id, price_type, before, limit)
    return PricesPage(
        items=[shaped(PriceOut, price) for price in found],
        next_page=encode_cursor("prices", found[-1].valid_from, found[-1].price_type) if more else None,
    )
