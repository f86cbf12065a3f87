"""Short words for bulk documents in tests: keep one of lines or a file, post it as the worker does, undo it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.catalog.imports.model import Options
from autoshop.kit.db import Pool, transaction
from autoshop.warehouse.documents import jobs, service, store
from autoshop.warehouse.documents.model import Asked, Document, Kind, Line, Problem
from autoshop.warehouse.documents.reading import read_file
from tests.cast import CENTRE
from tests.ledger import MANAGER


def line(product_id: int, quantity: int | str, **more: Any) -> dict[str, Any]:
    """What a line says."""
    return {"product_id": product_id, "quantity": quantity, **more}


async def keep(
    pool: Pool,
    kind: Kind,
    *given: dict[str, Any],
    store_id: int = CENTRE,
    counted_at: datetime | None = None,
    caller: Caller = MANAGER,
) -> Document:
    """A document that waits, with these lines."""
    lines = [Line(number, number, one) for number, one in enumerate(given, start=1)]
    async with transaction(pool) as db:
        asked = Asked(kind, store_id, "УПД-7", counted_at=counted_at)
        return await service.keep(db, caller, asked, lines, datetime.now(UTC))


async def post_document(pool: Pool, kept: Document) -> tuple[Document, list[Problem]]:
    """What the worker does; the document as it ended, and what was wrong with it."""
    await jobs.post_document(pool, kept.id)
    found = await store.find(pool, kept.id)
    assert found is not None
    return found, [problem async for problem in store.all_problems(pool, kept.id)]


async def done(pool: Pool, kind: Kind, *given: dict[str, Any], **more: Any) -> Document:
    """A document that was posted."""
    ended, problems = await post_document(pool, await keep(pool, kind, *given, **more))
    assert (ended.state, problems) == ("done", [])
    return ended


async def refused(pool: Pool, kind: Kind, *given: dict[str, Any], **more: Any) -> list[tuple[Any, ...]]:
    """Row, column, value, code, detail of all that was wrong with a document that was refused."""
    ended, problems = await post_document(pool, await keep(pool, kind, *given, **more))
    assert ended.state == "refused"
    return [tuple(problem) for problem in problems]


async def undo(pool: Pool, document_id: int, caller: Caller = MANAGER) -> Document:
    async with transaction(pool) as db:
        return await service.undo(db, caller, document_id, "ошиблись")


def lines_in(path: Path, content: bytes | str, kind: Kind = "receipt", **options: Any) -> list[Line]:
    """The lines of a file; a text is a CSV in UTF-8. Raises Unreadable."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path, path.name, kind, Options(**options)).lines
