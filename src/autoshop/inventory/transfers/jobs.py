"""The job of every five minutes: tell of transfers that should have come."""

from datetime import UTC, datetime

from autoshop.accounts.model import system
from autoshop.inventory.transfers import service
from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log


async def tell_overdue(pool: Pool) -> None:
    """Once for each transfer and shipment."""
    async with transaction(pool) as db:
        late = await service.tell_overdue(db, system("transfers").actor, datetime.now(UTC))
    if late:
        log.info("transfers overdue", transfers=late)
