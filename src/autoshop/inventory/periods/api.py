"""Routes: the closed periods; close one, reopen the last."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.periods import service, store
from autoshop.inventory.periods.model import Period
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfNoneMatch, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import Day, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory/periods", tags=["periods"])


class PeriodIn(BaseModel, extra="forbid"):
    """The last day of the period; it must be over in every store, and come after the period before."""

    ends_on: Day


class Reopening(BaseModel, extra="forbid"):
    reason: Annotated[str | None, Field(max_length=500, pattern=NO_NUL)] = None


class PeriodOut(BaseModel):
    """Everything up to and including `ends_on`. While it is `closing` the worker writes its closing balances."""

    id: int
    ends_on: date
    status: Literal["closing", "closed", "reopened"]
    closed_by: str
    closed_at: datetime
    balanced_at: datetime | None
    row_count: int | None
    reopened_by: str | None
    reopened_at: datetime | None
    reason: str | None
    version: int


class PeriodsPage(BaseModel):
    items: list[PeriodOut]
    next_page: str | None


def out(period: Period) -> PeriodOut:
    """A period as the API tells it."""
    return PeriodOut(**asdict(period), status=period.status)  # type: ignore[arg-type]


@router.get("", dependencies=[needs("inventory:read")])
async def list_periods(request: Request, page: Cursor = None, limit: Limit = 100) -> PeriodsPage:
    """Periods, the one that was closed last first, reopened ones among them."""
    cursor = decode_cursor(page, "periods", int)
    found = await store.list_page(request.app.state.pool, cursor[0] if cursor else None, limit + 1)
    periods, next_page = page_of(found, limit, "periods", lambda period: (period.id,))
    return PeriodsPage(items=[out(period) for period in periods], next_page=next_page)


@router.post("", status_code=201, response_model=PeriodOut)
async def close_period(
    request: Request,
    body: PeriodIn,
    caller: Annotated[Caller, needs("inventory:approve")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Close everything up to and including a day: from now on no movement can be dated within it. Sales go on."""

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.close_period(db, caller, body.ends_on)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get("/{period_id}", response_model=PeriodOut, responses=NOT_MODIFIED, dependencies=[needs("inventory:read")])
async def show_period(request: Request, period_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One period."""
    return shown(out(await service.get_period(request.app.state.pool, period_id)), if_none_match)


@router.post("/{period_id}/reopening", response_model=PeriodOut)
async def reopen_period(
    request: Request,
    period_id: PathId,
    caller: Annotated[Caller, needs("inventory:approve")],
    body: Reopening | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Open the last closed period again, so that a forgotten paper can be entered; then close it anew."""
    reason = body.reason if body else None

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.reopen_period(db, caller, period_id, reason)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
