"""Rows of an XLSX or XLS: read by a child process that may use so much memory and no more.

A workbook of a few kilobytes can unpack to gigabytes, or claim a sheet of 16 000 columns by a million rows. The
reader (calamine, in Rust) holds a sheet in memory; in a child process a limit on memory ends the child, not the worker.

The child is this very module: `python -m autoshop.catalog.imports.workbook FILE [SHEET]` writes one JSON line a row.
"""

import datetime
import re
import resource
import signal
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO

import msgspec

from autoshop.catalog.imports.columns import LOOKED_AT, Columns, Understand
from autoshop.catalog.imports.model import BadFile, Options, Problem
from autoshop.kit.children import spawn

ZIP, OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
NAMES = (".xlsx", ".xlsm", ".xls")
MOST_UNPACKED_BYTES = 600_000_000
MOST_MEMBERS = 5_000
CHILD_MEMORY_BYTES = 800_000_000
CHILD_SECONDS = 600
CHUNK = 1 << 20


class Odd(msgspec.Struct, frozen=True, array_like=True):
    """A cell that holds no text and no plain number: the code of its reason, and how it looks."""

    code: str
    shown: str


Cell = str | Odd


def is_workbook(path: Path, name: str) -> bool:
    """Whether the content is a workbook. Raises BadFile for what is only named like one."""
    with open(path, "rb") as file:
        head = file.read(8)
    if head.startswith((ZIP, OLE)):
        return True
    if head and name.lower().endswith(NAMES):
        raise BadFile("named_workbook", Path(name).suffix.lower())
    return False


