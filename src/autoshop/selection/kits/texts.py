"""The words of kits, in Russian and English."""

from typing import Final

from autoshop.catalog.search.categories.model import facts as categories
from autoshop.kit.language import Language
from autoshop.selection.kits.facts import Kit, Part
from autoshop.selection.kits.model import State, Tier

_TIERS: Final[dict[Tier, tuple[str, str]]] = {
    "economy": ("Эконом", "Economy"),
    "standard": ("Оптимум", "Standard"),
    "premium": ("Премиум", "Premium"),
}
_STATES: Final[dict[State, tuple[str, str]]] = {
    "ready": ("", ""),
    "depends_on_engine": ("Зависит от двигателя: выберите его", "Depends on the engine: choose it"),
    "absent": ("У этой машины такой детали нет", "This car has no such part"),
    "unknown": ("Что подходит, нам не известно. Спросите продавца", "Nobody here knows what fits. Ask a seller"),
    "not_sold": ("Известно, что подходит, но сейчас этого нет", "It is known what fits, but there is none now"),
}
_POSITIONS: Final[dict[str, tuple[str, str]]] = {
    "front": ("спереди", "front"),
    "rear": ("сзади", "rear"),
    "front left": ("спереди слева", "front left"),
    "front right": ("спереди справа", "front right"),
    "driver": ("сторона водителя", "driver's side"),
    "passenger": ("сторона пассажира", "passenger's side"),
    "stop/tail": ("стоп-сигнал и габарит сзади", "stop and tail light"),
    "turn signal": ("указатель поворота", "turn signal"),
    "position light": ("габарит", "position light"),
    "head light low/high": ("ближний и дальний", "low and high beam"),
    "low beam": ("ближний свет", "low beam"),
    "high beam": ("дальний свет", "high beam"),
    "fog light": ("противотуманная фара", "fog light"),
}
AMOUNT_UNKNOWN: Final = (
    "Сколько литров нужно, нам не известно: посчитана одна упаковка",
    "Nobody here knows how many litres it takes: one pack is counted",
)
_YEARS: Final = {
    (True, True): ("с {first} по {last} год", "from {first} to {last}"),
    (True, False): ("с {first} года", "from {first} on"),
    (False, True): ("до {last} года", "up to {last}"),
}


def name_of(kit: Kit, language: Language) -> str:
    """What a job is called."""
    return kit.en if language == "en" else kit.ru


def category(code: str, language: Language) -> str:
    """What a kind of part is called."""
    told = categories()[code]
    return told.en if language == "en" else told.ru


def note(part: Part, language: Language) -> str:
    """What is said of a part of a job."""
    return part.note_en if language == "en" else part.note_ru


def position(where: str, language: Language) -> str:
    """Where on the car; a place without words stays as it is."""
    return _POSITIONS.get(where, (where, where))[language == "en"]


def state(given: State, language: Language) -> str:
    """Why there is nothing to choose from."""
    return _STATES[given][language == "en"]


def tier(given: Tier, language: Language) -> str:
    """What a way to buy is called."""
    return _TIERS[given][language == "en"]


def years(first: int | None, last: int | None, language: Language) -> str:
    """Of which cars it is known that a part fits, where nobody said of what year this one is."""
    span = _YEARS[first is not None, last is not None][language == "en"].format(first=first, last=last)
    if language == "en":
        return f"Known of cars made {span} alone: check the year"
    return f"Известно для машин {span}: проверьте год"
