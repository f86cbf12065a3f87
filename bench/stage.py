"""The stage of a bench: a PostgreSQL of its own with a filled shop, and the real processes in front of it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg

from autoshop.kit import migrate
from autoshop.kit.children import Process, spawn
from autoshop.kit.embedded import Cluster
from autoshop.kit.gs1 import with_check_digit
from bench.load import Run

ROOT = Path(__file__).resolve().parents[1]
STORES = 2
PIECES = 1_000  # of each product at each store: sales and deliveries by turns do not use that up
OPEN = """'{"mon": ["09:00", "20:00"], "tue": ["09:00", "20:00"], "wed": ["09:00", "20:00"], "thu": ["09:00", "20:00"],
  "fri": ["09:00", "20:00"], "sat": ["10:00", "18:00"], "sun": ["10:00", "18:00"]}'"""

CHANNEL = "bench"

FILL = """
INSERT INTO stores (id, code, name, opening_hours)
SELECT n, 'store-' || n, 'Магазин ' || n, {hours}::jsonb
  FROM generate_series(1, {stores}) AS n;

INSERT INTO brands (id, name, name_key)
SELECT n, 'Brand ' || n, 'BRAND' || n
  FROM generate_series(1, 200) AS n;

INSERT INTO products (id, brand_id, article, article_key, article_loose, name)
SELECT n, n % 200 + 1, 'A-' || n, 'A' || n, 'A' || n, 'Запчасть ' || n
  FROM generate_series(1, {products}) AS n;

INSERT INTO inventory (product_id, store_id, quantity)
SELECT p, s, {pieces}
  FROM generate_series(1, {products}) AS p, generate_series(1, {stores}) AS s;

INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, related_document, actor,
                       created_at)
SELECT p, s, 'inbound', {each}, {each}, {each} * turn, 'opening', 'system:bench',
       now() - interval '1 day' * ({turns} - turn + 1)
  FROM generate_series(1, {turns}) AS turn, generate_series(1, {products}) AS p, generate_series(1, {stores}) AS s;

INSERT INTO shelf_places (product_id, store_id, place, place_key, is_main, version)
SELECT n, 1, 'A-' || n / 20, 'A-' || lpad((n / 20)::text, 6, '0'), true, 1
  FROM generate_series(1, {products}) AS n
 WHERE n % 50 > 0;

INSERT INTO stock_levels (product_id, store_id, minimum, maximum, source, actor)
SELECT n, s, 2000, 3000, 'hand', 'system:bench'
  FROM generate_series(1, {products}) AS n, generate_series(1, {stores}) AS s
 WHERE n % 10 = 0;

INSERT INTO level_alerts (product_id, store_id, urgency)
SELECT product_id, store_id, product_id % 1000
  FROM stock_levels
 WHERE product_id % 100 = 0;

INSERT INTO channels (code, name_ru, name_en, buffer, actor)
VALUES ('{channel}', 'Замер', 'Bench', 1, 'system:bench');

-- Nobody asks for names here: the worker shall not index them in the middle of a measurement.
DELETE FROM search_changes;

SELECT setval('stores_id_seq', {stores}), setval('brands_id_seq', 200), setval('products_id_seq', {products});
"""

# A chain of 500 stores: each has a place for every product, and every second one has pieces.
MORE_STORES = """
INSERT INTO stores (id, code, name, opening_hours)
SELECT n, 'store-' || n, 'Магазин ' || n, {hours}::jsonb
  FROM generate_series({stores} + 1, 500) AS n;

INSERT INTO inventory (product_id, store_id, quantity)
SELECT p, s, CASE WHEN s % 2 = 0 THEN 5 ELSE 0 END
  FROM generate_series(1, {products}) AS p, generate_series({stores} + 1, 500) AS s;

INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, related_document, actor,
                       created_at)
SELECT product_id, store_id, 'inbound', quantity, quantity, quantity, 'opening', 'system:bench', now()
  FROM inventory
 WHERE store_id > {stores} AND quantity > 0;
"""

