"""Routes: post movements, one or many, reverse one, read the ledger.

Posting one movement is the hottest write of the shop: a plain Starlette route with msgspec, in the same app, and
declared by hand in the OpenAPI document.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response

from autoshop.accounts.access import caller_of, needs
from autoshop.accounts.model import Caller
from autoshop.inventory.movements import service, store
from autoshop.inventory.movements.group_commit import MovementQueue
from autoshop.inventory.movements.model import (
    MOST_COST_KOPECKS,
    Movement,
    MovementAnswer,
    MovementRequest,
    MovementType,
)
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.inventory.transfers import posting
from autoshop.kit import idempotency
from autoshop.kit.answers import (
    JSON,
    REFUSED,
    IdempotencyKey,
    NotJson,
    answered,
    answers_with,
    decode,
    named,
    says_json,
    write_once,
)
from autoshop.kit.db import Connection, Pool
from autoshop.kit.fields import Day, DayOrMoment, Id, PathId
from autoshop.kit.idempotency import Answer
from autoshop.kit.paging import Cursor, Limit, decode_cursor, encode_cursor
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory", tags=["inventory"])
POST_PATH = "/api/v1/inventory/movement"

_decoder = msgspec.json.Decoder(MovementRequest)
_encoder = msgspec.json.Encoder()


async def post_movement(request: StarletteRequest) -> Response:
    """POST /api/v1/inventory/movement: one movement, through group commit."""
    caller = await caller_of(request)
    caller.must("inventory:write")
    if not says_json(request.headers.get("content-type")):
        raise NotJson
    body = await request.body()
    asked = decode(_decoder, body)
    key = idempotency.key_for(caller.actor, request.headers.get(idempotency.HEADER), "POST", POST_PATH, body)
    if asked.movement_type == "transfer" or asked.marks is not None or asked.effective_on is not None:
        return answered(await _whole(request.app.state.pool, caller, asked, key))
    queue: MovementQueue = request.app.state.movements
    outcome = await queue.post(service.line_for(caller, asked, key))
    if isinstance(outcome, Answer):
        return answered(await _rebuilt(request.app.state.pool, outcome))
    return Response(_encoder.encode(outcome.answer()), media_type=JSON)


post_movement.declares = "inventory:write"  # type: ignore[attr-defined]


async def _whole(pool: Pool, caller: Caller, asked: MovementRequest, key: idempotency.Key | None) -> Answer:
    """A movement in a transaction of its own, since it takes more than the one statement.

    A transfer has its document, units have marks, and of a date one asks whether it is still open.
    """

    async def verb(db: Connection) -> dict[str, Any]:
        [movement] = await posting.post_requests(db, caller, [asked], datetime.now(UTC), marks_named="marks")
        return document(movement)

    return await idempotency.once(pool, key, verb)


async def _rebuilt(pool: Pool, answer: Answer) -> Answer:
    """A kept answer whose document is the movement itself."""
    if answer.movement_id is None:
        return answer
    async with pool.acquire() as db:
        movement = await store.find(db, answer.movement_id)
    assert movement is not None, "movements are never removed"
    return Answer(answer.status, document(movement))


def document(movement: Movement) -> dict[str, Any]:
    """A movement as its answer tells it."""
    built: dict[str, Any] = msgspec.to_builtins(movement.answer())
    return built


# What /docs offers to try.
EXAMPLE = {
    "product_id": 1, "store_id": 1, "movement_type": "sale", "quantity": 1, "related_document": "test-sale-1",
}  # fmt: skip


# The whole marking code of each piece of a line.
Marks = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=300, pattern=NO_NUL)]] | None, Field(max_length=1000)
]


class MovementIn(BaseModel, extra="forbid"):
    """One line of a batch. `quantity` is positive; only an adjustment's may be negative.

    `effective_on` is the date on the paper; `unit_cost_kopecks` what a piece of a delivery or return cost.
    """

    product_id: Id
    store_id: Id
    movement_type: MovementType
    quantity: Annotated[int, Field(ge=-1_000_000, le=1_000_000, strict=True)]
    to_store_id: Id | None = None
    related_document: Annotated[str | None, Field(max_length=200, pattern=NO_NUL)] = None
    reason: Annotated[str | None, Field(max_length=500, pattern=NO_NUL)] = None
    marks: Marks = None
    effective_on: Day | None = None
    unit_cost_kopecks: Annotated[int | None, Field(ge=0, le=MOST_COST_KOPECKS, strict=True)] = None


class Batch(BaseModel, extra="forbid", json_schema_extra={"example": {"lines": [EXAMPLE]}}):
    lines: Annotated[list[MovementIn], Field(min_length=1, max_length=service.MOST_LINES)]


POSTED = answers_with(ok={"const": True}, movements={"type": "array", "items": named("MovementAnswer")})


@router.post("/movements", response_model=None, responses=POSTED)
async def post_batch(
    request: Request,
    body: Batch,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Post up to 1 000 movements: all of them or none. What stands in the way is reported line by line."""
    asked = [MovementRequest(**line.model_dump()) for line in body.lines]

    async def verb(db: Connection) -> dict[str, Any]:
        posted = await posting.post_requests(db, caller, asked, datetime.now(UTC))
        return {"ok": True, "movements": [document(movement) for movement in posted]}

    return await write_once(request, caller.actor, verb)


