"""The job that follows the closing of a period. It may run twice."""

from autoshop.inventory.periods import service as periods
from autoshop.inventory.value import service
from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log


async def balance_period(pool: Pool, period_id: int) -> None:
    """Write the closing balances, once."""
    rows = await service.write_balances(pool, period_id)
    if rows is not None:
        log.info("period closed", period_id=period_id, rows=rows)


async def take_up_again(pool: Pool) -> None:
    """Enqueue what a worker left lying."""
    async with transaction(pool) as db:
        await periods.take_up_again(db)
