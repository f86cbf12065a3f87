"""Routes: sell what is in your hand; who may; and how often that happens."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.found import service, store
from autoshop.inventory.found.model import MOST_PIECES, USUAL_PIECES, Policy, Role
from autoshop.inventory.movements.api import document
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
from autoshop.kit.fields import DayOrMoment, Id, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory", tags=["found pieces"])


class FoundSaleIn(BaseModel, extra="forbid"):
    """`reason`: where the piece was found, in three characters at least."""

    product_id: Id
    store_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True), Field(min_length=3, max_length=500, pattern=NO_NUL)
    ]
    related_document: Annotated[str | None, Field(max_length=200, pattern=NO_NUL)] = None


class FoundSaleOut(BaseModel):
    """`found` of the `quantity` sold were lacking, and were put into the ledger before the sale."""

    id: int
    product_id: int
    store_id: int
    quantity: int
    found: int
    reason: str
    related_document: str | None
    actor: str
    created_at: datetime


class FoundSalesPage(BaseModel):
    items: list[FoundSaleOut]
    next_page: str | None


class PolicyIn(BaseModel, extra="forbid"):
    """`roles` that may; none switches it off. `token` are programs, such as a till."""

    roles: Annotated[list[Role], Field(max_length=4)]
    most_pieces: Annotated[int, Field(ge=1, le=MOST_PIECES, strict=True)] = USUAL_PIECES


class PolicyOut(BaseModel):
    store_id: int
    roles: list[Role]
    most_pieces: int
    version: int


SOLD = answers_with(
    ok={"const": True},
    found_sale_id={"type": ["integer", "null"]},
    found={"type": "integer"},
    movements={"type": "array", "items": named("MovementAnswer")},
)


@router.post("/found-sale", response_model=None, responses=SOLD)
async def sell_what_is_in_your_hand(
    request: Request,
    body: FoundSaleIn,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Sell a piece that is in your hand although the ledger does not have it, where the store allows that.

    What is lacking is found, sold, and flagged for a recount. Pieces that are held for others are never sold so.
    """

    async def verb(db: Connection) -> dict[str, Any]:
        sale_id, found, movements = await service.sell_what_is_in_your_hand(
            db, caller, body.product_id, body.store_id, body.quantity, body.reason, body.related_document
        )
        posted = [document(movement) for movement in movements]
        return {"ok": True, "found_sale_id": sale_id, "found": found, "movements": posted}

    return await write_once(request, caller.actor, verb)


@router.get("/found-sales", dependencies=[needs("inventory:read")])
async def list_found_sales(
    request: Request,
    product_id: ProductFilter = None,
    store_id: StoreFilter = None,
    actor: Annotated[str | None, Query(max_length=100, pattern=NO_NUL, description="staff:ivan, …")] = None,
    date_from: Annotated[DayOrMoment | None, Query(description="from this moment on (UTC unless it says)")] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> FoundSalesPage:
    """What was sold although the ledger did not have it, newest first: how often, where, and by whom."""
    cursor = decode_cursor(page, "found sales", int)
    filters = {
        "product_id": product_id,
        "store_id": store_id,
        "actor": actor,
        "date_from": date_from,
        "before_id": cursor[0] if cursor else None,
    }
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, filters, limit + 1)
    sales, next_page = page_of(found, limit, "found sales", lambda sale: (sale.id,))
    return FoundSalesPage(items=[shaped(FoundSaleOut, sale) for sale in sales], next_page=next_page)


def _policy_out(policy: Policy) -> PolicyOut:
    return PolicyOut.model_validate({**asdict(policy), "roles": sorted(policy.roles)})


@router.get(
    "/found-policies/{store_id}",
    response_model=PolicyOut,
    responses=NOT_MODIFIED,
    dependencies=[needs("inventory:read")],
)
async def show_found_policy(request: Request, store_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """Who may sell at a store what the ledger does not have; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(_policy_out(await service.get_policy(db, store_id)), if_none_match)


@router.put("/found-policies/{store_id}", response_model=PolicyOut)
async def set_found_policy(
    request: Request,
    store_id: PathId,
    body: PolicyIn,
    caller: Annotated[Caller, needs("inventory:approve")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say who may sell at a store what the ledger does not have, and how many pieces at once."""
    policy = Policy(store_id, frozenset(body.roles), body.most_pieces, version_in(if_match))

    async def verb(db: Connection) -> dict[str, Any]:
        return _policy_out(await service.set_policy(db, caller, policy)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
