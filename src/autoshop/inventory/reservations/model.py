"""A reservation: who holds which pieces, and until when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.kit.errors import Conflict, NotFound

Status = Literal["live", "fulfilled", "released", "expired"]
Place = tuple[int, int]  # product, store
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class ReservationLine:
    """Pieces of a product at a store: asked for, still held, and sold out of the hold."""

    product_id: int
    store_id: int
    quantity: int
    held: int
    fulfilled: int

    @property
    def place(self) -> Place:
        return self.product_id, self.store_id


@dataclass(frozen=True, slots=True)
class Reservation:
    """The hold. It has ended once nothing is held any more, or `expires_at` has passed."""

    id: int
    holder: str
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


class NotHeld(Conflict):
    title = "Not held"

    def explain(self) -> str:
        return f"Asked for {self.facts['asked']}, held are {self.facts['held']}"
