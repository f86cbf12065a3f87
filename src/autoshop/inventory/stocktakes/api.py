"""Routes: open a stocktake, see how far it is, ask for another count."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, model_validator
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.shelves.model import places_of
from autoshop.inventory.stock.api import StoreFilter
from autoshop.inventory.stocktakes import service, store
from autoshop.inventory.stocktakes.counts.model import LineStatus
from autoshop.inventory.stocktakes.model import (
    MOST_PRODUCTS,
    MOST_SHELVES,
    CountedBlind,
    Kind,
    Line,
    Progress,
    Scope,
    Status,
    Stocktake,
    Uncounted,
)
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.fields import Id, PathId, YesNo
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory/stocktakes", tags=["stocktakes"])

Note = Annotated[str | None, Field(max_length=500, pattern=NO_NUL)]
Shelf = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Shelves = Annotated[list[Shelf], Field(min_length=1, max_length=MOST_SHELVES)]
Products = Annotated[list[Id], Field(min_length=1, max_length=MOST_PRODUCTS)]


class ScopeIn(BaseModel, extra="forbid"):
    """`store`: all it has; `category`: with those below it; `products`: the ones named; `flagged`: see /recounts.

    `shelves`: what has one of its places under one of them; A-03 is A-03 itself, and A-03-2.
    """

    kind: Kind
    category_id: Id | None = None
    product_ids: Products | None = None
    shelves: Shelves | None = None

    @model_validator(mode="after")
    def _names_what_it_needs(self) -> "ScopeIn":
        needs = {"category": self.category_id, "products": self.product_ids, "shelves": self.shelves}
        if any((field is not None) != (self.kind == kind) for kind, field in needs.items()):
            raise ValueError(
                "a category names its category_id, products their product_ids, shelves the shelves, the others nothing"
            )
        return self


class StocktakeIn(BaseModel, extra="forbid"):
    """`blind`: whoever counts does not see what the ledger expects. A difference of more than `second_count_above`
    pieces is counted twice, and so is one that is worth more than `second_count_above_kopecks` at average cost, or of
    which no cost is known; that limit is set and seen only with `cost:read`."""

    store_id: Id
    scope: ScopeIn
    blind: YesNo = True
    second_count_above: Annotated[int | None, Field(ge=0, le=1_000_000, strict=True)] = None
    second_count_above_kopecks: Annotated[int | None, Field(ge=0, le=10**12, strict=True)] = None
    note: Note = None


class AskedAgain(BaseModel, extra="forbid"):
    product_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]


class ScopeOut(BaseModel):
    kind: Kind
    category_id: int | None = None
    shelves: list[str] | None = None


class StocktakeOut(BaseModel):
    """A stocktake; `surplus` and `shortage` are the pieces that its approval put right."""

    id: int
    store_id: int
    status: Status
    scope: ScopeOut
    blind: bool
    second_count_above: int | None
    second_count_above_kopecks: int | None
    note: str | None
    opened_by: str
    opened_at: datetime
    uncounted: Uncounted | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    surplus: int | None
    shortage: int | None
    version: int


class ProgressOut(BaseModel):
    """Lines by status, and how many lines each person has counted something of."""

    lines: int
    by_status: dict[LineStatus, int]
    by_person: dict[str, int]


class StocktakeShown(StocktakeOut):
    progress: ProgressOut


class StocktakesPage(BaseModel):
    items: list[StocktakeOut]
    next_page: str | None


class LineOut(BaseModel):
    """A product in the list. `ledger` is what the ledger said at the moment of the count that decides, `difference`
    what was found beyond it; both, and `expected` (at the opening), are null for whoever counts blind."""

    product_id: int
    status: LineStatus
    round: int | None
    asked_round: int
    counted: int | None
    counted_at: datetime | None
    counted_by: str | None
    expected: int | None
    ledger: int | None
    difference: int | None


class LinesPage(BaseModel):
    items: list[LineOut]
    next_page: str | None


def out(stocktake: Stocktake, caller: Caller) -> StocktakeOut:
    """A stocktake as the API tells it to this caller."""
    told = {name: value for name, value in asdict(stocktake).items() if name != "movement_mark"}
    return StocktakeOut(**told if caller.may("cost:read") else {**told, "second_count_above_kopecks": None})


def is_blind(caller: Caller, stocktake: Stocktake) -> bool:
    """Whether this caller may not see what the ledger expects: while others count, only who approves does."""
    return stocktake.blind and stocktake.status == "counting" and not caller.may("inventory:approve")


def line_out(line: Line, *, blind: bool) -> LineOut:
    """A line as this caller may see it."""
    hidden = {"expected": None, "ledger": None, "difference": None} if blind else {}
    return LineOut(**{**asdict(line), **hidden})


def _shown(stocktake: Stocktake, caller: Caller, progress: Progress) -> StocktakeShown:
    return StocktakeShown(**out(stocktake, caller).model_dump(), progress=shaped(ProgressOut, progress))


@router.get("")
async def list_stocktakes(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    store_id: StoreFilter = None,
    status: Annotated[Status | None, Query()] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> StocktakesPage:
    """Stocktakes, newest first."""
    cursor = decode_cursor(page, "stocktakes", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, store_id, status and [status], cursor[0] if cursor else None, limit + 1)
    stocktakes, next_page = page_of(found, limit, "stocktakes", lambda one: (one.id,))
    return StocktakesPage(items=[out(one, caller) for one in stocktakes], next_page=next_page)


@router.post("", status_code=201, response_model=StocktakeOut)
async def open_stocktake(
    request: Request,
    body: StocktakeIn,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Freeze the list of products that are counted at a store; sales go on. Nothing is in two open stocktakes."""
    scope = Scope(body.scope.kind, body.scope.category_id, tuple(body.scope.product_ids or ()), _shelves(body))

    async def verb(db: Connection) -> dict[str, Any]:
        opened = await service.open_stocktake(
            db, caller, body.store_id, scope, body.blind, body.second_count_above, body.note,
            above_kopecks=body.second_count_above_kopecks,
        )  # fmt: skip
        return out(opened, caller).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


