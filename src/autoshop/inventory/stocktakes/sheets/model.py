"""A sheet as a file: what may stand in its cells, and how its rows are read."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autoshop.inventory.stocktakes.sheets.texts import ALSO, HEADINGS, STATUSES, reason
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.language import Language
from autoshop.kit.text import article_key, name_key

MOST_PIECES = 1_000_000
MOST_TOLD = 1_000
BOM = "\ufeff"
DELIMITERS = (";", "\t", ",")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WHOLE = re.compile(r"(\d{1,10})(?:[.,]0+)?", re.ASCII)
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
ArticleKey = tuple[str, str]  # of the article, and of the brand; without a brand ""


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line with the names that people know it by."""

    place_key: str
    product_id: int
    places: list[str]
    article: str
    brand: str
    name: str
    barcodes: list[str]
    expected: int
    counted: int | None
    difference: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row that says how many there are."""

    number: int
    product_id: int | None
    article: str
    brand: str
    barcodes: tuple[str, ...]
    counted: int

    @property
    def key(self) -> ArticleKey:
        return article_key(self.article), name_key(self.brand)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with a row (0: with the file); `code` has a reason in words in texts.py."""

    row: int
    column: str
    value: str
    code: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read: rows with a number, how many have none yet, and what is wrong."""

    rows: list[Row] = field(default_factory=list)
    empty: int = 0
    problems: list[RowProblem] = field(default_factory=list)


class SheetRefused(Invalid):
    """Nothing was taken; `rows` names up to a thousand of `problems`."""

    title = "The sheet cannot be taken"

    def explain(self) -> str:
        return f"{self.facts['problems']} thing(s) are wrong with it, and nothing was counted"


def refused(problems: Sequence[RowProblem], language: Language) -> SheetRefused:
    """All that is wrong at once, in the order of the rows."""
    told = sorted(problems, key=lambda one: one.row)[:MOST_TOLD]
    return SheetRefused(
        problems=len(problems),
        errors=[wrong(f"row {one.row}, {one.column}", reason(one.code, language)) for one in told],
        rows=[
            {"row": one.row, "column": one.column, "value": one.value, "code": slug(one.code),
             "reason": reason(one.code, language)}
            for one in told
        ],
    )  # fmt: skip


def slug(code: str) -> str:
    """A code as programs know it."""
    return code.lower().replace(" ", "_")


# ------------------------------------------------------------------------------------------------ out
def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, «CSV injection»)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def headings(language: Language, *, blind: bool) -> str:
    """The first line of the file."""
    return BOM + _line(HEADINGS[name][language] for name in _columns(blind))


def written(lines: Iterable[SheetLine], language: Language, *, blind: bool) -> str:
    """Lines of the file; whoever counts blind sees neither what is expected nor the difference."""
    return "".join(_line(_cells(line, language, blind)) for line in lines)


def _columns(blind: bool) -> list[str]:
    return [name for name in HEADINGS if not (blind and name in ("expected", "difference"))]


def _cells(line: SheetLine, language: Language, blind: bool) -> Iterator[str]:
    for name in _columns(blind):
        value = getattr(line, name)
        if name == "status":
            yield STATUSES[value][language]
        elif name in ("barcodes", "places"):
            yield safe(" ".join(value))
        elif isinstance(value, str):
            yield safe(value)
        else:
            yield "" if value is None else str(value)


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


# ------------------------------------------------------------------------------------------------ in
def read(content: bytes) -> Sheet:
    """The rows of a file, and all that is wrong with their shape."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1251")
        except UnicodeDecodeError:
            return Sheet(problems=[RowProblem(0, "", "", "not_text")])
    if not text.strip() or "\0" in text:
        return Sheet(problems=[RowProblem(0, "", "", "not_text" if text.strip() else "empty")])
    first = text.lstrip().splitlines()[0]
    delimiter = max(DELIMITERS, key=first.count)
    records = _records(text, delimiter)
    number, titles = next(records)
    if isinstance(titles, csv.Error):
        return Sheet(problems=[RowProblem(number, "", "", "quotes")])
    columns, problems = _understood(titles)
    return Sheet(problems=problems) if problems else _rows(records, columns)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Rows that are not empty, by the line they begin at."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield line, cells
                line = reader.line_num + 1
            return
        except csv.Error as error:  # the reader goes on with the next line
            yield line, error
            line = reader.line_num + 1


