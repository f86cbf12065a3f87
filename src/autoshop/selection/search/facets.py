"""What a list could be narrowed down to: how many of its products are of each brand, at each store, to be had when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from autoshop.inventory.availability.service import InBrief
from autoshop.selection.search.model import Item

MOST_OF_EACH: Final = 30


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over `counted` products; `bounded`: there are more in the list, which were not looked at.

    Brands, categories and stores are (id, products), the most frequent first. Prices are in kopecks; None: no product
    that was counted has one.
    """

    counted: int
    bounded: bool
    brands: tuple[tuple[int, int], ...]
    categories: tuple[tuple[int, int], ...]
    stores: tuple[tuple[int, int], ...]
    brand_names: dict[int, str]
    on_hand: int
    today: int
    tomorrow: int
    lowest_kopecks: int | None
    highest_kopecks: int | None


def facets_of(items: Sequence[Item], *, bounded: bool) -> Facets:
    """Count what the items have."""
    prices = [item.shown.price_kopecks for item in items if item.shown.price_kopecks is not None]
    return Facets(
        counted=len(items),
        bounded=bounded,
        brands=_most(Counter(item.shown.brand_id for item in items)),
        categories=_most(Counter(item.shown.category_id for item in items if item.shown.category_id is not None)),
        stores=_most(Counter(store_id for item in items for store_id in item.stock.store_ids)),
        brand_names={item.shown.brand_id: item.shown.brand for item in items},
        on_hand=sum(item.can_be_had("on_hand") for item in items),
        today=sum(item.can_be_had("today") for item in items),
        tomorrow=sum(item.can_be_had("tomorrow") for item in items),
        lowest_kopecks=min(prices, default=None),
        highest_kopecks=max(prices, default=None),
    )


def _most(counts: Counter[int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_OF_EACH])


def when_of(stock: InBrief, now: datetime) -> Literal["today", "tomorrow", "later", "never"]:
    """By the end of which day, by the clock of the store that keeps the promise, a buyer can have it."""
    eta_at = stock.availability.eta_at
    if eta_at is None or stock.store is None:
        return "never"
    zone = stock.store.calendar.zone
    days = eta_at.astimezone(zone).date() - now.astimezone(zone).date()
    if days <= timedelta(0):
        return "today"
    return "tomorrow" if days == timedelta(days=1) else "later"
