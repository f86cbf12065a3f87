"""Routes: brands."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.brands import service, store
from autoshop.catalog.brands.model import MOST_ALIASES, Brand
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfMatch, IfNoneMatch, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Name, PathId, changes_in
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL, name_key

router = APIRouter(prefix="/api/v1/brands", tags=["catalogue"])

Country = Annotated[str, Field(max_length=60, pattern=NO_NUL)]
Aliases = Annotated[
    list[Name], Field(max_length=MOST_ALIASES, description="other spellings, as in price lists: MANN, Манн-Фильтр")
]


class BrandIn(BaseModel, extra="forbid"):
    name: Name
    country: Country | None = None
    aliases: Aliases = []


class BrandChange(BaseModel, extra="forbid"):
    """Only the fields that are sent change; `aliases` are replaced as a whole."""

    name: Name | None = None
    country: Country | None = None
    aliases: Aliases | None = None


class BrandOut(BaseModel):
    id: int
    name: str
    country: str | None
    aliases: list[str]
    version: int


class BrandsPage(BaseModel):
    items: list[BrandOut]
    next_page: str | None


def out(brand: Brand) -> BrandOut:
    """A brand as the API tells it."""
    return BrandOut(
        id=brand.id, name=brand.name, country=brand.country, aliases=list(brand.aliases), version=brand.version
    )


@router.get("", dependencies=[needs("catalog:read")])
async def list_brands(
    request: Request,
    name: Annotated[str | None, Query(max_length=200, description="a name or alias, however it is spelt")] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> BrandsPage:
    """Brands with their aliases, in the order in which they were made."""
    cursor = decode_cursor(page, "brands", int)
    async with request.app.state.pool.acquire() as db:
        if name is not None:
            ids = await store.by_keys(db, [name_key(name)])
            brands = [await service.get_brand(db, brand_id) for brand_id in ids.values()]
            return BrandsPage(items=[out(brand) for brand in brands], next_page=None)
        found = await store.list_page(db, cursor[0] if cursor else 0, limit + 1)
    brands, next_page = page_of(found, limit, "brands", lambda brand: (brand.id,))
    return BrandsPage(items=[out(brand) for brand in brands], next_page=next_page)


@router.post("", status_code=201, response_model=BrandOut)
async def add_brand(
    request: Request,
    body: BrandIn,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add a brand."""

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.add_brand(db, caller, **body.model_dump())).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get("/{brand_id}", response_model=BrandOut, responses=NOT_MODIFIED, dependencies=[needs("catalog:read")])
async def show_brand(request: Request, brand_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One brand; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_brand(db, brand_id)), if_none_match)


@router.patch("/{brand_id}", response_model=BrandOut)
async def change_brand(
    request: Request,
    brand_id: PathId,
    body: BrandChange,
    caller: Annotated[Caller, needs("catalog:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Change a brand that is still as it was read (If-Match)."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.change_brand(db, caller, brand_id, version, changes_in(body, "country"))).model_dump(
            mode="json"
        )

    return await write_once(request, caller.actor, verb)
