"""Closed periods as plain data, and the rules about dates on papers."""

from dataclasses import dataclass
from datetime import date, datetime

from autoshop.kit.errors import Conflict, Invalid, NotFound, wrong

MOST_YEARS = 10  # an older paper was never entered here, or its year is a slip


@dataclass(frozen=True, slots=True)
class Period:
    """Everything up to and including `ends_on` is closed, until it is reopened.

    `balanced_at` is when the closing balances were written, `row_count` how many they are.
    """

    id: int
    ends_on: date
    closed_by: str
    closed_at: datetime
    balanced_at: datetime | None
    row_count: int | None
    reopened_by: str | None
    reopened_at: datetime | None
    reason: str | None
    version: int

    @property
    def status(self) -> str:
        """`closing` until its balances are there: dates within are refused already; `closed`, `reopened`."""
        if self.reopened_at is not None:
            return "reopened"
        return "closed" if self.balanced_at is not None else "closing"


@dataclass(frozen=True, slots=True)
class Dates:
    """What decides about a date at a store: its today, and up to when everything is closed."""

    today: date
    closed_on: date | None


class UnknownPeriod(NotFound):
    title = "Unknown period"


class PeriodClosed(Conflict):
    title = "The period is closed"

    def explain(self) -> str:
        closed_on, effective_on = self.facts["closed_on"], self.facts["effective_on"]
        return (
            f"Everything up to {closed_on} is closed, so nothing can be dated {effective_on}. "
            f"Leave the date out or take a later one; a manager can reopen the last period"
        )


class NotOverYet(Conflict):
    title = "The period is not over yet"

    def explain(self) -> str:
        return f"{self.facts['ends_on']} can be closed once it is over in every store; the last such day is " + str(
            self.facts["last_possible"]
        )


class ClosedAlready(Conflict):
    title = "Closed already"

    def explain(self) -> str:
        return f"Everything up to {self.facts['closed_on']} is closed; a further period ends on a later day"


class NotTheLast(Conflict):
    title = "Not the last period"

    def explain(self) -> str:
        return f"Only the last closed period can be reopened: {self.facts['last_period_id']}"


class ReopenedAlready(Conflict):
    title = "Reopened already"


def check_date(effective_on: date, dates: Dates, field: str) -> None:
    """Refuse a date that no paper of today can have, or that lies in a closed period."""
    if effective_on > dates.today:
        raise _wrong(field, f"must not lie in the future; at the store it is {dates.today}")
    if (effective_on.year + MOST_YEARS, effective_on.month, effective_on.day) < dates.today.timetuple()[:3]:
        raise _wrong(field, f"must not be older than {MOST_YEARS} years; check the year")
    if dates.closed_on is not None and effective_on <= dates.closed_on:
        raise PeriodClosed(field=field, effective_on=effective_on.isoformat(), closed_on=dates.closed_on.isoformat())


def _wrong(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", errors=[wrong(field, reason)])
