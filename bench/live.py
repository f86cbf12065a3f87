"""Live stock: how soon two hundred listeners hear of a movement once it is written."""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

from bench.load import Run, percentiles
from bench.report import Report
from bench.stage import Stage, memory_mib

LISTENERS = 200
PER_SECOND = 50
P99_MS = 100
MOVEMENT_ID = re.compile(rb'"movement_id":(\d+)')
WRITTEN = "SELECT json_object_agg(id, extract(epoch FROM created_at))::text FROM movements"
HEAD = "HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"


def run(report: Report, folder: Path, products: int, *, quick: bool) -> None:
    """Fill a small shop, let everybody listen, post at a steady rate; each listener must hear each movement once."""
    seconds = 4 if quick else 20
    stage = Stage(folder, products)
    try:
        stage.open()
        server = stage.serve()
        report.say(f"{LISTENERS} listen while {PER_SECOND} movements a second are posted for {seconds} s …")
        token = stage.token()
        found: list[_Found] = []

        def load() -> Run:
            found.append(uvloop.run(_listen(stage.port, token, products, seconds)))
            return found[0].since(found[0].sent)

        report.heading()
        from_request = stage.measured(load)
        # Under the lock of its row, in the statement that is then committed: the last moment before the commit.
        written = json.loads(stage.ask(WRITTEN))
        heard = found[0].since({movement_id: written[str(movement_id)] for movement_id in found[0].sent})
        report.run("its request is sent → all have read it", from_request)
        report.run("it is written → all have read it", heard)
        posted, wrong = len(found[0].sent), found[0].wrong
        report.bar(
            "each movement is heard by each listener, once", f"{posted} × {LISTENERS}, {wrong} wrong", wrong == 0
        )
        report.bar(f"written → read, p99 < {P99_MS} ms", f"{heard.p99_ms:.1f} ms", heard.p99_ms < P99_MS)
        report.say(f"memory of serve: {memory_mib(server):.0f} MiB")
    finally:
        stage.close()


@dataclass
class _Found:
    """When each movement's request was sent, and when each listener read it; by the clock that PostgreSQL has too."""

    sent: dict[int, float]
    heard: list[dict[int, float]]
    seconds: float
    wrong: int

    def since(self, begun: dict[int, float]) -> Run:
        """From a moment of each movement until it was read, for every listener."""
        milliseconds = sorted((heard[one] - at) * 1000 for heard in self.heard for one, at in begun.items())
        return Run(len(milliseconds), self.seconds, *percentiles(milliseconds))


class _Listener(asyncio.Protocol):
    """Keeps when it read which movement."""

    def __init__(self, request: bytes) -> None:
        self._request, self._rest = request, b""
        self.heard: dict[int, float] = {}
        self.twice = 0
        self.begun = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        text = self._rest + data
        if b"id: " in text:
            self.begun.set()
        whole, blank, self._rest = text.rpartition(b"\n\n")
        for movement_id in MOVEMENT_ID.findall(whole + blank):
            self.twice += int(movement_id) in self.heard
            self.heard[int(movement_id)] = now


async def _listen(port: int, token: str, products: int, seconds: int) -> _Found:
    """Post while all listen. `wrong`: how many times somebody did not hear of a movement, or heard of it twice."""
    loop = asyncio.get_running_loop()
    request = f"GET /api/v1/inventory/events {HEAD.format(token=token)}\r\n".encode()
    listeners = [
        (await loop.create_connection(lambda: _Listener(request), "127.0.0.1", port))[1] for _ in range(LISTENERS)
    ]
    for listener in listeners:
        await asyncio.wait_for(listener.begun.wait(), 30)
    began = time.perf_counter()
    sent = await _post(port, token, products, seconds)
    took = time.perf_counter() - began
    async with asyncio.timeout(10):
        while any(sent.keys() - listener.heard.keys() for listener in listeners):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    for listener in listeners:
        listener.transport.close()
    wrong = sum(listener.twice + len(listener.heard.keys() ^ sent.keys()) for listener in listeners)
    return _Found(sent, [listener.heard for listener in listeners], took, wrong)


async def _post(port: int, token: str, products: int, seconds: int) -> dict[int, float]:
    """Post one movement after the other, each when it is due; by its id, when its request left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent: dict[int, float] = {}
    began = time.perf_counter()
    for number in range(PER_SECOND * seconds):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        line = {"product_id": number % products + 1, "store_id": 1, "movement_type": "sale", "quantity": 1}
        body = json.dumps(line).encode()
        head = f"POST /api/v1/inventory/movement {HEAD.format(token=token)}"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        at = time.time()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        sent[json.loads(await reader.readexactly(length))["movement_id"]] = at
    writer.close()
    return sent
