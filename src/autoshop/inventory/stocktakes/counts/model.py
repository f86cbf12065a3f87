"""What follows from the counts of one product: the rule of the whole stocktake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from autoshop.inventory.value.model import MICRO
from autoshop.kit.errors import Conflict, Forbidden, NotFound

Mode = Literal["set", "add"]
LineStatus = Literal["to_count", "counted", "needs_second_count", "needs_recount", "agreed", "zeroed"]
SETTLED: tuple[LineStatus, ...] = ("counted", "agreed", "zeroed")
UNSETTLED: tuple[LineStatus, ...] = ("needs_second_count", "needs_recount")
MOST_COUNTS = 1_000
MOST_ROUNDS = 9
MOST_ON_A_SHELF = 1_000_000_000  # as in the ledger


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device sends: `pieces` of a product, all there are (`set`) or those of one more shelf (`add`).

    Without `counted_at` it was now.
    """

    client_id: str
    product_id: int
    pieces: int
    mode: Mode
    round: int
    counted_at: datetime | None
    device: str
    note: str | None = None

    @property
    def said(self) -> tuple[int, int, str, int]:
        """What makes it the same count when it is sent again; its moment is told anew by the device's clock."""
        return self.product_id, self.pieces, self.mode, self.round


@dataclass(frozen=True, slots=True)
class Count:
    """A count that was taken. `ledger` is the balance at `counted_at`, `movement_id` the newest movement then."""

    id: int
    client_id: str
    product_id: int
    round: int
    mode: Mode
    pieces: int
    counted_at: datetime
    ledger: int
    movement_id: int
    actor: str
    device: str
    note: str | None
    retracted: bool = False

    @property
    def said(self) -> tuple[int, int, str, int]:
        return self.product_id, self.pieces, self.mode, self.round

    @property
    def counter(self) -> tuple[str, str]:
        """Who counts along one row of shelves."""
        return self.actor, self.device


@dataclass(frozen=True, slots=True)
class Settlement:
    """A line as its counts leave it. `difference` is None where nobody can know it."""

    status: LineStatus
    round: int
    counted: int
    ledger: int
    difference: int | None
    movement_id: int
    counted_at: datetime
    counted_by: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a difference may be without a second count: so many pieces, and worth so much. None: whatever it is.

    Where the cost is unknown the second limit asks for another count of any difference: nobody can say that it is worth
    little, and looking twice costs a minute.
    """

    pieces: int | None = None
    kopecks: int | None = None
    average_microkopecks: int | None = None  # what a piece costs

    def are_exceeded_by(self, difference: int) -> bool:
        """Whether it has to be counted again."""
        if self.pieces is not None and abs(difference) > self.pieces:
            return True
        if self.kopecks is None or difference == 0:
            return False
        average = self.average_microkopecks
        return average is None or abs(difference) * average > self.kopecks * MICRO


def settle(counts: Sequence[Count], asked_round: int, limits: Limits) -> Settlement:
    """What a line has come to; there is at least one count. The highest round decides: the later look wins.

    Why a difference can be known while the shop sells. Let T(t) be the pieces that lie there and L(t) the ledger. A
    sale, a delivery or a shipment changes both by the same number, so the error D = T(t) - L(t) stays what it is,
    whatever is sold. One look at everything (`set`) at the moment t gives T(t) = c, hence D = c - L(t), for ever: what
    is sold later, or was sold before, is in both numbers.

    Several looks (`add`) at shelves 1…n at the moments t1 ≤ … ≤ tn give c1 … cn, each right at its own moment only. At
    tn there lie c1 + … + cn pieces plus what happened on shelf k after tk. If no movement of this product lies between
    t1 and tn, nothing happened, and D = Σc - L(tn) = Σc - L(t1). If one does, it came from a shelf that was counted
    (then it is missing from the sum) or from one that was not yet (then it is not), and a sale and a return may even
    cancel each other in L and not on the shelves: the ledger does not know shelves, so D cannot be known, and the line
    needs a recount. It never is a guess.

    Likewise where somebody sets the whole number while another is in the middle of adding shelves: what he adds later
    may be in that number or not.
    """
    newest = max(count.round for count in counts)
    ordered = sorted((one for one in counts if one.round == newest), key=lambda one: (one.counted_at, one.id))
    start = max((number for number, one in enumerate(ordered) if one.mode == "set"), default=0)
    parts, last = ordered[start:], ordered[-1]
    counted = sum(one.pieces for one in parts)
    doubtful = _moved_between(parts) or _interrupted(ordered[:start], parts)
    difference = None if doubtful else counted - last.ledger
    return Settlement(
        status=_status(difference, newest, asked_round, limits),
        round=newest,
        counted=counted,
        ledger=last.ledger,
        difference=difference,
        movement_id=last.movement_id,
        counted_at=last.counted_at,
        counted_by=last.actor,
    )


def _moved_between(parts: Sequence[Count]) -> bool:
    """Within a place, numbers and times of movements never run backwards: the same newest movement, no movement."""
    return len({one.movement_id for one in parts}) > 1


def _interrupted(before: Sequence[Count], parts: Sequence[Count]) -> bool:
    """Whether somebody adds on both sides of another's `set`. Who corrects himself knows what he is doing."""
    adders = {one.counter for one in before if one.mode == "add"}
    return parts[0].mode == "set" and any(
        one.counter in adders and one.counter != parts[0].counter for one in parts[1:]
    )


def _status(difference: int | None, newest: int, asked_round: int, limits: Limits) -> LineStatus:
    if difference is None:
        return "needs_recount"
    if newest < asked_round or (newest == 1 and limits.are_exceeded_by(difference)):
        return "needs_second_count"
    return "agreed" if newest > 1 else "counted"


class CountsRefused(Conflict):
    """Nothing was taken; `counts` names every count that stood in the way, counted from 0, and why."""

    title = "Nothing was counted"

    def explain(self) -> str:
        return f"{len(self.facts['counts'])} count(s) cannot be taken; send the others without them"


class UnknownCount(NotFound):
    title = "Unknown count"

    def explain(self) -> str:
        return f"There is no count «{self.facts['client_ids'][0]}» in this stocktake; nothing was taken back"


class NotYourCount(Forbidden):
    title = "Not your count"

    def explain(self) -> str:
        return f"{self.facts['actor']} made it; whoever approves stocktakes may take it back too"


class CountedMeanwhile(CountsRefused):
    """Somebody else took such an id or opened such a stocktake between our look and our leap."""

    passing = True


def stands_in_the_way(number: int, asked: Asked, title: str, detail: str, **facts: Any) -> dict[str, Any]:
    """One entry of `CountsRefused(counts=[…])`."""
    return {
        "count": number, "client_id": asked.client_id, "product_id": asked.product_id, "title": title,
        "detail": detail, **facts,
    }  # fmt: skip
