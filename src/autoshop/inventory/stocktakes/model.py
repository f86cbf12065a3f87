"""A stocktake: which products are counted at a store, how far that is, and what it found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from autoshop.inventory.shelves.model import key_of
from autoshop.inventory.stocktakes.counts.model import LineStatus
from autoshop.kit.errors import Conflict, NotFound

Kind = Literal["store", "category", "products", "flagged", "shelves"]
Status = Literal["counting", "review", "approved", "cancelled"]
Uncounted = Literal["leave", "zero"]
MOST_PRODUCTS = 20_000  # in a list that names them; a whole store or category may have more
MOST_SHELVES = 500  # in one scope; a shelf stands for all places under it
MOST_TOLD = 100  # of what stands in the way, in one refusal


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: all the store has, a category with those below it, the products named, those flagged, or what
    has one of its places under one of the shelves (`A-03` is A-03 itself, and A-03-2).
    """

    kind: Kind
    category_id: int | None = None
    product_ids: tuple[int, ...] = ()
    shelves: tuple[str, ...] = ()  # as they are kept

    @property
    def shelf_keys(self) -> list[str]:
        """The keys that the places under the shelves begin with, in the order in which one walks."""
        return sorted(key_of(shelf) for shelf in self.shelves)

    @property
    def takes_what_turns_up(self) -> bool:
        """Whether a product of which nothing was expected belongs to it all the same, once somebody counts it."""
        return self.kind in ("store", "category", "shelves")

    def document(self) -> dict[str, Any]:
        """As it is kept: the products that were named are the lines."""
        told: dict[str, Any] = {"category_id": self.category_id} if self.kind == "category" else {}
        return {"kind": self.kind, **told, **({"shelves": list(self.shelves)} if self.kind == "shelves" else {})}


@dataclass(frozen=True, slots=True)
class Stocktake:
    """The document. `surplus` and `shortage` are the pieces that its approval put right."""

    id: int
    store_id: int
    status: Status
    scope: dict[str, Any]
    blind: bool
    second_count_above: int | None
    second_count_above_kopecks: int | None
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
        shelves = tuple(self.scope.get("shelves", ()))
        return Scope(self.scope["kind"], self.scope.get("category_id"), shelves=shelves)

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


class UnknownShelf(NotFound):
    """`shelves` are those under which no product of the store has its place."""

    title = "Unknown shelf"

    def explain(self) -> str:
        named = ", ".join(self.facts["shelves"][:10])
        return f"No product has its place under {named}; see the places of the store, or set them"


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
