"""Status and ETA: the owner's rule «tomorrow after 17:00», and everything that bends it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.availability.model import UNAVAILABLE, Arrival, Availability, availability
from autoshop.inventory.stores.model import Calendar, Hours, Route, Store, parse_week, week_as_text

MOSCOW = "Europe/Moscow"
SHOP_HOURS = Hours(time(9), time(20))
WEEKDAYS_ONLY = (SHOP_HOURS,) * 5 + (None, None)
EVERY_DAY = (SHOP_HOURS,) * 7
NEVER = (None,) * 7


def store(store_id: int, zone: str = MOSCOW, week: tuple[Hours | None, ...] = EVERY_DAY, *closed: date) -> Store:
    return Store(store_id, f"s{store_id}", "", "", Calendar(zone, week, frozenset(closed)), True, 1)


def at(text: str, zone: str = MOSCOW) -> datetime:
    """Wall time in a zone. 2026-06-01 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def seen(
    now: datetime,
    *stores: Store,
    available: Mapping[int, int] | None = None,
    arrivals: tuple[Arrival, ...] = (),
    routes: Mapping[tuple[int, int], Route] | None = None,
    lead_time_days: int | None = None,
) -> Availability:
    """The availability at the first of the stores."""
    found = availability(now, stores, available or {}, arrivals, routes or {}, lead_time_days)
    assert found.keys() == {one.id for one in stores}
    return found[stores[0].id]


# ------------------------------------------------------------------------------------------------ unavailable
def test_nobody_has_it_and_nobody_knows_a_lead_time() -> None:
    assert seen(at("2026-06-01 12:00"), store(1), store(2)) == UNAVAILABLE
    assert UNAVAILABLE.eta_minutes(at("2026-06-01 12:00")) is None


def test_a_store_out_of_business_promises_nothing_though_pieces_lie_there() -> None:
    closed = replace(store(1), active=False)
    assert seen(at("2026-06-01 12:00"), closed, available={1: 5}) == UNAVAILABLE


def test_a_store_out_of_business_sends_nothing() -> None:
    source = replace(store(2), active=False)
    assert seen(at("2026-06-01 12:00"), store(1), source, available={2: 5}) == UNAVAILABLE


def test_reserved_pieces_are_not_available() -> None:
    assert seen(at("2026-06-01 12:00"), store(1), available={1: 0}) == UNAVAILABLE


def test_a_store_that_never_opens_sends_nothing_and_receives_nothing() -> None:
    now = at("2026-06-01 12:00")
    assert seen(now, store(1), store(2, MOSCOW, NEVER), available={2: 5}) == UNAVAILABLE
    assert seen(now, store(1, MOSCOW, NEVER), store(2), available={2: 5}) == UNAVAILABLE
    assert seen(now, store(1, MOSCOW, NEVER), lead_time_days=1) == UNAVAILABLE


def test_pieces_in_a_store_that_never_opens_are_on_hand_without_a_promise() -> None:
    found = seen(at("2026-06-01 12:00"), store(1, MOSCOW, NEVER), available={1: 5})
    assert (found.status, found.eta_at) == ("on_hand", None)


# ------------------------------------------------------------------------------------------------ on hand
@pytest.mark.parametrize(
    ("now", "eta"),
    [
        ("2026-06-01 08:59", "2026-06-01 09:00"),
        ("2026-06-01 09:00", "2026-06-01 09:00"),
        ("2026-06-01 19:59", "2026-06-01 19:59"),
        ("2026-06-01 20:00", "2026-06-02 09:00"),
        ("2026-06-05 20:00", "2026-06-08 09:00"),  # Friday evening → Monday
        ("2026-06-06 12:00", "2026-06-08 09:00"),  # Saturday
    ],
)
def test_on_hand_means_as_soon_as_the_store_is_open(now: str, eta: str) -> None:
    found = seen(at(now), store(1, MOSCOW, WEEKDAYS_ONLY), available={1: 1})
    assert (found.status, found.eta_at) == ("on_hand", at(eta))


def test_on_hand_wins_over_everything_that_comes() -> None:
    now = at("2026-06-01 21:00")  # closed until tomorrow 9:00, while a delivery would come tonight
    found = seen(now, store(1), store(2), available={1: 1, 2: 9}, arrivals=(Arrival(1, 5, now + timedelta(hours=1)),))
    assert (found.status, found.eta_at) == ("on_hand", at("2026-06-02 09:00"))


def test_a_closed_date_is_passed_over() -> None:
    holiday = store(1, MOSCOW, EVERY_DAY, date(2026, 6, 12))
    assert seen(at("2026-06-12 12:00"), holiday, available={1: 1}).eta_at == at("2026-06-13 09:00")


def test_a_store_without_hours_is_always_open() -> None:
    now = at("2026-06-01 03:00")
    assert seen(now, store(1, MOSCOW, ()), available={1: 1}).eta_at == now


