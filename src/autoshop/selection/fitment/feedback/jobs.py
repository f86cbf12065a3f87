"""The job that hears returns. It may run twice: what a line of a return says is kept once."""

from autoshop.kit.db import Pool, transaction
from autoshop.selection.fitment.feedback import service


async def hear_of_returns(pool: Pool) -> None:
    """Some hundreds at a time, until all are heard."""
    more = True
    while more:
        async with transaction(pool) as db:
            more = await service.hear(db)
