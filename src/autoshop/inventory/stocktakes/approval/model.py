"""What may become an adjustment, and what stands in the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autoshop.inventory.stocktakes.counts.model import UNSETTLED
from autoshop.kit.errors import Conflict

Unsettled = Literal["refuse", "leave"]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A place under our lock: what lies there by the ledger, of which `reserved` is held."""

    quantity: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation that has not lapsed, and what it holds of a product."""

    reservation_id: int
    holder: str
    held: int


def too_low(
    differences: Mapping[int, int], shelves: Mapping[int, Shelf], holds: Mapping[int, Sequence[Hold]]
) -> list[dict[str, Any]]:
    """The lines that cannot be posted, each with the reason and what to do about it."""
    told = []
    for product_id, difference in differences.items():
        shelf = shelves[product_id]
        left = shelf.quantity + difference
        if left >= shelf.reserved:
            continue
        entry: dict[str, Any] = {
            "product_id": product_id, "difference": difference, "quantity": shelf.quantity, "reserved": shelf.reserved,
            "left": left,
        }  # fmt: skip
        if left < 0:
            entry["detail"] = "More was sold since the count than was counted: count it again"
        else:
            entry["detail"] = f"{left} piece(s) would be left, and {shelf.reserved} are held: release some of the holds"
            entry["reservations"] = [
                {"reservation_id": one.reservation_id, "holder": one.holder, "held": one.held}
                for one in holds.get(product_id, ())
            ]
        told.append(entry)
    return told


def unsettled(by_status: Mapping[str, int]) -> dict[str, int]:
    """How many lines have to be counted again, by what is wrong with them."""
    return {status: by_status[status] for status in UNSETTLED if by_status.get(status)}


class NotSettled(Conflict):
    """`lines` says how many there are of each status, `products` names up to a hundred."""

    title = "Not everything is settled"

    def explain(self) -> str:
        count = sum(self.facts["lines"].values())
        return (
            f"{count} line(s) have to be counted again: reopen the stocktake and count them, or send"
            ' unsettled: "leave" to approve the others'
        )


class WouldBeTooFew(Conflict):
    """Nothing was posted; `lines` names every one (up to a hundred), `count` says how many there are."""

    title = "Pieces are held or were sold"

    def explain(self) -> str:
        return f"{self.facts['count']} line(s) would leave fewer pieces than are held; nothing was posted"
