"""Routes: hold pieces for an order or for somebody at the counter, until a moment."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.movements.api import document
from autoshop.inventory.reservations import service, store
from autoshop.inventory.reservations.model import Place, Reservation, Status
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.kit.answers import (
    NOT_MODIFIED,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    answers_with,
    named,
    shaped,
    shown,
    write_once,
)
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Id, Moment, Name, PathId, YesNo
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory/reservations", tags=["reservations"])

Document = Annotated[str | None, Field(max_length=200, pattern=NO_NUL)]


class HeldLine(BaseModel, extra="forbid"):
    """Pieces of a product at a store."""

    product_id: Id
    store_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


Lines = Annotated[list[HeldLine], Field(min_length=1, max_length=1000)]


class ReservationIn(BaseModel, extra="forbid"):
    """`holder` is whom the pieces wait for, as staff know him; without `expires_at` they wait as long as usual."""

    holder: Name
    lines: Lines
    related_document: Document = None
    expires_at: Moment | None = None


class Extension(BaseModel, extra="forbid"):
    expires_at: Moment


class Release(BaseModel, extra="forbid"):
    """What is given back. Without `lines`: everything that is held."""

    lines: Lines | None = None


class Fulfilment(BaseModel, extra="forbid"):
    """What the holder takes. Without `lines`: everything that is held; `beyond_held`: more of it, from what is free."""

    lines: Lines | None = None
    related_document: Document = None
    beyond_held: YesNo = False


class ReservationLineOut(BaseModel):
    """`quantity` was asked for; of it, `held` still waits and `fulfilled` was sold; `awaited` is on its way there."""

    product_id: int
    store_id: int
    quantity: int
    held: int
    awaited: int
    fulfilled: int


class ReservationOut(BaseModel):
    """A hold. Once `expires_at` has passed it has ended, and `closed_at` follows within a minute or so.

    `holder` is null once he is forgotten, some months after the end.
    """

    id: int
    holder: str | None
    status: Status
    related_document: str | None
    actor: str
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    version: int
    lines: list[ReservationLineOut]


class ReservationsPage(BaseModel):
    items: list[ReservationOut]
    next_page: str | None


def out(reservation: Reservation) -> ReservationOut:
    """A reservation as the API tells it."""
    return shaped(ReservationOut, reservation)


def _pieces(lines: list[HeldLine]) -> list[tuple[Place, int]]:
    return [((line.product_id, line.store_id), line.quantity) for line in lines]


@router.get("", dependencies=[needs("inventory:read")])
async def list_reservations(
    request: Request,
    product_id: ProductFilter = None,
    store_id: StoreFilter = None,
    status: Annotated[Status | None, Query()] = None,
    related_document: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    holder: Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="in whatever case")] = None,
    holder_prefix: Annotated[
        str | None, Query(max_length=200, pattern=NO_NUL, description="how the holder's name begins, in whatever case")
    ] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> ReservationsPage:
    """Who holds what, newest first."""
    cursor = decode_cursor(page, "reservations", int)
    filters = {
        "product_id": product_id,
        "store_id": store_id,
        "related_document": related_document,
        "holder": holder,
        "holder_prefix": holder_prefix,
        "before_id": cursor[0] if cursor else None,
    }
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, filters, limit + 1, status)
    reservations, next_page = page_of(found, limit, "reservations", lambda one: (one.id,))
    return ReservationsPage(items=[out(one) for one in reservations], next_page=next_page)


@router.post("", status_code=201, response_model=ReservationOut)
async def reserve(
    request: Request,
    body: ReservationIn,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hold pieces until a moment: all lines, or none and every reason."""
    now = datetime.now(UTC)
    until = body.expires_at or now + timedelta(hours=request.app.state.settings.reservation_hours)

    async def verb(db: Connection) -> dict[str, Any]:
        reserved = await service.reserve(
            db, caller, _pieces(body.lines), body.holder, body.related_document, until, now
        )
        return out(reserved).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get(
    "/{reservation_id}",
    response_model=ReservationOut,
    responses=NOT_MODIFIED,
    dependencies=[needs("inventory:read")],
)
async def show_reservation(request: Request, reservation_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One reservation; its ETag goes into If-Match of an extension."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_reservation(db, reservation_id)), if_none_match)


@router.patch("/{reservation_id}", response_model=ReservationOut)
async def extend_reservation(
    request: Request,
    reservation_id: PathId,
    body: Extension,
    caller: Annotated[Caller, needs("inventory:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hold on until another moment; what has lapsed is reserved anew instead."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        extended = await service.extend(db, caller, reservation_id, version, body.expires_at, datetime.now(UTC))
        return out(extended).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post("/{reservation_id}/release", response_model=ReservationOut)
async def release(
    request: Request,
    reservation_id: PathId,
    caller: Annotated[Caller, needs("inventory:write")],
    body: Release | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give back what is held, all of it or some; whoever acts for the stores may, not only who reserved.

    Who acts for some of its stores alone names their lines.
    """
    lines = None if body is None or body.lines is None else _pieces(body.lines)

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.release(db, caller, reservation_id, lines)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


FULFILLED = answers_with(
    ok={"const": True},
    version={"type": "integer"},
    reservation=named("ReservationOut"),
    movements={"type": "array", "items": named("MovementAnswer")},
)


@router.post("/{reservation_id}/fulfilment", response_model=None, responses=FULFILLED)
async def fulfil(
    request: Request,
    reservation_id: PathId,
    caller: Annotated[Caller, needs("inventory:write")],
    body: Fulfilment | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Sell what is held to its holder; what he does not take stays held.

    This is how a hold never blocks its holder: an ordinary sale knows of no holder and takes only what is free.
    """
    asked = body or Fulfilment()
    lines = None if asked.lines is None else _pieces(asked.lines)

    async def verb(db: Connection) -> dict[str, Any]:
        reservation, sold = await service.fulfil(
            db, caller, reservation_id, lines, asked.related_document, beyond_held=asked.beyond_held
        )
        return {
            "ok": True,
            "version": reservation.version,
            "reservation": out(reservation).model_dump(mode="json"),
            "movements": [document(movement) for movement in sold],
        }

    return await write_once(request, caller.actor, verb)
