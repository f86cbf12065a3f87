"""What stands in a cell of an import: prices, pieces, headings; and files whose bytes tell what they are."""

import io
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.catalog.imports import csv_file
from autoshop.catalog.imports.columns import Columns, Known, understand
from autoshop.catalog.imports.csv_file import delimiter_named, examine, open_csv
from autoshop.catalog.imports.model import BadFile, Options, Problem, error
from autoshop.catalog.imports.rows import RowParser, Wrong, pieces, price
from autoshop.catalog.imports.texts import OPTIONS, PARAMETERS, REASONS, reason, told
from autoshop.catalog.prices.model import PriceType
from autoshop.inventory.stores.model import Calendar, Store

STORES = [
    Store(number, code, name, "", Calendar("Europe/Moscow"), True, 1)
    for number, code, name in ((1, "centre", "Центр"), (2, "north", "Север"))
]
PRICE_TYPES = [
    PriceType("retail", "Розничная", "Retail", False),
    PriceType("cost", "Закупочная", "Cost", True),
    PriceType("club", "Клубная", "Club", False),
]
KNOWN = Known(STORES, PRICE_TYPES, True, None)


def columns_of(*header: str, known: Known = KNOWN, options: Options = Options()) -> tuple[Columns, list[str]]:
    """How headings are understood, and the codes of what is wrong with them."""
    _, columns, problems = understand([(1, header)], known, options)
    return columns, [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("text", "kopecks"),
    [
        ("450", 45_000), ("450,5", 45_050), ("450.05", 45_005), ("450,500", 45_050), ("0,01", 1),
        ("1 234,50 руб.", 123_450),
        ("99 ₽", 9_900), ("99р.", 9_900), ("5 RUB", 500), ("007", 700), ("10000000", 1_000_000_000),
    ],
)  # fmt: skip
def test_a_price_in_roubles_is_kopecks(text: str, kopecks: int) -> None:
    assert price(text) == str(kopecks)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "zero_price"), ("0,00", "zero_price"), ("-1", "negative_price"), ("−1,50", "negative_price"),
        ("1.005", "fine_price"), ("1,234.50", "not_money"), ("10000000,01", "absurd_price"), ("1e3", "not_money"),
        ("1,5e3", "not_money"), ("€5", "not_money"), (",5", "not_money"), ("5,", "not_money"), ("", "not_money"),
        ("--5", "not_money"), ("1" * 13, "not_money"), ("٥", "not_money"), ("nan", "not_money"),
    ],
)  # fmt: skip
def test_what_is_no_price_has_its_reason(text: str, code: str) -> None:
    with pytest.raises(Wrong) as wrong:
        price(text)
    assert wrong.value.code == code


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("12", 12), ("0", 0), ("1 200", 1_200), ("007", 7), ("1000000", 1_000_000),
        ("12,0", 12), ("12.00", 12), ("12 шт", 12), ("1 200,00 ШТ.", 1_200),
    ],
)  # fmt: skip
def test_pieces_are_whole(text: str, count: int) -> None:
    assert pieces(text) == str(count)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-1", "negative_stock"), ("−1", "negative_stock"), (">10", "not_whole"), ("1-5", "not_whole"),
        ("1.5", "not_whole"),
        ("12,000", "thousandths"), ("1 200.000 шт", "thousandths"), ("-", "dash"), ("12,5 шт", "not_whole"),
        ("1,5e3", "not_whole"), ("есть", "not_whole"), ("+", "not_whole"), ("٥", "not_whole"),
        ("1000001", "too_many_pieces"), ("1000000000", "too_many_pieces"),
    ],
)  # fmt: skip
def test_what_is_no_number_of_pieces_has_its_reason(text: str, code: str) -> None:
    with pytest.raises(Wrong) as wrong:
        pieces(text)
    assert wrong.value.code == code


@given(st.text())
def test_a_cell_is_a_number_or_wrong_and_never_breaks(text: str) -> None:
    for read in (price, pieces):
        try:
            outcome = read(text)
        except Wrong as wrong:
            outcome = wrong.code
        assert outcome in REASONS or int(outcome) >= 0


