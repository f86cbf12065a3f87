"""Short words for levels in tests: set one, look as the job does, and what was told."""

from typing import Any

from autoshop.accounts.model import Caller
from autoshop.inventory.levels import service
from autoshop.inventory.levels.model import Level, Place, Wanted
from autoshop.kit.db import Pool, transaction
from tests.ledger import MANAGER


async def set_level(
    pool: Pool,
    place: Place,
    minimum: int,
    maximum: int | None = None,
    version: int | None = None,
    caller: Caller = MANAGER,
) -> Level:
    async with transaction(pool) as db:
        return await service.set_level(db, caller, Wanted(*place, minimum, maximum), version)


async def set_levels(pool: Pool, *rows: Wanted, caller: Caller = MANAGER) -> tuple[int, int]:
    async with transaction(pool) as db:
        return await service.set_levels(db, caller, rows)


async def look(pool: Pool) -> tuple[int, int] | None:
    """What the worker does every minute: places that changed, and how many crossed."""
    async with transaction(pool) as db:
        return await service.look(db)


async def crossings(pool: Pool) -> list[tuple[Any, ...]]:
    """Kind, product, store, available, minimum: of all that was told so far."""
    rows = await pool.fetch(
        "SELECT payload FROM outbox WHERE topic = 'inventory.levels' AND payload ->> 'kind' IN ('below', 'recovered')"
        " ORDER BY id"
    )
    names = ("kind", "product_id", "store_id", "available", "minimum")
    return [tuple(row["payload"][name] for name in names) for row in rows]


async def alerts(pool: Pool) -> dict[Place, int]:
    """Urgency by place of what is known to be below."""
    rows = await pool.fetch("SELECT product_id, store_id, urgency FROM level_alerts")
    return {(row[0], row[1]): row[2] for row in rows}


async def let_lapse(pool: Pool) -> None:
    """The time of every hold is over, and no job has taken notice."""
    for table in ("reservations", "reservation_lines"):
        await pool.execute(f"UPDATE {table} SET expires_at = now() - interval '1 second'")
