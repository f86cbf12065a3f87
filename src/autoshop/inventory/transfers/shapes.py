"""What the routes of transfers take and tell. Apart from api.py, which would be too long to be read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from autoshop.inventory.transfers.model import Change, Difference, Reason, Status, Transfer, TransferLine
from autoshop.kit.answers import shaped
from autoshop.kit.fields import Day, Id, Moment, YesNo
from autoshop.kit.text import NO_NUL

Document = Annotated[str | None, Field(max_length=200, pattern=NO_NUL)]
Note = Annotated[str | None, Field(max_length=500, pattern=NO_NUL)]


class PiecesOf(BaseModel, extra="forbid"):
    """Pieces of a product."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


Lines = Annotated[list[PiecesOf], Field(min_length=1, max_length=1000)]


class TransferIn(BaseModel, extra="forbid"):
    """What one store wants of another. With `ship` it leaves at once, all of it.

    With `hold` it is kept for that at the sender (for three days, or until `hold_until`), for who acts for that store.
    """

    from_store_id: Id
    to_store_id: Id
    lines: Lines
    related_document: Document = None
    note: Note = None
    wanted_by: Day | None = None
    ship: YesNo = False
    hold: YesNo = False
    hold_until: Moment | None = None

    @model_validator(mode="after")
    def _held_or_shipped(self) -> "TransferIn":
        if self.hold and self.ship:
            raise ValueError("hold: what leaves at once is not held")
        if self.hold_until is not None and not self.hold:
            raise ValueError("hold_until: say hold as well")
        return self


class TransferChange(BaseModel, extra="forbid"):
    """`lines` replaces all that was asked for."""

    lines: Lines | None = None
    note: Note = None
    wanted_by: Day | None = None


class Shipment(BaseModel, extra="forbid"):
    """What leaves. Without `lines`: everything that is wanted. What is wanted beyond stays so, unless `close_rest`."""

    lines: Lines | None = None
    close_rest: YesNo = False
    beyond_requested: YesNo = False


class SomeOrAll(BaseModel, extra="forbid"):
    """Without `lines`: everything that is on the way."""

    lines: Lines | None = None


class FoundLine(PiecesOf):
    """`lost` and `damaged` are pieces on the way; `found` were lost before; the others came though nobody sent them."""

    reason: Reason
    note: Note = None

    @model_validator(mode="after")
    def _wrong_item_is_told(self) -> "FoundLine":
        if self.reason == "wrong_item" and not (self.note or "").strip():
            raise ValueError("note: say what came instead of what")
        return self


class Differences(BaseModel, extra="forbid"):
    lines: Annotated[list[FoundLine], Field(min_length=1, max_length=1000)]


class TransferLineOut(BaseModel):
    """`wanted` is still to be shipped, `on_the_way` has left and has not come."""

    product_id: int
    requested: int
    dropped: int
    wanted: int
    shipped: int
    received: int
    returned: int
    lost: int
    damaged: int
    on_the_way: int


class TransferOut(BaseModel):
    """A transfer. `eta_at` is of its last shipment, `due_at` of the oldest of which something is on the way.

    `overdue`: that has passed. `reservation_id` holds at the sender what is wanted; with `allocation_id` it is that of
    an order, and holds at the receiver what has come.
    """

    id: int
    from_store_id: int
    to_store_id: int
    status: Status
    overdue: bool
    related_document: str | None
    note: str | None
    wanted_by: Day | None
    reservation_id: int | None
    allocation_id: int | None
    actor: str
    created_at: datetime
    shipped_at: datetime | None
    eta_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    version: int
    lines: list[TransferLineOut]


class StepOut(BaseModel):
    """What was done to a transfer, by whom, to how many pieces of each product.

    A shipment has its `eta_at`; a change shows what it put an end to (`before`), and what it put in its place.
    """

    at: datetime
    actor: str
    change: Change
    lines: dict[int, int]
    eta_at: datetime | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class LineAtSender(TransferLineOut):
    """`free` is what the sender could ship of it now, besides what is held for this transfer."""

    free: int


class TransferWithHistory(TransferOut):
    lines: list[LineAtSender]  # type: ignore[assignment]  # the same, and more
    history: list[StepOut]


class TransfersPage(BaseModel):
    items: list[TransferOut]
    next_page: str | None


class DifferenceOut(BaseModel):
    """What the receiver found to be different from what was sent."""

    id: int
    transfer_id: int
    from_store_id: int
    to_store_id: int
    product_id: int
    quantity: int
    reason: Reason
    note: str | None
    actor: str
    created_at: datetime


class DifferencesPage(BaseModel):
    items: list[DifferenceOut]
    next_page: str | None


class LineReport(BaseModel):
    """What became of the pieces of a product, and what came of it besides."""

    product_id: int
    shipped: int
    received: int
    returned: int
    lost: int
    damaged: int
    on_the_way: int
    surplus: int
    wrong_item: int
    found: int


class DifferenceReport(BaseModel):
    """Everything about a transfer that is not as it was sent; `lines` has only products that differ."""

    transfer_id: int
    lines: list[LineReport]
    items: list[DifferenceOut]


class LateOut(BaseModel):
    """Transfers that a store waits for and that should have come."""

    store_id: int
    transfers: int
    oldest_due_at: datetime


class LatePage(BaseModel):
    items: list[LateOut]


TRANSFER_FIELDS = TransferOut.model_fields.keys() - {"overdue"}


def out(transfer: Transfer, now: datetime) -> TransferOut:
    """A transfer as the API tells it."""
    told = {name: getattr(transfer, name) for name in TRANSFER_FIELDS}
    told["overdue"] = transfer.due_at is not None and transfer.due_at < now
    return TransferOut.model_validate(told, from_attributes=True)


def report(transfer: Transfer, found: Sequence[Difference]) -> DifferenceReport:
    """What differs about a transfer, product by product and as it was told."""
    told: Counter[tuple[int, str]] = Counter()
    for one in found:
        told[one.product_id, one.reason] += one.quantity
    sent = {line.product_id: line for line in transfer.lines}
    nothing = TransferLine(0, 0, 0, 0, 0, 0, 0, 0)
    lines = []
    for product_id in sorted({product_id for product_id, _ in told}):
        line = sent.get(product_id, nothing)
        besides = {reason: told[product_id, reason] for reason in ("surplus", "wrong_item", "found")}
        counts = {name: getattr(line, name) for name in LineReport.model_fields if hasattr(line, name)}
        lines.append(LineReport(**{**counts, **besides, "product_id": product_id}))
    return DifferenceReport(transfer_id=transfer.id, lines=lines, items=[shaped(DifferenceOut, one) for one in found])


def pieces_of(lines: Iterable[PiecesOf]) -> dict[int, int]:
    """Pieces by product; a product that is named twice is wanted twice."""
    pieces: dict[int, int] = {}
    for line in lines:
        pieces[line.product_id] = pieces.get(line.product_id, 0) + line.quantity
    return pieces


def some_or_all(lines: list[PiecesOf] | None) -> dict[int, int] | None:
    return None if lines is None else pieces_of(lines)
