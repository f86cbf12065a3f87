"""Broken files: each is refused, the reason is told, and nothing at all is written."""

import codecs
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoshop.catalog.imports import batches, importing
from autoshop.catalog.imports import rows as rows_module
from autoshop.kit.db import Pool
from tests.imports import (
    GOOD,
    GOOD_ROW,
    TITLES,
    Told,
    as_csv,
    as_xlsx,
    assert_refused,
    book_of,
    load,
    rows,
    sheet_of,
    text_cell,
)
from tests.imports_bombs import ALL_CORNERS, encrypted, huge_by_its_directory, huge_in_secret, old_binary_garbage

pytestmark = pytest.mark.anyio

HEAD = ";".join(TITLES) + "\n"
NO_HEADINGS: Told = [(None, "", "", "no_headings")]


def heading(text: str, code: str) -> tuple[int, str, str, str]:
    return (1, text, text, code)


CSVS: dict[str, tuple[str | bytes, Told]] = {
    "empty": (b"", [(None, "", "", "empty_file")]),
    "only a BOM": (codecs.BOM_UTF8, [(None, "", "", "empty_file")]),
    "only line ends": (b"\r\n \r\n;;\r\n", [(None, "", "", "empty_file")]),
    "headings only": (HEAD, [(1, "", "", "no_rows")]),
    "headings and empty rows": (HEAD + ";;;;;\n\n", [(1, "", "", "no_rows")]),
    "NUL byte": (rows("NGK;BPR6ES\0-11;;;;"), [(3, "", r"\x00", "nul")]),
    "UTF-16": (rows().encode("utf-16"), [(None, "", "", "utf16")]),
    "UTF-16 without BOM": (rows().encode("utf-16-le"), [(1, "", r"\x00", "nul")]),
    "truncated UTF-8": (rows("NGK;BPR6ES-11;Свеча").encode()[:-2], [(3, "", "", "broken_utf8")]),
    "one byte wrong": (rows("NGK;X;Свеча;;;").encode().replace("Свеча".encode(), b"\xd0\xa1\xd0\xff"),
                       [(3, "", r"\xd0\xff\x3b\x3b", "broken_utf8")]),
    "UTF-8, then cp1251": (rows().encode() + "NGK;X;Свеча;;;\n".encode("cp1251"),
                           [(3, "", r"\xd1\xe2\xe5\xf7", "broken_utf8")]),
    "cp866": (rows("NGK;X;Свеча зажигания;;;").encode("cp866"),
              [(1, "", r"\x81\xe0\xa5\xad", "unknown_encoding")]),
    "a picture": (bytes.fromhex("89504e470d0a1a0a0000000d"), [(3, "", r"\x00", "nul")]),
    "no required column": ("Название;Розница\nСвеча;5\n", NO_HEADINGS),
    "no headings": (GOOD + GOOD, NO_HEADINGS),
    "headings too far below": ("Отчёт\n" * 20 + HEAD + GOOD, NO_HEADINGS),
    "headings and no rows, but a wrong one": ("Бренд;Артикул;Вес\n", [heading("Вес", "unknown_column")]),
    "a product above the headings": (GOOD + HEAD + GOOD, [
        (1, "", GOOD.strip().replace(";", " "), "above_headings")]),
    "an open quote in the headings": ('Бренд;Артикул;"Название\nNGK;B1;Свеча\nNGK;B2;"Свеча"\nNGK;B3;Свеча\n', [
        (1, "", "", "quotes")]),
    "unknown column": ("Бренд;Артикул;Розницаа\nNGK;BPR6ES-11;5\n", [heading("Розницаа", "unknown_column")]),
    "repeated column": ("Бренд;Артикул;Название;Brand\nNGK;BPR6ES-11;;NGK\n", [heading("Brand", "repeated_column")]),
    "repeated price": ("Бренд;Артикул;Цена;Розница\nNGK;BPR6ES-11;1;2\n", [heading("Розница", "repeated_column")]),
    "repeated store": ("Бренд;Артикул;Остаток centre;Наличие Центр\nNGK;BPR6ES-11;1;2\n",
                       [heading("Наличие Центр", "repeated_column")]),
    "unknown store": ("Бренд;Артикул;Остаток south\nNGK;BPR6ES-11;1\n", [heading("Остаток south", "unknown_store")]),
    "which store": ("Бренд;Артикул;Остаток\nNGK;BPR6ES-11;1\n", [heading("Остаток", "which_store")]),
    "too many columns": ("Бренд;Артикул" + ";x" * 600 + "\n", [(1, "", "", "too_many_columns")]),
    "column without heading": ("Бренд;;Артикул\nNGK;оптом;BPR6ES-11\n", [(2, "", "оптом", "no_heading")]),
    "a web page": ("<html>\n<body>404</body>\n", NO_HEADINGS),
}  # fmt: skip


@pytest.mark.parametrize(("content", "told"), CSVS.values(), ids=CSVS)
async def test_a_csv_is_refused_with_its_reason(
    untouched: Pool, tmp_path: Path, content: str | bytes, told: Told
) -> None:
    await assert_refused(untouched, tmp_path / "c.csv", content, told)


async def test_products_that_a_quote_above_the_headings_took_are_not_lost(pool: Pool, tmp_path: Path) -> None:
    content = '"Прайс\nNGK;B1;Свеча\nNGK;B2;"Свеча"\nБренд;Артикул\nNGK;BPR6ES-11\n'
    refused = await load(pool, tmp_path / "c.csv", content)
    assert (refused.run.state, refused.counts("rows")) == ("refused", (1,))
    assert refused.told == [(1, "", "", "quotes"), (4, "", '"Прайс', "headings_here")]
    assert refused.problems[0].detail == " (1–3)"


