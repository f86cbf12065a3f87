"""One locked row holds up nobody who asks for something else."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import psycopg
import pytest

from autoshop.inventory.movements.group_commit import MovementQueue
from autoshop.inventory.movements.model import Movement
from autoshop.inventory.movements.service import post_lines
from autoshop.kit import idempotency
from autoshop.kit.db import Connection, Pool, open_pool
from tests.cast import NORTH, PLUG
from tests.conftest import Database
from tests.ledger import assert_ledger_is_clean, line, outcomes, pieces, post, request

pytestmark = pytest.mark.anyio

LOCK = "SELECT 1 FROM inventory WHERE product_id = %s FOR UPDATE"


@pytest.fixture
async def impatient(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.settings(lock_timeout_ms=500), name="test")
    yield opened
    await opened.close()


async def sell(db: Connection) -> dict[str, object]:
    await post_lines(db, [line(-1)])
    return {}


async def test_everybody_who_waits_for_a_locked_row_is_answered_while_it_is_locked(
    pool: Pool, impatient: Pool, database: Database
) -> None:
    await post(pool, request("inbound", 50))
    queue = MovementQueue(impatient)
    with psycopg.connect(database.url) as stranger:
        stranger.execute(LOCK, (PLUG,))
        waiting = [asyncio.create_task(queue.post(line(-1))) for _ in range(40)]
        done, late = await asyncio.wait(waiting, timeout=5)  # 40 waits of half a second, two at a time, are 10
        assert not late
        assert outcomes([task.exception() for task in done]) == {"LockNotAvailableError": 40}
        stranger.rollback()
    assert await pieces(pool) == 50
    await assert_ledger_is_clean(pool)


async def test_a_new_place_does_not_stand_behind_those_who_wait(pool: Pool, database: Database) -> None:
    await post(pool, request("inbound", 50))
    queue = MovementQueue(pool)
    with psycopg.connect(database.url) as stranger:
        stranger.execute(LOCK, (PLUG,))
        waiting = [asyncio.create_task(queue.post(line(-1))) for _ in range(20)]
        assert isinstance(await queue.post(line(1, PLUG, NORTH)), Movement)
        assert not any(task.done() for task in waiting)
        stranger.rollback()
    assert outcomes(await asyncio.gather(*waiting)) == {"Movement": 20}


async def test_a_new_place_does_not_stand_behind_one_that_somebody_is_making(pool: Pool, database: Database) -> None:
    queue = MovementQueue(pool)
    with psycopg.connect(database.url) as stranger:
        stranger.execute("INSERT INTO inventory (product_id, store_id) VALUES (%s, %s)", (PLUG, NORTH))
        waiting = [asyncio.create_task(queue.post(line(1, PLUG, NORTH))) for _ in range(20)]
        assert isinstance(await queue.post(line(1)), Movement)
        assert not any(task.done() for task in waiting)
        stranger.rollback()
    assert outcomes(await asyncio.gather(*waiting)) == {"Movement": 20}
    await assert_ledger_is_clean(pool)


async def test_who_came_later_waits_for_a_place_as_long_as_he_may(
    pool: Pool, impatient: Pool, database: Database
) -> None:
    queue = MovementQueue(impatient)
    with psycopg.connect(database.url) as stranger:
        stranger.execute("INSERT INTO inventory (product_id, store_id) VALUES (%s, %s)", (PLUG, NORTH))
        first = asyncio.create_task(queue.post(line(1, PLUG, NORTH)))
        await asyncio.sleep(0.3)
        later = asyncio.create_task(queue.post(line(1, PLUG, NORTH)))
        with pytest.raises(asyncpg.LockNotAvailableError):
            await first
        assert not later.done()
        stranger.rollback()
    assert isinstance(await later, Movement)
    await queue.drain()
    await assert_ledger_is_clean(pool)


async def test_a_key_that_is_held_for_long_does_not_stop_the_others(pool: Pool, database: Database) -> None:
    """Whoever uses the key of a batch that waits for a movement too harms himself alone."""
    await post(pool, request("inbound", 50))
    patient = await open_pool(database.settings(lock_timeout_ms=60_000), name="test")
    queue = MovementQueue(patient)
    with psycopg.connect(database.url) as stranger:
        stranger.execute("INSERT INTO idempotency_keys (caller, key, fingerprint) VALUES ('test', 'k', '')")
        waiting = asyncio.create_task(queue.post(line(-1, key="k")))
        beside = await asyncio.wait_for(asyncio.gather(*[queue.post(line(-1)) for _ in range(10)]), 30)
        assert outcomes(beside) == {"Movement": 10}
        with pytest.raises(asyncpg.LockNotAvailableError):
            await waiting
        stranger.rollback()
    assert isinstance(await queue.post(line(-1, key="k")), Movement)
    await patient.close()
    assert await pieces(pool) == 39
    await assert_ledger_is_clean(pool)


async def test_readers_find_a_connection_though_many_batches_wait(pool: Pool, database: Database) -> None:
    await post(pool, request("inbound", 50))
    with psycopg.connect(database.url) as stranger:
        stranger.execute(LOCK, (PLUG,))
        begun, full = [], asyncio.Event()

        async def verb(db: Connection) -> dict[str, object]:
            begun.append(db)
            if len(begun) >= pool.get_max_size() - 3:
                full.set()
            return await sell(db)

        waiting = [asyncio.create_task(idempotency.once(pool, None, verb)) for _ in range(20)]
        await full.wait()
        assert await pool.fetchval("SELECT 1") == 1
        assert not any(task.done() for task in waiting)
        stranger.rollback()
    assert outcomes(await asyncio.gather(*waiting)) == {"Answer": 20}
    assert await pieces(pool) == 30
    await assert_ledger_is_clean(pool)


async def test_batches_that_get_no_turn_are_refused_while_the_row_is_locked(
    pool: Pool, impatient: Pool, database: Database
) -> None:
    await post(pool, request("inbound", 50))
    with psycopg.connect(database.url) as stranger:
        stranger.execute(LOCK, (PLUG,))
        begun = []

        async def verb(db: Connection) -> dict[str, object]:
            begun.append(db)
            return await sell(db)

        waiting = [idempotency.once(impatient, None, verb) for _ in range(30)]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert outcomes(answers) == {"LockNotAvailableError": 30}
        assert len(begun) <= 2 * (impatient.get_max_size() - 3), "the others were refused before they took a connection"
        stranger.rollback()
    assert await pieces(pool) == 50
