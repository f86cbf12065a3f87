"""A stocktake: which products are counted at a store, how far that is, and what it found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from autoshop.inventory.stocktakes.counts.model import LineStatus
from autoshop.kit.errors import Conflict, NotFound

Kind = Literal["store", "category", "products", "flagged"]
Status = Literal["counting", "review", "approved", "cancelled"]
Uncounted = Literal["leave", "zero"]
MOST_PRODUCTS = 20_000  # in a list that names them; a whole store or category may have more
MOST_TOLD = 100  # of what stands in the way, in one refusal


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: all the store has, a category with those below it, the products named, or those flagged."""

    kind: Kind
    category_id: int | None = None
    product_ids: tuple[int, ...] = ()

    @property
    def takes_what_turns_up(self) -> bool:
        """Whether a product of which nothing was expected belongs to it all the same, once somebody counts it."""
        return self.kind in ("store", "category")

    def document(self) -> dict[str, Any]:
        """As it is kept: the products that were named are the lines."""
        return {"kind": self.kind} | ({"category_id": self.category_id} if self.kind == "category" else {})


@dataclass(frozen=True, slots=True)
class Stocktake:
    """The document. `surplus` and `shortage` are the pieces that its approval put right."""

    id: int
    store_id: int
    status: Status
    scope: dict[str, Any]
    blind: bool
    second_count_above: int | None
    note: str | None
    opened_by: str
    opened_at: datetime
    uncounted: Uncounted | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    surplus: int | None
    shortage: int | None
    version: int
    movement_mark: int

    @property
    def kept_scope(self) -> Scope:
        return Scope(self.scope["kind"], self.scope.get("category_id"))

    @property
    def name(self) -> str:
        """As the ledger calls it."""
        return f"stocktake {self.id}"


@dataclass(frozen=True, slots=True)
class Line:
    """A product in it. `ledger` is what the ledger said at the moment of the count that decides."""

    product_id: int
    status: LineStatus
    expected: int
    asked_round: int
    round: int | None
    counted: int | None
    ledger: int | None
    difference: int | None
    counted_at: datetime | None
    counted_by: str | None

    @property
    def rank(self) -> int:
        """Its key in the order of differences: the largest first, unknown ones last."""
        return 1 if self.difference is None else -abs(self.difference)


@dataclass(frozen=True, slots=True)
class Progress:
    """Lines by status, and how many lines each person has counted something of."""

    lines: int
    by_status: dict[str, int]
    by_person: dict[str, int]


class UnknownStocktake(NotFound):
    title = "Unknown stocktake"


class UnknownCategory(NotFound):
    title = "Unknown category"


class NothingToCount(Conflict):
    title = "Nothing to count"

    def explain(self) -> str:
        return "The store has no pieces of what was named; name products to count those of which there are none"


class AlreadyBeingCounted(Conflict):
    """`products` names up to a hundred of them, each with the stocktake that is open."""

    title = "Already being counted"

    def explain(self) -> str:
        return "Products of this list are in another stocktake that is open: finish or cancel that one first"


class NotCounting(Conflict):
    title = "The stocktake is not being counted"

    def explain(self) -> str:
        status = self.facts["stocktake_status"]
        return f"It is {status}" + ("; whoever approves it can reopen it" if status == "review" else " for good")


class NotInReview(Conflict):
    title = "The stocktake is not in review"

    def explain(self) -> str:
        status = self.facts["stocktake_status"]
        return f"It is {status}" + ("; end the counting first" if status == "counting" else " for good")


class StocktakeEnded(Conflict):
    title = "The stocktake has ended"

    def explain(self) -> str:
        return f"It is {self.facts['stocktake_status']} for good; open another"


class ConfirmZero(Conflict):
    """`lines` and `pieces` are what the ledger would lose."""

    title = "Confirm that the rest is not there"

    def explain(self) -> str:
        return (
            f"{self.facts['lines']} line(s) were not counted; to write off their {self.facts['pieces']} piece(s) send"
            " confirm_zero: true"
        )


class NotInTheList(Conflict):
    title = "Not in the list"

    def explain(self) -> str:
        return "These products are not in this stocktake, or nobody has counted them yet"


class CountedBlind(Conflict):
    title = "Counted blind"

    def explain(self) -> str:
        return "Differences are shown once the counting has ended, and before that to those who approve it"