SNAPSHOT = """
import sys, time, uvloop
from datetime import UTC, datetime, timedelta
from autoshop.inventory.stock.service import take_snapshot
from autoshop.kit.db import open_pool
from autoshop.kit.settings import Settings

async def freeze():
    pool = await open_pool(Settings(), name="bench")
    began = time.monotonic()
    rows = await take_snapshot(pool, datetime.now(UTC) - timedelta(days=int(sys.argv[1])))
    print(rows, time.monotonic() - began)
    await pool.close()

uvloop.run(freeze())
"""


class Stage:
    """A shop with `products` × 2 stores in `folder`, and `turns` movements for each; made if it is not there.

    `kept`: whether its database is there for another run.
    """

    kept = False

    def __init__(self, folder: Path, products: int, turns: int = 1) -> None:
        self.folder, self.products, self.turns = folder, products, turns
        self.cluster = Cluster(folder / "postgres")
        self.children: list[Process] = []
        self.port = 0

    def start(self) -> None:
        """Start PostgreSQL, with the tables of the shop."""
        self.cluster.start()
        self.cluster.bootstrap()
        migrate.upgrade(self.cluster.url("autoshop"))

    def open(self) -> None:
        """Start PostgreSQL and fill it."""
        self.start()
        found = int(self.ask("SELECT count(*) FROM products"))
        if found == 0:
            script = FILL.format(
                products=self.products, stores=STORES, pieces=PIECES, turns=self.turns, each=PIECES // self.turns,
                hours=OPEN, channel=CHANNEL,
            )  # fmt: skip
            self.do(script)
            self._barcodes()
            self.settle()
        elif found != self.products:
            raise SystemExit(f"{self.folder} holds {found} products, not {self.products}: name another folder.")

    def _barcodes(self) -> None:
        with (
            psycopg.connect(self.cluster.url("autoshop")) as db,
            db.cursor().copy("COPY barcodes (code, product_id) FROM STDIN") as copy,
        ):
            for number in range(1, self.products + 1):
                copy.write_row((barcode(number), number))

    def close(self) -> None:
        """Stop everything that was started."""
        for child in reversed(self.children):
            child.terminate()
        for child in reversed(self.children):
            with suppress(subprocess.TimeoutExpired):
                child.wait(30)
            if child.poll() is None:
                child.kill()
                child.wait()
        self.children.clear()
        if self.kept:
            self.cluster.stop()
        else:  # for root it lies elsewhere, where no temporary folder takes it along
            self.cluster.remove()

    def settle(self) -> None:
        """As after a quiet night: vacuumed, counted, everything written."""
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as db:
            db.execute("VACUUM (ANALYZE)")
            db.execute("CHECKPOINT")

    def more_stores(self) -> None:
        """Open 498 further stores."""
        self.do(MORE_STORES.format(stores=STORES, hours=OPEN, products=self.products))
        self.settle()

    def do(self, script: str) -> None:
        """Run statements as the owner of the tables."""
        with psycopg.connect(self.cluster.url("autoshop")) as db:
            db.execute(script.encode())

    def ask(self, sql: str) -> str:
        """The one value of a query."""
        with psycopg.connect(self.cluster.url("autoshop")) as db:
            row = db.execute(sql.encode()).fetchone()
            assert row is not None
            return str(row[0])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with psycopg.connect(self.cluster.url("autoshop")) as db:
            return db.execute(sql.encode()).fetchall()

    def post(self, path: str, body: dict[str, Any], token: str, version: int = 0) -> dict[str, Any]:
        """What the shop answers; a refusal ends the bench. `version` of the document that is changed, if it matters."""
        headers = {"Authorization": f"Bearer {token}", **({"If-Match": f'"{version}"'} if version else {})}
        answer = httpx.post(f"http://127.0.0.1:{self.port}{path}", json=body, headers=headers, timeout=60)
        if answer.is_error:
            raise SystemExit(f"POST {path}: {answer.status_code} {answer.text[:1000]}")
        found: dict[str, Any] = answer.json()
        return found

    def environment(self) -> dict[str, str]:
        """What `serve` gets in production: nobody is trusted, logs are JSON."""
        return {**clean_environment(), "AUTOSHOP_DATABASE_URL": self.cluster.url(), "AUTOSHOP_LOG_FORMAT": "json"}

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`autoshop WORDS`, to its end."""
        command = [sys.executable, "-m", "autoshop", *words]
        return subprocess.run(command, env=self.environment(), text=True, capture_output=True, check=False)

    def start_snapshot(self, days_ago: int = 0) -> Callable[[], tuple[float, int]]:
        """Begin to freeze the stock as of some time ago, beside whatever goes on.

        Call the answer for its seconds and rows.
        """
        command = [sys.executable, "-c", SNAPSHOT, str(days_ago)]
        process = subprocess.Popen(command, env=self.environment(), text=True, stdout=subprocess.PIPE)

        def ended() -> tuple[float, int]:
            said, _ = process.communicate(timeout=300)
            if process.returncode != 0:
                raise SystemExit("The snapshot failed.")
            rows, seconds = said.split()
            return float(seconds), int(rows)

        return ended

    def token(self, *scopes: str) -> str:
        """A new API token with these scopes; a clerk's, if none are named."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        done = self.command("token", "new", "--name", f"bench-{time.time_ns()}", *words)
        if done.returncode != 0:
            raise SystemExit(f"No token could be made: {done.stderr}")
        return done.stdout.strip()

    def serve(self, **settings: str) -> Process:
        """Start `autoshop serve` and wait until it is ready."""
        self.port = free_port()
        server = self._start("serve", "--port", str(self.port), **settings)
        wait_for(f"http://127.0.0.1:{self.port}/ready", server)
        return server

    def work(self) -> Process:
        """Start `autoshop worker`."""
        return self._start("worker")

    def _start(self, *words: str, **settings: str) -> Process:
        with open(self.folder / f"{words[0]}.log", "wb") as log:
            child = spawn(
                [sys.executable, "-m", "autoshop", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment() | settings,
            )  # fmt: skip
        self.children.append(child)
        return child

    @property
    def server(self) -> Process:
        return self.children[0]

    def measured(self, load: Callable[[], Run]) -> Run:
        """Run a load; with the processor time that it took."""
        assert self.cluster.pid is not None
        pids = [self.server.pid, self.cluster.pid]
        before = [cpu_seconds(pid) for pid in pids]
        run = load()
        took = [(cpu_seconds(pid) - seconds) / run.requests * 1e6 for pid, seconds in zip(pids, before, strict=True)]
        return replace(run, serve_us=took[0], database_us=took[1])

    def time_dev(self) -> float:
        """Seconds from `bin/dev` to the first answer of a product, on this shop; everything else is stopped first."""
        self.close()
        port = free_port()
        began = time.monotonic()
        with open(self.folder / "dev.log", "wb") as log:
            command = [str(ROOT / "bin/dev"), "--port", str(port), "--data", str(self.folder)]
            dev = spawn(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment())
        try:
            wait_for(f"http://127.0.0.1:{port}/api/v1/inventory/1", dev)
            return time.monotonic() - began
        finally:
            dev.send_signal(signal.SIGTERM)
            dev.wait(60)


def barcode(number: int) -> str:
    """The EAN-13 of a product."""
    return with_check_digit(f"46{number:010}")


def clean_environment() -> dict[str, str]:
    """Ours, without settings of the shop."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTOSHOP_")}


def wait_for(url: str, process: Process) -> None:
    """Return at the first 200; SystemExit when the process ends before, or after a minute."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            opener.open(url, timeout=5).close()
            return
        time.sleep(0.01)
    raise SystemExit(f"{url} does not answer; the logs of the bench say why.")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, its children, and those that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            if stat.parent.name == str(pid):
                ticks += sum(int(field) for field in fields[11:15])
            elif fields[1] == str(pid):
                ticks += sum(int(field) for field in fields[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(process: Process) -> float:
    """What a process that should be alive holds of the memory: resident, code shared with others included."""
    if process.poll() is not None:
        raise SystemExit("A process ended that should serve on; the logs of the bench say why.")
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def own_mib(process: Process) -> float:
    """Of that, what is its own: without pages of files, which the kernel takes back when it needs them."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
