"""Routes: choosing a car step by step, or by saying what it is; and what is not known of cars."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.kit.answers import shaped
from autoshop.kit.facts import Confidence
from autoshop.kit.text import NOT_BLANK
from autoshop.selection.vehicles import service
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.model import Engine, Make, Model, Vehicle
from autoshop.selection.vehicles.words import Fitting, understand

router = APIRouter(prefix="/api/v1/vehicles", tags=["selection"])

MOST_FITTING = 50
Name = Annotated[str, Query(min_length=1, max_length=100, pattern=NOT_BLANK)]


class MakeOut(BaseModel):
    """A make, what people call it, and how many models it has."""

    make: str
    ru: str
    aliases: list[str]
    models: int


class MakesOut(BaseModel):
    items: list[MakeOut]


class ModelOut(BaseModel):
    """A model, what people call it, and how many generations it has."""

    make: str
    model: str
    ru: str
    aliases: list[str]
    generations: int


class ModelsOut(BaseModel):
    items: list[ModelOut]


class VehicleOut(BaseModel):
    """A generation of a model. `years_to` is null while it is still made."""

    id: str
    make: str
    model: str
    generation: str
    bodies: list[str]
    body_codes: list[str]
    years_from: int | None
    years_to: int | None
    market: str
    confidence: Confidence
    source: list[str]


class VehiclesOut(BaseModel):
    items: list[VehicleOut]


class EngineOut(BaseModel):
    """An engine that the vehicle was sold with. Power is nominal, oil a refill with the filter; null: nobody knows."""

    code: str | None
    name: str
    displacement_cc: int | None
    power_hp: int | None
    fuel: str | None
    turbo: bool | None
    cylinders: int | None
    valves: int | None
    years_from: int | None
    years_to: int | None
    plug_oem: list[str]
    plug_ngk: str | None
    plugs: int | None
    gap_mm_from: float | None
    gap_mm_to: float | None
    plug_confidence: Confidence | None
    oil_litres: float | None
    oil_spec: str | None
    confidence: Confidence


class WholeVehicleOut(VehicleOut):
    engines: list[EngineOut]


class SaidOut(BaseModel):
    """Words of the text, and what they mean."""

    kind: Literal[
        "make", "model", "generation", "body_code", "body", "year",
        "engine_code", "displacement", "valves", "power", "fuel", "turbo",
    ]  # fmt: skip
    text: str
    value: str


class UnderstoodOut(BaseModel):
    """Vehicles that agree with all that was `said`, with those of their engines that do; `more` than are shown.

    `ignored`: what agrees with no such car that is known; `left`: words that say nothing of a car.
    """

    said: list[SaidOut]
    ignored: list[SaidOut]
    left: list[str]
    items: list[WholeVehicleOut]
    more: bool


class HoleOut(BaseModel):
    """What is not known of a vehicle; of which of its engines, by code or name."""

    vehicle: str
    hole: Literal["no engines", "no engine code", "no plugs", "no oil volume", "no years"]
    engines: list[str]


class HolesOut(BaseModel):
    """`vehicles`: how many there are in all, so that one sees what part has the hole."""

    vehicles: int
    items: list[HoleOut]


@router.get("/makes")
async def list_makes(caller: Annotated[Caller, needs("catalog:read")]) -> MakesOut:
    """All makes, by name."""
    return MakesOut(items=[_make(make, below) for make, below in service.makes()])


@router.get("/models")
async def list_models(caller: Annotated[Caller, needs("catalog:read")], make: Name) -> ModelsOut:
    """The models of a make; the make by any of its names, «Лада» or «ВАЗ»."""
    return ModelsOut(items=[_model(model, below) for model, below in service.models(make)])


@router.get("")
async def list_generations(caller: Annotated[Caller, needs("catalog:read")], make: Name, model: Name) -> VehiclesOut:
    """The generations of a model, the newest first."""
    return VehiclesOut(items=[shaped(VehicleOut, one) for one in service.generations(make, model)])


@router.get("/search")
async def understand_text(
    caller: Annotated[Caller, needs("catalog:read")],
    q: Annotated[str, Query(min_length=1, max_length=200, pattern=NOT_BLANK, description="«веста 1.6 2019»")],
) -> UnderstoodOut:
    """The cars that a text means, and what was understood of it."""
    understood = understand(q, known(), datetime.now(UTC).year)
    return UnderstoodOut(
        said=[shaped(SaidOut, one) for one in understood.said],
        ignored=[shaped(SaidOut, one) for one in understood.ignored],
        left=list(understood.left),
        items=[_fitting(one) for one in understood.fitting[:MOST_FITTING]],
        more=len(understood.fitting) > MOST_FITTING,
    )


@router.get("/holes")
async def list_holes(caller: Annotated[Caller, needs("catalog:read")]) -> HolesOut:
    """What nobody knows yet of the vehicles: nothing is guessed, so it is told."""
    return HolesOut(vehicles=len(known().vehicles), items=[shaped(HoleOut, one) for one in service.holes()])


@router.get("/{make}/{model}/{generation}")
async def read_vehicle(
    caller: Annotated[Caller, needs("catalog:read")],
    make: Annotated[str, Path(max_length=100)],
    model: Annotated[str, Path(max_length=100)],
    generation: Annotated[str, Path(max_length=100)],
) -> WholeVehicleOut:
    """A vehicle by its id, `lada/vesta/i`, with its engines."""
    return _whole(*service.vehicle(f"{make}/{model}/{generation}"))


def _make(one: Make, below: int) -> MakeOut:
    return MakeOut(make=one.make, ru=one.ru, aliases=list(one.aliases), models=below)


def _model(one: Model, below: int) -> ModelOut:
    return ModelOut(make=one.make, model=one.model, ru=one.ru, aliases=list(one.aliases), generations=below)


def _fitting(one: Fitting) -> WholeVehicleOut:
    return _whole(one.vehicle, one.engines)


def _whole(one: Vehicle, engines: tuple[Engine, ...]) -> WholeVehicleOut:
    told = shaped(VehicleOut, one).model_dump()
    return WholeVehicleOut(**told, engines=[shaped(EngineOut, engine) for engine in engines])
