"""What a server whose owner died leaves behind: processes for a moment, a pid file that now names a stranger.

Never signals a pid that a file names: a process counts as ours when the kernel says that it is a postgres
that works in our data folder, and the signal goes through a pidfd to the very process that was looked at.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from autoshop.kit.embedded.home import ClusterError

PATIENCE_SECONDS = 120


def bury(data: Path, sockets: Path) -> None:
    """Wait until nobody works in `data`, then clear the pid file and the sockets. Nobody may own the server.

    PostgreSQL itself would refuse to start when the pid in that file belongs to another program by now.
    """
    if not (data / "postmaster.pid").exists() or not Path("/proc/self/cwd").exists():
        return
    began, asked = time.monotonic(), False
    while pids := inhabitants(data):
        waited_seconds = time.monotonic() - began
        if waited_seconds > PATIENCE_SECONDS:
            raise ClusterError(f"A former server of {data} does not stop (process {pids[0]}).")
        if waited_seconds > 5 and not asked:  # it should have noticed by itself that its owner is gone
            asked = True
            for pid in pids:
                _ask_to_stop(pid, data, sockets)
        time.sleep(0.02)
    (data / "postmaster.pid").unlink(missing_ok=True)
    for file in sockets.glob(".s.PGSQL.*"):
        file.unlink(missing_ok=True)


def kill_all(data: Path) -> None:
    """SIGKILL whatever still works in `data`, and return when nothing does."""
    until = time.monotonic() + 10
    while (pids := inhabitants(data)) and time.monotonic() < until:
        for pid in pids:
            _signal(pid, signal.SIGKILL, data)
        time.sleep(0.01)


def inhabitants(data: Path) -> list[int]:
    """The postgres processes that work in this data folder."""
    try:
        pids = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
    except FileNotFoundError:  # not Linux
        return []
    return [pid for pid in pids if _lives_in(pid, data)]


def _lives_in(pid: int, data: Path) -> bool:
    try:
        program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
        return os.path.basename(program) == "postgres" and os.path.samefile(f"/proc/{pid}/cwd", data)
    except OSError:  # gone meanwhile, or somebody else's
        return False


def _ask_to_stop(pid: int, data: Path, sockets: Path) -> None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # gone
        return
    if words[0].startswith(b"postgres: "):  # a child: it leaves with its server, or has outlived it
        if parent not in inhabitants(data):
            _signal(pid, signal.SIGKILL, data)
    elif os.fsencode(f"unix_socket_directories={sockets}") in words:
        _signal(pid, signal.SIGINT, data)
    else:
        raise ClusterError(
            f"Another PostgreSQL (process {pid}), which autoshop did not start, serves {data}. Stop it first."
        )


def _signal(pid: int, number: int, data: Path) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # an older kernel, a sandbox, a Python built without it: look, then shoot
        if _lives_in(pid, data):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return
    try:
        if _lives_in(pid, data):
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
