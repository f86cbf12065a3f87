"""Short words for holds in tests: reserve for Ivan, sell, give back, wait until it has lapsed."""

import asyncio
from datetime import UTC, datetime, timedelta

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import Movement
from autoshop.inventory.reservations import service
from autoshop.inventory.reservations.model import Place, Reservation
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, post, request

HERE, THERE, FILTERS = (PLUG, CENTRE), (PLUG, NORTH), (OIL_FILTER, CENTRE)
HOUR = timedelta(hours=1)


async def reserve(
    pool: Pool,
    *lines: tuple[Place, int],
    lasts: timedelta = HOUR,
    caller: Caller = MANAGER,
    holder: str = "Иван",
) -> Reservation:
    """Hold pieces for Ivan."""
    now = datetime.now(UTC)
    async with transaction(pool) as db:
        return await service.reserve(db, caller, lines, holder, None, now + lasts, now)


async def fulfil(
    pool: Pool,
    reservation: Reservation,
    *lines: tuple[Place, int],
    caller: Caller = MANAGER,
    beyond_held: bool = False,
) -> tuple[Reservation, list[Movement]]:
    async with transaction(pool) as db:
        return await service.fulfil(db, caller, reservation.id, lines or None, None, beyond_held=beyond_held)


async def let_go_of_all_lapsed(pool: Pool) -> int:
    async with pool.acquire() as db:
        return await service.let_go_of_all_lapsed(db)


async def release(
    pool: Pool, reservation: Reservation, *lines: tuple[Place, int], caller: Caller = MANAGER
) -> Reservation:
    async with transaction(pool) as db:
        return await service.release(db, caller, reservation.id, lines or None)


async def find(pool: Pool, reservation: Reservation) -> Reservation:
    async with pool.acquire() as db:
        return await service.get_reservation(db, reservation.id)


async def lapsed(pool: Pool, *lines: tuple[Place, int]) -> Reservation:
    """A hold whose time is over, and of which no job has taken notice."""
    reservation = await reserve(pool, *lines, lasts=timedelta(milliseconds=50))
    await asyncio.sleep(0.06)
    return reservation


async def reserved(pool: Pool, place: Place = HERE) -> tuple[int, int]:
    """What is written down as reserved, and what readers see."""
    where = "WHERE product_id = $1 AND store_id = $2"
    written: int = await pool.fetchval(f"SELECT reserved FROM inventory {where}", *place)
    seen: int = await pool.fetchval(f"SELECT reserved FROM stock {where}", *place)
    return written, seen


async def extend(pool: Pool, reservation: Reservation, lasts: timedelta) -> Reservation:
    now = datetime.now(UTC)
    async with transaction(pool) as db:
        return await service.extend(db, MANAGER, reservation.id, reservation.version, now + lasts, now)


async def fill(pool: Pool) -> None:
    """Five pieces at each of the three places."""
    await post(pool, request("inbound", 5), request("inbound", 5, store_id=NORTH), request("inbound", 5, OIL_FILTER))
