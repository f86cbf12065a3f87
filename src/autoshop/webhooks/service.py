"""Verbs: subscribe, change, rotate the secret, try it, deliver again, replay."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.kit import outbox
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.etag import changed_meanwhile
from autoshop.kit.settings import Network
from autoshop.webhooks import store
from autoshop.webhooks.model import (
    GIVE_UP,
    MOST_REPLAYED,
    MOST_WEBHOOKS,
    PING,
    Delivery,
    TooManyWebhooks,
    TooMuchToReplay,
    UnknownDelivery,
    UnknownWebhook,
    Webhook,
    WebhookIsOff,
    secret_text,
)
from autoshop.webhooks.outgoing import store as outgoing
from autoshop.webhooks.targets import check_url

FIELDS = ("url", "note", "topics", "store_ids", "product_ids", "active", "in_flight")


async def add(
    db: Connection, caller: Caller, wish: Mapping[str, Any], networks: tuple[Network, ...]
) -> tuple[Webhook, str]:
    """Subscribe; the webhook and its secret, which is told this once. It hears of what is committed from now on."""
    caller.must_act_for_all()
    check_url(wish["url"], networks)
    if await store.count_alone(db) >= MOST_WEBHOOKS:
        raise TooManyWebhooks(most_webhooks=MOST_WEBHOOKS)
    secret = _new_secret()
    webhook = await store.add(db, wish, secret, caller.actor, await outbox.position(db))
    await audit(db, caller, "add", f"webhook:{webhook.id}", None, _told(webhook))
    return webhook, secret


async def get_webhook(db: Connection, webhook_id: int, *, lock: bool = False) -> Webhook:
    """The webhook, or a refusal."""
    webhook = await store.find(db, webhook_id, lock=lock)
    if webhook is None:
        raise UnknownWebhook(webhook_id=webhook_id)
    return webhook


async def change(
    db: Connection,
    caller: Caller,
    webhook_id: int,
    version: int,
    changes: Mapping[str, Any],
    networks: tuple[Network, ...],
) -> Webhook:
    """Change what is still as it was read. Switched off it hears nothing, and nothing is kept for it."""
    caller.must_act_for_all()
    webhook = await get_webhook(db, webhook_id, lock=True)
    if webhook.version != version:
        raise changed_meanwhile("webhook", webhook.version, changes, _told(webhook))
    if "url" in changes:
        check_url(changes["url"], networks)
    changed = await store.change(db, webhook_id, {**_told(webhook), **changes}, await outbox.position(db))
    await audit(db, caller, "change", f"webhook:{webhook_id}", _told(webhook), _told(changed))
    return changed


async def remove(db: Connection, caller: Caller, webhook_id: int) -> None:
    """Unsubscribe, with everything that waits."""
    caller.must_act_for_all()
    webhook = await get_webhook(db, webhook_id, lock=True)
    await store.remove(db, webhook_id)
    await audit(db, caller, "remove", f"webhook:{webhook_id}", _told(webhook), None)


async def rotate_secret(db: Connection, caller: Caller, webhook_id: int, overlap: timedelta) -> tuple[Webhook, str]:
    """A new secret; for a while the old one signs as well, so that the receiver can change over."""
    caller.must_act_for_all()
    await get_webhook(db, webhook_id, lock=True)
    secret = _new_secret()
    webhook = await store.rotate(db, webhook_id, secret, overlap)
    await audit(
        db, caller, "rotate secret", f"webhook:{webhook_id}", None, {"overlap_hours": overlap / timedelta(hours=1)}
    )
    return webhook, secret


async def ping(db: Connection, caller: Caller, webhook_id: int, text: str | None, now: datetime) -> Delivery:
    """Have a message sent that means nothing; its delivery tells how it went."""
    await _ready(db, caller, webhook_id)
    return await store.add_ping(db, webhook_id, PING, {"text": text}, now, now + GIVE_UP)


async def deliver_again(
    db: Connection, caller: Caller, webhook_id: int, delivery_id: int, reason: str | None, now: datetime
) -> Delivery:
    """Send one message once more, whether it got through or was given up."""
    await _ready(db, caller, webhook_id)
    if await store.find_delivery(db, webhook_id, delivery_id) is None:
        raise UnknownDelivery(webhook_id=webhook_id, delivery_id=delivery_id)
    await audit(db, caller, "redeliver", f"webhook:{webhook_id}", None, {"delivery_id": delivery_id, "reason": reason})
    return await store.deliver_again(db, delivery_id, now + GIVE_UP)


async def replay(
    db: Connection, caller: Caller, webhook_id: int, since: datetime, until: datetime, now: datetime
) -> int:
    """Send everything of a stretch of time that it wants, also what got through; how many messages wait anew."""
    if since >= until:
        raise Invalid("to: must be later than `from`", errors=[wrong("to", "must be later than `from`")])
    webhook = await _ready(db, caller, webhook_id)
    events = await store.happened(db, since, until, MOST_REPLAYED + 1)
    if len(events) > MOST_REPLAYED:
        raise TooMuchToReplay(most_events=MOST_REPLAYED)
    wanted = [(webhook_id, event) for event in events if webhook.wants(event)]
    queued = await outgoing.queue(db, wanted, now + GIVE_UP, again=True) if wanted else 0
    facts = {"from": since.isoformat(), "to": until.isoformat(), "queued": queued}
    await audit(db, caller, "replay", f"webhook:{webhook_id}", None, facts)
    return queued


async def _ready(db: Connection, caller: Caller, webhook_id: int) -> Webhook:
    """The webhook, which is on and is tried at once, whatever failed before."""
    caller.must_act_for_all()
    webhook = await get_webhook(db, webhook_id, lock=True)
    if not webhook.active:
        raise WebhookIsOff(webhook_id=webhook_id)
    await store.wake(db, webhook_id)
    return webhook


def _new_secret() -> str:
    return secret_text(secrets.token_bytes(32))


def _told(webhook: Webhook) -> dict[str, Any]:
    return {name: value for name, value in asdict(webhook).items() if name in FIELDS}
