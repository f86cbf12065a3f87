"""The verbs: choosing a car step by step, understanding a text, and what is not known of cars."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from autoshop.kit.errors import NotFound
from autoshop.kit.text import name_key
from autoshop.selection.vehicles.facts import Vehicles, known
from autoshop.selection.vehicles.model import Engine, Make, Model, Vehicle

Hole = Literal["no engines", "no engine code", "no plugs", "no oil volume", "no years"]


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not known of a vehicle, or of how many of its engines."""

    vehicle: str
    hole: Hole
    engines: tuple[str, ...] = ()


class UnknownVehicle(NotFound):
    """No such make, model or vehicle; `known` lists what there is instead, one step up."""

    title = "Unknown vehicle"


def makes(facts: Vehicles | None = None) -> list[tuple[Make, int]]:
    """All makes, by name, and how many models each has."""
    facts = facts or known()
    below = Counter(make for make, _ in facts.models)
    return [(make, below[make.make]) for make in sorted(facts.makes.values(), key=lambda one: one.make.lower())]


def models(make: str, facts: Vehicles | None = None) -> list[tuple[Model, int]]:
    """The models of a make, by name, and how many generations each has. Raises UnknownVehicle."""
    facts = facts or known()
    found = _make(make, facts).make
    below = Counter(one.model for one in facts.vehicles.values() if one.make == found)
    return [
        (one, below[one.model])
        for one in sorted(facts.models.values(), key=lambda one: one.model.lower())
        if one.make == found
    ]


def generations(make: str, model: str, facts: Vehicles | None = None) -> list[Vehicle]:
    """The generations of a model, the newest first; both by any of their names. Raises UnknownVehicle."""
    facts = facts or known()
    of_make = _make(make, facts).make
    names = {one.model for one in facts.models.values() if one.make == of_make and name_key(model) in _keys(one)}
    found = [one for one in facts.vehicles.values() if one.make == of_make and one.model in names]
    if not found:
        raise UnknownVehicle(f"{of_make} has no model «{model}»", make=of_make)
    return sorted(found, key=lambda one: -(one.years_from or 0))


def vehicle(vehicle_id: str, facts: Vehicles | None = None) -> tuple[Vehicle, tuple[Engine, ...]]:
    """A vehicle and its engines. Raises UnknownVehicle."""
    facts = facts or known()
    found = facts.vehicles.get(vehicle_id)
    if found is None:
        raise UnknownVehicle(
            f"There is no vehicle «{vehicle_id}»: its id is make/model/generation, as the lists tell it"
        )
    return found, facts.engines.get(vehicle_id, ())


def holes(facts: Vehicles | None = None) -> list[Missing]:
    """What nobody knows yet, vehicle by vehicle: holes are told, never filled with a guess."""
    facts = facts or known()
    return [missing for one in facts.vehicles.values() for missing in _holes(one, facts.engines.get(one.id, ()))]


def _holes(one: Vehicle, engines: tuple[Engine, ...]) -> list[Missing]:
    burning = [engine for engine in engines if engine.fuel not in ("electric", "diesel")]
    kinds: list[tuple[Hole, list[Engine]]] = [
        ("no engine code", [engine for engine in engines if engine.code is None]),
        ("no plugs", [engine for engine in burning if not engine.plug_oem and not engine.plug_ngk]),
        ("no oil volume", [engine for engine in engines if engine.oil_litres is None and engine.fuel != "electric"]),
    ]
    found = [Missing(one.id, hole, tuple(e.code or e.name for e in some)) for hole, some in kinds if some]
    if one.years_from is None:
        found.insert(0, Missing(one.id, "no years"))
    return found if engines else [*found, Missing(one.id, "no engines")]


def _make(name: str, facts: Vehicles) -> Make:
    for make in facts.makes.values():
        if name_key(name) in {name_key(one) for one in (make.make, make.ru, *make.aliases)}:
            return make
    raise UnknownVehicle(f"Nobody here knows the make «{name}»")


def _keys(model: Model) -> set[str]:
    return {name_key(one) for one in (model.model, model.ru, *model.aliases)}
