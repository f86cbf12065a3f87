"""The worker: jobs that wait in the database, and the housekeeping of every hour and night."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from datetime import timedelta

import msgspec
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job, Schedule
from pgqueuer.ports.driver import NotifyCallback

from autoshop.accounts import service as accounts
from autoshop.catalog.imports import jobs as imports
from autoshop.catalog.imports.service import job_of
from autoshop.catalog.search.names import jobs as search
from autoshop.inventory.closing import jobs as closing
from autoshop.inventory.levels import jobs as levels
from autoshop.inventory.periods.service import JOB as BALANCE
from autoshop.inventory.reservations import jobs as reservations
from autoshop.inventory.stock import jobs as stock
from autoshop.inventory.transfers import jobs as transfers
from autoshop.kit import housekeeping
from autoshop.kit.db import Pool, is_gone, open_pool
from autoshop.kit.log import log
from autoshop.kit.settings import Settings
from autoshop.selection.crosses import jobs as crosses
from autoshop.selection.fitment import jobs as fitment
from autoshop.selection.fitment.feedback import jobs as feedback
from autoshop.selection.garage import jobs as garages
from autoshop.selection.memory import jobs as memory
from autoshop.selection.recommendations import jobs as recommendations
from autoshop.warehouse.documents import jobs as documents
from autoshop.warehouse.documents.service import JOB as DOCUMENT
from autoshop.webhooks.outgoing import jobs as webhooks

BEAT_SECONDS = 10
RECONNECT_SECONDS = 2
FINISH_SECONDS = 100  # a job that was begun may end in this time; what is cut short is done again by the next worker
LET_GO_SECONDS = 5
LOOK_AGAIN = timedelta(seconds=10)  # for jobs of which nothing was heard

NAME = f"{socket.gethostname()}:{os.getpid()}"


class Driver(AsyncpgPoolDriver):
    """PgQueuer's, which also says when the connection that listens for new jobs is gone.

    PgQueuer's own probe is not asked: it begins before it listens, and so it fails where jobs are waiting at the start.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.deaf = asyncio.Event()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Listen, and hear of the end."""
        await super().add_listener(channel, callback)
        assert self._listener_connection is not None
        self._listener_connection.add_termination_listener(lambda _connection: self.deaf.set())


def create_worker(driver: Driver, pool: Pool, settings: Settings) -> PgQueuer:
    """All jobs and schedules (UTC). Whatever is listed here must be safe to run twice."""
    queue = PgQueuer(driver)
    _add_jobs(queue, pool)
    _add_minutes(queue, pool, settings)
    _add_nights(queue, pool, settings)
    return queue


def _add_jobs(queue: PgQueuer, pool: Pool) -> None:
    """What somebody asked for, and what takes it up again when nothing was heard of it."""

    @queue.entrypoint(job_of("catalog"), concurrency_limit=1)
    async def import_catalog(job: Job) -> None:
        await imports.import_catalog(pool, msgspec.json.decode(job.payload or b"{}")["run_id"])

    @queue.entrypoint(job_of("crosses"), concurrency_limit=1)
    async def import_crosses(job: Job) -> None:
        await crosses.import_crosses(pool, msgspec.json.decode(job.payload or b"{}")["run_id"])

    @queue.entrypoint(job_of("fitments"), concurrency_limit=1)
    async def import_fitments(job: Job) -> None:
        await fitment.import_fitments(pool, msgspec.json.decode(job.payload or b"{}")["run_id"])

    @queue.schedule("imports_silent", "* * * * *")
    async def imports_silent(_schedule: Schedule) -> None:
        await imports.take_up_again(pool)

    @queue.entrypoint(DOCUMENT)
    async def bulk_document(job: Job) -> None:
        await documents.post_document(pool, msgspec.json.decode(job.payload or b"{}")["document_id"])

    @queue.schedule("documents_silent", "* * * * *")
    async def documents_silent(_schedule: Schedule) -> None:
        await documents.take_up_again(pool)

    @queue.entrypoint(BALANCE, concurrency_limit=1)
    async def balance_period(job: Job) -> None:
        await closing.balance_period(pool, msgspec.json.decode(job.payload or b"{}")["period_id"])

    @queue.schedule("periods_unbalanced", "* * * * *")
    async def periods_unbalanced(_schedule: Schedule) -> None:
        await closing.take_up_again(pool)


