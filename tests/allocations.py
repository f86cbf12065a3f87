"""Short words for allocations in tests: allocate for Ivan at the centre, look at it, move its promise into the past."""

from datetime import UTC, datetime, timedelta

from autoshop.accounts.model import Caller
from autoshop.inventory.allocation import service
from autoshop.inventory.allocation.model import Allocation, Proposal, Wish
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE
from tests.ledger import MANAGER

DAY = timedelta(days=1)
Lines = tuple[tuple[int, int], ...]  # product, pieces


def wish(lines: Lines, store_id: int = CENTRE, expires_at: datetime | None = None, document: str | None = None) -> Wish:
    """Pieces for Ivan."""
    return Wish(store_id, lines, "Иван", document, expires_at)


async def allocate(
    pool: Pool,
    *lines: tuple[int, int],
    store_id: int = CENTRE,
    caller: Caller = MANAGER,
    now: datetime | None = None,
    expires_at: datetime | None = None,
    document: str | None = None,
) -> Allocation:
    """Have them held."""
    asked = wish(lines, store_id, expires_at, document)
    async with transaction(pool) as db:
        return await service.allocate(db, caller, asked, DAY, now or datetime.now(UTC))


async def propose(pool: Pool, *lines: tuple[int, int], store_id: int = CENTRE, caller: Caller = MANAGER) -> Proposal:
    """Only look."""
    async with transaction(pool) as db:
        return await service.propose(db, caller, wish(lines, store_id), DAY, datetime.now(UTC))


async def look(pool: Pool, allocation: Allocation) -> Allocation:
    async with pool.acquire() as db:
        return await service.get_allocation(db, allocation.id)


async def was_due(pool: Pool, allocation: Allocation, days_ago: float) -> None:
    """Its promised day ended so long ago."""
    await pool.execute(
        "UPDATE allocations SET promised_at = now() - $2::interval, due_at = now() - $2::interval WHERE id = $1",
        allocation.id,
        timedelta(days=days_ago),
    )


def taken(allocation: Allocation) -> list[tuple[int, int, int]]:
    """Product, store, pieces of each part."""
    return [(part.product_id, part.from_store_id, part.pieces) for part in allocation.parts]
