"""Short words for live stock in tests: listen, hear, break off, come back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from autoshop.kit.db import Connection, Pool

EVENTS = "/api/v1/inventory/events"


class Listener:
    """An EventSource: hears events, keeps the last id."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.last_id = ""

    async def block(self) -> dict[str, str]:
        """The fields up to the next blank line, whether they make an event or not."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line:
                self.last_id = fields.get("id", self.last_id)
                return fields
            name, _, value = line.partition(": ")
            fields[name] = value
        raise EOFError

    async def hear(self, within_seconds: float = 20) -> tuple[str, dict[str, Any]]:
        """The next event and its data."""
        async with asyncio.timeout(within_seconds):
            while "data" not in (fields := await self.block()):
                pass
        return fields["event"], json.loads(fields["data"])

    async def quantity(self) -> int:
        """What the next movement left on the shelf."""
        left: int = (await self.hear())[1]["quantity"]
        return left

    async def quantities(self, count: int) -> list[int]:
        return [await self.quantity() for _ in range(count)]


@asynccontextmanager
async def listening(url: str, last_id: str = "", **query: int) -> AsyncIterator[Listener]:
    """A listener who has been let in, and knows where he begins."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(base_url=url, timeout=None) as client,
        client.stream("GET", EVENTS, params=query, headers=headers) as answer,
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert (answer.headers["x-accel-buffering"], answer.headers["cache-control"]) == ("no", "no-store")
        listener = Listener(answer.aiter_lines())
        if not last_id:
            await listener.block()
            assert listener.last_id
        yield listener


async def happen(db: Connection | Pool, *quantities: int, filler: int = 0) -> None:
    """Events of movements that never were, each with the quantity that it left."""
    payloads = [{"quantity": left, "filler": "x" * filler} for left in quantities]
    await db.executemany(
        "INSERT INTO outbox (topic, payload) VALUES ('inventory.movement', $1)", [(payload,) for payload in payloads]
    )


@asynccontextmanager
async def open_transaction(pool: Pool, *quantities: int) -> AsyncIterator[Connection]:
    """A transaction in which something happened; it commits when the block ends."""
    async with pool.acquire() as db, db.transaction():
        await happen(db, *quantities)
        yield db
