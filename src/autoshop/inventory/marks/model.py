"""A marking code: which unit it names, and what stands in the way of selling it.

The code of «Честный ЗНАК» is a GS1 element string: 01 GTIN, 21 serial number (13 characters for tyres, oils and car
parts), GS, then a check that only the state's system can make: 93 with 4 characters, or 91 with 4 and 92 with 44 or 88.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise

from autoshop.kit.errors import Conflict, Invalid
from autoshop.kit.gs1 import (
    GS,
    Element,
    NotGs1,
    element_string,
    elements_of,
    is_gtin,
    link_elements,
    written_out,
)
from autoshop.kit.scanner import Cleaned, as_if_latin, cleaned

MOST_CHARACTERS = 300
CHECKS = frozenset({"91", "92", "93"})
SERIAL_CHARACTERS = 13
# What may follow the serial number: identifier and length of each element.
_TAILS = ((("93", 4),), (("91", 4), ("92", 44)), (("91", 4), ("92", 88)))

Unit = tuple[str, str]  # GTIN of 14 digits, serial number


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of one unit, whole: every element in its order, GS between them. However it was scanned, it is this."""

    whole: str
    gtin: str
    serial: str

    @property
    def unit(self) -> Unit:
        return self.gtin, self.serial


@dataclass(frozen=True, slots=True)
class SoldMark:
    """A marked unit that was sold, and came back if `return_id` is there. Both are movements."""

    gtin: str
    serial: str
    sale_id: int
    mark: str
    product_id: int
    store_id: int
    sold_at: datetime
    return_id: int | None
    returned_at: datetime | None


class WrongMark(Invalid):
    title = "Not a marking code"


class MarkOfAnother(Conflict):
    """The GTIN in the mark is not one of the product's barcodes."""

    title = "The mark is of another product"

    def explain(self) -> str:
        of = self.facts.get("of_product_id")
        whose = "no product" if of is None else f"product {of}"
        return f"Its GTIN {self.facts['gtin']} is a barcode of {whose}, not of product {self.facts['product_id']}"


class MarkSold(Conflict):
    title = "That unit is sold"

    def explain(self) -> str:
        return f"The unit with serial {self.facts['serial']} was sold by movement {self.facts['sale_id']}"


class MarkCameBack(MarkSold):
    """It was sold when we leapt, and came back before we looked who has it."""

    passing = True

    def explain(self) -> str:
        return f"The unit with serial {self.facts['serial']} came back just now: send the same again"


class MarkNotSold(Conflict):
    title = "That unit is not sold"

    def explain(self) -> str:
        return f"No sale of product {self.facts['product_id']} took the unit with serial {self.facts['serial']} away"


def mark_of(raw: str) -> Mark | None:
    """The mark in what a scanner sent, under whatever keyboard; None where there is none."""
    for text in (raw, as_if_latin(raw)):
        found = None if text is None else elements_in(cleaned(text))
        if found is not None and (mark := mark_in(found[0])) is not None:
            return mark
    return None


def mark_in(elements: tuple[Element, ...]) -> Mark | None:
    """The mark that elements are, if they name one unit."""
    values = dict(elements)
    if "01" not in values or "21" not in values:
        return None
    return Mark(element_string(elements), values["01"], values["21"])


def elements_in(code: Cleaned) -> tuple[tuple[Element, ...], bool] | None:
    """The elements of a code however it was written, and whether lost separators were put back; None: not of GS1.

    `10W40` and `21213-1003010` are articles, although 10 and 21 are identifiers: without a prefix, a separator or
    brackets only what begins with a right GTIN is read so.
    """
    text = code.text
    if GS not in text and (put_back := _without_separators(text)) is not None:
        return put_back, True
    ways = [written_out, link_elements]
    if code.is_gs1 or _begins_with_gtin(text):
        ways.insert(0, elements_of)
    for read in ways:
        try:
            elements = read(text)
        except NotGs1:
            continue
        if code.is_gs1 or elements[0][0] in ("01", "02"):
            return elements, False
    return None


def has_lost_separators(code: Cleaned) -> bool:
    """Whether this begins like the mark of a unit, and where its serial number ends cannot be known."""
    return _begins_like_a_unit(code.text) and GS not in code.text and elements_in(code) is None


def _begins_with_gtin(text: str) -> bool:
    head = text[2:16]
    return text[:2] in ("01", "02") and len(head) == 14 and is_gtin(head)


def _begins_like_a_unit(text: str) -> bool:
    return text.startswith("01") and text[16:18] == "21" and _begins_with_gtin(text)


def _without_separators(text: str) -> tuple[Element, ...] | None:
    """A mark whose scanner drops GS: it can be split where the lengths leave one way only."""
    if not _begins_like_a_unit(text):
        return None
    serial, rest = text[18 : 18 + SERIAL_CHARACTERS], text[18 + SERIAL_CHARACTERS :]
    for tail in _TAILS:
        starts = [0, *accumulate(2 + length for _, length in tail)]
        parts = [rest[start:end] for start, end in pairwise(starts)]
        if len(rest) == starts[-1] and all(part[:2] == name for part, (name, _) in zip(parts, tail, strict=True)):
            found = (("01", text[2:16]), ("21", serial), *((part[:2], part[2:]) for part in parts))
            try:
                return found if elements_of(element_string(found)) == found else None
            except NotGs1:
                return None
    return None
