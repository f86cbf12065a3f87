"""How far a car has gone and what is due of it: from what was read and done, and nothing that was not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from autoshop.kit.errors import Refusal
from autoshop.selection.garage import texts
from autoshop.selection.garage.due import Due, covers, due, months_after
from autoshop.selection.garage.model import (
    Done,
    History,
    NotThatDay,
    NotThatYear,
    Reading,
    RunsBackwards,
    check_day,
    check_order,
    check_year,
)
from autoshop.selection.garage.odometer import Mileage, mileage
from autoshop.selection.kits.facts import known

TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def read(*lines: tuple[date, int]) -> History:
    return History(tuple(Reading(number, on, km) for number, (on, km) in enumerate(lines, 1)))


def at(km: int, per_year: int | None = None) -> Mileage:
    return Mileage(km, TODAY, per_year, km, False)


def done(kit: str, on: date | None = None, km: int | None = None, number: int = 1) -> Done:
    return Done(number, kit, None, on, km)


def of(kit: str, found: list[Due]) -> Due:
    return next(one for one in found if one.kit.kit == kit)


# ------------------------------------------------------------------------------------------------ the odometer
def test_nobody_read_it_and_nothing_is_known() -> None:
    assert mileage(History(), TODAY) is None


def test_one_reading_does_not_say_how_far_somebody_drives() -> None:
    found = mileage(read((date(2026, 1, 1), 50_000)), TODAY)
    assert found == Mileage(50_000, date(2026, 1, 1), None, 50_000, False)
    assert "после второй записи" in texts.driven(found, "ru")


def test_two_readings_say_it_and_where_the_car_is_by_now() -> None:
    found = mileage(read((date(2025, 11, 26), 40_000), (date(2026, 5, 28), 46_000)), TODAY)
    assert found is not None
    assert (found.km, found.km_per_year, found.estimated) == (46_000, 12_000, True)
    assert found.now_km == 52_000
    assert texts.driven(found, "ru") == "в год около 12\u00a0000 км"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([(date(2026, 11, 1), 50_000), (date(2026, 11, 20), 51_000)], "less than a month lies between them"),
        (
            [(date(2026, 1, 1), 50_000), (date(2026, 6, 1), 40_000)],
            "it runs backwards, as a claimed garage may",
        ),
        ([(date(2026, 1, 1), 50_000), (date(2026, 3, 1), 500_000)], "nobody drives so far: a slip of the pen"),
    ],
)
def test_readings_that_do_not_say_how_far_somebody_drives(lines: list[tuple[date, int]], why: str) -> None:
    found = mileage(read(*lines), TODAY)
    assert found is not None
    assert found.km_per_year is None, why
    assert found.now_km == found.km


def test_how_somebody_drove_years_ago_says_nothing_of_now() -> None:
    lines = [(date(2015, 1, 1), 0), (date(2025, 11, 26), 200_000), (date(2026, 11, 26), 205_000)]
    found = mileage(read(*lines), TODAY)
    assert found is not None
    assert found.km_per_year == 5_000


def test_a_service_with_date_and_mileage_is_a_reading_too() -> None:
    history = History((), (done("oil_change", date(2026, 10, 1), 70_000), done("to15", None, 90_000, 2)))
    found = mileage(history, TODAY)
    assert found is not None
    assert (found.km, found.on) == (70_000, date(2026, 10, 1))


# ------------------------------------------------------------------------------------------------ what is due
def test_without_a_word_everything_is_unknown_and_it_is_said_what_to_do() -> None:
    found = due(known(), "petrol", None, [], None, TODAY)
    assert {one.state for one in found} == {"unknown"}
    assert {texts.when(one, "ru") for one in found} == {"неизвестно, когда делали: впишите"}
    assert {texts.since(one, "ru") for one in found} == {""}


def test_a_job_follows_from_the_last_time_by_mileage_or_by_date_whichever_is_sooner() -> None:
    last = done("oil_change", date(2026, 5, 1), 60_000)
    soon = of("oil_change", due(known(), "petrol", 2018, [last], at(69_000), TODAY))
    assert (soon.state, soon.basis, soon.due_km, soon.due_on) == ("soon", "service", 70_000, date(2027, 5, 1))
    assert texts.when(soon, "ru") == "на 70\u00a0000 км, осталось 1\u00a0000 км или 01.05.2027, что раньше"
    assert texts.since(soon, "ru") == "после замены 01.05.2026 на 60\u00a0000 км"
    over = of("oil_change", due(known(), "petrol", 2018, [last], at(70_500), TODAY))
    assert texts.when(over, "ru") == "пора: срок был на 70\u00a0000 км, прошли ещё 500 км"
    late = of("oil_change", due(known(), "petrol", 2018, [last], at(61_000), date(2027, 5, 1)))
    assert texts.when(late, "en") == "due since 01.05.2027"


def test_how_somebody_drives_says_when_that_will_be() -> None:
    last = done("ignition", None, 60_000)
    found = of("ignition", due(known(), "petrol", 2018, [last], at(60_000, 15_000), TODAY))
    assert found.expected_on == TODAY + timedelta(days=730)
    assert "если ездить как сейчас" in texts.when(found, "ru")


def test_a_bigger_job_counts_for_what_is_in_it() -> None:
    found = due(known(), "petrol", 2018, [done("to60", date(2026, 11, 1), 60_000)], at(61_000), TODAY)
    assert of("oil_change", found).due_km == 70_000
    assert of("to15", found).due_km == 75_000
    assert of("timing", found).state == "unknown"
    assert not covers(known(), "to30", "ignition")
    assert not covers(known(), "oil_change", "to15")


def test_what_is_part_of_a_bigger_job_that_is_due_is_not_told_twice() -> None:
    last = done("to60", date(2020, 1, 1), 10_000)
    found = due(known(), "petrol", 2015, [last], at(200_000), TODAY)
    told = {one.kit.kit for one in found if one.state == "due"}
    assert "to60" in told
    assert not told & {"to15", "to30", "to45", "oil_change"}


def test_a_young_car_has_its_first_service_from_the_factory() -> None:
    found = of("to15", due(known(), "petrol", 2026, [], at(9_000), TODAY))
    assert (found.state, found.basis, found.due_km, found.left_km) == ("later", "factory", 15_000, 6_000)
    assert texts.since(found, "ru") == "с завода"


@pytest.mark.parametrize(
    ("year", "km", "why"),
    [
        (2018, 9_000, "it stood for years: its oil is too old, or was changed by somebody"),
        (2026, 15_000, "it has gone so far that it must have been done"),
        (2018, 120_000, "both"),
        (2025, 9_000, "it may have been made in January of the year before"),
        (None, 9_000, "nobody knows how old it is"),
    ],
)
def test_of_a_car_that_is_not_young_nobody_knows(year: int | None, km: int, why: str) -> None:
    found = of("to15", due(known(), "petrol", year, [], at(km), TODAY))
    assert (found.state, found.basis) == ("unknown", "unknown"), why


def test_a_service_without_what_it_has_to_be_compared_with_is_unknown_and_says_what_is_missing() -> None:
    no_mileage = of("ignition", due(known(), "petrol", 2018, [done("ignition", date(2026, 1, 1))], at(60_000), TODAY))
    assert no_mileage.state == "unknown"
    assert "на каком пробеге" in texts.when(no_mileage, "ru")
    never_read = of("ignition", due(known(), "petrol", 2018, [done("ignition", None, 60_000)], None, TODAY))
    assert (never_read.state, never_read.due_km) == ("unknown", 90_000)
    assert "сколько на одометре сейчас" in texts.when(never_read, "ru")


def test_the_later_of_two_services_counts_however_they_were_written_down() -> None:
    by_date = [done("oil_change", date(2026, 6, 1), None, 1), done("oil_change", date(2024, 6, 1), 40_000, 2)]
    found = of("oil_change", due(known(), "petrol", 2018, by_date, at(60_000), TODAY))
    assert (found.since_on, found.since_km, found.due_km) == (date(2026, 6, 1), None, None)
    by_km = [done("oil_change", None, 70_000, 1), done("oil_change", None, 60_000, 2)]
    assert of("oil_change", due(known(), "petrol", 2018, by_km, at(71_000), TODAY)).since_km == 70_000
    by_neither = [done("oil_change", date(2026, 6, 1), None, 1), done("oil_change", None, 70_000, 2)]
    assert of("oil_change", due(known(), "petrol", 2018, by_neither, at(71_000), TODAY)).since_km == 70_000


def test_the_most_urgent_comes_first_and_what_nobody_knows_last() -> None:
    lines = [done("cooling", date(2015, 1, 1), 10_000, 1), done("oil_change", date(2026, 11, 1), 99_000, 2)]
    found = due(known(), "petrol", 2012, lines, at(100_000), TODAY)
    assert [one.state for one in found] == sorted(
        (one.state for one in found), key=["due", "soon", "later", "unknown"].index
    )
    assert found[0].kit.kit == "cooling"


@pytest.mark.parametrize(
    ("fuel", "lacking"),
    [("diesel", {"ignition"}), ("electric", {"ignition", "oil_change"}), ("petrol", set()), (None, set())],
)
def test_an_engine_without_sparks_or_oil_needs_none(fuel: str | None, lacking: set[str]) -> None:
    kits = {one.kit.kit for one in due(known(), fuel, None, [], None, TODAY)}
    assert {"ignition", "oil_change"} - kits == lacking


def test_what_is_done_by_wear_has_no_date() -> None:
    assert "brakes_front" not in {one.kit.kit for one in due(known(), "petrol", None, [], at(100_000), TODAY)}


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 13, date(2027, 12, 30)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
    ],
)
def test_months_are_months(day: date, months: int, then: date) -> None:
    assert months_after(day, months) == then


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(("year", "fine"), [(2014, True), (2013, False), (2027, True), (2028, False), (None, True)])
def test_a_year_in_which_the_car_was_not_made_is_refused(year: int | None, fine: bool) -> None:
    refused = refusal(lambda: check_year(year, 2015, None, NOW))
    assert (refused is None) is fine
    assert refused is None or isinstance(refused, NotThatYear)


@pytest.mark.parametrize(
    ("day", "fine"),
    [
        (date(2026, 11, 26), True),
        (date(2026, 11, 27), True),  # it has begun in Kamchatka
        (date(2026, 11, 28), False),
        (date(1949, 12, 31), False),
    ],
)
def test_a_day_that_has_begun_nowhere_is_refused(day: date, fine: bool) -> None:
    refused = refusal(lambda: check_day("read_on", day, NOW))
    assert (refused is None) is fine
    assert refused is None or isinstance(refused, NotThatDay)


@pytest.mark.parametrize(
    ("on", "km", "fine"),
    [
        (date(2026, 3, 1), 50_500, True),
        (date(2026, 3, 1), 49_999, False),
        (date(2026, 3, 1), 60_001, False),
        (date(2026, 6, 1), 40_000, False),  # before the service of May
        (date(2026, 1, 1), 1, True),  # instead of what was said of that day
        (date(2020, 1, 1), 50_000, True),
    ],
)
def test_a_mileage_that_runs_backwards_is_refused(on: date, km: int, fine: bool) -> None:
    known_lines = History(
        (Reading(1, date(2026, 1, 1), 50_000),),
        (done("oil_change", date(2026, 5, 1), 60_000), done("to15", None, 1)),
    )
    refused = refusal(lambda: check_order(known_lines, on, km))
    assert (refused is None) is fine
    assert refused is None or isinstance(refused, RunsBackwards)


def refusal(verb: object) -> Refusal | None:
    assert callable(verb)
    try:
        verb()
    except Refusal as refused:
        return refused
    return None
