"""Movements as plain data, and the rules about them that need no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from autoshop.kit.errors import Conflict, Invalid, NotFound, wrong
from autoshop.kit.idempotency import Key
from autoshop.kit.text import NO_NUL

MovementType = Literal["inbound", "sale", "return", "transfer", "writeoff", "adjustment", "supplier_return"]

# +1 puts pieces on the shelf, -1 takes them away. An adjustment carries its own sign; a transfer takes
# pieces away here and puts them back through its receipt.
SIGNS: dict[str, int] = {"inbound": 1, "sale": -1, "return": 1, "transfer": -1, "writeoff": -1, "supplier_return": -1}

MOST_PIECES = 1_000_000  # in one movement; more is a slipped key, not a delivery
MOST_COST_KOPECKS = 10**11  # of one piece: a billion roubles
WITH_COST = ("inbound", "return")  # what may say what a piece cost; all else moves at the cost there is

Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Pieces = Annotated[int, msgspec.Meta(ge=-MOST_PIECES, le=MOST_PIECES)]
Document = Annotated[str, msgspec.Meta(max_length=200, pattern=NO_NUL)]
Reason = Annotated[str, msgspec.Meta(max_length=500, pattern=NO_NUL)]
MarkingCode = Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern=NO_NUL)]
Marks = Annotated[list[MarkingCode], msgspec.Meta(max_length=1_000)]
Cost = Annotated[int, msgspec.Meta(ge=0, le=MOST_COST_KOPECKS)]


class MovementRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a caller asks for. `quantity` is a number of pieces, positive; an adjustment's may be negative.

    `marks`: of a sale of marked goods, the whole marking code of each piece; what comes back is a return (`/returns`).
    `effective_on` is the date on the paper, in the zone of the store; none = now. `unit_cost_kopecks` is what a piece
    of a delivery or return cost, from who may see costs.
    """

    product_id: Id
    store_id: Id
    movement_type: MovementType
    quantity: Pieces
    to_store_id: Id | None = None
    related_document: Document | None = None
    reason: Reason | None = None
    marks: Marks | None = None
    effective_on: date | None = None
    unit_cost_kopecks: Cost | None = None


class MovementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted. `new_quantity` is the stock of the product at the store right after it."""

    ok: bool = True
    movement_id: int
    product_id: int
    store_id: int
    movement_type: str
    quantity: int
    delta: int
    new_quantity: int
    related_document: str | None
    created_at: datetime
    transfer_id: int | None = None
    effective_on: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One movement that is to be posted. `delta` is signed."""

    product_id: int
    store_id: int
    movement_type: str
    delta: int
    actor: str
    related_document: str | None = None
    reason: str | None = None
    key: Key | None = None
    transfer_id: int | None = None
    reverses_id: int | None = None
    effective_on: date | None = None
    unit_cost_kopecks: int | None = None

    @property
    def place(self) -> tuple[int, int]:
        """The inventory row that the line changes."""
        return self.product_id, self.store_id


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the ledger."""

    id: int
    product_id: int
    store_id: int
    movement_type: str
    quantity: int
    delta: int
    balance_after: int
    related_document: str | None
    reason: str | None
    actor: str
    transfer_id: int | None
    reverses_id: int | None
    created_at: datetime
    effective_on: date | None
    unit_cost_kopecks: int | None

    def answer(self) -> MovementAnswer:
        """The answer to whoever posted it; the same now and in a year, because a movement never changes."""
        return MovementAnswer(
            movement_id=self.id,
            product_id=self.product_id,
            store_id=self.store_id,
            movement_type=self.movement_type,
            quantity=self.quantity,
            delta=self.delta,
            new_quantity=self.balance_after,
            related_document=self.related_document,
            created_at=self.created_at,
            transfer_id=self.transfer_id,
            effective_on=self.effective_on,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of a product at a store when a movement was not possible."""

    product_id: int
    store_id: int
    product_exists: bool
    store_exists: bool
    row_exists: bool
    quantity: int
    reserved: int

    @property
    def available(self) -> int:
        return self.quantity - self.reserved


class InsufficientStock(Conflict):
    title = "Insufficient stock"

    def explain(self) -> str:
        return f"Asked for {self.facts['asked']}, available {self.facts['available']}"


