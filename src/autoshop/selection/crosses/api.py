"""Routes: what may stand for a product, links by hand, and the pairs of plugs that a person has to look at."""

from datetime import UTC, datetime
from typing import Annotated, Any

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
    take_in,
)
from autoshop.catalog.imports.model import Options
from autoshop.kit.answers import IdempotencyKey, write_once
from autoshop.kit.db import Connection
from autoshop.kit.facts import Confidence
from autoshop.kit.fields import PathId, Spoken
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NOT_BLANK
from autoshop.selection.crosses import analogs, service, store
from autoshop.selection.crosses.answers import (
    AnalogsOut,
    ConflictOut,
    ConflictsPage,
    LinkedOut,
    conflict_out,
    linked_out,
    out,
)
from autoshop.selection.crosses.model import Kind, State
from autoshop.selection.plugs.api import StoreId

router = APIRouter(prefix="/api/v1", tags=["selection"])
CONFLICTS = "/crosses/conflicts"
IMPORTS = "/imports"

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_BLANK, description="a name of the brand")]
Article = Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)]


class CrossIn(BaseModel, extra="forbid"):
    """Two articles. Of `oe`, the car maker's number comes first; of `supersession`, the older one."""

    brand: Name
    article: Article
    other_brand: Name
    other_article: Article
    kind: Kind = "analog"
    confidence: Confidence = "medium"


Why = Annotated[str, Field(min_length=1, max_length=500, pattern=NOT_BLANK)]


class Acceptance(BaseModel, extra="forbid"):
    reason: Annotated[Why, Field(description="why the two may stand for each other although the checker says no")]


class Dismissal(BaseModel, extra="forbid"):
    reason: Why | None = None


@router.get("/products/{product_id}/analogs")
async def product_analogs(
    request: Request,
    lang: Spoken,
    product_id: PathId,
    caller: Annotated[Caller, needs("catalog:read")],
    store_id: StoreId = None,
) -> AnalogsOut:
    """What may stand for a product: by fit, then by time to the buyer, then by price; and how each is linked."""
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as db:
        found = await analogs.analogs_of(db, caller, product_id, store_id, now, request.app.state.memory)
    return out(found, caller, now, lang)


@router.post("/crosses", response_model=LinkedOut)
async def add_cross(
    request: Request,
    body: CrossIn,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Link two articles by hand. Spark plugs go through the checker: a pair that it refuses is kept aside."""

    async def verb(db: Connection) -> dict[str, Any]:
        one, other = (body.brand, body.article), (body.other_brand, body.other_article)
        linked = await service.link(db, caller, one, other, body.kind, body.confidence)
        return linked_out(linked, "ru").model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post(f"{IMPORTS}/crosses", status_code=202, response_model=RunOut, openapi_extra=THE_FILE)
async def start_import_of_crosses(
    request: Request,
    caller: Annotated[Caller, needs("catalog:write")],
    name: FileName = "crosses",
    kind: Annotated[Kind, Query(description="of rows that do not say")] = "analog",
    confidence: Annotated[Confidence, Query(description="of rows that do not say")] = "medium",
    dry_run: DryRun = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    ignore: Ignore = [],  # noqa: B006
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Import pairs of articles from CSV, XLSX or XLS: good rows are loaded, each other one is told with its reason.

    The body is the file. Spark plugs go through the checker: pairs that it refuses are kept aside. What comes of it is
    told by `Location`, as of other imports.
    """
    defaults: dict[str, str] = {"kind": kind, "confidence": confidence}
    options = Options(
        dry_run=dry_run, encoding=encoding, delimiter=delimiter, sheet=sheet, ignore=tuple(ignore), defaults=defaults
    )  # fmt: skip
    return await take_in(request, caller, name, options, "crosses")


@router.get(CONFLICTS, dependencies=[needs("catalog:read")])
async def list_conflicts(
    request: Request,
    lang: Spoken,
    state: Annotated[State | None, Query(description="open: nobody has looked at it yet")] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> ConflictsPage:
    """Pairs of spark plugs that the checker refused, in the order in which they came."""
    cursor = decode_cursor(page, "conflicts", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_conflicts(db, cursor[0] if cursor else 0, state, limit + 1)
    conflicts, next_page = page_of(found, limit, "conflicts", lambda last: (last.id,))
    return ConflictsPage(items=[conflict_out(conflict, lang) for conflict in conflicts], next_page=next_page)


@router.get(CONFLICTS + "/{conflict_id}", dependencies=[needs("catalog:read")])
async def show_conflict(
    request: Request,
    lang: Spoken,
    conflict_id: PathId,
) -> ConflictOut:
    """One pair, and what was decided."""
    async with request.app.state.pool.acquire() as db:
        return conflict_out(await service.get_conflict(db, conflict_id), lang)


@router.post(CONFLICTS + "/{conflict_id}/acceptance", response_model=ConflictOut)
async def accept_conflict(
    request: Request,
    conflict_id: PathId,
    body: Acceptance,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say that two plugs may stand for each other although the checker refuses them; it becomes a cross, marked so."""
    return await _decide(request, caller, conflict_id, "accepted", body.reason)


@router.post(CONFLICTS + "/{conflict_id}/dismissal", response_model=ConflictOut)
async def dismiss_conflict(
    request: Request,
    conflict_id: PathId,
    body: Dismissal,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say that the checker is right: the pair is not asked about again."""
    return await _decide(request, caller, conflict_id, "dismissed", body.reason)


async def _decide(request: Request, caller: Caller, conflict_id: int, state: State, reason: str | None) -> Response:
    async def verb(db: Connection) -> dict[str, Any]:
        return conflict_out(await service.decide(db, caller, conflict_id, state, reason), "ru").model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
