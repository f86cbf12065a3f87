"""Kits: what a car needs for a job, whatever engine it turns out to have; packs of liquids; three ways to buy."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autoshop.catalog.products.model import Product
from autoshop.kit.facts import Confidence
from autoshop.selection.fitment.model import Fitted
from autoshop.selection.kits.facts import Part
from autoshop.selection.kits.model import (
    Item,
    Line,
    Need,
    Offer,
    Source,
    Tier,
    choose,
    for_some_years,
    litres_in,
    needs_of,
    packs_for,
    total,
    wanted,
)

NOW = datetime(2026, 11, 26, tzinfo=UTC)
FILTER = Part("to15", 1, "oil_filter", False, "medium", ("k",), quantity=1)
OIL = Part("to15", 2, "engine_oil", False, "medium", ("k",))
DISCS = Part("brakes_front", 2, "brake_disc", True, "medium", ("k",), positions=("front",), quantity=2)
IGNITION = Part("ignition", 2, "plug_wires", False, "medium", ("k",), alternatives=("ignition_coil",), quantity=1)
LIQUIDS = {"engine_oil", "coolant"}
ONE: Fitted = Fitted(7, "lada/vesta/i", "21129", "oil_filter", "", 1.0, 2015, 2022, "high", "knowledge", "k")


def needed(part: Part, *fitted: Fitted, engines: tuple[str, ...] = ("21129",), year: int | None = None) -> list[Need]:
    return needs_of(part, fitted, engines, year, LIQUIDS)


# ------------------------------------------------------------------------------------------------ needs
def test_what_fits_the_engine_is_needed_as_often_as_the_facts_say() -> None:
    (need,) = needed(FILTER, ONE, replace(ONE, article_id=8, quantity=None))
    assert (need.state, need.quantity, sorted(need.articles)) == ("ready", 1, [7, 8])


def test_what_nobody_told_is_unknown() -> None:
    assert [need.state for need in needed(FILTER)] == ["unknown"]
    assert [need.state for need in needed(FILTER, replace(ONE, engine="21179"))] == ["unknown"]
    assert [need.state for need in needed(FILTER, ONE, year=2010)] == ["unknown"]


def test_of_two_engines_only_what_fits_both_is_told_to_fit() -> None:
    other = replace(ONE, engine="21179")
    (need,) = needed(FILTER, ONE, other, replace(ONE, article_id=8), engines=("21129", "21179"))
    assert (need.state, list(need.articles)) == ("ready", [7])
    (need,) = needed(FILTER, ONE, replace(other, article_id=8), engines=("21129", "21179"))
    assert (need.state, list(need.articles)) == ("depends_on_engine", [])
    (need,) = needed(FILTER, ONE, engines=("21129", ""))  # and an engine that has no code
    assert need.state == "depends_on_engine"
    (need,) = needed(FILTER, replace(ONE, engine=None), engines=("21129", ""))
    assert need.state == "ready"


def test_of_two_engines_that_take_different_amounts_it_depends() -> None:
    oil = replace(ONE, category="engine_oil", quantity=3.5)
    more = replace(oil, engine="21179", quantity=4.4)
    assert [one.state for one in needed(OIL, oil, more, engines=("21129", "21179"))] == ["depends_on_engine"]
    assert [(one.state, one.quantity) for one in needed(OIL, oil, more, engines=("21179",))] == [("ready", 4.4)]


def test_litres_that_nobody_knows_stay_unknown_and_pieces_are_those_of_the_kit() -> None:
    (need,) = needed(OIL, replace(ONE, category="engine_oil", quantity=None))
    assert (need.state, need.quantity, need.is_liquid) == ("ready", None, True)
    (need,) = needed(FILTER, replace(ONE, quantity=None))
    assert (need.quantity, need.is_liquid) == (1, False)


def test_each_position_is_a_need_and_those_of_another_job_are_none() -> None:
    disc = replace(ONE, category="brake_disc", position="rear", quantity=2.0)
    found = needed(
        DISCS, disc, replace(disc, position="front left", quantity=1.0), replace(disc, position="front right")
    )
    assert [(need.position, need.quantity) for need in found] == [("front left", 1), ("front right", 2)]


def test_where_a_car_has_the_other_kind_of_part_that_is_needed() -> None:
    coil = replace(ONE, category="ignition_coil", quantity=4.0)
    (need,) = needed(IGNITION, coil)
    assert (need.category, need.quantity) == ("ignition_coil", 4)
    (need,) = needed(IGNITION, coil, replace(ONE, category="plug_wires"))
    assert need.category == "plug_wires"


def test_of_a_car_of_whatever_year_it_is_told_of_which_years_a_part_is_known() -> None:
    (need,) = needed(FILTER, replace(ONE, years_from=2019, years_to=None))
    assert for_some_years(need, 2015, 2022).years == (2019, None)
    assert for_some_years(need, 2018, None).years is None  # a year at either end makes no difference
    (need,) = needed(FILTER, replace(ONE, years_from=None, years_to=2018))
    assert for_some_years(need, 2015, None).years == (None, 2018)
    (need,) = needed(FILTER, ONE, replace(ONE, article_id=8, years_from=2019))
    assert for_some_years(need, 2015, 2022).years is None


# ------------------------------------------------------------------------------------------------ liquids
@pytest.mark.parametrize(
    ("name", "litres", "rest"),
    [
        ("Масло Lukoil Genesis 5W-40, 4 л", 4, "масло lukoil genesis 5w-40,"),
        ("Shell Helix 5W-30 1л", 1, "shell helix 5w-30"),
        ("Тосол 0,9 литра красный", 0.9, "тосол красный"),
        ("Тормозная жидкость DOT4 455 мл", 0.455, "тормозная жидкость dot4"),
        ("Масло для 1.6 л двигателей, 5 л", 5, "масло для 1.6 л двигателей,"),
        ("Масло 208L бочка", 208, "масло бочка"),
        ("Лампа H7", None, "Лампа H7"),
        ("Фильтр 4 лопасти", None, "Фильтр 4 лопасти"),
        ("Масло 0 л", None, "масло"),
        ("Масло Genesis 5W-40, 4+1 л", 5.0, "масло genesis 5w-40,"),
        ("Масло Genesis 5W-40 4л + 1л", 5.0, "масло genesis 5w-40"),
        ("Масло Genesis 5W-40 4 л + 500 мл", 4.5, "масло genesis 5w-40"),
        ("Масло Genesis 5W-40 12х1 л", 12.0, "масло genesis 5w-40"),
        ("Масло Genesis 5W-40 1 л × 12", 12.0, "масло genesis 5w-40"),
        ("Масло Genesis 5W-40 + 1 л", 1.0, "масло genesis 5w-40 +"),
    ],
)
def test_the_litres_of_a_pack_are_read_in_its_name(name: str, litres: float | None, rest: str) -> None:
    assert litres_in(name) == (litres, rest)


@pytest.mark.parametrize(
    ("litres", "sizes", "packs"),
    [
        (4.4, [(4, 4000, 9), (1, 1200, 9)], (1, 1)),
        (4.4, [(4, 4000, 9)], (2,)),
        (4.4, [(4, 4000, 9), (1, 5000, 9)], (2, 0)),  # two canisters cost less than a canister and a dear bottle
        (4.4, [(4, 4000, 1), (1, 1200, 0)], None),  # not so many lie there
        (3.3, [(208, 90_000, 9)], None),  # nobody buys a barrel for a change of oil
        (3.3, [(208, 90_000, 9), (1, 1200, 9)], (0, 4)),
        (4.0, [(4, 4000, 9)], (1,)),
        (0.5, [(0.5, 400, 9), (1, 500, 9)], (1, 0)),
        (60.0, [(1, 1000, 99)], None),  # more packs than anybody carries
        (1000.0, [(0.1, 50, 9_999), (1, 300, 9_999), (5, 900, 9_999)], None),  # who wrote it meant millilitres
    ],
)
def test_packs_cover_the_litres_for_the_least(
    litres: float, sizes: list[tuple[float, int, int]], packs: tuple[int, ...] | None
) -> None:
    assert packs_for(litres, sizes) == packs


# ------------------------------------------------------------------------------------------------ ways to buy
def offer(
    product_id: int, price: int, count: int = 1, *, source: Source = "stock", confidence: Confidence = "high"
) -> Offer:
    product = Product(product_id, 1, "NGK", str(product_id), None, "", None, "pcs", {}, True, [], {}, 1, NOW, NOW)
    return Offer((Item(product, count, price, None),), "same", confidence, (), source)


def picked(tier: Tier, *several: list[Offer], stock: dict[int, int] | None = None) -> list[int | None]:
    there = stock if stock is not None else dict.fromkeys(range(10), 99)
    return [one.items[0].product.id if one is not None else None for one in choose(several, tier, there)]


def test_the_cheapest_the_middle_and_the_dearest() -> None:
    several = [offer(1, 300), offer(2, 100), offer(3, 200)]
    assert [picked(tier, several) for tier in ("economy", "standard", "premium")] == [[2], [3], [1]]
    assert [picked(tier, []) for tier in ("economy", "standard", "premium")] == [[None]] * 3


def test_four_of_a_cheap_one_may_cost_more_than_one_dear_set() -> None:
    assert picked("economy", [offer(1, 100, 4), offer(2, 350)]) == [2]


def test_what_lies_in_the_stores_goes_before_what_has_to_be_ordered() -> None:
    several = [offer(1, 100, source="order"), offer(2, 300)]
    assert picked("economy", several) == [2]
    assert picked("economy", several[:1]) == [1]


def test_what_is_known_goes_before_what_is_weakly_known() -> None:
    assert picked("economy", [offer(1, 100, confidence="low"), offer(2, 300, source="order")]) == [2]
    assert picked("economy", [offer(1, 100, confidence="low")]) == [1]


def test_pieces_that_one_need_takes_are_no_longer_there_for_the_next() -> None:
    blades = [offer(1, 100, 1), offer(2, 300, 1)]
    assert picked("economy", blades, blades, stock={1: 1, 2: 1}) == [1, 2]
    assert picked("economy", blades[:1], blades[:1], stock={1: 1}) == [1, None]


def test_the_sum_is_of_what_is_included_and_what_is_held_lies_in_the_stores() -> None:
    need = Need(FILTER, "oil_filter", "", 1, False, "ready", {})
    lines = [
        Line(need, {"economy": offer(1, 100, 2)}, 1, included=True),
        Line(need, {"economy": offer(1, 100, 1)}, 1, included=True),
        Line(need, {"economy": offer(2, 900, 1, source="order")}, 1, included=True),
        Line(need, {"economy": offer(3, 5000, 1)}, 1, included=False),
        Line(need, {}, 0, included=True),
    ]
    assert total(lines, "economy") == 2 * 100 + 100 + 900
    assert wanted(lines, "economy") == {1: 3}
