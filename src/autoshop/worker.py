"""The worker: jobs that wait in the database, and the housekeeping of every hour and night."""

import asyncio
import os
import signal
import socket

from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Schedule

from autoshop.accounts import service as accounts
from autoshop.inventory.stock import jobs as stock
from autoshop.kit import housekeeping
from autoshop.kit.db import Pool, open_pool
from autoshop.kit.log import log
from autoshop.kit.settings import Settings

NAME = f"{socket.gethostname()}:{os.getpid()}"


def create_worker(pool: Pool, settings: Settings) -> PgQueuer:
    """All jobs and schedules (UTC). Whatever is listed here must be safe to run twice."""
    queue = PgQueuer(AsyncpgPoolDriver(pool))

    @queue.schedule("nightly_snapshot", "5 0 * * *")
    async def nightly_snapshot(_schedule: Schedule) -> None:
        await stock.nightly_snapshot(pool, settings.snapshot_days)

    @queue.schedule("nightly_check", "30 0 * * *")
    async def nightly_check(_schedule: Schedule) -> None:
        await stock.nightly_check(pool)

    @queue.schedule("hourly_tidy", "17 * * * *")
    async def hourly_tidy(_schedule: Schedule) -> None:
        await housekeeping.tidy(pool, settings)
        await accounts.forget_sessions(pool)

    return queue


async def run(settings: Settings) -> None:
    """Work until SIGTERM or Ctrl-C; a job that is under way is finished first."""
    pool = await open_pool(settings, name="worker", statement_timeout_ms=60_000)
    queue = create_worker(pool, settings)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, queue.shutdown.set)
    heart = asyncio.create_task(_beat(pool))
    log.info("worker started", worker=NAME)
    try:
        await queue.run()
    finally:
        heart.cancel()
        await pool.close()
        log.info("worker stopped", worker=NAME)


async def _beat(pool: Pool) -> None:
    while True:
        try:
            await housekeeping.beat(pool, NAME)
        except Exception as error:  # the database may be away; the next beat tells again
            log.warning("no heartbeat", error=repr(error))
        await asyncio.sleep(10)
