"""A PostgreSQL of our own: one folder, one server process, gone when its owner is gone.

The server is a direct child that stops when this process dies, listens on a unix socket in a folder only its
user may enter, and is "alive" when a connection works. A pid read from a file is never trusted.
"""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from autoshop.kit.children import Process, spawn
from autoshop.kit.embedded.birth import disk_full, environment, initialise
from autoshop.kit.embedded.home import NOTE, ClusterError, Home, find_binaries, settle, whereabouts
from autoshop.kit.embedded.leftovers import bury, kill_all
from autoshop.kit.embedded.sockets import make_socket_directory, socket_directory

# For a small machine. fsync and synchronous_commit are said aloud: an acknowledged movement is never lost.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}

# \gexec runs the answer as a statement: CREATE has no IF NOT EXISTS for roles and databases.
ROLES = r"""
SELECT format('CREATE ROLE %I LOGIN', role)
  FROM unnest(ARRAY['autoshop', 'autoshop_app']) AS role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
SELECT format('CREATE DATABASE %I OWNER autoshop', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO autoshop_app;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
"""

SMALLEST_LOG_BYTES = 10 * 2**20


class Cluster:
    """The PostgreSQL cluster in `directory`; `settings` override SETTINGS."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.directory = Path(directory).absolute()
        self.settings = {**SETTINGS, **(settings or {})}
        self._process: Process | None = None
        self._lock: int | None = None
        self._log_begin = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def home(self) -> Path:
        """The folder in real use; not `directory` when the server's user may not enter that one."""
        return whereabouts(self.directory)

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """The process is there; cheaper than `alive`, and says less."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_seconds: float = 600) -> None:
        """Make the cluster if there is none, start it, return when a connection works.

        Long patience: after a crash the server first replays its log. Raises ClusterError.
        """
        if self.running:
            return
        try:
            home = settle(self.directory)
            self._hold()
            bury(home.path / "data", socket_directory(self.home))
            initialise(home, sync=self.settings["fsync"] == "on")
            self._launch(home, time.monotonic() + timeout_seconds)
        except OSError as error:
            self.stop()
            if error.errno == errno.ENOSPC:
                raise disk_full(self.home) from error
            raise ClusterError(f"Cannot start PostgreSQL in {self.directory}: {error}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown: clients are cut off, everything is written; the next start needs no recovery."""
        if self._process is not None:
            for number, patience_seconds in ((signal.SIGINT, 120), (signal.SIGQUIT, 10)):
                if self._process.poll() is None:
                    self._process.send_signal(number)
                    try:
                        self._process.wait(patience_seconds)
                    except subprocess.TimeoutExpired:
                        continue
            if self._process.poll() is None:
                self.kill()
            self._process = None
        self._release()

    def kill(self) -> None:
        """SIGKILL the whole server, as a power cut would. start() recovers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            kill_all(self.home / "data")
        self._release()

    def remove(self) -> None:
        """Stop, and delete the cluster with everything in it."""
        self.stop()
        home = self.home
        if home.is_dir():
            self._recognise(home / "data")
            self._hold()  # refuses when another process serves it
            bury(home / "data", socket_directory(self.home))
        for folder in (home / "data", home / "data.new", socket_directory(self.home)):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (home / "server.log", home / "server.log.1", home / "lock", self.directory / NOTE):
            file.unlink(missing_ok=True)
        for folder in {home, self.directory}:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        self._release()

    def alive(self) -> bool:
        """A connection works."""
        return self._psql("SELECT 1", "postgres", timeout_seconds=5).returncode == 0

    def url(self, role: str = "autoshop_app", database: str = "autoshop") -> str:
        """For asyncpg, psql, psycopg; for SQLAlchemy replace the scheme."""
        host = quote(str(socket_directory(self.home)), safe="/")
        return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={host}&port=5432"

    def bootstrap(self, database: str = "autoshop") -> None:
        """The roles autoshop (owner) and autoshop_app, and the database. Twice changes nothing."""
        done = self._psql(ROLES, "postgres", timeout_seconds=120, variables={"database": database})
        if done.returncode != 0:
            raise ClusterError(f"Cannot prepare the database {database}: {done.stderr.strip()}")

    def obituary(self) -> ClusterError:
        """Why the server stopped, from its own last words."""
        with open(self.log, "rb") as log:
            log.seek(self._log_begin)
            tail = log.read()[-2000:].decode(errors="replace").strip()
        if "No space left on device" in tail or self.disk_is_full():  # then the log itself may be empty
            return disk_full(self.home)
        return ClusterError(f"PostgreSQL stopped in {self.directory}; {self.log} ends with:\n{tail}")

    def disk_is_full(self) -> bool:
        """Too full for the server to write its log ahead of the data (it writes 16 MiB at a time)."""
        return shutil.disk_usage(self.home).free < 16 * 2**20

    # How it is done, in call order.

    def _recognise(self, data: Path) -> None:
        if data.exists() and not ((data / "PG_VERSION").exists() and (data.parent / "lock").exists()):
            raise ClusterError(f"{data} does not look like a database of ours: it is not deleted.")

    def _hold(self) -> None:
        if self._lock is not None:  # our server died, and is started again
            return
        self._lock = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClusterError(
                f"The database in {self.directory} is in use by another process that started it. "
                "Stop that one, or name another folder (--data)."
            ) from None

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _launch(self, home: Home, deadline: float) -> None:
        data, sockets = home.path / "data", make_socket_directory(home)
        settings = {**self.settings, "listen_addresses": "", "unix_socket_directories": str(sockets)}
        command = [str(home.binaries / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        if self.log.exists() and self.log.stat().st_size > SMALLEST_LOG_BYTES:
            self.log.replace(self.log.with_name("server.log.1"))
        self.log.touch(mode=0o600)  # it may quote statements
        with open(self.log, "ab") as log:
            self._log_begin = log.tell()
            # SIGINT is PostgreSQL's fast shutdown.
            self._process = spawn(
                command, farewell=signal.SIGINT, user=home.user, cwd="/", env=environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        while not self._ready(data):
            if self._process.poll() is not None:
                raise self.obituary()
            if time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL does not become ready; see {self.log}")
            time.sleep(0.005)

    def _ready(self, data: Path) -> bool:
        """The pid file is only a hint that a connection is worth trying."""
        assert self._process is not None
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready" and self.alive()

    def _psql(
        self, script: str, database: str, timeout_seconds: float, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [str(find_binaries() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1"]
        for name, value in (variables or {}).items():
            command += ["-v", f"{name}={value}"]
        command += ["-d", self.url("postgres", database)]
        try:
            return subprocess.run(  # noqa: S603
                command, input=script, capture_output=True, text=True, env=environment(), check=False,
                timeout=timeout_seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", f"no answer within {timeout_seconds} s")
