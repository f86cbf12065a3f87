"""Routes: does a product fit a car, what does it fit, and what buyers say of it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.imports.api import (
    THE_FILE,
    Delimiter,
    DryRun,
    Encoding,
    FileName,
    Ignore,
    RunOut,
    Sheet,
    SkipBad,
    take_in,
)
from autoshop.catalog.imports.model import Options
from autoshop.kit.answers import IdempotencyKey, shaped, write_once
from autoshop.kit.db import Connection
from autoshop.kit.facts import Confidence
from autoshop.kit.fields import PathId, Spoken, YesNo
from autoshop.kit.language import Language
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NOT_BLANK
from autoshop.selection.crosses.analogs import named
from autoshop.selection.crosses.model import Article
from autoshop.selection.fitment import service, store, texts
from autoshop.selection.fitment.model import Answer, Kind, Origin

router = APIRouter(prefix="/api/v1", tags=["selection"])

Vehicle = Annotated[str, Query(min_length=1, max_length=200, pattern=NOT_BLANK, description="lada/vesta/i")]
Engine = Annotated[str | None, Query(min_length=1, max_length=60, pattern=NOT_BLANK, description="a code: 21129")]
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=NOT_BLANK)]


class LinkOut(BaseModel):
    """A step of the proof: what it says, how sure it is, and its sources."""

    kind: Kind
    text: str
    confidence: Confidence
    source: list[str]


class VerdictOut(BaseModel):
    """Whether it fits, and the chain that proves it; of `check` the chain says what is missing."""

    product_id: int
    vehicle: str
    engine: str | None
    year: int | None
    answer: Answer
    text: str
    confidence: Confidence
    position: str
    quantity: float | None
    chain: list[LinkOut]


class FitsOut(BaseModel):
    """A car that it fits; with `qualifiers`, on that condition.

    `through`: the article that is told to, where it is another; `links` lead there.
    """

    vehicle: str
    engine: str | None
    category: str
    position: str
    quantity: float | None
    years_from: int | None
    years_to: int | None
    confidence: Confidence
    basis: Literal["read", "knowledge"]
    source: list[str]
    qualifiers: str
    through: str | None
    links: int


class FitsPage(BaseModel):
    items: list[FitsOut]
    next_page: str | None


class FeedbackIn(BaseModel, extra="forbid"):
    """What a buyer or a colleague says: it fitted, or «не подошло». `reference`: the order line or return."""

    vehicle: Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_BLANK)]
    engine: Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)] | None = None
    fitted: YesNo
    origin: Origin = "staff"
    reference: Annotated[str, Field(min_length=1, max_length=100, pattern=NOT_BLANK)] | None = None
    note: Text | None = None


class FeedbackOut(BaseModel):
    """What was said, by whom, and where it comes from. `vehicle` null: nobody knows for which car it was bought."""

    id: int
    product_id: int
    vehicle: str | None
    engine: str | None
    fitted: bool
    origin: Origin
    reference: str | None
    note: str | None
    actor: str
    created_at: datetime


class FeedbackPage(BaseModel):
    items: list[FeedbackOut]
    next_page: str | None


@router.get("/products/{product_id}/fitment")
async def what_it_fits(
    request: Request,
    caller: Annotated[Caller, needs("catalog:read")],
    product_id: PathId,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> FitsPage:
    """The cars that it fits, or that something fits for which it may stand; each with how it is known."""
    after = decode_cursor(cursor, "fitment", str, int) or ("", 0)
    async with request.app.state.pool.acquire() as db:
        found = await service.fits_of(db, caller, product_id, after, limit + 1, request.app.state.memory)
        names = await named(db, {way.to_id for _, _, way in found if way.steps})
    page, next_page = page_of(found, limit, "fitment", lambda one: (one[1].vehicle, one[0]))
    return FitsPage(
        items=[
            FitsOut(
                **{name: getattr(one, name) for name in _AS_TOLD},
                source=one.source.split(" | "),
                through=_name(names, way.to_id) if way.steps else None,
                links=len(way.steps),
            )
            for _, one, way in page
        ],
        next_page=next_page,
    )


_AS_TOLD = (
    *("vehicle", "engine", "category", "position", "quantity"),
    *("years_from", "years_to", "qualifiers", "confidence", "basis"),
)


@router.get("/products/{product_id}/fitment/verdict")
async def does_it_fit(
    request: Request,
    language: Spoken,
    caller: Annotated[Caller, needs("catalog:read")],
    product_id: PathId,
    vehicle: Vehicle,
    engine: Engine = None,
    year: Annotated[int | None, Query(ge=1900, le=2100)] = None,
) -> VerdictOut:
    """Fits, does not fit, or has to be checked: with the chain that proves it."""
    async with request.app.state.pool.acquire() as db:
        judged = await service.verdict(db, caller, product_id, vehicle, engine, year, request.app.state.memory)
    return _verdict(judged, language)


def _verdict(judged: service.Judged, language: Language) -> VerdictOut:
    given = judged.verdict
    return VerdictOut(
        product_id=judged.product.id,
        vehicle=judged.vehicle.id,
        engine=judged.engine,
        year=judged.year,
        answer=given.answer,
        text=texts.answer(given.answer, language),
        confidence=given.confidence,
        position=given.position,
        quantity=given.quantity,
        chain=[
            LinkOut(
                kind=one.kind,
                text=texts.link(one, judged.articles, language),
                confidence=one.confidence,
                source=list(one.source),
            )
            for one in given.chain
        ],
    )


def _name(names: dict[int, Article], number: int) -> str:
    return f"{names[number].brand} {names[number].article}"


@router.post("/products/{product_id}/fitment/feedback", response_model=FeedbackOut)
async def say_whether_it_fitted(
    request: Request,
    caller: Annotated[Caller, needs("inventory:write")],
    product_id: PathId,
    body: FeedbackIn,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """It fitted this car, or it did not: answers about it become less sure, and staff see it."""

    async def verb(db: Connection) -> dict[str, Any]:
        kept = await service.give_feedback(
            db,
            caller,
            product_id,
            body.vehicle,
            body.engine,
            fitted=body.fitted,
            origin=body.origin,
            reference=body.reference,
            note=body.note,
        )
        return shaped(FeedbackOut, kept).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post("/imports/fitments", status_code=202, response_model=RunOut, openapi_extra=THE_FILE)
async def start_import_of_fitments(
    request: Request,
    caller: Annotated[Caller, needs("catalog:write")],
    name: FileName = "fitments",
    source: Annotated[
        str | None,
        Query(min_length=1, max_length=200, pattern=NOT_BLANK, description="who says so, of rows that do not say"),
    ] = None,
    confidence: Annotated[Confidence, Query(description="of rows that do not say")] = "medium",
    skip_bad: SkipBad = False,
    dry_run: DryRun = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    ignore: Ignore = [],  # noqa: B006
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Import what fits which car from CSV, XLSX or XLS: all rows or, with every reason, none.

    The body is the file. What its sources said before is replaced by what it says; what facts and other sources say
    stays. What comes of it is told by `Location`, as of other imports.
    """
    defaults = {"confidence": str(confidence)} | ({"source": source.strip()} if source else {})
    options = Options(
        skip_bad=skip_bad, dry_run=dry_run, encoding=encoding, delimiter=delimiter, sheet=sheet, ignore=tuple(ignore),
        defaults=defaults,
    )  # fmt: skip
    return await take_in(request, caller, name, options, "fitments")


@router.get("/fitment/feedback")
async def list_feedback(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    product_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    fitted: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> FeedbackPage:
    """What buyers and colleagues said, the newest first; `fitted=false`: where something has to be looked at."""
    before = decode_cursor(cursor, "feedback", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_feedback(db, before[0] if before else None, product_id, fitted, limit + 1)
    page, next_page = page_of(found, limit, "feedback", lambda one: (one.id,))
    return FeedbackPage(items=[shaped(FeedbackOut, one) for one in page], next_page=next_page)
