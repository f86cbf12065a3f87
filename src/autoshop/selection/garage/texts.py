"""What is due, from what that follows, and what is not known, in Russian and English."""

from datetime import date
from typing import Final

from autoshop.kit.language import Language
from autoshop.selection.garage.due import Due
from autoshop.selection.garage.model import Car
from autoshop.selection.garage.odometer import Mileage
from autoshop.selection.vehicles.model import Vehicle

_SINCE: Final = {
    "km": ("после замены на {km} км", "after {km} km, when it was done"),
    "on": ("после замены {on}", "after {on}, when it was done"),
    "both": ("после замены {on} на {km} км", "after {on} at {km} km, when it was done"),
    "factory": ("с завода", "from the factory"),
}
_UNKNOWN: Final = (
    "неизвестно, когда делали: впишите",
    "nobody knows when it was done: write it down",
)
_NO_KM: Final = ("делали {on}, но неизвестно, на каком пробеге: впишите", "done {on}, nobody knows at which mileage")
_NO_MILEAGE: Final = (
    "делали на {km} км; впишите, сколько на одометре сейчас",
    "done at {km} km: write down what the odometer says now",
)
_DUE: Final = {
    "over": ("пора: срок был на {km} км, прошли ещё {over} км", "due: it was to be done at {km} km, {over} km ago"),
    "past": ("пора: срок был {on}", "due since {on}"),
    "km": ("на {km} км, осталось {left} км", "at {km} km, {left} km to go"),
    "no_left": ("на {km} км", "at {km} km"),
    "on": ("{on}", "on {on}"),
    "either": ("{first} или {second}, что раньше", "{first} or {second}, whichever comes first"),
    "expected": ("; если ездить как сейчас, это {on}", "; driven as now, that is {on}"),
}
_MILEAGE: Final = {
    "rate": ("в год около {km} км", "about {km} km a year"),
    "no_rate": (
        "сколько вы ездите в год, станет видно после второй записи: её делают через месяц или позже",
        "how far you drive in a year will be seen from a second reading, a month later or more",
    ),
}
_NEVER_READ: Final = (
    "пробег неизвестен: впишите, сколько на одометре",
    "the mileage is not known: write down what the odometer says",
)


def title_of(vehicle: Vehicle | None, car: Car) -> str:
    """«Lada Vesta I»; its id, where the facts no longer have it."""
    if vehicle is None:
        return car.vehicle
    return " ".join(part for part in (vehicle.make, vehicle.model, vehicle.generation) if part)


def title(one: Due, language: Language) -> str:
    """The job by its name."""
    return one.kit.en if language == "en" else one.kit.ru


def when(one: Due, language: Language) -> str:
    """When it is due, or what is missing to know."""
    en = language == "en"
    if one.state == "unknown":
        return _missing(one, language)
    if one.state == "due":
        if one.left_km is not None and one.left_km <= 0 and one.due_km is not None:
            return _DUE["over"][en].format(km=number(one.due_km), over=number(-one.left_km))
        assert one.due_on is not None, "what is due is due at a mileage or on a day"
        return _DUE["past"][en].format(on=day(one.due_on))
    parts = []
    if one.due_km is not None:
        kind = "km" if one.left_km is not None else "no_left"
        parts.append(_DUE[kind][en].format(km=number(one.due_km), left=number(one.left_km or 0)))
    if one.due_on is not None:
        parts.append(_DUE["on"][en].format(on=day(one.due_on)))
    text = parts[0] if len(parts) == 1 else _DUE["either"][en].format(first=parts[0], second=parts[1])
    return text + (_DUE["expected"][en].format(on=day(one.expected_on)) if one.expected_on is not None else "")


def since(one: Due, language: Language) -> str:
    """From what it is counted; nothing where that is not known."""
    en = language == "en"
    if one.basis == "factory":
        return _SINCE["factory"][en]
    if one.basis == "unknown" or one.state == "unknown":
        return ""
    kind = "both" if one.since_on and one.since_km is not None else "on" if one.since_on else "km"
    return _SINCE[kind][en].format(
        km=number(one.since_km) if one.since_km is not None else "", on=day(one.since_on) if one.since_on else ""
    )


def _missing(one: Due, language: Language) -> str:
    en = language == "en"
    if one.basis == "service" and one.since_km is not None:
        return _NO_MILEAGE[en].format(km=number(one.since_km))
    if one.basis == "service" and one.since_on is not None:
        return _NO_KM[en].format(on=day(one.since_on))
    return _UNKNOWN[en]


def driven(one: Mileage | None, language: Language) -> str:
    """What is known of how far somebody drives in a year."""
    en = language == "en"
    if one is None:
        return _NEVER_READ[en]
    if one.km_per_year is None:
        return _MILEAGE["no_rate"][en]
    return _MILEAGE["rate"][en].format(km=number(one.km_per_year))


def number(value: int) -> str:
    """12345 → «12 345», with a no-break space."""
    return f"{value:,}".replace(",", "\u00a0")


def day(value: date) -> str:
    """As it is written here."""
    return f"{value:%d.%m.%Y}"
