"""A flag: this product at this store ought to be counted."""

from dataclasses import dataclass
from datetime import datetime

Place = tuple[int, int]  # product, store


@dataclass(frozen=True, slots=True)
class RecountFlag:
    """`source` is what raised it, such as «found sale 7»."""

    id: int
    product_id: int
    store_id: int
    reason: str
    source: str
    created_at: datetime