def test_headings_are_understood_however_they_are_typed() -> None:
    columns, wrong = columns_of(
        "\ufeffБРЕНД", " Артикул  производителя ", "Наименование товара", "Ед.изм.", "Штрих-код", "ЦЕНА",
        "Себестоимость",
        "Клубная", "Остаток «Центр»", "кол-во (Север)", "", "",
    )  # fmt: skip
    assert wrong == []
    assert columns.fields == {"brand": 0, "article": 1, "name": 2, "unit": 3, "barcode": 4}
    assert (columns.prices, columns.costs) == ({"retail": 5, "cost": 6, "club": 7}, {6})
    assert (columns.stocks, columns.width, columns.nameless) == ({1: 8, 2: 9}, 10, [])


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        (["Бренд"], ["missing_column"]),
        (["Название", "Вес"], ["no_headings"]),
        (["Артикул", "Бренд", "Вес, кг"], ["unknown_column"]),
        (["Артикул", "Бренд", "Марка"], ["repeated_column"]),
        (["Артикул", "Бренд", "Остаток"], ["which_store"]),
        (["Артикул", "Бренд", "Остаток на юге"], ["unknown_store"]),
        (["Артикул", "Бренд", "Остаток centre", "Наличие Центр"], ["repeated_column"]),
        (["Артикул", "Бренд", "Оптовая"], ["unknown_column"]),  # this shop has no such price
        (["Артикул", "Бренд", *["x"] * 600], ["too_many_columns"]),
    ],
)
def test_what_is_wrong_with_headings_is_told(header: list[str], codes: list[str]) -> None:
    assert columns_of(*header)[1] == codes


def test_a_heading_keeps_nothing_that_cannot_be_printed() -> None:
    columns, wrong = columns_of("\ufeffБренд", "Арти\x00кул", "Остаток\xa0\ncentre\x1b")
    assert (columns.header, wrong) == (["Бренд", "Арти кул", "Остаток centre"], [])


def test_a_heading_that_is_nearly_right_is_told_what_it_is_near_to() -> None:
    _, _, [problem] = understand([(4, ["Артикул", "Бренд", "Штрихкат"])], KNOWN, Options())
    assert (problem.row, problem.code, problem.detail) == (4, "unknown_column", " (≈ «штрихкод»?)")


def test_headings_stand_where_article_and_brand_are_named() -> None:
    title, headings = ["Остатки товаров", "", "", ""], ["Производитель", "Артикул", "Товар", "Остаток centre"]
    row, columns, problems = understand([(1, title), (3, ["на 01.12.2024", "Группа"]), (4, headings)], KNOWN, Options())
    assert (row, columns.header) == (4, headings)
    assert [(one.row, one.kind, one.code, one.value) for one in problems] == [
        (4, "note", "headings_here", "Остатки товаров; на 01.12.2024 Группа")
    ]
    row, columns, problems = understand([(1, title), (2, ["Производитель", "Товар"])], KNOWN, Options())
    assert (row, columns.header) == (2, ["Производитель", "Товар"])
    assert [one.code for one in problems] == ["missing_column", "headings_here"]
    _, _, [problem] = understand([(1, ["x"]), (2, ["Название", "Цена", "Вес"])], KNOWN, Options())
    assert (problem.row, problem.code) == (None, "no_headings")


ABOVE: dict[str, tuple[str, str]] = {
    "a product": ("NGK;BPR6ES-11;Свеча;450,00;4", "above_headings"),
    "a product without stock": ("NGK;BPR6ES-11;;450 руб.;", "above_headings"),
    "headings of another table": ("Артикул;Наименование", "above_headings"),
    "a wide title": ("Прайс-лист;от 01.12.2024;ООО «Ромашка»;Москва;1", "headings_here"),
    "words and values": ("Склад:;centre;;;", "headings_here"),
    "groups of columns": ("Товар;Товар;Товар;Цены;Остатки", "headings_here"),
    "numbers alone": ("1;;3;4;5", "headings_here"),
}


