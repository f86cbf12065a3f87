"""SQL of the way out: how far the outbox was relayed, who sends for which webhook, and what came of it.

Whoever changes a delivery that is sent has the lease of its webhook. The webhook's row is locked before its deliveries.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from autoshop.kit.db import Connection, Pool
from autoshop.kit.outbox import Event
from autoshop.webhooks.model import MOST_WEBHOOKS, Delivery, Health, Outcome, Verdict, Webhook
from autoshop.webhooks.outgoing.model import Lease
from autoshop.webhooks.store import COLUMNS, DELIVERY, delivery_of, webhook_of

# No row is locked: that alone would be a write, several times a second, with nothing to do.
RELAY_ALONE = "SELECT pg_try_advisory_xact_lock('webhook_relay'::regclass::bigint)"
POSITION = "SELECT position FROM webhook_relay"
SAVE_RELAY = "UPDATE webhook_relay SET position = $1"


async def relay_alone(db: Connection) -> bool:
    """Whether nobody else relays; nor does until the transaction ends."""
    return bool(await db.fetchval(RELAY_ALONE))


async def position(db: Connection) -> str:
    """How far the outbox was relayed."""
    known: str = await db.fetchval(POSITION)
    return known


async def save_relay(db: Connection, position: str) -> None:
    """So far it was."""
    await db.execute(SAVE_RELAY, position)


ACTIVE = f"""
SELECT {COLUMNS}
  FROM webhooks
 WHERE active
 ORDER BY id
 LIMIT $1
"""


# As the foreign key of each delivery would: who removes one meanwhile waits, and one that is removed is not there.
ACTIVE_FOR_NOW = ACTIVE + " FOR KEY SHARE"


async def active(db: Connection, *, keep: bool = False) -> list[Webhook]:
    """Those that are switched on; `keep`: nobody removes one until the transaction ends."""
    return [webhook_of(row) for row in await db.fetch(ACTIVE_FOR_NOW if keep else ACTIVE, MOST_WEBHOOKS)]


QUEUE = """
INSERT INTO webhook_deliveries AS d (webhook_id, event_id, topic, payload, happened_at, give_up_at)
SELECT w.webhook_id, o.id, o.topic, o.payload, o.created_at, $4
  FROM unnest($1::bigint[], $2::text[]::xid8[], $3::bigint[]) WITH ORDINALITY AS w (webhook_id, xid, id, turn)
  JOIN outbox AS o ON o.xid = w.xid AND o.id = w.id
 ORDER BY w.turn
    ON CONFLICT (webhook_id, event_id) DO UPDATE
   SET status = 'waiting', attempts = 0, next_at = now(), give_up_at = excluded.give_up_at
 WHERE $5 AND d.status <> 'waiting'
