"""Verbs: take a file in as it arrives, and let it go again when no run has come of it."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from autoshop.accounts.model import Caller
from autoshop.catalog.imports import store
from autoshop.catalog.imports.model import MOST_UPLOADED_BYTES, EmptyUpload, FileTooLarge
from autoshop.kit.db import GONE, Pool

CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived."""

    file_id: int
    digest: bytes  # SHA-256 of its content


@asynccontextmanager
async def uploaded(pool: Pool, caller: Caller, name: str, source: AsyncIterator[bytes]) -> AsyncIterator[Upload]:
    """Keep a file in pieces in the database, whatever its length: a worker on another machine will read it.

    Each piece is a transaction of its own. A file of which no run has come by the end of the block is removed.
    """
    file_id = await store.add_file(pool, name, caller.actor)
    try:
        yield Upload(file_id, await _take_in(pool, file_id, source))
    finally:
        with suppress(*GONE):  # else it is removed a day later
            await store.drop_file_without_run(pool, file_id)


async def _take_in(pool: Pool, file_id: int, source: AsyncIterator[bytes]) -> bytes:
    digest, piece, number, size = hashlib.sha256(), bytearray(), 0, 0
    async for part in source:
        digest.update(part)
        piece += part
        size += len(part)
        if size > MOST_UPLOADED_BYTES:
            raise FileTooLarge(most_bytes=MOST_UPLOADED_BYTES)
        while len(piece) >= CHUNK_BYTES:
            await store.add_chunk(pool, file_id, number, bytes(piece[:CHUNK_BYTES]))
            number += 1
            del piece[:CHUNK_BYTES]
    if not size:
        raise EmptyUpload
    if piece:
        await store.add_chunk(pool, file_id, number, bytes(piece))
    await store.close_file(pool, file_id, size)
    return digest.digest()
