"""What somebody types, pastes or reads aloud: the VIN in it and what was changed, or what it is instead."""

import pytest

from autoshop.selection.vin.facts import known
from autoshop.selection.vin.texts import change, looks_like
from autoshop.selection.vin.typed import LONGEST, understood

VESTA = "XTAGFL110KY123456"


def kinds(text: str) -> tuple[str | None, list[str]]:
    typed = understood(text, known().is_wmi)
    assert all(change(one, language) for one in typed.changes for language in ("ru", "en"))
    return typed.vin, [one.kind for one in typed.changes]


@pytest.mark.parametrize(
    ("text", "vin", "changes"),
    [
        (VESTA, VESTA, []),
        ("  XTAGFL110KY123456\n", VESTA, []),
        ("xtagfl110ky123456", VESTA, ["case"]),
        ("XTA GFL110 K Y123456", VESTA, ["separators"]),
        ("XTA-GFL110-KY123456", VESTA, ["separators"]),
        ("ХТАGFL110КY123456", VESTA, ["cyrillic"]),
        ("хтаgfl110кy123456", VESTA, ["case", "cyrillic"]),
        ("ЧЕФПАД110ЛН123456", VESTA, ["layout"]),
        ("чефпад110лн123456", VESTA, ["case", "layout"]),
        ("XTAGFLIIOKY123456", VESTA, ["letters"]),
        ("VIN: XTAGFL110KY123456, цвет белый", VESTA, ["text_around"]),
        ("VINXTAGFL110KY123456", VESTA, ["text_around"]),
        ("Lada Vesta 2019 XTAGFL110KY123456 двигатель 21129", VESTA, ["text_around"]),
        (
            "Идентификационный номер (VIN) ХТА GFL 110 K Y 123456 Марка ЛАДА",
            VESTA,
            ["text_around", "separators", "cyrillic"],
        ),
        ("１ Z94CB41AAGR323020", "Z94CB41AAGR323020", ["text_around"]),
        ("QQQAAA11122233344", "000AAA11122233344", ["letters"]),
        ("AAAZZZ1KZ3W386752", "AAAZZZ1KZ3W386752", []),  # nobody's, but of the right shape
        ("XTAGFL110KY000000", "XTAGFL110KY000000", []),
    ],
)
def test_a_vin_is_read_and_what_was_changed_is_said(text: str, vin: str, changes: list[str]) -> None:
    assert kinds(text) == (vin, changes)


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("", "empty"),
        (" \t\n", "empty"),
        ("00000000000000000", "zeros"),
        ("XXXXXXXXXXXXXXXXX", "filler"),
        ("XTAGFL110KY12345", "too_short"),
        ("XTAGFL110KY1234567", "too_long"),
        ("XTAGFL110KY123ABC", "not_a_vin"),
        ("+7 912 345-67-89", "phone"),
        ("89123456789", "phone"),
        ("4607091234567", "barcode"),
        ("а@б.рф", "email"),
        ("А123ВС77", "plate"),
        ("GX100-6012345", "frame"),
        ("77 12 345678", "sts"),
        ("21126-1234567", "code"),
        ("BPR6ES-11", "code"),
        ("😀😀😀", "signs"),
        ("'; DROP TABLE vehicles; --", "words"),
        ("свечи на весту", "words"),
        ("свеча на веста 21129", "words"),  # 17 letters and digits, in the other layout and without spaces
        ("x" * 10_000, "filler"),
        ("слово " * 2_000, "long_text"),
    ],
)
def test_what_is_no_vin_says_what_it_looks_like(text: str, looks: str) -> None:
    typed = understood(text, known().is_wmi)
    assert (typed.vin, typed.looks_like) == (None, looks)
    assert looks_like(typed, "ru") != looks_like(typed, "en")


def test_of_eighteen_characters_none_is_cut_off() -> None:
    assert understood("XTAGFL110KY1234567", known().is_wmi).vin is None
    assert understood("1XTAGFL110KY123456", known().is_wmi).vin is None


def test_the_first_of_several_is_read_and_the_others_are_counted() -> None:
    typed = understood(f"{VESTA}, Z94CB41AAGR323020 и ещё раз {VESTA}", known().is_wmi)
    assert (typed.vin, typed.others) == (VESTA, 1)


def test_a_vin_at_the_end_of_a_long_text_is_found() -> None:
    assert understood("а " * 4_000 + VESTA, known().is_wmi).vin == VESTA
    assert understood("а " * LONGEST + VESTA, known().is_wmi).vin is None  # a book
