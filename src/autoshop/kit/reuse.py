"""What takes long to count is reused for a hundred times as long: so it never takes more than 1 % of a core."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
MOST_KEPT = 200
LONG_SECONDS = 0.05  # nobody minds waiting for a count that is shorter
PATIENCE_SECONDS = 300.0  # how old a value may be that is told while a long count is under way

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known(Generic[T]):
    value: T
    fresh_until: float
    good_until: float


class Reused(Generic[T]):
    """Values by key. Where one takes long to count, the value before is told while it is counted anew."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self._known: dict[Hashable, _Known[T]] = {}
        self._under_way: dict[Hashable, asyncio.Task[T]] = {}

    async def get(self, key: Hashable, count: Callable[[], Awaitable[T]]) -> T:
        """The value of a key. One that is too old is counted anew, one count at a time."""
        known = self._known.get(key)
        now = time.monotonic()
        if known and now < known.fresh_until:
            return known.value
        if known and now < known.good_until:
            self._begin(key, count)
            return known.value
        return await self._counted(key, count)

    async def close(self) -> None:
        """Let go of whatever is being counted."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _begin(self, key: Hashable, count: Callable[[], Awaitable[T]]) -> None:
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._counted(key, count))
            self._under_way[key].add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: Hashable, done: "asyncio.Task[T]") -> None:
        del self._under_way[key]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.warning("not counted anew", key=str(key), error=repr(error))  # whoever asks next tries again

    async def _counted(self, key: Hashable, count: Callable[[], Awaitable[T]]) -> T:
        async with self.lock:  # whoever waited finds it done
            known = self._known.get(key)
            if known and time.monotonic() < known.fresh_until:
                return known.value
            started = time.monotonic()
            value = await count()
            ended = time.monotonic()
            took = ended - started
            good_seconds = max(200 * took, PATIENCE_SECONDS if took > LONG_SECONDS else 0)
            while len(self._known) >= MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known.pop(key, None)
            self._known[key] = _Known(value, ended + 100 * took, ended + good_seconds)
            return value
