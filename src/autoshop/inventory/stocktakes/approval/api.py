"""Routes: end the counting, reopen or cancel it, approve what it found."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.stocktakes.api import Note, StocktakeOut, out
from autoshop.inventory.stocktakes.approval import service
from autoshop.inventory.stocktakes.approval.model import Unsettled
from autoshop.inventory.stocktakes.model import Uncounted
from autoshop.kit.answers import IdempotencyKey, IfMatch, write_once
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import PathId, YesNo

router = APIRouter(prefix="/api/v1/inventory/stocktakes", tags=["stocktakes"])


class Review(BaseModel, extra="forbid"):
    """What nobody counted is left as it is, or is taken as not being there: `confirm_zero` says that it was looked
    for."""

    uncounted: Uncounted = "leave"
    confirm_zero: YesNo = False


class Approval(BaseModel, extra="forbid"):
    """`unsettled`: lines that ought to be counted again stand in the way, or are left as they are."""

    unsettled: Unsettled = "refuse"
    reason: Note = None


class Why(BaseModel, extra="forbid"):
    reason: Note = None


@router.post("/{stocktake_id}/review", response_model=StocktakeOut)
async def review(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:approve")],
    body: Review | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """End the counting, and say what becomes of lines that nobody counted."""
    asked = body or Review()

    async def verb(db: Connection) -> dict[str, Any]:
        reviewed = await service.review(db, caller, stocktake_id, asked.uncounted, asked.confirm_zero)
        return out(reviewed, caller).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post("/{stocktake_id}/reopening", response_model=StocktakeOut)
async def reopen(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:approve")],
    body: Why | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Count on after a review."""

    reason = body.reason if body else None

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.reopen(db, caller, stocktake_id, reason), caller).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post("/{stocktake_id}/cancellation", response_model=StocktakeOut)
async def cancel(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:approve")],
    body: Why | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """End it without changing the ledger."""

    reason = body.reason if body else None

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.cancel(db, caller, stocktake_id, reason), caller).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post("/{stocktake_id}/approval", response_model=StocktakeOut)
async def approve(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:approve")],
    body: Approval | None = None,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Post the differences as adjustments: all of them, or none and every reason. What was sold since stays sold."""
    version, asked = version_in(if_match), body or Approval()

    async def verb(db: Connection) -> dict[str, Any]:
        approved = await service.approve(db, caller, stocktake_id, version, asked.unsettled, asked.reason)
        return out(approved, caller).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
