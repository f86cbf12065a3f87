"""Routes: subscribe another program to what happens, and see what became of each message."""

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfMatch, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Id, Moment, PathId, YesNo, changes_in
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.settings import Network
from autoshop.kit.text import NO_NUL, NOT_BLANK
from autoshop.webhooks import service, store
from autoshop.webhooks.model import MOST_IN_FLIGHT, TOPIC, Delivery, Status, Webhook
from autoshop.webhooks.targets import MOST_CHARACTERS

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
RIGHT = "webhooks:write"

Url = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, pattern=NOT_BLANK)]
Note = Annotated[str | None, Field(max_length=200, pattern=NO_NUL)]


def _topic(text: str) -> str:
    if not re.fullmatch(TOPIC, text):
        raise ValueError("must be a topic such as inventory.movement, or inventory.*, or *")
    return text


Topic = Annotated[str, AfterValidator(_topic), Field(max_length=100, json_schema_extra={"pattern": TOPIC})]
Topics = Annotated[list[Topic], Field(min_length=1, max_length=50)]
Ids = Annotated[list[Id] | None, Field(min_length=1, max_length=1000)]
InFlight = Annotated[int, Field(ge=1, le=MOST_IN_FLIGHT, strict=True)]
LAST = 2**63 - 1


class WebhookIn(BaseModel, extra="forbid"):
    """`topics` as in the outbox: `inventory.movement`, or `inventory.*`, or `*`. Without stores or products: all.

    `in_flight` messages are under way at once; with 1 they come in order, one after the other.
    """

    url: Url
    topics: Topics
    store_ids: Ids = None
    product_ids: Ids = None
    note: Note = None
    in_flight: InFlight = 1


class WebhookChange(BaseModel, extra="forbid"):
    url: Url | None = None
    topics: Topics | None = None
    store_ids: Ids = None
    product_ids: Ids = None
    note: Note = None
    active: YesNo | None = None
    in_flight: InFlight | None = None


class WebhookOut(BaseModel):
    """`failing_since`: nothing has got through since then. `disabled_reason`: it was switched off because of that."""

    id: int
    url: str
    note: str | None
    topics: list[str]
    store_ids: list[int] | None
    product_ids: list[int] | None
    active: bool
    in_flight: int
    disabled_reason: str | None
    actor: str
    created_at: datetime
    updated_at: datetime
    old_secret_until: datetime | None
    failing_since: datetime | None
    delivered: int
    failed: int
    version: int


class NewWebhookOut(WebhookOut):
    """With the secret, which is told this once."""

    secret: str


class WebhooksPage(BaseModel):
    items: list[WebhookOut]
    next_page: str | None


class DeliveryOut(BaseModel):
    """A message. `next_at` is when it is tried, as long as it waits; `dead` is given up, until somebody asks anew."""

    id: int
    webhook_id: int
    message_id: str
    topic: str
    status: Status
    attempts: int
    next_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_ms: int | None
    last_at: datetime | None
    happened_at: datetime
    created_at: datetime


class DeliveriesPage(BaseModel):
    items: list[DeliveryOut]
    next_page: str | None


class Rotation(BaseModel, extra="forbid"):
    """For `overlap_hours` both secrets sign."""

    overlap_hours: Annotated[int, Field(ge=0, le=168, strict=True)] = 24


class Ping(BaseModel, extra="forbid"):
    """A text to be sent along."""

    text: Note = None


class Redelivery(BaseModel, extra="forbid"):
    reason: Note = None


class Replay(BaseModel, extra="forbid"):
    """Everything that happened from `from` until before `to`."""

    since: Annotated[Moment, Field(alias="from")]
    until: Annotated[Moment, Field(alias="to")]


class ReplayOut(BaseModel):
    """How many messages wait now that did not before."""

    queued: int


def out(webhook: Webhook) -> WebhookOut:
    """A webhook as the API tells it."""
    return shaped(WebhookOut, webhook)


def delivery_out(delivery: Delivery) -> DeliveryOut:
    """A delivery as the API tells it."""
    told = {name: value for name, value in asdict(delivery).items() if name in DeliveryOut.model_fields}
    next_at = delivery.next_at if delivery.status == "waiting" else None
    return DeliveryOut(**{**told, "message_id": delivery.message_id, "next_at": next_at})


def _networks(request: Request) -> tuple[Network, ...]:
    networks: tuple[Network, ...] = request.app.state.settings.webhook_target_networks
    return networks


@router.get("", dependencies=[needs(RIGHT)])
async def list_webhooks(request: Request, page: Cursor = None, limit: Limit = 100) -> WebhooksPage:
    """Who is told of what, in the order in which they were made."""
    cursor = decode_cursor(page, "webhooks", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, cursor[0] if cursor else 0, limit + 1)
    webhooks, next_page = page_of(found, limit, "webhooks", lambda one: (one.id,))
    return WebhooksPage(items=[out(one) for one in webhooks], next_page=next_page)


