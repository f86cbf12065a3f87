"""The job of the night: what is bought together. It may run twice."""

from datetime import UTC, datetime

from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log
from autoshop.selection.recommendations import service


async def count_bought_together(pool: Pool) -> None:
    """Count anew from the sales of two years."""
    async with transaction(pool, unhurried=True) as db:
        pairs = await service.recount(db, datetime.now(UTC))
    log.info("bought together", pairs=pairs)
