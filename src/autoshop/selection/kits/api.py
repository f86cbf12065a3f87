"""Routes: the kits, a kit for a car or a VIN of what can be had now, and holding all of it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.allocation.answers import AllocationRow, row_of
from autoshop.inventory.reservations.api import Document
from autoshop.kit.answers import IdempotencyKey, write_once
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.fields import Id, Moment, Name, Spoken
from autoshop.kit.language import Language
from autoshop.kit.text import IN_PATH, NOT_BLANK
from autoshop.selection.kits import answers, service
from autoshop.selection.kits.answers import KitOut, ReadyOut
from autoshop.selection.kits.facts import known
from autoshop.selection.kits.model import Seen, Tier
from autoshop.selection.kits.service import Asked
from autoshop.selection.vin import api as vins
from autoshop.selection.vin import service as vin_service
from autoshop.selection.vin import texts as vin_texts
from autoshop.selection.vin.typed import LONGEST

router = APIRouter(prefix="/api/v1/kits", tags=["selection"])

Text = Field(min_length=1, max_length=200, pattern=NOT_BLANK)
Code = Field(min_length=1, max_length=60, pattern=NOT_BLANK)
Year = Annotated[int | None, Query(ge=1900, le=2100)]
KitCode = Annotated[str, Field(max_length=60, pattern=IN_PATH)]
Extras = Annotated[list[Annotated[str, Code]], Field(max_length=20)]


class KitsOut(BaseModel):
    items: list[KitOut]


class ReservationIn(BaseModel, extra="forbid"):
    """A way to buy, as it was seen: what it cost, and its `version`. `extras`: optional parts that are wanted.

    Without a version other parts may be held than were seen, for the same money.
    """

    vehicle: Annotated[str, Text]
    engine: Annotated[str, Code] | None = None
    year: Annotated[int, Field(ge=1900, le=2100, strict=True)] | None = None
    store_id: Id
    tier: Tier
    total_kopecks: Annotated[int, Field(ge=0, lt=2**53, strict=True)]
    version: Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)] | None = None
    holder: Name
    extras: Extras = []
    related_document: Document = None
    expires_at: Moment | None = None


class ReservedOut(BaseModel):
    """The promise for all that lies in the stores; `to_order`: products that a supplier has to bring, not held."""

    allocation: AllocationRow
    to_order: list[int]


@router.get("")
async def list_kits(caller: Annotated[Caller, needs("catalog:read")], language: Spoken) -> KitsOut:
    """The jobs, and how often each is done."""
    return KitsOut(items=[answers.kit_out(kit, language) for kit in known().kits.values()])


@router.get("/{kit}")
async def show_kit(
    request: Request,
    caller: Annotated[Caller, needs("catalog:read")],
    kit: KitCode,
    language: Spoken,
    vehicle: Annotated[str | None, Query(min_length=1, max_length=200, pattern=NOT_BLANK, description="its id")] = None,
    vin: Annotated[
        str | None, Query(min_length=1, max_length=LONGEST, pattern=NOT_BLANK, description="as typed")
    ] = None,
    engine: Annotated[str | None, Query(min_length=1, max_length=60, pattern=NOT_BLANK, description="its code")] = None,
    year: Year = None,
    store_id: Annotated[
        int | None, Query(ge=1, lt=2**63, description="where it is wanted; none: where most lies")
    ] = None,
    extra: Annotated[
        list[Annotated[str, Code]] | None, Query(max_length=20, description="optional parts: categories")
    ] = None,
) -> ReadyOut:
    """A kit for a car, or for the car of a VIN: what fits, of what can be had now, in up to three ways to buy.

    Where a VIN leaves several cars, or the parts depend on the engine, there is one question; its answers are values of
    `vehicle` and `engine`.
    """
    if (vehicle is None) == (vin is None):
        reason = "give either a vehicle or a VIN"
        raise Invalid(reason, errors=[wrong("vehicle", reason), wrong("vin", reason)])
    now, extras = datetime.now(UTC), frozenset(extra or ())
    engines = (engine,) if engine is not None else None
    if vin is None:
        assert vehicle is not None, "it was looked at above"
        asked, told = Asked(kit, vehicle, engines, year, store_id, extras), None
    else:
        told = _read(vin, now, language)
        only = told.candidates[0] if len(told.candidates) == 1 else None
        if only is None or only.vehicle is None:
            return answers.open_out(service.find_kit(kit), told, language)
        asked = Asked(
            kit,
            only.vehicle,
            engines or service.codes_known(only.vehicle, only.engines),
            year or only.year,
            store_id,
            extras,
        )
    async with request.app.state.pool.acquire() as db:
        return answers.ready_out(
            await service.ready(db, caller, asked, now, request.app.state.memory), told, now, language
        )


def _read(vin: str, now: datetime, language: Language) -> vins.VinOut:
    answer = vin_service.read(vin, now)
    if answer.decoded is None:
        detail = vin_texts.looks_like(answer.typed, language)
        raise vin_service.NotAVin(detail, looks_like=answer.typed.looks_like, errors=[wrong("vin", detail)])
    return vins.out(answer, language)


@router.post("/{kit}/reservations", status_code=201, response_model=ReservedOut)
async def reserve_kit(
    request: Request,
    caller: Annotated[Caller, needs("inventory:write")],
    kit: KitCode,
    body: ReservationIn,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hold all of a way to buy that lies in the stores, and ask the other stores to send theirs: all of it, or nothing.

    409 where it costs something else than `total_kopecks` by now, or is of another `version`.
    """
    now = datetime.now(UTC)
    engines = (body.engine,) if body.engine is not None else None
    asked = Asked(kit, body.vehicle, engines, body.year, body.store_id, frozenset(body.extras))

    async def verb(db: Connection) -> dict[str, Any]:
        found, made = await service.reserve(
            db, caller, asked, Seen(body.tier, body.total_kopecks, body.version), body.holder, body.related_document,
            body.expires_at,
            timedelta(hours=request.app.state.settings.reservation_hours), now,
        )  # fmt: skip
        return ReservedOut(allocation=row_of(made), to_order=service.to_order(found, body.tier)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)
