"""Routes: take back from customers what was sold, send back to suppliers, and see what may still come back."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, model_validator
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.movements.api import Marks
from autoshop.inventory.returns import service, store
from autoshop.inventory.returns.model import Condition, Kind, Return, SaleOf, Status, Wanted, one_of
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import DayOrMoment, Id, Name, PathId
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/inventory", tags=["returns"])

May = Annotated[Caller, needs("inventory:write")]
Document = Annotated[str | None, Field(max_length=200, pattern=NO_NUL)]
Text = Annotated[str | None, Field(max_length=500, pattern=NO_NUL)]
DocumentFilter = Annotated[str | None, Query(max_length=200, pattern=NO_NUL)]
DateFrom = Annotated[DayOrMoment | None, Query(description="from this moment on, or this day (UTC unless it says)")]
DateTo = Annotated[DayOrMoment | None, Query(description="before this moment")]


class SaleIn(BaseModel, extra="forbid"):
    """How the pieces were sold: the movement, or the document it was posted under. One of the two."""

    movement_id: Id | None = None
    related_document: Annotated[str | None, Field(min_length=1, max_length=200, pattern=NO_NUL)] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "SaleIn":
        if (self.movement_id is None) == (self.related_document is None):
            raise ValueError("give movement_id or related_document, one of them")
        return self


class PiecesOut(BaseModel, extra="forbid"):
    """Pieces of a product that go back to a supplier."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    reason: Text = None


class PiecesBack(PiecesOut):
    """Pieces that a customer brought back. What cannot be sold again is written off at once.

    `marks`: of marked goods, the whole marking code of each piece; they say which sale it is of.
    """

    condition: Condition
    marks: Marks = None


class ReturnIn(BaseModel, extra="forbid"):
    """What came back, to whichever store. Without `sale` it needs the marks of all lines, or `inventory:approve`."""

    store_id: Id
    sale: SaleIn | None = None
    lines: Annotated[list[PiecesBack], Field(min_length=1, max_length=500)]
    related_document: Document = None
    note: Text = None


class SupplierReturnIn(BaseModel, extra="forbid"):
    store_id: Id
    supplier: Name
    lines: Annotated[list[PiecesOut], Field(min_length=1, max_length=1000)]
    related_document: Document = None
    reason: Text = None


class Reversal(BaseModel, extra="forbid"):
    reason: Text = None


class ReturnLineOut(BaseModel):
    """`sale_id` is the movement that had sold them, `movement_id` the one that brought them back."""

    product_id: int
    quantity: int
    condition: Condition
    reason: str | None
    sale_id: int | None
    movement_id: int
    writeoff_id: int | None


class ReturnOut(BaseModel):
    """Pieces that came back from a customer. `unlinked`: the sale is not known, somebody approved it."""

    id: int
    store_id: int
    status: Status
    unlinked: bool
    related_document: str | None
    note: str | None
    actor: str
    created_at: datetime
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None
    version: int
    lines: list[ReturnLineOut]


class ReturnsPage(BaseModel):
    items: list[ReturnOut]
    next_page: str | None


class SupplierReturnLineOut(BaseModel):
    product_id: int
    quantity: int
    reason: str | None
    movement_id: int


class SupplierReturnOut(BaseModel):
    """Pieces that went back to a supplier."""

    id: int
    store_id: int
    supplier: str
    status: Status
    related_document: str | None
    reason: str | None
    actor: str
    created_at: datetime
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None
    version: int
    lines: list[SupplierReturnLineOut]


class SupplierReturnsPage(BaseModel):
    items: list[SupplierReturnOut]
    next_page: str | None


class ReturnableOut(BaseModel):
    """A sale; of it, `returnable` pieces may still come back."""

    movement_id: int
    product_id: int
    store_id: int
    sold: int
    returned: int
    reversed: bool
    returnable: int
    related_document: str | None
    created_at: datetime


class ReturnablePage(BaseModel):
    items: list[ReturnableOut]
    next_page: str | None


def out(found: Return) -> ReturnOut:
    """A customer's return as the API tells it."""
    return shaped(ReturnOut, found)


def supplier_out(found: Return) -> SupplierReturnOut:
    """A supplier's return as the API tells it."""
    told = {name: getattr(found, name) for name in SupplierReturnOut.model_fields.keys() - {"reason"}}
    return SupplierReturnOut.model_validate({**told, "reason": found.note}, from_attributes=True)


def _wanted(lines: list[PiecesBack] | list[PiecesOut]) -> list[Wanted]:
    return [Wanted(**line.model_dump()) for line in lines]


async def _page(
    request: Request, kind: Kind, page: str | None, limit: int, filters: dict[str, Any]
) -> tuple[list[Return], str | None]:
    cursor = decode_cursor(page, f"{kind} returns", int)
    asked = {"kind": kind, "before_id": cursor[0] if cursor else None, **filters}
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, asked, limit + 1)
    return page_of(found, limit, f"{kind} returns", lambda one: (one.id,))


