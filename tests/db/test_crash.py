"""kill -9 of the server and then of PostgreSQL under load: what was acknowledged is there, and each key only once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import pytest

from autoshop.inventory.stock.service import check_ledger
from autoshop.kit.db import open_pool
from autoshop.kit.embedded import Cluster
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database, Server, cluster_with_cast, free_port

pytestmark = pytest.mark.anyio

MOVEMENT = "/api/v1/inventory/movement"
TILLS = 12
BETWEEN = 200  # movements acknowledged between two blows
PLACES = [(product, store) for product in (PLUG, OIL_FILTER) for store in (CENTRE, NORTH)]


@pytest.fixture
def durable() -> Iterator[Cluster]:
    """A cluster that keeps what it has acknowledged, with the cast in it."""
    with cluster_with_cast() as running:
        yield running


@dataclass
class Tills:
    """Programs that post movements one after the other, and repeat what got no answer with the same key."""

    url: str
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # by key
    repeated: int = 0
    _stop: bool = False
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self, client: httpx.AsyncClient, key: str, body: dict[str, Any]) -> dict[str, Any]:
        while True:
            try:
                answer = await client.post(self.url + MOVEMENT, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code != 503:
                assert answer.status_code == 200, answer.text
                return answer.json()  # type: ignore[no-any-return]
            self.repeated += 1
            await asyncio.sleep(0.05)

    async def work(self, till: int) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            for number in count():
                if self._stop:
                    return
                product, store = PLACES[(till + number) % len(PLACES)]
                line = {"product_id": product, "store_id": store, "movement_type": "sale", "quantity": 1}
                key = f"till-{till}-{number}"
                self.answers[key] = await self.post(client, key, line)
                self._answered.set()
                if number % 10 == 0:  # a till that did not trust its ears
                    assert await self.post(client, key, line) == self.answers[key]

    async def more(self) -> None:
        """Wait until some more movements were acknowledged: proof that the shop sells."""
        wanted = len(self.answers) + BETWEEN
        async with asyncio.timeout(90):
            while len(self.answers) < wanted:
                self._answered.clear()
                await self._answered.wait()

    def close(self) -> None:
        self._stop = True


@asynccontextmanager
async def selling(url: str) -> AsyncIterator[Tills]:
    tills = Tills(url)
    async with httpx.AsyncClient() as client:
        for product, store in PLACES:
            line = {"product_id": product, "store_id": store, "movement_type": "inbound", "quantity": 100_000}
            key = f"filled-{product}-{store}"
            tills.answers[key] = await tills.post(client, key, line)
    async with asyncio.TaskGroup() as group:
        for till in range(TILLS):
            group.create_task(tills.work(till))
        try:
            yield tills
        finally:
            tills.close()


async def test_nothing_acknowledged_is_lost_and_no_key_is_doubled(durable: Cluster) -> None:
    server = Server(durable.url("autoshop_app"), free_port())
    await asyncio.to_thread(server.start)
    try:
        async with selling(server.url) as tills:
            await tills.more()
            server.kill()
            await asyncio.to_thread(server.start)
            await tills.more()
            await asyncio.to_thread(durable.kill)
            await asyncio.to_thread(durable.start)
            await tills.more()
            await asyncio.to_thread(durable.kill)
            server.kill()
            await asyncio.to_thread(durable.start)
            await asyncio.to_thread(server.start)
            await tills.more()
    finally:
        await asyncio.to_thread(server.stop)

    assert tills.repeated > 0, "nothing was cut off: the blows fell between the requests"
    database = Database(durable.url("autoshop_app"), durable.url("autoshop"), durable.url("postgres", "autoshop"))
    pool = await open_pool(database.settings(), name="test")
    try:
        rows = await pool.fetch("SELECT id, idempotency_key, balance_after FROM movements")
        assert len(rows) == len(tills.answers)
        assert {row["idempotency_key"]: (row["id"], row["balance_after"]) for row in rows} == {
            key: (answer["movement_id"], answer["new_quantity"]) for key, answer in tills.answers.items()
        }
        assert (await check_ledger(pool, balances=True)).differences == 0
        assert await pool.fetchval("SELECT count(*) FROM outbox") == len(rows)
    finally:
        await pool.close()
