"""How a scanned code is read: every kind of code, and everything that scanners do to it."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.marks.model import mark_of
from autoshop.kit.gs1 import GS, element_string, with_check_digit
from autoshop.kit.scanner import as_if_latin, as_if_russian
from autoshop.kit.text import article_key
from autoshop.warehouse.scan.model import Reading, place_key, read
from autoshop.warehouse.scan.texts import reading_texts

GTIN, EAN = "04601234567893", "4601234567893"
SERIAL = "5abcDEF!12345"
MARK = f"01{GTIN}21{SERIAL}{GS}93dGVz"
FULL = f"01{GTIN}21{SERIAL}{GS}91FFD0{GS}92{'a' * 43}="
OLD = f"01{GTIN}21{SERIAL}{GS}91FFD0{GS}92{'b' * 87}="


def seen(reading: Reading) -> tuple[str, str | None, str | None, str | None]:
    return reading.kind, reading.gtin, reading.serial, reading.mark.whole if reading.mark else None


@pytest.mark.parametrize(
    ("code", "kind", "gtin", "notes"),
    [
        (EAN, "ean13", EAN, ()),
        ("  4601234567893\r\n", "ean13", EAN, ()),
        ("]E04601234567893", "ean13", EAN, ("symbology",)),
        ("96385074", "ean8", "96385074", ()),
        ("012345000065", "upc_a", "0012345000065", ()),
        ("04252614", "upc_e", "0042100005264", ("expanded",)),
        ("01234565", "ean8", None, ("two_ways",)),
        (GTIN, "gtin14", EAN, ()),
        ("14601234567890", "gtin14", EAN, ("case",)),
        ("4601234567890", "text", None, ("check_digit",)),
        ("W 914/2", "text", None, ()),
        ("10W40", "text", None, ()),  # 10 and 21 are identifiers of GS1, and beginnings of articles
        ("21213-1003010", "text", None, ()),
        ("0242235666", "text", None, ()),
        ("T-17", "document", None, ()),
        ("r5", "document", None, ()),
        (f"01{GTIN}", "gs1", EAN, ()),
        ("]C10114601234567890", "gs1", EAN, ("symbology", "case")),
        (f"(01){GTIN}(10)LOT1(17)271231", "gs1", EAN, ()),
        (f"https://id.gs1.org/01/{GTIN}/10/LOT1?17=271231", "gs1", EAN, ()),
        ("]d2damaged", "text", None, ("symbology", "gs1_broken")),
    ],
)
def test_every_kind_of_code_is_told_for_what_it_is(
    code: str, kind: str, gtin: str | None, notes: tuple[str, ...]
) -> None:
    reading = read(code)
    assert (reading.code, reading.kind, reading.gtin, reading.notes) == (code, kind, gtin, notes)
    assert len(reading_texts(reading, "ru")) == len(reading_texts(reading, "en")) == len(notes)


@pytest.mark.parametrize("whole", [MARK, FULL, OLD], ids=["93", "91 and 92", "91 and a long 92"])
@pytest.mark.parametrize(
    ("sent", "note"),
    [
        (lambda mark: mark, None),
        (lambda mark: f"]d2{mark}", "symbology"),
        (lambda mark: f"]Q3{mark}\r", "symbology"),
        (lambda mark: f"{GS}{mark}", None),
        (lambda mark: mark.replace(GS, "<GS>"), "spelt_gs"),
        (lambda mark: mark.replace(GS, "␝"), "spelt_gs"),
        (lambda mark: mark.replace(GS, "\\x1d"), "spelt_gs"),
        (lambda mark: mark.replace(GS, ""), "separators_put_back"),
        (lambda mark: "]d2" + mark.replace(GS, ""), "separators_put_back"),
        (as_if_russian, "keyboard"),
        (lambda mark: as_if_russian(f"]d2{mark}"), "keyboard"),
    ],
    ids=["as it is", "]d2", "]Q3", "FNC1", "<GS>", "␝", "\\x1d", "no GS", "]d2, no GS", "Russian", "]d2 in Russian"],
)
def test_a_mark_is_the_same_however_it_was_scanned(whole: str, sent: Callable[[str], str], note: str | None) -> None:
    reading = read(sent(whole))
    assert seen(reading) == ("mark", EAN, SERIAL, whole)
    assert note is None or note in reading.notes
    mark = mark_of(sent(whole))
    assert mark is not None
    assert (mark.whole, mark.unit) == (whole, (GTIN, SERIAL))


@pytest.mark.parametrize(
    "code", [f"01{GTIN}21{SERIAL}", f"(01){GTIN}(21){SERIAL}", f"https://x.ru/01/{EAN}/21/{SERIAL}"]
)
def test_without_its_check_a_mark_still_names_the_unit(code: str) -> None:
    assert seen(read(code)) == ("gs1", EAN, SERIAL, f"01{GTIN}21{SERIAL}")


@pytest.mark.parametrize("tail", ["93abcde", "91FFD092short", "x" * 30, "95" + "a" * 20])
def test_where_a_lost_separator_cannot_be_put_back_nothing_is_guessed(tail: str) -> None:
    code = f"01{GTIN}21{SERIAL}{tail}"
    reading = read(code)
    if len(SERIAL + tail) <= 20:  # as it stands, a serial number
        assert (reading.serial, reading.notes) == (SERIAL + tail, ())
    else:
        assert (seen(reading), reading.notes) == (("mark", EAN, None, None), ("separators_lost",))
        assert mark_of(code) is None


def test_batch_and_expiry_are_told() -> None:
    reading = read(f"]d201{GTIN}17271200" + f"10LOT-7{GS}21S1")
    assert (reading.batch, reading.expires_on, reading.serial) == ("LOT-7", date(2027, 12, 31), "S1")


def test_a_case_names_the_piece_inside_and_says_that_there_are_several() -> None:
    reading = read("14601234567890")
    assert (reading.gtin, reading.indicator, EAN in reading.barcodes) == (EAN, 1, True)
    assert "несколько штук" in reading_texts(reading, "ru")[0]
    assert read(with_check_digit("9460123456789")).indicator is None  # variable measure: nothing follows from it


def test_what_is_right_in_two_ways_is_looked_for_in_both() -> None:
    assert {"01234565", "0000001234565", "012345000065", "0012345000065"} <= set(read("01234565").barcodes)


def test_an_article_typed_on_a_russian_keyboard_is_looked_for_both_ways() -> None:
    reading = read("ЦЦ914")  # may be an article of somebody who writes so
    assert reading.kind == "text"
    assert set(reading.texts) == {"ЦЦ914", "WW914"}
    assert reading.notes == ("keyboard_too",)
    assert "WW914" in reading_texts(reading, "ru")[0]
    assert reading.keys(article_key) == sorted({article_key("ЦЦ914"), "WW914"})
    assert read("А17ДВРМ").texts[0] == "А17ДВРМ"
    assert read("Е-17").document == ("transfer", 17)  # Е stands on the key T


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789;'[],./", min_size=1))
def test_the_slip_of_the_keyboard_is_undone(text: str) -> None:
    slipped = as_if_russian(text)
    assert as_if_latin(slipped) in (
        text,
        None if slipped == text or not any("а" <= c.lower() <= "ё" for c in slipped) else text,
    )


@given(st.text(max_size=600))
def test_no_text_breaks_the_reading(text: str) -> None:
    reading = read(text)
    assert reading.code == text
    reading.keys(article_key)
    reading.keys(place_key)
    reading_texts(reading, "en")


@given(st.text("0123456789", min_size=13, max_size=13), st.text("ABCxyz0189!%&", min_size=13, max_size=13))
def test_any_mark_survives_a_scanner_that_drops_separators(body: str, serial: str) -> None:
    whole = element_string((("01", with_check_digit(body)), ("21", serial), ("91", "FFD0"), ("92", "a" * 44)))
    mark = mark_of(whole.replace(GS, ""))
    assert mark is not None
    assert (mark.whole, mark.serial) == (whole, serial)
