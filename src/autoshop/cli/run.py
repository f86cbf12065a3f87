"""How a command gets its database: one pool for as long as it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import typer

from autoshop.dev import database_beside
from autoshop.kit import log
from autoshop.kit.db import Pool, is_gone, open_pool
from autoshop.kit.settings import settings

T = TypeVar("T")

# The address names nothing that lets us in.
NO_WAY_IN = (
    OSError,
    ValueError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
)


def with_pool(work: Callable[[Pool], Awaitable[T]]) -> T:
    """Run `work` with a pool on AUTOSHOP_DATABASE_URL, or on the database of the `bin/dev` that runs here.

    Statements have no time limit.
    """
    config = settings()
    if not config.database_url and (beside := database_beside()) is not None:
        config = config.model_copy(update={"database_url": beside})
    log.configure("warning", "console")

    async def run() -> T:
        try:
            pool = await open_pool(config, name="command", statement_timeout_ms=24 * 3600 * 1000)
        except Exception as error:
            if not is_gone(error) and not isinstance(error, NO_WAY_IN):
                raise
            typer.secho(f"The database does not answer: {error}. Is AUTOSHOP_DATABASE_URL right?", fg="red", err=True)
            raise SystemExit(1) from None
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())
