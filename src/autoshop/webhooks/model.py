"""Who wants to hear of what, when a message is tried again, and how it is signed. Pure rules."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from autoshop.kit.errors import Conflict, NotFound
from autoshop.kit.outbox import Event, Position

Status = Literal["waiting", "delivered", "dead"]

MOST_WEBHOOKS = 100  # the relay asks each of them about each event
MOST_IN_FLIGHT = 16
MOST_REPLAYED = 10_000
PING = "ping"
TOPIC = r"^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$"
SECRET_PREFIX = "whsec_"

FIRST_WAIT = timedelta(seconds=5)
MOST_WAIT = timedelta(hours=6)
MOST_QUIET = timedelta(minutes=10)  # a receiver that is back is found within this time
GIVE_UP = timedelta(days=3)  # one message; and a receiver that takes none of them is told no more
GONE = 410


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription. `since`: told is what that position did not see. `failing_since`: nothing got through since."""

    id: int
    url: str
    note: str | None
    topics: tuple[str, ...]
    store_ids: tuple[int, ...] | None
    product_ids: tuple[int, ...] | None
    active: bool
    in_flight: int
    disabled_reason: str | None
    since: Position
    actor: str
    created_at: datetime
    updated_at: datetime
    old_secret_until: datetime | None
    failing_since: datetime | None
    delivered: int
    failed: int
    version: int

    def hears(self, event: Event) -> bool:
        """Whether it is told of a new event: one that was committed before it was switched on was never for it."""
        return not self.since.saw(event.xid) and self.wants(event)

    def wants(self, event: Event) -> bool:
        """Whether an event is for it; one that names no store or product is for everybody who wants its topic."""
        return any(_covers(topic, event.topic) for topic in self.topics) and (
            _overlaps(self.store_ids, event.store_ids) and _overlaps(self.product_ids, event.product_ids)
        )


def _covers(pattern: str, topic: str) -> bool:
    return pattern in ("*", topic) or (pattern.endswith(".*") and topic.startswith(pattern[:-1]))


def _overlaps(wanted: tuple[int, ...] | None, named: frozenset[int] | None) -> bool:
    return wanted is None or named is None or not named.isdisjoint(wanted)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook. `event_id` None: a ping."""

    id: int
    webhook_id: int
    event_id: int | None
    topic: str
    payload: dict[str, Any]
    happened_at: datetime
    status: Status
    attempts: int
    next_at: datetime
    give_up_at: datetime
    last_status: int | None
    last_error: str | None
    last_ms: int | None
    last_at: datetime | None
    created_at: datetime

    @property
    def message_id(self) -> str:
        """The same however often it is sent: a receiver that knows it has done this already."""
        return f"ping_{self.id}" if self.event_id is None else f"evt_{self.event_id}"

    def body(self) -> bytes:
        """What is sent: the event with its id."""
        return msgspec.json.encode(
            {"id": self.message_id, "type": self.topic, "timestamp": self.happened_at, "data": self.payload}
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: the status of the answer, or why there was none."""

    status: int | None
    error: str | None
    milliseconds: int

    @property
    def is_good(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class Health:
    """How a webhook has been doing: attempts in a row that failed, and since when."""

    failures: int
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means for the message and for the webhook. `disabled_reason` None: it goes on."""

    is_last: bool
    next_at: datetime
    quiet_until: datetime
    disabled_reason: str | None


def after_failure(delivery: Delivery, health: Health, outcome: Outcome, now: datetime, jitter: float) -> Verdict:
    """When the message is tried again, and when the receiver is.

    Both wait longer after each failure. At first they wait equally long, so that after a short outage everything comes
    in its order; later the receiver is tried more often than this one message, which may be what it stumbles over.
    `jitter` (0.8 to 1.2) keeps those who failed together from coming back together.
    """
    wait = _wait(delivery.attempts + 1) * jitter
    quiet = min(_wait(health.failures + 1) * jitter, MOST_QUIET)
    reason = None
    if outcome.status == GONE:
        reason = "the receiver answered 410: it is gone"
    elif health.failing_since is not None and now - health.failing_since >= GIVE_UP:
        reason = f"nothing has got through for {GIVE_UP.days} days; the last time: {outcome.error}"
    return Verdict(now + wait > delivery.give_up_at, now + wait, now + quiet, reason)


def _wait(failures: int) -> timedelta:
    """5 s, 15 s, 45 s … 6 h."""
    wait: timedelta = min(FIRST_WAIT * 3 ** min(failures - 1, 20), MOST_WAIT)
    return wait


def secret_text(key: bytes) -> str:
    """A secret as people copy it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signature(secrets: list[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one for each secret that is valid now, with blanks between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix(SECRET_PREFIX)) for secret in secrets]
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)


class UnknownWebhook(NotFound):
    title = "Unknown webhook"

    def explain(self) -> str:
        return f"There is no webhook {self.facts['webhook_id']}"


class UnknownDelivery(NotFound):
    title = "Unknown delivery"

    def explain(self) -> str:
        return f"Webhook {self.facts['webhook_id']} has no delivery {self.facts['delivery_id']}"


class TooManyWebhooks(Conflict):
    title = "Too many webhooks"

    def explain(self) -> str:
        return f"There are {self.facts['most_webhooks']} already; remove one that nobody needs"


class WebhookIsOff(Conflict):
    title = "The webhook is switched off"

    def explain(self) -> str:
        return f"Nothing is sent to webhook {self.facts['webhook_id']}. Change it to active first"


class TooMuchToReplay(Conflict):
    title = "Too much to replay"

    def explain(self) -> str:
        return f"More than {self.facts['most_events']} events lie between these moments: ask for a shorter time"