class TooManyPieces(Conflict):
    title = "Too many pieces"

    def explain(self) -> str:
        return "No shelf holds that many; check the quantity"


class UnknownProduct(NotFound):
    title = "Unknown product"


class UnknownStore(NotFound):
    title = "Unknown store"


class UnknownMovement(NotFound):
    title = "Unknown movement"


class AlreadyReversed(Conflict):
    title = "Already reversed"


class StockMoved(Conflict):
    """Stock changed between the look and the leap; nothing was posted."""

    title, passing = "The stock moved meanwhile", True


class NotReversible(Conflict):
    title = "Cannot be reversed"


class SaleReturned(Conflict):
    title = "Pieces of the sale came back"

    def explain(self) -> str:
        return f"Sale {self.facts['movement_id']} has a return: undo that first, or bring back the rest as a return too"


class PartOfReturn(Conflict):
    title = "Part of a return"

    def explain(self) -> str:
        return (
            f"The movement belongs to return {self.facts['return_id']}: undo that as a whole, POST {self.facts['path']}"
        )


class BatchRefused(Conflict):
    """Nothing of the batch was done; `lines` names every line that stood in the way, counted from 0."""

    title = "Nothing was posted"

    def explain(self) -> str:
        return f"{len(self.facts['lines'])} line(s) cannot be posted"


def signed(movement_type: str, quantity: int) -> int:
    """Pieces with their sign; `Invalid` where the quantity makes no sense for the type."""
    if movement_type == "adjustment":
        if quantity == 0:
            raise _invalid("quantity", "an adjustment of 0 changes nothing")
        return quantity
    if quantity < 1:
        raise _invalid("quantity", "must be at least 1; only an adjustment may be negative")
    return SIGNS[movement_type] * quantity


def check_destination(request: MovementRequest) -> None:
    """A transfer names where it goes, and nothing else does."""
    if request.movement_type != "transfer":
        if request.to_store_id is not None:
            raise _invalid("to_store_id", "only a transfer goes to another store")
    elif request.to_store_id is None:
        raise _invalid("to_store_id", "a transfer must name the store it goes to")
    elif request.to_store_id == request.store_id:
        raise _invalid("to_store_id", "a transfer must go to another store")


def check_cost(request: MovementRequest) -> None:
    """Only what comes from outside says what it cost."""
    if request.unit_cost_kopecks is not None and request.movement_type not in WITH_COST:
        raise _invalid("unit_cost_kopecks", "only an inbound or a return says what a piece cost; leave it out")


def refusal_for(line: Line, asked: int, place: Place) -> Conflict | NotFound | None:
    """Why a line was not possible, or None when it would be possible by now.

    `asked` is what the whole request wants of this place, so that two lines of 3 against a stock of 5 are told so.
    """
    if not place.product_exists:
        return UnknownProduct(f"There is no product {line.product_id}", product_id=line.product_id)
    if not place.store_exists:
        return UnknownStore(f"There is no store {line.store_id}", store_id=line.store_id)
    if asked > place.available:
        return InsufficientStock(
            product_id=line.product_id,
            store_id=line.store_id,
            asked=asked,
            available=place.available,
            quantity=place.quantity,
            reserved=place.reserved,
        )
    return None


@dataclass(frozen=True, slots=True)
class Sums:
    """Lines summed per place, for one statement.

    For each place: `total` of the deltas, and `lowest`, the lowest running sum: if stock + lowest >= reserved then
    every line fits in its turn. For each line: its running sum minus the place's total, so that
    balance_after = (stock after the statement) + offset.
    """

    places: list[tuple[int, int]]
    totals: list[int]
    lowest: list[int]
    offsets: list[int]


def sum_up(lines: Sequence[Line]) -> Sums:
    """Sum lines per place, in the given order."""
    totals: dict[tuple[int, int], int] = {}
    lowest: dict[tuple[int, int], int] = {}
    running = []
    for line in lines:
        total = totals[line.place] = totals.get(line.place, 0) + line.delta
        lowest[line.place] = min(lowest.get(line.place, 0), total)
        running.append(total)
    offsets = [after - totals[line.place] for line, after in zip(lines, running, strict=True)]
    return Sums(list(totals), list(totals.values()), list(lowest.values()), offsets)


def _invalid(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", errors=[wrong(field, reason)])
