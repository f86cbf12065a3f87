"""What is due: by the kits, from the last time, or from the factory while a car is young; or nobody knows. Pure.

A bigger job counts for the smaller ones whose parts it has: after a 60,000 km service the oil is new too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import Literal

from autoshop.kit.facts import Confidence
from autoshop.selection.garage.model import Done
from autoshop.selection.garage.odometer import YEAR_DAYS, Mileage
from autoshop.selection.kits.facts import Kit, KitFacts, Part

State = Literal["due", "soon", "later", "unknown"]
Basis = Literal["service", "factory", "unknown"]
SOON_KM, SOON = 1_500, timedelta(days=30)
STATES: tuple[State, ...] = ("due", "soon", "later", "unknown")

# What engines without sparks, or without combustion, do not have.
SPARKS = frozenset({"spark_plug", "ignition_coil", "plug_wires"})
COMBUSTION = SPARKS | {
    *("engine_oil", "oil_filter", "air_filter", "fuel_filter", "timing_belt", "timing_belt_kit", "drive_belt"),
}
LACKS: Mapping[str | None, frozenset[str]] = {"diesel": SPARKS, "electric": COMBUSTION}


@dataclass(frozen=True, slots=True)
class Due:
    """A job: when it is due, and from what that follows. `due_km` and `due_on`: whichever comes first.

    `expected_on` is when the car will have gone so far, if it goes on as it did.
    """

    kit: Kit
    state: State
    basis: Basis
    since_km: int | None = None
    since_on: date | None = None
    due_km: int | None = None
    due_on: date | None = None
    expected_on: date | None = None
    left_km: int | None = None

    @property
    def confidence(self) -> Confidence:
        return self.kit.confidence


def due(
    facts: KitFacts,
    fuel: str | None,
    year: int | None,
    done: Sequence[Done],
    mileage: Mileage | None,
    today: date,
) -> list[Due]:
    """What is due of a car and when, the most urgent first; what nobody knows at the end."""
    found = [
        _one(kit, _last_of(facts, kit, done), year, mileage, today)
        for kit in facts.kits.values()
        if (kit.every_km or kit.every_months) and applies(facts.parts[kit.kit], fuel)
    ]
    now = [one.kit.kit for one in found if one.state == "due"]
    told = [
        one
        for one in found
        if one.state != "due" or not any(other != one.kit.kit and covers(facts, other, one.kit.kit) for other in now)
    ]
    return sorted(told, key=_urgency)


def applies(parts: Sequence[Part], fuel: str | None) -> bool:
    """Whether a car with such an engine has what the job is about."""
    needed = [part for part in parts if not part.optional]
    lacks = LACKS.get(fuel, frozenset())
    return any(not set(part.categories) <= lacks for part in needed)


def covers(facts: KitFacts, bigger: str, smaller: str) -> bool:
    """Whether whoever did the bigger job has done the smaller one."""
    return bigger == smaller or _needed(facts.parts[smaller]) <= _needed(facts.parts[bigger])


def _needed(parts: Iterable[Part]) -> set[tuple[str, tuple[str, ...]]]:
    return {(part.category, part.positions) for part in parts if not part.optional}


def _last_of(facts: KitFacts, kit: Kit, done: Sequence[Done]) -> Done | None:
    """The last time that it was done, by itself or within a bigger job."""
    those = [one for one in done if one.kit in facts.kits and covers(facts, str(one.kit), kit.kit)]
    return reduce(_later, those) if those else None


def _later(one: Done, other: Done) -> Done:
    """Of two the later: by date, by mileage, or the one that was written down last."""
    if one.done_on and other.done_on and one.done_on != other.done_on:
        return max(one, other, key=lambda it: it.done_on or date.min)
    if one.mileage_km is not None and other.mileage_km is not None and one.mileage_km != other.mileage_km:
        return max(one, other, key=lambda it: it.mileage_km or 0)
    return max(one, other, key=lambda it: it.id)


def _one(kit: Kit, last: Done | None, year: int | None, mileage: Mileage | None, today: date) -> Due:
    if last is None:
        return _from_factory(kit, year, mileage, today)
    due_km = last.mileage_km + kit.every_km if last.mileage_km is not None and kit.every_km else None
    due_on = months_after(last.done_on, kit.every_months) if last.done_on is not None and kit.every_months else None
    return _stated(Due(kit, "unknown", "service", last.mileage_km, last.done_on, due_km, due_on), mileage, today)


def _from_factory(kit: Kit, year: int | None, mileage: Mileage | None, today: date) -> Due:
    """Of a car that is too young to have had it: from the factory. Of any other nobody knows when it was done."""
    unknown = Due(kit, "unknown", "unknown")
    if mileage is None or not kit.every_km or mileage.now_km >= kit.every_km:
        return unknown
    if kit.every_months and (year is None or today >= months_after(date(year, 1, 1), kit.every_months)):
        return unknown  # it may have been made in January
    return _stated(Due(kit, "unknown", "factory", 0, None, kit.every_km, None), mileage, today)


def _stated(one: Due, mileage: Mileage | None, today: date) -> Due:
    """The same with its state: due, soon or later, or unknown where neither mileage nor date can be compared."""
    left = one.due_km - mileage.now_km if one.due_km is not None and mileage is not None else None
    expected = _expected(left, mileage, today) if left is not None and mileage is not None else None
    state: State = "unknown"
    if (left is not None and left <= 0) or (one.due_on is not None and one.due_on <= today):
        state = "due"
    elif (left is not None and left <= SOON_KM) or (one.due_on is not None and one.due_on - today <= SOON):
        state = "soon"
    elif left is not None or one.due_on is not None:
        state = "later"
    return Due(
        one.kit, state, one.basis, one.since_km, one.since_on, one.due_km, one.due_on, expected, left
    )  # fmt: skip


def _expected(left_km: int, mileage: Mileage, today: date) -> date | None:
    if left_km <= 0 or not mileage.km_per_year:
        return None
    days = round(left_km / mileage.km_per_year * YEAR_DAYS)
    return today + timedelta(days=days) if days < 40 * YEAR_DAYS else None


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last."""
    ahead = day.month - 1 + months
    year, month = day.year + ahead // 12, ahead % 12 + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day.day - 1), first_of_next - timedelta(days=1))


def _urgency(one: Due) -> tuple[int, date, int, int]:
    """Due first, then by the day on which it is due or expected, then by what is left to go."""
    when = min((day for day in (one.due_on, one.expected_on) if day is not None), default=date.max)
    left = one.left_km if one.left_km is not None else 10**9
    return STATES.index(one.state), when, left, one.kit.every_km or 10**9
