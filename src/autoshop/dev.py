"""Everything at once on this machine: PostgreSQL, migrations, demo data, the web server and the worker."""

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import sqlalchemy
import typer

from autoshop.kit import migrate
from autoshop.kit.children import Process, spawn
from autoshop.kit.embedded import Cluster, ClusterError

DATA = Path(__file__).resolve().parents[2] / "var"
TRUST = "127.0.0.0/8=manager,::1/128=manager"
HOSTS = ("localhost", "127.0.0.1", "[::1]")
READY_SECONDS = 60
GOODBYE_SECONDS = 10
WORKER_RESTARTS = 5
GOOD_LIFE_SECONDS = 60  # a worker that lived as long is none that dies at once

TRY = """
Ready after {seconds:.1f} s:  {url}/office  (the API, to read and to try: {url}/docs)

Try the office in a browser: {url}/office, say BPR6ES-11. Or, in another terminal:
  curl {url}/health
  curl {url}/api/v1/inventory/1
  curl -X POST {url}/api/v1/inventory/movement -H 'Content-Type: application/json' \\
    -d '{{"product_id":1,"store_id":1,"movement_type":"sale","quantity":1,"related_document":"test-sale-1"}}'
  curl '{url}/api/v1/inventory/movements?product_id=1'
  bin/smoke {url}

{where}
Callers from this machine act as a manager here (AUTOSHOP_TRUST). Ctrl-C stops everything."""


class DevError(Exception):
    """Cannot go on; the text says why and what to do."""


@dataclass
class Parts:
    """What runs, in the order in which it was started."""

    cluster: Cluster | None = None
    environment: dict[str, str] = field(default_factory=dict)
    children: dict[str, Process] = field(default_factory=dict)

    def start(self, command: str, *options: str) -> Process:
        """`autoshop COMMAND OPTIONS` as a child that cannot outlive us."""
        words = [sys.executable, "-m", "autoshop", command, *options]
        child = spawn(words, farewell=signal.SIGKILL, stdin=subprocess.DEVNULL, env={**os.environ, **self.environment})
        self.children[command] = child
        return child


def run(host: str, port: int, data: Path, fresh: bool) -> int:
    """Start everything, tell what to try, wait for Ctrl-C, stop everything. Returns the exit code."""
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # all three unwind through the finally below
    parts = Parts()
    try:
        _check_port(host, port)
        _database(parts, data, fresh)
        _manners(parts, host)
        _fill(parts)
        parts.start("serve", "--host", host, "--port", str(port))
        parts.start("worker")
        url = _url(host, port)
        _wait_until_ready(parts, url)
        typer.echo(TRY.format(seconds=time.monotonic() - began, url=url, where=_where(parts)))
        _watch(parts)
    except (ClusterError, DevError) as error:
        typer.secho(str(error), fg="red", err=True)
        return 1
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            typer.echo("\nStopping …")
    finally:
        _stop(parts)
    return 0


def database_beside(data: Path = DATA) -> str | None:
    """The database of the `bin/dev` that runs on this checkout, if one does."""
    cluster = Cluster(data / "postgres")
    if not (cluster.home / "data" / "postmaster.pid").is_file() or not cluster.alive():
        return None
    return cluster.url()


def _check_port(host: str, port: int) -> None:
    """Before anything is started."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise DevError(f"--host {host}: {error.strerror or error}") from None
    try:
        _bind(family, address)
    except PermissionError:
        raise DevError(f"Port {port} needs root's rights: choose one from 1024 up, as in --port 8080.") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise DevError(f"This machine has no address {host}: choose another --host.") from None
        for other in range(port + 1, port + 20):
            with suppress(OSError, OverflowError):
                _bind(family, (address[0], other, *address[2:]))
                raise DevError(
                    f"Port {port} of {host} is not free ({error.strerror}). Stop the program that has it, or choose "
                    f"another: --port {other}"
                ) from None
        raise DevError(f"Port {port} of {host} is not free ({error.strerror}): choose another with --port.") from None


def _bind(family: int, address: tuple[object, ...]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _database(parts: Parts, data: Path, fresh: bool) -> None:
    """The given database, or that of our own PostgreSQL in `data`; brought up to date."""
    given = os.environ.get("AUTOSHOP_DATABASE_URL")
    owner_url = os.environ.get("AUTOSHOP_OWNER_DATABASE_URL")
    if given and fresh:
        raise DevError("--fresh would empty the database of AUTOSHOP_DATABASE_URL: do it by hand, or unset that.")
    if not given:
        cluster = parts.cluster = Cluster(data / "postgres")
        if fresh:
            cluster.remove()
        cluster.start()
        cluster.bootstrap()
        given, owner_url = cluster.url(), cluster.url("autoshop")
        parts.environment["AUTOSHOP_OWNER_DATABASE_URL"] = owner_url
    parts.environment["AUTOSHOP_DATABASE_URL"] = given
    if owner_url:
        try:
            migrate.upgrade(owner_url)
        except sqlalchemy.exc.DBAPIError as error:
            raise DevError(_database_error("The database cannot be brought up to date", error)) from error


def _database_error(what: str, error: Exception) -> str:
    first_line = str(getattr(error, "orig", error)).strip().splitlines()[0]
    if "No space left on device" in str(error):
        return f"{what}: the disk is full ({first_line}). Free some space, or name another disk with --data."
    return f"{what}: {first_line}"


def _manners(parts: Parts, host: str) -> None:
    """How a developer's machine differs from a server; what the environment says goes first."""
    names = dict.fromkeys((*HOSTS, _in_url(host), socket.gethostname().lower(), *_own_addresses(host)))
    wanted = {
        "AUTOSHOP_TRUST": TRUST,
        # Named one by one: with any Host allowed, a web page could rebind its name to 127.0.0.1 and be trusted.
        "AUTOSHOP_HOSTS": ",".join(names),
        "AUTOSHOP_LOG_FORMAT": "console",
    }
    parts.environment |= {name: os.environ.get(name, value) for name, value in wanted.items()}