@dataclass(slots=True)
class Workbook:
    """An opened sheet. Its rows can be read once."""

    lines: int
    header_row: int
    columns: Columns
    problems: list[Problem]
    child: "_Child"
    first: list[tuple[int, list[Cell]]]  # rows that were looked at for the headings

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Below the headings: row as Excel counts it, and its cells."""
        return chain((one for one in self.first if one[0] > self.header_row), self.child.rows())

    def close(self) -> None:
        """No more is read."""
        self.child.end()


def shown(cell: Cell) -> str:
    """A cell as text, whatever it holds."""
    return cell if isinstance(cell, str) else cell.shown


def open_workbook(path: Path, understand: Understand, options: Options) -> Workbook:
    """Start reading a sheet, and understand its headings. Raises BadFile."""
    _must_unpack_small(path)
    child = _Child(path, options.sheet)
    try:
        rows = child.rows()
        first = list(islice((one for one in rows if any(shown(cell).strip() for cell in one[1])), LOOKED_AT))
        if not first:
            raise BadFile("empty_file")
        row, columns, problems = understand([(row, [shown(cell) for cell in cells]) for row, cells in first])
        return Workbook(child.height, row, columns, problems, child, first)
    except BaseException:
        child.end()
        raise


def _must_unpack_small(path: Path) -> None:
    """Refuse a zip bomb by what its directory says, before anything unpacks it."""
    with open(path, "rb") as file:
        if not file.read(4).startswith(ZIP):
            return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadFile("no_workbook", f"zip: {error}") from None
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED_BYTES or len(members) > MOST_MEMBERS:
        raise BadFile("unpacks_too_large", f"{unpacked // 1_000_000} MB, {len(members)} files")
    if not any(member.filename.startswith("xl/workbook") for member in members):
        raise BadFile("no_workbook", "zip")


class _Child:
    """The process that reads; it ends with us. `rows` goes on where it stopped."""

    def __init__(self, path: Path, sheet: str | None) -> None:
        command = [sys.executable, "-m", __name__, str(path), *([sheet] if sheet else [])]
        self.process = spawn(
            command,
            farewell=signal.SIGKILL,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        self._lines = iter(self.process.stdout)
        first = msgspec.json.decode(next(self._lines, b"null"))
        if first is None:
            self.process.wait()
            raise BadFile("unpacks_too_large", f"> {CHILD_MEMORY_BYTES // 1_000_000} MB")
        if "code" in first:
            self.end()
            raise BadFile(first["code"], first["detail"])
        self.height: int = first["height"]
        self._row: int = first["first_row"]

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        decode = msgspec.json.Decoder(list[Cell]).decode
        for line in self._lines:
            self._row += 1
            yield self._row, decode(line)
        if self.process.wait() != 0:
            raise BadFile("unpacks_too_large", f"> {CHILD_MEMORY_BYTES // 1_000_000} MB")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


# ---------------------------------------------------------------------------- in the child
def main(path: str, sheet_name: str | None) -> None:
    """Write the sheet to standard output: a line about it, then a line for each row."""
    import python_calamine as calamine

    _limit()
    encode, write = msgspec.json.encode, sys.stdout.buffer.write

    def refuse(code: str, detail: object = "") -> None:
        write(encode({"code": code, "detail": str(detail)}) + b"\n")

    try:
        book = calamine.CalamineWorkbook.from_path(path)
        visible = [sheet.name for sheet in book.sheets_metadata if sheet.visible == calamine.SheetVisibleEnum.Visible]
        name = sheet_name or (visible or book.sheet_names)[0]
        if name not in book.sheet_names:
            return refuse("no_sheet", name)
        oddities = _oddities(path, book.sheet_names.index(name))
        sheet = book.get_sheet_by_name(name)
    except calamine.PasswordError:
        return refuse("password")
    except (calamine.CalamineError, IndexError, OSError, ValueError) as error:
        return refuse("no_workbook", f"{type(error).__name__}: {error}")
    first_row, first_column = sheet.start or (0, 0)  # what is empty above and to the left does not come
    write(encode({"height": sheet.height, "first_row": first_row}) + b"\n")
    for number, cells in enumerate(sheet.iter_rows(), start=first_row):
        shown = [cell if type(cell) is str else _as_text(cell) for cell in cells]
        if oddities:
            shown = [oddities.get((number, column), cell) for column, cell in enumerate(shown, start=first_column)]
        write(encode(shown) + b"\n")
    return None


def _limit() -> None:
    for limit, value in ((resource.RLIMIT_AS, CHILD_MEMORY_BYTES), (resource.RLIMIT_CPU, CHILD_SECONDS)):
        with suppress(ValueError, OSError):  # a system that has no such limit goes without
            resource.setrlimit(limit, (value, value))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _as_text(cell: object) -> Cell:
    """A cell as it would stand in a CSV. Excel keeps 15 digits of a number: 12345.0 is 12345, and 0.1+0.2 is 0.3."""
    if isinstance(cell, bool):
        return Odd("boolean", str(cell).upper())
    if isinstance(cell, int | float):
        text = format(cell, ".15g")
        return Odd("shortened", text) if "e" in text or "n" in text else text
    if isinstance(cell, datetime.datetime | datetime.date):
        return Odd("date", format(cell, "%d.%m.%Y"))
    if isinstance(cell, datetime.time | datetime.timedelta):
        return Odd("date", str(cell))
    return str(cell)


# What calamine does not tell: cells with an error in them, and formulas that nobody ever computed.
_TOKEN = re.compile(rb"<(/?)(?:\w+:)?([cfv])\b([^<>]*)>([^<]*)")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')


def _oddities(path: str, sheet_index: int) -> dict[tuple[int, int], Odd]:
    """By row and column from 0. Best effort: a file that is written in another way has none."""
    found: dict[tuple[int, int], Odd] = {}
    with (
        suppress(zipfile.BadZipFile, zlib.error, KeyError, OSError, RuntimeError, EOFError),
        zipfile.ZipFile(path) as archive,
        archive.open(_part_of(archive, sheet_index)) as part,
    ):
        found.update(_odd_cells(_suspicious(part)))
    return found


def _suspicious(part: IO[bytes]) -> Iterator[bytes]:
    """Pieces with a formula or an error, to be looked at closely; and the next, where such a cell may end."""
    rest, was_odd = b"", False
    while chunk := part.read(CHUNK):
        rest += chunk
        is_odd = b't="e"' in rest or b"<f" in rest or b":f" in rest
        if is_odd or was_odd:
            cut = max(rest.rfind(b"<"), 0)
            yield rest[:cut]
        else:
            cut = max(rest.rfind(b"<c "), rest.rfind(b":c ") - 10, 0)  # a cell that goes on in the next piece
        rest, was_odd = rest[cut:][-8 * CHUNK :], is_odd  # no cell is that long
    yield rest


def _odd_cells(pieces: Iterable[bytes]) -> Iterator[tuple[tuple[int, int], Odd]]:
    """In one pass, however the sheet is written: each tag is looked at once."""
    cell: bytes | None = None  # attributes of the one that is open
    has_formula, value = False, b""
    for piece in pieces:
        for slash, name, attributes, text in _TOKEN.findall(piece):
            if name == b"c":
                if cell is not None and (odd := _odd(cell, has_formula, value)) and (place := _place(cell)):
                    yield place, odd
                cell = None if slash or attributes.endswith(b"/") else attributes
                has_formula, value = False, b""
            elif name == b"f":
                has_formula = True
            elif not slash:
                value = text


def _odd(attributes: bytes, has_formula: bool, value: bytes) -> Odd | None:
    if b't="e"' in attributes:
        return Odd("cell_error", value.decode(errors="replace") or "#")
    if has_formula and not value and b'"str"' not in attributes:
        return Odd("no_result", "=")
    return None


def _place(attributes: bytes) -> tuple[int, int] | None:
    found = _PLACE.search(attributes)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + letter - 64
    return int(found[2]) - 1, column - 1


def _part_of(archive: zipfile.ZipFile, sheet_index: int) -> str:
    """The member that holds a sheet, by its place in the workbook."""
    book = archive.read("xl/workbook.xml")
    links = archive.read("xl/_rels/workbook.xml.rels")
    ids = re.findall(rb'<(?:\w+:)?sheet\b[^>]*?\b\w+:id="([^"]+)"', book)
    for link in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", links):
        if b'Id="' + ids[sheet_index] + b'"' in link:
            target = re.search(rb'Target="([^"]+)"', link)
            if target:
                name = target[1].decode()
                return name.removeprefix("/") if name.startswith("/") else f"xl/{name}"
    raise KeyError("no such part")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
