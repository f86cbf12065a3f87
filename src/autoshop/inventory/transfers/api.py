"""Routes: transfers from request to receipt. A movement of the type `transfer` makes one that leaves at once."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, model_validator
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.movements.api import document
from autoshop.inventory.movements.model import Movement
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.inventory.transfers import service, store
from autoshop.inventory.transfers.model import Change, Found, Reason, Status, Transfer
from autoshop.kit.answers import (
    NOT_MODIFIED,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    answers_with,
    named,
    shown,
    write_once,
)
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Day, Id, PathId, YesNo, changes_in
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory/transfers", tags=["transfers"])

Document = Annotated[str | None, Field(max_length=200, pattern=NO_NUL)]
Note = Annotated[str | None, Field(max_length=500, pattern=NO_NUL)]
StoreId = Annotated[int | None, Query(ge=1, lt=2**63)]
May = Annotated[Caller, needs("inventory:write")]


class PiecesOf(BaseModel, extra="forbid"):
    """Pieces of a product."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


Lines = Annotated[list[PiecesOf], Field(min_length=1, max_length=1000)]


class TransferIn(BaseModel, extra="forbid"):
    """What one store wants of another. With `ship` it leaves at once, all of it."""

    from_store_id: Id
    to_store_id: Id
    lines: Lines
    related_document: Document = None
    note: Note = None
    wanted_by: Day | None = None
    ship: YesNo = False


class TransferChange(BaseModel, extra="forbid"):
    """`lines` replaces all that was asked for."""

    lines: Lines | None = None
    note: Note = None
    wanted_by: Day | None = None


class Shipment(BaseModel, extra="forbid"):
    """What leaves. Without `lines`: everything that is wanted. What is wanted beyond stays so, unless `close_rest`."""

    lines: Lines | None = None
    close_rest: YesNo = False
    beyond_requested: YesNo = False


class SomeOrAll(BaseModel, extra="forbid"):
    """Without `lines`: everything that is on the way."""

    lines: Lines | None = None


class FoundLine(PiecesOf):
    """`lost` and `damaged` are pieces on the way; `surplus` and `wrong_item` came though nobody sent them."""

    reason: Reason
    note: Note = None

    @model_validator(mode="after")
    def _wrong_item_is_told(self) -> "FoundLine":
        if self.reason == "wrong_item" and not (self.note or "").strip():
            raise ValueError("note: say what came instead of what")
        return self


class Differences(BaseModel, extra="forbid"):
    lines: Annotated[list[FoundLine], Field(min_length=1, max_length=1000)]


class TransferLineOut(BaseModel):
    """`wanted` is still to be shipped, `on_the_way` has left and has not come."""

    product_id: int
    requested: int
    dropped: int
    wanted: int
    shipped: int
    received: int
    returned: int
    lost: int
    damaged: int
    on_the_way: int


class TransferOut(BaseModel):
    """A transfer. `eta_at` is of its last shipment; `overdue`: that has passed and something has not come."""

    id: int
    from_store_id: int
    to_store_id: int
    status: Status
    overdue: bool
    related_document: str | None
    note: str | None
    wanted_by: Day | None
    actor: str
    created_at: datetime
    shipped_at: datetime | None
    eta_at: datetime | None
    closed_at: datetime | None
    version: int
    lines: list[TransferLineOut]


class StepOut(BaseModel):
    """What was done to a transfer, by whom, to how many pieces of each product."""

    at: datetime
    actor: str
    change: Change
    lines: dict[int, int]


class TransferWithHistory(TransferOut):
    history: list[StepOut]


class TransfersPage(BaseModel):
    items: list[TransferOut]
    next_page: str | None


class DifferenceOut(BaseModel):
    """What the receiver found to be different from what was sent."""

    id: int
    transfer_id: int
    from_store_id: int
    to_store_id: int
    product_id: int
    quantity: int
    reason: Reason
    note: str | None
    actor: str
    created_at: datetime


class DifferencesPage(BaseModel):
    items: list[DifferenceOut]
    next_page: str | None


def out(transfer: Transfer, now: datetime) -> TransferOut:
    """A transfer as the API tells it."""
    told = asdict(transfer)
    told["lines"] = [{**asdict(one), "wanted": one.wanted, "on_the_way": one.on_the_way} for one in transfer.lines]
    late = transfer.status == "in_transit" and transfer.eta_at is not None and transfer.eta_at < now
    return TransferOut(**told, overdue=late)


def _pieces(lines: Iterable[PiecesOf]) -> dict[int, int]:
    pieces: dict[int, int] = {}
    for line in lines:
        pieces[line.product_id] = pieces.get(line.product_id, 0) + line.quantity
    return pieces


def _some(lines: list[PiecesOf] | None) -> dict[int, int] | None:
    return None if lines is None else _pieces(lines)


@router.get("", dependencies=[needs("inventory:read")])
async def list_transfers(
    request: Request,
    store_id: StoreFilter = None,
    from_store_id: StoreId = None,
    to_store_id: StoreId = None,
    status: Annotated[Status | None, Query()] = None,
    overdue: Annotated[bool, Query(description="only those that should have come by now")] = False,
    product_id: ProductFilter = None,
    related_document: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> TransfersPage:
    """Transfers, newest first; `store_id` is either end."""
    cursor, now = decode_cursor(page, "transfers", int), datetime.now(UTC)
    filters = {
        "store_id": store_id,
        "from_store_id": from_store_id,
        "to_store_id": to_store_id,
        "status": status,
        "overdue_at": now if overdue else None,
        "product_id": product_id,
        "related_document": related_document,
        "before_id": cursor[0] if cursor else None,
    }
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, filters, limit + 1)
    transfers, next_page = page_of(found, limit, "transfers", lambda transfer: (transfer.id,))
    return TransfersPage(items=[out(transfer, now) for transfer in transfers], next_page=next_page)


