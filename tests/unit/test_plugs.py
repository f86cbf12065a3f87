"""Codes of spark plugs: read however they are spelt, told apart where they differ, refused where they are none."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.kit.errors import Refusal
from autoshop.kit.text import article_key, article_loose
from autoshop.selection.plugs.coding import beginnings_of, is_spelt_so, read, spec_of
from autoshop.selection.plugs.facts import facts
from autoshop.selection.plugs.known import every_code
from autoshop.selection.plugs.model import BadCode, NotAPlugCode, SeveralBrands, Spec, compare
from autoshop.selection.plugs.service import warnings_for
from autoshop.selection.plugs.texts import told
from autoshop.selection.plugs.understanding import understand

V8 = Spec("M14", 19, 20.8, "flat", True, True, 6, "nickel")  # А17ДВРМ and its likes

CODES: list[tuple[str, str, Spec]] = [
    ("NGK", "BPR6ES-11", replace(V8, ground_electrodes=1, gap_mm=1.1)),
    ("Russian", "А17ДВРМ", V8),
    ("Russian", "АУ17ДВРМ", replace(V8, hex_mm=16)),
    ("Russian", "А17ДВ-10", replace(V8, resistor=False, material=None, gap_mm=1.0)),
    ("Bosch", "WR7DC", V8),
    ("Bosch", "WR7DC+", replace(V8, material="nickel-yttrium")),
    ("Bosch", "FR7DCU", replace(V8, hex_mm=16, gap_mm=1.0)),
    ("Bosch", "HR8DC", Spec("M14", 17.5, 16, "conical", True, True, 5, "nickel")),
    ("Champion", "RN9YC4", replace(V8, gap_mm=1.1)),
    ("Champion", "L82YC", Spec("M14", 12.7, 20.8, "flat", True, False, None, "nickel")),  # a scale of its own
    ("Champion", "N4", Spec("M14", 19, 20.8, "flat", False, False, None)),
    ("Brisk", "DR15YC-1", replace(V8, hex_mm=16, gap_mm=1.1)),
    ("Beru", "14FR-7DUX", replace(V8, hex_mm=16, gap_mm=1.1)),
    ("Denso", "W20EPR-U11", replace(V8, gap_mm=1.1)),
    ("Denso", "K20PBR-S10", replace(V8, hex_mm=16, ground_electrodes=3, gap_mm=1.0)),
    ("Denso", "IK20", Spec("M14", 19, 16, "flat", True, True, 6, "iridium")),
    ("Denso", "W14L", Spec("M14", 11.2, 20.8, "flat", False, False, 4, "nickel")),
    ("NGK", "BKR6EQUP", Spec("M14", 19, 16, "flat", True, True, 6, "platinum", 4)),
    ("NGK", "BPR6EFS", Spec("M14", 17.5, 16, "conical", True, True, 6, "nickel", 1)),
    ("NGK", "TR5", Spec("M14", None, 16, "conical", None, True, 5, "nickel")),  # does not tell its reach
    ("NGK", "LFR5A-11", Spec("M14", 26.5, 16, "flat", None, True, 5, "nickel", None, 1.1)),
    ("NGK", "LZKR6B-10E", Spec("M12", 26.5, 16, "flat", None, True, 6, "nickel", None, 1.0)),
    ("NGK", "CR8HSA", Spec("M10", 12.7, 16, "flat", False, True, 8, "nickel", 1)),
]


@pytest.mark.parametrize(("brand", "code", "spec"), CODES, ids=lambda one: one if isinstance(one, str) else "")
def test_a_code_says_what_its_letters_say_and_no_more(brand: str, code: str, spec: Spec) -> None:
    assert spec_of(brand, code) == spec


@pytest.mark.parametrize(
    ("typed", "brand", "code"),
    [
        ("bpr6es-11", "NGK", "BPR6ES-11"),
        ("  B P R 6 E S 1 1 ", "NGK", "BPR6ES-11"),
        ("ВРR6ЕS", "NGK", "BPR6ES"),  # В, Р and Е are Cyrillic
        ("NGK BPR6ES", "NGK", "BPR6ES"),
        ("bpr6es НЖК", "NGK", "BPR6ES"),
        ("A17ДBPM", "Russian", "А17ДВРМ"),  # A, B, P and M are Latin
        ("a17dvrm", "Russian", "А17ДВРМ"),
        ("AU17DVRM", "Russian", "АУ17ДВРМ"),
        ("ау-17 двpm", "Russian", "АУ17ДВРМ"),
        ("А11", "Russian", "А11"),
        ("wr7dc +", "Bosch", "WR7DC+"),
        ("бош wr 7 dc", "Bosch", "WR7DC"),
        ("14r7du", "Beru", "14R-7DU"),
        ("14 FR - 7 DU X", "Beru", "14FR-7DUX"),
        ("w20eprU11", "Denso", "W20EPR-U11"),
        ("lr15yc1", "Brisk", "LR15YC-1"),
    ],
)
def test_spelling_does_not_matter(typed: str, brand: str, code: str) -> None:
    one = understand(typed).one
    assert (one.brand, one.code) == (brand, code)


def test_a_plus_makes_another_plug_and_another_article() -> None:
    assert spec_of("Bosch", "WR7DC") != spec_of("Bosch", "WR7DC+")
    assert article_key("WR7DC+") == article_key("wr 7-dc +") != article_key("WR7DC")
    assert article_loose("WR7DC+") == article_loose("WR7DC")
    assert (article_key("+"), article_key("C+E 5"), article_key("Фильтр+")) == ("", "CE5", "ФИЛЬTP+")


def test_a_reading_says_which_letters_say_what() -> None:
    [reading] = read("BKUR6ET-10")
    letters = {reason.field: reason.letters for reason in reading.reasons}
    assert letters == {
        "thread": "BK", "hex_mm": "BK", "reach_mm": "E", "seat": "", "projected": "BK", "resistor": "R", "heat": "6",
        "material": "", "ground_electrodes": "T", "gap_mm": "10",
    }  # fmt: skip
    assert all(reason.source and reason.confidence for reason in reading.reasons)


def test_letters_that_nobody_explained_are_told_and_say_nothing() -> None:
    [reading] = read("FGR7DQP")
    assert reading.unread == ("G",)
    [champion] = read("RC87YCL")
    assert champion.unread == ("87", "L")
    assert champion.spec is not None
    assert champion.spec.heat is None


def test_a_code_of_several_brands_is_told_with_all_of_them_and_chosen_by_nobody() -> None:
    found = understand("N12Y")
    assert [(one.brand, one.spec and one.spec.reach_mm) for one in found.candidates] == [
        ("Brisk", 12.7),
        ("Champion", 19),
    ]
    assert not found.is_certain
    with pytest.raises(SeveralBrands, match="«N12Y» is a code of Brisk, Champion: say which"):
        found.one  # noqa: B018
    assert understand("N12Y", "champion").one.brand == "Champion"
    assert understand("Brisk N12Y").one.brand == "Brisk"


def test_what_is_only_linked_is_not_read() -> None:
    for code, brand in (("RFC50LZ2E", "Eyquem"), ("101 000 033 AA", "VAG"), ("63", "Autolite")):
        [one] = understand(code).candidates
        assert (one.brand, one.spec, one.listed) == (brand, None, True)


BAD: list[tuple[str, type[Refusal], str]] = [
    ("", BadCode, "ничего не написано"),
    (" \t\n", BadCode, "ничего не написано"),
    ("😀🔥", BadCode, "ничего не написано"),
    ("---", BadCode, "ничего не написано"),
    ("B" * 10_000, BadCode, "длиннее 60 знаков"),
    ("'; DROP TABLE products; --", NotAPlugCode, "это текст"),
    ("1' OR '1'='1'; --", NotAPlugCode, "это текст"),
    ("машина троит и плохо заводится", NotAPlugCode, "это текст"),
    ("+7 912 345-67-89", NotAPlugCode, "похоже на телефон"),
    ("89123456789", NotAPlugCode, "похоже на телефон"),
    ("4607000000001", NotAPlugCode, "похоже на штрихкод"),
    ("0242229699000000", NotAPlugCode, "похоже на номер"),
    ("W 914/2", NotAPlugCode, "похоже на артикул"),
    ("OC 384", NotAPlugCode, "похоже на артикул"),
    ("AR 19 U", NotAPlugCode, "похоже на артикул"),
    ("GDB3331", NotAPlugCode, "похоже на артикул"),
    ("H7", NotAPlugCode, "назовите бренд"),
    ("BPR6EZ", NotAPlugCode, "похожие коды: NGK BPR6E"),
    ("A\0B", NotAPlugCode, "это текст"),
    ("А17ДВРМ, bcpr6es", NotAPlugCode, "откройте их по одному; в тексте есть Russian А17ДВРМ, NGK BCPR6ES"),
    ("BCPR6ES/BPR6ES", NotAPlugCode, "здесь не один код"),
    ("А17ДВРМ 4 шт", NotAPlugCode, "в тексте есть Russian А17ДВРМ"),
]


@pytest.mark.parametrize(("typed", "refusal", "says"), BAD, ids=lambda one: str(one)[:20])
def test_what_is_no_code_is_told_what_it_looks_like(typed: str, refusal: type[Refusal], says: str) -> None:
    with pytest.raises(refusal) as refused:
        understand(typed)
    assert says in refused.value.detail
    assert len(refused.value.detail) < 300


@given(st.text(max_size=80))
def test_any_text_is_a_plug_or_refused(text: str) -> None:
    with suppress(Refusal):
        understand(text)


@given(st.sampled_from([(pair.brand, pair.code) for pair in facts().pairs]), st.data())
def test_a_code_is_the_same_plug_in_any_spelling(code: tuple[str, str], data: st.DataObject) -> None:
    brand, printed = code
    spelt = "".join(sign + data.draw(st.sampled_from(["", " ", "-"])) for sign in printed)
    spelt = data.draw(st.sampled_from([spelt, spelt.lower(), article_key(printed)]))
    assert spec_of(brand, spelt) == spec_of(brand, printed)


# ------------------------------------------------------------------------------------------------ the checker
def test_a_plug_is_itself_and_the_checker_does_not_mind_the_order() -> None:
    for pair in facts().pairs:
        one, other = spec_of(pair.brand, pair.code), spec_of(pair.other_brand, pair.other_code)
        assert compare(one, other).verdict == compare(other, one).verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "pass"),
        ({"heat": 6.75}, "pass"),
        ({"heat": 7}, "pass, adjacent heat"),
        ({"heat": 5}, "pass, adjacent heat"),
        ({"heat": 7.5}, "fits, differs"),
        ({"heat": None}, "pass"),  # and `unknown` names it
        ({"resistor": False}, "fits, differs"),
        ({"projected": False, "heat": 7}, "fits, differs"),
        ({"reach_mm": 12.7}, "conflict"),
        ({"hex_mm": 20.6}, "pass"),
        ({"hex_mm": 16, "heat": 9}, "conflict"),
        ({"seat": "conical"}, "conflict"),
        ({"thread": "M12"}, "conflict"),
        ({"thread": None}, "unknown"),
        ({"reach_mm": None, "resistor": False}, "unknown"),
        ({"reach_mm": None, "hex_mm": 16}, "conflict"),
        ({"gap_mm": 1.1, "material": "iridium", "ground_electrodes": 4}, "pass"),
    ],
)
def test_what_counts_and_how_much(change: dict[str, object], verdict: str) -> None:
    other = replace(V8, **change)  # type: ignore[arg-type]
    check = compare(V8, other)
    assert check.verdict == verdict
    assert set(check.unknown) == {name for name, value in change.items() if value is None}
    assert check.is_proven is (verdict.startswith("pass") and not check.unknown)


@pytest.mark.parametrize(
    ("change", "ru", "en"),
    [
        ({"heat": 7}, "калильное число на ступень холоднее", "heat range one step colder"),
        ({"heat": 5}, "калильное число на ступень горячее", "heat range one step hotter"),
        ({"heat": 9}, "калильное число на 3 ступени холоднее", "heat range 3 steps colder"),
        (
            {"reach_mm": 12.7},
            "длина резьбы 12,7 вместо 19 мм: резьба в головке закоксуется",
            "reach 12.7 instead of 19",
        ),
        ({"reach_mm": 26.5}, "достанет до поршня", "it reaches the piston"),
        ({"hex_mm": 16}, "шестигранник 16 вместо 20,8 мм: ключ и колодец другие", "hexagon 16 instead of 20.8 mm"),
        ({"seat": "conical"}, "посадка конусная без шайбы вместо плоской", "conical without a washer instead of flat"),
        ({"resistor": False}, "без резистора", "without a resistor"),
        ({"material": "iridium"}, "электрод иридиевый вместо никелевого", "electrode iridium instead of nickel"),
        ({"gap_mm": 1.1}, "выставить зазор", "set the gap"),
        ({"heat": None}, "по коду не сравнить: калильное число", "not told by the code: heat range"),
    ],
)
def test_how_two_plugs_differ_is_told_in_words(change: dict[str, object], ru: str, en: str) -> None:
    other = replace(V8, **change)  # type: ignore[arg-type]
    assert ru in told(compare(V8, other), V8, other, "ru")
    assert en in told(compare(V8, other), V8, other, "en")


def test_the_trap_of_8_and_16_valves_is_told_of_each_plug_of_either_engine() -> None:
    for code, other in (("А17ДВРМ", "АУ17ДВРМ"), ("BCPR6ES-11", "А17ДВРМ"), ("DR15YC-1", "А17ДВРМ")):
        told_of = " ".join(warnings_for(understand(code).one, "ru"))
        assert f"берёт другую: {other}; шестигранник" in told_of


def test_beginnings_lead_to_every_plug_of_the_same_spec() -> None:
    specs = {(p.brand, p.code): spec_of(p.brand, p.code) for p in facts().pairs}
    for base in filter(None, specs.values()):
        beginnings = beginnings_of(base)
        for (brand, code), spec in specs.items():
            if compare(base, spec).is_proven:
                assert any(article_key(code).startswith(start) for start in beginnings[brand]), (base, brand, code)


def test_all_that_can_be_read_is_spelt_as_its_brand_spells() -> None:
    codes = [code for _, code in every_code()]
    slips = [code[:at] + sign + code[at + 1 :] for code in codes[::9] for at in range(len(code)) for sign in "AR7С"]
    for brand in dict.fromkeys(coding.brand for coding in facts().codings):
        for code in (*codes, *slips):
            assert is_spelt_so(brand, code) or not read(code, brand), (brand, code)


@pytest.mark.parametrize("code", ["BPR6XQ38", "GDB1330", "A-1", "свеча", ""])
def test_another_article_is_not_spelt_as_a_plug(code: str) -> None:
    assert not is_spelt_so("NGK", code)
    assert spec_of("NGK", code) is None
