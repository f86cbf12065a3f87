"""PostgreSQL through asyncpg: one pool a process, transactions, JSON as Python objects."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from autoshop.kit.settings import Settings

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:  # asyncpg's classes take parameters in its stubs only
    Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
    Pool = asyncpg.Pool

# What a caller may try again: the server is away, starting, stopping, or out of connections.
GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said goodbye, and the connection has not noticed yet
    ConnectionError,
    TimeoutError,
)
# A row or table stayed locked longer than a request may wait.
BUSY = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, asyncpg.DeadlockDetectedError)


def is_gone(error: BaseException) -> bool:
    """Whether the server is away. A value of the wrong type is an InterfaceError too, but our own bug."""
    return isinstance(error, GONE) and not isinstance(error, ValueError)


async def open_pool(settings: Settings, *, name: str, statement_timeout_ms: int | None = None) -> Pool:
    """A pool for one process. `name` is shown in pg_stat_activity.

    The reset between two uses is left out (it costs a round trip): nobody may leave session state
    behind, so use SET LOCAL, and transactions through `transaction`.
    """
    if not settings.database_url:
        raise SystemExit("AUTOSHOP_DATABASE_URL is not set: it names the database. `bin/dev` brings its own.")
    pool = await asyncpg.create_pool(
        settings.database_url,
        min_size=settings.pool_min,
        max_size=max(settings.pool_max, settings.pool_min),
        max_inactive_connection_lifetime=300,
        connect=_connect,
        init=_prepare,
        reset=_no_reset,
        timeout=5,
        server_settings={
            "application_name": f"autoshop {name}",
            "statement_timeout": str(statement_timeout_ms or settings.statement_timeout_ms),
            "lock_timeout": str(settings.lock_timeout_ms),
            "idle_in_transaction_session_timeout": "60000",
            "timezone": "UTC",
        },
    )
    assert pool is not None
    for closed in [known for known in _shares if known.is_closing()]:
        del _shares[closed]
    _shares[pool] = Share(pool.get_max_size(), settings.lock_timeout_ms / 1000)
    return pool


class Share:
    """The part of a pool that may wait for rows: three connections are left to readers and the group commit."""

    def __init__(self, pool_size: int, patience_seconds: float) -> None:
        self.patience_seconds = patience_seconds
        self.places = asyncio.Semaphore(max(1, pool_size - 3))


_shares: dict[Pool, Share] = {}


def share_of(pool: Pool) -> Share:
    """The share of a pool; one that was not opened here waits as long as the settings say without being set."""
    if pool not in _shares:
        _shares[pool] = Share(pool.get_max_size(), Settings.model_fields["lock_timeout_ms"].default / 1000)
    return _shares[pool]


@asynccontextmanager
async def turn(semaphore: asyncio.Semaphore, until: float) -> AsyncIterator[None]:
    """A permit, or LockNotAvailableError when none came free `until` then (the loop's clock)."""
    try:
        async with asyncio.timeout_at(until):
            await semaphore.acquire()
    except TimeoutError:
        raise asyncpg.LockNotAvailableError("too many wait for rows that are locked") from None
    try:
        yield
    finally:
        semaphore.release()


@asynccontextmanager
async def may_wait(pool: Pool) -> AsyncIterator[None]:
    """Around whatever may wait for rows: only so many at once, so that readers always find a connection."""
    share = share_of(pool)
    async with turn(share.places, asyncio.get_running_loop().time() + share.patience_seconds):
        yield


async def _connect(*where: Any, **how: Any) -> Any:
    """Connect; no socket, no such host and no way there are all the same to whoever asks."""
    try:
        return await asyncpg.connect(*where, **how)
    except ConnectionError:
        raise
    except OSError as error:
        raise ConnectionError(str(error)) from error


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=msgspec.json.decode, format="text"
    )


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _no_reset(connection: Connection) -> None:
    """Leave the session as it is."""


WAIT_AT_MOST = "SELECT set_config('lock_timeout', $1, true)"


async def wait_at_most(connection: Connection, milliseconds: int) -> None:
    """Bound every wait for a lock in the transaction that runs."""
    await connection.execute(WAIT_AT_MOST, f"{milliseconds}ms")


UNHURRIED = "SET LOCAL statement_timeout = 0"


async def unhurried(connection: Connection) -> None:
    """Let the statements of the transaction that runs take as long as they take; waits for locks stay bounded."""
    await connection.execute(UNHURRIED)


@asynccontextmanager
async def transaction(pool: Pool, *, unhurried: bool = False) -> AsyncIterator[Connection]:
    """One connection, one transaction: committed when the block ends, before anything is answered.

    A refusal or any other exception rolls back. Routes and jobs open it; verbs only use it. `unhurried`: a statement
    may take as long as it takes, for what runs over all rows.
    """
    async with pool.acquire() as connection, transaction_on(connection):
        if unhurried:
            await connection.execute(UNHURRIED)
        yield connection


@asynccontextmanager
async def one_instant(pool: Pool, *, unhurried: bool = False) -> AsyncIterator[Connection]:
    """Statements that all see the database as it is at the first of them, and change nothing; see `transaction`."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        if unhurried:
            await connection.execute(UNHURRIED)
        yield connection


_once_committed: dict[Connection, list[Callable[[], None]]] = {}


@asynccontextmanager
async def transaction_on(connection: Connection) -> AsyncIterator[None]:
    """The same, on a connection that one has already."""
    callbacks = _once_committed[connection] = []
    try:
        async with connection.transaction():
            yield
    finally:
        del _once_committed[connection]
    for callback in callbacks:
        callback()


def after_commit(connection: Connection, callback: Callable[[], None]) -> None:
    """Call back once the transaction that runs is committed; never when it is rolled back.

    Nor when it was not opened here: then nobody hears of its end.
    """
    if connection in _once_committed:
        _once_committed[connection].append(callback)


HAD_TEMPORARY_TABLES = "SELECT pg_my_temp_schema() <> 0"


@asynccontextmanager
async def own_session(pool: Pool) -> AsyncIterator[Connection]:
    """A connection that is closed afterwards: for temporary tables, session locks, SET without LOCAL.

    Nobody had temporary tables on it before: whoever has may no longer say how much memory they may use.
    """
    while True:
        async with pool.acquire() as connection:
            try:
                if not await connection.fetchval(HAD_TEMPORARY_TABLES):
                    yield connection
                    return
            finally:
                with suppress(TimeoutError):  # then it has been cut off
                    await connection.close(timeout=5)
