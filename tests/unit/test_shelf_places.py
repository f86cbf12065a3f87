"""Places on shelves: one way to write each, and the order in which one walks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.shelves.model import key_of, place_of, places_of
from autoshop.kit.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("A-03-2", "A-03-2"),
        (" a 03/2 ", "A-03-2"),
        ("а.03_2", "A-03-2"),  # a Cyrillic а
        ("А – 03 — 2", "A-03-2"),
        ("a3", "A3"),
        ("СКЛАД 1", "СКЛАД-1"),
        ("CКЛAД-1", "СКЛАД-1"),  # C and A are Latin
        ("стеллаж №12", "СТЕЛЛАЖ-NO12"),
        ("7", "7"),
    ],
)
def test_a_place_is_written_in_one_way(typed: str, place: str) -> None:
    assert place_of(typed) == place


@pytest.mark.parametrize("typed", ["", " ", "-", "…", "😀", "A" * 41])
def test_what_is_no_place_is_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="place on a shelf"):
        place_of(typed)


def test_one_walks_from_two_to_ten() -> None:
    walk = ["2", "10", "A", "A-1-9", "A-1-10", "A-2", "A-02-1", "A10", "A-10-1", "A-100", "B-1", "СКЛАД-2", "СКЛАД-10"]
    turned = walk[::-1]
    assert sorted(turned, key=key_of) == walk


@given(st.text(max_size=60))
def test_a_place_that_is_kept_is_kept_as_it_is(typed: str) -> None:
    try:
        place = place_of(typed)
    except Invalid:
        return
    assert place_of(place) == place
    assert key_of(place_of(typed.lower())) == key_of(place)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_stand_in_the_order_of_their_values(one: int, other: int) -> None:
    assert (key_of(f"A-{one}") < key_of(f"A-{other}")) == (one < other)


def test_the_same_place_twice_is_refused() -> None:
    assert places_of(["b-1", "A-3"]) == ("B-1", "A-3")
    with pytest.raises(Invalid, match="A-3 is there twice"):
        places_of(["A-03", "а 3"])