@router.post("", status_code=201, response_model=NewWebhookOut)
async def add_webhook(
    request: Request,
    body: WebhookIn,
    caller: Annotated[Caller, needs(RIGHT)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Have events sent to a URL, signed with the secret in the answer, which is not told again."""

    async def verb(db: Connection) -> dict[str, Any]:
        webhook, secret = await service.add(db, caller, body.model_dump(), _networks(request))
        return {**out(webhook).model_dump(mode="json"), "secret": secret}

    return await write_once(request, caller.actor, verb, 201)


@router.get("/{webhook_id}", response_model=WebhookOut, responses=NOT_MODIFIED, dependencies=[needs(RIGHT)])
async def show_webhook(request: Request, webhook_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One webhook; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_webhook(db, webhook_id)), if_none_match)


@router.patch("/{webhook_id}", response_model=WebhookOut)
async def change_webhook(
    request: Request,
    webhook_id: PathId,
    body: WebhookChange,
    caller: Annotated[Caller, needs(RIGHT)],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Change a webhook that is still as it was read (If-Match); switched on anew, it is tried at once."""
    version, changes = version_in(if_match), changes_in(body, "store_ids", "product_ids", "note")

    async def verb(db: Connection) -> dict[str, Any]:
        changed = await service.change(db, caller, webhook_id, version, changes, _networks(request))
        return out(changed).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.delete("/{webhook_id}", status_code=204, response_model=None)
async def remove_webhook(
    request: Request,
    webhook_id: PathId,
    caller: Annotated[Caller, needs(RIGHT)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send nothing to it any more, not even what waits."""

    async def verb(db: Connection) -> dict[str, Any]:
        await service.remove(db, caller, webhook_id)
        return {}

    return await write_once(request, caller.actor, verb, 204)


@router.post("/{webhook_id}/secret", response_model=NewWebhookOut)
async def rotate_secret(
    request: Request,
    webhook_id: PathId,
    caller: Annotated[Caller, needs(RIGHT)],
    body: Rotation | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make a new secret, told in this answer alone; for a while the old one signs as well."""
    overlap = timedelta(hours=(body or Rotation()).overlap_hours)

    async def verb(db: Connection) -> dict[str, Any]:
        webhook, secret = await service.rotate_secret(db, caller, webhook_id, overlap)
        return {**out(webhook).model_dump(mode="json"), "secret": secret}

    return await write_once(request, caller.actor, verb)


@router.post("/{webhook_id}/ping", response_model=DeliveryOut)
async def ping(
    request: Request,
    webhook_id: PathId,
    caller: Annotated[Caller, needs(RIGHT)],
    body: Ping | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Have a message sent that means nothing; look at its delivery a second later."""

    async def verb(db: Connection) -> dict[str, Any]:
        text = body.text if body else None
        sent = await service.ping(db, caller, webhook_id, text, datetime.now(UTC))
        return delivery_out(sent).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.get("/{webhook_id}/deliveries", dependencies=[needs(RIGHT)])
async def list_deliveries(
    request: Request,
    webhook_id: PathId,
    status: Annotated[Status | None, Query()] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> DeliveriesPage:
    """What became of each message, newest first."""
    cursor = decode_cursor(page, "deliveries", int)
    async with request.app.state.pool.acquire() as db:
        await service.get_webhook(db, webhook_id)
        found = await store.list_deliveries(db, webhook_id, status, cursor[0] if cursor else LAST, limit + 1)
    deliveries, next_page = page_of(found, limit, "deliveries", lambda one: (one.id,))
    return DeliveriesPage(items=[delivery_out(one) for one in deliveries], next_page=next_page)


@router.post("/{webhook_id}/deliveries/{delivery_id}/redelivery", response_model=DeliveryOut)
async def deliver_again(
    request: Request,
    webhook_id: PathId,
    delivery_id: PathId,
    caller: Annotated[Caller, needs(RIGHT)],
    body: Redelivery | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send one message once more, with the same id."""

    async def verb(db: Connection) -> dict[str, Any]:
        reason = body.reason if body else None
        again = await service.deliver_again(db, caller, webhook_id, delivery_id, reason, datetime.now(UTC))
        return delivery_out(again).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)


@router.post("/{webhook_id}/replay", response_model=ReplayOut)
async def replay(
    request: Request,
    webhook_id: PathId,
    body: Replay,
    caller: Annotated[Caller, needs(RIGHT)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send everything of a stretch of time that it wants, also what got through, each message with the id it had."""

    async def verb(db: Connection) -> dict[str, Any]:
        queued = await service.replay(db, caller, webhook_id, body.since, body.until, datetime.now(UTC))
        return {"queued": queued}

    return await write_once(request, caller.actor, verb)
