"""A bulk document as plain data: what was asked, how far it is, what is wrong with a line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from autoshop.accounts.model import Caller
from autoshop.kit.errors import Conflict, NotFound, Refusal

Kind = Literal["receipt", "writeoff", "adjustment", "set", "levels", "places", "requests"]
LinesKind = Literal["receipt", "writeoff", "adjustment", "set", "places", "requests"]  # which JSON has lines for
State = Literal["waiting", "checking", "posting", "done", "refused", "undone"]

MOST_LINES = 10_000
MOST_FILE_BYTES = 20_000_000  # what nginx lets through
MOST_ATTEMPTS = 5
MOST_TOLD = 100  # of what is wrong with headings, in one answer
COUNTED_AT_MOST = timedelta(days=7)

# What each kind needs beyond the right to send documents at all.
NEEDS: dict[str, str] = {
    "receipt": "inventory:write",
    "writeoff": "inventory:write",
    "adjustment": "inventory:approve",
    "set": "inventory:approve",
    "levels": "levels:write",
    "places": "inventory:write",
    "requests": "inventory:write",
}
NOT_UNDONE = frozenset({"levels", "places"})  # what was there before is not kept
MOVEMENT_TYPES: dict[str, str] = {
    "receipt": "inbound",
    "writeoff": "writeoff",
    "adjustment": "adjustment",
    "set": "adjustment",
}


class Problem(NamedTuple):
    """Something wrong with a row (None: with the document). `code` and `detail` make the sentence: see texts.py."""

    row: int | None
    column_name: str
    value: str
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it came: `given` by field name; `wrong` was found while the file was read."""

    number: int
    row: int
    given: Mapping[str, Any]
    wrong: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line as it is shown: with the product that was found, and the movement or transfer that came of it."""

    number: int
    row: int
    given: dict[str, Any]
    product_id: int | None
    quantity: int | None
    movement_id: int | None
    transfer_id: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants done."""

    kind: Kind
    store_id: int
    related_document: str | None
    file_name: str | None = None
    digest: bytes | None = None
    again: bool = False
    headings: Mapping[str, str] = field(default_factory=dict)  # field → heading of its column
    ignored: tuple[str, ...] = ()
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document. It has ended once there is a `finished_at`; `totals` come with the end."""

    id: int
    kind: Kind
    store_id: int
    related_document: str | None
    file_name: str | None
    headings: dict[str, str]
    ignored: tuple[str, ...]
    counted_at: datetime
    actor: str
    state: State
    lines_total: int
    lines_done: int
    attempt: int
    totals: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    undone_by: str | None
    version: int
    scopes: frozenset[str] = field(default=frozenset())
    store_ids: frozenset[int] | None = None

    @property
    def name(self) -> str:
        """What its movements say they belong to."""
        return self.related_document or f"document {self.id}"

    @property
    def undoable(self) -> bool:
        """Whether it can be undone once it is done, as far as its kind goes."""
        return self.kind not in NOT_UNDONE

    @property
    def caller(self) -> Caller:
        """Who sent it, with what he might do then."""
        kind, _, name = self.actor.partition(":")
        return Caller(kind, name, self.scopes, self.store_ids)  # type: ignore[arg-type]


class UnknownDocument(NotFound):
    title = "Unknown document"


class SameFile(Conflict):
    title = "The same file was sent before"

    def explain(self) -> str:
        facts = self.facts
        return f"It is document {facts['document_id']}, {facts['state']}; send it with again=true if you mean it"


class UnreadableFile(Refusal):
    """The file is no table of a document; `problems` says why, in the reader's language."""

    title, status = "The file cannot be read", 422

    def explain(self) -> str:
        first = self.facts["problems"][0]
        where = f"row {first['row']}: " if first["row"] is not None else ""
        return f"{where}{first['column']} {first['reason']}".replace(":  ", ": ").strip()


class FileTooLarge(Refusal):
    title, status = "The file is too large", 413

    def explain(self) -> str:
        return f"At most {self.facts['most_bytes'] // 1_000_000} MB and {MOST_LINES} lines; split it"


class NotUndoable(Conflict):
    title = "Cannot be undone"

    def explain(self) -> str:
        return f"Document {self.facts['document_id']} is {self.facts['state']}: only one that is done can be undone"


class LevelsStay(Conflict):
    title = "Levels are not undone"

    def explain(self) -> str:
        return "A document of levels moved no pieces; set the levels as they should be"


class PlacesStay(Conflict):
    title = "Places are not undone"

    def explain(self) -> str:
        return "A document of places moved no pieces; set the places as they should be"


class SentAlready(Conflict):
    """Nothing was cancelled; `transfer_ids` are those of which something has left."""

    title = "Sent already"

    def explain(self) -> str:
        return "Pieces that it asked for have left; cancel the other transfers one by one"


class PiecesGone(Conflict):
    """Nothing was undone; `lines` names every product whose pieces are no longer there."""

    title = "The pieces are gone"

    def explain(self) -> str:
        return f"{len(self.facts['lines'])} product(s) of it were sold, moved or reserved since; nothing was undone"


def totals_of(
    lines: int, deltas: Iterable[int], movements: int, problems: int = 0, transfers: int = 0
) -> dict[str, int]:
    """What a document came to."""
    moved = list(deltas)
    return {
        "lines": lines,
        "products": len(moved),
        "pieces_in": sum(delta for delta in moved if delta > 0),
        "pieces_out": -sum(delta for delta in moved if delta < 0),
        "movements": movements,
        "transfers": transfers,
        "problems": problems,
    }
