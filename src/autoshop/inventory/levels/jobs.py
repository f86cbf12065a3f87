"""The looks of every minute, and the digests of every morning."""

from datetime import UTC, datetime

from autoshop.inventory.levels import service
from autoshop.inventory.levels.digests import service as digests_service
from autoshop.inventory.levels.digests import store as digests
from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log


async def look(pool: Pool) -> None:
    """Tell of places that fell below their level, or are back, since the last look."""
    async with transaction(pool, unhurried=True) as db:
        looked = await service.look(db)
    if looked is not None and looked[1]:
        log.info("levels crossed", places=looked[0], crossed=looked[1])


async def make_digests(pool: Pool, hour: int, now: datetime | None = None) -> None:
    """For each store whose local hour has come, once a day; each in a transaction of its own."""
    for store_id, day in await digests.due(pool, now or datetime.now(UTC), hour):
        async with transaction(pool, unhurried=True) as db:
            made = await digests_service.make_digest(db, store_id, day)
        if made:
            log.info("digest of levels", store=store_id, day=day.isoformat())


async def forget(pool: Pool) -> None:
    """Remove digests of long ago."""
    await digests.forget(pool)
