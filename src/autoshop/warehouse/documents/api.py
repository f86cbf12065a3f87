"""Routes: send a document as JSON, see how far it is, read what is wrong with it, undo it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.imports.api import AcceptLanguage
from autoshop.inventory.shelves.model import MOST_PLACES
from autoshop.inventory.stock.api import StoreFilter
from autoshop.kit.answers import IdempotencyKey, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import Id, Moment, PathId
from autoshop.kit.language import Language, language_of
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL, NOT_BLANK
from autoshop.warehouse.documents import service, store
from autoshop.warehouse.documents.columns import ONLY_OF
from autoshop.warehouse.documents.model import MOST_LINES, Asked, Document, Kind, Line, LinesKind, Problem, State
from autoshop.warehouse.documents.report import csv_line, headings
from autoshop.warehouse.documents.texts import reason

router = APIRouter(prefix="/api/v1/documents", tags=["documents"])

Related = Annotated[str | None, Field(max_length=200, pattern=NO_NUL)]


Place = Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_BLANK)]


class LineIn(BaseModel, extra="forbid"):
    """A product, by one or several of its names (they must lead to the same), and its pieces.

    Of places it has `places` instead, the main one first; of requests also `from_store`, the code or id of the store
    that is asked.
    """

    product_id: Id | None = None
    sku: Annotated[str | None, Field(min_length=1, max_length=60, pattern=NOT_BLANK)] = None
    barcode: Annotated[str | None, Field(min_length=1, max_length=64, pattern=NOT_BLANK)] = None
    article: Annotated[str | None, Field(min_length=1, max_length=60, pattern=NOT_BLANK)] = None
    brand: Annotated[str | None, Field(min_length=1, max_length=100, pattern=NOT_BLANK)] = None
    quantity: Annotated[int | None, Field(ge=-1_000_000, le=1_000_000, strict=True)] = None
    places: Annotated[list[Place] | None, Field(min_length=1, max_length=MOST_PLACES)] = None
    from_store: Annotated[str | None, Field(min_length=1, max_length=60, pattern=NOT_BLANK)] = None
    reason: Annotated[str | None, Field(max_length=500, pattern=NO_NUL)] = None

    @model_validator(mode="after")
    def _names_a_product(self) -> "LineIn":
        if self.product_id is None and not self.sku and not self.barcode and not (self.article and self.brand):
            raise ValueError("must name a product: product_id, sku, barcode, or article and brand")
        return self


OF_LINES = ("quantity", "places", "from_store")


class DocumentIn(BaseModel, extra="forbid"):
    """`receipt` and `writeoff` take pieces, `adjustment` signed ones; `set` says how many there are.

    A `set` was counted at `counted_at` (without it: now): what was sold since stays sold. `places` says where products
    lie: the lines of a product together are all its places. `requests` asks other stores for pieces: one transfer each.
    """

    kind: LinesKind
    store_id: Id
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MOST_LINES)]
    related_document: Related = None
    counted_at: Moment | None = None

    @field_validator("lines")
    @classmethod
    def _quantities_fit_the_kind(cls, lines: list[LineIn], info: ValidationInfo) -> list[LineIn]:
        kind = info.data.get("kind")
        for number, line in enumerate(lines):
            for field, kinds in ONLY_OF.items():
                if field in OF_LINES and (getattr(line, field) is not None) != (kind in kinds):
                    named = ", ".join(sorted(kinds))
                    raise ValueError(f"{number}.{field}: must be there for {named}, and not otherwise")
            if line.quantity is None:
                continue
            if kind == "adjustment" and line.quantity == 0:
                raise ValueError(f"{number}.quantity: 0 changes nothing")
            if kind in ("receipt", "writeoff", "requests") and line.quantity < 1:
                raise ValueError(f"{number}.quantity: must be at least 1; only an adjustment may be negative")
            if kind == "set" and line.quantity < 0:
                raise ValueError(f"{number}.quantity: there cannot be less than nothing")
        return lines

    @field_validator("counted_at")
    @classmethod
    def _only_a_count_was_counted(cls, at: datetime | None, info: ValidationInfo) -> datetime | None:
        if at is not None and info.data.get("kind") not in ("set", None):
            raise ValueError("only of a document of the kind set")
        return at


class Totals(BaseModel):
    """What a document came to, once it has ended."""

    lines: int
    products: int
    pieces_in: int
    pieces_out: int
    movements: int
    transfers: int = 0
    problems: int


class DocumentOut(BaseModel):
    """A document. It has ended once there is a `finished_at`; `ignored` are headings that were passed over.

    Without `undoable` it cannot be undone once it is done.
    """

    id: int
    kind: Kind
    store_id: int
    related_document: str | None
    file_name: str | None
    ignored: list[str]
    counted_at: datetime | None
    actor: str
    state: State
    undoable: bool
    lines_total: int
    lines_done: int
    totals: Totals | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    undone_by: str | None
    version: int


class DocumentsPage(BaseModel):
    items: list[DocumentOut]
    next_page: str | None


class LineOut(BaseModel):
    """A line as it came (`given`), its product once that is known, and the movement or transfer that came of it."""

    number: int
    row: int
    given: dict[str, Any]
    product_id: int | None
    quantity: int | None
    movement_id: int | None
    transfer_id: int | None


class LinesPage(BaseModel):
    items: list[LineOut]
    next_page: str | None


class ProblemOut(BaseModel):
    """Something wrong with a row (null: with the document). `code` is for programs, `reason` for people."""

    number: int
    row: int | None
    column: str
    value: str
    code: str
    reason: str


class ProblemsPage(BaseModel):
    items: list[ProblemOut]
    next_page: str | None


def out(document: Document) -> DocumentOut:
    """A document as the API tells it."""
    return DocumentOut(
        id=document.id, kind=document.kind, store_id=document.store_id, related_document=document.related_document,
        file_name=document.file_name, ignored=list(document.ignored),
        counted_at=document.counted_at if document.kind == "set" else None, actor=document.actor,
        state=document.state, undoable=document.undoable, lines_total=document.lines_total,
        lines_done=document.lines_done,
        totals=Totals(**document.totals) if document.totals else None, created_at=document.created_at,
        updated_at=document.updated_at, finished_at=document.finished_at, undone_at=document.undone_at,
        undone_by=document.undone_by, version=document.version,
    )  # fmt: skip


@router.post("", status_code=202, response_model=DocumentOut)
async def send_document(
    request: Request,
    body: DocumentIn,
    caller: Annotated[Caller, needs("documents:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Post up to 10 000 lines of one kind at a store: all of them or, with every reason, none.

    The answer comes as soon as the document is kept; a worker does the rest, and `Location` tells how far it is.
    """
    lines = [
        Line(number, number, line.model_dump(exclude_none=True)) for number, line in enumerate(body.lines, start=1)
    ]
    asked = Asked(body.kind, body.store_id, body.related_document, counted_at=body.counted_at)

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.keep(db, caller, asked, lines, datetime.now(UTC))).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 202)