def test_a_store_without_hours_still_keeps_its_holidays() -> None:
    found = seen(at("2026-01-01 03:00"), store(1, MOSCOW, (), date(2026, 1, 1)), available={1: 1})
    assert found.eta_at == at("2026-01-02 00:00")


@pytest.mark.parametrize(
    ("now", "eta"),
    [("2026-06-01 23:59", "2026-06-01 23:59"), ("2026-06-02 00:00", "2026-06-02 09:00")],
)
def test_open_until_24_00_means_midnight_at_the_end_of_the_day(now: str, eta: str) -> None:
    late = store(1, MOSCOW, (Hours(time(9), time(0)),) * 7)
    assert seen(at(now), late, available={1: 1}).eta_at == at(eta)


# ------------------------------------------------------------------------------------------------ transfer
@pytest.mark.parametrize(
    ("now", "eta"),
    [
        ("2026-06-01 17:59", "2026-06-02 17:00"),  # the owner's rule: tomorrow after 17:00
        ("2026-06-01 17:59:59.999999", "2026-06-02 17:00"),
        ("2026-06-01 18:00", "2026-06-03 17:00"),  # at the cut-off the van has left
        ("2026-06-01 18:01", "2026-06-03 17:00"),
        ("2026-06-01 00:00", "2026-06-02 17:00"),
        ("2026-06-01 23:59", "2026-06-03 17:00"),
    ],
)
def test_a_transfer_comes_tomorrow_after_five_if_ordered_before_the_cutoff(now: str, eta: str) -> None:
    found = seen(at(now), store(1), store(2), available={2: 1})
    assert (found.status, found.eta_at, found.from_store_id) == ("transfer_1d", at(eta), 2)


@pytest.mark.parametrize(
    ("now", "eta"),
    [
        ("2026-06-05 12:00", "2026-06-06 17:00"),  # Friday: leaves, arrives on Saturday
        ("2026-06-05 18:00", "2026-06-09 17:00"),  # missed on Friday: leaves on Monday, there on Tuesday
        ("2026-06-06 12:00", "2026-06-09 17:00"),
    ],
)
def test_nothing_leaves_a_closed_source(now: str, eta: str) -> None:
    assert seen(at(now), store(1), store(2, MOSCOW, WEEKDAYS_ONLY), available={2: 1}).eta_at == at(eta)


def test_nothing_leaves_on_a_closed_date_of_the_source() -> None:
    source = store(2, MOSCOW, EVERY_DAY, date(2026, 6, 1), date(2026, 6, 2))
    assert seen(at("2026-06-01 12:00"), store(1), source, available={2: 1}).eta_at == at("2026-06-04 17:00")


def test_a_buyer_cannot_come_while_the_destination_is_closed() -> None:
    found = seen(at("2026-06-05 12:00"), store(1, MOSCOW, WEEKDAYS_ONLY), store(2), available={2: 1})
    assert found.eta_at == at("2026-06-08 09:00")  # the van comes on Saturday, the buyer on Monday


def test_an_explicit_route_replaces_the_owners_rule() -> None:
    route = Route(cutoff=time(10), days=0, arrival=time(15), weekdays=frozenset({1, 3}))
    for now, eta in [
        ("2026-06-01 09:59", "2026-06-01 15:00"),
        ("2026-06-01 10:00", "2026-06-03 15:00"),
        ("2026-06-03 12:00", "2026-06-08 15:00"),
    ]:
        found = seen(at(now), store(1), store(2), available={2: 1}, routes={(2, 1): route})
        assert (found.eta_at, found.from_store_id) == (at(eta), 2), now


def test_a_route_counts_in_its_direction_only() -> None:
    there = {(1, 2): Route(days=5)}
    assert seen(at("2026-06-01 12:00"), store(1), store(2), available={2: 1}, routes=there).eta_at == at(
        "2026-06-02 17:00"
    )


def test_a_van_that_arrives_after_closing_serves_the_next_morning() -> None:
    route = {(2, 1): Route(arrival=time(21))}
    assert seen(at("2026-06-01 12:00"), store(1), store(2), available={2: 1}, routes=route).eta_at == at(
        "2026-06-03 09:00"
    )


def test_the_fullest_of_equal_sources_sends() -> None:
    found = seen(at("2026-06-01 12:00"), store(1), store(2), store(3), available={2: 1, 3: 7})
    assert found.from_store_id == 3


def test_the_quicker_source_sends_though_another_has_more() -> None:
    routes = {(3, 1): Route(days=4)}
    found = seen(at("2026-06-01 12:00"), store(1), store(2), store(3), available={2: 1, 3: 70}, routes=routes)
    assert found.from_store_id == 2


