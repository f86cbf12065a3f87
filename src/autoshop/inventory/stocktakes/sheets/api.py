"""Routes: the list as a CSV file, out and in."""

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.stocktakes.api import is_blind
from autoshop.inventory.stocktakes.counts.model import MOST_ROUNDS, Mode
from autoshop.inventory.stocktakes.service import get_stocktake
from autoshop.inventory.stocktakes.sheets import service
from autoshop.inventory.stocktakes.sheets.service import Terms
from autoshop.kit import idempotency
from autoshop.kit.answers import IdempotencyKey, answered
from autoshop.kit.db import Connection
from autoshop.kit.errors import BadRequest, wrong
from autoshop.kit.fields import DayOrMoment, PathId
from autoshop.kit.language import language_of

router = APIRouter(prefix="/api/v1/inventory/stocktakes", tags=["stocktakes"])

CSV = "text/csv"
FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
WRITTEN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {CSV: {"schema": {"type": "string"}}}}
}
AcceptLanguage = Annotated[str | None, Header(description="ru (default) or en: the language of headings and reasons")]


class NotCsv(BadRequest):
    title, status = "Send CSV", 415

    def explain(self) -> str:
        return f"Send the file itself as the body, and say what it is: Content-Type: {CSV}"


class SheetTaken(BaseModel):
    """`taken` rows became counts; `without_number` have none yet."""

    ok: bool = True
    taken: int
    without_number: int


@router.get("/{stocktake_id}/sheet", response_class=Response, responses=WRITTEN)
async def write_sheet(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    accept_language: AcceptLanguage = None,
) -> Response:
    """The list as CSV (UTF-8, semicolons) to print or fill in, as one walks along the shelves, unplaced products last.

    Without what is expected for whoever counts blind.
    """
    pool = request.app.state.pool
    async with pool.acquire() as db:
        stocktake = await get_stocktake(db, stocktake_id)
    pieces = service.write_sheet(pool, stocktake_id, language_of(accept_language), blind=is_blind(caller, stocktake))
    name = f'attachment; filename="stocktake-{stocktake_id}.csv"'
    return StreamingResponse(pieces, media_type=f"{CSV}; charset=utf-8", headers={"Content-Disposition": name})


@router.post(
    "/{stocktake_id}/sheet",
    response_model=SheetTaken,
    openapi_extra={"requestBody": {"required": True, "content": {CSV: FILE}}},
)
async def take_sheet(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:write")],
    mode: Annotated[Mode, Query(description="add: rows are shelves, and add up")] = "set",
    round: Annotated[int, Query(ge=1, le=MOST_ROUNDS, description="2: the second count")] = 1,
    counted_at: Annotated[DayOrMoment | None, Query(description="when it was counted; now, unless it says")] = None,
    accept_language: AcceptLanguage = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take a sheet that was filled in, by ID, article and brand, or barcode: all rows, or none and every reason.

    Rows without a number are left to be counted. Up to 2 MB; a long list needs the columns Product ID and Counted only.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CSV:
        raise NotCsv(errors=[wrong("Content-Type", f"must be {CSV}")])
    content = await request.body()
    terms = Terms(mode, round, counted_at and counted_at.astimezone(UTC), language_of(accept_language))

    async def verb(db: Connection) -> dict[str, Any]:
        taken, without_number = await service.take_sheet(db, caller, stocktake_id, content, terms)
        return SheetTaken(taken=taken, without_number=without_number).model_dump()

    where = f"{request.url.path}?{request.url.query}"
    key = idempotency.key_for(caller.actor, request.headers.get(idempotency.HEADER), "POST", where, content)
    return answered(await idempotency.once(request.app.state.pool, key, verb))
