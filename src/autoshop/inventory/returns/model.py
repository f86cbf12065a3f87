"""A return: pieces that came back from a customer, or went back to a supplier; and the sale that they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.inventory.marks.model import Unit
from autoshop.kit.errors import Conflict, Invalid, NotFound, wrong

Kind = Literal["customer", "supplier"]
Condition = Literal["resaleable", "damaged", "defective"]
Status = Literal["posted", "reversed"]
MOST_SALES = 1_000  # of one document; beyond that somebody must say which sale he means


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as it was asked for. `condition` None: pieces that go back to a supplier. `marks`: one for each piece."""

    product_id: int
    quantity: int
    condition: Condition | None = None
    reason: str | None = None
    marks: Sequence[str] | None = None


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
    """Pieces of one product out of one sale, and the movements that brought them in (and wrote them off).

    `units`: those that are marked, where it is being made.
    """

    product_id: int
    quantity: int
    condition: Condition | None
    reason: str | None
    sale_id: int | None
    movement_id: int = 0
    writeoff_id: int | None = None
    units: tuple[Unit, ...] = ()


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


class MarksNeeded(Conflict):
    """Whoever brought a marked piece back without its mark would leave the unit sold for ever."""

    title = "Scan the marks"

    def explain(self) -> str:
        returnable, marked = self.facts["returnable"], self.facts["marked"]
        return (
            f"Of {returnable} that may come back, {marked} are marked: scan the marks of such pieces, and send them as"
            " `marks` of a line"
        )


class SoldWithAnother(Conflict):
    title = "That unit was sold with another sale"

    def explain(self) -> str:
        serial, sale_id = self.facts["serial"], self.facts["sale_id"]
        return f"The unit with serial {serial} was sold by movement {sale_id}, not with what you named"


class SoldAnew(SoldWithAnother):
    """Nobody named a sale: it came back and was sold once more between our look and our leap."""

    passing = True

    def explain(self) -> str:
        return f"The unit with serial {self.facts['serial']} was sold anew just now: send the same again"


class TooManySales(Conflict):
    title = "Too many sales under that document"

    def explain(self) -> str:
        return f"There are more than {MOST_SALES}: name the sale by its movement_id"


class AlreadyReversed(Conflict):
    title = "The return was reversed before"


OfUnits = Mapping[int, Mapping[int, Sequence[Unit]]]  # number of the line → sale → its marked units


def out_of(
    sales: Sequence[Sale], wanted: Sequence[Wanted], of_units: OfUnits, away: Mapping[int, int]
) -> tuple[list[ReturnLine], dict[int, Conflict]]:
    """Which sale each piece is of; and by number of the line, why that cannot be.

    Marked pieces are of the sale that took their units. Others are of the oldest that has some without a mark: of what
    may come back of a sale, as many are marked as units of it are `away`. A line of several sales becomes several.
    """
    marked = {sale.id: min(sale.returnable, away.get(sale.id, 0)) for sale in sales}
    unmarked = {sale.id: sale.returnable - marked[sale.id] for sale in sales}
    lines: list[ReturnLine] = []
    refused: dict[int, Conflict] = {}
    for number, line in enumerate(wanted):
        of_product = [sale for sale in sales if sale.product_id == line.product_id]
        units = of_units.get(number)
        left = unmarked if units is None else marked
        missing = line.quantity
        for sale in of_product:
            pieces = min(missing if units is None else len(units.get(sale.id, ())), left[sale.id])
            if pieces:
                left[sale.id] -= pieces
                missing -= pieces
                of_sale = () if units is None else tuple(units[sale.id])
                lines.append(ReturnLine(line.product_id, pieces, line.condition, line.reason, sale.id, units=of_sale))
        if missing:
            refused[number] = _why_not(line, of_product, wanted, away)
    return lines, refused


def _why_not(line: Wanted, sales: Sequence[Sale], wanted: Sequence[Wanted], away: Mapping[int, int]) -> Conflict:
    if not sales:
        return NotSoldWithIt(product_id=line.product_id)
    if all(sale.reversed for sale in sales):
        return SaleReversed(movement_id=sales[0].id, product_id=line.product_id)
    standing = [sale for sale in sales if not sale.reversed]
    asked = sum(other.quantity for other in wanted if other.product_id == line.product_id)
    returnable = sum(sale.returnable for sale in standing)
    if asked <= returnable and line.marks is None:
        marked = sum(min(sale.returnable, away.get(sale.id, 0)) for sale in standing)
        return MarksNeeded(product_id=line.product_id, asked=asked, returnable=returnable, marked=marked)
    return MoreThanSold(
        product_id=line.product_id,
        asked=asked,
        sold=sum(sale.sold for sale in standing),
        returned=sum(sale.returned for sale in standing),
        returnable=returnable,
    )


def one_of(movement_id: int | None, related_document: str | None) -> SaleOf:
    """The sale that is meant; `Invalid` unless exactly one of the two is given."""
    if (movement_id is None) == (related_document is None):
        reason = "give movement_id or related_document, one of them"
        raise Invalid(reason, errors=[wrong("movement_id", reason), wrong("related_document", reason)])
    return SaleOf(movement_id, related_document)
