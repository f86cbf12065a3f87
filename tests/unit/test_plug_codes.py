"""Codes of plugs that people have in their hands: read, never against what a catalogue prints, in part, or refused."""

from collections import Counter
from dataclasses import fields

import pytest

from autoshop.selection.plugs.coding import read, read_in_part, spec_of
from autoshop.selection.plugs.facts import Plug, facts
from autoshop.selection.plugs.model import HEX_TOLERANCE_MM, REACH_TOLERANCE_MM, NotAPlugCode, Spec, compare
from autoshop.selection.plugs.understanding import understand

PRINTED = ("thread", "reach_mm", "hex_mm", "seat", "heat")
TOLERANCES = {"reach_mm": REACH_TOLERANCE_MM, "hex_mm": HEX_TOLERANCE_MM}


def said_otherwise(plug: Plug, spec: Spec) -> list[str]:
    """The fields in which a reading differs from what the catalogue prints."""
    return [field for field in PRINTED if not agree(field, getattr(spec, field), getattr(plug, field))]


def agree(field: str, one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= TOLERANCES.get(field, 0)
    return one is None or other is None or one == other


def test_every_code_of_a_catalogue_is_read_and_none_against_what_it_prints() -> None:
    plugs = facts().plugs.values()
    readings = [(plug, read(plug.code, plug.brand)) for plug in plugs]
    assert [plug.code for plug, found in readings if not found] == []
    wrong = {plug.code: off for plug, [one] in readings if one.spec and (off := said_otherwise(plug, one.spec))}
    assert wrong == {}


def test_how_many_codes_are_read_and_how_many_tell_all_that_a_car_asks_for() -> None:
    of_brand = Counter(brand for brand, _ in facts().plugs)
    assert min(of_brand.values()) >= 59
    assert sum(of_brand.values()) >= 1_480
    specs = [spec_of(plug.brand, plug.code) for plug in facts().plugs.values()]
    whole = [s for s in specs if s and None not in (s.thread, s.reach_mm, s.hex_mm, s.seat, s.heat)]
    assert len(whole) >= 1_240


# Thread, reach, hexagon, seat, heat, resistor, material, gap: «-» is what nobody told.
CERTAIN = """
NGK PFR7S8EG M14 19 16 flat 7 yes platinum 0.8
NGK PZFR6R M14 19 16 flat 6 yes platinum -
NGK ILZFR6D11 M14 26.5 16 flat 6 yes iridium 1.1
NGK LFR6C-11 M14 26.5 16 flat 6 yes nickel 1.1
NGK SILZKR7B11 M12 26.5 16 flat 7 yes iridium 1.1
NGK LKR7E M12 26.5 16 flat 7 yes nickel -
NGK PLZKAR6A-11 M12 26.5 14 flat 6 yes platinum 1.1
NGK DILKAR7G11GS M12 26.5 14 flat 7 yes iridium 1.1
NGK LKAR7ARX-11P M12 26.5 14 flat 7 yes ruthenium 1.1
NGK ILZKBR7B8DG M12 26.5 14 flat 7 yes iridium 0.8
NGK SILZKGR8B8S M12 26.5 - - 8 yes iridium 0.8
NGK ZKER6A-10EG M12 19 16 flat 6 yes - 1.0
NGK IJR7A9 M12 19 18 flat 7 yes iridium 0.9
NGK ZGR5A M14 19 20.8 flat 5 yes nickel -
NGK LTR6BI-9 M14 25 16 conical 6 yes iridium 0.9
NGK ITR6F13 M14 - 16 conical 6 yes iridium 1.3
NGK LMAR8A-9 M10 26.5 14 flat 8 yes nickel 0.9
NGK MR8K-9 M10 - - - 8 yes nickel 0.9
NGK BPMR6A M14 9.5 19 flat 6 yes nickel -
NGK CMR6H M10 12.7 14 flat 6 yes nickel -
NGK CR8EH-9 M10 19 16 flat 8 yes nickel 0.9
NGK ER9EH M8 19 13 flat 9 yes - -
NGK CR9EIA-9 M10 19 16 flat 9 yes iridium 0.9
NGK BKR6EGP M14 19 16 flat 6 yes platinum -
Denso SC20HR11 M14 26.5 14 flat 6 yes iridium 1.1
Denso FK20HR11 M14 26.5 16 flat 6 yes iridium 1.1
Denso FXE20HR11 M12 26.5 14 flat 6 yes iridium 1.1
Denso XU22HDR9 M12 26.5 16 flat 7 yes nickel 0.9
Denso FXU22HR8 M12 26.5 16 flat 7 yes iridium 0.8
Denso ZXU22HCR8 M12 26.5 16 flat 7 yes - 0.8
Denso IXUH22I M12 26.5 16 flat 7 yes iridium -
Denso IXEH22TT M12 26.5 14 flat 7 yes iridium -
Denso IK24C11 M14 19 16 flat 8 yes iridium 1.1
Denso IK16L M14 19 16 flat 5 yes iridium -
Denso KJ16CR11 M14 19 16 flat 5 yes nickel 1.1
Denso SK20BR11 M14 19 16 flat 6 yes iridium 1.1
Denso VUH27ES M10 19 16 flat 9 yes iridium -
Denso VK20 M14 19 16 flat 6 yes iridium -
Denso PT16VR13 M14 25 16 conical 5 yes platinum 1.3
Denso W20MP-U M14 9.5 19 flat 6 no nickel -
Bosch FR7KPP332 M14 19 16 flat 6 yes platinum -
Bosch FR7KPP33U+ M14 19 16 flat 6 yes nickel-yttrium 1.0
Bosch FR8SC+ M14 26.5 16 flat 5 yes nickel-yttrium -
Bosch FR7NII33X M14 26.5 16 flat 6 yes iridium 1.1
Bosch FR7DTC M14 19 16 flat 6 yes nickel -
Bosch FGR7DQP+ M14 19 16 flat 6 yes nickel-yttrium -
Bosch HR7MPP302 M14 25 16 conical 6 yes platinum -
Bosch HR8MEV M14 25 16 conical 5 yes nickel-yttrium -
Bosch HR7KPP33 M14 17.5 16 conical 6 yes platinum -
Bosch YR7MPP33 M12 26.5 16 flat 6 yes platinum -
Bosch Y7LER02 M12 19 16 flat 6 - nickel-yttrium -
Bosch ZR5TPP33 M12 26.5 14 flat 7 yes platinum -
Bosch VR7SII33X M12 - 14 - 6 yes iridium 1.1
Bosch WSR6F M14 9.5 19 flat 6.5 yes - -
Champion RCJ7Y M14 9.5 19 flat - yes - -
Champion RC12MC4 M14 19 16 flat 5 yes nickel 1.1
Champion RC8WYPB4 M14 19 16 flat 7 yes platinum 1.1
Champion REC10WMPB4 - - - - 6 yes platinum 1.1
Champion KC8WYPB4 M14 19 16 flat 7 - platinum 1.1
Brisk DOX15LE-1 M14 19 16 flat 6 - - 1.1
Brisk DR15TC-1 M14 19 16 flat 6 yes nickel 1.1
Brisk DOR15LGS M14 19 16 flat 6 yes - -
Brisk ER15YC-1 M14 26.5 16 flat 6 yes nickel 1.1
Brisk NR15YC M14 12.7 20.8 flat 6 yes nickel -
Brisk GR15YC - - - - 6 yes nickel -
Beru UXF79P M14 19 16 flat - - platinum -
Beru UXK79 M14 17.5 16 conical - - - -
Beru 12ZR-6SPP2 M12 - - - 6.5 yes platinum -
Beru 14FR-7LDU M14 19 16 flat 6 yes nickel -
Russian А17ДВ-1 M14 19 20.8 flat 6 no - -
Russian А11-1 M14 12.7 20.8 flat 4 - - -
"""


@pytest.mark.parametrize("line", CERTAIN.split("\n")[1:-1])
def test_a_code_says_what_is_certain_of_it(line: str) -> None:
    brand, code, *printed = line.split()
    spec = spec_of(brand, code)
    assert spec is not None
    names = ("thread", "reach_mm", "hex_mm", "seat", "heat", "resistor", "material", "gap_mm")
    words = {True: "yes", False: "no", None: "-"}
    said = [getattr(spec, name) for name in names]
    assert [words[one] if one is None or isinstance(one, bool) else str(one).removesuffix(".0") for one in said] == [
        one.removesuffix(".0") for one in printed
    ]


# What car makers name side by side for one engine screws into it: whatever each code says, the two must agree.
OF_ONE_ENGINE = [
    ("NGK", "IZFR6K11S", "Denso", "SKJ20DR-M11S"),
    ("NGK", "IZFR6K11", "Denso", "SKJ20DR-M11"),
    ("NGK", "IFR5J11", "Denso", "SK16PR11"),
    ("NGK", "IFR6J11", "Denso", "SK20PR11"),
    ("NGK", "BKR5E11", "Denso", "K16PR-U11"),
    ("NGK", "BKR6E11", "Denso", "K20PR-U11"),
    ("NGK", "IFR6A11", "Denso", "SK20R11"),
    ("NGK", "DILKAR7G11GS", "Denso", "DXE22HQR-D11S"),
    ("NGK", "LZKR6B-10E", "Denso", "IXUH22I"),
    ("Denso", "SC20HR11", "Denso", "SC16HR11"),
    ("Brisk", "DR15YCY-1", "Denso", "K20PR-U11"),
    ("Denso", "XU22HDR9", "Denso", "FXU22HR8"),
    ("NGK", "ILTR5A-13G", "NGK", "LTR5BI-13"),
    ("Bosch", "Y7LER02", "NGK", "ZKER6A-10EG"),
    ("Bosch", "FR7KPP33U+", "NGK", "PFR7S8EG"),
    ("Bosch", "YR7MPP33", "NGK", "PLKR7A"),
    ("Bosch", "ZR5TPP33", "NGK", "ILZKBR7B8DG"),
    ("Bosch", "HR8MEV", "NGK", "ITR6F13"),
]


@pytest.mark.parametrize(("brand", "code", "other_brand", "other"), OF_ONE_ENGINE)
def test_plugs_of_one_engine_screw_into_one_hole(brand: str, code: str, other_brand: str, other: str) -> None:
    assert compare(spec_of(brand, code), spec_of(other_brand, other)).verdict != "conflict"


@pytest.mark.parametrize(
    ("typed", "unread", "known"),
    [
        ("NGK BPR6EZ", "Z", {"thread", "reach_mm", "hex_mm", "projected", "resistor", "heat"}),
        ("DILZKAR9Q9W2X", "W2X", {"thread", "reach_mm", "hex_mm", "seat", "resistor", "heat", "material", "gap_mm"}),
        ("Bosch FR7DZZ", "ZZ", {"thread", "reach_mm", "hex_mm", "seat", "projected", "resistor", "heat"}),
        ("Denso W20KK", "KK", {"thread", "hex_mm", "projected", "heat"}),
    ],
)
def test_letters_that_nobody_has_leave_what_is_written_before_them(typed: str, unread: str, known: set[str]) -> None:
    one = understand(typed).one
    assert (one.unread[-1], one.listed) == (unread, False)
    assert {f.name for f in fields(Spec) if getattr(one.spec, f.name) is not None} >= known - {"projected"}
    assert one.spec is not None
    assert one.spec.seat is None or "seat" in known
    assert spec_of(one.brand, one.code) is None  # two plugs are never compared on that ground


def test_what_is_not_written_says_nothing_where_letters_are_unknown() -> None:
    [one] = read_in_part("W20KK", "Denso")
    assert one.spec is not None
    assert (one.spec.reach_mm, one.spec.resistor, one.spec.material) == (None, None, None)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("OE179/T10", "номер заказа Champion"),
        ("EON4", "номер заказа Champion"),
        ("Z193", "Beru нумерует"),
        ("NGK 6962", "складской номер NGK"),
        ("Denso 3297", "складской номер Denso"),
        ("0 242 135 515", "номер заказа Bosch"),
        ("A-Line 12", "номер серии Brisk"),
    ],
)
def test_an_order_number_is_told_to_be_no_code(typed: str, says: str) -> None:
    with pytest.raises(NotAPlugCode) as refused:
        understand(typed)
    assert says in refused.value.detail
    assert refused.value.facts["looks_like"] == "order"


def test_an_order_number_leads_to_its_plug_where_that_was_published() -> None:
    assert [(one.brand, one.spec) for one in understand("NGK 2288").candidates] == [("NGK", None)]


@pytest.mark.parametrize("article", ["DU-035L", "K 1111", "W 7015", "12036CP", "P21W", "H11", "W16W", "HU 718/5 K"])
def test_other_parts_and_lamps_are_no_plugs(article: str) -> None:
    assert read(article) == []
