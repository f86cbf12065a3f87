"""Routes: have an order's pieces held wherever they lie, with a promised date; and how promises were kept."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.allocation import service, store
from autoshop.inventory.allocation.answers import (
    AllocationOut,
    AllocationsPage,
    Preview,
    PromisesOfStore,
    PromisesPage,
    Telling,
    row_of,
)
from autoshop.inventory.allocation.model import Explanation, Wish
from autoshop.inventory.availability.api import AcceptLanguage
from autoshop.inventory.reservations.api import Document
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.inventory.stores import service as stores
from autoshop.inventory.stores.store import names_of
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.fields import DayOrMoment, Id, Moment, Name, PathId, YesNo
from autoshop.kit.language import language_of
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory", tags=["allocations"])

MOST_DAYS = 366
USUAL = timedelta(days=30)


class WishedLine(BaseModel, extra="forbid"):
    """Pieces of a product, from whatever store."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class AllocationIn(BaseModel, extra="forbid"):
    """`store_id` is where the buyer comes. Without `expires_at` the pieces are held at least over the promised day.

    The other stores are asked at once to send what lies there, unless `transfers` is false: then it waits for the buyer
    where it lies. `preview`: only say what would be; nothing is held.
    """

    store_id: Id
    lines: Annotated[list[WishedLine], Field(min_length=1, max_length=100)]
    holder: Name
    related_document: Document = None
    expires_at: Moment | None = None
    transfers: YesNo = True
    preview: YesNo = False


PREVIEWED: dict[int | str, dict[str, Any]] = {200: {"model": Preview, "description": "What would be allocated"}}


@router.post("/allocations", status_code=201, response_model=AllocationOut, responses=PREVIEWED)
async def allocate(
    request: Request,
    body: AllocationIn,
    caller: Annotated[Caller, needs("inventory:write")],
    accept_language: AcceptLanguage = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hold an order's pieces for a store, wherever they lie, and promise a date: all of them, or none and every reason.

    From the store itself, else from one other, else from as few as possible. Whoever acts for the store may.
    """
    now = datetime.now(UTC)
    lasts = timedelta(hours=request.app.state.settings.reservation_hours)
    lines = tuple((line.product_id, line.quantity) for line in body.lines)
    wish = Wish(body.store_id, lines, body.holder, body.related_document, body.expires_at, body.transfers)

    async def verb(db: Connection) -> dict[str, Any]:
        if body.preview:
            proposal = await service.propose(db, caller, wish, lasts, now)
            telling = await _telling(db, wish.store_id, proposal.explanation, now, accept_language)
            return telling.preview(proposal).model_dump(mode="json")
        made = await service.allocate(db, caller, wish, lasts, now)
        telling = await _telling(db, made.store_id, made.explanation, now, accept_language)
        return telling.allocation(made).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 200 if body.preview else 201)


async def _telling(
    db: Connection, store_id: int, explanation: Explanation | None, now: datetime, accept_language: str | None
) -> Telling:
    wished = await stores.get_store(db, store_id)
    others = {look.store_id for look in explanation.looks} - {store_id} if explanation else set()
    names = {store_id: wished.name, **await names_of(db, sorted(others))}
    return Telling(wished, names, now, language_of(accept_language))


@router.get("/allocations", dependencies=[needs("inventory:read")])
async def list_allocations(
    request: Request,
    late: Annotated[bool, Query(description="only promises that are overdue, or were fulfilled too late")] = False,
    store_id: StoreFilter = None,
    product_id: ProductFilter = None,
    related_document: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> AllocationsPage:
    """What was promised, newest first."""
    cursor = decode_cursor(page, "allocations", int)
    filters = {
        "store_id": store_id,
        "product_id": product_id,
        "related_document": related_document,
        "before_id": cursor[0] if cursor else None,
    }
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, filters, limit + 1, late=late)
    allocations, next_page = page_of(found, limit, "allocations", lambda one: (one.id,))
    return AllocationsPage(items=[row_of(one) for one in allocations], next_page=next_page)


@router.get(
    "/allocations/{allocation_id}",
    response_model=AllocationOut,
    responses=NOT_MODIFIED,
    dependencies=[needs("inventory:read")],
)
async def show_allocation(
    request: Request,
    allocation_id: PathId,
    accept_language: AcceptLanguage = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One promise: where its pieces come from, and why; how it stands."""
    async with request.app.state.pool.acquire() as db:
        found = await service.get_allocation(db, allocation_id)
        telling = await _telling(db, found.store_id, found.explanation, datetime.now(UTC), accept_language)
    return shown(telling.allocation(found), if_none_match)


@router.post("/allocations/{allocation_id}/cancellation", response_model=AllocationOut)
async def cancel_allocation(
    request: Request,
    allocation_id: PathId,
    caller: Annotated[Caller, needs("inventory:write")],
    accept_language: AcceptLanguage = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give up an order: all its pieces are free, nobody is asked for them, what is on the way comes as free stock."""

    async def verb(db: Connection) -> dict[str, Any]:
        ended = await service.cancel(db, caller, allocation_id)
        telling = await _telling(db, ended.store_id, ended.explanation, datetime.now(UTC), accept_language)
        return telling.allocation(ended).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.get("/promises", dependencies=[needs("inventory:read")])
async def count_promises(
    request: Request,
    date_from: Annotated[
        DayOrMoment | None, Query(description="promised for this moment or later; without it, 30 days back")
    ] = None,
    date_to: Annotated[
        DayOrMoment | None, Query(description="promised for before this moment; without it, 30 days ahead")
    ] = None,
    store_id: StoreFilter = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> PromisesPage:
    """How many promises each store kept, in the order of stores."""
    now = datetime.now(UTC)
    date_from, date_to = date_from or now - USUAL, date_to or now + USUAL
    if not date_from < date_to <= date_from + timedelta(days=MOST_DAYS):
        reason = f"must lie before date_to, by {MOST_DAYS} days at most"
        raise Invalid(f"date_from: {reason}", errors=[wrong("date_from", reason)])
    cursor = decode_cursor(page, "promises", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.promises(db, date_from, date_to, store_id, cursor[0] if cursor else None, limit + 1)
    kept, next_page = page_of(found, limit, "promises", lambda one: (one.store_id,))
    items = [shaped(PromisesOfStore, one) for one in kept]
    return PromisesPage(date_from=date_from, date_to=date_to, items=items, next_page=next_page)
