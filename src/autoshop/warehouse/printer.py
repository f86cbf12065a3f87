"""Where paper is drawn: in a thread of its own, one document after the other, so that the shop goes on meanwhile.

Whoever draws imports what he needs for it there: reportlab takes a third of a second and 10 MB, which a process that
never prints, and a start that somebody waits for, can do without.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

Symbol = Literal["ean13", "ean8", "code128"]

_printer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="printer")
TURN_SECONDS = 0.0001


async def drawn(draw: Callable[[], bytes]) -> bytes:
    """Draw off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_printer, draw)


def give_others_a_turn() -> None:
    """Between two labels or lines: the requests of others must not wait for the end of a document."""
    time.sleep(TURN_SECONDS)
