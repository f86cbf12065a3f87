"""Routes: transfers and their receipt. A transfer starts as a movement of the type `transfer`."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.movements.api import document
from autoshop.inventory.stock.api import StoreFilter
from autoshop.inventory.transfers import service, store
from autoshop.inventory.transfers.model import Transfer
from autoshop.kit.answers import IdempotencyKey, answers_with, named, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import Id, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of

router = APIRouter(prefix="/api/v1/inventory/transfers", tags=["transfers"])


class TransferLineOut(BaseModel):
    """`returned` were called back by the sender; `on_the_way` is what is left."""

    product_id: int
    shipped: int
    received: int
    returned: int
    on_the_way: int


class TransferOut(BaseModel):
    """A transfer; `closed_at` is when its last piece came or was called back."""

    id: int
    from_store_id: int
    to_store_id: int
    status: Literal["in_transit", "received", "cancelled"]
    related_document: str | None
    actor: str
    shipped_at: datetime
    eta_at: datetime
    closed_at: datetime | None
    lines: list[TransferLineOut]


class TransfersPage(BaseModel):
    items: list[TransferOut]
    next_page: str | None


def out(transfer: Transfer) -> TransferOut:
    """A transfer as the API tells it."""
    document = asdict(transfer)
    document["lines"] = [{**asdict(line), "on_the_way": line.on_the_way} for line in transfer.lines]
    return TransferOut(**document)


@router.get("", dependencies=[needs("inventory:read")])
async def list_transfers(
    request: Request,
    store_id: StoreFilter = None,
    status: Annotated[Literal["in_transit", "received", "cancelled"] | None, Query()] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> TransfersPage:
    """Transfers from or to a store, newest first."""
    cursor = decode_cursor(page, "transfers", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, store_id, status, cursor[0] if cursor else None, limit + 1)
    transfers, next_page = page_of(found, limit, "transfers", lambda transfer: (transfer.id,))
    return TransfersPage(items=[out(transfer) for transfer in transfers], next_page=next_page)


@router.get("/{transfer_id}", dependencies=[needs("inventory:read")])
async def show_transfer(request: Request, transfer_id: PathId) -> TransferOut:
    """One transfer with its lines."""
    async with request.app.state.pool.acquire() as db:
        return out(await service.get_transfer(db, transfer_id))


class ReceivedLine(BaseModel, extra="forbid"):
    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class Receipt(BaseModel, extra="forbid"):
    """What came. Without `lines`: everything that is on the way."""

    lines: Annotated[list[ReceivedLine] | None, Field(min_length=1, max_length=1000)] = None


RECEIVED = answers_with(
    ok={"const": True},
    transfer=named("TransferOut"),
    movements={"type": "array", "items": named("MovementAnswer")},
)


@router.post("/{transfer_id}/receipt", response_model=None, responses=RECEIVED)
async def receive(
    request: Request,
    transfer_id: PathId,
    caller: Annotated[Caller, needs("inventory:write")],
    body: Receipt | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Put the pieces that came onto the shelf of the receiving store."""
    pieces: dict[int, int] | None = None
    if body is not None and body.lines is not None:
        pieces = {}
        for line in body.lines:
            pieces[line.product_id] = pieces.get(line.product_id, 0) + line.quantity

    async def verb(db: Connection) -> dict[str, Any]:
        transfer, moved = await service.receive(db, caller, transfer_id, pieces, datetime.now(UTC))
        return {
            "ok": True,
            "transfer": out(transfer).model_dump(mode="json"),
            "movements": [document(movement) for movement in moved],
        }

    return await write_once(request, caller.actor, verb)
