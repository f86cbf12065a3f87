"""Routes: levels of products at stores, who is below them, and the digests."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, ValidationInfo, field_validator
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.levels import service, store
from autoshop.inventory.levels.digests import store as digests
from autoshop.inventory.levels.model import MOST_ROWS, Level, Wanted
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.kit.answers import (
    NOT_MODIFIED,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    answers_with,
    shown,
    write_once,
)
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Id, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of

router = APIRouter(prefix="/api/v1/inventory/levels", tags=["levels"])

Pieces = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class LevelIn(BaseModel, extra="forbid"):
    """Below `minimum` available pieces the place is told of; `maximum` is what one would fill it up to."""

    minimum: Pieces
    maximum: Pieces | None = None

    @field_validator("maximum")
    @classmethod
    def _is_not_below_the_minimum(cls, maximum: int | None, info: ValidationInfo) -> int | None:
        if maximum is not None and maximum < info.data.get("minimum", 0):
            raise ValueError("must not be less than the minimum")
        return maximum


class LevelRow(LevelIn, extra="forbid"):
    """`version`, if given, must be that of the level as it is; without it the level is replaced whatever it is."""

    product_id: Id
    store_id: Id
    version: Annotated[int, Field(ge=1, lt=2**31, strict=True)] | None = None


class LevelRows(BaseModel, extra="forbid"):
    levels: Annotated[list[LevelRow], Field(min_length=1, max_length=MOST_ROWS)]


class LevelOut(BaseModel):
    """`missing` are the pieces short of the minimum, `is_covered`: what is on the way makes up for them.

    `to_fill`: pieces up to the maximum (without one: the minimum), beyond what is there and on the way.
    """

    product_id: int
    store_id: int
    minimum: int
    maximum: int | None
    quantity: int
    reserved: int
    available: int
    in_transit: int
    missing: int
    is_covered: bool
    to_fill: int
    source: str
    actor: str
    updated_at: datetime
    version: int


class LevelsPage(BaseModel):
    """`as_of` is the moment for which the list is complete: a store or product is looked at now, all in turn."""

    items: list[LevelOut]
    next_page: str | None
    as_of: datetime


def out(level: Level) -> LevelOut:
    """A level as the API tells it."""
    return LevelOut(
        product_id=level.product_id, store_id=level.store_id, minimum=level.minimum, maximum=level.maximum,
        quantity=level.quantity, reserved=level.reserved, available=level.available, in_transit=level.in_transit,
        missing=level.missing, is_covered=level.is_covered, to_fill=level.to_fill, source=level.source,
        actor=level.actor, updated_at=level.updated_at, version=level.version,
    )  # fmt: skip


@router.get("", dependencies=[needs("inventory:read")])
async def list_levels(
    request: Request,
    store_id: StoreFilter = None,
    product_id: ProductFilter = None,
    below: Annotated[bool, Query(description="only those that are short now, the emptiest shelf first")] = False,
    page: Cursor = None,
    limit: Limit = 100,
) -> LevelsPage:
    """Levels with what lies there and what is on the way; with `below` in the order of their urgency.

    Over all stores `below` shows what the look of every minute found. What becomes more urgent while one pages is
    found on the first page.
    """
    pool = request.app.state.pool
    as_of = datetime.now(UTC)
    if not below:
        after = decode_cursor(page, "levels", int, int)
        found = await store.list_page(pool, store_id, product_id, after, limit + 1)
        levels, next_page = page_of(found, limit, "levels", lambda one: (one.product_id, one.store_id))
    else:
        last: Any = decode_cursor(page, "below", int, int, int) or (-1, 0, 0)
        if store_id is None and product_id is None:
            as_of = await store.looked_at(pool)
            found = await store.below_anywhere(pool, last, limit + 1)
        else:
            found = await store.below_at(pool, store_id, product_id, last, limit + 1)
        levels, next_page = page_of(found, limit, "below", lambda one: (one.urgency, one.product_id, one.store_id))
    return LevelsPage(items=[out(one) for one in levels], next_page=next_page, as_of=as_of)


SET_MANY = answers_with(ok={"const": True}, added={"type": "integer"}, changed={"type": "integer"})


@router.put("", response_model=None, responses=SET_MANY)
async def set_levels(
    request: Request,
    body: LevelRows,
    caller: Annotated[Caller, needs("levels:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Set up to 10 000 levels: all of them, or none and every row that stood in the way."""
    rows = [Wanted(**row.model_dump()) for row in body.levels]

    async def verb(db: Connection) -> dict[str, Any]:
        added, changed = await service.set_levels(db, caller, rows)
        return {"ok": True, "added": added, "changed": changed}

    return await write_once(request, caller.actor, verb)


class Urgent(BaseModel):
    """One of the most urgent, as it was when the digest was made."""

    product_id: int
    brand: str
    article: str
    name: str
    minimum: int
    maximum: int | None
    available: int
    in_transit: int
    is_covered: bool
    to_fill: int


class DigestOut(BaseModel):
    """A morning at a store: of `levels` so many were `below`, of these so many had an `empty` shelf."""

    id: int
    store_id: int
    day: date
    levels: int
    below: int
    empty: int
    most_urgent: list[Urgent]
    made_at: datetime


class DigestsPage(BaseModel):
    items: list[DigestOut]
    next_page: str | None


@router.get("/digests", dependencies=[needs("inventory:read")])
async def list_digests(
    request: Request,
    store_id: StoreFilter = None,
    day: Annotated[date | None, Query(ge=date(1900, 1, 1), lt=date(3000, 1, 1), description="of the store")] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> DigestsPage:
    """What was below its level each morning, by store; newest first."""
    cursor = decode_cursor(page, "digests", int)
    filters = {"store_id": store_id, "day": day, "before_id": cursor[0] if cursor else None}
    found = await digests.list_page(request.app.state.pool, filters, limit + 1)
    listed, next_page = page_of(found, limit, "digests", lambda one: (one.id,))
    items = [
        DigestOut(id=one.id, store_id=one.store_id, day=one.day, made_at=one.made_at, **one.document) for one in listed
    ]
    return DigestsPage(items=items, next_page=next_page)


@router.get(
    "/{product_id}/{store_id}",
    response_model=LevelOut,
    responses=NOT_MODIFIED,
    dependencies=[needs("inventory:read")],
)
async def show_level(
    request: Request, product_id: PathId, store_id: PathId, if_none_match: IfNoneMatch = None
) -> Response:
    """One level; its ETag goes into If-Match of a change."""
    return shown(out(await service.get_level(request.app.state.pool, (product_id, store_id))), if_none_match)


@router.put("/{product_id}/{store_id}", response_model=LevelOut)
async def set_level(
    request: Request,
    product_id: PathId,
    store_id: PathId,
    body: LevelIn,
    caller: Annotated[Caller, needs("levels:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Set the level of a product at a store. Where there is one already, If-Match says which one was read."""
    wanted = Wanted(product_id, store_id, body.minimum, body.maximum)
    version = None if if_match is None else version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.set_level(db, caller, wanted, version)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.delete("/{product_id}/{store_id}", status_code=204, response_class=Response)
async def remove_level(
    request: Request,
    product_id: PathId,
    store_id: PathId,
    caller: Annotated[Caller, needs("levels:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take a level away: nobody is told of that place any more."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        await service.remove_level(db, caller, (product_id, store_id), version)
        return {}

    return await write_once(request, caller.actor, verb, 204)
