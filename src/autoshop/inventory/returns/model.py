"""A return: pieces that came back from a customer, or went back to a supplier; and the sale that they are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.kit.errors import Conflict, Invalid, NotFound, wrong

Kind = Literal["customer", "supplier"]
Condition = Literal["resaleable", "damaged", "defective"]
Status = Literal["posted", "reversed"]
MOST_SALES = 1_000  # of one document; beyond that somebody must say which sale he means


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as it was asked for. `condition` None: pieces that go back to a supplier."""

    product_id: int
    quantity: int
    condition: Condition | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SaleOf:
    """What the pieces were sold with: one movement, or whatever was sold under a document."""

    movement_id: int | None = None
    related_document: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale, and what of it came back."""

    id: int
    product_id: int
    store_id: int
    sold: int
    returned: int
    reversed: bool
    related_document: str | None
    created_at: datetime

    @property
    def returnable(self) -> int:
        """Pieces that may still come back."""
        return 0 if self.reversed else self.sold - self.returned


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Pieces of one product out of one sale, and the movements that brought them in (and wrote them off)."""

    product_id: int
    quantity: int
    condition: Condition | None
    reason: str | None
    sale_id: int | None
    movement_id: int = 0
    writeoff_id: int | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """The document. `unlinked`: nobody knows the sale."""

    id: int
    kind: Kind
    store_id: int
    status: Status
    supplier: str | None
    unlinked: bool
    related_document: str | None
    note: str | None
    actor: str
    created_at: datetime
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None
    version: int
    lines: tuple[ReturnLine, ...] = ()


class UnknownReturn(NotFound):
    title = "Unknown return"


class UnknownSale(NotFound):
    title = "Unknown sale"


class NotASale(Conflict):
    title = "Not a sale"

    def explain(self) -> str:
        return f"Movement {self.facts['movement_id']} is no sale; only what was sold comes back from a customer"


class SaleReversed(Conflict):
    title = "The sale was reversed"

    def explain(self) -> str:
        return f"Sale {self.facts['movement_id']} was undone as a whole; nothing of it is with a customer"


class NotSoldWithIt(Conflict):
    title = "Not sold with that"

    def explain(self) -> str:
        return f"Product {self.facts['product_id']} was not sold with what you named; look at GET …/sales/returnable"


class MoreThanSold(Conflict):
    title = "More than was sold"

    def explain(self) -> str:
        return (
            f"Asked for {self.facts['asked']}; of {self.facts['sold']} sold, {self.facts['returned']} came back before,"
            f" so at most {self.facts['returnable']} may"
        )


class TooManySales(Conflict):
    title = "Too many sales under that document"

    def explain(self) -> str:
        return f"There are more than {MOST_SALES}: name the sale by its movement_id"


class AlreadyReversed(Conflict):
    title = "The return was reversed before"


def out_of(sales: Sequence[Sale], wanted: Sequence[Wanted]) -> tuple[list[ReturnLine], dict[int, Conflict]]:
    """Which sale each piece is of, the oldest first; and by number of the line, why that cannot be.

    A line that is more than one sale had becomes several.
    """
    left = {sale.id: sale.returnable for sale in sales}
    lines: list[ReturnLine] = []
    refused: dict[int, Conflict] = {}
    for number, line in enumerate(wanted):
        of_product = [sale for sale in sales if sale.product_id == line.product_id]
        missing = line.quantity
        for sale in of_product:
            pieces = min(missing, left[sale.id])
            if pieces:
                left[sale.id] -= pieces
                missing -= pieces
                lines.append(ReturnLine(line.product_id, pieces, line.condition, line.reason, sale.id))
        if missing:
            refused[number] = _why_not(line, of_product, wanted)
    return lines, refused


def _why_not(line: Wanted, sales: Sequence[Sale], wanted: Sequence[Wanted]) -> Conflict:
    if not sales:
        return NotSoldWithIt(product_id=line.product_id)
    if all(sale.reversed for sale in sales):
        return SaleReversed(movement_id=sales[0].id, product_id=line.product_id)
    standing = [sale for sale in sales if not sale.reversed]
    return MoreThanSold(
        product_id=line.product_id,
        asked=sum(other.quantity for other in wanted if other.product_id == line.product_id),
        sold=sum(sale.sold for sale in standing),
        returned=sum(sale.returned for sale in standing),
        returnable=sum(sale.returnable for sale in standing),
    )


def one_of(movement_id: int | None, related_document: str | None) -> SaleOf:
    """The sale that is meant; `Invalid` unless exactly one of the two is given."""
    if (movement_id is None) == (related_document is None):
        reason = "give movement_id or related_document, one of them"
        raise Invalid(reason, errors=[wrong("movement_id", reason), wrong("related_document", reason)])
    return SaleOf(movement_id, related_document)
