"""Routes: send counts, as a phone does after an hour in the basement; read who counted what."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.stock.api import ProductFilter
from autoshop.inventory.stocktakes.api import LineOut, is_blind, line_out
from autoshop.inventory.stocktakes.counts import service, store
from autoshop.inventory.stocktakes.counts.model import MOST_COUNTS, MOST_ROUNDS, Asked, Mode
from autoshop.inventory.stocktakes.model import Status
from autoshop.inventory.stocktakes.service import get_stocktake
from autoshop.kit.answers import IdempotencyKey, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import Code, Id, Moment, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL, NOT_BLANK

router = APIRouter(prefix="/api/v1/inventory/stocktakes", tags=["stocktakes"])


class CountIn(BaseModel, extra="forbid"):
    """`client_id` is made by the device: sent again it is taken once. `set` says all there are of the product, `add`
    one more shelf of it. `round` 2 is the second count. Without `counted_at` it was now."""

    client_id: Code
    product_id: Id
    pieces: Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
    mode: Mode = "set"
    round: Annotated[int, Field(ge=1, le=MOST_ROUNDS, strict=True)] = 1
    counted_at: Moment | None = None
    device: Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)]
    note: Annotated[str | None, Field(max_length=500, pattern=NO_NUL)] = None


class CountsIn(BaseModel, extra="forbid"):
    """`sent_at` is the device's own clock as it sends: by what it is wrong, every `counted_at` is put right."""

    counts: Annotated[list[CountIn], Field(min_length=1, max_length=MOST_COUNTS)]
    sent_at: Moment | None = None


class CountsTaken(BaseModel):
    """`repeated` were taken before. `lines` are the products' as they are by now; `server_time` sets a clock right."""

    ok: bool = True
    status: Status
    taken: int
    repeated: int
    server_time: datetime
    lines: list[LineOut]


class RetractionsIn(BaseModel, extra="forbid"):
    """The `client_id` of each count that shall count no more."""

    counts: Annotated[list[Code], Field(min_length=1, max_length=MOST_COUNTS)]


class CountsRetracted(BaseModel):
    """`repeated` were taken back before. `lines` are the products' as they are by now."""

    ok: bool = True
    status: Status
    retracted: int
    repeated: int
    lines: list[LineOut]


class CountOut(BaseModel):
    """A count as it was taken; `ledger` is what the ledger said at `counted_at`, null for whoever counts blind.
    One that is `retracted` was taken back and counts no more."""

    id: int
    client_id: str
    product_id: int
    round: int
    mode: Mode
    pieces: int
    counted_at: datetime
    ledger: int | None
    actor: str
    device: str
    note: str | None
    retracted: bool


class CountsPage(BaseModel):
    items: list[CountOut]
    next_page: str | None


@router.post("/{stocktake_id}/counts", response_model=CountsTaken)
async def take_counts(
    request: Request,
    stocktake_id: PathId,
    body: CountsIn,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take up to 1 000 counts, each compared with the ledger at its own moment: all, or none and every reason."""
    asked = [Asked(**count.model_dump()) for count in body.counts]

    async def verb(db: Connection) -> dict[str, Any]:
        taken = await service.take_counts(db, caller, stocktake_id, asked, body.sent_at)
        blind = is_blind(caller, taken.stocktake)
        return CountsTaken(
            status=taken.stocktake.status,
            taken=taken.taken,
            repeated=taken.repeated,
            server_time=taken.now,
            lines=[line_out(line, blind=blind) for line in taken.lines],
        ).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post("/{stocktake_id}/retractions", response_model=CountsRetracted)
async def take_back_counts(
    request: Request,
    stocktake_id: PathId,
    body: RetractionsIn,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take counts back, as after a slip of the scanner: one's own; whoever approves, anybody's. All, or none."""

    async def verb(db: Connection) -> dict[str, Any]:
        taken = await service.take_back(db, caller, stocktake_id, body.counts)
        blind = is_blind(caller, taken.stocktake)
        return CountsRetracted(
            status=taken.stocktake.status,
            retracted=taken.taken,
            repeated=taken.repeated,
            lines=[line_out(line, blind=blind) for line in taken.lines],
        ).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.get("/{stocktake_id}/counts")
async def list_counts(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    product_id: ProductFilter = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> CountsPage:
    """Who counted what and when, newest first."""
    cursor = decode_cursor(page, "counts", int)
    async with request.app.state.pool.acquire() as db:
        blind = is_blind(caller, await get_stocktake(db, stocktake_id))
        found = await store.list_page(db, stocktake_id, product_id, cursor[0] if cursor else None, limit + 1)
    counts, next_page = page_of(found, limit, "counts", lambda one: (one.id,))
    hidden = {"ledger": None} if blind else {}
    items = [CountOut(**{**asdict(one), **hidden}) for one in counts]
    return CountsPage(items=items, next_page=next_page)