# ------------------------------------------------------------------------------------------------ time zones
@pytest.mark.parametrize(
    ("source", "destination", "now_utc", "eta"),
    [
        # 17:59 in Moscow is past every cut-off further east
        (MOSCOW, "Asia/Vladivostok", "2026-06-01 14:59", ("2026-06-02 17:00", "Asia/Vladivostok")),
        (MOSCOW, "Asia/Vladivostok", "2026-06-01 15:00", ("2026-06-03 17:00", "Asia/Vladivostok")),
        ("Asia/Vladivostok", MOSCOW, "2026-06-01 07:59", ("2026-06-02 17:00", MOSCOW)),
        ("Asia/Vladivostok", MOSCOW, "2026-06-01 08:00", ("2026-06-03 17:00", MOSCOW)),
        # 20:00 UTC on Monday is already Tuesday in Yekaterinburg: its van leaves on Tuesday
        ("Asia/Yekaterinburg", MOSCOW, "2026-06-01 20:00", ("2026-06-03 17:00", MOSCOW)),
        (MOSCOW, "Asia/Yekaterinburg", "2026-06-01 14:59", ("2026-06-02 17:00", "Asia/Yekaterinburg")),
    ],
)
def test_the_cutoff_is_the_senders_time_and_the_arrival_the_receivers(
    source: str, destination: str, now_utc: str, eta: tuple[str, str]
) -> None:
    now = datetime.fromisoformat(now_utc).replace(tzinfo=UTC)
    found = seen(now, store(1, destination), store(2, source), available={2: 1})
    assert found.eta_at == at(*eta)


@pytest.mark.parametrize(
    ("now", "eta", "hours"),
    [
        ("2026-03-28 12:00", "2026-03-29 17:00", 28),  # clocks go forward in the night: an hour less
        ("2026-10-24 12:00", "2026-10-25 17:00", 30),  # and back: an hour more
        ("2026-06-01 12:00", "2026-06-02 17:00", 29),
    ],
)
def test_an_eta_is_wall_time_also_over_a_change_of_the_clock(now: str, eta: str, hours: int) -> None:
    berlin = "Europe/Berlin"
    found = seen(at(now, berlin), store(1, berlin), store(2, berlin), available={2: 1})
    assert found.eta_at == at(eta, berlin)
    assert found.eta_minutes(at(now, berlin)) == hours * 60


def test_a_time_that_the_clock_skips_is_moved_on() -> None:
    # 2026-03-29 02:30 does not exist in Berlin: the shop opens when the clock shows 03:30
    night = store(1, "Europe/Berlin", (Hours(time(2, 30), time(4)),) * 7)
    found = seen(at("2026-03-29 00:00", "Europe/Berlin"), night, available={1: 1})
    assert found.eta_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_time_that_comes_twice_is_taken_at_its_first_coming() -> None:
    night = store(1, "Europe/Berlin", (Hours(time(2, 30), time(4)),) * 7)
    found = seen(at("2026-10-25 00:00", "Europe/Berlin"), night, available={1: 1})
    assert found.eta_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


# ------------------------------------------------------------------------------------------------ transit
def test_pieces_on_the_way_are_promised_for_their_arrival() -> None:
    now = at("2026-06-01 12:00")
    found = seen(now, store(1), arrivals=(Arrival(1, 2, at("2026-06-01 17:00")),))
    assert (found.status, found.eta_at, found.from_store_id) == ("in_transit", at("2026-06-01 17:00"), None)


def test_pieces_on_the_way_to_another_store_do_not_count() -> None:
    now = at("2026-06-01 12:00")
    assert seen(now, store(1), store(2), arrivals=(Arrival(2, 2, at("2026-06-01 17:00")),)) == UNAVAILABLE


@pytest.mark.parametrize(
    ("now", "eta"),
    [
        ("2026-06-01 17:00", "2026-06-02 17:00"),  # due this minute and not here: tomorrow
        ("2026-06-01 17:01", "2026-06-02 17:00"),
        ("2026-06-04 16:59", "2026-06-04 17:00"),  # three days late
        ("2026-06-04 17:01", "2026-06-05 17:00"),
    ],
)
def test_overdue_pieces_are_promised_for_the_same_hour_of_the_next_day(now: str, eta: str) -> None:
    found = seen(at(now), store(1), arrivals=(Arrival(1, 2, at("2026-06-01 17:00")),))
    assert (found.status, found.eta_at) == ("in_transit", at(eta))


def test_arrivals_after_closing_wait_for_the_morning() -> None:
    found = seen(at("2026-06-01 12:00"), store(1), arrivals=(Arrival(1, 2, at("2026-06-01 22:00")),))
    assert found.eta_at == at("2026-06-02 09:00")


