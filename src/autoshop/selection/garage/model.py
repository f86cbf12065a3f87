"""A buyer's car as plain data, and the refusals around it."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from autoshop.kit.errors import Conflict, Invalid, NotFound, wrong

MOST_CARS = 20  # of a garage
MOST_LINES = 200  # readings of a car, and as many services
MOST_KM = 2_000_000
MOST_CHARACTERS = 100  # of a name, of what was done
EARLIEST_YEAR = 1900
FIRST_DAY = date(1950, 1, 1)
PUT_BACK_WITHIN = timedelta(days=1)
FORGOTTEN_AFTER = timedelta(days=400)  # a browser's garage that nobody opened; its cookie lasts a year
SLACK_YEARS = 1  # a model is sold before its first year and after its last
CLOCK = ZoneInfo("Europe/Moscow")
EASTERNMOST = timedelta(hours=14)  # where the day begins first


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose garage: a browser's, of whose token only the hash is known, or a customer's."""

    token_hash: bytes | None = None
    customer: str | None = None

    @classmethod
    def of_token(cls, token: str) -> "Owner":
        """Whoever has the token."""
        return cls(token_hash=hashlib.sha256(token.encode()).digest())


def new_token() -> str:
    """For a browser's cookie: whoever has it has the garage, so nobody can guess it."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Car:
    """A car of a garage. `engine` is a code; None is what nobody said."""

    id: int
    vehicle: str
    engine: str | None
    year: int | None
    vin: str | None
    name: str | None
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What the odometer said on a day."""

    id: int
    read_on: date
    mileage_km: int


@dataclass(frozen=True, slots=True)
class Done:
    """A service: a kit, or something else in words; when, or at how many kilometres, or both."""

    id: int
    kit: str | None
    what: str | None
    done_on: date | None
    mileage_km: int | None


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a car's life, the latest first."""

    readings: tuple[Reading, ...] = ()
    done: tuple[Done, ...] = ()


class UnknownCar(NotFound):
    title = "No such car in the garage"

    def explain(self) -> str:
        return f"The garage has no car {self.facts['car_id']}: it was taken out, or belongs to somebody else"


class UnknownGarage(NotFound):
    title = "No such garage"

    def explain(self) -> str:
        return "Nothing was put into that garage, or it was claimed or forgotten before"


class UnknownLine(NotFound):
    title = "No such line"


class WrongKit(Invalid):
    title = "No such kit"


class UnclearService(Invalid):
    title = "What was done, and when?"


class NotThatYear(Invalid):
    title = "That car was not made then"


class NotThatDay(Invalid):
    title = "Not that day"


class FullGarage(Conflict):
    title = "The garage is full"

    def explain(self) -> str:
        return f"A garage has room for {self.facts['most']} cars: take one out first"


class FullLog(Conflict):
    title = "Too many lines"

    def explain(self) -> str:
        return f"Of a car {self.facts['most']} lines are kept: remove an old one first"


class SameCar(Conflict):
    """`car_id` is that car. No VIN is told: answers are kept for a while."""

    title = "That car is in the garage"

    def explain(self) -> str:
        return "The garage has that car: give this one another name, year or VIN to tell them apart"


class CannotBePutBack(Conflict):
    title = "Too late to put it back"

    def explain(self) -> str:
        return "A car can be put back within a day of being taken out"


class RunsBackwards(Conflict):
    title = "The mileage runs backwards"

    def explain(self) -> str:
        known, on = self.facts["known_km"], self.facts["known_on"]
        return f"On {on} it was {known} km: remove that line if it is wrong, or correct this one"


def today_of(now: datetime) -> date:
    """The day by the clock that most of the country reads."""
    return now.astimezone(CLOCK).date()


def check_year(year: int | None, first: int | None, last: int | None, now: datetime) -> None:
    """Refuse a year in which the car was not made."""
    if year is None:
        return
    least = EARLIEST_YEAR if first is None else first - SLACK_YEARS
    most = min((last or now.year) + SLACK_YEARS, now.year + SLACK_YEARS)
    if not least <= year <= most:
        reason = f"must lie between {least} and {most}"
        raise NotThatYear(f"year: {reason}", errors=[wrong("year", reason)], least=least, most=most)


def check_day(field: str, day: date | None, now: datetime) -> None:
    """Refuse a day that has begun nowhere yet, and one before all cars of the catalogue."""
    latest = (now + EASTERNMOST).date()
    if day is not None and not FIRST_DAY <= day <= latest:
        reason = f"must lie between {FIRST_DAY} and today"
        raise NotThatDay(f"{field}: {reason}", errors=[wrong(field, reason)])


def check_done(kit: str | None, what: str | None, on: date | None, km: int | None) -> None:
    """Refuse a service that is nothing or two things, and one of which nobody says when it was."""
    if (kit is None) == (what is None):
        reason = "name a kit, or say in words what it was: one of both"
        raise UnclearService(f"kit: {reason}", errors=[wrong("kit", reason), wrong("what", reason)])
    if on is None and km is None:
        reason = "say when it was, or at which mileage"
        raise UnclearService(f"done_on: {reason}", errors=[wrong("done_on", reason), wrong("mileage_km", reason)])


def check_order(history: History, on: date | None, km: int | None) -> None:
    """Refuse a mileage that is less than an earlier one, or more than a later one. One of the same day is replaced."""
    if on is None or km is None:
        return
    points = [(one.read_on, one.mileage_km) for one in history.readings if one.read_on != on]
    points += [(one.done_on, one.mileage_km) for one in history.done if one.done_on and one.mileage_km is not None]
    for day, known in sorted(points):
        if (day < on and known > km) or (day > on and known < km):
            raise RunsBackwards(known_on=day.isoformat(), known_km=known, asked_km=km)
