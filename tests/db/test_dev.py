"""bin/dev: one command starts everything, and nothing of it outlives that command."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from autoshop.dev import database_beside
from autoshop.kit.embedded import Cluster
from tests.conftest import Database, free_port
from tests.waiting import came_true

READY_SECONDS = 120  # the first start loads the demo catalogue


class Dev:
    """`autoshop dev` as a process, with what it says in a file."""

    def __init__(self, data: Path, *options: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._said = data.with_name(f"said-{self.port}.txt")
        without = {name: value for name, value in os.environ.items() if not name.startswith("AUTOSHOP_")}
        command = [sys.executable, "-m", "autoshop", "dev", f"--port={self.port}", f"--data={data}", *options]
        with open(self._said, "w") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said, env={**without, **environment})

    @property
    def said(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def ready(self) -> "Dev":
        until = time.monotonic() + READY_SECONDS
        while "Ready after" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < until, self.said
            time.sleep(0.05)
        return self

    def get(self, path: str) -> object:
        return json.load(urllib.request.urlopen(self.url + path, timeout=10))

    def children(self) -> dict[str, int]:
        """serve, worker, postgres → process id."""
        found = {}
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except (OSError, UnicodeDecodeError):
                continue
            if parent == str(self.process.pid) and words[0]:  # a zombie has no words
                found["postgres" if words[0].endswith("postgres") else words[3]] = int(folder.name)
        return found

    def exit_code(self, seconds: float = 30) -> int:
        return self.process.wait(seconds)


def gone(pids: dict[str, int]) -> bool:
    def lives(pid: int) -> bool:
        try:
            return (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) != "Z"
        except OSError:
            return False

    return came_true(lambda: not any(lives(pid) for pid in pids.values()))


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data folder for all these tests: filling it costs seconds."""
    folder = Path(tempfile.mkdtemp(prefix="autoshop-dev-"))
    folder.chmod(0o755)
    yield folder / "my data"
    Cluster(folder / "my data" / "postgres").remove()
    shutil.rmtree(folder)


@pytest.fixture
def dev(data: Path) -> Iterator[Callable[..., Dev]]:
    """Start it: `dev("--option", …, NAME="environment")`; it ends with the test."""
    started: list[Dev] = []

    def start(*options: str, data: Path = data, **environment: str) -> Dev:
        started.append(Dev(data, *options, **environment))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.terminate()
        each.process.wait(30)


def test_one_command_serves_and_ctrl_c_stops_every_process(dev: Callable[..., Dev]) -> None:
    shop = dev().ready()
    assert shop.get("/health") == {"status": "ok"}
    assert f"curl {shop.url}/api/v1/inventory/1" in shop.said
    children = shop.children()
    assert set(children) == {"serve", "worker", "postgres"}
    shop.process.send_signal(signal.SIGINT)
    assert shop.exit_code() == 0
    assert gone(children)


def test_a_second_start_keeps_the_data(dev: Callable[..., Dev]) -> None:
    shop = dev().ready()
    assert "loading the demo catalogue" not in shop.said


def test_commands_find_the_database_while_it_runs(dev: Callable[..., Dev], data: Path) -> None:
    assert database_beside(data) is None
    shop = dev().ready()
    url = database_beside(data)
    assert f"AUTOSHOP_DATABASE_URL='{url}' bin/autoshop" in shop.said
    environment = {**os.environ, "AUTOSHOP_DATABASE_URL": str(url)}
    command = [sys.executable, "-m", "autoshop", "ledger", "check"]
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    shop.process.terminate()
    shop.exit_code()
    assert database_beside(data) is None


def test_kill_9_leaves_nothing_behind_and_the_next_start_recovers(dev: Callable[..., Dev]) -> None:
    shop = dev().ready()
    children = shop.children()
    shop.process.kill()
    shop.process.wait()
    next_one = dev().ready()
    assert gone(children)
    next_one.process.terminate()
    assert next_one.exit_code() == 0


