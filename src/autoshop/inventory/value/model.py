"""What pieces cost. Pure rules; every number is a whole one, so that the ledger always gives the same answer.

The paper of a movement has a day and no hour. So within a day deliveries come first: the average changes once a day, by
what came that day at a known cost (Business Central reckons so too, with the average cost period «day»). It is kept in
millionths of a kopeck and rounded half to even each time; kopecks are rounded once, at the end, for a product as a
whole, and then shared among its stores.

What nobody told the cost of comes in at the average there is; before any cost is known it is unknown, and takes the
first cost that becomes known. What leaves, leaves at the average. What is undone comes back as it left, and so does the
return of a sale that is known. A transfer changes nothing: pieces on the way are ours.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Method = Literal["average", "fifo"]
MICRO = 1_000_000  # millionths of a kopeck


@dataclass(frozen=True, slots=True)
class Day:
    """What comes on a day before anything leaves, where `on_hand` pieces were there in the morning.

    `received` pieces for `worth_kopecks` in all, undone deliveries taken off; of pieces that came back to us, the day
    they had left and how many.
    """

    day: date
    on_hand: int
    received: int
    worth_kopecks: int
    back: tuple[tuple[date, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """A delivery as FIFO sees it, without what was undone of it; the cost where it was told."""

    pieces: int
    cost_kopecks: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """All that the value of a product follows from. `quantity` includes what is on the way between stores.

    For the average: what it was where one begins to count, and the days that change it. For FIFO: the deliveries, the
    newest first.
    """

    product_id: int
    quantity: int
    places: dict[int, int] = field(default_factory=dict)  # store → pieces
    average_microkopecks: int | None = None
    days: tuple[Day, ...] = ()
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Valued:
    """A product and what it is worth; `value_kopecks` None: no cost of it was ever told."""

    product_id: int
    quantity: int
    value_kopecks: int | None
    average_microkopecks: int | None
    places: dict[int, int]

    def value_at(self, store_id: int) -> int | None:
        """The part of one store."""
        return self.values_by_store().get(store_id, None if self.value_kopecks is None else 0)

    def values_by_store(self) -> dict[int, int | None]:
        """The parts of all stores; with what is on the way they add up to the value."""
        if self.value_kopecks is None:
            return dict.fromkeys(self.places)
        parts = shares(self.value_kopecks, [*self.places.values(), self.quantity - sum(self.places.values())])
        return dict(zip(self.places, parts, strict=False))


@dataclass(frozen=True, slots=True)
class TotalValue:
    """Sums over products. Pieces of `unknown_products` have no known cost: they are not in the value."""

    quantity: int = 0
    value_kopecks: int = 0
    products: int = 0
    unknown_quantity: int = 0
    unknown_products: int = 0

    def plus(self, quantity: int, value_kopecks: int | None) -> "TotalValue":
        """With one product more; without pieces it counts for nothing."""
        unknown = value_kopecks is None
        there = quantity != 0
        return TotalValue(
            self.quantity + quantity,
            self.value_kopecks + (value_kopecks or 0),
            self.products + there,
            self.unknown_quantity + (quantity if unknown else 0),
            self.unknown_products + (unknown and there),
        )


class BeforeTheBase(Exception):
    """Pieces came back that had left before the days that are known: count from the first movement instead."""


def by_average(known: Known, closed_on: date | None) -> Valued:
    """The value at the moving average; `closed_on` is the day after which the days begin, None: at the very first."""
    average = average_after(known.average_microkopecks, known.days, closed_on)
    value = None if average is None else nearest(known.quantity * average, MICRO)
    return Valued(known.product_id, known.quantity, value, average, known.places)


def average_after(average: int | None, days: Sequence[Day], closed_on: date | None) -> int | None:
    """The moving average in millionths of a kopeck after these days; None while no cost is known."""
    past_days = [date.min]
    past = [average]
    for one in days:
        pieces, worth = one.received, one.worth_kopecks * MICRO
        for left_on, came in one.back:
            if closed_on is not None and left_on <= closed_on:
                raise BeforeTheBase
            left_at = past[bisect_right(past_days, left_on) - 1]
            if left_at is not None:
                pieces, worth = pieces + came, worth + came * left_at
        average = _mixed(average, max(one.on_hand, 0), pieces, worth)
        past_days.append(one.day)
        past.append(average)
    return average


def _mixed(average: int | None, on_hand: int, pieces: int, worth: int) -> int | None:
    """The average once pieces have come (or deliveries are undone); where that makes no sense it stays as it is.

    An undone delivery takes away what it brought. If by then less is left than that, the rest leaves at the average.
    """
    if average is None:
        return nearest(worth, pieces) if pieces > 0 and worth >= 0 else None
    total, value = on_hand + pieces, on_hand * average + worth
    return nearest(value, total) if pieces and total > 0 and value >= 0 else average


def by_fifo(known: Known) -> Valued:
    """The value where what came first has left first: what is there are the pieces that came last.

    Pieces beyond all deliveries (found ones, for instance) count as the oldest; pieces owed, as the newest.
    """
    costs = _filled([layer.cost_kopecks for layer in reversed(known.layers)])[::-1]
    if not costs or costs[0] is None:
        return Valued(known.product_id, known.quantity, None, None, known.places)
    left, value = known.quantity, 0
    if left < 0:
        return Valued(known.product_id, left, left * costs[0], None, known.places)
    for layer, cost in zip(known.layers, costs, strict=True):
        assert cost is not None
        taken = min(left, layer.pieces)
        value, left = value + taken * cost, left - taken
        if not left:
            break
    assert costs[-1] is not None
    return Valued(known.product_id, known.quantity, value + left * costs[-1], None, known.places)


def _filled(costs: Sequence[int | None]) -> list[int | None]:
    """Costs in the order of time: an untold one is as the one before; the first ones as the first that is known."""
    last = next((cost for cost in costs if cost is not None), None)
    filled = []
    for cost in costs:
        last = last if cost is None else cost
        filled.append(last)
    return filled


def shares(value: int, quantities: Sequence[int]) -> list[int]:
    """Share a value by quantities, to the kopeck: each has what is due up to it, less what those before it have."""
    total = sum(quantities)
    if total == 0:
        return [0] * len(quantities)
    sign = 1 if total > 0 else -1
    parts, given, up_to_here = [], 0, 0
    for quantity in quantities:
        up_to_here += quantity
        due = value * up_to_here * sign // (total * sign)
        parts.append(due - given)
        given = due
    return parts


def nearest(numerator: int, denominator: int) -> int:
    """The nearest whole number; of two equally near the even one. The denominator is positive."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
