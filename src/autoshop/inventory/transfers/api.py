"""Routes: transfers from request to receipt. A movement of the type `transfer` makes one that leaves at once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.movements.api import document
from autoshop.inventory.movements.model import Movement
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.inventory.transfers import differences, service, store
from autoshop.inventory.transfers.model import Found, Reason, Status, Transfer
from autoshop.inventory.transfers.shapes import (
    DifferenceOut,
    DifferenceReport,
    Differences,
    DifferencesPage,
    LateOut,
    LatePage,
    Shipment,
    SomeOrAll,
    StepOut,
    TransferChange,
    TransferIn,
    TransferOut,
    TransfersPage,
    TransferWithHistory,
    out,
    pieces_of,
    report,
    some_or_all,
)
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
from autoshop.kit.fields import DayOrMoment, PathId, changes_in
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory/transfers", tags=["transfers"])

HOLD_FOR = timedelta(days=3)
StoreId = Annotated[int | None, Query(ge=1, lt=2**63)]
DateFrom = Annotated[DayOrMoment | None, Query(description="from this moment on, or this day (UTC unless it says)")]
DateTo = Annotated[DayOrMoment | None, Query(description="before this moment")]
May = Annotated[Caller, needs("inventory:write")]


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
    date_from: DateFrom = None,
    date_to: DateTo = None,
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
        "date_from": date_from,
        "date_to": date_to,
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
    date_from: DateFrom = None,
    date_to: DateTo = None,
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
        "date_from": date_from,
        "date_to": date_to,
        "before_id": cursor[0] if cursor else None,
    }
    async with request.app.state.pool.acquire() as db:
        found = await store.list_differences(db, filters, limit + 1)
    listed, next_page = page_of(found, limit, "differences", lambda one: (one.id,))
    return DifferencesPage(items=[shaped(DifferenceOut, one) for one in listed], next_page=next_page)


@router.get("/overdue", dependencies=[needs("inventory:read")])
async def count_overdue(request: Request) -> LatePage:
    """How many transfers each store waits for that should have come."""
    async with request.app.state.pool.acquire() as db:
        late = await store.late(db, datetime.now(UTC))
    return LatePage(items=[shaped(LateOut, one) for one in late])


@router.post("", status_code=201, response_model=TransferOut)
async def ask(request: Request, body: TransferIn, caller: May, idempotency_key: IdempotencyKey = None) -> Response:
    """Ask another store for pieces, or send them at once."""
    now = datetime.now(UTC)
    hold_until = body.hold_until or now + HOLD_FOR if body.hold else None

    async def verb(db: Connection) -> dict[str, Any]:
        asked = await service.request(
            db, caller, body.from_store_id, body.to_store_id, pieces_of(body.lines), body.related_document, body.note,
            body.wanted_by, now, hold_until=hold_until,
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
    """One transfer with what was done to it, and what the sender has; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        transfer = await service.get_transfer(db, transfer_id)
        free = await service.free_at_sender(db, transfer)
        history = await store.history(db, transfer_id)
    told = out(transfer, datetime.now(UTC)).model_dump()
    told["lines"] = [{**line, "free": free[line["product_id"]]} for line in told["lines"]]
    return shown(TransferWithHistory(**told, history=[shaped(StepOut, step) for step in history]), if_none_match)


@router.get("/{transfer_id}/differences", dependencies=[needs("inventory:read")])
async def report_differences(request: Request, transfer_id: PathId) -> DifferenceReport:
    """What of a transfer did not come as it was sent, by product and as it was told; the newest thousand."""
    async with request.app.state.pool.acquire() as db:
        transfer = await service.get_transfer(db, transfer_id)
        return report(transfer, await store.list_differences(db, {"transfer_id": transfer_id}, 1000))


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
        changed = await service.change(db, caller, transfer_id, version, changes, some_or_all(body.lines), now)
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
    pieces, now = some_or_all(asked.lines), datetime.now(UTC)
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
    pieces = some_or_all(body.lines) if body else None
    return await _moved(request, caller, lambda db: service.receive(db, caller, transfer_id, pieces))


@router.post("/{transfer_id}/differences", response_model=None, responses=MOVED)
async def differ(
    request: Request, transfer_id: PathId, body: Differences, caller: May, idempotency_key: IdempotencyKey = None
) -> Response:
    """Tell what was lost or damaged on the way, what was found again, and what came though nobody sent it."""
    found = [Found(**line.model_dump()) for line in body.lines]
    return await _moved(request, caller, lambda db: differences.differ(db, caller, transfer_id, found))


@router.post("/{transfer_id}/recall", response_model=None, responses=MOVED)
async def recall(
    request: Request,
    transfer_id: PathId,
    caller: May,
    body: SomeOrAll | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Bring pieces that are on the way back to the shelf of the sending store."""
    pieces = some_or_all(body.lines) if body else None
    return await _moved(request, caller, lambda db: service.recall(db, caller, transfer_id, pieces))


@router.post("/{transfer_id}/cancellation", response_model=TransferOut)
async def cancel(
    request: Request, transfer_id: PathId, caller: May, idempotency_key: IdempotencyKey = None
) -> Response:
    """Drop what is still wanted."""

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.cancel(db, caller, transfer_id), datetime.now(UTC)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
