"""GS1 codes: what is put together comes apart again, and what no rule allows is refused."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.kit.gs1 import (
    GS,
    NotGs1,
    date_of,
    element_string,
    elements_of,
    expanded,
    has_right_check_digit,
    is_gtin,
    link_elements,
    spellings_of,
    with_check_digit,
    written_out,
)

SET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
digits = st.text("0123456789", min_size=13, max_size=13)
gtins = digits.map(with_check_digit)
values = st.text(SET_82, min_size=1, max_size=20)
plain = st.text(SET_82.replace("(", "").replace(")", ""), min_size=1, max_size=20)
days = st.dates(date(1976, 1, 1), date(2075, 12, 31)).map(lambda day: day.strftime("%y%m%d"))


def some_elements(text: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(
        st.one_of(
            st.tuples(st.just("01"), gtins),
            st.tuples(st.just("17"), days),
            st.tuples(st.just("3103"), st.text("0123456789", min_size=6, max_size=6)),
            st.tuples(st.sampled_from(["10", "21", "91", "92", "93", "240", "8200"]), text),
        ),
        min_size=1,
        max_size=6,
    )


@given(some_elements(values))
def test_an_element_string_comes_apart_as_it_was_put_together(elements: list[tuple[str, str]]) -> None:
    assert list(elements_of(element_string(elements))) == elements
    assert list(elements_of(GS + element_string(elements) + GS)) == elements


@given(some_elements(plain))
def test_so_does_one_that_is_written_out(elements: list[tuple[str, str]]) -> None:
    assert list(written_out("".join(f"({name}){value}" for name, value in elements))) == elements


@given(gtins, plain.filter(lambda text: not set(text) & set("/?#%+.") and text.strip("/")))
def test_so_does_a_digital_link(gtin: str, serial: str) -> None:
    link = f"https://example.com/shop/01/{gtin.lstrip('0') or '0'}/21/{serial}?utm_source=a&17=271231"
    assert link_elements(link) == (("01", gtin), ("21", serial), ("17", "271231"))


@given(digits, st.integers(0, 13), st.integers(1, 9))
def test_a_slip_in_one_digit_is_seen(body: str, at: int, by: int) -> None:
    whole = with_check_digit(body)
    wrong = whole[:at] + str((int(whole[at]) + by) % 10) + whole[at + 1 :]
    assert (is_gtin(whole), is_gtin(wrong)) == (True, False)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    for read in (elements_of, written_out, link_elements):
        with suppress(NotGs1):
            assert read(text)
    assert date_of(text) is None or len(text) == 6
    assert expanded(text) is None or has_right_check_digit(expanded(text) or "")


@pytest.mark.parametrize(
    "broken",
    ["", GS, "01", "0104601234567890", "010460123456789", "21", "21" + "x" * 21, "17270231", "1727123", "99Ж", "05123"],
)
def test_what_no_rule_allows_is_refused(broken: str) -> None:
    with pytest.raises(NotGs1):
        elements_of(broken)


@pytest.mark.parametrize(
    ("upc_e", "upc_a"),
    [
        ("04252614", "042100005264"),
        ("01234565", "012345000065"),
        ("01278907", "012000007897"),
        ("06543217", "065100004327"),
    ],
)
def test_a_short_upc_is_expanded(upc_e: str, upc_a: str) -> None:
    assert expanded(upc_e) == upc_a
    assert is_gtin(upc_a)


@pytest.mark.parametrize("no_upc_e", ["04252615", "24252614", "0425261", "042526140", "0425261x", "٠٤٢٥٢٦١٤"])
def test_what_is_no_short_upc_is_not(no_upc_e: str) -> None:
    assert expanded(no_upc_e) is None


def test_a_gtin_has_as_many_spellings_as_it_has_zeros_in_front() -> None:
    assert spellings_of("4601234567893") == ("04601234567893", "4601234567893")
    assert spellings_of("012345000065") == ("00012345000065", "0012345000065", "012345000065")
    assert spellings_of("96385074") == ("00000096385074", "0000096385074", "000096385074", "96385074")
    assert spellings_of("14601234567890") == ("14601234567890",)


@pytest.mark.parametrize(
    ("written", "day"),
    [("271231", date(2027, 12, 31)), ("280200", date(2028, 2, 29)), ("991200", date(1999, 12, 31)), ("271332", None)],
)
def test_a_day_without_a_day_is_the_last_of_its_month(written: str, day: date | None) -> None:
    assert date_of(written) == day
