"""What the worker does all the time: relay what happened, and send what is due.

A webhook is sent to by one worker at a time, one message after the other, so that what it hears is in order; webhooks
are sent to side by side. Nothing is locked while the network is waited for: whoever sends has a lease on the webhook,
which a worker that dies does not renew. What it had sent and not marked is sent once more.
"""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime

import httpx

from autoshop.kit.db import BUSY, Pool, transaction
from autoshop.kit.log import log
from autoshop.kit.settings import Settings
from autoshop.webhooks.model import Delivery, Outcome, after_failure
from autoshop.webhooks.outgoing import store
from autoshop.webhooks.outgoing.model import Lease
from autoshop.webhooks.outgoing.relay import relay
from autoshop.webhooks.outgoing.sending import ALL_SECONDS, line_to

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

    async def look(self) -> None:
        """Begin with whatever is due. Raises what a turn has raised."""
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
        until = asyncio.get_running_loop().time() + TURN_SECONDS
        async with line_to(lease, self._networks, self._certificates) as line:
            for delivery in await store.due(self._pool, lease.id, AT_A_TIME):
                outcome = await line.send(delivery)
                goes_on = await note(self._pool, lease, delivery, outcome, datetime.now(UTC))
                if not goes_on or self._stopping or asyncio.get_running_loop().time() > until:
                    break
        await store.release(self._pool, lease)


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
        await store.failed(db, delivery, outcome, verdict)
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
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
    await sender.stop()


async def forget(pool: Pool, settings: Settings) -> None:
    """Remove deliveries of long ago."""
    await store.forget(pool, settings.outbox_days)
