"""The cache: memory, or Valkey/Redis where several processes must share. It may be lost at any moment.

Whatever is kept here can be computed again or done without: when Valkey stops, reads miss, counters start anew, and
nothing else changes.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """As if a package were not installed, unless it is loaded already."""
    names = [package, f"{package}.ext"] if package not in sys.modules else []
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    yield
    for name in names:
        del sys.modules[name]


# It would load SQLAlchemy, which the migrations need, to keep rows of its: 17 MiB of each process for what nobody does.
with _hidden("sqlalchemy"):
    from cashews import Cache as Cache
    from cashews.picklers import PicklerType

ANSWERS = "fits:"  # keys of selection/memory: each of them may be some kilobytes
MOST_ANSWERS = 500


def open_cache(url: str) -> Cache:
    """`mem://`, or `redis://:password@host:6379/0`. Errors of the server become misses, after a fifth of a second."""
    cache = Cache()
    logging.getLogger("cashews").setLevel(logging.CRITICAL)  # a traceback a request tells nobody more
    if url.startswith("mem"):
        cache.setup(url, size=10_000)
        cache.setup(url, prefix=ANSWERS, size=MOST_ANSWERS)
    else:
        cache.setup(
            url,
            suppress=True,
            socket_timeout=0.2,
            socket_connect_timeout=0.2,
            max_connections=16,
            pickle_type=PicklerType.NULL,  # bytes alone: of a pickle, whoever may write there runs what he likes here
        )
    return cache


async def count_up(cache: Cache, key: str, seconds: float) -> int:
    """How often this was called for `key` within `seconds` of the first time; 0 when the cache is away."""
    try:
        return int(await cache.incr(key, expire=seconds) or 0)
    except Exception:  # whatever the cache's client raises: a cache may be lost
        return 0


async def take_back(cache: Cache, key: str) -> None:
    """As if `count_up` had been called once less."""
    try:
        await cache.incr(key, value=-1)
    except Exception:  # as above
        return


async def forget_count(cache: Cache, key: str) -> None:
    """Begin anew for `key`."""
    try:
        await cache.delete(key)
    except Exception:  # as above
        return
