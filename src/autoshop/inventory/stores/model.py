"""Opening hours, calendars and the van between two stores. Pure rules: `now` is passed in."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = time(0, 0)
_LOOK_AHEAD_DAYS = 400  # a store that does not open within a year is closed for good


@dataclass(frozen=True, slots=True)
class Hours:
    """Open from `opens` up to `closes` in local time; `closes` 00:00 means midnight at the end of the day."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a store is open. `week` has one entry a weekday from Monday; None = closed that day.

    A store without any hours (`week` empty) never closes. `closed_dates` are its own, `holidays` those of the network
    that it keeps.
    """

    time_zone: str
    week: tuple[Hours | None, ...] = ()
    closed_dates: frozenset[date] = field(default=frozenset())
    holidays: frozenset[date] = field(default=frozenset())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def hours_on(self, day: date) -> Hours | None:
        """Opening hours of a date, or None when the store is closed all day."""
        if day in self.closed_dates or day in self.holidays:
            return None
        return self.week[day.weekday()] if self.week else Hours(_MIDNIGHT, _MIDNIGHT)

    def bounds_on(self, day: date) -> tuple[datetime, datetime] | None:
        """The instants (UTC) at which the store opens and closes on a date."""
        hours = self.hours_on(day)
        if hours is None:
            return None
        closing_day = day + timedelta(days=1) if hours.closes == _MIDNIGHT else day
        return self.instant(day, hours.opens), self.instant(closing_day, hours.closes)

    def instant(self, day: date, at: time) -> datetime:
        """Local wall time → instant. A time that the clock skips is moved on by the skipped hour."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def next_open(self, at: datetime) -> datetime | None:
        """The first instant from `at` on when somebody can walk in; None when it never opens again."""
        day = at.astimezone(self.zone).date()
        for _ in range(_LOOK_AHEAD_DAYS):
            bounds = self.bounds_on(day)
            if bounds is not None and at < bounds[1]:
                return max(at.astimezone(UTC), bounds[0])
            day += timedelta(days=1)
        return None

    def closes_after(self, at: datetime) -> datetime | None:
        """When the store that is open at `at` closes; None when it is closed then, or never closes."""
        if not (self.week or self.closed_dates or self.holidays):
            return None
        bounds = self.bounds_on(at.astimezone(self.zone).date())
        return bounds[1] if bounds is not None and bounds[0] <= at < bounds[1] else None


@dataclass(frozen=True, slots=True)
class Route:
    """The van from one store to another; on `closed_dates` it does not leave.

    The defaults are the owner's rule: tomorrow after 17:00.
    """

    cutoff: time = time(18, 0)
    days: int = 1
    arrival: time = time(17, 0)
    weekdays: frozenset[int] = frozenset(range(1, 8))
    closed_dates: frozenset[date] = frozenset()

    def next_arrival(self, now: datetime, source: Calendar, destination: Calendar) -> datetime | None:
        """When the buyer can have what is ready now: after the van came, and not before the store is open.

        The van leaves today before the cut-off, else on the next day that it runs and we are open. One that arrives on
        the day it leaves may have been there by now, though its cut-off lies ahead: then the next one brings it.
        """
        local = now.astimezone(source.zone)
        day: date | None = local.date() + timedelta(days=local.time() >= self.cutoff)
        while day is not None and (day := self._departure(day, source)) is not None:
            arrives_at = destination.instant(day + timedelta(days=self.days), self.arrival)
            if arrives_at >= now:
                return destination.next_open(arrives_at)
            day += timedelta(days=1)
        return None

    def _departure(self, day: date, source: Calendar) -> date | None:
        """The first day from this one on which it leaves."""
        for _ in range(_LOOK_AHEAD_DAYS):
            if self.goes_on(day) and source.hours_on(day) is not None:
                return day
            day += timedelta(days=1)
        return None

    def goes_on(self, day: date) -> bool:
        """Whether the van leaves on a date, if the store that sends is open."""
        return day.isoweekday() in self.weekdays and day not in self.closed_dates


OWNERS_RULE = Route()


@dataclass(frozen=True, slots=True)
class Store:
    """A place that holds stock."""

    id: int
    code: str
    name: str
    address: str
    calendar: Calendar
    active: bool
    version: int
    keeps_holidays: bool = True


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which the whole network is closed, but for stores that keep no holidays."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """The holidays of a year; version 0 = nobody has set them."""

    year: int
    version: int
    days: tuple[Holiday, ...]


def days_in(text: str) -> frozenset[date]:
    """Dates as PostgreSQL lists them, `2027-01-01,2027-01-02`; the same text gives the same set."""
    return _days_in(text)


@lru_cache(maxsize=64)
def _days_in(text: str) -> frozenset[date]:
    return frozenset(date.fromisoformat(day) for day in text.split(",") if day)


def week_as_text(week: tuple[Hours | None, ...]) -> dict[str, tuple[str, str]]:
    """The week of a calendar as `parse_week` reads it."""
    return {
        name: (f"{hours.opens:%H:%M}", "24:00" if hours.closes == _MIDNIGHT else f"{hours.closes:%H:%M}")
        for name, hours in zip(WEEKDAYS, week, strict=False)
        if hours is not None
    }


def parse_week(text: str) -> tuple[Hours | None, ...]:
    """`{"mon": ["09:00", "20:00"], …}` → the week of a calendar. ValueError says what is wrong."""
    return _parse_week(text)


@lru_cache(maxsize=2048)
def _parse_week(text: str) -> tuple[Hours | None, ...]:
    try:
        days = msgspec.json.decode(text, type=dict[str, tuple[str, str]])
    except msgspec.MsgspecError as error:
        raise ValueError(f'opening hours must read {{"mon": ["09:00", "20:00"], …}}: {error}') from None
    unknown = set(days) - set(WEEKDAYS)
    if unknown:
        raise ValueError(f"unknown weekday {', '.join(sorted(unknown))}; use {', '.join(WEEKDAYS)}")
    if not days:
        return ()
    return tuple(_parse_hours(*days[day]) if day in days else None for day in WEEKDAYS)


def _parse_hours(opens: str, closes: str) -> Hours:
    hours = Hours(_parse_time(opens), _parse_time("00:00" if closes == "24:00" else closes))
    if hours.closes != _MIDNIGHT and hours.closes <= hours.opens:
        raise ValueError(f"{opens}–{closes}: a store must close after it opens; write 24:00 for midnight")
    return hours


def _parse_time(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a wall time has no zone
    except ValueError:
        raise ValueError(f"«{text}» is no time such as 09:00") from None
