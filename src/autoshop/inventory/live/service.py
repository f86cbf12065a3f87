"""One reader of the outbox for all listeners of a process; it reads while somebody listens."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import replace

from autoshop.inventory.live.listeners import Heard, Listener, Listeners
from autoshop.inventory.live.model import BEGINS, Wish, mark, reset
from autoshop.kit import outbox
from autoshop.kit.db import BUSY, Pool, is_gone
from autoshop.kit.log import log
from autoshop.kit.outbox import End, Position

LOOK_SECONDS = 0.03
RETRY_SECONDS = 1.0
ALIVE_SECONDS = 15.0
MOST_SECONDS = 900.0  # then the listener comes back, and may have lost his right to listen
PAGE = 500  # events that are read and written in one go
MOST_MISSED = 10_000  # that one is told of; whoever is further behind reads the stock itself anew


class Live:
    """Who listens in this process, and the task that reads for them."""

    def __init__(self, pool: Pool, most_listeners: int) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._listeners = Listeners(most_listeners)
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._stopped = False

    def stop(self) -> None:
        """Let every listener go: the process ends. They come back elsewhere with their last event id.

        May be called from a handler of signals.
        """
        self._stopped = True
        self._loop.call_soon_threadsafe(self._listeners.each, Listener.let_go)

    async def close(self) -> None:
        """Stop, and read no more."""
        self.stop()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])

    @contextmanager
    def listener(self) -> Iterator[Listener]:
        """Somebody who listens as long as the block lasts; a refusal where he would be one too many."""
        listener = self._listeners.add()
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    async def begin(self) -> End:
        """Where the outbox ends now. The reader has begun before, so that nothing lies between it and this moment."""
        async with self._starting:
            if self._reader is None or self._reader.done():
                known = (await outbox.end(self._pool)).place
                self._reader = asyncio.create_task(self._read(known), name="live")
        return await outbox.end(self._pool)

    async def listen(
        self, listener: Listener, wish: Wish, now: End, known: Position | None, *, lost: bool
    ) -> AsyncGenerator[bytes]:
        """Text for one listener, beginning after the position that he knows, or now.

        What commits while he is told what he missed comes both ways, and is told once. The position of each event is
        its id; he who hears of none for a while is told the newest one, and that we are still here.
        """
        place = now.place if known is None else known
        if lost or place.xmax > now.xmax:  # that is of another database, which was restored since
            place = now.place
            yield reset("what happened meanwhile cannot be told any more")
        yield BEGINS + mark(place)
        if place != now.place:
            async for text, reached in self._missed(wish, place):
                place = reached
                yield text
        ends = self._loop.time() + MOST_SECONDS
        told_at = self._loop.time()
        while not (self._stopped or listener.is_over) and self._loop.time() < ends:
            heard = await listener.next(told_at + ALIVE_SECONDS - self._loop.time())
            text = b""
            if heard is not None:
                text, place = heard.for_one(wish, place)
            if not text and self._loop.time() - told_at >= ALIVE_SECONDS:
                text = mark(place)
            if text:
                yield text
                told_at = self._loop.time()

    async def _missed(self, wish: Wish, place: Position) -> AsyncGenerator[tuple[bytes, Position]]:
        """What came between a position and now, page by page, each with where one stands after it."""
        count = 0
        while count < MOST_MISSED:
            batch = await outbox.since(self._pool, place, PAGE)
            text, place = Heard.of(batch).for_one(wish, place)
            yield text + mark(place), place
            count += len(batch.events)
            if not batch.cut:
                return
        place = (await outbox.end(self._pool)).place
        yield reset("too much happened meanwhile") + mark(place), place

    async def _read(self, known: Position) -> None:
        told = known  # where everybody stands; with nothing to tell they are not woken
        while len(self._listeners) and not self._stopped:
            try:
                batch = await outbox.since(self._pool, known, PAGE)
            except Exception as error:
                if not is_gone(error) and not isinstance(error, BUSY):
                    log.exception("live stock cannot be read")
                    self._listeners.each(Listener.let_go)
                    return
                log.warning("live stock waits for the database", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            known = batch.until
            if batch.events:
                heard = Heard.of(replace(batch, since=told))
                told = heard.batch.until
                self._listeners.each(lambda listener, heard=heard: listener.hear(heard))  # type: ignore[misc]
            if not batch.cut:
                await asyncio.sleep(LOOK_SECONDS)
