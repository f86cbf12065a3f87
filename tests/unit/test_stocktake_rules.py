"""The rule of a stocktake: what is wrong in the ledger, told from counts that were made while the shop sold."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.stocktakes.approval.model import Hold, Shelf, too_low
from autoshop.inventory.stocktakes.counts.model import Count, Limits, LineStatus, settle
from autoshop.inventory.value.model import MICRO

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
VERA, OLEG = ("staff:vera", "phone-1"), ("staff:oleg", "phone-2")


def count(
    pieces: int, minute: int, ledger: int, movement_id: int = 1, mode: str = "set", round: int = 1,
    by: tuple[str, str] = VERA,
) -> Count:  # fmt: skip
    """A count of the plug, so many minutes after nine."""
    return Count(
        id=minute, client_id=str(minute), product_id=1, round=round, mode=mode,  # type: ignore[arg-type]
        pieces=pieces, counted_at=NINE + timedelta(minutes=minute), ledger=ledger, movement_id=movement_id,
        actor=by[0], device=by[1], note=None,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ against a simulation
@dataclass
class Shop:
    """One product on several shelves, and a ledger that is wrong by `error`: T - L, whatever is sold."""

    shelves: list[int]
    error: int
    movements: int = 1
    minute: int = 0

    @property
    def ledger(self) -> int:
        return sum(self.shelves) - self.error

    def move(self, shelf: int, pieces: int) -> None:
        """Sold from this shelf, or put onto it; the ledger hears of it, but not of the shelf."""
        moved = max(pieces, -self.shelves[shelf])
        if moved:
            self.shelves[shelf] += moved
            self.movements += 1

    def look_at(self, shelf: int) -> Count:
        self.minute += 1
        return count(self.shelves[shelf], self.minute, self.ledger, self.movements, mode="add")

    def look_at_all(self) -> Count:
        self.minute += 1
        return count(sum(self.shelves), self.minute, self.ledger, self.movements)


SHELVES = st.lists(st.integers(0, 6), min_size=1, max_size=4)
MOVES = st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 3)), max_size=3)


@given(st.data(), SHELVES, st.integers(-5, 5))
def test_shelf_by_shelf_the_difference_is_right_or_not_known(
    data: st.DataObject, shelves: list[int], error: int
) -> None:
    shop = Shop(list(shelves), error)
    order = data.draw(st.permutations(range(len(shelves))))
    counts = []
    for shelf in order:
        for where, pieces in data.draw(MOVES):
            shop.move(where % len(shelves), pieces)
        counts.append(shop.look_at(shelf))
    quiet = counts[0].movement_id == counts[-1].movement_id
    for where, pieces in data.draw(MOVES):  # what is sold afterwards is no matter
        shop.move(where % len(shelves), pieces)
    settled = settle(counts, 1, Limits())
    assert settled.difference == (error if quiet else None)
    assert settled.status == ("counted" if quiet else "needs_recount")


@given(SHELVES, st.integers(-5, 5), MOVES, MOVES)
def test_one_look_at_everything_is_right_whatever_is_sold_before_and_after(
    shelves: list[int], error: int, before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    shop = Shop(list(shelves), error)
    partial = shop.look_at(0)
    for where, pieces in before:
        shop.move(where % len(shelves), pieces)
    whole = shop.look_at_all()
    for where, pieces in after:
        shop.move(where % len(shelves), pieces)
    assert settle([partial, whole], 1, Limits()).difference == error
    # Corrected by that difference, the ledger has what lies there now.
    assert shop.ledger + error == sum(shop.shelves)


@given(SHELVES, st.integers(-5, 5), st.permutations(range(4)))
def test_the_order_of_arrival_does_not_matter(shelves: list[int], error: int, arrival: list[int]) -> None:
    shop = Shop(list(shelves), error)
    counts = [shop.look_at(shelf) for shelf in range(len(shelves))]
    shuffled = [counts[number] for number in arrival if number < len(counts)]
    assert settle(shuffled, 1, Limits()) == settle(counts, 1, Limits())


# ------------------------------------------------------------------------------------------------ by example
def test_a_sale_and_a_return_between_two_shelves_cancel_in_the_ledger_and_not_on_the_shelves() -> None:
    parts = [count(3, 1, 8, 10, "add"), count(5, 9, 8, 12, "add")]
    assert settle(parts, 1, Limits()).difference is None
    assert settle([*parts, count(8, 10, 8, 12)], 1, Limits()).difference == 0


def test_who_sets_a_number_starts_anew_and_more_is_added_to_it() -> None:
    counts = [count(1, 1, 9, mode="add"), count(2, 2, 9, mode="add"), count(7, 3, 9), count(1, 4, 9, mode="add")]
    settled = settle(counts, 1, Limits())
    assert (settled.counted, settled.difference, settled.counted_at) == (8, -1, NINE + timedelta(minutes=4))


def test_a_number_set_in_the_middle_of_anothers_shelves_is_not_added_to_in_good_faith() -> None:
    counts = [count(3, 1, 8, mode="add"), count(8, 2, 8, by=OLEG), count(5, 3, 8, mode="add")]
    assert settle(counts, 1, Limits()).status == "needs_recount"
    assert settle([replace(one, actor=VERA[0], device=VERA[1]) for one in counts], 1, Limits()).counted == 13
    assert settle(counts[:2], 1, Limits()).difference == 0, "until he goes on, the number stands"


@pytest.mark.parametrize(
    ("counts", "asked_round", "limit", "status", "difference"),
    [
        ([count(7, 1, 9)], 1, None, "counted", -2),
        ([count(7, 1, 9)], 1, 2, "counted", -2),
        ([count(7, 1, 9)], 1, 1, "needs_second_count", -2),
        ([count(9, 1, 9)], 1, 0, "counted", 0),
        ([count(8, 1, 9)], 1, 0, "needs_second_count", -1),
        ([count(3, 1, 9, mode="add"), count(6, 2, 9, mode="add")], 1, 1, "counted", 0),
        ([count(7, 1, 9), count(7, 5, 9, round=2, by=OLEG)], 1, 1, "agreed", -2),
        ([count(7, 1, 9), count(9, 5, 9, round=2, by=OLEG)], 1, 1, "agreed", 0),  # the later one wins
        ([count(9, 5, 9, round=2), count(7, 9, 9)], 1, 1, "agreed", 0),  # a first count that comes late does not
        ([count(7, 1, 9), count(9, 5, 9, round=2)], 3, 1, "needs_second_count", 0),  # a third was asked for
        ([count(7, 1, 9), count(9, 5, 9, round=2), count(8, 7, 9, round=3)], 3, 0, "agreed", -1),
        ([count(7, 1, 9), count(9, 5, 9, round=2, mode="add"), count(1, 6, 8, 2, "add", 2)], 1, 1,
         "needs_recount", None),
    ],
)  # fmt: skip
def test_a_large_difference_is_counted_again_and_the_later_count_wins(
    counts: list[Count], asked_round: int, limit: int | None, status: LineStatus, difference: int | None
) -> None:
    settled = settle(counts, asked_round, Limits(limit))
    assert (settled.status, settled.difference) == (status, difference)


def test_a_line_that_would_leave_too_few_says_who_holds_them() -> None:
    shelves = {1: Shelf(5, 3), 2: Shelf(5, 0), 3: Shelf(1, 0)}
    told = too_low({1: -3, 2: -5, 3: -2}, shelves, {1: [Hold(7, "Иван", 3)]})
    assert [line["product_id"] for line in told] == [1, 3]
    assert told[0]["reservations"] == [{"reservation_id": 7, "holder": "Иван", "held": 3}]
    assert "count it again" in told[1]["detail"]


@pytest.mark.parametrize(
    ("counted", "limits", "status"),
    [
        (7, Limits(None, 199, 100 * MICRO), "needs_second_count"),
        (7, Limits(None, 200, 100 * MICRO), "counted"),  # just as much is not more
        (11, Limits(None, 199, 100 * MICRO), "needs_second_count"),  # too many cost as much as too few
        (7, Limits(None, 199, 99_500_001), "needs_second_count"),  # millionths count
        (7, Limits(1, 10**9, 1), "needs_second_count"),  # either limit
        (7, Limits(2, 0, 1), "needs_second_count"),
        (7, Limits(None, 10**12, None), "needs_second_count"),  # nobody knows what it costs
        (9, Limits(None, 0, None), "counted"),
        (7, Limits(None, None, None), "counted"),
    ],
)
def test_a_difference_is_counted_again_for_its_pieces_or_for_its_worth(
    counted: int, limits: Limits, status: str
) -> None:
    assert settle([count(counted, 1, 9)], 1, limits).status == status
    assert settle([count(counted, 1, 9), count(counted, 5, 9, round=2)], 1, limits).status == "agreed"
