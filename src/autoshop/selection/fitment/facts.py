"""The fitments of data/selection/fitment, read when they are loaded into the database, and never kept in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Literal

from autoshop.kit.facts import FACTS, Confidence, WrongFact, read, sources
from autoshop.selection.vehicles.facts import Vehicles

FOLDER = FACTS / "fitment"


@dataclass(frozen=True, slots=True)
class FittedFact:
    """Parts of one kind that fit cars: any one of `parts` («Brand: article») does.

    `engines` are codes of the vehicles' engines, none: whatever engine; `quantity` pieces, of liquids litres, None:
    nobody knows; `spec` what any such part must have («cap=H4», «sae=5W-40/5W-30»: either); `basis` read: somebody read
    that very pairing.
    """

    vehicles: tuple[str, ...]
    category: str
    confidence: Confidence
    source: tuple[str, ...]
    basis: Literal["read", "knowledge"]
    quantity: float | None = None
    engines: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    spec: tuple[str, ...] = ()
    position: str = ""
    years_from: int | None = None
    years_to: int | None = None


@dataclass(frozen=True, slots=True)
class AbsentFact:
    """A car that has no such part at all."""

    vehicle: str
    category: str
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FitmentFacts:
    """All that is told of what fits."""

    fitted: tuple[FittedFact, ...]
    absent: tuple[AbsentFact, ...]


def load(folder: Traversable, vehicles: Vehicles) -> FitmentFacts:
    """The facts of a folder. Raises WrongFact where a row names a car, an engine or a source that there is not."""
    told = sources(folder)
    fitted, absent = [], []
    for fact in read(folder / "fitments.csv", FittedFact):
        told.check(f"{fact.category} of {', '.join(fact.vehicles)}", fact.source)
        _check(fact, vehicles)
        fitted.append(fact)
    for lack in read(folder / "not_fitted.csv", AbsentFact):
        told.check(f"{lack.vehicle} without {lack.category}", lack.source)
        if lack.vehicle not in vehicles.vehicles:
            raise WrongFact(f"not_fitted.csv: there is no vehicle {lack.vehicle}")
        absent.append(lack)
    return FitmentFacts(tuple(fitted), tuple(absent))


def _check(fact: FittedFact, vehicles: Vehicles) -> None:
    what = f"{fact.category} of {', '.join(fact.vehicles)}"
    strangers = [vehicle for vehicle in fact.vehicles if vehicle not in vehicles.vehicles]
    if strangers or not fact.vehicles:
        raise WrongFact(f"{what}: there is no vehicle {', '.join(strangers)}")
    codes = {engine.code for vehicle in fact.vehicles for engine in vehicles.engines.get(vehicle, ())}
    if not set(fact.engines) <= codes:
        raise WrongFact(f"{what}: none of them has the engine {', '.join(set(fact.engines) - codes)}")
    if any(len(part.split(": ", 1)) != 2 for part in fact.parts) or any("=" not in one for one in fact.spec):
        raise WrongFact(f"{what}: parts are «Brand: article», a spec is «name=value»")
    if not fact.parts and not fact.spec:
        raise WrongFact(f"{what}: neither parts nor a spec")


def parts_of(fact: FittedFact) -> list[tuple[str, str]]:
    """Brand and article of each part."""
    split = (part.split(": ", 1) for part in fact.parts)
    return [(brand, article) for brand, article in split]


def spec_of(fact: FittedFact) -> Mapping[str, str]:
    """What any such part must have."""
    return dict(one.split("=", 1) for one in fact.spec)
