"""Routes: what happened to a product; the ledger as a file."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.history import service
from autoshop.inventory.history.model import Changed, Entry, Held, Moved, Seen, document_of
from autoshop.inventory.history.service import Asked
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.inventory.stock_on.api import AS_CSV
from autoshop.kit.answers import shaped
from autoshop.kit.csv_out import download, in_pieces
from autoshop.kit.db import one_instant
from autoshop.kit.fields import DayOrMoment, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor

router = APIRouter(prefix="/api/v1/inventory", tags=["reports"])

From = Annotated[DayOrMoment | None, Query(description="from this moment on, or this day (UTC unless it says)")]
To = Annotated[DayOrMoment | None, Query(description="before this moment")]


class DocumentOut(BaseModel):
    """A document of ours with its id, or the name that somebody gave to one."""

    kind: Literal["transfer", "reservation", "other"]
    id: int | None
    name: str | None


class MovementEntry(BaseModel):
    """Pieces moved: at the store from `before` to `after`, over all stores from `everywhere_before` to `…_after`."""

    kind: Literal["movement"] = "movement"
    id: int
    at: datetime
    actor: str
    store_id: int
    movement_type: str
    delta: int
    before: int
    after: int
    everywhere_before: int
    everywhere_after: int
    document: DocumentOut | None
    reason: str | None
    reverses_id: int | None
    effective_on: date | None
    unit_cost_kopecks: int | None


class ReservationEntry(BaseModel):
    """Pieces were held, and what became of that: one entry, where it began. What was sold out of it is a movement.

    `holder` is null once he is forgotten, some months after the end.
    """

    kind: Literal["reservation"] = "reservation"
    id: int
    at: datetime
    actor: str
    store_id: int
    holder: str | None
    status: str
    quantity: int
    held: int
    fulfilled: int
    related_document: str | None
    expires_at: datetime
    closed_at: datetime | None


class Change(BaseModel):
    before: Any
    after: Any


class CardEntry(BaseModel):
    """The card was changed. Prices are among the changes for who may see costs."""

    kind: Literal["card"] = "card"
    id: int
    at: datetime
    actor: str
    action: str
    changes: dict[str, Change]


class HistoryPage(BaseModel):
    """Newest first; `next_page` leads to what was before."""

    product_id: int
    items: list[Annotated[MovementEntry | ReservationEntry | CardEntry, Field(discriminator="kind")]]
    next_page: str | None


@router.get("/{product_id}/history")
async def history(
    request: Request,
    product_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    store_id: StoreFilter = None,
    date_from: From = None,
    date_to: To = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> HistoryPage:
    """Everything that happened to a product: movements, holds, changes of its card; who, when, by which document."""
    cursor = decode_cursor(page, "history", int, int, int, int)
    asked = Asked(product_id, store_id, date_from, date_to)
    async with one_instant(request.app.state.pool) as db:
        entries, seen = await service.history(db, caller, asked, Seen(*cursor) if cursor else Seen(), limit)
    cost = caller.may("cost:read")
    next_page = None if seen is None else encode_cursor("history", *asdict(seen).values())
    return HistoryPage(product_id=product_id, items=[_out(entry, cost) for entry in entries], next_page=next_page)


def _out(entry: Entry, cost: bool) -> MovementEntry | ReservationEntry | CardEntry:
    match entry:
        case Moved():
            return _moved(entry, cost)
        case Held():
            return shaped(ReservationEntry, entry)
        case Changed():
            changes = {name: Change(**change) for name, change in entry.changes(prices=cost).items()}
            return CardEntry(id=entry.id, at=entry.at, actor=entry.actor, action=entry.action, changes=changes)


def _moved(entry: Moved, cost: bool) -> MovementEntry:
    movement = entry.movement
    document = document_of(movement)
    return MovementEntry(
        id=movement.id,
        at=movement.created_at,
        actor=movement.actor,
        store_id=movement.store_id,
        movement_type=movement.movement_type,
        delta=movement.delta,
        before=movement.balance_after - movement.delta,
        after=movement.balance_after,
        everywhere_before=entry.everywhere_after - movement.delta,
        everywhere_after=entry.everywhere_after,
        document=None if document is None else shaped(DocumentOut, document),
        reason=movement.reason,
        reverses_id=movement.reverses_id,
        effective_on=movement.effective_on,
        unit_cost_kopecks=movement.unit_cost_kopecks if cost else None,
    )


@router.get("/movements/export", response_model=None, responses=AS_CSV)
async def export(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    product_id: ProductFilter = None,
    store_id: StoreFilter = None,
    date_from: From = None,
    date_to: To = None,
) -> Response:
    """The ledger as CSV, newest first. It is read a thousand lines at a time, so a slow reader holds up nobody."""
    filters = {"product_id": product_id, "store_id": store_id, "date_from": date_from, "date_to": date_to}
    cost = caller.may("cost:read")

    async def rows() -> AsyncIterator[tuple[Any, ...]]:
        async for movement in service.ledger(request.app.state.pool, filters, cost=cost):
            yield tuple(getattr(movement, name) for name in service.EXPORTED)

    return download(in_pieces(service.EXPORTED, rows()), "movements.csv")
