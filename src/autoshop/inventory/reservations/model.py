"""A reservation: who holds which pieces, and until when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.accounts.model import OtherStore
from autoshop.inventory.movements.model import BatchRefused
from autoshop.kit.errors import Conflict, NotFound

Status = Literal["live", "fulfilled", "released", "expired"]
Place = tuple[int, int]  # product, store
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class ReservationLine:
    """Pieces of a product at a store: asked for, still held, on the way there, and sold out of the hold."""

    product_id: int
    store_id: int
    quantity: int
    held: int
    awaited: int
    fulfilled: int

    @property
    def place(self) -> Place:
        return self.product_id, self.store_id


@dataclass(frozen=True, slots=True)
class Reservation:
    """The hold. It has ended once nothing is held any more, or `expires_at` has passed.

    `holder` is None once he is forgotten, some months later.
    """

    id: int
    holder: str | None
    status: Status
    related_document: str | None
    actor: str
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    version: int
    lines: tuple[ReservationLine, ...] = ()


class UnknownReservation(NotFound):
    title = "Unknown reservation"


class ReservationEnded(Conflict):
    title = "The reservation has ended"

    def explain(self) -> str:
        return f"It is {self.facts['reservation_status']} and holds nothing; reserve anew, or sell what is free"


class HoldRefused(BatchRefused):
    """Nothing is held; `lines` names every line that stood in the way, counted from 0."""

    title = "Cannot be held"

    def explain(self) -> str:
        return f"{len(self.facts['lines'])} line(s) cannot be held"


class HeldElsewhereToo(OtherStore):
    """Somebody of one store asks for all that is held, and some of it lies at another; `lines` is what is his."""

    def explain(self) -> str:
        return f"{super().explain()}, where some of it is held: send the `lines` of your own store, as they stand here"


class NothingHasCome(Conflict):
    title = "Nothing of it has come yet"

    def explain(self) -> str:
        return "All that is held is on the way; it can be sold once its transfer was received"


class NotHeld(Conflict):
    title = "Not held"

    def explain(self) -> str:
        return f"Asked for {self.facts['asked']}, held are {self.facts['held']}"


class BeyondHeld(NotHeld):
    def explain(self) -> str:
        return f"{super().explain()}; `beyond_held`: true takes the rest from what is free"
