"""The verb that tells what did not come as it was sent.

Apart from service.py because none of it is on the way of a transfer that goes well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, chain

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import Line, Movement
from autoshop.inventory.movements.service import post_lines
from autoshop.inventory.recounts.service import flag_for_recount
from autoshop.inventory.transfers import store
from autoshop.inventory.transfers.model import (
    UNSENT,
    Found,
    MoreThanLost,
    NotShippedYet,
    Transfer,
)
from autoshop.inventory.transfers.orders import service as orders
from autoshop.inventory.transfers.service import get_transfer, line_of, must_be_on_the_way
from autoshop.kit.db import Connection

GONE = frozenset({"lost", "damaged"})


async def differ(
    db: Connection, caller: Caller, transfer_id: int, found: Sequence[Found]
) -> tuple[Transfer, list[Movement]]:
    """Tell what did not come as it was sent.

    What was lost or came damaged is received and written off at once: so the ledger shows the loss, with its reason.
    What was lost and then found is put on the shelf by an adjustment, as is what came though nobody sent it (surplus,
    wrong item): of that the sender hears, for his shelf is likely wrong, and it is flagged until he has counted it.
    """
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.to_store_id)
    if transfer.shipped_at is None:
        raise NotShippedYet(transfer_id=transfer_id)
    lost, damaged, back = (_summed(found, {reason}) for reason in ("lost", "damaged", "found"))
    if lost or damaged:
        must_be_on_the_way(transfer, _summed(found, GONE))
    _must_have_been_lost(transfer, back)
    if lost or damaged or back:
        counted = {
            "lost": _added(lost, {one: -count for one, count in back.items()}),
            "damaged": damaged,
            "received": back,
        }
        transfer = await store.book(db, transfer, counted)
    await store.tell(db, transfer_id, "differed", caller.actor, _added(*[{f.product_id: f.quantity} for f in found]))
    lines = [_lines(transfer, caller, one) for one in found]
    moved = await post_lines(db, list(chain.from_iterable(lines)))
    last = [moved[end - 1].id for end in accumulate(map(len, lines))]
    await store.add_differences(db, transfer_id, caller.actor, found, last)
    if back:
        await orders.come(db, transfer, back)
    await _flag_at_sender(db, transfer, found)
    return await get_transfer(db, transfer_id), moved


async def _flag_at_sender(db: Connection, transfer: Transfer, found: Sequence[Found]) -> None:
    for reason, words in UNSENT.items():
        places = [(one.product_id, transfer.from_store_id) for one in found if one.reason == reason]
        if places:
            await flag_for_recount(db, places, f"{words} store {transfer.to_store_id}", f"transfer {transfer.id}")


def _lines(transfer: Transfer, caller: Caller, one: Found) -> list[Line]:
    """What it moves; the last is what tells of it."""
    told = one.reason if one.note is None else f"{one.reason}: {one.note}"
    place = one.product_id, transfer.to_store_id
    here = Line(*place, "adjustment", one.quantity, caller.actor, transfer.document, told, transfer_id=transfer.id)
    if one.reason not in GONE:
        return [here]
    came = line_of(transfer, caller, one.product_id, one.quantity)
    return [came, replace(here, movement_type="writeoff", delta=-one.quantity)]


async def undo(db: Connection, caller: Caller, movement: Movement) -> None:
    """Before a movement that told of a difference is undone: the transfer counts its pieces as they are then.

    What was lost and is not has been found, and that once; what was found and is not is lost again.
    """
    assert movement.transfer_id is not None
    transfer = await get_transfer(db, movement.transfer_id, lock=True)
    product_id, pieces = movement.product_id, movement.quantity
    reason = await store.told_by(db, movement.id)
    if reason == "lost":
        _must_have_been_lost(transfer, {product_id: pieces})
        await store.add_differences(db, transfer.id, caller.actor, [Found(product_id, pieces, "found")], [None])
    counter, sign = ("lost", -1) if reason == "found" else (reason, 1)
    if counter in GONE:
        counted = {counter: {product_id: -sign * pieces}, "received": {product_id: sign * pieces}}
        await store.book(db, transfer, counted)
        await store.tell(db, transfer.id, "differed", caller.actor, {product_id: pieces})


def _must_have_been_lost(transfer: Transfer, back: Mapping[int, int]) -> None:
    """Only what was told as lost before can be found: not what the same request tells of."""
    lost = {line.product_id: line.lost for line in transfer.lines}
    for product_id, asked in back.items():
        if asked > lost.get(product_id, 0):
            raise MoreThanLost(product_id=product_id, asked=asked, lost=lost.get(product_id, 0))


def _summed(found: Sequence[Found], reasons: set[str] | frozenset[str]) -> dict[int, int]:
    return _added(*[{one.product_id: one.quantity} for one in found if one.reason in reasons])


def _added(*counts: Mapping[int, int]) -> dict[int, int]:
    total: dict[int, int] = {}
    for pieces in counts:
        for product_id, count in pieces.items():
            total[product_id] = total.get(product_id, 0) + count
    return total