def test_a_second_one_is_refused_and_a_crashed_worker_is_started_again(dev: Callable[..., Dev], data: Path) -> None:
    shop = dev().ready()
    elsewhere = data.with_name("elsewhere")
    same_port = dev(f"--port={shop.port}", data=elsewhere)
    assert same_port.exit_code() == 1
    assert f"Port {shop.port} of 127.0.0.1 is not free" in same_port.said
    assert "--port" in same_port.said
    assert not elsewhere.exists()  # said before anything is started

    for options in ((), ("--fresh",)):
        same_data = dev(*options)
        assert same_data.exit_code() == 1
        assert "in use by another process" in same_data.said

    before = shop.children()["worker"]
    os.kill(before, signal.SIGKILL)
    assert came_true(lambda: shop.children().get("worker", before) != before)
    assert "starting it again" in shop.said


@pytest.mark.parametrize(("name", "told"), [("serve", "The web server stopped"), ("postgres", "PostgreSQL stopped")])
def test_all_stops_with_an_error_when_a_main_part_dies(dev: Callable[..., Dev], name: str, told: str) -> None:
    shop = dev().ready()
    children = shop.children()
    os.kill(children[name], signal.SIGKILL)
    assert shop.exit_code() == 1
    assert told in shop.said
    assert gone(children)


def test_data_of_another_postgresql_is_refused_with_what_to_do(dev: Callable[..., Dev], data: Path) -> None:
    version = data / "postgres" / "data" / "PG_VERSION"
    version.write_text("17\n")
    try:
        shop = dev()
        assert shop.exit_code() == 1
        assert "PostgreSQL 17, this is PostgreSQL 18" in shop.said
        assert "Traceback" not in shop.said
    finally:
        version.write_text("18\n")


def test_fresh_does_not_delete_what_it_does_not_know(dev: Callable[..., Dev], data: Path) -> None:
    mine = data.with_name("documents") / "postgres" / "data" / "thesis.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    shop = dev("--fresh", data=data.with_name("documents"))
    assert shop.exit_code() == 1
    assert "does not look like a database of ours" in shop.said
    assert mine.read_text() == "years of work"


def test_a_given_database_is_used_and_no_other_is_started(
    dev: Callable[..., Dev], database: Database, data: Path
) -> None:
    elsewhere = data.with_name("unused")
    shop = dev(
        data=elsewhere, AUTOSHOP_DATABASE_URL=database.url, AUTOSHOP_OWNER_DATABASE_URL=database.owner_url
    ).ready()
    assert set(shop.children()) == {"serve", "worker"}
    assert not elsewhere.exists()
    refused = dev("--fresh", AUTOSHOP_DATABASE_URL=database.url)
    assert refused.exit_code() == 1
    assert "--fresh would empty the database of AUTOSHOP_DATABASE_URL" in refused.said


def test_a_shop_that_is_being_set_up_gets_no_demo(dev: Callable[..., Dev], database: Database) -> None:
    with psycopg.connect(database.super_url) as db:
        db.execute("TRUNCATE products CASCADE")  # it has stores
    shop = dev(AUTOSHOP_DATABASE_URL=database.url).ready()
    assert "demo" not in shop.said


def test_it_stops_when_the_demo_cannot_be_loaded(dev: Callable[..., Dev], database: Database) -> None:
    with psycopg.connect(database.super_url, autocommit=True) as db:
        db.execute("TRUNCATE products, stores, brands, categories CASCADE")
        db.execute(f"ALTER DATABASE {db.info.dbname} SET default_transaction_read_only = on")
    shop = dev(AUTOSHOP_DATABASE_URL=database.url)
    assert shop.exit_code() == 1
    assert "read-only" in shop.said
    assert shop.said.rstrip().endswith("The demo catalogue could not be loaded, see above; nothing of it is there.")
    assert "Ready" not in shop.said


def test_fresh_begins_anew(dev: Callable[..., Dev], data: Path) -> None:
    mark = data / "postgres" / "data" / "left-behind"
    if not mark.parent.exists():  # no other test of these was here before
        first = dev().ready()
        first.process.send_signal(signal.SIGINT)
        assert first.exit_code() == 0
    mark.touch()
    shop = dev("--fresh").ready()
    assert "loading the demo catalogue" in shop.said
    assert not mark.exists()
