"""A CSV: its encoding and delimiter, found by looking at all of it, and its rows.

UTF-8 with or without BOM, else Windows-1251, as Excel and 1C write it. Anything else is refused with the line
and byte, because a wrong guess would fill the catalogue with gibberish.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from autoshop.catalog.imports.columns import LOOKED_AT, Columns, Understand
from autoshop.catalog.imports.model import BadFile, Options, Problem, error

DELIMITERS = (";", "\t", ",")
ENCODINGS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "utf-8-sig": "utf-8-sig", "cp1251": "cp1251"}
ENCODINGS |= {"windows-1251": "cp1251", "win1251": "cp1251", "cp866": "cp866", "koi8-r": "koi8-r"}
DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ","}
CHUNK = 1 << 20
HEAD_CHARACTERS = 1 << 17

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_CYRILLIC = re.compile(rb"[\x80-\xbf]")
_ABOVE_ASCII = re.compile(rb"[\x80-\xff]")
# What else stands in Russian cp1251 text: № « » — – ° no-break space Ё ё … ™ ® quotes.
_USUAL_SIGNS = re.compile(rb"[\xb9\xab\xbb\x97\x96\xb0\xa0\xa8\xb8\x85\x99\xae\x93\x94\x84\xb1\xb2\xb3\xb7]")
_UP_DOWN, _DOWN_UP = re.compile(rb"[\xc0-\xdf][\xe0-\xff]"), re.compile(rb"[\xe0-\xff][\xc0-\xdf]")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file that can be read as a table. `lines` is how many line ends it has: nearly the number of rows."""

    path: Path
    encoding: str
    delimiter: str
    lines: int
    header_row: int
    columns: Columns
    problems: list[Problem]

    def rows(self) -> Iterator[tuple[int, list[str] | csv.Error]]:
        """Below the headings: line at which a row begins, and its fields, or the lines that cannot be taken apart."""
        with open(self.path, encoding=self.encoding, newline="", buffering=CHUNK) as text:
            for line, fields in _records(text, self.delimiter):
                if line > self.header_row:
                    yield line, fields

    def close(self) -> None:
        """Nothing is held open between rows."""


def open_csv(path: Path, understand: Understand, options: Options) -> CsvFile:
    """Look at the whole file once, and understand its headings. Raises BadFile."""
    with open(path, "rb") as file:
        encoding, lines = examine(file, options.encoding)
    with open(path, encoding=encoding, newline="") as text:
        head = text.read(HEAD_CHARACTERS)
    delimiters = (options.delimiter,) if options.delimiter else DELIMITERS
    found = []
    for delimiter in delimiters:
        first = list(islice(_full_records(head, delimiter), LOOKED_AT))
        if not first:
            raise BadFile("empty_file")
        shown = [(row, _torn(head, row, delimiter) if isinstance(one, csv.Error) else one) for row, one in first]
        row, columns, problems = understand(shown)
        for line, one in first:  # what lies on several lines may have taken products with it
            if isinstance(one, csv.Error) and (line == row or (line < row and str(one))):
                problems.append(error(line, "", "", "quotes", str(one)))
        fit = columns.names_products, columns.recognised, columns.width
        found.append((fit, delimiter, row, columns, problems))
    _, delimiter, row, columns, problems = max(found, key=lambda one: one[0])
    return CsvFile(path, encoding, delimiter, lines, row, columns, problems)


def _full_records(head: str, delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    for row, fields in _records(io.StringIO(head, newline=""), delimiter):
        if isinstance(fields, csv.Error) or any(field.strip() for field in fields):
            yield row, fields


def _torn(head: str, line: int, delimiter: str) -> list[str]:
    """A line whose quotes are wrong, as well as it can be taken apart."""
    return head.splitlines()[line - 1].split(delimiter)


def _records(text: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            for fields in reader:
                yield line, fields
                line = reader.line_num + 1
            return
        except csv.Error:  # the reader goes on with the next line
            yield line, csv.Error(f" ({line}–{reader.line_num})" if reader.line_num > line else "")
            line = reader.line_num + 1


def delimiter_named(text: str) -> str:
    """One character, or `tab`, `semicolon`, `comma`. Raises ValueError."""
    delimiter = DELIMITER_NAMES.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ValueError("one character, or tab")
    return delimiter


def examine(file: BinaryIO, named: str | None) -> tuple[str, int]:
    """The encoding, by all of the content, and the number of line ends. Raises BadFile."""
    encoding = ENCODINGS.get(named.lower()) if named else None
    if named and encoding is None:
        raise BadFile("not_in_encoding", 0, value=named)
    lines = offset = 0
    seen_utf8 = False
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")()
    while chunk := file.read(CHUNK):
        if offset == 0 and chunk.startswith(_UTF16):
            raise BadFile("utf16")
        if b"\0" in chunk:
            at = chunk.index(b"\0")
            raise BadFile("nul", offset + at, lines + chunk.count(b"\n", 0, at) + 1, "\\x00")
        pending = decoder.getstate()[0]
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            at = max(0, error.start - len(pending))
            line = lines + chunk.count(b"\n", 0, at) + 1
            wrong = "".join(f"\\x{byte:02x}" for byte in error.object[error.start : error.start + 4])
            if encoding is not None:
                raise BadFile("not_in_encoding", offset + at, line, wrong) from None
            sample = pending + chunk
            if seen_utf8 or _is_mostly_utf8(sample):
                raise BadFile("broken_utf8", offset + at, line, wrong) from None
            if not _is_russian_cp1251(sample):
                raise BadFile("unknown_encoding", offset + at, line, wrong) from None
            file.seek(0)
            return examine(file, "cp1251")
        seen_utf8 = seen_utf8 or not chunk.isascii()
        lines += chunk.count(b"\n")
        offset += len(chunk)
    if offset == 0:
        raise BadFile("empty_file")
    if decoder.getstate()[0]:
        raise BadFile("broken_utf8", offset, lines + 1)
    return encoding or "utf-8-sig", lines


def _is_mostly_utf8(sample: bytes) -> bool:
    """Whether a text with wrong bytes is UTF-8 that was damaged: more of it is right than wrong."""
    text = sample.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) - wrong > wrong


def _is_russian_cp1251(sample: bytes) -> bool:
    """Whether bytes above ASCII are Russian letters in Windows-1251; cp866 and KOI8-R are not.

    In cp866 most letters lie below 0xC0. In KOI8-R capitals and small letters are the other way round, so that words
    would begin small and go on in capitals.
    """
    above = len(_ABOVE_ASCII.findall(sample))
    strange = len(_NOT_CYRILLIC.findall(sample)) - len(_USUAL_SIGNS.findall(sample))
    up_down, down_up = len(_UP_DOWN.findall(sample)), len(_DOWN_UP.findall(sample))
    return strange <= 0.1 * above and down_up <= up_down + 2
