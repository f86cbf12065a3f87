"""`autoshop worker` as a process of its own, for tests that end it."""

import os
import subprocess
import sys

from tests.conftest import Database


def start_worker(database: Database) -> "subprocess.Popen[bytes]":
    """It takes jobs at once; whoever starts it ends it."""
    environment = {**os.environ, "AUTOSHOP_DATABASE_URL": database.url, "AUTOSHOP_LOG_LEVEL": "error"}
    return subprocess.Popen([sys.executable, "-m", "autoshop", "worker"], env=environment)
