"""The route that takes a document as a file: CSV, XLSX or XLS, as the body itself."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.imports.api import (
    FILE_TYPES,
    NOT_A_FILE,
    AcceptLanguage,
    Delimiter,
    Encoding,
    FileName,
    Heading,
    Word,
)
from autoshop.catalog.imports.model import EmptyUpload, NotTheFile, Options
from autoshop.kit import idempotency
from autoshop.kit.answers import IdempotencyKey, answered
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.fields import Moment
from autoshop.kit.http import DOCUMENT_FILES
from autoshop.kit.language import language_of
from autoshop.kit.text import NO_NUL
from autoshop.warehouse.documents import service
from autoshop.warehouse.documents.api import DocumentOut, out, problem_out
from autoshop.warehouse.documents.model import (
    MOST_FILE_BYTES,
    MOST_TOLD,
    Asked,
    FileTooLarge,
    Kind,
    UnreadableFile,
)
from autoshop.warehouse.documents.reading import FileLines, Unreadable, read_file

router = APIRouter(prefix=DOCUMENT_FILES, tags=["documents"])
DOCUMENTS = DOCUMENT_FILES.removesuffix("/files")


@router.post(
    "",
    status_code=202,
    response_model=DocumentOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in FILE_TYPES},
        }
    },
)
async def send_file(
    request: Request,
    caller: Annotated[Caller, needs("documents:write")],
    kind: Annotated[Kind, Query(description="receipt, writeoff, adjustment, set (a count), levels, places, requests")],
    store_id: Annotated[int, Query(ge=1, lt=2**63)],
    name: FileName = "document",
    related_document: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    counted_at: Annotated[Moment | None, Query(description="of a count: what was sold since stays sold")] = None,
    again: Annotated[bool, Query(description="yes, the same file once more")] = False,
    encoding: Annotated[Encoding, Query(description="else found by itself")] = None,
    delimiter: Annotated[Delimiter, Query(description="one character, or tab; else found by itself")] = None,
    sheet: Annotated[Word, Query(description="of a workbook; else the first")] = None,
    ignore: Annotated[list[Heading], Query(max_length=600, description="headings that do not matter")] = [],  # noqa: B006
    idempotency_key: IdempotencyKey = None,
    accept_language: AcceptLanguage = None,
) -> Response:
    """Post up to 10 000 lines of a CSV, XLSX or XLS at a store: all of them or, with every reason, none.

    The body is the file. A file that is no table of a document is refused at once; else the answer comes as soon as
    it is kept, a worker does the rest, and `Location` tells how far it is.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in NOT_A_FILE:
        raise NotTheFile(content_type=content_type)
    if counted_at is not None and kind != "set":
        raise Invalid("counted_at: only of the kind set", errors=[wrong("counted_at", "only of the kind set")])
    service.must_be_allowed(caller, kind, store_id)
    options = Options(encoding=encoding, delimiter=delimiter, sheet=sheet, ignore=tuple(ignore))
    with tempfile.NamedTemporaryFile(prefix="autoshop-document-") as spool:
        digest = await _spooled(request.stream(), spool)
        try:
            file = await asyncio.to_thread(read_file, Path(spool.name), name, kind, options)
        except Unreadable as unreadable:
            language = language_of(accept_language)
            told = [problem_out(number, one, language) for number, one in enumerate(unreadable.problems[:MOST_TOLD], 1)]
            raise UnreadableFile(problems=[one.model_dump() for one in told]) from unreadable
    purpose = hashlib.sha256(f"{kind} {store_id} ".encode() + digest).digest()
    asked = Asked(kind, store_id, related_document, name, purpose, again, file.headings, file.ignored, counted_at)
    key = idempotency.key_for(
        caller.actor, request.headers.get(idempotency.HEADER), request.method,
        f"{DOCUMENT_FILES}?{request.url.query}", digest,
    )  # fmt: skip
    return await _kept(request, caller, asked, file, key)


async def _kept(
    request: Request, caller: Caller, asked: Asked, file: FileLines, key: idempotency.Key | None
) -> Response:
    async def verb(db: Connection) -> dict[str, Any]:
        kept = await service.keep(db, caller, asked, file.lines, datetime.now(UTC))
        return out(kept).model_dump(mode="json")

    answer = await idempotency.once(request.app.state.pool, key, verb, 202)
    response = answered(answer)
    if answer.status == 202:
        response.headers["Location"] = f"{DOCUMENTS}/{answer.document['id']}"
        response.headers["Retry-After"] = "1"
    return response


async def _spooled(source: AsyncIterator[bytes], spool: Any) -> bytes:
    """Write a body to a file as it arrives; its SHA-256."""
    digest, size = hashlib.sha256(), 0
    async for part in source:
        digest.update(part)
        size += len(part)
        if size > MOST_FILE_BYTES:
            raise FileTooLarge(most_bytes=MOST_FILE_BYTES)
        spool.write(part)
    if not size:
        raise EmptyUpload
    spool.flush()
    return digest.digest()