@router.get("/returns", dependencies=[needs("inventory:read")])
async def list_returns(
    request: Request,
    store_id: StoreFilter = None,
    product_id: ProductFilter = None,
    status: Annotated[Status | None, Query()] = None,
    unlinked: Annotated[bool | None, Query(description="those without a known sale, or those with one")] = None,
    related_document: DocumentFilter = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> ReturnsPage:
    """What customers brought back, newest first."""
    filters = {
        "store_id": store_id, "product_id": product_id, "status": status, "unlinked": unlinked,
        "related_document": related_document, "date_from": date_from, "date_to": date_to,
    }  # fmt: skip
    found, next_page = await _page(request, "customer", page, limit, filters)
    return ReturnsPage(items=[out(one) for one in found], next_page=next_page)


@router.post("/returns", status_code=201, response_model=ReturnOut)
async def take_back(request: Request, body: ReturnIn, caller: May, idempotency_key: IdempotencyKey = None) -> Response:
    """Take back what was sold: all lines, or none and every reason. Never more than was sold and has not come back."""
    sale = None if body.sale is None else SaleOf(**body.sale.model_dump())

    async def verb(db: Connection) -> dict[str, Any]:
        taken = await service.take_back(
            db, caller, body.store_id, _wanted(body.lines), sale, body.related_document, body.note
        )
        return out(taken).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get(
    "/returns/{return_id}", response_model=ReturnOut, responses=NOT_MODIFIED, dependencies=[needs("inventory:read")]
)
async def show_return(request: Request, return_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One return of a customer."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_return(db, "customer", return_id)), if_none_match)


@router.post("/returns/{return_id}/reversal", response_model=ReturnOut)
async def reverse_return(
    request: Request,
    return_id: PathId,
    caller: May,
    body: Reversal | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Undo a whole return, once: its pieces leave the shelf again, and may be brought back anew."""

    async def verb(db: Connection) -> dict[str, Any]:
        reason = body.reason if body else None
        undone = await service.reverse(db, caller, "customer", return_id, reason, datetime.now(UTC))
        return out(undone).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.get("/sales/returnable", dependencies=[needs("inventory:read")])
async def returnable(
    request: Request,
    movement_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    related_document: DocumentFilter = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> ReturnablePage:
    """What was sold by a movement or under a document, and how much of it may still come back."""
    sale = one_of(movement_id, related_document)
    cursor = decode_cursor(page, "returnable", int)
    async with request.app.state.pool.acquire() as db:
        found = await service.returnable(db, sale, cursor[0] if cursor else 0, limit + 1)
    sales, next_page = page_of(found, limit, "returnable", lambda one: (one.id,))
    items = [ReturnableOut(**asdict(one), movement_id=one.id, returnable=one.returnable) for one in sales]
    return ReturnablePage(items=items, next_page=next_page)


@router.get("/supplier-returns", dependencies=[needs("inventory:read")])
async def list_supplier_returns(
    request: Request,
    store_id: StoreFilter = None,
    product_id: ProductFilter = None,
    status: Annotated[Status | None, Query()] = None,
    supplier: DocumentFilter = None,
    related_document: DocumentFilter = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> SupplierReturnsPage:
    """What went back to suppliers, newest first."""
    filters = {
        "store_id": store_id, "product_id": product_id, "status": status, "supplier": supplier,
        "related_document": related_document, "date_from": date_from, "date_to": date_to,
    }  # fmt: skip
    found, next_page = await _page(request, "supplier", page, limit, filters)
    return SupplierReturnsPage(items=[supplier_out(one) for one in found], next_page=next_page)


@router.post("/supplier-returns", status_code=201, response_model=SupplierReturnOut)
async def send_back(
    request: Request, body: SupplierReturnIn, caller: May, idempotency_key: IdempotencyKey = None
) -> Response:
    """Send pieces back to a supplier: all lines, or none and every reason."""

    async def verb(db: Connection) -> dict[str, Any]:
        sent = await service.send_back(
            db, caller, body.store_id, body.supplier, _wanted(body.lines), body.related_document, body.reason
        )
        return supplier_out(sent).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get(
    "/supplier-returns/{return_id}",
    response_model=SupplierReturnOut,
    responses=NOT_MODIFIED,
    dependencies=[needs("inventory:read")],
)
async def show_supplier_return(request: Request, return_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One return to a supplier."""
    async with request.app.state.pool.acquire() as db:
        return shown(supplier_out(await service.get_return(db, "supplier", return_id)), if_none_match)


@router.post("/supplier-returns/{return_id}/reversal", response_model=SupplierReturnOut)
async def reverse_supplier_return(
    request: Request,
    return_id: PathId,
    caller: May,
    body: Reversal | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Undo a whole return to a supplier, once: its pieces are on the shelf again."""

    async def verb(db: Connection) -> dict[str, Any]:
        reason = body.reason if body else None
        undone = await service.reverse(db, caller, "supplier", return_id, reason, datetime.now(UTC))
        return supplier_out(undone).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
