"""Every minute what has lapsed is let go, so that `inventory.reserved` says what is held; every hour old names."""

from autoshop.inventory.reservations import service
from autoshop.kit.db import Pool
from autoshop.kit.log import log


async def let_go_of_lapsed(pool: Pool) -> None:
    """They count for nothing already; this writes it down and tells whoever watches."""
    async with pool.acquire() as db:
        places = await service.let_go_of_all_lapsed(db)
    if places:
        log.info("reservations lapsed", places=places)


async def forget_holders(pool: Pool, days: int) -> None:
    """Whom pieces were held for is nobody's business any more, months after the hold ended."""
    async with pool.acquire() as db:
        count = await service.forget_holders(db, days)
    if count:
        log.info("holders forgotten", reservations=count)