@pytest.mark.parametrize(("line", "code"), ABOVE.values(), ids=ABOVE)
def test_what_stands_above_the_headings_is_told_and_a_product_is_not_lost(line: str, code: str) -> None:
    headings = ["Бренд", "Артикул", "Название", "Розница", "Остаток centre"]
    row, _, problems = understand([(1, ["Отчёт"]), (2, line.split(";")), (3, headings)], KNOWN, Options())
    assert (row, [problem.code for problem in problems]) == (3, [code])
    assert problems[0].row == (2 if code == "above_headings" else 3)


def test_headings_in_full_win_over_a_line_that_only_mentions_them() -> None:
    mention, headings = ["Показатели:", "Артикул", "Бренд"], ["Бренд", "Артикул", "Название", "Ед."]
    row, columns, [problem] = understand([(1, mention), (2, headings)], KNOWN, Options())
    assert (row, columns.header, problem.row, problem.code) == (2, headings, 1, "above_headings")


def test_a_store_that_is_named_beside_columns_of_others_is_a_mistake() -> None:
    assert columns_of("Бренд", "Артикул", "Остаток centre", options=Options(store="north"))[1] == ["other_store"]
    assert columns_of("Бренд", "Артикул", "Остаток centre", options=Options(store="centre"))[1] == []
    assert columns_of("Бренд", "Артикул", options=Options(store="north"))[1] == []
    for headings in (["Бренд", "Артикул"], ["Бренд", "Артикул", "Остаток"], ["Бренд", "Артикул", "Остаток centre"]):
        assert columns_of(*headings, options=Options(store="norht"))[1] == ["unknown_store"]


@pytest.mark.parametrize(
    ("article", "is_date"),
    [
        ("10.дек", True), ("дек.24", True), ("Дек.24", True), ("9.мая", True),
        ("12-Oct", True), ("Dec-24", True), ("01.12.2024", True),
        ("1.12.2024", False), ("32.12.2024", False), ("01.13.2024", False), ("01.12.1824", False), ("10.12", False),
        ("10-12", False), ("W914/2", False), ("01.12.2024A", False), ("0.Dec", False),
    ],
)  # fmt: skip
def test_an_article_that_excel_made_a_date_is_refused(article: str, is_date: bool) -> None:
    parser = RowParser(columns_of("Бренд", "Артикул")[0], {}, {})
    assert (parser.line(2, ["NGK", article]) is None) == is_date
    assert [problem.code for problem in parser.problems] == ["date"] * is_date
    in_a_workbook = RowParser(columns_of("Бренд", "Артикул")[0], {}, {}, dates_are_text=False)
    assert in_a_workbook.line(2, ["NGK", article]) is not None


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["Итого", "", "", ""], "totals"), (["", "", "Всего по складу:", "1,5 млн"], "totals"),
        (["", "Итого:", "", "15"], "totals"), (["", "", "Total", "-5"], "totals"), (["Total", "", "", ""], "required"),
        (["Total", "148592", "Total Quartz", "-5"], "negative_stock"), (["", "Итог-5", "", "1"], "required"),
        (["NGK", "", "Всего-навсего", "1"], "required"), (["TOTAL", "", "TOTAL", "1"], "required"),
        (["Итого по группе", "", "", "5"], "totals"), (["Бренд", "Артикул", "Название", ""], "repeated_headings"),
        (["ИТОГО", ""], "totals"), (["Итоговая", "", "", ""], "required"),
        (["NGK", "X", "Итого", "-1"], "negative_stock"),
    ],
)  # fmt: skip
def test_a_line_of_totals_is_told_as_one(cells: list[str], code: str) -> None:
    parser = RowParser(columns_of("Бренд", "Артикул", "Название", "Остаток centre")[0], {}, {})
    assert parser.line(9, cells) is None
    assert [problem.code for problem in parser.problems] == [code]


def test_a_value_that_may_be_a_cost_is_marked_as_one() -> None:
    parser = RowParser(columns_of("Бренд", "Артикул", "Закупка")[0], {}, {})
    assert parser.line(2, ["NGK", "BPR6ES-11", "", "300"]) is None
    assert [(one.code, one.value, one.is_cost) for one in parser.problems] == [("fields", "300", True)]


