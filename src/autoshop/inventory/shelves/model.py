"""Places on shelves: how they are written, and in which order one walks past them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autoshop.kit.errors import Conflict, Invalid, NotFound, wrong

MOST_CHARACTERS = 40
MOST_PLACES = 20  # of one product at one store
MOST_LISTS = 1_000  # set at a time

_WORDS = re.compile(r"[0-9]+|[A-ZА-ЯЁ]+")
_TO_LATIN = str.maketrans("АВЕКМНОРСТУХ", "ABEKMHOPCTYX")
_TO_CYRILLIC = str.maketrans("ABEKMHOPCTYX", "АВЕКМНОРСТУХ")
_LATIN, _CYRILLIC = re.compile(r"[A-Z]+"), re.compile(r"[А-ЯЁ]+")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The places of one product at one store, the main one first. Version 0: it never had any, or has none now."""

    product_id: int
    store_id: int
    places: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class ShelfLine:
    """A product in one place, with what of it is at the store."""

    product_id: int
    store_id: int
    place: str
    place_key: str
    is_main: bool
    quantity: int
    reserved: int
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A product that a store has, and nobody has said where."""

    product_id: int
    store_id: int
    quantity: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The places that a product shall have at a store; `version` None: whatever it has now."""

    product_id: int
    store_id: int
    places: tuple[str, ...]
    version: int | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Product and store."""
        return self.product_id, self.store_id


class UnknownToShelves(NotFound):
    """A bulk names products that there are not; nothing was set."""

    title = "Unknown product"

    def explain(self) -> str:
        return f"There is no product {', '.join(map(str, self.facts['product_ids'][:10]))}"


class ShelvesChanged(Conflict):
    """Of a bulk whose items name versions: those that are at another by now. Nothing was set."""

    title = "Changed by somebody else"

    def explain(self) -> str:
        return f"{len(self.facts['items'])} of the lists were changed since they were read; read them again"


def place_of(typed: str) -> str:
    """A place as it is kept: «а 03/2» → `A-03-2`. Upper case; one hyphen between words, whatever stood there.

    A word of letters that look alike in both alphabets is Latin, so that a label can show it as a barcode; in a word
    that has truly Russian letters the Latin twins become Russian: «CКЛАД» with a Latin C is СКЛАД.
    """
    text = unicodedata.normalize("NFKC", typed).upper()
    place = "-".join(_in_one_alphabet(word) for word in _words_kept_together(text))
    if not place:
        raise _wrong("name it with letters and digits, such as A-03-2")
    if len(place) > MOST_CHARACTERS:
        raise _wrong(f"has at most {MOST_CHARACTERS} characters")
    return place


def key_of(place: str) -> str:
    """The key that sorts as one walks: numbers by value, A-2 before A-10. Zeros in front do not count: A-02 is A-2."""
    return " ".join(_numbered(word) if word.isdecimal() else word for word in _WORDS.findall(place))


def places_of(typed: Sequence[str]) -> tuple[str, ...]:
    """Places as they are kept, in the given order; the same one twice is refused."""
    kept: dict[str, str] = {}
    for text in typed:
        place = place_of(text)
        if (key := key_of(place)) in kept:
            raise _wrong(f"{place} is there twice")
        kept[key] = place
    return tuple(kept.values())


def _words_kept_together(text: str) -> list[str]:
    """What stands between separators: letters and digits side by side stay so, A3 is not A-3 to the eye."""
    return re.findall(r"[0-9A-ZА-ЯЁ]+", text)


def _in_one_alphabet(word: str) -> str:
    latin = word.translate(_TO_LATIN)
    if not _CYRILLIC.search(latin):
        return latin
    russian = word.translate(_TO_CYRILLIC)
    return word if _LATIN.search(russian) else russian


def _numbered(digits: str) -> str:
    value = digits.lstrip("0") or "0"
    return f"{len(value):02}{value}"


def _wrong(reason: str) -> Invalid:
    return Invalid(f"A place on a shelf {reason}", errors=[wrong("places", reason)])
