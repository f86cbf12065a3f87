"""What links are called, and why a row is refused, in Russian and English."""

from autoshop.catalog.imports.model import Problem
from autoshop.catalog.imports.texts import OPTIONS
from autoshop.catalog.imports.texts import reason as usual_reason
from autoshop.kit.language import Language
from autoshop.selection.crosses.model import Fit, Kind, Step

STEPS: dict[tuple[Kind, bool], tuple[str, str]] = {
    ("supersession", False): ("заменён на", "superseded by"),
    ("supersession", True): ("пришёл на смену", "took the place of"),
    ("oe", False): ("оригинальный номер, его аналог", "maker's number, its replacement is"),
    ("oe", True): ("аналог, оригинальный номер", "replacement, the maker's number is"),
    ("spec_equal", False): ("тот же по всем размерам", "the same in every measure as"),
    ("spec_equal", True): ("тот же по всем размерам", "the same in every measure as"),
    ("analog", False): ("аналог", "analog of"),
    ("analog", True): ("аналог", "analog of"),
}
FITS: dict[Fit, tuple[str, str]] = {
    "same": ("та же деталь", "the same part"),
    "good": ("подходит", "it fits"),
    "close": ("подходит с отличием", "it fits, with a difference"),
    "check": ("уточнить перед покупкой", "to be checked before it is bought"),
}
ACCEPTED = ("принято человеком вопреки проверке", "accepted by a person against the checker")
REASONS: dict[str, tuple[str, str]] = {
    "self_pair": ("артикул связан сам с собой", "the article is linked with itself"),
    "unknown_kind": ("неизвестный вид связи; есть {0}", "unknown kind of link; there are {0}"),
    "unknown_confidence": ("неизвестная достоверность; есть {0}", "unknown confidence; there are {0}"),
    "too_many_rows": ("строк больше {0}; разделите файл", "more than {0} rows; split the file"),
}


def step(link: Step, from_name: str, to_name: str, language: Language) -> str:
    """«Lada 21080-1012005 заменён на Lada 21080-1012005-09»."""
    return f"{from_name} {STEPS[link.kind, link.backward][language == 'en']} {to_name}"


def told(problem: Problem, language: Language) -> str:
    """What is wrong with a row: where, what, why."""
    en = language == "en"
    own = REASONS.get(problem.code)
    why = own[en].format(problem.detail) if own else usual_reason(problem.code, problem.detail, language, OPTIONS)
    where = "" if problem.row is None else f"{'row' if en else 'строка'} {problem.row}"
    if problem.column_name:
        where += f", {'column' if en else 'столбец'} «{problem.column_name}»"
    shown = f" «{problem.value}»" if problem.value else ""
    return f"{where}:{shown} {why}".lstrip(": ")
