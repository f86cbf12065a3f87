"""What a text looks like, and the answer to it. Pure."""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from autoshop.catalog.search.categories.model import Hit
from autoshop.catalog.search.model import Candidate, Change, Shown, Window
from autoshop.inventory.availability.service import InBrief
from autoshop.kit.gs1 import is_gtin
from autoshop.selection.vin.facts import known
from autoshop.selection.vin.typed import understood

MOST_CHARACTERS: Final = 2_000
VIN_CHARACTERS: Final = 17

Kind = Literal[
    "nothing",
    "vin",
    "barcode",
    "sku",
    "article",
    "articles",
    "plug",
    "vehicle",
    "brand",
    "category",
    "symptom",
    "name",
    "phone",
    "unknown",
]
Looks = Literal["empty", "short", "long", "signs", "phone", "vin", "barcode", "number", "article", "words"]
When = Literal["on_hand", "today", "tomorrow"]

_PHONE = re.compile(r"(?:\+?7|8)[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}|\+\d[\d\s()-]{8,17}")
_BARCODE_LENGTHS = (8, 12, 13, 14)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a text looks like before anybody was asked. `vin`: as it would be written, if it looks like one."""

    looks_like: Looks
    text: str
    vin: str | None = None
    changes: tuple[Change, ...] = ()


def shape_of(typed: str) -> Shape:
    """The shape of a text, without what nobody can have meant: control characters, spaces around."""
    kept = "".join(c if c in "\n\t" or unicodedata.category(c)[0] != "C" else " " for c in typed[: MOST_CHARACTERS + 1])
    text = unicodedata.normalize("NFC", kept).strip()
    removed = kept != typed[: MOST_CHARACTERS + 1] and "\r\n" not in typed
    changes = (Change("control", "", ""),) if removed else ()
    if len(typed) > MOST_CHARACTERS:
        return Shape("long", text[:60], changes=changes)
    if not text:
        return Shape("empty", "", changes=changes)
    if not any(c.isalnum() for c in text):
        return Shape("signs", text, changes=changes)
    if sum(c.isalnum() for c in text) < 2:
        return Shape("short", text, changes=changes)
    if (vin := vin_in(text)) is not None:
        told = (Change("vin", text, vin),) if vin != text else ()
        return Shape("vin", text, vin, (*changes, *told))
    return Shape(_looks_like(text), text, changes=changes)


def _looks_like(text: str) -> Looks:
    digits = "".join(text.split())
    if digits.isascii() and digits.isdecimal() and len(digits) in _BARCODE_LENGTHS and is_gtin(digits):
        return "barcode"
    if _PHONE.fullmatch(text):
        return "phone"
    if digits.isascii() and digits.isdecimal():
        return "number"
    return "article" if any(c.isdigit() for c in text) and len(text.split()) <= 3 else "words"


def vin_in(text: str) -> str | None:
    """The VIN that a text is, or that stands in it: within more text only one of a maker that is known."""
    is_wmi = known().is_wmi
    vin = understood(text, is_wmi).vin
    is_all = sum(c.isalnum() for c in text) == VIN_CHARACTERS
    return vin if vin is not None and (is_all or is_wmi(vin[:3])) else None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed down to; None: not by that."""

    brand_id: int | None = None
    category_id: int | None = None
    store_id: int | None = None
    when: When | None = None
    price_from_kopecks: int | None = None
    price_to_kopecks: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One of several articles that were pasted at once, and the products that it names."""

    text: str
    product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """What a reader knows of a text: `facts` for the answer, the products that it leads to, if it leads to any,
    and the causes of a complaint."""

    kind: Kind
    facts: dict[str, Any] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    categories: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a text was read, and the products that answer it. `facts`: what a hook knows of it (a plug, a vehicle)."""

    kind: Kind
    looks_like: Looks
    text: str
    window: Window = field(default_factory=Window)
    changes: tuple[Change, ...] = ()
    brand_ids: tuple[int, ...] = ()
    categories: tuple[Hit, ...] = ()
    lines: tuple[Line, ...] = ()
    vin: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """A product of the list: why it is here, how it is shown, when it can be had."""

    candidate: Candidate
    shown: Shown
    stock: InBrief
    when: Literal["today", "tomorrow", "later", "never"]

    def can_be_had(self, when: When | None) -> bool:
        """Whether it is on hand, or can be had today or (at the latest) tomorrow."""
        if when == "on_hand":
            return self.stock.availability.status == "on_hand"
        return when is None or self.when == "today" or (when == "tomorrow" and self.when == "tomorrow")
