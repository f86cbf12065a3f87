"""Holidays of the network, a store's own closed dates and days without a van: what each puts off."""

from dataclasses import replace
from datetime import date

from autoshop.inventory.stores.model import Calendar, Route
from tests.unit.test_availability import EVERY_DAY, MOSCOW, at, seen, store

HOLIDAYS = frozenset({date(2026, 6, 2), date(2026, 6, 3)})


def test_holidays_close_the_stores_that_keep_them_beside_their_own_closed_dates() -> None:
    keeping = replace(store(1, MOSCOW, EVERY_DAY, date(2026, 6, 4)).calendar, holidays=HOLIDAYS)
    ignoring = store(1, MOSCOW, EVERY_DAY, date(2026, 6, 4)).calendar
    night = at("2026-06-01 21:00")
    assert keeping.next_open(night) == at("2026-06-05 09:00")
    assert ignoring.next_open(night) == at("2026-06-02 09:00")


def test_a_store_without_hours_closes_at_night_before_a_holiday_of_the_network() -> None:
    always = Calendar(MOSCOW, (), frozenset(), HOLIDAYS)
    assert always.closes_after(at("2026-06-01 12:00")) == at("2026-06-02 00:00")


def test_no_van_leaves_a_source_that_keeps_a_holiday() -> None:
    source = replace(store(2), calendar=replace(store(2).calendar, holidays=HOLIDAYS))
    found = seen(at("2026-06-01 19:00"), store(1), source, available={2: 1})
    assert found.eta_at == at("2026-06-05 17:00")


def test_the_van_of_one_route_stays_at_home_on_its_closed_dates() -> None:
    route = {(2, 1): Route(closed_dates=HOLIDAYS)}
    found = seen(at("2026-06-01 19:00"), store(1), store(2), available={2: 1}, routes=route)
    assert found.eta_at == at("2026-06-05 17:00")
