"""Every five minutes: tell of transfers that should have come. Every minute: ask no more for what no order wants."""

from datetime import UTC, datetime

from autoshop.accounts.model import system
from autoshop.inventory.transfers import service
from autoshop.inventory.transfers.orders import service as orders
from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log


async def tell_overdue(pool: Pool) -> None:
    """Once for each transfer and shipment."""
    async with transaction(pool) as db:
        late = await service.tell_overdue(db, system("transfers").actor, datetime.now(UTC))
    if late:
        log.info("transfers overdue", transfers=late)


async def drop_unwanted(pool: Pool) -> None:
    """Orders lapse without anybody doing anything; whoever was asked to send their pieces hears of it here."""
    async with transaction(pool) as db:
        dropped = await orders.drop_unwanted(db, system("transfers").actor)
    if dropped:
        log.info("transfers no longer wanted", transfers=dropped)
