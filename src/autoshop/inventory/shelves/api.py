"""Routes: where products lie in a store."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.shelves import service, store
from autoshop.inventory.shelves.model import MOST_LISTS, MOST_PLACES, Shelf, Wanted, key_of, place_of
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfMatch, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Id, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor, page_of
from autoshop.kit.text import NO_NUL, NOT_BLANK

router = APIRouter(prefix="/api/v1/inventory/shelves", tags=["shelves"])

Places = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100, pattern=NOT_BLANK)]], Field(max_length=MOST_PLACES)
]


class ShelfIn(BaseModel, extra="forbid", json_schema_extra={"example": {"places": ["A-03-2", "B-1"]}}):
    """All places of the product at the store, the main one first; an empty list takes them away."""

    places: Places


class ShelfItem(ShelfIn):
    """With a `version` (0: it has no place yet) the list must still be as it was read; without, it is replaced."""

    product_id: Id
    store_id: Id
    version: Annotated[int | None, Field(ge=0, lt=10**9, strict=True)] = None


class Shelves(BaseModel, extra="forbid"):
    items: Annotated[list[ShelfItem], Field(min_length=1, max_length=MOST_LISTS)]


class ShelfOut(BaseModel):
    """Where a product lies at a store, the main place first. Version 0: nobody has said."""

    product_id: int
    store_id: int
    places: list[str]
    version: int


class ShelvesOut(BaseModel):
    items: list[ShelfOut]


class ShelfLineOut(BaseModel):
    """A product in one place; `quantity` is what the whole store has of it."""

    product_id: int
    store_id: int
    place: str
    is_main: bool
    quantity: int
    reserved: int
    available: int
    version: int
    updated_at: datetime


class ShelvesPage(BaseModel):
    items: list[ShelfLineOut]
    next_page: str | None


class UnplacedOut(BaseModel):
    product_id: int
    store_id: int
    quantity: int
    reserved: int
    available: int


class UnplacedPage(BaseModel):
    items: list[UnplacedOut]
    next_page: str | None


def out(shelf: Shelf) -> ShelfOut:
    """A list of places as the API tells it."""
    return shaped(ShelfOut, shelf)


@router.get("", dependencies=[needs("inventory:read")])
async def list_shelves(
    request: Request,
    store_id: StoreFilter = None,
    place: Annotated[
        str | None, Query(min_length=1, max_length=100, pattern=NO_NUL, description="what lies there: A-3, а 03")
    ] = None,
    product_id: ProductFilter = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> ShelvesPage:
    """What lies where, store by store, in the order in which one walks along the shelves."""
    cursor = decode_cursor(page, "shelves", int, str, int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(
            db,
            store_id=store_id,
            product_id=product_id,
            place_key=None if place is None else key_of(place_of(place)),
            after=(cursor[0], cursor[1], cursor[2]) if cursor else None,
            limit=limit + 1,
        )
    lines, next_page = page_of(found, limit, "shelves", lambda last: (last.store_id, last.place_key, last.product_id))
    items = [ShelfLineOut(**_available(asdict(line))) for line in lines]
    return ShelvesPage(items=items, next_page=next_page)


@router.get("/missing", dependencies=[needs("inventory:read")])
async def list_unplaced(
    request: Request,
    store_id: Annotated[int, Query(ge=1, lt=2**63)],
    page: Cursor = None,
    limit: Limit = 100,
) -> UnplacedPage:
    """Products that a store has pieces of, and nobody has said where they lie.

    A page may be short, or empty, although there are more: follow `next_page` until there is none.
    """
    cursor = decode_cursor(page, "unplaced", int)
    async with request.app.state.pool.acquire() as db:
        found, last_id = await store.unplaced(db, store_id, cursor[0] if cursor else 0, limit)
    next_page = None if last_id is None else encode_cursor("unplaced", last_id)
    return UnplacedPage(items=[UnplacedOut(**_available(asdict(one))) for one in found], next_page=next_page)


def _available(row: dict[str, Any]) -> dict[str, Any]:
    row["available"] = row["quantity"] - row["reserved"]
    return row


@router.post("", response_model=ShelvesOut)
async def set_shelves(
    request: Request,
    body: Shelves,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say of up to 1 000 products at once where they lie: all, or none and every reason."""
    wanted = [Wanted(one.product_id, one.store_id, tuple(one.places), one.version) for one in body.items]

    async def verb(db: Connection) -> dict[str, Any]:
        shelves = await service.set_shelves(db, caller, wanted)
        return ShelvesOut(items=[out(shelf) for shelf in shelves]).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.get(
    "/{store_id}/{product_id}",
    response_model=ShelfOut,
    responses=NOT_MODIFIED,
    dependencies=[needs("inventory:read")],
)
async def show_shelf(
    request: Request, store_id: PathId, product_id: PathId, if_none_match: IfNoneMatch = None
) -> Response:
    """Where a product lies at a store; the ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_shelf(db, product_id, store_id)), if_none_match)


@router.put("/{store_id}/{product_id}", response_model=ShelfOut)
async def set_shelf(
    request: Request,
    store_id: PathId,
    product_id: PathId,
    body: ShelfIn,
    caller: Annotated[Caller, needs("inventory:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say where a product lies at a store: all its places, the main one first."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        shelf = await service.set_shelf(db, caller, product_id, store_id, version, body.places)
        return out(shelf).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.delete("/{store_id}/{product_id}", status_code=204, response_model=None)
async def clear_shelf(
    request: Request,
    store_id: PathId,
    product_id: PathId,
    caller: Annotated[Caller, needs("inventory:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take all places of a product at a store away."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        await service.set_shelf(db, caller, product_id, store_id, version, ())
        return {}

    return await write_once(request, caller.actor, verb, 204)
