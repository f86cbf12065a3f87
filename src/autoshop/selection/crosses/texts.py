"""What links are called, in Russian and English."""

from autoshop.kit.language import Language
from autoshop.selection.crosses.model import Fit, Kind, Step

STEPS: dict[tuple[Kind, bool], tuple[str, str]] = {
    ("supersession", False): ("заменён на", "superseded by"),
    ("supersession", True): ("пришёл на смену", "took the place of"),
    ("oe", False): ("оригинальный номер, его аналог", "maker's number, its replacement is"),
    ("oe", True): ("аналог, оригинальный номер", "replacement, the maker's number is"),
    ("spec_equal", False): ("тот же по всем размерам", "the same in every measure as"),
    ("spec_equal", True): ("тот же по всем размерам", "the same in every measure as"),
    ("analog", False): ("аналог", "analog of"),
    ("analog", True): ("аналог", "analog of"),
}
FITS: dict[Fit, tuple[str, str]] = {
    "same": ("та же деталь", "the same part"),
    "good": ("подходит", "it fits"),
    "close": ("подходит с отличием", "it fits, with a difference"),
    "check": ("уточнить перед покупкой", "to be checked before it is bought"),
}
ACCEPTED = ("принято человеком вопреки проверке", "accepted by a person against the checker")


def step(link: Step, from_name: str, to_name: str, language: Language) -> str:
    """«Lada 21080-1012005 заменён на Lada 21080-1012005-09»."""
    return f"{from_name} {STEPS[link.kind, link.backward][language == 'en']} {to_name}"
