"""The file of categories is true, and what is typed leads to the right one."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from autoshop.catalog.search.categories import model
from autoshop.catalog.search.categories.model import Category, Lexicon, facts, stem, stems_in
from autoshop.kit.facts import WrongFact


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    """The categories of the demo shop."""
    rows = json.loads((files("autoshop") / "data" / "demo" / "categories.json").read_text(encoding="utf-8"))
    ids = {row["code"]: number for number, row in enumerate(rows, start=1)}
    return Lexicon(
        [Category(ids[row["code"]], row["code"], row["ru"], row["en"], ids.get(row["parent"])) for row in rows]
    )


def test_the_file_has_the_categories_of_the_demo(lexicon: Lexicon) -> None:
    leaves = {one.code for one in lexicon.categories.values() if one.parent_id is not None}
    assert leaves <= facts().keys()
    assert len(facts()) == 27


@pytest.mark.parametrize(
    ("files_of", "reason"),
    [
        ({"categories.csv": "code,ru,en,confidence,source\na,A,A,sure,k\n"}, "confidence is one of"),
        ({"categories.csv": "code,ru,en,confidence,source\na,A,A,high,x\n"}, "sources.csv has no"),
        ({"categories.csv": "code,ru,en,confidence,source\na,A,A,high,\n"}, "source is empty"),
        ({"categories.csv": "code,ru,en,confidence,source\na,A,A,high,k\na,B,B,high,k\n"}, "a is told twice"),
        ({"sources.csv": "id,what\nk,x\nk,y\n"}, "k is told twice"),
    ],
)
def test_a_line_that_cannot_be_true_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files_of: dict[str, str], reason: str
) -> None:
    (tmp_path / "parts").mkdir()
    good = {"categories.csv": "code,ru,en,confidence,source\na,A,A,high,k\n", "sources.csv": "id,what\nk,x\n"}
    for name, text in {**good, **files_of}.items():
        (tmp_path / "parts" / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(model, "FACTS", tmp_path)
    with pytest.raises(WrongFact, match=reason):
        facts.__wrapped__()


@pytest.mark.parametrize(
    "forms",
    [
        "свеча свечи свечей свечам свечами свечу свеч",
        "колодка колодки колодок колодкам колодками",
        "масляный масляного масляные масляных масляным",
        "троит троить троят троил троила",
        "заводится заводиться заводятся",
        "ремень ремня ремни ремней ремнём",
        "щётка щётки щёток щётками",
        "стойка стойки стоек",
        "тормозной тормозная тормозные тормозных",
        "аккумулятор аккумуляторы аккумулятора аккумуляторов",
        "фильтр фильтры фильтра фильтров",
    ],
)
def test_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(form.replace("ё", "е")) for form in forms.split()}) == 1, {
        form: stem(form.replace("ё", "е")) for form in forms.split()
    }


def test_no_belongs_to_its_word() -> None:
    assert stems_in("не заводится зимой") == ["не завод", "зим"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("свечи", "spark_plug"), ("свечей зажигания", "spark_plug"), ("spark plugs", "spark_plug"),
        ("масляный фильтр", "oil_filter"), ("фильтры масляные", "oil_filter"), ("маслофильтр", "oil_filter"),
        ("фильтр", "filters"), ("дворники", "wiper_blade"), ("щетки стеклоочистителя", "wiper_blade"),
        ("акб", "battery"), ("лямбда", "oxygen_sensor"), ("лямбда-зонд", "oxygen_sensor"), ("тосол", "coolant"),
        ("грм", "timing_belt"), ("ремни грм", "timing_belt"), ("комплект грм", "timing_belt_kit"),
        ("передних колодок", "brake_pads_front"), ("бронепровода", "plug_wires"), ("косточка", "stabilizer_link"),
        ("амортизаторы", "shock_absorber"), ("лампочка", "bulb"), ("термостата", "thermostat"),
    ],
)  # fmt: skip
def test_a_category_is_found_by_what_people_call_it(lexicon: Lexicon, text: str, code: str) -> None:
    hits = lexicon.named_in(stems_in(text))
    assert [lexicon.categories[hit.category_id].code for hit in hits] == [code]
    assert hits[0].left == ()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("троит", ["spark_plug", "ignition_coil", "plug_wires"]),
        ("троит двигатель", ["spark_plug", "ignition_coil", "plug_wires"]),
        ("двигатель троит на холодную", ["spark_plug", "ignition_coil"]),
        ("не заводится зимой", ["spark_plug", "battery", "fuel_filter"]),
        ("машина не заводится", ["spark_plug", "fuel_filter", "battery"]),
        ("стук на ямах", ["shock_absorber"]),
        ("скрипят тормоза", ["brake_pads_front"]),
        ("не горит фара", ["bulb"]),
        ("горит чек", ["oxygen_sensor"]),
        ("потеют стекла", ["cabin_filter"]),
        ("свист под капотом", ["drive_belt"]),
        ("перегревается мотор", ["coolant", "thermostat"]),
        ("двигатель", []),
        ("машина", []),
        ("", []),
    ],
)
def test_a_complaint_leads_to_what_may_cause_it(lexicon: Lexicon, text: str, codes: list[str]) -> None:
    hits = lexicon.complained_of(stems_in(text))
    assert [lexicon.categories[hit.category_id].code for hit in hits][: len(codes) or 1] == codes


def test_words_that_several_categories_share_give_them_all(lexicon: Lexicon) -> None:
    hits = lexicon.beginning(stems_in("колодки"))
    codes = {lexicon.categories[hit.category_id].code for hit in hits}
    assert codes == {"brake_pads_front", "brake_pads_rear", "brake_shoes"}
    assert lexicon.beginning(stems_in("двигатель")) == []


def test_a_category_of_an_import_is_known_by_its_name() -> None:
    own = Lexicon([Category(1, "свечи-зажигания", "Свечи зажигания", "Свечи зажигания", None)])
    [hit] = own.complained_of(stems_in("двигатель троит"))
    assert hit.category_id == 1
    assert hit.phrase.source == ("k", "shop")


def test_what_hangs_on_a_category_belongs_to_it(lexicon: Lexicon) -> None:
    [top] = [one.id for one in lexicon.categories.values() if one.code == "filters"]
    below = {lexicon.categories[one].code for one in lexicon.with_all_below([top])}
    assert below == {"filters", "oil_filter", "air_filter", "cabin_filter", "fuel_filter"}
    ring = Lexicon([replace(Category(1, "a", "A", "A", None), parent_id=2), Category(2, "b", "B", "B", 1)])
    assert ring.with_all_below([1]) == [1, 2]
