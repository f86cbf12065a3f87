"""Wait for a condition instead of a time."""

import asyncio
import time
from collections.abc import Callable

from autoshop.kit.db import Pool

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def came_true(condition: Callable[[], bool], within_seconds: float = 20) -> bool:
    """Whether it did, looked at every few milliseconds."""
    until = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


async def waiting_for_locks(pool: Pool, sessions: int) -> None:
    """Wait until so many sessions of this database stand before a lock."""
    for _ in range(1_000):
        if await pool.fetchval(WAITING) == sessions:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")
