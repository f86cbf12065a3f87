"""What the worker does all the time: relay what happened, and send what is due.

A webhook is sent to by one worker at a time, one message after the other, so that what it hears is in order, unless it
wants several at once (`in_flight`); webhooks are sent to side by side. Nothing is locked while the network is waited
for: whoever sends has a lease on the webhook, which a worker that dies does not renew. What it had sent and not marked
is sent once more.
"""

import asyncio
import random
from datetime import UTC, datetime

import httpx

from autoshop.kit.db import BUSY, Pool, transaction
from autoshop.kit.log import log
from autoshop.kit.settings import Settings
from autoshop.webhooks.model import Delivery, Outcome, after_failure
from autoshop.webhooks.outgoing import store
from autoshop.webhooks.outgoing.model import Lease
from autoshop.webhooks.outgoing.relay import relay
from autoshop.webhooks.outgoing.sending import ALL_SECONDS, Line, line_to

LOOK_SECONDS = 0.25
LEASE_SECONDS = 4 * ALL_SECONDS
AT_A_TIME = 50  # messages in one go; then others have their turn
TURN_SECONDS = 30.0
SIDE_BY_SIDE = 50  # receivers


class Sender:
    """Sends for all webhooks that have something due, until told to stop."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._networks = settings.webhook_target_networks
        self._certificates = httpx.create_ssl_context()
        self._turns: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.has_more = asyncio.Event()  # a turn has ended and something is still due: no need to wait before the next

    async def look(self) -> None:
        """Begin with whatever is due. Raises what a turn has raised."""
        self.has_more.clear()
        for turn in [turn for turn in self._turns if turn.done()]:
            self._turns.discard(turn)
            turn.result()
        while len(self._turns) < SIDE_BY_SIDE:
            lease = await store.claim(self._pool, LEASE_SECONDS)
            if lease is None:
                return
            self._turns.add(asyncio.create_task(self._turn(lease), name=f"webhook {lease.id}"))

    async def stop(self) -> None:
        """Finish the messages that are under way."""
        self._stopping = True
        if self._turns:
            await asyncio.wait(self._turns)

    async def _turn(self, lease: Lease) -> None:
        most = AT_A_TIME * lease.in_flight
        due = await store.due(self._pool, lease.id, most)
        left, until = iter(due), asyncio.get_running_loop().time() + TURN_SECONDS
        ends = False
        noting = asyncio.Lock()  # all note in one row: one connection at a time, and the others stay in the pool

        async def send_one_after_the_other(line: Line) -> None:
            nonlocal ends
            while not ends and (delivery := next(left, None)) is not None:
                outcome = await line.send(delivery)
                async with noting:
                    goes_on = await note(self._pool, lease, delivery, outcome, datetime.now(UTC))
                ends = ends or not goes_on or self._stopping or asyncio.get_running_loop().time() > until

        async with line_to(lease, self._networks, self._certificates) as line:
            ended = await asyncio.gather(
                *[send_one_after_the_other(line) for _ in range(lease.in_flight)], return_exceptions=True
            )
        for broken in (one for one in ended if one is not None):
            raise broken  # the lease runs out by itself
        await store.release(self._pool, lease)
        if len(due) == most and not ends:
            self.has_more.set()


async def note(pool: Pool, lease: Lease, delivery: Delivery, outcome: Outcome, now: datetime) -> bool:
    """Write down what came of an attempt; whether the next one may follow at once."""
    async with transaction(pool) as db:
        locked = await store.lock(db, lease.id)
        if locked is None:
            return False
        holder, is_on, health = locked
        if outcome.is_good:
            await store.succeeded(db, lease, delivery, outcome, LEASE_SECONDS)
            if health.failures > 1:
                await store.make_due(db, lease.id)
            return is_on and holder == lease.lease and health.failures == 0
        if holder != lease.lease:  # another sends it by now, and knows better
            return False
        verdict = after_failure(delivery, health, outcome, now, random.uniform(0.8, 1.2))  # noqa: S311
        await store.failed(db, delivery, outcome, verdict, health.failures + 1)
        if is_on and verdict.disabled_reason:
            await store.tell_disabled(db, lease.id, lease.url, verdict.disabled_reason)
    log.warning("webhook failed", webhook_id=lease.id, delivery_id=delivery.id, error=outcome.error)
    if is_on and verdict.disabled_reason:
        log.error("webhook disabled", webhook_id=lease.id, url=lease.url, reason=verdict.disabled_reason)
    return False


async def run(pool: Pool, settings: Settings, stop: asyncio.Event) -> None:
    """Relay and send until told to stop."""
    sender = Sender(pool, settings)
    while not stop.is_set():
        try:
            await relay(pool)
            await sender.look()
        except BUSY as error:
            log.warning("webhooks wait for rows that are locked", error=repr(error))
        await _pause(stop, sender.has_more)
    await sender.stop()


async def _pause(*reasons_to_go_on: asyncio.Event) -> None:
    """A short rest, or none."""
    waiting = [asyncio.create_task(reason.wait()) for reason in reasons_to_go_on]
    await asyncio.wait(waiting, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()


async def forget(pool: Pool, settings: Settings) -> None:
    """Remove deliveries of long ago."""
    await store.forget(pool, settings.outbox_days)
