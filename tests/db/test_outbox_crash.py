"""kill -9 of PostgreSQL: the number of a transaction that left no trace is given out again, and its event is told."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from autoshop.kit import outbox
from autoshop.kit.db import Connection, Pool, open_pool
from autoshop.kit.embedded import Cluster
from tests.conftest import Database, Server, cluster_with_cast
from tests.live import Listener, happen, listening

pytestmark = pytest.mark.anyio


@pytest.fixture
def lazy() -> Iterator[Cluster]:
    """A cluster that keeps what was committed, and takes its time to write down what was not."""
    with cluster_with_cast({"wal_writer_delay": "10s"}) as running:
        yield running


async def opened(cluster: Cluster) -> Pool:
    url = cluster.url
    database = Database(url("autoshop_app"), url("autoshop"), url("postgres", "autoshop"))
    return await open_pool(database.settings(), name="test")


async def undone(db: Connection) -> int:
    """A transaction that is rolled back, as of every write that is refused: its number."""
    transaction = db.transaction()
    await transaction.start()
    await happen(db, 0)
    number = int(await db.fetchval("SELECT pg_current_xact_id()::text"))
    await transaction.rollback()
    return number


async def test_a_listener_is_given_no_number_that_a_crash_might_give_out_again(
    pool: Pool, database: Database, serve: Callable[..., Server]
) -> None:
    server = await asyncio.to_thread(serve, database.url)

    async def last() -> int:
        return int(await pool.fetchval("SELECT max(xid::text::bigint) FROM outbox"))

    def reached(listener: Listener) -> int:
        return outbox.read_position(listener.last_id.partition("~")[2]).xmax

    await happen(pool, 1)
    async with pool.acquire() as db, listening(server.url) as listener:
        assert await undone(db) > await last()
        async with listening(server.url) as other:
            assert reached(other) == await last() + 1
        await happen(pool, 2)
        assert await undone(db) > await last()
        assert (await listener.quantity(), reached(listener)) == (2, await last() + 1)


async def test_what_is_told_under_a_number_that_was_lost_in_a_crash_is_not_taken_for_known(lazy: Cluster) -> None:
    pool = await opened(lazy)
    await happen(pool, 1)
    async with pool.acquire() as db:
        beginning = (await outbox.end(db)).place
        await happen(db, 2)
        lost = await undone(db)
        batch = await outbox.since(db, beginning, 10)
        [(_, mark)] = batch.marked()
        places = {(await outbox.end(db)).place, batch.until, mark, (await outbox.since(db, batch.until, 10)).until}
    pool.terminate()
    lazy.kill()

    lazy.start()
    pool = await opened(lazy)
    await happen(pool, 3)
    assert int(await pool.fetchval("SELECT max(xid::text::bigint) FROM outbox")) == lost, "the number was not lost"
    for place in places:
        told = (await outbox.since(pool, place, 10)).events
        assert [event.payload["quantity"] for event in told] == [3]
    await pool.close()
