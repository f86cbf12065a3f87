"""Verbs: the pick list of a transfer or of a reservation."""

from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.transfers import service as transfers
from autoshop.kit.db import Connection
from autoshop.warehouse.picking import store
from autoshop.warehouse.picking.model import PickList, in_walking_order
from autoshop.warehouse.scan.model import document_code


async def of_transfer(db: Connection, transfer_id: int) -> PickList:
    """What has to be taken for a transfer; one that is closed has no lines."""
    transfer = await transfers.get_transfer(db, transfer_id)
    names = await store.store_names(db, [transfer.from_store_id, transfer.to_store_id])
    return PickList(
        "transfer",
        transfer.id,
        transfer.status,
        f"{names[transfer.from_store_id]} → {names[transfer.to_store_id]}",
        transfer.related_document,
        in_walking_order(await store.of_transfer(db, transfer_id)),
    )


async def of_reservation(db: Connection, reservation_id: int, store_id: int | None) -> PickList:
    """What is held for somebody, of all its stores or of one; a reservation that has ended has no lines."""
    reservation = await reservations.get_reservation(db, reservation_id)
    lines = await store.of_reservation(db, reservation_id)
    return PickList(
        "reservation",
        reservation.id,
        reservation.status,
        reservation.holder or document_code("reservation", reservation.id),  # his name may be forgotten
        reservation.related_document,
        in_walking_order([line for line in lines if store_id in (None, line.store_id)]),
    )


async def store_names(db: Connection, pick_list: PickList) -> dict[int, str]:
    """Names of the stores on a list, for paper."""
    return await store.store_names(db, sorted({line.store_id for line in pick_list.lines}))
