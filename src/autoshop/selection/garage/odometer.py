"""How far a car has gone by now. Until it was read twice nobody knows how far it goes in a year. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from autoshop.selection.garage.model import History

LEAST_DAYS = 30  # between two readings that say how far somebody drives
LOOKED_BACK_DAYS = 730  # how he drove before that says little of now
YEAR_DAYS = 365.25
ROUND_KM = 100
MOST_KM_PER_DAY = 1_500  # more is a slip of the pen


@dataclass(frozen=True, slots=True)
class Mileage:
    """The last reading, and where the car is by now: `now_km` is the reading itself until `km_per_year` is known."""

    km: int
    on: date
    km_per_year: int | None
    now_km: int
    estimated: bool


def mileage(history: History, today: date) -> Mileage | None:
    """Where a car is, from what was read, and what was done at which mileage on which day; None: nobody read it."""
    points = sorted({(one.read_on, one.mileage_km) for one in history.readings} | set(_done(history)))
    if not points:
        return None
    on, km = points[-1]
    per_day = _per_day(points)
    days = max(0, (today - on).days)
    if per_day is None:
        return Mileage(km, on, None, km, False)
    ahead = round(per_day * days / ROUND_KM) * ROUND_KM
    return Mileage(km, on, round(per_day * YEAR_DAYS / ROUND_KM) * ROUND_KM, km + ahead, ahead > 0)


def _done(history: History) -> Iterable[tuple[date, int]]:
    for one in history.done:
        if one.done_on is not None and one.mileage_km is not None:
            yield one.done_on, one.mileage_km


def _per_day(points: list[tuple[date, int]]) -> float | None:
    """Over the last two years, or from the last reading before them; None where the readings do not say."""
    if any(later[1] < earlier[1] for earlier, later in pairwise(points)):
        return None
    on, km = points[-1]
    within = [one for one in points if (on - one[0]).days <= LOOKED_BACK_DAYS]
    since, from_km = within[0] if len(within) > 1 else points[-2] if len(points) > 1 else points[-1]
    days = (on - since).days
    if days < LEAST_DAYS or km - from_km > days * MOST_KM_PER_DAY:
        return None
    return (km - from_km) / days
