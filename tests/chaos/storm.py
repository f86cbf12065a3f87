"""The storm itself: clients work while somebody knocks the shop about; then everything is up again, and proven."""

import asyncio
import random
from dataclasses import dataclass, field

import httpx

from autoshop.kit.db import open_pool
from autoshop.kit.embedded import Cluster
from tests.chaos.client import HOT, INVENTORY, STORES, Client, Record
from tests.chaos.proof import Finding, findings
from tests.chaos.shop import Shop
from tests.conftest import Database

PIECES = 40  # of each hot product at each store at the start: soon gone, so that refusals and races are many


@dataclass
class Storm:
    """One run. `seed` throws the dice of the clients and of the blows."""

    cluster: Cluster
    clients: int
    seed: int
    every_seconds: float
    record: Record = field(default_factory=Record)

    def __post_init__(self) -> None:
        self.shop = Shop(self.cluster)

    async def run(self, seconds: float) -> list[Finding]:
        """Let it storm, and prove."""
        dice = random.Random(self.seed)
        await asyncio.to_thread(self.shop.open)
        try:
            await self._fill()
            until = asyncio.get_running_loop().time() + seconds
            urls = [server.url for server in self.shop.servers]
            clients = [Client(number, urls, self.record, self.seed) for number in range(self.clients)]
            async with asyncio.TaskGroup() as group:
                for client in clients:
                    group.create_task(client.work(until))
                group.create_task(self.shop.knock_about(dice, self.every_seconds, until))
            return await self._prove()
        finally:
            await asyncio.to_thread(self.shop.close)

    async def _fill(self) -> None:
        filler = Client(-1, [self.shop.servers[0].url], self.record, self.seed)
        async with filler.http:
            lines = [
                {"product_id": product, "store_id": store, "movement_type": "inbound", "quantity": PIECES}
                for product in HOT
                for store in STORES
            ]
            assert await filler.do("POST", f"{INVENTORY}/movements", {"lines": lines}) is not None

    async def _prove(self) -> list[Finding]:
        async with httpx.AsyncClient() as http:  # everything is up again
            for server in self.shop.servers:
                assert (await http.get(f"{server.url}/ready")).status_code == 200
        url = self.cluster.url
        database = Database(url("autoshop_app"), url("autoshop"), url("postgres", "autoshop"))
        pool = await open_pool(database.settings(), name="proof")
        try:
            return await findings(pool, self.record)
        finally:
            await pool.close()
