"""Routes: channels, their buffers, and what each may show."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.buffers import service, store
from autoshop.inventory.buffers.model import MOST_BUFFER, MOST_STORES, Buffer, Channel, Off, Rule, Shown, Subject
from autoshop.inventory.stock.api import ProductFilter
from autoshop.kit.answers import JSON, NOT_MODIFIED, IdempotencyKey, IfMatch, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection, transaction
from autoshop.kit.etag import version_in
from autoshop.kit.fields import LATIN_CODE, Id, Moment, Name, PathId, YesNo
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor, page_of

router = APIRouter(prefix="/api/v1/inventory/channels", tags=["channels"])

ChannelCode = Annotated[str, Path(min_length=1, max_length=60, pattern=LATIN_CODE)]
Pieces = Annotated[
    int, Field(ge=0, le=MOST_BUFFER, strict=True, description="of each store, that the channel does not see")
]
Writer = Annotated[Caller, needs("channels:write")]


class ChannelIn(BaseModel, extra="forbid"):
    """Without `store_ids` every store in business feeds the channel; `buffer` counts where there is no other."""

    name_ru: Name
    name_en: Name
    active: YesNo = True
    store_ids: Annotated[list[Id] | None, Field(min_length=1, max_length=MOST_STORES)] = None
    buffer: Pieces = 0


class ChannelOut(BaseModel):
    """A place that shows our stock; without `store_ids` every store in business feeds it."""

    id: int
    code: str
    name_ru: str
    name_en: str
    active: bool
    store_ids: list[int] | None
    buffer: int
    actor: str
    updated_at: datetime
    version: int


class ChannelsPage(BaseModel):
    items: list[ChannelOut]
    next_page: str | None


class BufferIn(BaseModel, extra="forbid"):
    buffer: Pieces


class BufferOut(BaseModel):
    """A buffer of a category, of a product, or of a product at a store."""

    id: int
    channel: str
    category_id: int | None
    product_id: int | None
    store_id: int | None
    buffer: int
    actor: str
    updated_at: datetime
    version: int


class BuffersPage(BaseModel):
    items: list[BufferOut]
    next_page: str | None


class ShownAtStore(BaseModel):
    """`shown` = `available` less the `buffer`, but not below 0. `rule` says whose buffer it is."""

    store_id: int
    available: int
    buffer: int
    rule: Rule
    shown: int


class ShownOut(BaseModel):
    """`shown` is the sum over the stores; 0 where `off` says that the channel or the product is switched off."""

    product_id: int
    shown: int
    off: Off | None
    stores: list[ShownAtStore]


class ShownPageOut(BaseModel):
    """Send the `as_of` of the first page as `changed_after` the next time.

    `is_everything` says that all products are listed, although only changes were asked for: a rule changed since.
    """

    items: list[ShownOut]
    next_page: str | None
    as_of: datetime
    is_everything: bool


def out(channel: Channel) -> ChannelOut:
    """A channel as the API tells it."""
    values = asdict(channel)
    del values["rules_changed_at"]
    return ChannelOut(**values)


def buffer_out(buffer: Buffer) -> BufferOut:
    """A buffer as the API tells it."""
    return shaped(BufferOut, buffer)


def _shown_out(product: Shown) -> dict[str, Any]:
    """With the fields of ShownOut."""
    stores = [
        {
            "store_id": here.store_id,
            "available": here.available,
            "buffer": here.buffer,
            "rule": here.rule,
            "shown": here.shown,
        }
        for here in product.stores
    ]
    return {"product_id": product.product_id, "shown": product.shown, "off": product.off, "stores": stores}


@router.get("", dependencies=[needs("inventory:read")])
async def list_channels(request: Request, page: Cursor = None, limit: Limit = 100) -> ChannelsPage:
    """Channels, in the order in which they were made."""
    cursor = decode_cursor(page, "channels", int)
    found = await store.list_page(request.app.state.pool, cursor[0] if cursor else 0, limit + 1)
    channels, next_page = page_of(found, limit, "channels", lambda one: (one.id,))
    return ChannelsPage(items=[out(one) for one in channels], next_page=next_page)


@router.get("/{code}", response_model=ChannelOut, responses=NOT_MODIFIED, dependencies=[needs("inventory:read")])
async def show_channel(request: Request, code: ChannelCode, if_none_match: IfNoneMatch = None) -> Response:
    """One channel; its ETag goes into If-Match of a change."""
    return shown(out(await service.get_channel(request.app.state.pool, code)), if_none_match)


@router.put("/{code}", response_model=ChannelOut)
async def put_channel(
    request: Request,
    code: ChannelCode,
    body: ChannelIn,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make a channel, or replace it as a whole: then If-Match says which one was read."""
    version = None if if_match is None else version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.put_channel(db, caller, code, version, **body.model_dump())).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.delete("/{code}", status_code=204, response_class=Response)
