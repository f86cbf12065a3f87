"""Values that are reused: how long, and what is told while they are counted anew."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from autoshop.kit import reuse
from autoshop.kit.reuse import LONG_SECONDS, PATIENCE_SECONDS, Reused

pytestmark = pytest.mark.anyio


class Clock:
    """Time that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    put = Clock()
    monkeypatch.setattr(reuse, "time", put)
    return put


def counting(clock: Clock, seconds: float) -> Callable[[], Awaitable[int]]:
    """Counts 0, 1, 2 …; each as if it took so long."""
    numbers = count()

    async def counted() -> int:
        await asyncio.sleep(0)
        clock.ahead += seconds
        return next(numbers)

    return counted


async def test_what_takes_long_is_told_as_it_was_and_counted_anew_meanwhile(clock: Clock) -> None:
    reused, long = Reused[int](), counting(clock, 2 * LONG_SECONDS)
    assert [await reused.get("k", long) for _ in range(3)] == [0, 0, 0]
    clock.ahead += 200 * LONG_SECONDS + 1
    assert [await reused.get("k", long) for _ in range(2)] == [0, 0]
    await asyncio.sleep(0.01)
    assert await reused.get("k", long) == 1


async def test_nobody_is_told_what_was_long_ago(clock: Clock) -> None:
    reused, long = Reused[int](), counting(clock, 2 * LONG_SECONDS)
    assert await reused.get("k", long) == 0
    clock.ahead += PATIENCE_SECONDS + 1
    assert await reused.get("k", long) == 1


async def test_what_is_counted_quickly_is_waited_for(clock: Clock) -> None:
    reused, quick = Reused[int](), counting(clock, LONG_SECONDS / 10)
    assert await reused.get("k", quick) == 0
    clock.ahead += 30 * LONG_SECONDS
    assert await reused.get("k", quick) == 1


async def test_a_count_that_fails_leaves_the_value_before_and_is_tried_again(clock: Clock) -> None:
    reused, long = Reused[int](), counting(clock, 2 * LONG_SECONDS)

    async def fails() -> int:
        raise LookupError

    assert await reused.get("k", long) == 0
    clock.ahead += 200 * LONG_SECONDS + 1
    assert await reused.get("k", fails) == 0
    await asyncio.sleep(0.01)
    assert await reused.get("k", long) == 0
    await asyncio.sleep(0.01)
    assert await reused.get("k", long) == 1


async def test_what_is_being_counted_at_the_end_is_let_go(clock: Clock) -> None:
    reused, long = Reused[int](), counting(clock, 2 * LONG_SECONDS)
    let_go = asyncio.Event()

    async def for_ever() -> int:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            let_go.set()
            raise
        return 9

    assert await reused.get("k", long) == 0
    clock.ahead += 200 * LONG_SECONDS + 1
    assert await reused.get("k", for_ever) == 0
    await asyncio.sleep(0)
    await reused.close()
    assert let_go.is_set()
