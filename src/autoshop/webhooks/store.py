"""SQL of subscriptions and of what each is to be told, as people see them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from autoshop.kit.db import Connection
from autoshop.kit.outbox import Event, Position, read_position
from autoshop.webhooks.model import Delivery, Webhook

COLUMNS = """id, url, note, topics, store_ids, product_ids, active, in_flight, disabled_reason, since, actor,
       created_at, updated_at, CASE WHEN old_secret_until > now() THEN old_secret_until END AS old_secret_until,
       failing_since, delivered, failed, version"""

ADD = f"""
INSERT INTO webhooks (url, note, topics, store_ids, product_ids, in_flight, secret, actor, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING {COLUMNS}
"""
# Two who add the last one that is allowed: the second counts what the first has committed.
ONE_AT_A_TIME = "LOCK TABLE webhooks IN SHARE ROW EXCLUSIVE MODE"
COUNT = "SELECT count(*) FROM webhooks"


async def add(db: Connection, wish: Mapping[str, Any], secret: str, actor: str, since: Position) -> Webhook:
    """A new subscription, to what is committed from a position on."""
    fields = ("url", "note", "topics", "store_ids", "product_ids", "in_flight")
    return webhook_of(await db.fetchrow(ADD, *(wish[name] for name in fields), secret, actor, str(since)))


async def count_alone(db: Connection) -> int:
    """How many there are; nobody else adds one until the transaction ends."""
    await db.execute(ONE_AT_A_TIME)
    count: int = await db.fetchval(COUNT)
    return count


FIND = f"SELECT {COLUMNS} FROM webhooks WHERE id = $1"
LOCK = FIND + " FOR NO KEY UPDATE"


async def find(db: Connection, webhook_id: int, *, lock: bool = False) -> Webhook | None:
    """A subscription; `lock` holds it until the transaction ends."""
    row = await db.fetchrow(LOCK if lock else FIND, webhook_id)
    return webhook_of(row) if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM webhooks
 WHERE id > $1
 ORDER BY id
 LIMIT $2
"""


async def list_page(db: Connection, after_id: int, limit: int) -> list[Webhook]:
    """In the order in which they were made."""
    return [webhook_of(row) for row in await db.fetch(LIST, after_id, limit)]


# Whoever switches it on wishes that it is tried at once; another URL is another receiver.
CHANGE = f"""
UPDATE webhooks
   SET url = $2, note = $3, topics = $4, store_ids = $5, product_ids = $6, active = $7, disabled_reason = NULL,
       failures = CASE WHEN $7 AND (NOT active OR url <> $2) THEN 0 ELSE failures END,
       failing_since = CASE WHEN $7 AND (NOT active OR url <> $2) THEN NULL ELSE failing_since END,
       quiet_until = CASE WHEN $7 AND (NOT active OR url <> $2) THEN '-infinity' ELSE quiet_until END,
       since = CASE WHEN $7 AND NOT active THEN $9 ELSE since END, in_flight = $8,
       updated_at = now(), version = version + 1
 WHERE id = $1
RETURNING {COLUMNS}
"""


async def change(db: Connection, webhook_id: int, wish: Mapping[str, Any], now: Position) -> Webhook:
    """Write all fields that can be changed; what is switched on is told from this position on."""
    fields = ("url", "note", "topics", "store_ids", "product_ids", "active", "in_flight")
    return webhook_of(await db.fetchrow(CHANGE, webhook_id, *(wish[name] for name in fields), str(now)))


ROTATE = f"""
UPDATE webhooks
   SET secret = $2, old_secret = CASE WHEN $3::interval > '0' THEN secret END,
       old_secret_until = CASE WHEN $3::interval > '0' THEN now() + $3 END,
       updated_at = now(), version = version + 1
 WHERE id = $1
RETURNING {COLUMNS}
"""


async def rotate(db: Connection, webhook_id: int, secret: str, overlap: timedelta) -> Webhook:
    """A new secret; the old one signs as well for a while."""
    return webhook_of(await db.fetchrow(ROTATE, webhook_id, secret, overlap))


REMOVE = "DELETE FROM webhooks WHERE id = $1"


async def remove(db: Connection, webhook_id: int) -> None:
    """With everything that waits for it."""
    await db.execute(REMOVE, webhook_id)


WAKE = "UPDATE webhooks SET quiet_until = '-infinity' WHERE id = $1"


async def wake(db: Connection, webhook_id: int) -> None:
    """Somebody wants it tried now, whatever failed before."""
    await db.execute(WAKE, webhook_id)


# ------------------------------------------------------------------------------------------------ deliveries
DELIVERY = """id, webhook_id, event_id, topic, payload, happened_at, status, attempts, next_at, give_up_at, last_status,
       last_error, last_ms, last_at, created_at"""

ADD_PING = f"""
INSERT INTO webhook_deliveries (webhook_id, topic, payload, happened_at, give_up_at)
VALUES ($1, $2, $3, $4, $5)
RETURNING {DELIVERY}
"""


async def add_ping(
    db: Connection, webhook_id: int, topic: str, payload: Mapping[str, Any], now: datetime, give_up_at: datetime
) -> Delivery:
    """A message of which no event is the reason."""
    return delivery_of(await db.fetchrow(ADD_PING, webhook_id, topic, payload, now, give_up_at))


FIND_DELIVERY = f"SELECT {DELIVERY} FROM webhook_deliveries WHERE webhook_id = $1 AND id = $2"
LIST_DELIVERIES = f"""
SELECT {DELIVERY}
  FROM webhook_deliveries
 WHERE webhook_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3
"""
LIST_DELIVERIES_BY_STATUS = f"""
SELECT {DELIVERY}
  FROM webhook_deliveries
 WHERE webhook_id = $1 AND status = $4 AND id < $2
 ORDER BY id DESC
 LIMIT $3
"""


async def find_delivery(db: Connection, webhook_id: int, delivery_id: int) -> Delivery | None:
    """One delivery of a webhook."""
    row = await db.fetchrow(FIND_DELIVERY, webhook_id, delivery_id)
    return delivery_of(row) if row else None


async def list_deliveries(
    db: Connection, webhook_id: int, status: str | None, before_id: int, limit: int
) -> list[Delivery]:
    """Newest first."""
    if status is None:
        return [delivery_of(row) for row in await db.fetch(LIST_DELIVERIES, webhook_id, before_id, limit)]
    rows = await db.fetch(LIST_DELIVERIES_BY_STATUS, webhook_id, before_id, limit, status)
    return [delivery_of(row) for row in rows]


AGAIN = f"""
UPDATE webhook_deliveries
   SET status = 'waiting', attempts = 0, next_at = now(), give_up_at = $2
 WHERE id = $1
RETURNING {DELIVERY}
"""


async def deliver_again(db: Connection, delivery_id: int, give_up_at: datetime) -> Delivery:
    """As if it had not been tried."""
    return delivery_of(await db.fetchrow(AGAIN, delivery_id, give_up_at))


HAPPENED = """
SELECT xid, id, topic, payload, created_at
  FROM outbox
 WHERE created_at >= $1 AND created_at < $2
 ORDER BY xid, id
 LIMIT $3
"""


async def happened(db: Connection, since: datetime, until: datetime, limit: int) -> list[Event]:
    """Events of a stretch of time that the outbox still has."""
    rows = await db.fetch(HAPPENED, since, until, limit)
    return [Event(int(row["xid"]), *list(row.values())[1:]) for row in rows]


def webhook_of(row: Any) -> Webhook:
    """A row of COLUMNS."""
    fields = dict(row)
    for name in ("topics", "store_ids", "product_ids"):
        fields[name] = None if fields[name] is None else tuple(fields[name])
    return Webhook(**{**fields, "since": read_position(fields["since"])})


def delivery_of(row: Any) -> Delivery:
    """A row of DELIVERY."""
    return Delivery(**row)
