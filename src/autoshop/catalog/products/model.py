"""A product, its codes, and the refusals around them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoshop.kit.errors import Conflict, Invalid, wrong
from autoshop.kit.gs1 import has_right_check_digit
from autoshop.kit.text import article_key

MOST_BARCODES = 50
BARCODE_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Product:
    """One sellable thing. `prices` are those in force, in kopecks by price type, as far as the reader may see them."""

    id: int
    brand_id: int
    brand: str
    article: str
    sku: str | None
    name: str
    category_id: int | None
    unit: str
    attributes: dict[str, Any]
    active: bool
    barcodes: list[str]
    prices: dict[str, int]
    version: int
    created_at: datetime
    updated_at: datetime


class ProductExists(Conflict):
    """Brand and article are those of `product_id`."""

    title = "That product exists"

    def explain(self) -> str:
        return f"{self.facts['brand']} {self.facts['article']} is product {self.facts['product_id']}"


class TakenForAMoment(Conflict):
    title, passing = "Taken for a moment", True

    def explain(self) -> str:
        return "Somebody took that article or SKU at the same moment, and gave it back. Try again"


class SkuTaken(Conflict):
    title = "That SKU is taken"

    def explain(self) -> str:
        return f"«{self.facts['sku']}» is the SKU of product {self.facts['product_id']}"


class BarcodeTaken(Conflict):
    title = "That barcode is taken"

    def explain(self) -> str:
        return f"«{self.facts['barcode']}» is a barcode of product {self.facts['product_id']}"


class TooManyBarcodes(Conflict):
    title = "Too many barcodes"

    def explain(self) -> str:
        return f"The product has {self.facts['barcodes']} already; take away those that are no longer in use"


def key_of(article: str) -> str:
    """The strict key of an article; refuses one that has neither letters nor digits."""
    key = article_key(article)
    if not key:
        raise Invalid(f"«{article}» has neither letters nor digits", errors=[wrong("article", "no letters or digits")])
    return key


def barcodes_of(codes: Iterable[str]) -> list[str]:
    """Codes without repeats, in order; refuses those that no scanner can have read."""
    checked = []
    for code in dict.fromkeys(code.strip() for code in codes):
        reason = wrong_with_barcode(code)
        if reason is not None:
            raise Invalid(f"«{code}»: {reason}", errors=[wrong("barcodes", reason)])
        checked.append(code)
    return checked


def wrong_with_barcode(code: str) -> str | None:
    """What is wrong with a barcode, or None.

    All digits and as long as EAN-8, UPC-A or EAN-13: its check digit must be right (GS1 General Specifications,
    section 7.9). Anything else is somebody's own code, and only has to be printable.
    """
    if not code or len(code) > BARCODE_CHARACTERS or not code.isascii() or not code.isprintable() or " " in code:
        return f"a barcode has 1 to {BARCODE_CHARACTERS} letters, digits and signs, without spaces"
    if len(code) in (8, 12, 13) and code.isdecimal() and not has_right_check_digit(code):
        return f"the check digit is wrong for a code of {len(code)} digits"
    return None


def as_scanned(code: str) -> list[str]:
    """The spellings under which one scan may be written down: UPC-A is EAN-13 with a zero in front."""
    if code.isdecimal() and code.isascii():
        if len(code) == 12:
            return [code, "0" + code]
        if len(code) == 13 and code.startswith("0"):
            return [code, code[1:]]
    return [code]


def meant(found: Sequence[Product], typed: str) -> list[Product]:
    """Of what was found, that which was meant beyond doubt: its code was read, or its whole article was typed.

    «BPR6ES-11», «NGK BPR6ES-11» and «bpr6es11 ngk» name one article as surely.
    """
    typed = typed.strip()
    codes, key = set(as_scanned(typed)), article_key(typed)
    by_code = [one for one in found if one.sku == typed or not codes.isdisjoint(one.barcodes)]
    return by_code or [one for one in found if key in _whole_names(one)]


def _whole_names(product: Product) -> set[str]:
    brand, article = article_key(product.brand), article_key(product.article)
    return {article, brand + article, article + brand}


def the_one(found: Sequence[Product], typed: str) -> Product | None:
    """The one product that was meant, if it was one."""
    sure = meant(found, typed)
    return sure[0] if len(sure) == 1 else None
