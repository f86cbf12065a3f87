"""For which car something is bought, what did not fit, and when a return says so. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from autoshop.inventory.returns.model import Return, ReturnLine

ALL_PRODUCTS = 0  # of a document

_DID_NOT_FIT = re.compile(
    r"не\s*подо(?:шл|ш[её]л)\w*|не\s*подход\w*|(?:did|does)\s*(?:n.?t|not)\s+fit|wrong\s+(?:part|size)|не\s+та\s+деталь",
    re.IGNORECASE,
)
# «Не подошла по цене» says nothing of a car.
_FOR_ANOTHER_REASON = re.compile(r"\s*,?\s*(?:по|из-за)\s+(?:цен|цвет|срок|качеств|стоимост)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was bought, or is ordered, under a document for a car. No `product_ids`: all of it."""

    related_document: str
    vehicle: str
    engine: str | None
    year: int | None
    product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CameBack:
    """A product that came back because it did not fit; `document`: what it had been sold under."""

    reference: str
    product_id: int
    document: str | None
    note: str


@dataclass(frozen=True, slots=True)
class Misfit:
    """A part that did not fit a car (None: nobody knows which), the last time it was said, and for how many it did."""

    id: int
    product_id: int
    brand: str
    article: str
    name: str
    vehicle: str | None
    engine: str | None
    origin: str
    reference: str | None
    note: str | None
    created_at: datetime
    fitted: int
    not_fitted: int


def says_it_did_not_fit(reason: str | None) -> bool:
    """Whether the reason of a return is that the part did not fit: «не подошло», «Не подошёл, другой разъём»."""
    found = _DID_NOT_FIT.search(reason or "")
    return found is not None and _FOR_ANOTHER_REASON.match(reason or "", found.end()) is None


def came_back(found: Return, documents: dict[int, str | None]) -> list[CameBack]:
    """What a return says did not fit, once for each product of a purchase: by sale the document of each.

    A line without a reason of its own has that of the return, and a sale without a document is known by it too.
    """
    said: dict[tuple[int, str | None], CameBack] = {}
    for reference, line in _numbered(found):
        reason = line.reason or found.note
        document = documents.get(line.sale_id or 0) or found.related_document
        if says_it_did_not_fit(reason):
            one = CameBack(reference, line.product_id, document, reason or "")
            said.setdefault((line.product_id, document), one)
    return list(said.values())


def references_of(found: Return) -> Sequence[str]:
    """By what its feedback is known: the document and the line."""
    return [reference for reference, _ in _numbered(found)]


def _numbered(found: Return) -> Iterable[tuple[str, ReturnLine]]:
    return ((f"return {found.id}/{number}", line) for number, line in enumerate(found.lines, start=1))
