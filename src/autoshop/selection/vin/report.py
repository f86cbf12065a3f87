"""How often the VIN is right: the cars of data/selection/vin/cars.csv, decoded and judged, make by make. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from autoshop.kit.facts import WrongFact, read, sources
from autoshop.selection.vin.decoding import decode
from autoshop.selection.vin.facts import FOLDER, VinFacts
from autoshop.selection.vin.model import Decoded


@dataclass(frozen=True, slots=True)
class Car:
    """A VIN whose car is known. The serial is zeroed: no person's car. `set`: fitted, where a rule was written with
    this car in sight; unseen, where none was; us, made for North America. `year` is the model year, None where nobody
    knows it; `coded`: whether the maker writes it into the VIN.
    """

    vin: str
    make: str
    model: str
    set: Literal["fitted", "unseen", "us"]
    coded: bool
    source: tuple[str, ...]
    generation: str = ""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Of some cars: how many there are, and how they were told. The four of them add up to `cars`.

    right: one model, and it is this; contains: several, this among them; wrong: a model or models, not this; unknown:
    no model. `wrong_single` are those of the wrong that named one model alone. `make`: one make, and it is this;
    `make_among`: this, alone or among others that share the code. Years: `false_year` another than the car's,
    `invented_year` one where the maker codes none; `year` right, of `years` that are known and coded.
    """

    cars: int = 0
    make: int = 0
    make_among: int = 0
    right: int = 0
    contains: int = 0
    wrong: int = 0
    wrong_single: int = 0
    unknown: int = 0
    year: int = 0
    years: int = 0
    false_year: int = 0
    invented_year: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(Tally)})


def cars(facts: VinFacts) -> list[Car]:
    """The regression set. Raises WrongFact where a car is not among the vehicles, or its serial is not zeroed."""
    told = sources(FOLDER)
    known = []
    for car in read(FOLDER / "cars.csv", Car):
        told.check(car.vin, car.source)
        if (car.make, car.model) not in facts.vehicles.models:
            raise WrongFact(f"{car.vin}: there is no {car.make} {car.model} in models.csv")
        if len(car.vin) != 17 or not car.vin.endswith("0000"):
            raise WrongFact(f"{car.vin}: 17 characters, of which the serial is zeroed")
        known.append(car)
    return known


def judge(car: Car, decoded: Decoded) -> Tally:
    """How one car was told."""
    makes = {candidate.make for candidate in decoded.candidates}
    models = {(candidate.make, candidate.model) for candidate in decoded.candidates if candidate.model}
    this = (car.make, car.model) in models
    return Tally(
        cars=1,
        make=makes == {car.make},
        make_among=car.make in makes,
        right=this and len(models) == 1,
        contains=this and len(models) > 1,
        wrong=bool(models) and not this,
        wrong_single=len(models) == 1 and not this,
        unknown=not models,
        years=car.coded and car.year is not None,
        year=car.coded and car.year is not None and decoded.year == car.year,
        false_year=car.year is not None and decoded.year not in (None, car.year),
        invented_year=not car.coded and decoded.year is not None,
    )


def report(some: Iterable[Car], facts: VinFacts, this_year: int) -> dict[tuple[str, str], Tally]:
    """The tally by (set, make)."""
    told: dict[tuple[str, str], Tally] = {}
    for car in some:
        key = (car.set, car.make)
        told[key] = told.get(key, Tally()) + judge(car, decode(car.vin, facts, this_year))
    return dict(sorted(told.items()))
