"""A receiver of webhooks for tests: a small HTTP server that does as it is told, and checks what it gets by itself."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from autoshop.accounts.model import system
from autoshop.kit.db import Pool, transaction
from autoshop.kit.settings import Settings, parse_networks
from autoshop.webhooks import service
from autoshop.webhooks.model import Delivery
from autoshop.webhooks.outgoing.jobs import Sender
from autoshop.webhooks.outgoing.relay import relay
from autoshop.webhooks.store import DELIVERY, delivery_of

HERE = parse_networks("127.0.0.0/8")
OWNER = system("test")
Headers = dict[str, str]


@dataclass
class Message:
    """What came, with the headers in lower case."""

    headers: Headers
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data


def is_signed(message: Message, secret: str) -> bool:
    """As a receiver would find out, from the convention alone."""
    key = base64.b64decode(secret.split("_")[1])
    text = b".".join([message.id.encode(), message.headers["webhook-timestamp"].encode(), message.body])
    right = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{right}", one) for one in message.headers["webhook-signature"].split(" "))


@dataclass
class Receiver:
    """`answers`: a status for each message that comes, `close` to hang up, `wait` until `goes_on`; then 204s."""

    answers: list[int | str] = field(default_factory=list)
    got: list[Message] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    location: str = ""
    port: int = 0
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?shop=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                self.got.append(Message(headers, await reader.readexactly(int(headers["content-length"]))))
                self.came.set()
                answer = self.answers.pop(0) if self.answers else 204
                if answer == "wait":
                    await self.goes_on.wait()
                    answer = 204
                if answer == "close":
                    break
                writer.write(f"HTTP/1.1 {answer} x\r\nLocation: {self.location}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def quantities(self) -> list[int]:
        """What was told, in the order in which it came."""
        return [message.data["quantity"] for message in self.got]


@asynccontextmanager
async def receiver(*answers: int | str) -> AsyncIterator[Receiver]:
    made = Receiver(list(answers))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.goes_on.set()
        server.close()


async def subscribe(pool: Pool, url: str, *topics: str, **more: Any) -> tuple[int, str]:
    """A webhook and its secret."""
    wish = {"url": url, "topics": list(topics) or ["*"], "store_ids": None, "product_ids": None, "note": None,
            "in_flight": 1, **more}  # fmt: skip
    async with transaction(pool) as db:
        webhook, secret = await service.add(db, OWNER, wish, HERE)
    return webhook.id, secret


async def work(pool: Pool, settings: Settings, until: Callable[[], bool] | None = None) -> None:
    """What a worker does, until nothing is due any more, or something is true."""
    sender = Sender(pool, settings)
    await relay(pool)
    async with asyncio.timeout(30):
        while True:
            await sender.look()
            if (not sender._turns) if until is None else until():
                break
            await asyncio.sleep(0.01)
    await sender.stop()


async def time_passes(pool: Pool) -> None:
    """Until everything that waits is tried again, and no lease is valid any more."""
    await pool.execute("UPDATE webhooks SET quiet_until = now(), leased_until = now()")
    await pool.execute("UPDATE webhook_deliveries SET next_at = now()")


async def deliveries(pool: Pool, webhook_id: int | None = None) -> list[Delivery]:
    """All of them, oldest first."""
    rows = await pool.fetch(
        f"SELECT {DELIVERY} FROM webhook_deliveries WHERE webhook_id = coalesce($1, webhook_id) ORDER BY id", webhook_id
    )
    return [delivery_of(row) for row in rows]


def statuses(found: list[Delivery]) -> list[str]:
    return [one.status for one in found]
