"""Page: what a VIN says, and the one thing that is left to ask."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.kit.text import NO_NUL
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vin import api, service, texts
from autoshop.web.pages import language_of
from autoshop.web.shop.cars import kits_for, names_of
from autoshop.web.shop.shown import show

router = APIRouter(include_in_schema=False, dependencies=[anybody])


@router.get("/vin")
async def read_vin(request: Request, vin: Annotated[str, Query(max_length=10_000, pattern=NO_NUL)] = "") -> Response:
    """A form; with a VIN, the cars that it may be of. Search engines leave it alone: a VIN is somebody's."""
    language = language_of(request)
    if not vin.strip():
        return show(request, "vin.html", typed="", told=None, refused=None)
    answer = service.read(vin, datetime.now(UTC))
    if answer.decoded is None:
        refused = texts.looks_like(answer.typed, language)
        return show(request, "vin.html", 422, typed=vin[:100], told=None, refused=refused)
    return show(
        request,
        "vin.html",
        typed=answer.decoded.vin,
        told=api.out(answer, language),
        refused=None,
        engine_address=engine_address,
        kits_of=lambda car: kits_for(car.vehicle, _only_engine(car), car.year, language),
    )


def _only_engine(car: api.CandidateOut) -> str:
    """What the page of the car calls its engine, where one is left; of two powers of it, the first."""
    codes = {engine.code for engine in car.engines}
    return engine_address(car.vehicle, car.engines[0]) if len(codes) == 1 and car.vehicle else ""


def engine_address(vehicle: str, told: api.EngineOut) -> str:
    """What the page of a vehicle calls one of its engines."""
    engines = known().engines.get(vehicle, ())
    same = (told.code, told.name, told.power_hp)
    named = zip(names_of(engines), engines, strict=True)
    return next((name for name, one in named if (one.code, one.name, one.power_hp) == same), told.code or told.name)
