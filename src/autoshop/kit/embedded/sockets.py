"""Where the server's socket lies: in a folder that only its user may enter."""

import hashlib
import os
import re
import stat
from pathlib import Path

from autoshop.kit.embedded.home import ClusterError, Home

SOCKET_PATH_BYTES = 107  # what sockaddr_un holds


def socket_directory(home: Path) -> Path:
    """In the cluster's folder, or under /tmp when that path is too long or libpq would misread it."""
    folder = home / "socket"
    plain = re.fullmatch(r"[\w/. -]+", str(folder)) is not None
    if plain and len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES:
        return folder
    return Path("/tmp") / f"autoshop-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108


def make_socket_directory(home: Home) -> Path:
    """The folder, there and private; refuses one that somebody else has made."""
    folder = socket_directory(home.path)
    uid, gid = home.user or (os.geteuid(), os.getegid())
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        status = folder.lstat()  # under /tmp anybody could have made it before us
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid or status.st_mode & 0o077:
            raise ClusterError(f"{folder} is not a private folder of the server's user: remove it.") from None
    return folder
