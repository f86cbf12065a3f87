"""Verbs: what happened to a product."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoshop.accounts import store as accounts
from autoshop.accounts.model import Caller
from autoshop.inventory.history import store
from autoshop.inventory.history.model import LAST, Changed, Entry, Seen, merged
from autoshop.inventory.movements.model import Movement
from autoshop.inventory.movements.service import list_movements
from autoshop.inventory.stock.service import must_exist
from autoshop.kit.db import Connection, Pool


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a product's history; of one store only, between two moments (the second excluded)."""

    product_id: int
    store_id: int | None
    date_from: datetime | None
    date_to: datetime | None


async def history(
    db: Connection, caller: Caller, asked: Asked, seen: Seen, limit: int
) -> tuple[list[Entry], Seen | None]:
    """A page, newest first, and what has been seen then where there is more.

    Changes of the card are for those who may see the catalogue; of one store there are none.
    """
    await must_exist(db, asked.product_id)
    first_id, last_id = await store.bounds(db, asked.date_from, asked.date_to)
    filters = {
        "product_id": asked.product_id,
        "store_id": asked.store_id,
        "before_id": seen.movement_id,
        "last_id": last_id,
        "first_id": first_id,
        "date_from": asked.date_from,
        "date_to": asked.date_to,
    }
    between = asked.date_from, asked.date_to
    moved = await store.moved(db, filters, limit + 1)
    held = await store.held(
        db, asked.product_id, (seen.reservation_id, seen.reservation_store_id), asked.store_id, between, limit + 1
    )
    changed = []
    if asked.store_id is None and caller.may("catalog:read"):
        subject = f"product:{asked.product_id}"
        rows = await accounts.audited(db, subject, seen.change_id, between, limit + 1)
        changed = [Changed(**row) for row in rows]
    entries = list(merged(moved, held, changed))
    page = entries[:limit]
    for entry in page:
        seen = seen.after(entry)
    return page, seen if len(entries) > limit else None


EXPORTED = (
    *("id", "created_at", "effective_on", "product_id", "store_id", "movement_type", "delta", "balance_after"),
    *("related_document", "reason", "actor", "transfer_id", "reverses_id", "unit_cost_kopecks"),
)
ROWS_AT_A_TIME = 1_000


async def ledger(pool: Pool, filters: Mapping[str, Any], *, cost: bool) -> AsyncIterator[Movement]:
    """All movements that the filters let through, newest first.

    A movement never changes, so page after page is as good as one look; what is posted meanwhile is not in it.
    """
    before_id: int | None = None
    more = True
    while more:
        async with pool.acquire() as db:
            first_id, last_id = await store.bounds(db, filters.get("date_from"), filters.get("date_to"))
            bounded = {**filters, "before_id": min(before_id or LAST, last_id + 1), "first_id": first_id}
            found, more = await list_movements(db, bounded, ROWS_AT_A_TIME, cost=cost)
        for movement in found:
            yield movement
            before_id = movement.id
