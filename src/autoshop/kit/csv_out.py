"""CSV that goes out: as a Russian Excel opens it, bounded in memory, and harmless there."""

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import IO, Any

from starlette.responses import StreamingResponse

from autoshop.kit.db import Connection

ROWS_AT_A_TIME = 1_000
CHUNK_BYTES = 64 * 1024
BOM = b"\xef\xbb\xbf"  # the mark by which Excel knows UTF-8
Write = Callable[[bytes], object]
# What a spreadsheet would take for a formula, or read on as one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def cell(value: Any) -> str:
    """A value as a cell. A text that a spreadsheet would calculate gets an apostrophe in front of it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return str(value)


def lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of CSV, with semicolons between the cells."""
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


async def in_pieces(heading: Sequence[str], rows: AsyncIterator[Sequence[Any]]) -> AsyncIterator[bytes]:
    """A whole file, some lines at a time."""
    yield BOM + lines([heading])
    batch: list[Sequence[Any]] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == ROWS_AT_A_TIME:
            yield lines(batch)
            batch = []
    if batch:
        yield lines(batch)


async def copy(db: Connection, write: Write, heading: Sequence[str], query: str, *values: Any) -> None:
    """Write what a query finds as a whole file, its lines made by the database: a million of them in a second or two.

    For numbers and dates: a text would stay a formula.
    """

    async def take(piece: bytes) -> None:
        write(piece.replace(b"\n", b"\r\n"))

    write(BOM + lines([heading]))
    await db.copy_from_query(query, *values, output=take, format="csv", delimiter=";")


async def filed(fill: Callable[[Write], Awaitable[None]]) -> IO[bytes]:
    """A temporary file, to be sent once the database has done its part; it is gone when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    try:
        await fill(file.write)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def download(pieces: AsyncIterator[bytes] | IO[bytes], name: str) -> StreamingResponse:
    """A file to keep."""
    content = pieces if isinstance(pieces, AsyncIterator) else _read(pieces)
    return StreamingResponse(
        content,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
