"""Listeners who take nothing, hear nothing, or were away for long: the application is called without a network."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from autoshop.inventory.live import api, listeners, service
from autoshop.kit import outbox
from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH
from tests.ledger import post, request
from tests.live import EVENTS, Listener, happen

pytestmark = pytest.mark.anyio


class Line:
    """What a server would be to the application; `takes` nothing once it is told so."""

    def __init__(self, app: FastAPI, query: str = "", last_id: str = "") -> None:
        headers = [(b"host", b"test")] + ([(b"last-event-id", last_id.encode())] if last_id else [])
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": "GET",
            "path": EVENTS,
            "raw_path": EVENTS.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        self._app = app
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()
        self.left = asyncio.Event()

    async def run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.takes.wait()
        await self._sent.put(message.get("body", b""))

    async def lines(self) -> AsyncIterator[str]:
        while True:
            for line in (await self._sent.get()).decode().splitlines():
                yield line


@asynccontextmanager
async def on_the_line(app: FastAPI, query: str = "", last_id: str = "") -> AsyncIterator[tuple[Line, Listener]]:
    line = Line(app, query, last_id)
    task = asyncio.create_task(line.run())
    try:
        yield line, Listener(line.lines())
    finally:
        line.left.set()
        line.takes.set()
        await asyncio.wait_for(asyncio.wait([task]), 10)


def count_of(app: FastAPI) -> int:
    return len(app.state.live._listeners)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_who_takes_nothing_is_cut_off_and_the_others_hear_everything(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "SEND_SECONDS", 0.2)
    async with on_the_line(app) as (slow, stuck), on_the_line(app) as (_, other):
        await stuck.block()
        await other.block()
        slow.takes.clear()
        await happen(pool, *range(20), filler=10_000)
        assert await other.quantities(20) == list(range(20))
        await until(lambda: count_of(app) == 1)


async def test_no_more_waits_for_somebody_than_four_mebibytes(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "MOST_BYTES", 50_000)
    async with on_the_line(app) as (slow, late):
        await late.block()
        slow.takes.clear()
        for number in range(20):
            await happen(pool, number, filler=10_000)
            await asyncio.sleep(2 * service.LOOK_SECONDS)
        [listener] = app.state.live._listeners._all
        await until(lambda: listener.is_over)
        assert not listener._waiting
        slow.takes.set()
        await until(lambda: count_of(app) == 0)
        last_id = late.last_id
    async with on_the_line(app, last_id=last_id) as (_, again):  # he comes back, and has lost nothing
        assert await again.quantities(20) == list(range(20))


async def test_who_hears_nothing_is_told_that_we_are_here_and_how_far_we_are(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are told all the time; and when he comes back, what was not for him is not gone through again."""
    monkeypatch.setattr(service, "ALIVE_SECONDS", 0.1)
    async with on_the_line(app, f"store_id={NORTH}") as (_, north):
        await north.block()
        for _ in range(5):
            await post(pool, request("inbound", 1, store_id=CENTRE))
            before = north.last_id
            assert await north.block() == {"id": north.last_id}
        assert north.last_id != before
        known = outbox.read_position(north.last_id.partition("~")[2])
        batch = await outbox.since(pool, known, 10)
        assert len(batch.events) <= 1, "at most what came since that mark"


async def test_who_missed_too_much_is_told_to_read_anew(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_MISSED", 20)
    monkeypatch.setattr(service, "PAGE", 10)
    async with on_the_line(app) as (_, first):
        await first.block()
    await happen(pool, *range(19))
    async with on_the_line(app, last_id=first.last_id) as (_, again):
        assert await again.quantities(19) == list(range(19)), "in two pages"
    await happen(pool, *range(19, 30))
    async with on_the_line(app, last_id=first.last_id) as (_, again):
        assert await again.quantities(20) == list(range(20))
        assert (await again.hear())[0] == "reset"
        await again.block()
        await happen(pool, 77)
        assert await again.quantity() == 77


async def test_nothing_is_read_while_nobody_listens(app: FastAPI) -> None:
    async with on_the_line(app) as (_, listener):
        await listener.block()
        assert not app.state.live._reader.done()
    await until(app.state.live._reader.done)


async def test_a_reader_that_breaks_lets_everybody_go_and_the_next_one_begins(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with on_the_line(app) as (_, listener):
        await listener.block()
        with monkeypatch.context() as patched:
            patched.setattr(outbox, "since", broken)
            await until(lambda: count_of(app) == 0)
        await happen(pool, 1)
    async with on_the_line(app, last_id=listener.last_id) as (_, again):
        assert await again.quantity() == 1


def measured() -> list[Any]:
    """The times of requests for events; those that were refused in other tests of this process are among them."""
    return [
        sample for metric in REGISTRY.collect() for sample in metric.samples if sample.labels.get("route") == EVENTS
    ]


async def test_how_long_somebody_listens_says_nothing_of_how_fast_we_are(app: FastAPI) -> None:
    before = measured()
    async with on_the_line(app) as (_, listener):
        await listener.block()
    assert measured() == before
