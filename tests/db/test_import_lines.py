"""Random catalogues: what was written into a CSV, however it is laid out, is what PostgreSQL gets."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoshop.catalog.imports.columns import Known, understand
from autoshop.catalog.imports.csv_file import open_csv
from autoshop.catalog.imports.model import Options
from autoshop.catalog.imports.rows import RowParser
from autoshop.catalog.imports.staging import TABLES
from autoshop.catalog.prices.model import PriceType
from autoshop.inventory.stores.model import Calendar, Store
from autoshop.kit.text import article_key, article_loose, name_key
from tests.conftest import Database

KNOWN = Known(
    [Store(1, "centre", "Центр", "", Calendar("Europe/Moscow"), True, 1)],
    [PriceType("retail", "Розничная", "Retail", False), PriceType("wholesale", "Оптовая", "Wholesale", False)],
    True,
    None,
)
HEAD = ["Розница", "Бренд", "Название", "Артикул", "Штрихкод", "Код", "Остаток centre", "Опт", "Группа"]

CYRILLIC = "".join(chr(code) for code in range(0x410, 0x450)) + "Ёё№«»—"
AWKWARD = " ;,\t\"'\\{}|\r\n\xa0=NULnul.-/()0123456789"
TEXT = st.text(st.sampled_from(CYRILLIC + AWKWARD + "abcXYZ"), max_size=30)
ANYTHING = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf", "Cn", "Co")), max_size=30)


def plain(text: str) -> str:
    """As an import keeps a text: white space is one space."""
    return " ".join(text.split())


def said(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts that are no formulas, and that are printable once they are plain."""
    return texts.filter(lambda text: not plain(text).startswith("=") and plain(text).isprintable())


def named(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return said(texts).filter(lambda text: bool(name_key(text)) and bool(article_key(text)))


def rows(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Catalogues: names, codes and numbers, many of them missing."""
    code = st.one_of(
        st.text(st.sampled_from("0123456789ABC-{}\\\"'/"), min_size=1, max_size=7),
        st.sampled_from(["NULL", "null", r"\N"]),
    )
    number = st.one_of(st.none(), st.integers(1, 1_000_000))
    row = st.fixed_dictionaries(
        {
            "brand": named(texts),
            "article": named(texts),
            "name": said(texts),
            "sku": said(texts).filter(lambda text: len(plain(text)) <= 15),
            "category": st.one_of(st.just(""), named(texts)),
            "barcodes": st.lists(code, max_size=3, unique=True),
            "retail": number,
            "wholesale": number,
            "pieces": st.one_of(st.none(), st.integers(0, 1_000_000)),
        }
    )
    return st.lists(row, min_size=1, max_size=8)


def cells(row: dict[str, Any]) -> list[str]:
    """The row as HEAD has it."""
    roubles = ["" if row[name] is None else f"{row[name] / 100:.2f}" for name in ("retail", "wholesale")]
    count = "" if row["pieces"] is None else str(row["pieces"])
    texts = [row[name] for name in ("brand", "name", "article")]
    return [roubles[0], *texts, " ".join(row["barcodes"]), row["sku"], count, roubles[1], row["category"]]


def expected(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the rows say: article, its keys, SKU, name, barcodes, prices, stocks; and the keys of brand and category."""
    return [
        (
            plain(row["article"]), article_key(row["article"]), article_loose(row["article"]),
            plain(row["sku"]) or None, plain(row["name"]) or None, row["barcodes"] or None,
            [row["retail"], row["wholesale"]], [row["pieces"]],
            name_key(row["brand"]), name_key(row["category"]) or None,
        )
        for row in rows
    ]  # fmt: skip


@pytest.fixture
def staged(untouched_database: Database) -> Iterator[psycopg.Connection]:
    """A connection that has the temporary tables of an import."""
    with psycopg.connect(untouched_database.url, autocommit=True) as db:
        db.execute(TABLES.encode())
        yield db


def read_back(db: psycopg.Connection, path: Path, options: Options) -> list[tuple[Any, ...]]:
    """Through the parser and COPY into PostgreSQL, and out of it again."""
    table = open_csv(path, partial(understand, known=KNOWN, options=options), options)
    assert table.problems == []
    parser = RowParser(table.columns, {}, {})
    db.execute("TRUNCATE staged_rows")
    with db.cursor().copy("COPY staged_rows FROM STDIN") as copy:
        for row, fields in table.rows():
            assert not isinstance(fields, Exception)
            line = parser.line(row, fields)
            assert line is not None, (row, fields, parser.problems)
            copy.write(line + "\n")
    brands = {number: key for number, (key, _) in parser.brands.new.items()}
    categories = {number: key for number, (key, _) in parser.categories.new.items()}
    found = db.execute(
        "SELECT article, article_key, article_loose, sku, name, barcodes, prices, stocks, brand_id, category_id"
        " FROM staged_rows ORDER BY row"
    ).fetchall()
    return [(*row[:-2], brands[row[-2]], categories.get(row[-1])) for row in found]


DIALECTS = st.tuples(st.sampled_from(";,\t|"), st.sampled_from(["\r\n", "\n", "\r"]), st.booleans())
QUICK = settings(
    deadline=None, suppress_health_check=list(HealthCheck), max_examples=100, derandomize=True, database=None
)


def written(row: list[str], delimiter: str, line_end: str, quote_all: bool) -> str:
    """A line of a CSV: RFC 4180, section 2, with any delimiter and line end."""
    special = {delimiter, '"', "\r", "\n"}
    return delimiter.join(
        f'"{cell.replace(chr(34), chr(34) * 2)}"' if quote_all or special & set(cell) else cell for cell in row
    ) + line_end  # fmt: skip


def write_and_read(
    db: psycopg.Connection, folder: Path, rows: list[dict[str, Any]], dialect: tuple[str, str, bool], encoding: str
) -> None:
    path = folder / "catalogue.csv"
    path.write_bytes("".join(written(row, *dialect) for row in (HEAD, *map(cells, rows))).encode(encoding))
    # Letters in any order of case are no Russian: nobody could tell such a file from KOI8-R.
    named = encoding if encoding == "cp1251" else None
    options = Options(delimiter="|" if dialect[0] == "|" else None, encoding=named)
    assert read_back(db, path, options) == expected(rows)


@QUICK
@given(rows=rows(TEXT), dialect=DIALECTS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1251"]))
def test_a_russian_catalogue_is_read_as_it_was_written(
    staged: psycopg.Connection,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    dialect: tuple[str, str, bool],
    encoding: str,
) -> None:
    write_and_read(staged, tmp_path, rows, dialect, encoding)


@QUICK
@given(rows=rows(ANYTHING), dialect=DIALECTS)
def test_a_catalogue_in_any_script_is_read_as_it_was_written(
    staged: psycopg.Connection, tmp_path: Path, rows: list[dict[str, Any]], dialect: tuple[str, str, bool]
) -> None:
    write_and_read(staged, tmp_path, rows, dialect, "utf-8")
