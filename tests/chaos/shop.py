"""The shop that is knocked about: PostgreSQL, two servers, a worker, a cache, a program that hears webhooks.

Each can be killed and started again. Only processes that were started here are ever ended.
"""

import asyncio
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from autoshop.kit.children import Process, spawn
from autoshop.kit.embedded import Cluster
from tests.chaos.hooks import Program
from tests.conftest import Server, free_port

PATIENCE_SECONDS = 120
WAIT_SECONDS = 1.5  # at most, before what was killed is started again
BLOWS = [
    ["api"], ["worker"], ["postgres"], ["cache"], ["receiver"],
    ["api", "postgres"], ["api", "api 2"], ["postgres", "worker"], ["receiver", "worker"],
]  # fmt: skip
CACHE = shutil.which("valkey-server") or shutil.which("redis-server")


class Cache:
    """Valkey, or Redis where a distribution has only that."""

    def __init__(self, folder: Path, port: int) -> None:
        if CACHE is None:
            raise SystemExit("Neither valkey-server nor redis-server is here: apt-get install redis-server")
        self._command = [
            *(CACHE, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""),
            *("--logfile", str(folder / "cache.log")),
        ]  # fmt: skip
        self.url = f"redis://127.0.0.1:{port}/0"
        self._process: Process | None = None

    def start(self) -> None:
        self._process = spawn(self._command, stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Shop:
    """All processes of a shop on one durable PostgreSQL. The receiver is in a bad one about every so often."""

    def __init__(self, cluster: Cluster, moods_seconds: float, seed: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="autoshop-chaos-")
        folder = Path(self._folder.name)
        self.cluster = cluster
        self.cache = Cache(folder, free_port())
        self.program = Program(folder, free_port(), moods_seconds, seed)
        settings = {"AUTOSHOP_CACHE_URL": self.cache.url, "AUTOSHOP_WEBHOOK_NETWORKS": "127.0.0.0/8"}
        url = cluster.url("autoshop_app")
        self.servers = [Server(url, free_port(), **settings) for _ in range(2)]
        self.worker = Server(url, 0, **settings)
        self.blows: Counter[str] = Counter()

    def open(self) -> None:
        """Start everything; the database is there already."""
        self.cache.start()
        self.program.start()
        self.worker.start_worker()
        with ThreadPoolExecutor() as beside:
            list(beside.map(_patiently, self.servers))

    def close(self) -> None:
        """Stop everything but the database."""
        for server in (*self.servers, self.worker):
            server.stop()
        self.cache.kill()
        self.program.kill()
        self._folder.cleanup()

    def calm_down(self) -> None:
        """A worker and a receiver that begin anew; the receiver takes everything from now on."""
        self.worker.kill()
        self.worker.start_worker()
        self.program.kill()
        self.program.start(calm=True)

    async def knock_about(self, dice: random.Random, every_seconds: float, until: float) -> None:
        """kill -9 this or that every few seconds, and start it again, until the loop's clock says so.

        Which is next is drawn from a bag: each comes before any comes a second time.
        """
        clock = asyncio.get_running_loop().time
        bag: list[list[str]] = []
        while True:
            await asyncio.sleep(dice.uniform(0.5, 1.5) * every_seconds)
            if clock() >= until:
                return
            bag = bag or dice.sample(BLOWS, len(BLOWS))
            names = bag.pop()
            self.blows.update(name.partition(" ")[0] for name in names)
            await asyncio.to_thread(self._knock, names, dice.uniform(0, WAIT_SECONDS), dice.randrange(2))

    def _knock(self, names: list[str], wait_seconds: float, which: int) -> None:
        parts: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "api": (self.servers[which].kill, partial(_patiently, self.servers[which])),
            "api 2": (self.servers[1 - which].kill, partial(_patiently, self.servers[1 - which])),
            "worker": (self.worker.kill, self.worker.start_worker),
            "postgres": (self.cluster.kill, self.cluster.start),
            "cache": (self.cache.kill, self.cache.start),
            "receiver": (self.program.kill, self.program.start),
        }
        for name in names:
            parts[name][0]()
        time.sleep(wait_seconds)
        if "postgres" in names:  # first, or nobody else gets ready
            parts["postgres"][1]()
        with ThreadPoolExecutor() as beside:
            list(beside.map(lambda name: parts[name][1](), [name for name in names if name != "postgres"]))


def _patiently(server: Server) -> None:
    """On a busy machine it takes its time."""
    server.start(PATIENCE_SECONDS)
