"""The vehicles of data/selection/vehicles, read once in a process: facts do not change while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

from autoshop.kit.facts import FACTS, WrongFact, one_of_each, read, read_all, sources
from autoshop.selection.vehicles.model import Engine, Make, Model, Vehicle

FOLDER = FACTS / "vehicles"


@dataclass(frozen=True, slots=True, eq=False)
class Vehicles:
    """All that is known of vehicles. `engines` are by the id of their vehicle, most told first."""

    makes: Mapping[str, Make]
    models: Mapping[tuple[str, str], Model]
    vehicles: Mapping[str, Vehicle]
    engines: Mapping[str, tuple[Engine, ...]]


@cache
def known() -> Vehicles:
    """The project's own facts."""
    return load(FOLDER)


def load(folder: Traversable) -> Vehicles:
    """The facts of a folder. Raises WrongFact where they contradict one another."""
    makes = one_of_each(((one.make, one) for one in read(folder / "makes.csv", Make)), "make")
    models = one_of_each((((one.make, one.model), one) for one in read(folder / "models.csv", Model)), "model")
    vehicles = one_of_each(((one.id, one) for one in read_all(folder / "vehicles", Vehicle)), "vehicle")
    told = sources(folder)
    for vehicle in vehicles.values():
        if vehicle.make not in makes or (vehicle.make, vehicle.model) not in models:
            raise WrongFact(f"{vehicle.id}: there is no {vehicle.make} {vehicle.model} in makes.csv and models.csv")
        told.check(vehicle.id, vehicle.source)
    engines: dict[str, list[Engine]] = {}
    for engine in read_all(folder / "engines", Engine):
        if engine.vehicle not in vehicles:
            raise WrongFact(f"engine {engine.code or engine.name}: there is no vehicle {engine.vehicle}")
        engines.setdefault(engine.vehicle, []).append(engine)
    return Vehicles(makes, models, vehicles, {vehicle: tuple(several) for vehicle, several in engines.items()})
