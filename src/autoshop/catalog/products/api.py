"""Routes: products."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.brands import service as brands
from autoshop.catalog.products import service, store
from autoshop.catalog.products.model import BARCODE_CHARACTERS, MOST_BARCODES, Product, as_scanned
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfMatch, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Id, Moment, PathId, YesNo, changes_in
from autoshop.kit.money import MOST_KOPECKS
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL, NOT_BLANK, article_key

router = APIRouter(prefix="/api/v1/products", tags=["catalogue"])

Article = Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)]
Brand = Annotated[
    str, Field(min_length=1, max_length=200, pattern=NOT_BLANK, description="a name or alias of the brand")
]
Name = Annotated[str, Field(min_length=1, max_length=500, pattern=NOT_BLANK)]
Sku = Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)]
Unit = Annotated[str, Field(min_length=1, max_length=20, pattern=NOT_BLANK)]
Attribute = Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)]
Value = (
    Annotated[str, Field(max_length=1000, pattern=NO_NUL)]
    | bool
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | None
)
Attributes = Annotated[dict[Attribute, Value], Field(max_length=100)]
Barcodes = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=BARCODE_CHARACTERS, pattern=NO_NUL)]],
    Field(max_length=MOST_BARCODES),
]
Prices = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[int, Field(ge=0, le=MOST_KOPECKS, strict=True)]],
    Field(max_length=100, description="kopecks by price type; those not named stay as they are"),
]


class ProductIn(BaseModel, extra="forbid"):
    """Name the brand by `brand_id` or by `brand`."""

    brand_id: Id | None = None
    brand: Brand | None = None
    article: Article
    sku: Sku | None = None
    name: Name
    category_id: Id | None = None
    unit: Unit = "шт"
    attributes: Attributes = {}
    active: YesNo = True
    barcodes: Barcodes = []
    prices: Prices = {}


class ProductChange(BaseModel, extra="forbid"):
    """Only the fields that are sent change. `barcodes` and `attributes` are replaced as a whole."""

    brand_id: Id | None = None
    article: Article | None = None
    sku: Sku | None = None
    name: Name | None = None
    category_id: Id | None = None
    unit: Unit | None = None
    attributes: Attributes | None = None
    active: YesNo | None = None
    barcodes: Barcodes | None = None
    prices: Prices | None = None


class ProductOut(BaseModel):
    """`prices` are those in force, in kopecks by price type; cost is there only for callers with `cost:read`."""

    id: int
    brand_id: int
    brand: str
    article: str
    sku: str | None
    name: str
    category_id: int | None
    unit: str
    attributes: dict[str, Any]
    active: bool
    barcodes: list[str]
    prices: dict[str, int]
    version: int
    created_at: datetime
    updated_at: datetime


class ProductsPage(BaseModel):
    items: list[ProductOut]
    next_page: str | None


def out(product: Product) -> ProductOut:
    """A product as the API tells it."""
    return shaped(ProductOut, product)


@router.get("")
async def list_products(
    request: Request,
    caller: Annotated[Caller, needs("catalog:read")],
    brand_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    category_id: Annotated[int | None, Query(ge=1, lt=2**63, description="with all that hangs on it")] = None,
    active: bool | None = None,
    article: Annotated[
        str | None, Query(max_length=60, description="whole, but spelt as you like: w914/2 = W 914-2")
    ] = None,
    barcode: Annotated[str | None, Query(max_length=BARCODE_CHARACTERS, pattern=NO_NUL)] = None,
    sku: Annotated[str | None, Query(max_length=60, pattern=NO_NUL)] = None,
    vehicle: Annotated[
        str | None, Query(min_length=1, max_length=200, pattern=NO_NUL, description="that fit a car: lada/vesta/i")
    ] = None,
    engine: Annotated[
        str | None, Query(min_length=1, max_length=60, pattern=NO_NUL, description="with `vehicle`: its engine's code")
    ] = None,
    updated_since: Annotated[
        Moment | None,
        Query(
            description="changed at or after a moment (with its zone), in the order of change. For following changes: "
            "begin a few minutes before the newest `updated_at` you know, since changes become visible as they commit"
        ),
    ] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> ProductsPage:
    """Products by id; or, with `updated_since`, in the order of change."""
    by_change = updated_since is not None
    of = "changes" if by_change else "products"
    cursor = decode_cursor(page, of, *((datetime, int) if by_change else (int,)))
    filters = {
        "brand_id": brand_id,
        "category_id": category_id,
        "active": active,
        "article_key": None if article is None else article_key(article),
        "barcodes": None if barcode is None else as_scanned(barcode.strip()),
        "sku": sku,
        "updated_since": updated_since,
        "after_id": cursor[0] if cursor and not by_change else None,
        "after_change": [cursor[0].isoformat(), str(cursor[1])] if cursor and by_change else None,
    }
    if engine is not None and vehicle is None:
        raise Invalid("An engine is that of a `vehicle`: name it too", errors=[wrong("engine", "needs vehicle")])
    async with request.app.state.pool.acquire() as db:
        if vehicle is not None:  # what fits it is known one floor up: see app.py
            filters["ids"] = await request.app.state.products_for(db, vehicle, engine, request.app.state.memory)
        found = await store.list_page(db, filters, by_change=by_change, cost=caller.may("cost:read"), limit=limit + 1)
    products, next_page = page_of(
        found, limit, of, lambda last: (last.updated_at, last.id) if by_change else (last.id,)
    )
    return ProductsPage(items=[out(product) for product in products], next_page=next_page)


@router.post("", status_code=201, response_model=ProductOut)
async def add_product(
    request: Request,
    body: ProductIn,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take a product into the catalogue. Its stock comes with its first movement."""
    if (body.brand_id is None) == (body.brand is None):
        raise Invalid("Name the brand by `brand_id` or by `brand`", errors=[wrong("brand_id", "or brand, one of both")])
    fields = body.model_dump(exclude={"brand", "barcodes", "prices"})

    async def verb(db: Connection) -> dict[str, Any]:
        if body.brand is not None:
            fields["brand_id"] = await brands.find_by_name(db, body.brand)
        return out(await service.add_product(db, caller, fields, body.barcodes, body.prices)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get("/{product_id}", response_model=ProductOut, responses=NOT_MODIFIED)
async def show_product(
    request: Request,
    product_id: PathId,
    caller: Annotated[Caller, needs("catalog:read")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One product; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_product(db, caller, product_id)), if_none_match)


@router.patch("/{product_id}", response_model=ProductOut)
async def change_product(
    request: Request,
    product_id: PathId,
    body: ProductChange,
    caller: Annotated[Caller, needs("catalog:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Change a product that is still as it was read (If-Match). A price that changes makes a line in its history."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        changes = changes_in(body, "sku", "category_id")
        return out(await service.change_product(db, caller, product_id, version, changes)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
