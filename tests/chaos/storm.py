"""The storm itself: clients work while somebody knocks the shop about; then everything is up again, drained, proven."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from autoshop.kit import outbox
from autoshop.kit.db import Pool, open_pool
from autoshop.kit.embedded import Cluster
from tests.chaos.client import HOT, INVENTORY, STORES, Client
from tests.chaos.drain import Drain
from tests.chaos.findings import Books, Finding, findings
from tests.chaos.hooks import Hook, subscribe
from tests.chaos.listener import Listener
from tests.chaos.mixture import MIXTURE
from tests.chaos.record import Record
from tests.chaos.shop import Shop
from tests.conftest import Database

PIECES = 25  # of each hot product at each store at the start: soon gone, so that refusals and races are many
LISTENERS = 2
CATCH_UP_SECONDS = 60


@dataclass
class Storm:
    """One run. `seed` throws all dice. `hurry`: afterwards, what waits for its time comes at once."""

    cluster: Cluster
    clients: int
    seed: int
    every_seconds: float
    drain_seconds: float = 600
    hurry: bool = False
    record: Record = field(default_factory=Record)

    def __post_init__(self) -> None:
        self.shop = Shop(self.cluster, moods_seconds=3 * self.every_seconds, seed=self.seed)
        self.urls = [server.url for server in self.shop.servers]
        self.listeners = [Listener(self.urls, f"{self.seed}-listener-{number}") for number in range(LISTENERS)]
        self.drain = Drain(self.drain_seconds, self.hurry)
        self.books: Books | None = None
        self._listening: list[asyncio.Task[None]] = []

    async def run(self, seconds: float) -> list[Finding]:
        """Let it storm, and prove."""
        await asyncio.to_thread(self.shop.open)
        try:
            hooks = await self._prepare()
            self._listening = [asyncio.create_task(one.listen()) for one in self.listeners]
            await self._blow(seconds)
            return await self._prove(hooks)
        finally:
            for task in self._listening:
                task.cancel()
            await asyncio.to_thread(self.shop.close)

    async def _prepare(self) -> list[Hook]:
        """Subscribe before anything happens, then fill the shelves."""
        owner = Client(-1, self.urls[:1], self.record, self.seed)
        async with owner.http:
            hooks = await subscribe(owner, self.shop.program)
            for store in STORES:
                path, body = f"{INVENTORY}/found-policies/{store}", {"roles": ["manager"], "most_pieces": 2}
                assert await owner.do("policy", "PUT", path, body, tag='"0"') is not None
            lines = [
                {"product_id": product, "store_id": store, "movement_type": "inbound", "quantity": PIECES}
                for product in HOT
                for store in STORES
            ]
            assert await owner.do("batch", "POST", f"{INVENTORY}/movements", {"lines": lines}) is not None
        return hooks

    async def _blow(self, seconds: float) -> None:
        until = asyncio.get_running_loop().time() + seconds
        clients = [Client(number, self.urls, self.record, self.seed) for number in range(self.clients)]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.work(until, MIXTURE))
            group.create_task(self.shop.knock_about(random.Random(self.seed), self.every_seconds, until))

    async def _prove(self, hooks: list[Hook]) -> list[Finding]:
        async with httpx.AsyncClient() as http:  # everything is up again
            for server in self.urls:
                assert (await http.get(f"{server}/ready")).status_code == 200
        await asyncio.to_thread(self.shop.calm_down)
        url = self.cluster.url
        database = Database(url("autoshop_app"), url("autoshop"), url("postgres", "autoshop"))
        pool = await open_pool(database.settings(statement_timeout_ms=120_000), name="proof")
        try:
            await self.drain.run(pool)
            await asyncio.to_thread(self.shop.worker.stop)  # nothing happens any more that nobody would hear of
            await self._catch_up(pool)
            for task in self._listening:
                task.cancel()
            self.books = await Books.open(pool, self.record, hooks, self.shop.program.heard(), self.listeners)
            return await findings(self.books)
        finally:
            await pool.close()

    async def _catch_up(self, pool: Pool) -> None:
        """Until the listeners have heard of the last event; what they miss then, they have missed."""
        end = (await outbox.end(pool)).place
        with suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_SECONDS):
                # They are on the other side of the network.
                while not all(one.place and one.place.xmax >= end.xmax for one in self.listeners):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
