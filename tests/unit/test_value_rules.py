"""What pieces cost: the rules, against what one would do on paper."""

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.value.model import (
    MICRO,
    BeforeTheBase,
    Day,
    Known,
    Layer,
    TotalValue,
    Valued,
    average_after,
    by_average,
    by_fifo,
    nearest,
    shares,
)

MONDAY = date(2026, 6, 1)


def day(number: int, on_hand: int, received: int, worth: int, back: tuple[tuple[int, int], ...] = ()) -> Day:
    """The day that many days after Monday."""
    returned = tuple((MONDAY + timedelta(days=left_on), pieces) for left_on, pieces in back)
    return Day(MONDAY + timedelta(days=number), on_hand, received, worth, returned)


def average(*days: Day, before: int | None = None, closed_on: date | None = None) -> Decimal | None:
    found = average_after(None if before is None else before * MICRO, days, closed_on)
    return None if found is None else Decimal(found) / MICRO


# ------------------------------------------------------------------------------------------------ average
def test_before_any_cost_is_known_it_is_unknown() -> None:
    assert average() is None
    assert by_average(Known(1, 5), None).value_kopecks is None


def test_a_delivery_mixes_with_what_is_there() -> None:
    assert average(day(0, 0, 10, 1000)) == 100
    assert average(day(0, 0, 10, 1000), day(1, 10, 10, 2000)) == 150
    assert average(day(0, 0, 10, 1000), day(1, 5, 10, 2000)) == Decimal("166.666667")


def test_what_was_there_at_an_unknown_cost_takes_the_first_one_told() -> None:
    assert average(day(0, 40, 10, 1000)) == 100
    assert by_average(Known(1, 50, days=(day(0, 40, 10, 1000),)), None).value_kopecks == 5000


def test_of_pieces_sold_before_their_paper_came_nothing_mixes() -> None:
    assert average(day(0, 0, 10, 1000), day(1, -3, 10, 2000)) == 200


def test_a_delivery_that_is_undone_takes_away_what_it_brought() -> None:
    assert average(day(0, 0, 10, 1000), day(1, 10, 10, 2000), day(2, 20, -10, -2000)) == 100


def test_an_undone_delivery_never_leaves_less_than_nothing() -> None:
    """10 for 100 and 10 for 200, eight sold at 150: of 1 800 two thousand cannot be taken."""
    assert average(day(0, 0, 10, 1000), day(1, 10, 10, 2000), day(2, 12, -10, -2000)) == 150


def test_an_undone_delivery_of_all_there_is_leaves_the_average_known() -> None:
    assert average(day(0, 0, 10, 1000), day(1, 10, -10, -1000)) == 100


def test_what_comes_back_from_an_undone_sale_comes_as_it_left() -> None:
    """Ten for 100, five sold on Monday; five more for 300 make 200; the five come back for 100 each: 166.67."""
    days = [day(0, 0, 10, 1000), day(1, 5, 5, 1500), day(2, 10, 0, 0, ((0, 5),))]
    assert average(*days) == Decimal("166.666667")


def test_what_left_at_an_unknown_cost_comes_back_at_the_average() -> None:
    assert average(day(1, 5, 5, 500), day(2, 5, 0, 0, ((0, 5),))) == 100


def test_what_left_before_the_closing_needs_the_days_before() -> None:
    with pytest.raises(BeforeTheBase):
        average(day(2, 10, 0, 0, ((0, 5),)), before=100, closed_on=MONDAY)
    assert average(day(2, 10, 0, 0, ((1, 5),)), before=100, closed_on=MONDAY) == 100


def test_a_gift_costs_nothing_and_that_is_known() -> None:
    assert average(day(0, 0, 10, 0)) == 0
    assert by_average(Known(1, 10, days=(day(0, 0, 10, 0),)), None).value_kopecks == 0


# ------------------------------------------------------------------------------------------------ FIFO
def fifo(quantity: int, *layers: tuple[int, int | None]) -> int | None:
    """The newest layer first."""
    return by_fifo(Known(1, quantity, layers=tuple(Layer(*layer) for layer in layers))).value_kopecks


def test_what_is_left_is_what_came_last() -> None:
    assert fifo(3, (5, 300), (5, 100)) == 900
    assert fifo(7, (5, 300), (5, 100)) == 1700
    assert fifo(0, (5, 300)) == 0


def test_pieces_beyond_all_deliveries_count_as_the_oldest_and_owed_ones_as_the_newest() -> None:
    assert fifo(12, (5, 300), (5, 100)) == 2200
    assert fifo(-2, (5, 300), (5, 100)) == -600


def test_a_delivery_whose_cost_nobody_told_costs_what_the_one_before_did() -> None:
    assert fifo(10, (5, None), (5, 100)) == 1000
    assert fifo(10, (5, 300), (5, None)) == 3000, "before the first known one there is none but that"
    assert fifo(10, (5, None), (5, None)) is None
    assert fifo(10) is None


# ------------------------------------------------------------------------------------------------ whole kopecks
@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_the_nearest_whole_number_is_half_even(numerator: int, denominator: int) -> None:
    if (2 * numerator) % denominator == 0:  # exact in decimals often enough, and the only case that can go two ways
        half = Decimal(2 * numerator // denominator) / 2
        assert nearest(numerator, denominator) == int(half.quantize(Decimal(1), ROUND_HALF_EVEN))
    assert abs(nearest(numerator, denominator) * denominator - numerator) * 2 <= denominator


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20))
def test_shares_add_up_and_none_is_a_kopeck_off(value: int, quantities: list[int]) -> None:
    parts, total = shares(value, quantities), sum(quantities)
    if total == 0:
        assert parts == [0] * len(quantities)
        return
    assert sum(parts) == value
    assert all(
        abs(part * total - value * quantity) < abs(total) for part, quantity in zip(parts, quantities, strict=True)
    )


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**4), min_size=2, max_size=6), st.integers(0, 10**4))
def test_a_transfer_moves_value_and_makes_none(value: int, places: list[int], moved: int) -> None:
    moved = min(moved, places[0])
    before = Valued(1, sum(places), value, None, dict(enumerate(places)))
    after = Valued(1, sum(places), value, None, {**dict(enumerate(places)), 0: places[0] - moved, 1: places[1] + moved})
    on_the_way = Valued(1, sum(places), value, None, {**dict(enumerate(places)), 0: places[0] - moved})
    for one in (before, after):
        assert sum(part or 0 for part in one.values_by_store().values()) == (value if sum(places) else 0)
    assert sum(part or 0 for part in on_the_way.values_by_store().values()) <= value


def test_pieces_of_an_unknown_cost_are_counted_apart() -> None:
    total = TotalValue().plus(10, 1000).plus(3, None).plus(0, None).plus(0, 0)
    assert (total.quantity, total.value_kopecks, total.products) == (13, 1000, 2)
    assert (total.unknown_quantity, total.unknown_products) == (3, 1)
