"""bin/smoke: passes on a shop that does what it must, and says what is wrong with one that does not."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psycopg

from tests.cast import NORTH, PLUG, WIPER
from tests.conftest import Database, Server, free_port

SMOKE = Path(__file__).resolve().parents[2] / "bin" / "smoke"
MOVEMENT = "/api/v1/inventory/movement"


def smoke(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # As cron runs it: hardly any environment, and a locale that knows no Cyrillic.
    return subprocess.run(
        [sys.executable, SMOKE, *words], env={"LC_ALL": "C", **environment}, capture_output=True, text=True,
        encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip


def put(server: Server, product: int, store: int, pieces: int) -> None:
    line = {"product_id": product, "store_id": store, "movement_type": "inbound", "quantity": pieces}
    httpx.post(server.url + MOVEMENT, json=line).raise_for_status()


def test_a_shop_that_does_not_run_is_told_with_what_to_do() -> None:
    done = smoke(f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 2
    assert "./deploy.sh" in done.stdout
    assert "bin/dev" in done.stdout


def test_something_else_on_that_port_is_told() -> None:
    with answering({}, status=200) as url:
        done = smoke(url)
    assert done.returncode != 0
    assert '✗ GET /health: is {"status":"ok"}' in done.stdout


def test_an_address_without_http_is_told() -> None:
    done = smoke("127.0.0.1:8080")
    assert done.returncode == 2
    assert "begins with http://" in done.stderr


def test_without_a_token_it_says_how_to_make_one(database: Database, serve: Callable[..., Server]) -> None:
    server = serve(database.url, AUTOSHOP_TRUST="")
    done = smoke(server.url)
    assert done.returncode == 2
    assert "401" in done.stdout
    assert "autoshop token new --name smoke" in done.stdout


def test_an_empty_shop_fails_unless_that_is_allowed(database: Database, serve: Callable[..., Server]) -> None:
    server = serve(database.url)
    refused = smoke(server.url)
    assert refused.returncode == 2
    assert "no free piece" in refused.stdout
    allowed = smoke(server.url, "--empty-ok")
    assert allowed.returncode == 0, allowed.stdout
    assert "checks of stock are left out" in allowed.stdout


def test_a_shop_that_works_passes_and_keeps_its_stock(database: Database, serve: Callable[..., Server]) -> None:
    server = serve(database.url)
    put(server, PLUG, NORTH, 3)
    put(server, WIPER, NORTH, 2000)
    # Product 1 has nothing in store 1: it takes the first place that has a piece.
    first = smoke(server.url)
    second = smoke(AUTOSHOP_URL=server.url)
    # More pieces than the 999 which the contract's write-off asks for.
    third = smoke(server.url, "--product", str(WIPER), "--store", str(NORTH))
    for done in (first, second, third):
        assert done.returncode == 0, done.stdout
        assert "10 passed, 0 failed" in done.stdout
    status = httpx.get(f"{server.url}/api/v1/inventory/status").json()
    assert [row["available"] for row in status["items"]] == [3, 2000]
    with psycopg.connect(database.url) as db:
        assert db.execute("SELECT count(*) FROM movements").fetchone() == (2 + 3 * 2,)


def test_a_token_is_sent(database: Database, serve: Callable[..., Server]) -> None:
    server = serve(database.url)
    done = smoke(server.url, AUTOSHOP_TOKEN="as_wrong")
    assert done.returncode == 2
    assert "401" in done.stdout


@contextmanager
def answering(document: dict[str, Any], status: int) -> Iterator[str]:
    """A server that always answers the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
