"""Verbs: post movements of any type, transfers among them, and undo them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.marks import service as marks
from autoshop.inventory.movements.model import Line, Movement, MovementRequest, NotReversible
from autoshop.inventory.movements.service import line_for, opposite_of, post_lines, post_reversal
from autoshop.inventory.movements.store import find
from autoshop.inventory.transfers import differences, service, store
from autoshop.inventory.transfers.model import MoreThanShipped, Transfer
from autoshop.inventory.transfers.orders import service as orders
from autoshop.kit.db import Connection


async def post_requests(
    db: Connection,
    caller: Caller,
    requests: Sequence[MovementRequest],
    now: datetime,
    marks_named: str = "lines.{}.marks",
) -> list[Movement]:
    """Post movements of any type, all or nothing. Transfers leave in one shipment for each direction and document.

    The documents are made first and the pieces move last, in one statement, so that no row stays locked meanwhile;
    only the marks of units, where some came, are written after them.
    """
    lines = [line_for(caller, request) for request in requests]
    marked = marks.marks_of(requests, marks_named)
    if marked:
        await marks.check(db, [request.product_id for request in requests], marked)
    shipments: dict[tuple[int, int, str | None], dict[int, int]] = {}
    for request, line in zip(requests, lines, strict=True):
        if request.to_store_id is not None:
            pieces = shipments.setdefault((line.store_id, request.to_store_id, line.related_document), {})
            pieces[line.product_id] = pieces.get(line.product_id, 0) - line.delta

    ids = {
        way: await _make_shipment(db, caller, way, pieces, now) for way, pieces in sorted(shipments.items(), key=str)
    }
    posted = await post_lines(db, [_on(ids, request, line) for request, line in zip(requests, lines, strict=True)])
    if marked:
        await marks.book(db, posted, marked)
    return posted


def _on(ids: dict[tuple[int, int, str | None], int], request: MovementRequest, line: Line) -> Line:
    if request.to_store_id is None:
        return line
    return replace(line, transfer_id=ids[line.store_id, request.to_store_id, line.related_document])


async def _make_shipment(
    db: Connection, caller: Caller, way: tuple[int, int, str | None], pieces: dict[int, int], now: datetime
) -> int:
    """A transfer that leaves as it is made. Products that are not there the ledger will refuse."""
    from_store_id, to_store_id, document = way
    eta_at = await service.eta_at_of(db, from_store_id, to_store_id, now)
    transfer_id = await store.add(db, from_store_id, to_store_id, document, None, None, caller.actor)
    await store.request(db, transfer_id, to_store_id, pieces)
    transfer = await service.get_transfer(db, transfer_id)
    await store.book(db, transfer, {"shipped": pieces}, shipped_at=now, eta_at=eta_at)
    await store.tell(db, transfer_id, "shipped", caller.actor, pieces, eta_at=eta_at)
    return transfer_id


async def reverse(db: Connection, caller: Caller, movement_id: int, reason: str | None) -> Movement:
    """Undo any movement by its opposite, once. A shipment that is on the way is called back to its store."""
    line = await opposite_of(db, caller, movement_id, reason)
    called_back = None
    if line.transfer_id is not None and line.movement_type == "transfer":
        called_back = await _call_back(db, caller, line)
    elif line.transfer_id is not None:
        told = await find(db, movement_id)
        assert told is not None, "movements are never removed"
        await differences.undo(db, caller, told)
    reversal = await post_reversal(db, line)
    if called_back is not None:
        await orders.come_back(db, called_back, {line.product_id: line.delta})
    await marks.undo(db, movement_id, reversal)
    return reversal


async def _call_back(db: Connection, caller: Caller, line: Line) -> Transfer:
    assert line.transfer_id is not None
    if line.delta < 0:
        raise NotReversible("A receipt is undone by sending the pieces back", movement_id=line.reverses_id)
    transfer = await service.get_transfer(db, line.transfer_id, lock=True)
    on_the_way = transfer.on_the_way.get(line.product_id, 0)
    if line.delta > on_the_way:
        raise MoreThanShipped(
            product_id=line.product_id, asked=line.delta, on_the_way=on_the_way, transfer_id=transfer.id
        )
    returned = {line.product_id: line.delta}
    await store.book(db, transfer, {"returned": returned})
    await store.tell(db, transfer.id, "recalled", caller.actor, returned)
    if transfer.allocation_id is not None:
        await service.lock_both_ends(db, transfer, returned)
    return transfer
