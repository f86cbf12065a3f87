"""The verb: an answer that was given before, if nothing that it rests on has changed since.

The state is read before the answer is looked for or made, and again when it was made: what may rest on a later state is
told, and not kept. So one state means one answer, also after a backup has brought an old state back.
"""

import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import msgspec

from autoshop.kit.cache import ANSWERS, Cache
from autoshop.kit.db import Connection
from autoshop.selection.memory import store

Answer = TypeVar("Answer")

HOUR_SECONDS = 3600
MOST_BYTES = 65_536  # of one answer; a longer one is made anew each time


class Memory:
    """Keeps answers in a cache, which may be this process's own, or shared, or lost at any moment."""

    def __init__(self, kept_in: Cache) -> None:
        self._cache = kept_in

    async def recall(
        self, db: Connection, question: tuple[Any, ...], shape: Any, make: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The answer to a question (its kind first), of a shape that msgspec reads; made if it is not remembered."""
        asked = hashlib.sha256(msgspec.msgpack.encode(question)).hexdigest()
        state = await store.state(db)
        key = f"{ANSWERS}{release()}:{state:x}:{asked}"
        try:
            kept = await self._cache.get(key)
            if isinstance(kept, bytes):
                return _decoder(shape).decode(kept)  # type: ignore[no-any-return]
        except Exception:  # whatever a cache raises, or has in it: it is a miss
            kept = None
        made = await make()
        written = msgspec.msgpack.encode(made)
        if len(written) <= MOST_BYTES and await store.state(db) == state:
            try:
                await self._cache.set(key, written, expire=HOUR_SECONDS)
            except Exception:  # as above
                return made
        return made


async def recalled(
    memory: Memory | None,
    db: Connection,
    question: tuple[Any, ...],
    shape: Any,
    make: Callable[[], Awaitable[Answer]],
) -> Answer:
    """The same for whoever may have no memory: a job, or the command line."""
    return await make() if memory is None else await memory.recall(db, question, shape, make)


@cache
def _decoder(shape: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(shape)


@cache
def release() -> str:
    """A print of the code and the facts that answers are made by: another release does not read them."""
    taken = hashlib.sha256()
    for folder in (files("autoshop") / "selection", files("autoshop") / "data" / "selection"):
        for file in _files(folder):
            taken.update(file.read_bytes())
    return taken.hexdigest()[:16]


def _files(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for inner in sorted(folder.iterdir(), key=lambda one: one.name):
        if inner.is_dir():
            found += _files(inner)
        elif inner.name.endswith((".py", ".csv")):
            found.append(inner)
    return found
