"""Sheets as files: safe for spreadsheets, read with every mistake told."""

import csv
import io

import pytest

from autoshop.inventory.stocktakes.sheets.model import (
    BOM,
    Known,
    Row,
    RowProblem,
    SheetLine,
    headings,
    product_of,
    read,
    safe,
    whole,
    written,
)
from autoshop.inventory.stocktakes.sheets.texts import REASONS

KNOWN = Known({1: "BPR6ES11", 2: "W9142"}, {("BPR6ES11", "ngk"): frozenset({1}), ("W9142", ""): frozenset({2, 3})},
              {"4607123456781": 2, "0012345678905": 3})  # fmt: skip


def row(counted: int = 1, product_id: int | None = None, article: str = "", brand: str = "", *barcodes: str) -> Row:
    return Row(2, product_id, article, brand, barcodes, counted)


@pytest.mark.parametrize("text", ["=1+1", "+7 900", "-12", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    line = SheetLine("", 1, [text.strip()], text, text, text, [text.strip()], 5, None, None, "to_count")
    [cells] = csv.reader(io.StringIO(written([line], "ru", blind=False), newline=""), delimiter=";")
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert safe("BPR6ES-11") == "BPR6ES-11"


def test_a_blind_sheet_has_no_expectations() -> None:
    line = SheetLine("", 1, ["A-1", "B-2"], "A", "B", "Свеча; длинная", ["1", "2"], 777, 3, -774, "counted")
    open_, blind = written([line], "ru", blind=False), written([line], "en", blind=True)
    assert open_ == '1;A-1 B-2;A;B;"Свеча; длинная";1 2;777;3;-774;посчитан\r\n'
    assert blind == '1;A-1 B-2;A;B;"Свеча; длинная";1 2;3;counted\r\n'
    titles = "ID товара;Места;Артикул;Бренд;Название;Штрихкоды;Посчитано;Состояние"
    assert headings("ru", blind=True) == f"{BOM}{titles}\r\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1251"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_what_was_written_is_read_again(encoding: str, delimiter: str) -> None:
    text = "Артикул;Бренд;Название;ПОСЧИТАНО \n'-12;NGK;Свеча;3\n\nBPR;NGK;Свеча;\nA;B;C;1 200,00\n"
    sheet = read(text.replace(";", delimiter).replace("200,00", "200.00").encode(encoding))
    assert [(one.number, one.article, one.counted) for one in sheet.rows] == [(2, "-12", 3), (5, "A", 1200)]
    assert (sheet.empty, sheet.problems) == (1, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(0, "empty")]),
        (" \n\n", [(0, "empty")]),
        ("ID товара;Посчитано\n", [(0, "empty")]),
        ("ID товара;Название\n1;x\n", [(1, "no_column")]),
        ("Название;Посчитано\nx;1\n", [(1, "no_column")]),
        ("ID товара;Посчитано;Факт\n1;1;1\n", [(1, "two_columns")]),
        ('ID товара;Посчитано\n1;"1\n', [(2, "quotes")]),
        ('"ID товара;Посчитано\n1;1\n', [(1, "quotes")]),
        ("a\0;b\n", [(0, "not_text")]),
        ("ID товара;Посчитано\n1;-1\n2;1.5\n3;x\n4;1000001\n5;99999999999\n", [(n, "not_whole") for n in range(2, 7)]),
        ("ID товара;Посчитано\nx;1\n0;1\n-1;1\n;1\n",
         [(2, "not_an_id"), (3, "not_an_id"), (4, "not_an_id"), (5, "names_nothing")]),
    ],
)  # fmt: skip
def test_every_mistake_in_a_file_is_told_by_its_row(text: str, expected: list[tuple[int, str]]) -> None:
    assert [(one.row, one.code) for one in read(text.encode()).problems] == expected


def test_bytes_that_are_no_text_are_told() -> None:
    assert [one.code for one in read(b"\xff\xfe\x98\x00").problems] == ["not_text"]


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("1\u00a0200", 1200), ("12,00", 12), ("12.5", None), ("", None)]
)
def test_whole_numbers_as_people_write_them(text: str, number: int | None) -> None:
    assert whole(text) == number


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (row(1, 1), 1),
        (row(1, 1, "bpr6es-11"), 1),
        (row(1, None, "BPR6ES 11", "ngk"), 1),
        (row(1, None, "", "", "4607123456781", "999"), 2),
        (row(1, None, "", "", "012345678905"), 3),
        (row(1, 9), "unknown_product"),
        (row(1, 1, "W 914/2"), "disagrees"),
        (row(1, None, "X", "ngk"), "unknown_article"),
        (row(1, None, "W 914/2"), "ambiguous"),
        (row(1, None, "", "", "999"), "unknown_barcode"),
        (row(1, None, "", "", "4607123456781", "0012345678905"), "ambiguous"),
    ],
)
def test_a_row_means_one_product_or_is_told_why_not(given: Row, expected: int | str) -> None:
    meant = product_of(given, KNOWN)
    assert (meant.code if isinstance(meant, RowProblem) else meant) == expected
    assert isinstance(expected, int) or expected in REASONS
