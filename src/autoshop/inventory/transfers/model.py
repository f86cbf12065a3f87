"""A transfer: what was asked for, what left one store, what came to the other, and what did not come as sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from autoshop.kit.errors import Conflict, NotFound

Status = Literal["requested", "in_transit", "received", "cancelled"]
Reason = Literal["lost", "damaged", "wrong_item", "surplus", "found"]
Change = Literal[
    "requested", "changed", "shipped", "received", "differed", "cancelled", "recalled", "overdue",
]  # fmt: skip

CLOSED = frozenset({"received", "cancelled"})
# What came though nobody sent it, in the words of the flag: the sender's shelf is likely wrong.
UNSENT = {"wrong_item": "came instead of something else to", "surplus": "more came than was sent to"}


@dataclass(frozen=True, slots=True)
class TransferLine:
    """Pieces of one product.

    `dropped` were asked for and are no longer wanted, `returned` were called back by the sender. `lost` never came and
    `damaged` came broken: on the ledger both were received and written off at once.
    """

    product_id: int
    requested: int
    dropped: int
    shipped: int
    received: int
    returned: int
    lost: int
    damaged: int

    @property
    def on_the_way(self) -> int:
        return self.shipped - self.received - self.returned - self.lost - self.damaged

    @property
    def wanted(self) -> int:
        """Asked for, and neither shipped nor dropped."""
        return max(0, self.requested - self.dropped - self.shipped)


@dataclass(frozen=True, slots=True)
class Transfer:
    """The document.

    `eta_at` is when the goods of the last shipment should be on the other shelf, `due_at` those of the oldest of which
    something is on the way. `reservation_id` holds at the sender what is wanted; with `allocation_id` it is the hold of
    an order, and goes along with the pieces.
    """

    id: int
    from_store_id: int
    to_store_id: int
    status: Status
    related_document: str | None
    note: str | None
    wanted_by: date | None
    reservation_id: int | None
    allocation_id: int | None
    actor: str
    created_at: datetime
    shipped_at: datetime | None
    eta_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    version: int
    lines: tuple[TransferLine, ...] = ()

    @property
    def wanted(self) -> dict[int, int]:
        """Pieces by product that are still to be shipped."""
        return {line.product_id: line.wanted for line in self.lines if line.wanted}

    @property
    def on_the_way(self) -> dict[int, int]:
        """Pieces by product that left and have not come."""
        return {line.product_id: line.on_the_way for line in self.lines if line.on_the_way}

    @property
    def document(self) -> str:
        """What the ledger calls it where the caller gave no name."""
        return self.related_document or f"transfer {self.id}"


def status_of(lines: Iterable[TransferLine]) -> Status:
    """What is on the way comes first, then what is still wanted; of what is done with: did anything ever come?"""
    lines = list(lines)
    if any(line.on_the_way for line in lines):
        return "in_transit"
    if any(line.wanted for line in lines):
        return "requested"
    if any(line.received + line.lost + line.damaged for line in lines):
        return "received"
    return "cancelled"


@dataclass(frozen=True, slots=True)
class Part:
    """One shipment of a transfer: when it should come, and its pieces by product."""

    eta_at: datetime
    pieces: Mapping[int, int]


def due_at(parts: Sequence[Part], lines: Iterable[TransferLine]) -> datetime | None:
    """When the oldest shipment should come of which something is on the way; None where nothing is.

    Nobody writes on a box which shipment it is of: what came is taken to be of the oldest, what was called back of the
    newest.
    """
    due: datetime | None = None
    for line in lines:
        open_ = [(part.eta_at, part.pieces.get(line.product_id, 0)) for part in parts]
        open_ = _without(reversed(_without(open_, line.received + line.lost + line.damaged)), line.returned)[::-1]
        if open_ and line.on_the_way:
            due = min(due or open_[0][0], open_[0][0])
    return due


def _without(parts: Iterable[tuple[datetime, int]], settled: int) -> list[tuple[datetime, int]]:
    left = []
    for eta_at, pieces in parts:
        taken = min(pieces, settled)
        settled -= taken
        if pieces > taken:
            left.append((eta_at, pieces - taken))
    return left


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a transfer's history: what was done, by whom, to which pieces (by product).

    A shipment has its `eta_at`; a change says what was there `before` and what came in its place.
    """

    at: datetime
    actor: str
    change: Change
    lines: Mapping[str, Any]
    eta_at: datetime | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Found:
    """What the receiver found to be different from what was sent."""

    product_id: int
    quantity: int
    reason: Reason
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference as it was written down."""

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


@dataclass(frozen=True, slots=True)
class Late:
    """How many transfers to a store should have come by now, and since when the oldest of them."""

    store_id: int
    transfers: int
    oldest_due_at: datetime


@dataclass(frozen=True, slots=True)
class ForOrder:
    """A transfer as its order shows it."""

    id: int
    from_store_id: int
    status: Status
    eta_at: datetime | None


class UnknownTransfer(NotFound):
    title = "Unknown transfer"


class TransferClosed(Conflict):
    title = "The transfer is closed"

    def explain(self) -> str:
        return f"Transfer {self.facts['transfer_id']} is {self.facts['transfer_status']}; nothing of it is on the way"


class MoreThanShipped(Conflict):
    title = "More than was shipped"

    def explain(self) -> str:
        return f"On the way are {self.facts['on_the_way']}, not {self.facts['asked']}"


class MoreThanLost(Conflict):
    title = "More than was lost"

    def explain(self) -> str:
        return f"Told as lost are {self.facts['lost']}, not {self.facts['asked']}; what came besides is a surplus"


class NotShippedYet(Conflict):
    title = "Not shipped yet"

    def explain(self) -> str:
        return f"Nothing of transfer {self.facts['transfer_id']} has left: ship it first"


class MoreThanRequested(Conflict):
    title = "More than was asked for"

    def explain(self) -> str:
        return f"Wanted are {self.facts['wanted']}, not {self.facts['asked']}; say beyond_requested to ship it anyway"


class NothingRequested(Conflict):
    title = "Nothing is asked for any more"

    def explain(self) -> str:
        number = self.facts["transfer_id"]
        return f"All of transfer {number} has left or was dropped; what is on the way can be recalled"


class ShippedAlready(Conflict):
    title = "Shipped already"

    def explain(self) -> str:
        return f"Of transfer {self.facts['transfer_id']} pieces have left: it can no longer be changed, only cancelled"


class OrderDecides(Conflict):
    title = "The order decides what it brings"

    def explain(self) -> str:
        number, order = self.facts["transfer_id"], self.facts["allocation_id"]
        return f"Transfer {number} brings the pieces of allocation {order}: ask for others by a transfer of their own"


class NoLongerWanted(Conflict):
    title = "The order no longer waits"

    def explain(self) -> str:
        number, order = self.facts["transfer_id"], self.facts["allocation_id"]
        return f"Allocation {order} has ended; cancel transfer {number}, or send what is free by another"


class StoreClosed(Conflict):
    title = "The store is closed"

    def explain(self) -> str:
        return f"Store {self.facts['store_id']} is no longer in business: nothing can be sent there"


class NoWayThere(Conflict):
    title = "Nothing goes there"

    def explain(self) -> str:
        return "The sending or the receiving store has no open day within a year; check their hours"