async def remove_channel(
    request: Request,
    code: ChannelCode,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Remove a channel with its buffers."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        await service.remove_channel(db, caller, code, version)
        return {}

    return await write_once(request, caller.actor, verb, 204)


@router.get("/{code}/stock", response_model=ShownPageOut, dependencies=[needs("inventory:read")])
async def show_stock(
    request: Request,
    code: ChannelCode,
    product_id: ProductFilter = None,
    changed_after: Annotated[Moment | None, Query(description="`as_of` of the first page of the last walk")] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """What the channel may show of each product, per store and in total, and why it is that number."""
    cursor = decode_cursor(page, "shown", int)
    async with transaction(request.app.state.pool) as db:
        found = await service.shown_stock(
            db,
            code,
            datetime.now(UTC),
            product_id=product_id,
            after=cursor[0] if cursor else 0,
            limit=limit,
            changed_after=changed_after,
        )
    document = {
        "items": [_shown_out(product) for product in found.products],
        "next_page": encode_cursor("shown", found.products[-1].product_id) if found.more else None,
        "as_of": found.as_of,
        "is_everything": found.is_everything,
    }
    return Response(msgspec.json.encode(document), media_type=JSON)  # a site asks for a thousand at a time


@router.get("/{code}/buffers", dependencies=[needs("inventory:read")])
async def list_buffers(
    request: Request, code: ChannelCode, product_id: ProductFilter = None, page: Cursor = None, limit: Limit = 100
) -> BuffersPage:
    """The buffers of a channel, in the order in which they were first set."""
    cursor = decode_cursor(page, "buffers", int)
    async with request.app.state.pool.acquire() as db:
        await service.get_channel(db, code)
        found = await store.list_buffers(db, code, product_id, cursor[0] if cursor else 0, limit + 1)
    buffers, next_page = page_of(found, limit, "buffers", lambda one: (one.id,))
    return BuffersPage(items=[buffer_out(one) for one in buffers], next_page=next_page)


async def _put(
    request: Request, code: str, of: Subject, body: BufferIn, caller: Caller, if_match: str | None
) -> Response:
    version = None if if_match is None else version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        kept = await service.put_buffer(db, caller, code, of, body.buffer, version)
        return buffer_out(kept).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


async def _remove(request: Request, code: str, of: Subject, caller: Caller, if_match: str | None) -> Response:
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        await service.remove_buffer(db, caller, code, of, version)
        return {}

    return await write_once(request, caller.actor, verb, 204)


@router.put("/{code}/buffers/categories/{category_id}", response_model=BufferOut)
async def put_category_buffer(
    request: Request,
    code: ChannelCode,
    category_id: PathId,
    body: BufferIn,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hide so many pieces of each product of a category, in each store. Categories below it are not meant."""
    return await _put(request, code, Subject(category_id=category_id), body, caller, if_match)


@router.delete("/{code}/buffers/categories/{category_id}", status_code=204, response_class=Response)
async def remove_category_buffer(
    request: Request,
    code: ChannelCode,
    category_id: PathId,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take the buffer of a category away."""
    return await _remove(request, code, Subject(category_id=category_id), caller, if_match)


@router.put("/{code}/buffers/products/{product_id}", response_model=BufferOut)
async def put_product_buffer(
    request: Request,
    code: ChannelCode,
    product_id: PathId,
    body: BufferIn,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hide so many pieces of a product, in each store."""
    return await _put(request, code, Subject(product_id=product_id), body, caller, if_match)


@router.delete("/{code}/buffers/products/{product_id}", status_code=204, response_class=Response)
async def remove_product_buffer(
    request: Request,
    code: ChannelCode,
    product_id: PathId,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take the buffer of a product away; that of one store stays."""
    return await _remove(request, code, Subject(product_id=product_id), caller, if_match)


@router.put("/{code}/buffers/products/{product_id}/stores/{store_id}", response_model=BufferOut)
async def put_place_buffer(
    request: Request,
    code: ChannelCode,
    product_id: PathId,
    store_id: PathId,
    body: BufferIn,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hide so many pieces of a product in one store."""
    return await _put(request, code, Subject(product_id=product_id, store_id=store_id), body, caller, if_match)


@router.delete("/{code}/buffers/products/{product_id}/stores/{store_id}", status_code=204, response_class=Response)
async def remove_place_buffer(
    request: Request,
    code: ChannelCode,
    product_id: PathId,
    store_id: PathId,
    caller: Writer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take the buffer of a product in one store away."""
    return await _remove(request, code, Subject(product_id=product_id, store_id=store_id), caller, if_match)
