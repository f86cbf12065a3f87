"""What is wrong with a document, as a CSV that Excel opens."""

import csv
import io
from collections.abc import Sequence

from autoshop.kit.language import Language
from autoshop.warehouse.documents.model import Problem
from autoshop.warehouse.documents.texts import reason

HEADINGS = {"ru": ("Строка", "Столбец", "Значение", "Причина"), "en": ("Row", "Column", "Value", "Reason")}
WOULD_BE_FORMULA = ("=", "+", "-", "@", "\t")


def headings(language: Language) -> bytes:
    """The first line, after the mark by which Excel knows UTF-8."""
    return "\ufeff".encode() + _line(HEADINGS[language])


def csv_line(problem: Problem, language: Language) -> bytes:
    """A problem as a line."""
    row = "" if problem.row is None else str(problem.row)
    why = reason(problem.code, problem.detail, language)
    return _line((row, problem.column_name, problem.value, why))


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    harmless = [f"'{cell}" if cell.startswith(WOULD_BE_FORMULA) else cell for cell in cells]
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerow(harmless)
    return text.getvalue().encode()
