"""The next van that brings anything: never one that has been there already."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.stores.model import Calendar, Hours, Route

MOSCOW = "Europe/Moscow"
SENDER = Calendar(MOSCOW, (Hours(time(9), time(20)),) * 7)
RECEIVER = Calendar(MOSCOW, (Hours(time(9), time(20)),) * 5 + (None, None))
SAME_DAY = Route(cutoff=time(18), days=0, arrival=time(15))
ON_MONDAYS = Route(cutoff=time(18), days=0, arrival=time(15), weekdays=frozenset({1}))
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", MOSCOW, "America/New_York")


def at(text: str) -> datetime:
    """Wall time in Moscow. 2026-06-01 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(MOSCOW)).astimezone(UTC)


@pytest.mark.parametrize(
    ("route", "now", "eta"),
    [
        # The van of today was there at three: what is ready at four comes with that of tomorrow.
        (SAME_DAY, "2026-06-01 14:59", "2026-06-01 15:00"),
        (SAME_DAY, "2026-06-01 15:00", "2026-06-01 15:00"),
        (SAME_DAY, "2026-06-01 15:01", "2026-06-02 15:00"),
        (ON_MONDAYS, "2026-06-01 16:00", "2026-06-08 15:00"),
        (SAME_DAY, "2026-06-06 16:00", "2026-06-08 09:00"),  # it comes on Sunday, the buyer on Monday
        (Route(cutoff=time(0, 1), days=0, arrival=time(0)), "2026-06-01 00:00", "2026-06-01 09:00"),
        (Route(), "2026-06-01 17:59", "2026-06-02 17:00"),
        (Route(), "2026-06-01 18:00", "2026-06-03 17:00"),
    ],
)
def test_a_van_that_has_been_there_brings_nothing_more(route: Route, now: str, eta: str) -> None:
    assert route.next_arrival(at(now), SENDER, RECEIVER) == at(eta)


@given(
    hours=st.floats(0, 8_760),
    cutoff=st.times(),
    arrival=st.times(),
    days=st.integers(0, 3),
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
)
def test_no_eta_is_ever_in_the_past(
    hours: float, cutoff: time, arrival: time, days: int, zones: tuple[str, str]
) -> None:
    """Whatever the timetable says, and wherever on the earth the two stores are."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    eta_at = Route(cutoff=cutoff, days=days, arrival=arrival).next_arrival(now, *map(Calendar, zones))
    assert eta_at is not None
    assert now <= eta_at <= now + timedelta(days=days + 4)
