"""A file, made lines: every row as it stands, with what is wrong with its shape. What it says is checked later."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autoshop.catalog.imports.columns import Columns
from autoshop.catalog.imports.model import BadFile, Options
from autoshop.catalog.imports.model import Problem as FileProblem
from autoshop.catalog.imports.rows import TOTALS
from autoshop.catalog.imports.tables import open_table
from autoshop.catalog.imports.workbook import Odd, shown
from autoshop.warehouse.documents.columns import NAMES, headings_of, passed_over, understand
from autoshop.warehouse.documents.model import MOST_LINES, Kind, Line, Problem

LONGEST = {"article": 60, "brand": 100, "sku": 60, "barcode": 64, "reason": 500, "places": 500, "from_store": 60}
LONGEST_NUMBER = 40
VALUE_CHARACTERS = 200


class Unreadable(Exception):
    """The file is no table of a document; `problems` says why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        super().__init__(problems[0].code)


@dataclass(frozen=True, slots=True)
class FileLines:
    """What a file says: its lines, what their columns are called, and the headings that were passed over."""

    lines: list[Line]
    headings: dict[str, str]
    ignored: tuple[str, ...]


def read_file(path: Path, name: str, kind: Kind, options: Options) -> FileLines:
    """The lines of a file. Raises Unreadable."""
    try:
        table = open_table(path, name, partial(understand, kind=kind, ignore=options.ignore), options)
        try:
            if table.problems:
                raise Unreadable([_plain(problem) for problem in table.problems])
            lines: list[Line] = []
            for row, cells in table.rows():
                line = _line(len(lines) + 1, row, cells, table.columns)
                if line is not None:
                    lines.append(line)
                if len(lines) > MOST_LINES:
                    raise Unreadable([Problem(None, "", "", "too_many_rows", str(MOST_LINES))])
            if not lines:
                raise Unreadable([Problem(table.header_row, "", "", "no_rows")])
            return FileLines(lines, headings_of(table.columns), passed_over(table.columns))
        finally:
            table.close()
    except BadFile as bad:
        raise Unreadable([_plain(bad.problem)]) from bad


def _plain(problem: FileProblem) -> Problem:
    return Problem(problem.row, problem.column_name, problem.value, problem.code, problem.detail)


def _line(number: int, row: int, cells: Sequence[str | Odd] | Exception, columns: Columns) -> Line | None:
    """A row with something in it; None for one without."""
    if isinstance(cells, Exception):
        return Line(number, row, {}, (Problem(row, "", "", "quotes", str(cells)),))
    filled = [cell for cell in cells if isinstance(cell, Odd) or cell.strip()]
    if not filled:
        return None
    width = columns.width
    if len(cells) < width or any(isinstance(cell, Odd) or cell.strip() for cell in cells[width:]):
        last = shown(filled[-1])[:VALUE_CHARACTERS]
        return Line(number, row, {}, (Problem(row, "", last, "fields", f"{len(cells)} / {width}"),))
    if (word := _total(cells, columns)) is not None:
        return Line(number, row, {}, (Problem(row, "", word, "totals"),))
    given, wrong = {}, []
    for field, position in columns.fields.items():
        value, code, detail = _value(cells[position], field)
        if value:
            given[field] = value
        if code:
            wrong.append(Problem(row, columns.header[position], value, code, detail))
    return Line(number, row, given, tuple(wrong))


def _value(cell: str | Odd, field: str) -> tuple[str, str, str]:
    """A cell as plain text; and the code and detail of what is wrong with it."""
    if isinstance(cell, Odd):
        return cell.shown[:VALUE_CHARACTERS], cell.code, cell.shown
    text = " ".join(cell.replace("\u200b", "").replace("\ufeff", "").replace("\u00ad", "").split())
    strange = next((c for c in text if not c.isprintable()), None)
    longest = LONGEST.get(field, LONGEST_NUMBER)
    if strange is not None:
        return text.replace(strange, "?")[:VALUE_CHARACTERS], "control", f"U+{ord(strange):04X}"
    if text.startswith("="):
        return text[:VALUE_CHARACTERS], "formula", ""
    if len(text) > longest:
        return text[:VALUE_CHARACTERS], "too_long", str(longest)
    return text, "", ""


def _total(cells: Sequence[str | Odd], columns: Columns) -> str | None:
    """The word, where a row holds sums of others and names no product. Total is a brand as well."""
    names = {columns.fields[name] for name in NAMES if name in columns.fields}
    for position, cell in enumerate(cells):
        text = cell.strip() if isinstance(cell, str) else ""
        if text and TOTALS.fullmatch(text):
            others = [cells[at] for at in names if at != position and at < len(cells)]
            if not any(isinstance(other, Odd) or other.strip() for other in others):
                return text
    return None
