"""A transfer: what left one store, and what came to the other."""

from dataclasses import dataclass
from datetime import datetime

from autoshop.kit.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class TransferLine:
    """Pieces of one product. What is neither received nor called back is on the way."""

    product_id: int
    shipped: int
    received: int
    returned: int

    @property
    def on_the_way(self) -> int:
        return self.shipped - self.received - self.returned


@dataclass(frozen=True, slots=True)
class Transfer:
    """The document. `eta_at` is when the goods should be on the other shelf."""

    id: int
    from_store_id: int
    to_store_id: int
    status: str
    related_document: str | None
    actor: str
    shipped_at: datetime
    eta_at: datetime
    closed_at: datetime | None
    lines: tuple[TransferLine, ...] = ()


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


class StoreClosed(Conflict):
    title = "The store is closed"

    def explain(self) -> str:
        return f"Store {self.facts['store_id']} is no longer in business: nothing can be sent there"


class NoWayThere(Conflict):
    title = "Nothing goes there"

    def explain(self) -> str:
        return "The sending or the receiving store has no open day within a year; check their hours"
