"""How a scanned code is read. Pure: what it may mean, never what it probably means."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from autoshop.inventory.marks.model import CHECKS, Mark, elements_in, has_lost_separators, mark_in
from autoshop.inventory.shelves.model import key_of, place_of
from autoshop.kit.errors import Invalid
from autoshop.kit.gs1 import Element, date_of, expanded, is_gtin, spellings_of, with_check_digit
from autoshop.kit.scanner import Cleaned, as_if_latin, cleaned

MOST_CHARACTERS = 500
MOST_KEYED = 100  # longer texts are no articles
MOST_PRODUCTS = 20

Kind = Literal["ean13", "ean8", "upc_a", "upc_e", "gtin14", "gs1", "mark", "document", "text"]
DocumentKind = Literal["transfer", "reservation"]
Note = Literal[
    "keyboard",
    "keyboard_too",
    "symbology",
    "spelt_gs",
    "separators_put_back",
    "separators_lost",
    "expanded",
    "two_ways",
    "case",
    "check_digit",
    "gs1_broken",
]

# What our own labels and lists carry. P is a product without a barcode, SKU or article that a label could show.
_OURS = re.compile(r"([TRP])-?([1-9][0-9]{0,17})", re.IGNORECASE)
DOCUMENTS: dict[str, DocumentKind] = {"T": "transfer", "R": "reservation"}
_LENGTHS: dict[int, Kind] = {8: "ean8", 12: "upc_a", 13: "ean13", 14: "gtin14"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a code says, and under which names its product may be known. `notes` tell what was changed to read it."""

    code: str
    kind: Kind
    gtin: str | None = None
    serial: str | None = None
    batch: str | None = None
    expires_on: date | None = None
    indicator: int | None = None  # of a case: which packing level; the GTIN is that of the unit inside
    mark: Mark | None = None
    barcodes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    document: tuple[DocumentKind, int] | None = None
    product_id: int | None = None
    notes: tuple[Note, ...] = ()

    def keys(self, key: Callable[[str], str | None]) -> list[str]:
        """What the texts are under a key, without those that have none."""
        return sorted({found for text in self.texts if len(text) <= MOST_KEYED and (found := key(text))})


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that a code names: by what, and how that is written down."""

    product_id: int
    by: Literal["barcode", "product", "sku", "article", "shelf", "article_loose"]
    read_as: str


@dataclass(frozen=True, slots=True)
class Pieces:
    """Of a product at a store: on the shelf, held, on the way there; and the places, the main one first."""

    store_id: int
    quantity: int
    reserved: int
    in_transit: int
    places: list[str]


@dataclass(frozen=True, slots=True)
class Found:
    """A product with all that is shown of it."""

    id: int
    brand: str
    article: str
    sku: str | None
    name: str
    unit: str
    active: bool
    price_kopecks: int | None
    quantity: int
    reserved: int
    in_transit: int
    stores: list[Pieces]


@dataclass(frozen=True, slots=True)
class Document:
    """A document whose code is on a list; `store_ids` are those it concerns."""

    kind: DocumentKind
    id: int
    status: str
    store_ids: list[int]


@dataclass(frozen=True, slots=True)
class Scan:
    """The answer: the reading, what it led to, and the living sale of the unit (a movement) if there is one."""

    reading: Reading
    hits: list[Hit] = field(default_factory=list)
    products: list[Found] = field(default_factory=list)
    document: Document | None = None
    sale_id: int | None = None
    more: bool = False

    @property
    def unknown(self) -> bool:
        return not self.hits and self.document is None


def document_code(kind: DocumentKind, number: int) -> str:
    """The code that a list shows: T-17 for transfer 17, R-5 for reservation 5."""
    return f"{next(letter for letter, named in DOCUMENTS.items() if named == kind)}-{number}"


def read(code: str) -> Reading:
    """Read a code as it came from the scanner. What can be meant in two ways is looked for in both."""
    reading = _read(code, cleaned(code))
    latin = as_if_latin(code)
    if latin is None:
        return reading
    slipped = _read(code, cleaned(latin))
    texts = tuple(dict.fromkeys((*reading.texts, *slipped.texts)))
    if slipped.kind == "text":
        return replace(reading, barcodes=slipped.barcodes, texts=texts, notes=(*reading.notes, "keyboard_too"))
    return replace(slipped, texts=texts, notes=("keyboard", *slipped.notes))  # nobody writes Cyrillic into a barcode


def _read(code: str, clean: Cleaned) -> Reading:
    text = clean.text
    notes: list[Note] = []
    if clean.symbology:
        notes.append("symbology")
    if clean.spelt_gs:
        notes.append("spelt_gs")
    as_text = Reading(code, "text", barcodes=(text,), texts=(text,), notes=tuple(notes))
    if ours := _OURS.fullmatch(text):
        return _our_own(as_text, ours[1].upper(), int(ours[2]))
    if text.isascii() and text.isdecimal() and not clean.is_gs1 and len(text) in _LENGTHS:
        return _digits(as_text, text)
    if (found := elements_in(clean)) is not None:
        return _elements(as_text, *found)
    if has_lost_separators(clean):
        gtin = text[2:16]
        lost = replace(as_text, kind="mark", gtin=_printed(gtin), barcodes=spellings_of(gtin))
        return _noted(lost, "separators_lost")
    return _noted(as_text, "gs1_broken") if clean.is_gs1 else as_text


def _our_own(reading: Reading, letter: str, number: int) -> Reading:
    if letter == "P":
        return replace(reading, product_id=number)
    return replace(reading, kind="document", document=(DOCUMENTS[letter], number))


def _digits(reading: Reading, text: str) -> Reading:
    """Digits of the length of a trade code; they may be an article or SKU all the same."""
    kind, upc_a = _LENGTHS[len(text)], expanded(text)
    if not is_gtin(text):
        if upc_a is None:
            return _noted(reading, "check_digit")
        gtin, barcodes = _printed(upc_a), (text, *spellings_of(upc_a))
        return _noted(replace(reading, kind="upc_e", gtin=gtin, barcodes=barcodes), "expanded")
    reading = _with_gtin(replace(reading, kind=kind), text)
    if upc_a is None:
        return reading
    both = replace(reading, gtin=None, barcodes=(*reading.barcodes, *spellings_of(upc_a)))
    return _noted(both, "two_ways")


def _with_gtin(reading: Reading, gtin: str) -> Reading:
    """The GTIN of the unit. One of 14 digits that begins with 1 to 8 is that of a case of such units."""
    if len(gtin) < 14 or gtin[0] in "09":
        return replace(reading, gtin=_printed(gtin), barcodes=spellings_of(gtin))
    inside = with_check_digit(gtin[1:13])
    case = replace(reading, gtin=inside, indicator=int(gtin[0]), barcodes=(gtin, *spellings_of(inside)))
    return _noted(case, "case")


def _elements(reading: Reading, elements: tuple[Element, ...], put_back: bool) -> Reading:
    values = dict(elements)
    mark = mark_in(elements)
    expiry = values.get("17") or values.get("15")
    reading = replace(
        reading,
        kind="mark" if mark and CHECKS & values.keys() else "gs1",
        serial=values.get("21"),
        batch=values.get("10"),
        expires_on=date_of(expiry) if expiry else None,
        mark=mark,
        barcodes=(),
        texts=(*reading.texts, *(value for name, value in elements if name in ("240", "241"))),
    )
    if put_back:
        reading = _noted(reading, "separators_put_back")
    gtin = values.get("01") or values.get("02")
    return _with_gtin(reading, gtin) if gtin else reading


def _noted(reading: Reading, note: Note) -> Reading:
    return replace(reading, notes=(*reading.notes, note))


def _printed(gtin: str) -> str:
    """A GTIN as it is printed: with 13 digits, a short one with 8, that of an indicator with 14."""
    printed = spellings_of(gtin)
    return printed[-1] if len(printed[-1]) == 8 else printed[min(1, len(printed) - 1)]


def place_key(text: str) -> str | None:
    """The key of the place on a shelf that a text may be, or None."""
    try:
        return key_of(place_of(text))
    except Invalid:
        return None
