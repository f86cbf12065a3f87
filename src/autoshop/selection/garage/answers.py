"""The shapes of a garage in the API: what is sent, and what is told."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from autoshop.kit.answers import shaped
from autoshop.kit.facts import Confidence
from autoshop.kit.fields import Day
from autoshop.kit.language import Language
from autoshop.kit.text import NOT_BLANK
from autoshop.selection.garage import service, texts
from autoshop.selection.garage.due import Basis, Due, State
from autoshop.selection.garage.model import MOST_CHARACTERS, MOST_KM
from autoshop.selection.garage.service import InGarage

Words = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, pattern=NOT_BLANK)]
Vin = Annotated[str, Field(pattern=r"^[A-HJ-NPR-Z0-9]{17}$", description="17 characters, as /api/v1/vin normalises it")]
Engine = Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)]
Year = Annotated[int, Field(ge=1900, le=2100, strict=True)]
Kilometres = Annotated[int, Field(ge=0, le=MOST_KM, strict=True)]


class CarIn(BaseModel, extra="forbid"):
    """A car to put in. `engine` is a code that the vehicle was sold with."""

    vehicle: Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_BLANK)]
    engine: Engine | None = None
    year: Year | None = None
    vin: Vin | None = None
    name: Words | None = None


class CarChange(BaseModel, extra="forbid"):
    """What is to be changed; null takes a value away."""

    engine: Engine | None = None
    year: Year | None = None
    vin: Vin | None = None
    name: Words | None = None


class ReadingIn(BaseModel, extra="forbid"):
    """What the odometer says; without a day: today."""

    mileage_km: Kilometres
    read_on: Day | None = None


class DoneIn(BaseModel, extra="forbid"):
    """A service: a kit or words, at a day or a mileage or both."""

    kit: Annotated[str, Field(min_length=1, max_length=60, pattern=NOT_BLANK)] | None = None
    what: Words | None = None
    done_on: Day | None = None
    mileage_km: Kilometres | None = None


class ClaimIn(BaseModel, extra="forbid"):
    """What the browser keeps in its cookie `autoshop_garage`."""

    token: Annotated[str, Field(min_length=20, max_length=100, pattern=NOT_BLANK)]


class MileageOut(BaseModel):
    """The last reading; `now_km` is estimated from `km_per_year` where two readings say how far somebody drives."""

    km: int
    on: date
    km_per_year: int | None
    now_km: int
    estimated: bool


class ReadingOut(BaseModel):
    id: int
    read_on: date
    mileage_km: int


class DoneOut(BaseModel):
    id: int
    kit: str | None
    what: str | None
    done_on: date | None
    mileage_km: int | None


class DueOut(BaseModel):
    """A job: when it is due, from what that follows. `page` is what the job takes for this car."""

    kit: str
    title: str
    state: State
    basis: Basis
    since_km: int | None
    since_on: date | None
    due_km: int | None
    due_on: date | None
    expected_on: date | None
    left_km: int | None
    when: str
    since: str
    confidence: Confidence
    source: list[str]
    page: str


class CarOut(BaseModel):
    """A car, what is known of its life, and what is due, the most urgent first; what nobody knows comes last."""

    id: int
    vehicle: str
    title: str
    engine: str | None
    year: int | None
    vin: str | None
    name: str | None
    version: int
    created_at: datetime
    mileage: MileageOut | None
    driven: str
    readings: list[ReadingOut]
    done: list[DoneOut]
    due: list[DueOut]


class GarageOut(BaseModel):
    """At most 20 cars, in the order in which they were put in."""

    customer: str
    cars: list[CarOut]


class Put(BaseModel):
    """`added` false: that car was there."""

    id: int
    added: bool


class Changed(BaseModel):
    id: int
    version: int


class Written(BaseModel):
    id: int


class Claimed(BaseModel):
    """How many cars came; those that the customer had already are not counted."""

    cars: int


def car_out(one: InGarage, language: Language) -> CarOut:
    """A car as the API tells it."""
    car, seen = one.car, one.mileage
    return CarOut(
        id=car.id, vehicle=car.vehicle, title=texts.title_of(one.vehicle, car), engine=car.engine, year=car.year,
        vin=car.vin, name=car.name, version=car.version, created_at=car.created_at,
        mileage=shaped(MileageOut, seen) if seen is not None else None, driven=texts.driven(seen, language),
        readings=[shaped(ReadingOut, line) for line in one.history.readings],
        done=[shaped(DoneOut, line) for line in one.history.done],
        due=[_due(due, one, language) for due in one.due],
    )  # fmt: skip


def _due(due: Due, one: InGarage, language: Language) -> DueOut:
    return DueOut(
        kit=due.kit.kit, title=texts.title(due, language), state=due.state, basis=due.basis, since_km=due.since_km,
        since_on=due.since_on, due_km=due.due_km, due_on=due.due_on, expected_on=due.expected_on,
        left_km=due.left_km, when=texts.when(due, language), since=texts.since(due, language),
        confidence=due.confidence, source=list(due.kit.source), page=service.kit_page(one.car, due.kit.kit),
    )  # fmt: skip
