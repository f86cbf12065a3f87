"""Who listens in this process, and what waits for each."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from autoshop.inventory.live.model import EVERYTHING, Told, Wish, tell
from autoshop.kit.errors import Unavailable
from autoshop.kit.outbox import Batch, Position

MOST_BYTES = 4 * 2**20  # of events that wait for a slow listener; all who are behind wait for the same ones


class TooManyListeners(Unavailable):
    def explain(self) -> str:
        return f"{self.facts['most_listeners']} listen to this process already"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "10"}


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch as it goes to all listeners; `text` is all of it, for those who want everything."""

    batch: Batch
    told: list[Told]
    text: bytes

    @classmethod
    def of(cls, batch: Batch) -> "Heard":
        """Written once, for everybody."""
        told = [one for event, after in batch.marked() if (one := tell(event, after))]
        return cls(batch, told, text_of(told, EVERYTHING))

    def for_one(self, wish: Wish, place: Position) -> tuple[bytes, Position]:
        """What of it is new to somebody who stands at a place, and where he stands then."""
        if place == self.batch.since:
            return self.text if wish == EVERYTHING else text_of(self.told, wish), self.batch.until
        told = []
        for event, after in self.batch.marked(place):  # he began in the middle of it
            place = after
            told += [one] if (one := tell(event, after)) else []
        return text_of(told, wish), place


def text_of(told: list[Told], wish: Wish) -> bytes:
    """Those events that fit a wish."""
    return b"".join(one.text for one in told if wish.fits(one))


@dataclass(slots=True, eq=False)
class Listener:
    """What waits for somebody who is being told. Once it is over, nothing waits and he is let go."""

    is_over: bool = False
    _waiting: deque[Heard] = field(default_factory=deque)
    _bytes: int = 0
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, heard: Heard) -> None:
        """Let it wait for him; he who is too far behind is let go, and asks for what he missed when he comes back."""
        self._bytes += len(heard.text)
        if self._bytes > MOST_BYTES:
            self.let_go()
        if not self.is_over:
            self._waiting.append(heard)
            self._came.set()

    def let_go(self) -> None:
        """End it."""
        self.is_over = True
        self._waiting.clear()
        self._came.set()

    async def next(self, within_seconds: float) -> Heard | None:
        """What comes next; None when nothing does in time, or it is over."""
        try:
            async with asyncio.timeout(within_seconds):
                await self._came.wait()
        except TimeoutError:
            return None
        if not self._waiting:
            return None
        heard = self._waiting.popleft()
        self._bytes -= len(heard.text)
        if not self._waiting and not self.is_over:
            self._came.clear()
        return heard


class Listeners:
    """All of them, up to a number."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._all: set[Listener] = set()

    def __len__(self) -> int:
        return len(self._all)

    def add(self) -> Listener:
        """One more, or a refusal."""
        if len(self._all) >= self.most:
            raise TooManyListeners(most_listeners=self.most)
        listener = Listener()
        self._all.add(listener)
        return listener

    def remove(self, listener: Listener) -> None:
        """He has left."""
        listener.let_go()
        self._all.discard(listener)

    def each(self, do: Callable[[Listener], None]) -> None:
        """Do something with everybody."""
        for listener in self._all:
            do(listener)