def _understood(titles: Sequence[str]) -> tuple[dict[str, int], list[RowProblem]]:
    """Where each known column stands; the others do not matter."""
    known = {**ALSO, **{words[one].casefold(): name for name, words in HEADINGS.items() for one in words}}
    columns: dict[str, int] = {}
    for place, title in enumerate(titles):
        name = known.get(title.strip().casefold())
        if name in columns:
            return {}, [RowProblem(1, title.strip(), "", "two_columns")]
        if name is not None:
            columns[name] = place
    if "counted" not in columns or not columns.keys() & {"product_id", "article", "barcodes"}:
        return {}, [RowProblem(1, "", ", ".join(titles)[:200], "no_column")]
    return columns, []


def _rows(records: Iterable[tuple[int, list[str] | csv.Error]], columns: Mapping[str, int]) -> Sheet:
    sheet, empty = Sheet(), 0
    for number, cells in records:
        if isinstance(cells, csv.Error):
            sheet.problems.append(RowProblem(number, "", "", "quotes"))
            continue
        values = {name: _cell(cells, place) for name, place in columns.items()}
        if not values["counted"]:
            empty += 1
            continue
        row = _row(number, values)
        if isinstance(row, RowProblem):
            sheet.problems.append(row)
        else:
            sheet.rows.append(row)
    if not sheet.rows and not sheet.problems and not empty:
        sheet.problems.append(RowProblem(0, "", "", "empty"))
    return Sheet(sheet.rows, empty, sheet.problems)


def _cell(cells: Sequence[str], place: int) -> str:
    text = cells[place].strip() if place < len(cells) else ""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _row(number: int, values: Mapping[str, str]) -> Row | RowProblem:
    counted = whole(values["counted"])
    if counted is None or counted > MOST_PIECES:
        return RowProblem(number, "counted", values["counted"][:60], "not_whole")
    product_id = whole(values.get("product_id", ""))
    if values.get("product_id") and not product_id:
        return RowProblem(number, "product_id", values["product_id"][:60], "not_an_id")
    row = Row(
        number, product_id, values.get("article", ""), values.get("brand", ""),
        tuple(values.get("barcodes", "").split()), counted,
    )  # fmt: skip
    if not (row.product_id or row.article or row.barcodes):
        return RowProblem(number, "product_id", "", "names_nothing")
    return row


def whole(text: str) -> int | None:
    """A whole number as people and spreadsheets write it: 12, 1 200, 12,00."""
    found = _WHOLE.fullmatch(_SPACES.sub("", text))
    return int(found[1]) if found else None


def spellings(code: str) -> list[str]:
    """How a barcode may be written down: UPC-A is EAN-13 with a zero in front, and spreadsheets drop that zero."""
    if code.isdecimal() and len(code) == 12:
        return [code, "0" + code]
    return [code, code[1:]] if code.isdecimal() and len(code) == 13 and code[0] == "0" else [code]


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalogue has of what a sheet names; articles by key, with and without a brand."""

    articles_by_id: Mapping[int, str]
    ids_by_article: Mapping[ArticleKey, frozenset[int]]
    id_by_barcode: Mapping[str, int]


def product_of(row: Row, known: Known) -> int | RowProblem:
    """Which product a row means: by its id, else by article and brand, else by a barcode; or what is wrong."""
    if row.product_id is not None:
        key = known.articles_by_id.get(row.product_id)
        if key is None:
            return RowProblem(row.number, "product_id", str(row.product_id), "unknown_product")
        if row.article and row.key[0] != key:
            return RowProblem(row.number, "article", row.article[:60], "disagrees")
        return row.product_id
    if row.article:
        found, column, value, missing = known.ids_by_article.get(row.key), "article", row.article, "unknown_article"
    else:
        codes = [code for one in row.barcodes for code in spellings(one)]
        found = frozenset(known.id_by_barcode[code] for code in codes if code in known.id_by_barcode)
        column, value, missing = "barcodes", " ".join(row.barcodes), "unknown_barcode"
    if not found:
        return RowProblem(row.number, column, value[:60], missing)
    return next(iter(found)) if len(found) == 1 else RowProblem(row.number, column, value[:60], "ambiguous")
