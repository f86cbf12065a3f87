"""The job of every minute: lapsed holds are let go, so that `inventory.reserved` says what is held."""

from autoshop.inventory.reservations import service
from autoshop.kit.db import Pool
from autoshop.kit.log import log


async def let_go_of_lapsed(pool: Pool) -> None:
    """They count for nothing already; this writes it down and tells whoever watches."""
    async with pool.acquire() as db:
        places = await service.let_go_of_all_lapsed(db)
    if places:
        log.info("reservations lapsed", places=places)