@router.get("", dependencies=[needs("inventory:read")])
async def list_documents(
    request: Request,
    store_id: StoreFilter = None,
    kind: Annotated[Kind | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    related_document: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> DocumentsPage:
    """Documents, newest first."""
    cursor = decode_cursor(page, "documents", int)
    filters = {
        "store_id": store_id,
        "kind": kind,
        "state": state,
        "related_document": related_document,
        "before_id": cursor[0] if cursor else None,
    }
    found = await store.list_page(request.app.state.pool, filters, limit + 1)
    documents, next_page = page_of(found, limit, "documents", lambda one: (one.id,))
    return DocumentsPage(items=[out(one) for one in documents], next_page=next_page)


@router.get("/{document_id}", dependencies=[needs("inventory:read")])
async def show_document(request: Request, document_id: PathId) -> DocumentOut:
    """How far a document is, how it ended, and what it came to."""
    return out(await service.get_document(request.app.state.pool, document_id))


@router.get("/{document_id}/lines", dependencies=[needs("inventory:read")])
async def list_lines(request: Request, document_id: PathId, page: Cursor = None, limit: Limit = 100) -> LinesPage:
    """The lines of a document, in their order."""
    cursor = decode_cursor(page, "document_lines", int)
    pool = request.app.state.pool
    await service.get_document(pool, document_id)
    found = await store.lines_page(pool, document_id, cursor[0] if cursor else 0, limit + 1)
    lines, next_page = page_of(found, limit, "document_lines", lambda one: (one.number,))
    items = [
        LineOut(
            number=one.number, row=one.row, given=one.given, product_id=one.product_id, quantity=one.quantity,
            movement_id=one.movement_id, transfer_id=one.transfer_id,
        )
        for one in lines
    ]  # fmt: skip
    return LinesPage(items=items, next_page=next_page)


@router.get("/{document_id}/problems", dependencies=[needs("inventory:read")])
async def list_problems(
    request: Request,
    document_id: PathId,
    page: Cursor = None,
    limit: Limit = 100,
    accept_language: AcceptLanguage = None,
) -> ProblemsPage:
    """What is wrong with which row, in the order of the rows; all of it once the document was refused."""
    cursor = decode_cursor(page, "document_problems", int)
    pool = request.app.state.pool
    await service.get_document(pool, document_id)
    found = await store.problems(pool, document_id, cursor[0] if cursor else 0, limit + 1)
    language = language_of(accept_language)
    listed, next_page = page_of(found, limit, "document_problems", lambda numbered: (numbered[0],))
    return ProblemsPage(items=[problem_out(number, one, language) for number, one in listed], next_page=next_page)


def problem_out(number: int, problem: Problem, language: Language) -> ProblemOut:
    """A problem as the API tells it."""
    return ProblemOut(
        number=number, row=problem.row, column=problem.column_name, value=problem.value, code=problem.code,
        reason=reason(problem.code, problem.detail, language),
    )  # fmt: skip


CSV = "text/csv; charset=utf-8"


@router.get(
    "/{document_id}/problems.csv",
    dependencies=[needs("inventory:read")],
    response_class=Response,
    responses={200: {"description": "All problems", "content": {CSV: {"schema": {"type": "string"}}}}},
)
async def download_problems(request: Request, document_id: PathId, accept_language: AcceptLanguage = None) -> Response:
    """All that is wrong with a document, as a CSV for Excel."""
    pool = request.app.state.pool
    await service.get_document(pool, document_id)
    language = language_of(accept_language)

    async def rows() -> AsyncIterator[bytes]:
        yield headings(language)
        async for one in store.all_problems(pool, document_id):
            yield csv_line(one, language)

    name = f'attachment; filename="document-{document_id}-problems.csv"'
    return StreamingResponse(rows(), media_type=CSV, headers={"Content-Disposition": name})


class Reversal(BaseModel, extra="forbid"):
    reason: Annotated[str | None, Field(max_length=500, pattern=NO_NUL)] = None


@router.post("/{document_id}/reversal", response_model=DocumentOut)
async def undo_document(
    request: Request,
    document_id: PathId,
    caller: Annotated[Caller, needs("inventory:approve")],
    body: Reversal | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Undo all that a document did by the opposite of each of its movements, once; or nothing, and every reason.

    Of requests: nothing is asked for any more, unless something has left. Levels and places are not undone.
    """

    async def verb(db: Connection) -> dict[str, Any]:
        undone = await service.undo(db, caller, document_id, body.reason if body else None)
        return out(undone).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
