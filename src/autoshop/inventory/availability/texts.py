"""The words for an ETA: «сегодня до 20:00», «завтра после 17:00», in the store's own time."""

from datetime import date, datetime, timedelta

from autoshop.inventory.availability.model import Availability
from autoshop.inventory.stores.model import Calendar
from autoshop.kit.language import Language

_MONTHS: dict[Language, str] = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "January February March April May June July August September October November December",
}

_WORDS: dict[Language, dict[str, str]] = {
    "ru": {
        "today": "сегодня", "tomorrow": "завтра", "until": "{day} до {time}", "from": "{day} с {time}",
        "after": "{day} после {time}", "always": "сейчас, круглосуточно", "none": "нет в наличии",
        "closed": "магазин закрыт",
    },
    "en": {
        "today": "today", "tomorrow": "tomorrow", "until": "{day} until {time}", "from": "{day} from {time}",
        "after": "{day} after {time}", "always": "now, open around the clock", "none": "not available",
        "closed": "the store is closed",
    },
}  # fmt: skip


def eta_text(found: Availability, calendar: Calendar, now: datetime, language: Language = "ru") -> str:
    """What a person is told. On hand: until when today, or from when; otherwise: after when."""
    words = _WORDS[language]
    if found.status == "unavailable":
        return words["none"]
    if found.eta_at is None:
        return words["closed"]
    local_now = now.astimezone(calendar.zone)
    local = found.eta_at.astimezone(calendar.zone)
    if found.status == "on_hand" and found.eta_at <= now:
        closes_at = calendar.closes_after(now)
        if closes_at is None:
            return words["always"]
        closing = closes_at.astimezone(calendar.zone)
        at = "24:00" if closing.date() > local_now.date() else f"{closing:%H:%M}"
        return words["until"].format(day=words["today"], time=at)
    pattern = words["from"] if found.status == "on_hand" else words["after"]
    return pattern.format(day=_day(local.date(), local_now.date(), language), time=f"{local:%H:%M}")


def _day(day: date, today: date, language: Language) -> str:
    words = _WORDS[language]
    if day == today:
        return words["today"]
    if day == today + timedelta(days=1):
        return words["tomorrow"]
    month = _MONTHS[language].split()[day.month - 1]
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day.day} {month}{year}"
