"""The relay: events of the outbox become deliveries, each once for each webhook that wants it.

How far it is stands in a row that is changed in the same transaction, and is a position as kit/outbox.py has it: what
commits late is not passed over. Of several workers one relays.
"""

from datetime import UTC, datetime

from autoshop.kit import outbox
from autoshop.kit.db import Connection, Pool, transaction
from autoshop.kit.log import log
from autoshop.kit.outbox import Position, read_position
from autoshop.webhooks.model import GIVE_UP
from autoshop.webhooks.outgoing import store

PAGE = 500
STALE = 10_000  # transactions after which the position is written anew although nothing was to be told


async def relay(pool: Pool) -> int:
    """Relay all there is now; how many deliveries were made."""
    made = 0
    more = True
    while more:
        async with transaction(pool) as db:
            some, more = await _relay_page(db)
            made += some
    return made


async def _relay_page(db: Connection) -> tuple[int, bool]:
    if not await store.relay_alone(db):
        return 0, False
    text = await store.position(db)
    known, now = read_position(text), await outbox.position(db)
    if known.xmax > now.xmax:
        log.warning("the webhooks' position is of another database: they begin anew", position=text)
        await store.save_relay(db, str(now))
        return 0, False
    # Asked after the position, so that who subscribed before an event was committed is told of it.
    webhooks = await store.active(db)
    if not webhooks:
        await _save(db, known, now)
        return 0, False
    batch = await outbox.since(db, known, PAGE)
    if not batch.events:
        await _save(db, known, batch.seen)
        return 0, False
    webhooks = await store.active(db, keep=True)  # once more, for the same reason
    wanted = [(webhook.id, event) for event in batch.events for webhook in webhooks if webhook.hears(event)]
    made = await store.queue(db, wanted, datetime.now(UTC) + GIVE_UP, again=False) if wanted else 0
    await store.save_relay(db, str(batch.until))
    return made, batch.cut


async def _save(db: Connection, known: Position, now: Position) -> None:
    """Not at each look: nothing lies between the two that would have to be told."""
    if now.xmax - known.xmax > STALE:
        await store.save_relay(db, str(now))
