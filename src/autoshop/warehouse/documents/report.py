"""What is wrong with a document, as a CSV that Excel opens."""

from autoshop.kit.csv_out import lines
from autoshop.kit.language import Language
from autoshop.warehouse.documents.model import Problem
from autoshop.warehouse.documents.texts import reason

HEADINGS = {"ru": ("Строка", "Столбец", "Значение", "Причина"), "en": ("Row", "Column", "Value", "Reason")}


def headings(language: Language) -> bytes:
    """The first line, after the mark by which Excel knows UTF-8."""
    return "\ufeff".encode() + lines([HEADINGS[language]])


def csv_line(problem: Problem, language: Language) -> bytes:
    """A problem as a line."""
    why = reason(problem.code, problem.detail, language)
    return lines([(problem.row, problem.column_name, problem.value, why)])
