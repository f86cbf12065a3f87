"""What ends the worker, and what does not."""

import asyncio

import asyncpg
import pytest

from autoshop import worker
from autoshop.kit.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("error", [asyncpg.CannotConnectNowError(), ConnectionError()])
async def test_a_database_that_is_slow_or_away_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    begun = 0

    async def work(_settings: Settings, stop: asyncio.Event) -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise error
        stop.set()

    monkeypatch.setattr(worker, "_work", work)
    monkeypatch.setattr(worker, "RECONNECT_SECONDS", 0.01)
    await worker.run(Settings())
    assert begun == 2


async def test_a_bug_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(_settings: Settings, _stop: asyncio.Event) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "_work", work)
    with pytest.raises(ZeroDivisionError):
        await worker.run(Settings())
