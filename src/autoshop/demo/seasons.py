"""When things happen in the demo shop: the eighteen months, the year's and the week's rhythm, the till."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Moscow")
MONTHS = 18
DAY = 24 * 60 * 60

# Hours in which both stores sell, so that a generated sale never falls into the night.
OPENS, CLOSES = 9 * 3600, 20 * 3600
SUNDAY_OPENS, SUNDAY_CLOSES = 10 * 3600, 18 * 3600
SUNDAY = 6

WEEK = (1.0, 0.95, 0.95, 1.0, 1.15, 1.35, 0.6)
HOURS = (0.6, 0.9, 1.1, 1.1, 1.0, 0.9, 0.9, 1.0, 1.2, 1.3, 1.0)  # 9 to 20 o'clock
TRENDS = (-0.9, -0.35, 0.0, 0.0, 0.25, 0.7)  # logarithm of the change over the whole time


@dataclass(frozen=True)
class Period:
    """From local midnight of `first` to `end` (UTC), the last moment at which anything happened."""

    first: date
    end: datetime

    @classmethod
    def until(cls, now: datetime) -> "Period":
        """The eighteen months before `now`. They end five minutes ago, or when the shops last closed."""
        local = now.astimezone(ZONE)
        day = local.date()
        if local < _at(day, _opens(day)) + timedelta(minutes=20):
            day -= timedelta(days=1)
        end = min(local, _at(day, _closes(day))) - timedelta(minutes=5)
        months = day.year * 12 + day.month - 1 - MONTHS
        first = date(months // 12, months % 12 + 1, min(day.day, 28))
        return cls(first, end.replace(microsecond=0).astimezone(UTC))

    @cached_property
    def days(self) -> int:
        """Days in it, the last one not a whole one."""
        return (self.end.astimezone(ZONE).date() - self.first).days + 1

    @cached_property
    def end_second(self) -> int:
        """`end` in seconds since the first midnight. Moscow does not turn its clocks."""
        return round((self.end - self.midnight(0)).total_seconds())

    def date(self, day: int) -> date:
        return self.first + timedelta(days=day)

    def midnight(self, day: int) -> datetime:
        return _at(self.date(day), 0).astimezone(UTC)

    def weekday(self, day: int) -> int:
        return (self.first.weekday() + day) % 7

    def curve(self, months: tuple[float, ...], trend: float) -> list[float]:
        """Demand up to the end of each day, in average days: season × weekday × trend.

        A sale at u average days happens on day `bisect_right(curve, u)`: an even stream of sales, stretched.
        """
        growth = trend / self.days
        level = math.exp(-trend / 2)
        mean = sum(WEEK) / 7
        return list(
            accumulate(
                season(months, self.date(day))
                * WEEK[self.weekday(day)] / mean
                * level * math.exp(growth * day)
                for day in range(self.days)
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Till:
    """The seconds of a day at which somebody pays. Sales in one second of one store are one receipt."""

    week: tuple[int, ...]
    sunday: tuple[int, ...]

    @classmethod
    def for_sales(cls, sales_a_day: float) -> "Till":
        """So many moments that about a third of the receipts have two lines or more."""
        moments = max(40, round(sales_a_day * 1.5))
        week = _spread(moments, OPENS, HOURS)
        sunday = _spread(moments, SUNDAY_OPENS, HOURS[1:9])
        return cls(week, sunday)

    def moments(self, weekday: int) -> tuple[int, ...]:
        return self.sunday if weekday == SUNDAY else self.week


def season(months: tuple[float, ...], day: date) -> float:
    """The month's factor, sliding from the middle of one month to the middle of the next."""
    position = day.month - 1 + (day.day - 15.5) / 30.5
    month = math.floor(position)
    part = position - month
    return months[month % 12] * (1 - part) + months[(month + 1) % 12] * part


def _spread(moments: int, opens: int, hours: tuple[float, ...]) -> tuple[int, ...]:
    """`moments` seconds, dense in the busy hours; the last two minutes of the day are left free."""
    total = sum(hours)
    shares = [0.0, *accumulate(hour / total for hour in hours)]
    seconds, hour = [], 0
    for moment in range(moments):
        share = (moment + 0.5) / moments
        while share > shares[hour + 1]:
            hour += 1
        inside = (share - shares[hour]) / (shares[hour + 1] - shares[hour])
        seconds.append(opens + int((hour + inside) * 3600 * (1 - 120 / (len(hours) * 3600))))
    return tuple(seconds)


def _opens(day: date) -> int:
    return SUNDAY_OPENS if day.weekday() == SUNDAY else OPENS


def _closes(day: date) -> int:
    return SUNDAY_CLOSES if day.weekday() == SUNDAY else CLOSES


def _at(day: date, second: int) -> datetime:
    return datetime.combine(day, time(0), ZONE) + timedelta(seconds=second)
