"""Verbs: end the counting, reopen it, and post what it found."""

from collections.abc import Sequence
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.inventory.movements.service import post_corrections
from autoshop.inventory.recounts import store as recounts
from autoshop.inventory.reservations.lapsing import let_go_of_lapsed
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.stocktakes import store as stocktakes
from autoshop.inventory.stocktakes.approval import store
from autoshop.inventory.stocktakes.approval.model import NotSettled, Unsettled, WouldBeTooFew, too_low, unsettled
from autoshop.inventory.stocktakes.model import (
    MOST_TOLD,
    ConfirmZero,
    NotCounting,
    NotInReview,
    Stocktake,
    StocktakeEnded,
    Uncounted,
)
from autoshop.inventory.stocktakes.service import get_locked
from autoshop.kit.db import Connection, unhurried
from autoshop.kit.etag import changed_meanwhile


async def review(
    db: Connection, caller: Caller, stocktake_id: int, uncounted: Uncounted, confirm_zero: bool
) -> Stocktake:
    """End the counting. What nobody counted is left as it is, or, confirmed, taken as not being there.

    Not there at this moment: so the places are locked while the ledger is read.
    """
    await unhurried(db)
    stocktake = await _approvable(db, caller, stocktake_id)
    if stocktake.status != "counting":
        raise NotCounting(stocktake_id=stocktake_id, stocktake_status=stocktake.status)
    if uncounted == "zero":
        await _zero(db, caller, stocktake, confirm_zero)
    await store.set_aside_corrected(db, stocktake_id)
    await stocktakes.review(db, stocktake_id, uncounted, caller.actor)
    await stocktakes.tell(db, stocktake_id, "review")
    await audit(db, caller, "review", f"stocktake:{stocktake_id}", None, {"uncounted": uncounted})
    return await get_locked(db, stocktake_id)


async def _zero(db: Connection, caller: Caller, stocktake: Stocktake, confirmed: bool) -> None:
    pieces = await store.uncounted(db, stocktake.id)
    if not confirmed and any(pieces.values()):
        raise ConfirmZero(lines=len(pieces), pieces=sum(pieces.values()))
    await lock_places(db, [(product_id, stocktake.store_id) for product_id in pieces])
    now = await stocktakes.clock(db)
    pieces = await store.uncounted(db, stocktake.id)  # as it is under the locks
    await store.zero(db, stocktake.id, pieces, now, caller.actor, stocktake.movement_mark)


async def reopen(db: Connection, caller: Caller, stocktake_id: int, reason: str | None = None) -> Stocktake:
    """Back to the counting; what was taken as not being there is uncounted again."""
    await unhurried(db)
    stocktake = await _approvable(db, caller, stocktake_id)
    if stocktake.status != "review":
        raise NotInReview(stocktake_id=stocktake_id, stocktake_status=stocktake.status)
    await store.unzero(db, stocktake_id)
    await stocktakes.reopen(db, stocktake_id)
    await stocktakes.tell(db, stocktake_id, "reopened")
    await audit(db, caller, "reopen", f"stocktake:{stocktake_id}", None, {"reason": reason})
    return await get_locked(db, stocktake_id)


async def cancel(db: Connection, caller: Caller, stocktake_id: int, reason: str | None = None) -> Stocktake:
    """End it without posting anything."""
    await unhurried(db)
    stocktake = await _approvable(db, caller, stocktake_id)
    if stocktake.status not in ("counting", "review"):
        raise StocktakeEnded(stocktake_id=stocktake_id, stocktake_status=stocktake.status)
    await stocktakes.close_lines(db, stocktake_id)
    await stocktakes.close(db, stocktake_id, "cancelled", caller.actor)
    await stocktakes.tell(db, stocktake_id, "cancelled")
    await audit(db, caller, "cancel", f"stocktake:{stocktake_id}", None, {"reason": reason})
    return await get_locked(db, stocktake_id)


async def approve(
    db: Connection, caller: Caller, stocktake_id: int, version: int, unsettled_lines: Unsettled, reason: str | None
) -> Stocktake:
    """Post the differences: all of them in this transaction, or a refusal that says what stands in the way.

    What was sold since the count stays sold: a line is corrected by what was wrong at its count. Only places with a
    difference are locked, in key order; nothing is decided before they are.
    """
    await unhurried(db)
    stocktake = await _approvable(db, caller, stocktake_id)
    if stocktake.status != "review":
        raise NotInReview(stocktake_id=stocktake_id, stocktake_status=stocktake.status)
    if stocktake.version != version:
        current = {"reviewed_at": stocktake.reviewed_at and stocktake.reviewed_at.isoformat()}
        raise changed_meanwhile("stocktake", stocktake.version, {}, current)
    await stocktakes.close_lines(db, stocktake_id)  # a long one takes a while: before anybody's place is locked
    differences = await store.differences(db, stocktake_id)
    places = [(product_id, stocktake.store_id) for product_id in differences]
    await lock_places(db, places)
    corrected = await store.set_aside_corrected(db, stocktake_id)
    if unsettled_lines == "refuse":
        await _must_be_settled(db, stocktake_id)
    for product_id in corrected:
        differences.pop(product_id, None)
    await let_go_of_lapsed(db, places)
    await _must_be_enough(db, stocktake, differences)
    deltas = {(product_id, stocktake.store_id): difference for product_id, difference in differences.items()}
    await post_corrections(db, caller, deltas, stocktake.name, reason)
    flagged = await recounts.flagged(db, stocktake.store_id)
    await recounts.clear(db, stocktake_id, stocktake.store_id, await store.settled(db, stocktake_id, flagged))
    sums = sum(max(0, one) for one in differences.values()), sum(max(0, -one) for one in differences.values())
    await stocktakes.close(db, stocktake_id, "approved", caller.actor, sums)
    await stocktakes.tell(db, stocktake_id, "approved")
    after: dict[str, Any] = {"surplus": sums[0], "shortage": sums[1], "lines": len(differences), "reason": reason}
    await audit(db, caller, "approve", f"stocktake:{stocktake_id}", None, after)
    return await get_locked(db, stocktake_id)


async def _approvable(db: Connection, caller: Caller, stocktake_id: int) -> Stocktake:
    stocktake = await get_locked(db, stocktake_id)
    caller.must_act_for(stocktake.store_id)
    return stocktake


async def _must_be_settled(db: Connection, stocktake_id: int) -> None:
    progress = await stocktakes.progress(db, stocktake_id)
    if lines := unsettled(progress.by_status):
        raise NotSettled(lines=lines, products=await store.unsettled(db, stocktake_id, MOST_TOLD))


async def _must_be_enough(db: Connection, stocktake: Stocktake, differences: dict[int, int]) -> None:
    products: Sequence[int] = list(differences)
    shelves = await store.shelves(db, stocktake.store_id, products)
    failed = too_low(differences, shelves, {})
    if failed:
        named = [line["product_id"] for line in failed[:MOST_TOLD]]
        holds = await store.holds(db, stocktake.store_id, named)
        told = too_low({product_id: differences[product_id] for product_id in named}, shelves, holds)
        raise WouldBeTooFew(count=len(failed), lines=told)