WORKBOOKS: dict[str, tuple[bytes | Callable[[], bytes], Told]] = {
    "a text named .xlsx": (rows().encode(), [(None, "", "", "named_workbook")]),
    "a zip named .xlsx": (book_of("").replace(b"xl/workbook", b"xl/warebook"), [(None, "", "", "no_workbook")]),
    "half a workbook": (as_xlsx([TITLES, GOOD_ROW])[:2000], [(None, "", "", "no_workbook")]),
    "no XML within": (book_of("no XML <<<"), [(None, "", "", "no_workbook")]),
    "garbage named .xlsx": (random.Random(1).randbytes(5000), [(None, "", "", "named_workbook")]),
    "old binary garbage": (old_binary_garbage, [(None, "", "", "no_workbook")]),
    "protected by a password": (encrypted, [(None, "", "", "password")]),
    "an empty sheet": (as_xlsx([]), [(None, "", "", "empty_file")]),
    "a sheet of headings": (as_xlsx([TITLES]), [(1, "", "", "no_rows")]),
    "unpacks to gigabytes": (huge_by_its_directory, [(None, "", "", "unpacks_too_large")]),
    "unpacks to gigabytes, in secret": (huge_in_secret, [(None, "", "", "no_workbook")]),
    "a sheet from A1 to XFD1048576": (book_of(ALL_CORNERS), [(None, "", "", "unpacks_too_large")]),
    "cells of nonsense": (book_of(sheet_of([
        "".join(text_cell(f"{column}1", title) for column, title in zip("ABCDEF", TITLES, strict=True)),
        text_cell("A2", "NGK") + text_cell("B2", "X_x0000_1") + text_cell("C2", "_x001B_[2J"),
        text_cell("A3", "NGK") + text_cell("B3", "X2") + '<c r="F3"><v>1e400</v></c>',
        text_cell("A4", "NGK") + text_cell("B4", "X3") + '<c r="F4"><v>NaN</v></c>',
    ])), [(2, "Артикул", r"X\x001", "control"), (2, "Название", r"\x1b[2J", "control"),
          (3, "Остаток centre", "inf", "shortened"), (4, "Остаток centre", "nan", "shortened")]),
    "cells that never end": (book_of(sheet_of(['<c r="A1" t="e">' * 300_000])), [(None, "", "", "no_workbook")]),
    "odd cells": (book_of(sheet_of([
        "".join(text_cell(f"{column}1", title) for column, title in zip("ABCDEF", TITLES, strict=True)),
        text_cell("A2", "NGK") + '<c r="B2" t="b"><v>1</v></c><c r="F2" t="e"><v>#REF!</v></c>',
        text_cell("A3", "NGK") + text_cell("B3", "X1") + '<c r="F3"><f>1+1</f></c>',
        text_cell("A4", "NGK") + text_cell("B4", "X2") + '<c r="D4"><v>4.60712345678E+20</v></c>',
    ])), [(2, "Артикул", "TRUE", "boolean"), (2, "Остаток centre", "#REF!", "cell_error"),
          (3, "Остаток centre", "=", "no_result"), (4, "Штрихкод", "4.60712345678e+20", "shortened")]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "told"), WORKBOOKS.values(), ids=WORKBOOKS)
async def test_a_workbook_is_refused_with_its_reason(
    untouched: Pool, tmp_path: Path, content: bytes | Callable[[], bytes], told: Told
) -> None:
    await assert_refused(untouched, tmp_path / "c.xlsx", content if isinstance(content, bytes) else content(), told)


@pytest.mark.parametrize(
    ("limit", "code"),
    [("MOST_BYTES", "too_large"), ("MOST_ROWS", "too_many_rows"), ("MOST_BRANDS", "too_many_brands"),
     ("MOST_CATEGORIES", "too_many_categories")],
)  # fmt: skip
async def test_a_file_beyond_a_limit_is_refused(
    untouched: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, code: str
) -> None:
    module = next(one for one in (rows_module, batches, importing) if hasattr(one, limit))
    monkeypatch.setattr(module, limit, 2)
    content = "Бренд;Артикул;Название;Группа\n" + "".join(f"Brand {n};{n};Товар;Группа {n}\n" for n in range(3))
    await assert_refused(untouched, tmp_path / "c.csv", content, [(None, "", "", code)])


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        (rows(), {"store": "north"}, [(1, "", "north", "other_store")]),
        ("Бренд;Артикул\nNGK;BPR6ES-11\n", {"store": "south"}, [(None, "", "south", "unknown_store")]),
        ("Бренд;Артикул;Остаток\nNGK;BPR6ES-11;1\n", {"store": "south"}, [(1, "Остаток", "south", "unknown_store")]),
        (rows().encode("cp1251"), {"encoding": "utf-8"}, [(1, "", r"\xc1\xf0\xe5\xed", "not_in_encoding")]),
        (as_xlsx([TITLES, GOOD_ROW]), {"sheet": "Лист9"}, [(None, "", "", "no_sheet")]),
        (as_csv([TITLES, GOOD_ROW], "|"), {}, NO_HEADINGS),
    ],
    ids=["stock of another store", "no stock column", "store", "encoding", "sheet", "delimiter"],
)  # fmt: skip
async def test_options_that_do_not_fit_the_file(
    pool: Pool, tmp_path: Path, content: str | bytes, options: dict[str, Any], told: Told
) -> None:
    outcome = await load(pool, tmp_path / "c.csv", content, **options)
    assert outcome.told == told
    assert outcome.run.state == ("refused" if told else "done")