def _own_addresses(host: str) -> list[str]:
    """This machine's addresses, when everybody may come."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return []
    with suppress(OSError):
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
        return [_in_url(str(entry[4][0])) for entry in found]
    return []


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _fill(parts: Parts) -> None:
    """The demo catalogue, into an empty database only."""
    try:
        empty = asyncio.run(_is_empty(parts.environment["AUTOSHOP_DATABASE_URL"]))
    except (OSError, asyncpg.PostgresError) as error:
        raise DevError(_database_error("The database does not answer as it should", error)) from error
    if empty:
        typer.echo("The database is empty: loading the demo catalogue …")
        if parts.start("demo").wait() != 0:
            raise DevError("The demo catalogue could not be loaded, see above; nothing of it is there.")
        del parts.children["demo"]
        typer.echo("Loading what is known of parts and cars …")
        if parts.start("facts", "load").wait() != 0:
            raise DevError("What is known of parts and cars could not be loaded, see above: autoshop facts load.")
        del parts.children["facts"]


IS_EMPTY = """
SELECT NOT (EXISTS (SELECT FROM products) OR EXISTS (SELECT FROM stores) OR EXISTS (SELECT FROM brands)
            OR EXISTS (SELECT FROM categories))
"""


async def _is_empty(url: str) -> bool:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return bool(await connection.fetchval(IS_EMPTY))
    finally:
        await connection.close()


def _url(host: str, port: int) -> str:
    """Where this machine reaches the server."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{_in_url(here)}:{port}"


def _wait_until_ready(parts: Parts, url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy on the way to ourselves
    until, last = time.monotonic() + READY_SECONDS, "it does not answer"
    while time.monotonic() < until:
        _check_serve(parts)
        try:
            opener.open(f"{url}/ready", timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            last = error.read().decode(errors="replace")
        except OSError:
            pass
        time.sleep(0.05)
    raise DevError(f"The web server is not ready after {READY_SECONDS} s: {last}")


def _check_serve(parts: Parts) -> None:
    code = parts.children["serve"].poll()
    if code is not None:
        if parts.cluster is not None and parts.cluster.disk_is_full():
            raise parts.cluster.obituary()
        raise DevError(f"The web server stopped (exit code {code}); its last words are above.")


def _where(parts: Parts) -> str:
    if parts.cluster is None:
        return "The database is the one that AUTOSHOP_DATABASE_URL names."
    home, asked = parts.cluster.home, parts.cluster.directory
    why = "" if home == asked else f" (PostgreSQL's user may not enter {asked})"
    told = f"The data is in {home}{why}; --fresh begins anew."
    if asked.parent == DATA:
        return f"{told}\nbin/autoshop uses this database while it runs (bin/autoshop --help)."
    return f"{told}\nFor commands: AUTOSHOP_DATABASE_URL='{parts.cluster.url()}' bin/autoshop --help"


def _watch(parts: Parts) -> None:
    """Until something dies. The worker is started again: a poisoned job must not take the shop down."""
    restarts, started = 0, time.monotonic()
    while True:
        time.sleep(0.3)
        if parts.cluster is not None and not parts.cluster.running:
            raise parts.cluster.obituary()
        _check_serve(parts)
        code = parts.children["worker"].poll()
        if code is None:
            continue
        if time.monotonic() - started > GOOD_LIFE_SECONDS:
            restarts = 0
        if restarts == WORKER_RESTARTS:
            raise DevError(f"The worker stopped {restarts + 1} times (exit code {code}); see above.")
        restarts += 1
        typer.secho(f"The worker stopped (exit code {code}): starting it again.", fg="yellow", err=True)
        time.sleep(restarts)
        parts.start("worker")
        started = time.monotonic()


def _stop(parts: Parts) -> None:
    """In reverse order. A second Ctrl-C hurries, a third is not heard: the database is shut down in order."""
    running = [*reversed(parts.children.values())]
    for child in running:
        child.terminate()
    with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
        for child in running:
            child.wait(GOODBYE_SECONDS)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for child in running:
        if child.poll() is None:
            child.kill()
            child.wait()
    if parts.cluster is not None:
        parts.cluster.stop()
