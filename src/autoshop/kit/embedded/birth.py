"""How a cluster comes into being: initdb, once, in a folder that gets its name when it is whole."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

from autoshop.kit.children import spawn
from autoshop.kit.embedded.home import MAJOR, ClusterError, Home

INITDB = [
    *("--username=postgres", "--auth=trust", "--no-instructions", "--no-sync", "--encoding=UTF8"),
    *(
        "--locale-provider=builtin",
        "--builtin-locale=PG_UNICODE_FAST",
        "--lc-collate=C",
        "--lc-ctype=C.UTF-8",
    ),
    *("--lc-messages=C", "--lc-monetary=C", "--lc-numeric=C", "--lc-time=C"),
]

SMALLEST_DISK_BYTES = 200 * 2**20


def initialise(home: Home, *, sync: bool) -> None:
    """Make the cluster if there is none, to be on the disk for good if `sync`; check that it is one of our version."""
    data, fresh = home.path / "data", home.path / "data.new"
    if data.exists():
        _check_version(data)
        return
    if shutil.disk_usage(home.path).free < SMALLEST_DISK_BYTES:
        raise disk_full(home.path)
    if fresh.exists():  # an initdb that did not finish
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    if home.user:
        os.chown(fresh, *home.user)
    command = [str(home.binaries / "initdb"), "-D", str(fresh), *INITDB]
    process = spawn(
        command, user=home.user, cwd="/", env=environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output = process.communicate()[0].decode(errors="replace")
    if process.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        if "No space left on device" in output:
            raise disk_full(home.path)
        raise ClusterError(f"initdb failed in {home.path}:\n{output.strip()}")
    fresh.rename(data)
    if sync:
        # Instead of initdb's own fsync of a thousand files, which the first start need not wait for.
        threading.Thread(target=os.sync, daemon=True).start()


def _check_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise ClusterError(
            f"{data} holds no PostgreSQL database. Move it away, or name another folder (--data)."
        ) from None
    if version != str(MAJOR):
        raise ClusterError(
            f"{data} was made by PostgreSQL {version}, this is PostgreSQL {MAJOR}. Move the data over "
            f"with pg_dumpall of version {version} and psql, name another folder (--data), or begin "
            "anew (--fresh deletes the data)."
        )


def disk_full(place: Path) -> ClusterError:
    """How much is free where `place` is, or is to be, and how much it takes."""
    while not place.exists():
        place = place.parent
    free_mib = shutil.disk_usage(place).free // 2**20
    return ClusterError(
        f"The disk is full: {free_mib} MiB free for {place}. Free {SMALLEST_DISK_BYTES // 2**20} MiB or "
        "more there, or name a folder on another disk (--data)."
    )


def environment() -> dict[str, str]:
    """Nothing of ours: PG* would redirect the tools, and secrets have no business in another user's process.

    TZ spares initdb a hunt through all time zones.
    """
    keep = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**keep, "TZ": "UTC", "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}