def test_a_bare_stock_column_is_of_the_only_store_or_of_the_one_that_is_named() -> None:
    alone = Known(STORES[1:], PRICE_TYPES, True, None)
    assert columns_of("Бренд", "Артикул", "Остаток", known=alone)[0].stocks == {2: 2}
    assert columns_of("Бренд", "Артикул", "Остаток", options=Options(store="centre"))[0].stocks == {1: 2}


def test_a_delimiter_has_a_name_or_is_one_character() -> None:
    assert [delimiter_named(text) for text in ("tab", "TAB", "semicolon", "|", "\\t")] == ["\t", "\t", ";", "|", "\t"]
    for text in ("", "ab", '"', "\n", "\0"):
        with pytest.raises(ValueError, match="one character, or tab"):
            delimiter_named(text)


@pytest.mark.parametrize("size", range(1, 12))
def test_a_letter_between_two_chunks_is_still_a_letter(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(csv_file, "CHUNK", size)
    content = "Щётка стеклоочистителя «Север» № 5\n" * 3
    assert examine(io.BytesIO(content.encode()), None) == ("utf-8-sig", 3)
    assert examine(io.BytesIO(b"x" * 12 + content.encode("cp1251")), "cp1251") == ("cp1251", 3)


def test_russian_is_recognised_however_little_of_it_there_is() -> None:
    for text in ("№ 5", "5°", "«5»", "шт", "Ёлка", "СВЕЧА", "Свеча зажигания", "x" * 5000 + "я"):
        assert examine(io.BytesIO(text.encode("cp1251")), None)[0] == "cp1251", text
        assert examine(io.BytesIO(text.encode()), None)[0] == "utf-8-sig", text


def test_the_byte_and_line_that_are_wrong_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "CHUNK", 7)
    content = "Щётка\nЩётка\n".encode()
    for wrong, code in ((b"\xd0", "broken_utf8"), (b"\0", "nul")):
        with pytest.raises(BadFile) as bad:
            examine(io.BytesIO(content + wrong + b"\n"), None)
        assert (bad.value.problem.code, bad.value.problem.row, bad.value.problem.detail) == (code, 3, str(len(content)))


def parse_all(path: Path) -> list[Problem]:
    """Everything that is done with a CSV before the database sees it; returns what is wrong with it."""
    try:
        table = open_csv(path, partial(understand, known=KNOWN, options=Options()), Options())
    except BadFile as bad:
        return [bad.problem]
    parser = RowParser(table.columns, {}, {})
    if {"article", "brand"} <= table.columns.fields.keys():
        for row, cells in table.rows():
            if not isinstance(cells, Exception):
                parser.line(row, cells)
    return [*table.problems, *parser.problems]


HEAD = "Бренд;Артикул;Название;Штрихкод;Розница;Остаток centre\n".encode()
GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(lambda tail: HEAD + tail),
    st.lists(
        st.sampled_from([b'"', b";", b"\r", b"\n", b"\\", b"=", b"\t", b"x", b"5", "ё".encode(), b"\xff", b","])
    ).map(lambda parts: HEAD + b"".join(parts)),
)


@given(content=GARBAGE)
def test_whatever_bytes_come_nothing_but_a_reason_comes_of_them(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.csv"
    path.write_bytes(content)
    for problem in parse_all(path):
        assert told(problem, "ru").isprintable()


def test_every_reason_is_told_in_both_languages() -> None:
    for code, (russian, english) in REASONS.items():
        assert russian != english
        for mark in ("{0}", "{1}", "{2}", *OPTIONS):
            assert (mark in russian) == (mark in english)
        for options in (OPTIONS, PARAMETERS):
            sentence = reason(code, "7 / 8", "en", options)
            assert not {"{", "<"} & set(sentence)
            assert "7" in sentence or "{" not in english
    problem = error(3, "Розница", "\x1b[2J", "zero_price")
    assert told(problem, "en") == r"row 3, column «Розница»: «\x1b[2J» a price of 0; if there is none, leave it empty"
    assert told(error(None, "", "", "utf16"), "ru") == "файл в кодировке UTF-16; сохраните его как «CSV UTF-8»"
