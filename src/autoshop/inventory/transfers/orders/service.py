"""Verbs of the transfers of orders: asked for with the allocation; the order's hold goes along with the pieces.

The pieces are held once, by the order's reservation, and never free between: at the sender until they leave, `awaited`
at the wished store while they are on the way, held there from the moment they come. The transfer only says of which
hold they are. So there is nothing to be kept in step but this: what the order gives up or buys at the sender is not
asked for any more.
"""

from collections.abc import Mapping
from datetime import date

from autoshop.inventory.reservations import awaiting
from autoshop.inventory.reservations import store as holds
from autoshop.inventory.transfers import store as transfers
from autoshop.inventory.transfers.model import ForOrder, NoLongerWanted, Transfer
from autoshop.inventory.transfers.orders import store
from autoshop.kit.db import Connection

AT_A_TIME = 500


async def request_all(
    db: Connection,
    pieces: Mapping[int, Mapping[int, int]],
    to_store_id: int,
    related_document: str | None,
    wanted_by: date,
    actor: str,
    reservation_id: int,
    allocation_id: int,
) -> tuple[ForOrder, ...]:
    """Ask each store for the pieces of an order that are held there (store → product → pieces)."""
    if not pieces:
        return ()
    ids = await store.add(
        db, pieces, to_store_id, related_document, wanted_by, actor, reservation_id, allocation_id
    )  # fmt: skip
    for from_store_id, transfer_id in sorted(ids.items()):
        await transfers.tell(db, transfer_id, "requested", actor, pieces[from_store_id])
    asked = sorted((transfer_id, from_store_id) for from_store_id, transfer_id in ids.items())
    return tuple(ForOrder(*one, "requested", None) for one in asked)


async def leave(db: Connection, transfer: Transfer, pieces: Mapping[int, int]) -> None:
    """Pieces leave the sender: the order waits for them at the wished store. Transfer and places are locked.

    An order that has ended, or ends at this moment, waits for nothing: what was held for it is free, and stays.
    """
    assert transfer.reservation_id is not None
    left = await awaiting.leave(db, transfer.reservation_id, transfer.from_store_id, transfer.to_store_id, pieces)
    if left != pieces.keys():
        raise NoLongerWanted(transfer_id=transfer.id, allocation_id=transfer.allocation_id)
    await holds.close(db, [transfer.reservation_id], "left")


async def come(db: Connection, transfer: Transfer, pieces: Mapping[int, int]) -> None:
    """Pieces have come and were posted: held for the order, where it still waits for them; else they are free."""
    if transfer.allocation_id is None:
        return
    assert transfer.reservation_id is not None
    if await awaiting.come(db, transfer.reservation_id, transfer.to_store_id, pieces):
        await holds.close(db, [transfer.reservation_id], "came")


async def come_back(db: Connection, transfer: Transfer, pieces: Mapping[int, int]) -> None:
    """Pieces were called back and posted: held for the order at the sender again. Both places are locked."""
    if transfer.allocation_id is None:
        return
    assert transfer.reservation_id is not None
    ends = transfer.from_store_id, transfer.to_store_id
    if await awaiting.come_back(db, transfer.reservation_id, *ends, pieces):
        await holds.close(db, [transfer.reservation_id], "came back")


async def lock(db: Connection, reservation_id: int) -> None:
    """Hold the open transfers of an order, before its places: nothing of it leaves or comes meanwhile."""
    await store.lock(db, reservation_id)


async def follow(db: Connection, reservation_id: int, actor: str) -> None:
    """Ask for no more than is held, after the order gave up or bought something at a sender. They are locked."""
    for transfer_id in await store.lock(db, reservation_id):
        transfer = await transfers.find(db, transfer_id)
        assert transfer is not None
        held = await awaiting.held_at(db, reservation_id, transfer.from_store_id)
        gone = {one: count - held.get(one, 0) for one, count in transfer.wanted.items() if count > held.get(one, 0)}
        if gone:
            await transfers.book(db, transfer, {"dropped": gone})
            await transfers.tell(db, transfer_id, "cancelled", actor, gone)


async def drop_unwanted(db: Connection, actor: str) -> int:
    """Ask no more for the pieces of orders that have lapsed; of how many transfers. What is on the way comes.

    Looks again under the lock, so that it may run twice, and beside whoever ships.
    """
    found = await store.unwanted(db, AT_A_TIME)
    for transfer_id in found:
        transfer = await transfers.find(db, transfer_id, lock=True)
        assert transfer is not None
        if transfer.wanted:
            await transfers.book(db, transfer, {"dropped": transfer.wanted})
            await transfers.tell(db, transfer_id, "cancelled", actor, transfer.wanted)
    return len(found)
