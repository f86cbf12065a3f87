"""An import as plain data: what was asked, what came of it, what is wrong with a row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from autoshop.kit.errors import Conflict, NotFound, Refusal

What = Literal["catalog", "crosses", "fitments"]  # what a file brings in
State = Literal["waiting", "checking", "loading", "done", "refused", "failed"]
Kind = Literal["error", "merged", "difference", "note"]

MOST_UPLOADED_BYTES = 200_000_000  # what nginx lets through
MOST_BYTES = 1_000_000_000
MOST_ROWS = 5_000_000
MOST_COLUMNS = 600
MOST_BRANDS = 50_000  # new ones in one file; more is another column
MOST_CATEGORIES = 2_000
MOST_PIECES = 1_000_000
MOST_PRICE_KOPECKS = 1_000_000_000  # ten million roubles: beyond it a column was mixed up
MOST_ATTEMPTS = 3
VALUE_CHARACTERS = 200  # of a wrong value, in a report


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read and what may be done with it."""

    store: str | None = None  # code of the store that a bare stock column speaks of
    skip_bad: bool = False
    dry_run: bool = False
    set_stock: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    ignore: tuple[str, ...] = ()  # headings of columns that do not matter
    defaults: dict[str, str] = field(default_factory=dict)  # column → what is meant by a row that does not say


class Problem(NamedTuple):
    """Something about a row (None: about the file). `code` names the reason, `detail` fills it in: see texts.py."""

    row: int | None
    kind: Kind
    column_name: str
    value: str
    code: str
    detail: str
    is_cost: bool


def error(row: int | None, column: str, value: str, code: str, detail: object = "", is_cost: bool = False) -> Problem:
    """A problem that keeps its row, or the whole file, out. What it quotes can be printed."""
    shown = _printable(value[:VALUE_CHARACTERS])
    return Problem(row, "error", _printable(column), shown, code, _printable(str(detail)), is_cost)


def _printable(text: str) -> str:
    """Without signs that a database or terminal would not take as text."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class BadFile(Exception):
    """The file cannot be read as a table at all; `problem` says why."""

    def __init__(self, code: str, detail: object = "", row: int | None = None, value: str = "") -> None:
        self.problem = error(row, "", value, code, detail)
        super().__init__(code, detail)


@dataclass(slots=True)
class Counts:
    """What an import did, or with dry_run would do. `new`, `changed` and `unchanged` are products."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad_rows: int = 0
    merged_rows: int = 0
    differences: int = 0
    brands: int = 0
    categories: int = 0
    barcodes: int = 0
    prices: int = 0
    movements: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One import. `finished_at` is there once the state is done, refused or failed."""

    id: int
    what: What
    file_id: int | None
    file_name: str
    options: Options
    actor: str
    state: State
    phase: str
    rows_done: int
    rows_total: int
    attempt: int
    counts: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    scopes: frozenset[str] = field(default=frozenset())
    store_ids: frozenset[int] | None = None


class UnknownRun(NotFound):
    title = "Unknown import"


class FileTooLarge(Refusal):
    title, status = "The file is too large", 413

    def explain(self) -> str:
        return (
            f"At most {self.facts['most_bytes'] // 1_000_000} MB; split it, or import it with `autoshop import catalog`"
        )


class EmptyUpload(Refusal):
    title, status = "There is no file", 422

    def explain(self) -> str:
        return "The body is empty; send the file itself: curl --data-binary @catalog.csv …"


class NotTheFile(Refusal):
    """The body is a form or a document around the file."""

    title, status = "Send the file itself", 415

    def explain(self) -> str:
        sent = self.facts["content_type"]
        return f"The body is the file, not {sent}: curl --data-binary @catalog.csv -H 'Content-Type: text/csv' …"


class TurnLost(ConnectionError):
    """The session that had the turn was lost, and somebody else has taken up the run."""


class Stale(Conflict):
    """The catalogue or the stock changed between the check and the load; nothing was written."""

    title = "The catalogue changed meanwhile"
