"""Pages: choosing a car by plain links, down to the engine; what is known of that engine."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.kit.language import Language
from autoshop.kit.text import NO_NUL
from autoshop.selection.kits import texts as kit_texts
from autoshop.selection.kits.facts import known as kits_known
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.model import Engine, Make, Model, Vehicle
from autoshop.selection.vehicles.service import UnknownVehicle
from autoshop.web.pages import language_of
from autoshop.web.shop.shown import show

router = APIRouter(prefix="/cars", include_in_schema=False, dependencies=[anybody])

Part = Annotated[str, Path(max_length=100, pattern=NO_NUL)]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The cars by the parts of their ids, which are their addresses: make → model → vehicles."""

    makes: dict[str, Make]
    models: dict[str, dict[str, Model]]
    vehicles: dict[tuple[str, str], list[Vehicle]]


@cache
def shelf() -> Shelf:
    """All cars, as addresses name them."""
    facts = known()
    made = Shelf({}, {}, {})
    for vehicle in facts.vehicles.values():
        make, model, _ = vehicle.id.split("/")
        made.makes[make] = facts.makes[vehicle.make]
        made.models.setdefault(make, {})[model] = facts.models[vehicle.make, vehicle.model]
        made.vehicles.setdefault((make, model), []).append(vehicle)
    for vehicles in made.vehicles.values():
        vehicles.sort(key=lambda one: -(one.years_from or 0))
    return made


@router.get("")
async def list_makes(request: Request) -> Response:
    """All makes."""
    makes = sorted(shelf().makes.items(), key=lambda one: one[1].make.lower())
    return show(request, "makes.html", canonical="/cars", makes=makes)


@router.get("/{make}")
async def list_models(request: Request, make: Part) -> Response:
    """The models of a make."""
    if make not in shelf().makes:
        raise UnknownVehicle(f"Nobody here knows the make «{make}»")
    models = sorted(shelf().models[make].items(), key=lambda one: one[1].model.lower())
    return show(request, "models.html", canonical=f"/cars/{make}", slug=make, make=shelf().makes[make], models=models)


@router.get("/{make}/{model}")
async def list_generations(request: Request, make: Part, model: Part) -> Response:
    """The generations of a model, the newest first."""
    vehicles = shelf().vehicles.get((make, model))
    if vehicles is None:
        raise UnknownVehicle(f"Nobody here knows {make} «{model}»")
    return show(
        request,
        "generations.html",
        canonical=f"/cars/{make}/{model}",
        slug=make,
        make=shelf().makes[make],
        model=shelf().models[make][model],
        vehicles=vehicles,
    )


@router.get("/{make}/{model}/{generation}")
async def show_vehicle(
    request: Request,
    make: Part,
    model: Part,
    generation: Part,
    engine: Annotated[str, Query(max_length=60, pattern=NO_NUL)] = "",
) -> Response:
    """A car and its engines; of a chosen engine what it needs."""
    vehicle = known().vehicles.get(f"{make}/{model}/{generation}")
    if vehicle is None:
        raise UnknownVehicle(f"Nobody here knows {make} {model} «{generation}»")
    engines = known().engines.get(vehicle.id, ())
    names = names_of(engines)
    chosen = chosen_of(engines, engine)
    return show(
        request,
        "vehicle.html",
        canonical=f"/cars/{vehicle.id}",
        slug=make,
        model_slug=model,
        make=shelf().makes[make],
        model=shelf().models[make][model],
        vehicle=vehicle,
        engines=list(zip(names, engines, strict=True)),
        chosen=chosen,
        kits=kits_for(vehicle.id, engine if chosen else "", None, language_of(request)),
    )


def names_of(engines: Sequence[Engine]) -> list[str]:
    """What an address calls each engine: its code; with its name, where two have one code or nobody knows it."""
    codes = Counter(engine.code for engine in engines)
    return [
        engine.code if engine.code and codes[engine.code] == 1 else f"{engine.code or ''} {engine.name}".strip()
        for engine in engines
    ]


def chosen_of(engines: Sequence[Engine], engine: str) -> list[Engine]:
    """The engines that an address means: the one that it calls so, else all of that code, as garages know them."""
    named = [one for one, name in zip(engines, names_of(engines), strict=True) if name == engine]
    return named or [one for one in engines if one.code and one.code == engine]


def kits_for(vehicle: str, engine: str, year: int | None, language: Language) -> list[tuple[str, str]]:
    """The kits of a car by name, each with its address."""
    known_of_it = {name: value for name, value in (("engine", engine), ("year", year)) if value}
    query = "?" + urlencode(known_of_it) if known_of_it else ""
    kits = kits_known().kits.values()
    return [(kit_texts.name_of(kit, language), f"/cars/{vehicle}/kits/{kit.kit}{query}") for kit in kits]
