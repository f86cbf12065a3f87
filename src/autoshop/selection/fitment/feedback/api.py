"""Route: for which car something is bought, so that a return can say by itself what did not fit."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.kit.answers import IdempotencyKey, shaped, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import Id
from autoshop.kit.text import NOT_BLANK
from autoshop.selection.fitment.feedback import service

router = APIRouter(prefix="/api/v1/fitment", tags=["selection"])


class CarIn(BaseModel, extra="forbid"):
    """A car: its id, and where they are known the code of its engine and its year."""

    id: Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_BLANK, description="lada/vesta/i")]
    engine: Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)] | None = None
    year: Annotated[int, Field(ge=1900, le=2100, strict=True)] | None = None


class PurchaseIn(BaseModel, extra="forbid"):
    """`related_document`: what the order, hold or sale is posted under. Without `product_ids`: all of it."""

    related_document: Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_BLANK)]
    vehicle: CarIn
    product_ids: Annotated[list[Id], Field(max_length=1_000)] = []


class PurchaseOut(BaseModel):
    related_document: str
    vehicle: str
    engine: str | None
    year: int | None
    product_ids: list[int]


@router.post("/purchases", response_model=PurchaseOut)
async def name_the_car(
    request: Request,
    body: PurchaseIn,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say for which car something is ordered, held or bought: what comes back of it as «не подошло» is its feedback."""

    async def verb(db: Connection) -> dict[str, Any]:
        car = body.vehicle
        kept = await service.name_the_car(
            db, caller, body.related_document, car.id, car.engine, car.year, body.product_ids
        )
        return shaped(PurchaseOut, kept).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
