"""The job of the night: what nobody will come back for. It may run twice."""

from datetime import UTC, datetime

from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log
from autoshop.selection.garage import store
from autoshop.selection.garage.model import FORGOTTEN_AFTER, PUT_BACK_WITHIN

AT_ONCE = 1_000


async def sweep(pool: Pool, now: datetime | None = None) -> None:
    """Cars that were taken out a day ago, and garages of browsers that were not opened for 400 days."""
    now = now or datetime.now(UTC)
    cars = garages = 0
    while True:
        async with transaction(pool, unhurried=True) as db:
            gone, unseen = await store.sweep(db, now - PUT_BACK_WITHIN, now - FORGOTTEN_AFTER, AT_ONCE)
        cars, garages = cars + gone, garages + unseen
        if gone < AT_ONCE and unseen < AT_ONCE:
            break
    if cars or garages:
        log.info("garages swept", cars=cars, garages=garages)