"""


async def queue(db: Connection, wanted: Sequence[tuple[int, Event]], give_up_at: datetime, *, again: bool) -> int:
    """Deliveries of events to webhooks; how many wait now that did not before. `again`: also what was done before."""
    done = await db.execute(
        QUEUE,
        [webhook_id for webhook_id, _ in wanted],
        [str(event.xid) for _, event in wanted],
        [event.id for _, event in wanted],
        give_up_at,
        again,
    )
    return int(done.split()[-1])


# ------------------------------------------------------------------------------------------------ leases
CLAIM = """
UPDATE webhooks
   SET lease = gen_random_uuid(), leased_until = now() + make_interval(secs => $1)
 WHERE id = (SELECT w.id
               FROM webhooks AS w
              WHERE w.active AND w.quiet_until <= now() AND w.leased_until <= now()
                AND EXISTS (SELECT
                              FROM webhook_deliveries AS d
                             WHERE d.webhook_id = w.id AND d.status = 'waiting' AND d.next_at <= now())
              ORDER BY w.leased_until, w.id
              LIMIT 1
                FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, url, secret, CASE WHEN old_secret_until > now() THEN old_secret END AS old_secret, lease,
          in_flight
"""


async def claim(pool: Pool, seconds: float) -> Lease | None:
    """Take a webhook that has something due and that nobody sends for: the one that waits longest."""
    row = await pool.fetchrow(CLAIM, seconds)
    return Lease(**row) if row else None


DUE = f"""
SELECT {DELIVERY}
  FROM webhook_deliveries
 WHERE webhook_id = $1 AND status = 'waiting' AND next_at <= now()
 ORDER BY id
 LIMIT $2
"""


async def due(pool: Pool, webhook_id: int, limit: int) -> list[Delivery]:
    """What is to be sent now, in the order of events."""
    return [delivery_of(row) for row in await pool.fetch(DUE, webhook_id, limit)]


RELEASE = "UPDATE webhooks SET lease = NULL, leased_until = now() WHERE id = $1 AND lease = $2"


async def release(pool: Pool, lease: Lease) -> None:
    """Let others send."""
    await pool.execute(RELEASE, lease.id, lease.lease)


# ------------------------------------------------------------------------------------------------ outcomes
# What was under way beside a message that failed, and failed as well, is the same failure: the receiver was away once.
LOCK = """
SELECT lease, active, failures - CASE WHEN quiet_until > now() AND failures > 0 THEN 1 ELSE 0 END AS failures,
       failing_since
  FROM webhooks
 WHERE id = $1
   FOR NO KEY UPDATE
"""


async def lock(db: Connection, webhook_id: int) -> tuple[UUID | None, bool, Health] | None:
    """Who sends for a webhook, whether it is on, and how it was doing before this; None where it is gone."""
    row = await db.fetchrow(LOCK, webhook_id)
    return (row["lease"], row["active"], Health(row["failures"], row["failing_since"])) if row else None


SUCCEEDED = """
UPDATE webhooks
   SET delivered = delivered + 1, failures = 0, failing_since = NULL, quiet_until = '-infinity',
       leased_until = CASE WHEN lease = $2 THEN now() + make_interval(secs => $3) ELSE leased_until END
 WHERE id = $1
"""
DELIVERED = """
UPDATE webhook_deliveries
   SET status = 'delivered', attempts = attempts + 1, last_status = $2, last_error = NULL, last_ms = $3, last_at = now()
 WHERE id = $1
"""
# The receiver is back: what it missed is due, in its order.
DUE_AGAIN = """
UPDATE webhook_deliveries
   SET next_at = now()
 WHERE webhook_id = $1 AND status = 'waiting' AND attempts > 0 AND next_at > now()
"""


async def succeeded(db: Connection, lease: Lease, delivery: Delivery, outcome: Outcome, seconds: float) -> None:
    """It got through; the lease goes on."""
    await db.execute(SUCCEEDED, lease.id, lease.lease, seconds)
    await db.execute(DELIVERED, delivery.id, outcome.status, outcome.milliseconds)


async def make_due(db: Connection, webhook_id: int) -> None:
    """Everything that waits for its next attempt."""
    await db.execute(DUE_AGAIN, webhook_id)


FAILED = """
UPDATE webhooks
   SET failed = failed + 1, failures = $4, failing_since = coalesce(failing_since, now()), quiet_until = $2,
       active = active AND $3::text IS NULL,
       disabled_reason = CASE WHEN active THEN $3 ELSE disabled_reason END,
       version = version + CASE WHEN active AND $3::text IS NOT NULL THEN 1 ELSE 0 END
 WHERE id = $1
"""
NOT_DELIVERED = """
UPDATE webhook_deliveries
   SET status = CASE WHEN $2 THEN 'dead' ELSE 'waiting' END, attempts = attempts + 1, next_at = $3, last_status = $4,
       last_error = $5, last_ms = $6, last_at = now()
 WHERE id = $1 AND status = 'waiting'
"""


async def failed(db: Connection, delivery: Delivery, outcome: Outcome, verdict: Verdict, failures: int) -> None:
    """It did not; `failures` in a row by now."""
    await db.execute(FAILED, delivery.webhook_id, verdict.quiet_until, verdict.disabled_reason, failures)
    await db.execute(
        NOT_DELIVERED,
        delivery.id,
        verdict.is_last,
        verdict.next_at,
        outcome.status,
        outcome.error,
        outcome.milliseconds,
    )


TELL_DISABLED = """
INSERT INTO outbox (topic, payload)
VALUES ('webhooks.disabled', jsonb_build_object('webhook_id', $1::bigint, 'url', $2::text, 'reason', $3::text))
"""


async def tell_disabled(db: Connection, webhook_id: int, url: str, reason: str) -> None:
    """An event for whoever watches."""
    await db.execute(TELL_DISABLED, webhook_id, url, reason)


FORGET = """
DELETE FROM webhook_deliveries
 WHERE created_at < now() - make_interval(days => $1)
   AND (status <> 'waiting' OR give_up_at < now() - make_interval(days => $1))
"""


async def forget(db: Connection | Pool, days: int) -> None:
    """Remove what was done, or given up, long ago."""
    await db.execute(FORGET, days)
