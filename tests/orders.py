"""Short words for the transfers of orders in tests: who sends is Oleg of the north, who waits is Vera of the centre."""

from collections.abc import Mapping
from datetime import UTC, datetime

from autoshop.accounts.model import Caller, staff
from autoshop.inventory.allocation import service as allocations
from autoshop.inventory.allocation.model import Allocation
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.reservations.model import Place, Reservation
from autoshop.inventory.transfers import service
from autoshop.inventory.transfers.model import Transfer
from autoshop.kit.db import Pool, transaction
from tests.allocations import look
from tests.cast import CENTRE, NORTH, OIL_FILTER
from tests.ledger import MANAGER, post, request

VERA, OLEG = staff("vera", "clerk", frozenset({CENTRE})), staff("oleg", "clerk", frozenset({NORTH}))


async def fill(pool: Pool) -> None:
    """Two plugs here, six and five oil filters in the north."""
    await post(pool, request("inbound", 2), request("inbound", 6, store_id=NORTH), request("inbound", 5, OIL_FILTER, 2))


async def transfer_of(pool: Pool, order: Allocation) -> Transfer:
    [one] = (await look(pool, order)).transfers
    async with pool.acquire() as db:
        return await service.get_transfer(db, one.id)


async def hold_of(pool: Pool, order: Allocation) -> dict[Place, tuple[int, int, int]]:
    """Held, awaited and sold, place by place."""
    async with pool.acquire() as db:
        held = await reservations.get_reservation(db, order.reservation_id)
    return {line.place: (line.held, line.awaited, line.fulfilled) for line in held.lines}


async def ship(pool: Pool, transfer: Transfer, sent: Mapping[int, int] | None = None, **how: bool) -> Transfer:
    async with transaction(pool) as db:
        return (await service.ship(db, OLEG, transfer.id, sent, datetime.now(UTC), **how))[0]


async def call_off(pool: Pool, transfer: Transfer) -> Transfer:
    async with transaction(pool) as db:
        return await service.cancel(db, OLEG, transfer.id)


async def cancel(pool: Pool, order: Allocation, caller: Caller = MANAGER) -> Allocation:
    async with transaction(pool) as db:
        return await allocations.cancel(db, caller, order.id)


async def sell(pool: Pool, order: Allocation, *lines: tuple[Place, int], caller: Caller = MANAGER) -> Reservation:
    async with transaction(pool) as db:
        return (await reservations.fulfil(db, caller, order.reservation_id, lines or None, None))[0]


async def lapse(pool: Pool, order: Allocation) -> None:
    """Its time is over, and no job has taken notice."""
    for table, key in (("reservations", "id"), ("reservation_lines", "reservation_id")):
        await pool.execute(f"UPDATE {table} SET expires_at = clock_timestamp() WHERE {key} = $1", order.reservation_id)