def _shelves(body: StocktakeIn) -> tuple[str, ...]:
    """As they are kept; whoever wrote one that cannot be hears of the field."""
    try:
        return places_of(body.scope.shelves or ())
    except Invalid as refusal:
        reason = refusal.facts["errors"][0]["reason"]
        raise Invalid(f"A shelf {reason}", errors=[wrong("scope.shelves", reason)]) from None


@router.get(
    "/{stocktake_id}",
    response_model=StocktakeShown,
    responses=NOT_MODIFIED,
)
async def show_stocktake(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One stocktake and how far it is; its ETag goes into If-Match of the approval."""
    async with request.app.state.pool.acquire() as db:
        stocktake = await service.get_stocktake(db, stocktake_id)
        return shown(_shown(stocktake, caller, await store.progress(db, stocktake_id)), if_none_match)


@router.get("/{stocktake_id}/lines")
async def list_stocktake_lines(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    status: Annotated[LineStatus | None, Query()] = None,
    order: Annotated[Literal["product", "difference"], Query(description="difference: the largest first")] = "product",
    page: Cursor = None,
    limit: Limit = 100,
) -> LinesPage:
    """The list and what was counted. A blind count shows no differences to those who count."""
    by_difference = order == "difference"
    kind = "stocktake differences" if by_difference else "stocktake lines"
    cursor = decode_cursor(page, kind, *([int, int] if by_difference else [int]))
    filters = {
        "stocktake_id": stocktake_id,
        "status": status,
        "after_difference": list(cursor) if cursor and by_difference else None,
        "after_id": cursor[0] if cursor and not by_difference else None,
    }
    async with request.app.state.pool.acquire() as db:
        stocktake = await service.get_stocktake(db, stocktake_id)
        blind = is_blind(caller, stocktake)
        if blind and by_difference:
            raise CountedBlind(stocktake_id=stocktake_id)
        found = await store.lines(db, filters, limit + 1, by_difference=by_difference)
    lines, next_page = page_of(
        found, limit, kind, lambda line: (line.rank, line.product_id) if by_difference else (line.product_id,)
    )
    return LinesPage(items=[line_out(line, blind=blind) for line in lines], next_page=next_page)


@router.post("/{stocktake_id}/second-counts", response_model=StocktakeOut)
async def ask_again(
    request: Request,
    stocktake_id: PathId,
    body: AskedAgain,
    caller: Annotated[Caller, needs("inventory:approve")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Want lines counted once more, a second or third time; the later count wins."""

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.ask_again(db, caller, stocktake_id, body.product_ids), caller).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
