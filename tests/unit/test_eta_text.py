"""The words of a promise, in Russian and in English, in the store's own time."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from autoshop.inventory.availability.model import UNAVAILABLE, Availability, Status
from autoshop.inventory.availability.texts import eta_text
from autoshop.inventory.stores.model import Calendar, Hours
from autoshop.kit.language import language_of

MOSCOW = "Europe/Moscow"
SHOP = Calendar(MOSCOW, (Hours(time(9), time(20)),) * 7)
ALWAYS = Calendar(MOSCOW)
UNTIL_MIDNIGHT = Calendar(MOSCOW, (Hours(time(9), time(0)),) * 7)


def at(text: str, zone: str = MOSCOW) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("status", "now", "eta", "russian", "english"),
    [
        ("on_hand", "2026-06-01 12:00", "2026-06-01 12:00", "сегодня до 20:00", "today until 20:00"),
        ("on_hand", "2026-06-01 09:00", "2026-06-01 09:00", "сегодня до 20:00", "today until 20:00"),
        ("on_hand", "2026-06-01 08:59", "2026-06-01 09:00", "сегодня с 09:00", "today from 09:00"),
        ("on_hand", "2026-06-01 20:00", "2026-06-02 09:00", "завтра с 09:00", "tomorrow from 09:00"),
        ("on_hand", "2026-06-01 20:00", "2026-06-03 09:00", "3 июня с 09:00", "3 June from 09:00"),
        ("transfer_1d", "2026-06-01 12:00", "2026-06-02 17:00", "завтра после 17:00", "tomorrow after 17:00"),
        ("transfer_1d", "2026-06-01 12:00", "2026-06-01 17:00", "сегодня после 17:00", "today after 17:00"),
        ("in_transit", "2026-06-01 12:00", "2026-06-03 09:00", "3 июня после 09:00", "3 June after 09:00"),
        ("backorder", "2026-12-30 12:00", "2027-01-11 17:00", "11 января 2027 после 17:00", "11 January 2027 after 17:00"),  # noqa: E501
        ("backorder", "2026-12-31 12:00", "2027-01-01 17:00", "завтра после 17:00", "tomorrow after 17:00"),
        ("backorder", "2026-02-01 12:00", "2026-05-09 17:00", "9 мая после 17:00", "9 May after 17:00"),
        ("backorder", "2026-07-01 12:00", "2026-08-31 17:00", "31 августа после 17:00", "31 August after 17:00"),
    ],
)  # fmt: skip
def test_a_promise_in_words(status: Status, now: str, eta: str, russian: str, english: str) -> None:
    found = Availability(status, at(eta))
    assert eta_text(found, SHOP, at(now)) == russian
    assert eta_text(found, SHOP, at(now), "en") == english


def test_nothing_is_promised_where_nothing_is_known() -> None:
    assert eta_text(UNAVAILABLE, SHOP, at("2026-06-01 12:00")) == "нет в наличии"
    assert eta_text(UNAVAILABLE, SHOP, at("2026-06-01 12:00"), "en") == "not available"


def test_pieces_behind_a_door_that_never_opens() -> None:
    assert eta_text(Availability("on_hand", None), SHOP, at("2026-06-01 12:00")) == "магазин закрыт"


def test_around_the_clock_has_no_closing_time() -> None:
    now = at("2026-06-01 03:00")
    assert eta_text(Availability("on_hand", now), ALWAYS, now) == "сейчас, круглосуточно"
    assert eta_text(Availability("on_hand", now), ALWAYS, now, "en") == "now, open around the clock"


def test_closing_at_midnight_is_told_as_24_00() -> None:
    now = at("2026-06-01 23:30")
    assert eta_text(Availability("on_hand", now), UNTIL_MIDNIGHT, now) == "сегодня до 24:00"


def test_around_the_clock_ends_before_a_holiday() -> None:
    calendar = Calendar(MOSCOW, (), frozenset({date(2026, 6, 2)}))
    now = at("2026-06-01 12:00")
    assert eta_text(Availability("on_hand", now), calendar, now) == "сегодня до 24:00"


def test_today_and_tomorrow_are_the_stores_own() -> None:
    vladivostok = Calendar("Asia/Vladivostok", (Hours(time(9), time(20)),) * 7)
    now = at("2026-06-01 18:00")  # in Vladivostok it is one o'clock on Tuesday
    assert eta_text(Availability("on_hand", vladivostok.next_open(now)), vladivostok, now) == "сегодня с 09:00"


def test_a_change_of_the_clock_does_not_move_tomorrow() -> None:
    berlin = Calendar("Europe/Berlin", (Hours(time(9), time(20)),) * 7)
    for saturday, sunday in [("2026-03-28", "2026-03-29"), ("2026-10-24", "2026-10-25")]:
        now = at(f"{saturday} 23:30", "Europe/Berlin")
        found = Availability("transfer_1d", at(f"{sunday} 17:00", "Europe/Berlin"))
        assert eta_text(found, berlin, now) == "завтра после 17:00"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "ru"),
        ("", "ru"),
        ("en", "en"),
        ("EN-us", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("en;q=0.9,ru;q=0.8", "en"),
        ("ru;q=0.5, en;q=0.6", "en"),
        ("de,fr", "ru"),
        ("de, en;q=0.1", "en"),
        ("en;q=0", "ru"),
        ("en;q=abc", "ru"),
        ("*", "ru"),
        (",,;;q=,", "ru"),
        ("en;q=nan", "ru"),
    ],
)
def test_russian_unless_english_is_wanted_more(header: str | None, language: str) -> None:
    assert language_of(header) == language