@router.get("/differences", dependencies=[needs("inventory:read")])
async def list_differences(
    request: Request,
    transfer_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    store_id: StoreFilter = None,
    product_id: ProductFilter = None,
    reason: Annotated[Reason | None, Query()] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> DifferencesPage:
    """What did not come as it was sent, newest first."""
    cursor = decode_cursor(page, "differences", int)
    filters = {
        "transfer_id": transfer_id,
        "store_id": store_id,
        "product_id": product_id,
        "reason": reason,
        "before_id": cursor[0] if cursor else None,
    }
    async with request.app.state.pool.acquire() as db:
        found = await store.list_differences(db, filters, limit + 1)
    differences, next_page = page_of(found, limit, "differences", lambda one: (one.id,))
    return DifferencesPage(items=[DifferenceOut(**asdict(one)) for one in differences], next_page=next_page)


@router.post("", status_code=201, response_model=TransferOut)
async def ask(request: Request, body: TransferIn, caller: May, idempotency_key: IdempotencyKey = None) -> Response:
    """Ask another store for pieces, or send them at once."""
    now = datetime.now(UTC)

    async def verb(db: Connection) -> dict[str, Any]:
        asked = await service.request(
            db, caller, body.from_store_id, body.to_store_id, _pieces(body.lines), body.related_document, body.note,
            body.wanted_by, now,
        )  # fmt: skip
        if body.ship:
            asked, _ = await service.ship(db, caller, asked.id, None, now)
        return out(asked, now).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get(
    "/{transfer_id}",
    response_model=TransferWithHistory,
    responses=NOT_MODIFIED,
    dependencies=[needs("inventory:read")],
)
async def show_transfer(request: Request, transfer_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One transfer with its lines and what was done to it; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        transfer = await service.get_transfer(db, transfer_id)
        history = await store.history(db, transfer_id)
    told = out(transfer, datetime.now(UTC)).model_dump()
    return shown(TransferWithHistory(**told, history=[StepOut(**asdict(step)) for step in history]), if_none_match)


@router.patch("/{transfer_id}", response_model=TransferOut)
async def change(
    request: Request,
    transfer_id: PathId,
    body: TransferChange,
    caller: May,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for something else, as long as nothing has left."""
    version, now = version_in(if_match), datetime.now(UTC)
    changes = {name: value for name, value in changes_in(body, "note", "wanted_by").items() if name != "lines"}

    async def verb(db: Connection) -> dict[str, Any]:
        changed = await service.change(db, caller, transfer_id, version, changes, _some(body.lines), now)
        return out(changed, now).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


MOVED = answers_with(
    ok={"const": True},
    transfer=named("TransferOut"),
    movements={"type": "array", "items": named("MovementAnswer")},
)
Moved = tuple[Transfer, list[Movement]]


async def _moved(request: Request, caller: Caller, verb: Callable[[Connection], Awaitable[Moved]]) -> Response:
    async def told(db: Connection) -> dict[str, Any]:
        transfer, moved = await verb(db)
        return {
            "ok": True,
            "transfer": out(transfer, datetime.now(UTC)).model_dump(mode="json"),
            "movements": [document(movement) for movement in moved],
        }

    return await write_once(request, caller.actor, told)


@router.post("/{transfer_id}/shipment", response_model=None, responses=MOVED)
async def ship(
    request: Request,
    transfer_id: PathId,
    caller: May,
    body: Shipment | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send what is wanted on its way, all of it or a part."""
    asked = body or Shipment()
    pieces, now = _some(asked.lines), datetime.now(UTC)
    how = {"close_rest": asked.close_rest, "beyond_requested": asked.beyond_requested}
    return await _moved(request, caller, lambda db: service.ship(db, caller, transfer_id, pieces, now, **how))


@router.post("/{transfer_id}/receipt", response_model=None, responses=MOVED)
async def receive(
    request: Request,
    transfer_id: PathId,
    caller: May,
    body: SomeOrAll | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Put the pieces that came onto the shelf of the receiving store."""
    pieces = _some(body.lines) if body else None
    return await _moved(request, caller, lambda db: service.receive(db, caller, transfer_id, pieces))


@router.post("/{transfer_id}/differences", response_model=None, responses=MOVED)
async def differ(
    request: Request, transfer_id: PathId, body: Differences, caller: May, idempotency_key: IdempotencyKey = None
) -> Response:
    """Tell what was lost or damaged on the way, and what came though nobody sent it."""
    found = [Found(**line.model_dump()) for line in body.lines]
    return await _moved(request, caller, lambda db: service.differ(db, caller, transfer_id, found))


@router.post("/{transfer_id}/recall", response_model=None, responses=MOVED)
async def recall(
    request: Request,
    transfer_id: PathId,
    caller: May,
    body: SomeOrAll | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Bring pieces that are on the way back to the shelf of the sending store."""
    pieces = _some(body.lines) if body else None
    return await _moved(request, caller, lambda db: service.recall(db, caller, transfer_id, pieces))


@router.post("/{transfer_id}/cancellation", response_model=TransferOut)
async def cancel(
    request: Request, transfer_id: PathId, caller: May, idempotency_key: IdempotencyKey = None
) -> Response:
    """Drop what is still wanted."""

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.cancel(db, caller, transfer_id), datetime.now(UTC)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
