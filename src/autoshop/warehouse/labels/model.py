"""A label: what is on it, which barcode it gets, and the papers it is printed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from autoshop.kit.errors import Invalid, NotFound
from autoshop.kit.gs1 import is_gtin
from autoshop.warehouse.printer import Symbol

LayoutName = Literal["thermal-58x40", "a4-3x8"]
MOST_LABELS = 2_000
MOST_ITEMS = 1_000


@dataclass(frozen=True, slots=True)
class Layout:
    """A paper, in millimetres: labels side by side on a page, from its upper left corner."""

    page_width: float
    page_height: float
    width: float
    height: float
    columns: int
    rows: int
    margin: float  # inside a label: printers and knives are not exact
    most_code128: int  # characters whose barcode surely fits
    left: float = 0
    top: float = 0

    @property
    def on_a_page(self) -> int:
        return self.columns * self.rows


LAYOUTS: Final[dict[LayoutName, Layout]] = {
    "thermal-58x40": Layout(58, 40, 58, 40, 1, 1, margin=2, most_code128=14),
    "a4-3x8": Layout(210, 297, 70, 37, 3, 8, margin=4, most_code128=16, top=0.5),
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """A product as its label shows it; `place` is the main one at the store that was named."""

    product_id: int
    brand: str
    article: str
    sku: str | None
    name: str
    barcodes: list[str]
    price_kopecks: int | None
    place: str | None


class NoSuchProducts(NotFound):
    title = "Unknown product"

    def explain(self) -> str:
        return f"There is no product {', '.join(map(str, self.facts['product_ids'][:10]))}"


class TooManyLabels(Invalid):
    title = "Too many labels"

    def explain(self) -> str:
        return f"items: {self.facts['asked']} labels are too many at a time; at most {MOST_LABELS}"


def barcode_for(ticket: Ticket, layout: Layout) -> tuple[Symbol, str]:
    """The maker's EAN where the product has one; else its SKU, its article, or «P» and its number, as Code 128.

    Each of them is understood by the scanner's route; the first that fits on the label is taken.
    """
    for code in sorted(ticket.barcodes):
        if is_gtin(code) and len(code) in (12, 13):
            return "ean13", code.zfill(13)
    for code in sorted(ticket.barcodes):
        if is_gtin(code) and len(code) == 8:
            return "ean8", code
    for own in (ticket.sku, ticket.article):
        if own and len(own) <= layout.most_code128 and own.isascii() and own.isprintable() and own == own.strip():
            return "code128", own
    return "code128", f"P{ticket.product_id}"


def in_order(copies: Sequence[tuple[int, int]]) -> list[int]:
    """(product, copies) → products as the labels come; refuses more than can be printed at a time."""
    asked = sum(count for _, count in copies)
    if asked > MOST_LABELS:
        raise TooManyLabels(asked=asked, errors=[{"field": "items", "reason": f"at most {MOST_LABELS} labels"}])
    return [product_id for product_id, count in copies for _ in range(count)]
