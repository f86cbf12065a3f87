"""The job of the hour: many marks of changes become one. It may run twice."""

from autoshop.kit.db import Pool, transaction
from autoshop.selection.memory import store


async def compact(pool: Pool) -> None:
    """The state stays the same, and is read as quickly as before."""
    async with transaction(pool) as db:
        await store.compact(db)
