"""Rows on their way into the database, some thousands at a time: read in a thread, while those before are sent."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from autoshop.catalog.imports.csv_file import CsvFile
from autoshop.catalog.imports.model import MOST_ROWS, BadFile, Problem, error
from autoshop.catalog.imports.workbook import Odd, Workbook

BATCH = 10_000


class Parser(Protocol):
    """Makes a line for COPY of a row, or None of one that is bad or empty; what is wrong is put to `problems`."""

    problems: list[Problem]

    def line(self, row: int, cells: Sequence[str | Odd]) -> str | None:
        """A line in COPY's text format, without its end."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of the file: lines of those that are good, what is wrong with the others."""

    rows: int
    last_row: int
    lines: list[str]
    problems: list[Problem]


async def send_all(
    table: CsvFile | Workbook,
    parser: Parser,
    heard: Callable[[Batch], None],
    send: Callable[[Batch], Awaitable[None]],
) -> None:
    """All rows of a table, each batch told and then sent. Raises BadFile where there are none, or too many."""
    batches = _batches(table, parser)
    sending: asyncio.Future[None] | None = None
    rows = 0
    try:
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            if sending is not None:
                await sending
            rows += batch.rows
            if rows > MOST_ROWS:
                raise BadFile("too_many_rows", MOST_ROWS)
            sending = asyncio.ensure_future(send(batch))
            heard(batch)
    finally:
        if sending is not None:
            await sending
        with suppress(ValueError):  # we were stopped, and the thread is still in it: it ends with its batch
            batches.close()
    if not rows and not table.problems:  # else those are told
        raise BadFile("no_rows", row=table.header_row)


def _batches(table: CsvFile | Workbook, parser: Parser) -> Generator[Batch, None, None]:
    lines: list[str] = []
    bad = row = 0
    for row, cells in table.rows():
        told = len(parser.problems)
        if isinstance(cells, Exception):
            parser.problems.append(error(row, "", "", "quotes", str(cells)))
        elif (line := parser.line(row, cells)) is not None:
            lines.append(line)
        bad += len(parser.problems) > told
        if len(lines) + len(parser.problems) >= BATCH:
            yield Batch(len(lines) + bad, row, lines, parser.problems)
            lines, parser.problems, bad = [], [], 0
    yield Batch(len(lines) + bad, row, lines, parser.problems)
