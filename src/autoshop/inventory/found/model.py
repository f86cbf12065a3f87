"""Who may sell what the ledger does not have, and how much of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import Place
from autoshop.inventory.stocktakes.approval.model import Hold
from autoshop.kit.errors import Conflict, Forbidden

Role = Literal["owner", "manager", "clerk", "token"]
USUAL_PIECES = 2
MOST_PIECES = 100


@dataclass(frozen=True, slots=True)
class Policy:
    """Of one store. `roles` may; nobody, until somebody says so. `most_pieces` may be found in one sale."""

    store_id: int
    roles: frozenset[str] = frozenset()
    most_pieces: int = USUAL_PIECES
    version: int = 0

    def allows(self, caller: Caller) -> bool:
        """Whether a caller of this kind may; a program counts as `token`."""
        return (caller.role or caller.kind) in self.roles


@dataclass(frozen=True, slots=True)
class FoundSale:
    """`found` of the `quantity` sold were lacking, and were put into the ledger before the sale."""

    id: int
    product_id: int
    store_id: int
    quantity: int
    found: int
    reason: str
    related_document: str | None
    actor: str
    created_at: datetime


class FoundSalesOff(Forbidden):
    title = "Not allowed at this store"

    def explain(self) -> str:
        return (
            "Selling what the ledger does not have is switched off here for you; a manager or the owner can switch it"
            f" on: PUT /api/v1/inventory/found-policies/{self.facts['store_id']}"
        )


class TooManyFound(Conflict):
    title = "Too many pieces found at once"

    def explain(self) -> str:
        facts = self.facts
        return (
            f"The ledger lacks {facts['lacking']}, and {facts['most_pieces']} at most may be found in one sale here:"
            " have the product counted first"
        )


class HeldForOthers(Conflict):
    """`reservations` names those who hold pieces of it."""

    title = "Held for somebody else"

    def explain(self) -> str:
        return (
            f"The ledger has {self.facts['quantity']} of it and {self.facts['reserved']} are held, so the piece in your"
            " hand may be one of those: release or fulfil a reservation"
        )


def lacking(asked: int, place: Place, policy: Policy, holds: list[Hold]) -> int:
    """How many pieces have to be found so that so many can be sold; a refusal where they may not be.

    Pieces that are held are there: what somebody has in his hand may be one of them, and is never sold as found.
    """
    short = asked - place.available
    if short <= 0:
        return 0
    if place.reserved > 0:
        raise HeldForOthers(
            product_id=place.product_id,
            store_id=place.store_id,
            asked=asked,
            quantity=place.quantity,
            reserved=place.reserved,
            reservations=[
                {"reservation_id": one.reservation_id, "holder": one.holder, "held": one.held} for one in holds
            ],
        )
    if short > policy.most_pieces:
        raise TooManyFound(
            product_id=place.product_id, store_id=place.store_id, lacking=short, most_pieces=policy.most_pieces
        )
    return short