def _add_minutes(queue: PgQueuer, pool: Pool, settings: Settings) -> None:
    """What the clock brings about."""

    @queue.schedule("reservations_lapsed", "* * * * *")
    async def reservations_lapsed(_schedule: Schedule) -> None:
        await reservations.let_go_of_lapsed(pool)
        await transfers.drop_unwanted(pool)

    @queue.schedule("transfers_overdue", "*/5 * * * *")
    async def transfers_overdue(_schedule: Schedule) -> None:
        await transfers.tell_overdue(pool)

    @queue.schedule("returns_heard", "* * * * *")
    async def returns_heard(_schedule: Schedule) -> None:
        await feedback.hear_of_returns(pool)

    @queue.schedule("levels_crossed", "* * * * *")
    async def levels_crossed(_schedule: Schedule) -> None:
        await levels.look(pool)

    @queue.schedule("levels_digest", "*/5 * * * *")
    async def levels_digest(_schedule: Schedule) -> None:
        await levels.make_digests(pool, settings.digest_hour)


def _add_nights(queue: PgQueuer, pool: Pool, settings: Settings) -> None:
    """The proofs of the night, and the tidying up."""

    @queue.schedule("nightly_snapshot", "5 0 * * *")
    async def nightly_snapshot(_schedule: Schedule) -> None:
        await stock.nightly_snapshot(pool, settings.snapshot_days)

    @queue.schedule("nightly_check", "30 0 * * *")
    async def nightly_check(_schedule: Schedule) -> None:
        await stock.nightly_check(pool)

    @queue.schedule("nightly_recommendations", "45 1 * * *")
    async def nightly_recommendations(_schedule: Schedule) -> None:
        await recommendations.count_bought_together(pool)

    @queue.schedule("nightly_garages", "15 2 * * *")
    async def nightly_garages(_schedule: Schedule) -> None:
        await garages.sweep(pool)

    @queue.schedule("hourly_tidy", "17 * * * *")
    async def hourly_tidy(_schedule: Schedule) -> None:
        await housekeeping.tidy(pool, settings)
        await accounts.forget_sessions(pool)
        await imports.forget(pool)
        await webhooks.forget(pool, settings)
        await reservations.forget_holders(pool, settings.holder_days)
        await levels.forget(pool)
        await documents.forget(pool)
        await memory.compact(pool)


async def run(settings: Settings) -> None:
    """Work until SIGTERM or Ctrl-C; a job that is under way is finished first.

    The database may go away and come back: then everything on it is let go and taken up anew.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    while not stop.is_set():
        try:
            await _work(settings, stop)
        except Exception as error:
            if not is_gone(error):
                raise
            log.warning("no database", error=repr(error))
        if not stop.is_set():
            await _sleep(stop, RECONNECT_SECONDS)
    log.info("worker stopped", worker=NAME)


async def _work(settings: Settings, stop: asyncio.Event) -> None:
    """Take jobs until told to stop, or until the heart stops or the ears are deaf: then the database is away."""
    pool = await open_pool(settings, name="worker", statement_timeout_ms=60_000)
    driver = Driver(pool)
    queue = create_worker(driver, pool, settings)
    working = asyncio.create_task(queue.run(dequeue_timeout=LOOK_AGAIN), name="jobs")
    beating = asyncio.create_task(_beat(pool), name="heart")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    listening = asyncio.create_task(driver.deaf.wait(), name="ears")
    sending = asyncio.create_task(webhooks.run(pool, settings, queue.shutdown), name="webhooks")
    indexing = asyncio.create_task(search.run(pool, queue.shutdown), name="search")
    log.info("worker started", worker=NAME)
    try:
        tasks = [working, sending, indexing, beating, stopping, listening]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        queue.shutdown.set()
        await asyncio.wait([working, sending, indexing], timeout=FINISH_SECONDS if stop.is_set() else LET_GO_SECONDS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=LET_GO_SECONDS)
        pool.terminate()
    for task in (beating, working, sending, indexing):
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _beat(pool: Pool) -> None:
    """Say every few seconds that this worker lives; raises when the database does not answer."""
    while True:
        async with asyncio.timeout(BEAT_SECONDS):
            await housekeeping.beat(pool, NAME)
        await asyncio.sleep(BEAT_SECONDS)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
