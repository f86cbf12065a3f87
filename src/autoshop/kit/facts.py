"""Facts that people keep as files: CSV with a header, one fact a line, read into dataclasses and checked.

A cell of several values has ` | ` between them. An empty cell is «nobody knows» (None, or the default of the field),
never zero and never false.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import StringIO
from sys import intern
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

import msgspec

FACTS = files("autoshop") / "data" / "selection"
SEPARATOR = "|"
Confidence = Literal["high", "medium", "low"]  # of a fact, the surest first

Fact = TypeVar("Fact")


class WrongFact(ValueError):
    """A line of a file that cannot be true; names the file, the line and what to mend."""


def read(path: Traversable, shape: type[Fact]) -> Iterator[Fact]:
    """The facts of a file, in order, one `shape` (a dataclass whose fields are the file's columns) each.

    Raises WrongFact for an unknown, missing or doubled column, a line of another length, and a cell of another type.
    """
    hints = get_type_hints(shape)
    several = {name for name, hint in hints.items() if get_origin(hint) is tuple}
    needed = {field.name for field in fields(shape) if field.default is MISSING}  # type: ignore[arg-type]
    lines = csv.reader(StringIO(path.read_text(encoding="utf-8")), strict=True)
    header = next(lines, [])
    if len(set(header)) < len(header) or not needed <= set(header) <= set(hints):
        raise WrongFact(f"{path.name}: the columns are {header}, and ought to be {list(hints)}")
    for cells in lines:
        where = f"{path.name}, line {lines.line_num}"
        if len(cells) != len(header):
            raise WrongFact(f"{where}: {len(cells)} cells under {len(header)} headings")
        yield _fact(where, shape, several, needed, dict(zip(header, cells, strict=True)))


def read_all(folder: Traversable, shape: type[Fact]) -> Iterator[Fact]:
    """The facts of all files of a folder, by the names of the files."""
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        yield from read(file, shape)


def _fact(where: str, shape: type[Fact], several: set[str], needed: set[str], cells: dict[str, str]) -> Fact:
    known: dict[str, Any] = {}
    for name, cell in cells.items():
        if cell != cell.strip():
            raise WrongFact(f"{where}: spaces around «{cell}» ({name})")
        if name in several:
            known[name] = tuple(intern(part.strip()) for part in cell.split(SEPARATOR)) if cell else ()
            if "" in known[name]:
                raise WrongFact(f"{where}: an empty value in «{cell}» ({name})")
        elif cell:
            known[name] = intern(cell)  # most cells stand in many lines: kept once
        elif name in needed:
            raise WrongFact(f"{where}: {name} is empty")
    try:
        return msgspec.convert(known, shape, strict=False)
    except msgspec.ValidationError as error:
        raise WrongFact(f"{where}: {error}") from None


def one_of_each(facts: Iterable[tuple[Any, Fact]], what: str) -> dict[Any, Fact]:
    """Facts by key; raises WrongFact where two have the same."""
    known: dict[Any, Fact] = {}
    for key, fact in facts:
        if key in known:
            raise WrongFact(f"{what} {key} is told twice")
        known[key] = fact
    return known


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts were read; `id` is what rows name it by."""

    id: str
    what: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a folder, by id."""

    known: Mapping[str, Source]

    def check(self, what: str, named: tuple[str, ...]) -> None:
        """Raises WrongFact where a fact names no source, or one that is not in sources.csv."""
        strangers = [one for one in named if one not in self.known]
        if strangers or not named:
            raise WrongFact(f"{what}: {', '.join(strangers) or 'no source'}: name one of sources.csv")


def sources(folder: Traversable) -> Sources:
    """What the sources of a folder's facts are: its sources.csv."""
    return Sources(one_of_each(((one.id, one) for one in read(folder / "sources.csv", Source)), "source"))
