"""Jobs of the night: freeze the stock, recount the ledger. Both may run twice."""

from datetime import UTC, datetime

from autoshop.inventory.stock import service, store
from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log


async def nightly_snapshot(pool: Pool, snapshot_days: int) -> None:
    """Freeze the stock as of the last midnight UTC, and thin out old snapshots."""
    taken_at = service.midnight_before(datetime.now(UTC))
    rows = await service.take_snapshot(pool, taken_at)
    async with transaction(pool, unhurried=True) as db:
        await store.forget_snapshots(db, snapshot_days)
    log.info("snapshot", taken_at=taken_at.isoformat(), rows=rows)


async def nightly_check(pool: Pool) -> None:
    """Recount the ledger; a difference is an error in the log and a metric that alerts."""
    check = await service.check_ledger(pool)
    write = log.error if check.differences else log.info
    write("ledger check", rows=check.row_count, differences=check.differences, examples=check.examples)
