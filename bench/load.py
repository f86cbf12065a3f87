"""Who makes the load: pgbench for the limit, wrk for full speed, a paced client for a given rate."""

import asyncio
import gc
import json
import subprocess
import time
import uuid
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

from autoshop.inventory.movements.store import POST_MOVEMENTS
from autoshop.kit.embedded import find_binaries

CLIENTS = 32
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    """What one run measured. `bad` = answers from 400 on, `broken` = connections that failed or timed out;

    `serve_us`, `database_us` = processor time that the web server and PostgreSQL took for a request: other work on
    the machine hardly changes those.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad: int = 0
    broken: int = 0
    serve_us: float | None = None
    database_us: float | None = None

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


# The arguments of the movement statement, for one line. The key is as long as those that wrk sends.
ARGUMENTS = {
    19: "ARRAY[NULL]",
    18: "ARRAY[NULL]",
    17: "ARRAY[NULL]",
    16: "ARRAY[NULL]",
    15: "ARRAY[decode(md5(:key::text), 'hex')]",
    14: "ARRAY['pgbench-' || :key::text]",
    13: "ARRAY['token-bench']",
    12: "ARRAY['token-bench']",
    11: "ARRAY[NULL]",
    10: "ARRAY['bench']",
    9: "ARRAY[0]",
    8: "ARRAY[:delta]",
    7: "ARRAY[CASE WHEN :delta > 0 THEN 'inbound' ELSE 'sale' END]",
    6: "ARRAY[:store]",
    5: "ARRAY[:product]",
    4: "ARRAY[least(:delta, 0)]",
    3: "ARRAY[:delta]",
    2: "ARRAY[:store]",
    1: "ARRAY[:product]",
}


def pgbench_script(products: int) -> str:
    """The very statement of the application, for a random product: a sale or a delivery, with a new key."""
    statement = POST_MOVEMENTS
    for number, argument in ARGUMENTS.items():
        statement = statement.replace(f"${number}::", f"{argument}::")
    return (
        f"\\set product random(1, {products})\n\\set store random(1, 2)\n\\set delta random(0, 1) * 2 - 1\n"
        f"\\set key random(1, 1000000000000000000)\n{' '.join(statement.split())};\n"
    )


def pgbench(url: str, products: int, seconds: int, folder: Path) -> Run:
    """The limit: what PostgreSQL does with that statement when nothing stands in front of it."""
    script = folder / "movement.sql"
    script.write_text(pgbench_script(products))
    for old in folder.glob("pgbench.*"):
        old.unlink()
    done = subprocess.run(
        [str(find_binaries() / "pgbench"), "--no-vacuum", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T",
         str(seconds), "-f", str(script), "--log", "--log-prefix", str(folder / "pgbench"), "--sampling-rate=0.1", url],
        text=True, capture_output=True, check=False, env={"PGOPTIONS": "-c timezone=UTC", "LC_ALL": "C"},
    )  # fmt: skip
    said = dict(line.split(": ", 1) if ": " in line else line.split(" = ", 1)
                for line in done.stdout.splitlines() if ": " in line or " = " in line)  # fmt: skip
    if done.returncode != 0 or not said.get("number of failed transactions", "").startswith("0 "):
        raise SystemExit(f"pgbench failed: {done.stderr[-2000:]}{done.stdout}")
    milliseconds = sorted(
        int(line.split()[2]) / 1000 for file in folder.glob("pgbench.*") for line in file.read_text().splitlines()
    )
    requests = int(said["number of transactions actually processed"].split("/")[0])
    return Run(requests, requests / float(said["tps"].split()[0]), *percentiles(milliseconds))


def wrk(port: int, seconds: int, script: str, *arguments: str) -> Run:
    """Full speed: each of 32 connections sends its next request as soon as it has an answer."""
    done = subprocess.run(
        ["wrk", "-t", "1", "-c", str(CLIENTS), "-d", f"{seconds}s", "-s", str(HERE / script),
         f"http://127.0.0.1:{port}", "--", *arguments],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"wrk failed: {done.stderr}{done.stdout}")
    return Run(**json.loads(lines[-1]))


@dataclass(frozen=True, slots=True)
class Request:
    """What a paced client sends; one with a body gets a new Idempotency-Key each time."""

    method: str
    path: str
    body: bytes = b""

    def written(self, token: str) -> bytes:
        """As it goes over the wire."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        if self.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
            head += f"Idempotency-Key: {uuid.uuid4()}\r\n"
        return f"{head}\r\n".encode() + self.body


def paced(port: int, token: str, requests: Sequence[Request], per_second: float, seconds: float) -> Run:
    """A given rate, kept whatever the server does: each answer's time counts from when its request was due.

    A server that falls behind gets thrice the time; what was not sent by then is not asked any more.
    """
    written = [request.written(token) for request in requests]
    gc.collect()
    gc.disable()
    try:
        return uvloop.run(_pace(port, written, per_second, seconds))
    finally:
        gc.enable()


class _Connection(asyncio.Protocol):
    """Sends one request at a time; reads what has a Content-Length."""

    def __init__(self, free: "asyncio.Queue[_Connection]", milliseconds: "array[float]") -> None:
        self.free, self.milliseconds = free, milliseconds
        self.buffer = b""
        self.due = 0.0
        self.bad = self.broken = 0
        self.busy = self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class
        self.free.put_nowait(self)

    def send(self, request: bytes, due: float) -> None:
        self.due, self.busy = due, True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        self.milliseconds.append((time.perf_counter() - self.due) * 1000)
        self.bad += not head.startswith(b"HTTP/1.1 2")
        self.buffer, self.busy = b"", False
        self.free.put_nowait(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.broken += self.busy
        self.busy, self.lost = False, True
        self.free.put_nowait(self)


async def _pace(port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> Run:
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    milliseconds = array("d")
    connections = [
        (await loop.create_connection(lambda: _Connection(free, milliseconds), "127.0.0.1", port))[1]
        for _ in range(CLIENTS)
    ]
    began = time.perf_counter()
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        wait_seconds = due - time.perf_counter()
        if wait_seconds > 0:
            await asyncio.sleep(wait_seconds)
        connection = await asyncio.wait_for(free.get(), 30)
        if connection.lost or time.perf_counter() > began + 3 * seconds:
            break
        connection.send(requests[number % len(requests)], due)
    while any(connection.busy for connection in connections):  # their answers, or their end
        await free.get()
    took = time.perf_counter() - began
    bad = sum(connection.bad for connection in connections)
    broken = sum(connection.broken or connection.lost for connection in connections)
    for connection in connections:
        connection.transport.close()
    return Run(len(milliseconds), took, *percentiles(sorted(milliseconds)), bad, broken)


def percentiles(ascending: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    return ascending[len(ascending) // 2], ascending[min(len(ascending) - 1, len(ascending) * 99 // 100)]
