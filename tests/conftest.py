"""A real PostgreSQL for all tests; each test gets a database of its own, cloned from one that holds the cast."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from autoshop.app import create_app
from autoshop.kit import migrate
from autoshop.kit.db import Pool, open_pool
from autoshop.kit.embedded import Cluster
from autoshop.kit.settings import Settings
from tests import cast

_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """Where to connect: as the application, as the owner of the tables, as the superuser."""

    url: str
    owner_url: str
    super_url: str

    def settings(self, **changes: object) -> Settings:
        """Settings on this database: callers from 127.0.0.1 are managers, unless changed."""
        values: dict[str, object] = {
            "database_url": self.url,
            "trust": "127.0.0.0/8=manager",
            "hosts": "test,127.0.0.1",
            "pool_min": 1,
            "log_level": "error",
        }
        return Settings.model_validate({**values, **changes})


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One server for the whole run. It may lose everything in a power cut; the crash tests start their own."""
    hasty = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
    with cluster_with_cast({**hasty, "max_wal_size": "256MB"}, _in_memory()) as running:
        yield running


MEMORY = Path("/dev/shm")


def _in_memory() -> Path | None:
    """Where memory is a folder, if there is plenty: each test clones 700 files, 20 times as fast as on a disk."""
    there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK)
    return MEMORY if there and shutil.disk_usage(MEMORY).free > 3 * 2**30 else None


@contextmanager
def cluster_with_cast(settings: Mapping[str, str] | None = None, folder: Path | None = None) -> Iterator[Cluster]:
    """A cluster in a folder of its own, migrated, with the cast in it; `settings` override the usual ones."""
    with tempfile.TemporaryDirectory(prefix="autoshop-test-", dir=folder) as directory:
        os.chmod(directory, 0o755)  # the server runs as another user when the tests run as root
        with Cluster(Path(directory) / "postgres", settings) as running:
            running.bootstrap()
            migrate.upgrade(running.url("autoshop"))
            with psycopg.connect(running.url("autoshop")) as db:
                cast.bring_in(db)
            yield running


@contextmanager
def new_database(cluster: Cluster) -> Iterator[Database]:
    """A database with the cast in it, for a while."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE autoshop OWNER autoshop STRATEGY file_copy")
        yield Database(cluster.url("autoshop_app", name), cluster.url("autoshop", name), cluster.url("postgres", name))
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A database of this test's own, with the cast in it."""
    with new_database(cluster) as made:
        yield made


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """Connections as the application has them."""
    opened = await open_pool(database.settings(), name="test")
    yield opened
    await opened.close()


@asynccontextmanager
async def running_app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application, started, in this process."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


def client_for(app: FastAPI, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
    """A client that calls the application from an address."""
    transport = httpx.ASGITransport(app=app, client=(address, 50000), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


@pytest.fixture
async def app(database: Database) -> AsyncIterator[FastAPI]:
    async with running_app(database.settings()) as started:
        yield started


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A manager in the shop, without credentials, from a trusted network."""
    async with client_for(app) as opened:
        yield opened


class Server:
    """`autoshop serve` as a process of its own: for races and crashes."""

    def __init__(self, database_url: str, port: int, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._environment = {
            **os.environ,
            "AUTOSHOP_DATABASE_URL": database_url,
            "AUTOSHOP_TRUST": "127.0.0.0/8=manager",
            "AUTOSHOP_LOG_LEVEL": "error",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, patience_seconds: float = 30) -> None:
        command = [sys.executable, "-m", "autoshop", "serve", "--port", str(self._port)]
        self.process = subprocess.Popen(command, env=self._environment)
        deadline = time.monotonic() + patience_seconds
        with httpx.Client(timeout=2) as asking:
            while time.monotonic() < deadline:
                assert self.process.poll() is None, "the server ended at once"
                with suppress(httpx.TransportError):
                    if asking.get(f"{self.url}/ready").status_code == 200:
                        return
                time.sleep(0.05)
        raise AssertionError("the server did not become ready")

    def start_worker(self) -> None:
        """`autoshop worker` instead: nothing to wait for."""
        self.process = subprocess.Popen([sys.executable, "-m", "autoshop", "worker"], env=self._environment)

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers: `serve(database_url)`; they end with the test."""
    started: list[Server] = []

    def start(database_url: str, **environment: str) -> Server:
        server = Server(database_url, free_port(), **environment)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


def free_port() -> int:
    """A port nobody listens on right now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
