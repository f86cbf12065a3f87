"""Short words for returns in tests: sell, bring back, send back, undo."""

from datetime import UTC, datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.returns import service
from autoshop.inventory.returns.model import Condition, Kind, Return, Sale, SaleOf, Wanted
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, PLUG
from tests.ledger import MANAGER, post, request


async def sold(pool: Pool, *quantities: int, product_id: int = PLUG, document: str | None = "check-1") -> list[int]:
    """Sales in the centre; the ids of their movements. Nothing of it stays on the shelf."""
    lines = [request("sale", quantity, product_id, document=document) for quantity in quantities]
    return [one.id for one in (await post(pool, request("inbound", sum(quantities), product_id), *lines))[1:]]


async def bring_back(
    pool: Pool,
    sale: int | str | None,
    *lines: tuple[int, int] | tuple[int, int, Condition],
    store_id: int = CENTRE,
    caller: Caller = MANAGER,
) -> Return:
    """Bring back (product, pieces, condition) of a sale: its movement, its document, or nobody knows."""
    of = None if sale is None else SaleOf(sale, None) if isinstance(sale, int) else SaleOf(None, sale)
    wanted = [Wanted(line[0], line[1], line[2] if len(line) == 3 else "resaleable", "не подошло") for line in lines]
    async with transaction(pool) as db:
        return await service.take_back(db, caller, store_id, wanted, of, None, None)


async def send_back(pool: Pool, *lines: tuple[int, int], store_id: int = CENTRE, caller: Caller = MANAGER) -> Return:
    """Send (product, pieces) back to the supplier."""
    wanted = [Wanted(*line) for line in lines]
    async with transaction(pool) as db:
        return await service.send_back(db, caller, store_id, "Авто-Опт", wanted, None, "брак")


async def undo(pool: Pool, found: Return, caller: Caller = MANAGER) -> Return:
    """Undo a whole return."""
    async with transaction(pool) as db:
        return await service.reverse(db, caller, found.kind, found.id, "ошибка", datetime.now(UTC))


async def returnable(pool: Pool, sale: int | str) -> list[Sale]:
    """What may still come back."""
    of = SaleOf(sale, None) if isinstance(sale, int) else SaleOf(None, sale)
    async with pool.acquire() as db:
        return await service.returnable(db, of, 0, 100)


async def look(pool: Pool, kind: Kind, return_id: int) -> Return:
    """A return as it is now."""
    async with pool.acquire() as db:
        return await service.get_return(db, kind, return_id)
