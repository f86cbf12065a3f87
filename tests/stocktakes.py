"""Short words for stocktakes in tests: open one, count, end the counting, approve."""

from datetime import datetime
from itertools import count as numbers
from typing import Any

from autoshop.accounts.model import Caller, staff
from autoshop.inventory.stocktakes import service, store
from autoshop.inventory.stocktakes.approval import service as approval
from autoshop.inventory.stocktakes.approval.model import Unsettled
from autoshop.inventory.stocktakes.counts import service as counting
from autoshop.inventory.stocktakes.counts.model import Asked, Mode
from autoshop.inventory.stocktakes.model import Line, Scope, Stocktake, Uncounted
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, PLUG
from tests.ledger import MANAGER

VERA = staff("vera", "clerk", frozenset({CENTRE}))
OLEG = staff("oleg", "clerk", frozenset({CENTRE}))
_ids = numbers(1)


async def open_stocktake(
    pool: Pool, *product_ids: int, store_id: int = CENTRE, caller: Caller = VERA, above: int | None = None
) -> Stocktake:
    """Of these products, or of the whole store."""
    scope = Scope("products", product_ids=product_ids) if product_ids else Scope("store")
    async with transaction(pool) as db:
        return await service.open_stocktake(db, caller, store_id, scope, True, above, None)


def asked(
    pieces: int,
    product_id: int = PLUG,
    mode: Mode = "set",
    at: datetime | None = None,
    client_id: str | None = None,
    round: int = 1,
    device: str = "phone",
) -> Asked:
    """A count of the plug unless it says otherwise."""
    return Asked(client_id or f"count-{next(_ids)}", product_id, pieces, mode, round, at, device)


async def send(
    pool: Pool, stocktake: Stocktake, *counts: Asked, caller: Caller = VERA, sent_at: datetime | None = None
) -> counting.Taken:
    async with transaction(pool) as db:
        return await counting.take_counts(db, caller, stocktake.id, counts, sent_at)


async def take(pool: Pool, stocktake: Stocktake, pieces: int, product_id: int = PLUG, **more: Any) -> Line:
    """Count one product; its line as it is then."""
    caller = more.pop("caller", VERA)
    [line] = (await send(pool, stocktake, asked(pieces, product_id, **more), caller=caller)).lines
    return line


async def review(
    pool: Pool, stocktake: Stocktake, uncounted: Uncounted = "leave", confirm_zero: bool = False
) -> Stocktake:
    async with transaction(pool) as db:
        return await approval.review(db, MANAGER, stocktake.id, uncounted, confirm_zero)


async def reopen(pool: Pool, stocktake: Stocktake) -> Stocktake:
    async with transaction(pool) as db:
        return await approval.reopen(db, MANAGER, stocktake.id)


async def cancel(pool: Pool, stocktake: Stocktake) -> Stocktake:
    async with transaction(pool) as db:
        return await approval.cancel(db, MANAGER, stocktake.id)


async def ask_again(pool: Pool, stocktake: Stocktake, *product_ids: int) -> Stocktake:
    async with transaction(pool) as db:
        return await service.ask_again(db, MANAGER, stocktake.id, product_ids)


async def approve(
    pool: Pool, stocktake: Stocktake, unsettled: Unsettled = "refuse", caller: Caller = MANAGER
) -> Stocktake:
    async with transaction(pool) as db:
        return await approval.approve(db, caller, stocktake.id, stocktake.version, unsettled, "quarterly")


async def lines(pool: Pool, stocktake: Stocktake) -> dict[int, Line]:
    """All lines, by product."""
    async with pool.acquire() as db:
        return {line.product_id: line for line in await store.lines(db, {"stocktake_id": stocktake.id}, 100_000)}


async def statuses(pool: Pool, stocktake: Stocktake) -> dict[int, str]:
    return {product_id: line.status for product_id, line in (await lines(pool, stocktake)).items()}
