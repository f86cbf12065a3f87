"""Stock at the end of a day as plain data."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from autoshop.kit.errors import Invalid, wrong


@dataclass(frozen=True, slots=True)
class Base:
    """From where one counts to the end of `day`: a closed period, a snapshot, or the first movement.

    Movements that count were created after `after`, and before `until` unless a paper dates them. Of a period,
    everything up to `closed_on` is in its closing balances; of a snapshot, everything created up to `taken_at`.
    `stores` says between which moments an undated movement counts at each of them.
    """

    day: date
    period_id: int | None
    closed_on: date | None
    after: datetime
    until: datetime
    taken_at: datetime | None
    stores: tuple["Ends", ...]

    @property
    def values(self) -> tuple[Any, ...]:
        """The first ten parameters of every statement that counts from here."""
        stores = ([getattr(one, name) for one in self.stores] for name in ("store_id", "since", "until", "time_zone"))
        return self.day, self.period_id, self.closed_on, self.after, self.until, self.taken_at, *stores


@dataclass(frozen=True, slots=True)
class Ends:
    """Of a store: an undated movement counts from `since` on, and before `until`, the midnight that ended the day."""

    store_id: int
    time_zone: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class StockOn:
    """A product at a store at the end of a day, and the same product over all stores."""

    product_id: int
    store_id: int
    quantity: int
    quantity_everywhere: int


@dataclass(frozen=True, slots=True)
class TotalsOn:
    """Sums over stock rows at the end of a day; `products` have pieces somewhere."""

    quantity: int
    products: int
    as_of: datetime


class NotYet(Invalid):
    """Of a day that no store has begun nothing is known."""

    title = "That day has not come"

    def __init__(self, today: date) -> None:
        super().__init__(
            f"`date` must not lie in the future; it is {today} in the shop",
            errors=[wrong("date", "must not lie in the future")],
        )
