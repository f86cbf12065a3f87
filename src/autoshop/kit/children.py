"""Child processes that die with their parent, even when the parent is killed with kill -9 (Linux)."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

LEASH = str(Path(__file__).with_name("leash.py"))

Process = subprocess.Popen[bytes]

_jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
_keeper: threading.Thread | None = None
_lock = threading.Lock()


def spawn(
    command: Sequence[str],
    *,
    farewell: int = signal.SIGTERM,
    user: tuple[int, int] | None = None,
    **popen: Any,
) -> Process:
    """Start `command` in its own session; it gets the signal `farewell` when this process dies.

    Its own session, so that a Ctrl-C in the terminal reaches us alone and we stop our children in order.
    `user` is the (uid, gid) to run as; None keeps ours.
    """
    uid, gid = user or (-1, -1)
    head = [sys.executable, "-I", "-S", LEASH, str(os.getpid()), str(int(farewell)), str(uid), str(gid)]
    started: Future[Process] = Future()

    def job() -> None:
        try:
            started.set_result(subprocess.Popen([*head, *command], start_new_session=True, **popen))  # noqa: S603
        except BaseException as error:  # told to the caller, who waits in the other thread
            started.set_exception(error)

    _keep()
    _jobs.put(job)
    return started.result()


def _keep() -> None:
    """One thread for all children: the kernel says farewell when the *thread* that forked ends."""
    global _keeper
    with _lock:
        if _keeper is None or not _keeper.is_alive():
            _keeper = threading.Thread(target=_work, name="children", daemon=True)
            _keeper.start()


def _work() -> None:
    while True:
        _jobs.get()()
