"""Between fork and exec of a child process: change the user, then ask to die with the parent.

Run by `kit.children` as a script in a bare interpreter (python -I -S), so that no Python code runs in a
forked copy of a process that has threads. It imports nothing of the package.
"""

import ctypes  # now: the new user may not be able to read the standard library
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """PARENT FAREWELL UID GID COMMAND…: become the command, tied to the parent."""
    parent, farewell, uid, gid = (int(word) for word in argv[:4])
    command = argv[4:]
    # A shell's background job starts with SIGINT ignored, which would survive exec and swallow the farewell.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, farewell, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above: nobody would ever tell us
            sys.exit(1)
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
