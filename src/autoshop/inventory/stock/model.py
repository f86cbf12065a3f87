"""Stock as plain data."""

from dataclasses import dataclass
from datetime import datetime

from autoshop.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Stock:
    """A product at a store, and the same product over all stores."""

    product_id: int
    store_id: int
    quantity: int
    reserved: int
    updated_at: datetime
    quantity_everywhere: int
    reserved_everywhere: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over stock rows at the instant `as_of`."""

    quantity: int
    reserved: int
    products: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class StockAt:
    """A product at a store at a past instant."""

    product_id: int
    store_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Check:
    """A recount: how many rows were counted and what does not agree."""

    checked_at: datetime
    row_count: int
    differences: int
    examples: list[dict[str, object]]


class InTheFuture(Invalid):
    title = "That moment has not come"

    def explain(self) -> str:
        return "`at` must lie in the past"
