"""Wait for a condition instead of a time."""

import time
from collections.abc import Callable


def came_true(condition: Callable[[], bool], within_seconds: float = 20) -> bool:
    """Whether it did, looked at every few milliseconds."""
    until = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