# ------------------------------------------------------------------------------------------------ supplier
@pytest.mark.parametrize(
    ("days", "now", "eta"),
    [
        (3, "2026-06-01 12:00", "2026-06-04 17:00"),
        (0, "2026-06-01 12:00", "2026-06-01 17:00"),
        (0, "2026-06-01 18:30", "2026-06-01 18:30"),  # never in the past
        (0, "2026-06-01 21:00", "2026-06-02 09:00"),
        (5, "2026-06-01 12:00", "2026-06-08 09:00"),  # a Saturday on which the store is closed
    ],
)
def test_a_known_lead_time_makes_a_backorder(days: int, now: str, eta: str) -> None:
    found = seen(at(now), store(1, MOSCOW, WEEKDAYS_ONLY), lead_time_days=days)
    assert (found.status, found.eta_at) == ("backorder", at(eta))


@pytest.mark.parametrize(
    ("transit", "days", "status"),
    [
        ("2026-06-02 12:00", 3, "in_transit"),
        ("2026-06-09 12:00", 3, "transfer_1d"),
        ("2026-06-09 12:00", 0, "backorder"),
    ],
)
def test_the_earliest_of_transit_transfer_and_supplier_wins(transit: str, days: int, status: str) -> None:
    found = seen(
        at("2026-06-01 12:00"),
        store(1),
        store(2),
        available={2: 1},
        arrivals=(Arrival(1, 1, at(transit)),),
        lead_time_days=days,
    )
    assert found.status == status


# ------------------------------------------------------------------------------------------------ laws
HOURS = st.one_of(
    st.none(),
    st.builds(
        lambda opens, length: Hours(time(opens), time((opens + length) % 24)),
        st.integers(0, 22),
        st.integers(1, 1),
    ),
    st.just(SHOP_HOURS),
    st.just(Hours(time(0), time(0))),
)
CALENDARS = st.builds(
    lambda zone, week, closed: Calendar(zone, week, frozenset(closed)),
    st.sampled_from([MOSCOW, "Asia/Vladivostok", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "UTC"]),
    st.one_of(st.just(()), st.tuples(*[HOURS] * 7)),
    st.sets(st.dates(date(2026, 3, 20), date(2026, 4, 5)), max_size=5),
)
MOMENTS = st.integers(0, 230 * 24 * 60).map(
    lambda minutes: datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=minutes)  # over both changes of the clock
)


@given(calendar=CALENDARS, now=MOMENTS)
def test_the_store_is_open_when_we_say_so_and_not_before(calendar: Calendar, now: datetime) -> None:
    opening = calendar.next_open(now)
    if opening is None:
        assert not any(calendar.week)
        return
    assert opening >= now
    assert calendar.next_open(opening) == opening
    if opening > now:
        assert calendar.next_open(opening - timedelta(microseconds=1)) == opening


@given(here=CALENDARS, there=CALENDARS, now=MOMENTS, pieces=st.integers(0, 3), days=st.none() | st.integers(0, 9))
def test_a_promise_is_never_in_the_past(
    here: Calendar, there: Calendar, now: datetime, pieces: int, days: int | None
) -> None:
    stores = [replace(store(1), calendar=here), replace(store(2), calendar=there)]
    for found in availability(now, stores, {2: pieces}, [Arrival(1, 1, now)], {}, days).values():
        assert found.eta_at is None or found.eta_at >= now
        assert (found.eta_minutes(now) or 0) >= 0


@given(calendar=CALENDARS)
def test_a_week_reads_back_as_it_was_written(calendar: Calendar) -> None:
    import msgspec

    written = msgspec.json.encode(week_as_text(calendar.week)).decode()
    assert parse_week(written) == (calendar.week if any(calendar.week) else ())


@pytest.mark.parametrize(
    ("now", "eta", "minutes"),
    [
        ("2026-06-01 12:00:00", "2026-06-01 12:00:00", 0),
        ("2026-06-01 12:00:00", "2026-06-01 12:00:01", 1),
        ("2026-06-01 12:00:00", "2026-06-01 12:01:00", 1),
        ("2026-06-01 12:00:30", "2026-06-01 13:00:00", 60),
        ("2026-06-01 12:00:00", "2026-06-01 11:00:00", 0),
    ],
)
def test_minutes_are_whole_and_rounded_up(now: str, eta: str, minutes: int) -> None:
    assert Availability("on_hand", at(eta)).eta_minutes(at(now)) == minutes


@pytest.mark.parametrize(
    "text",
    [
        "[]", "null", '{"mon": "09:00"}', '{"mon": ["09:00"]}', '{"mon": ["20:00", "09:00"]}', '{"mon": ["9", "20"]}',
        '{"monday": ["09:00", "20:00"]}', '{"mon": ["09:00", "25:00"]}', '{"mon": ["24:00", "24:00"]}',
        '{"mon": ["09:00", "09:00"]}',
    ],
)  # fmt: skip
def test_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_week(text)