class Reversal(BaseModel, extra="forbid"):
    reason: Annotated[str | None, Field(max_length=500, pattern=NO_NUL)] = None


UNDONE: dict[int | str, dict[str, Any]] = {
    200: {"description": "Done", "content": {JSON: {"schema": named("MovementAnswer")}}}
}


@router.post("/movements/{movement_id}/reversal", response_model=None, responses=UNDONE)
async def reverse(
    request: Request,
    movement_id: PathId,
    caller: Annotated[Caller, needs("inventory:write")],
    body: Reversal | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Undo a movement by its opposite, once. A shipment that is still on the way is called back."""

    async def verb(db: Connection) -> dict[str, Any]:
        return document(await posting.reverse(db, caller, movement_id, body.reason if body else None))

    return await write_once(request, caller.actor, verb)


class MovementOut(BaseModel):
    """One line of the ledger: `delta` is signed, `balance_after` the stock right after it.

    `unit_cost_kopecks` is null as well for who may not see costs.
    """

    id: int
    product_id: int
    store_id: int
    movement_type: str
    quantity: int
    delta: int
    balance_after: int
    related_document: str | None
    reason: str | None
    actor: str
    transfer_id: int | None
    reverses_id: int | None
    created_at: datetime
    effective_on: date | None
    unit_cost_kopecks: int | None


class MovementsPage(BaseModel):
    """`count` is the number of items on this page; `next_page` leads to older ones."""

    items: list[MovementOut]
    count: int
    next_page: str | None


@router.get("/movements", response_model=MovementsPage)
async def list_movements(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    product_id: ProductFilter = None,
    store_id: StoreFilter = None,
    movement_type: MovementType | None = None,
    related_document: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    actor: Annotated[
        str | None, Query(max_length=100, pattern=NO_NUL, description="staff:ivan, token:till-1, …")
    ] = None,
    date_from: Annotated[
        DayOrMoment | None, Query(description="from this moment on, or this day (UTC unless it says)")
    ] = None,
    date_to: Annotated[DayOrMoment | None, Query(description="before this moment")] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """The ledger, newest first."""
    cursor = decode_cursor(page, "movements", int)
    async with request.app.state.pool.acquire() as db:
        found, more = await service.list_movements(
            db,
            {
                "product_id": product_id,
                "store_id": store_id,
                "movement_type": movement_type,
                "related_document": related_document,
                "actor": actor,
                "date_from": date_from,
                "date_to": date_to,
                "before_id": cursor[0] if cursor else None,
            },
            limit,
            cost=caller.may("cost:read"),
        )
    page_out = {
        "items": found,
        "count": len(found),
        "next_page": encode_cursor("movements", found[-1].id) if more else None,
    }
    # Straight from the dataclasses, which have the fields of MovementOut: 100 of those cost 4 ms.
    return Response(_encoder.encode(page_out), media_type=JSON)


def openapi() -> dict[str, Any]:
    """The hand-written part of the OpenAPI document: POST /api/v1/inventory/movement."""
    (request_schema, answer_schema), components = msgspec.json.schema_components(
        [MovementRequest, MovementAnswer], ref_template="#/components/schemas/{name}"
    )
    operation = {
        "tags": ["inventory"],
        "description": "Post one movement. A sale or write-off of more than is available is refused with 409.",
        "operationId": "post_movement_api_v1_inventory_movement_post",
        "parameters": [
            {
                "name": idempotency.HEADER,
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.MOST_CHARACTERS},
                "description": "a text of your choice, new for each new request: a repeat is done once",
            }
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": request_schema, "example": EXAMPLE}}},
        "responses": {
            "200": {"description": "Posted", "content": {JSON: {"schema": answer_schema}}},
            **REFUSED,
            "404": {**REFUSED["4XX"], "description": "Unknown product or store"},
            "409": {**REFUSED["4XX"], "description": "Insufficient stock"},
            "422": {**REFUSED["4XX"], "description": "Badly shaped"},
        },
    }
    return {"paths": {POST_PATH: {"post": operation}}, "components": {"schemas": components}}
