"""Verbs: ship, receive, call back. Pieces on the way lie on nobody's shelf, but the transfer holds them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.marks import service as marks
from autoshop.inventory.movements.model import (
    Line,
    Movement,
    MovementRequest,
    NotReversible,
    UnknownStore,
)
from autoshop.inventory.movements.service import line_for, opposite_of, post_lines, post_reversal
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import OWNERS_RULE
from autoshop.inventory.transfers import store
from autoshop.inventory.transfers.model import (
    MoreThanShipped,
    NoWayThere,
    StoreClosed,
    Transfer,
    TransferClosed,
    UnknownTransfer,
)
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
        await marks.check(db, requests, marked)
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
        await marks.book(db, requests, posted, marked)
    return posted


def _on(ids: dict[tuple[int, int, str | None], int], request: MovementRequest, line: Line) -> Line:
    if request.to_store_id is None:
        return line
    return replace(line, transfer_id=ids[line.store_id, request.to_store_id, line.related_document])


async def _make_shipment(
    db: Connection,
    caller: Caller,
    way: tuple[int, int, str | None],
    pieces: dict[int, int],
    now: datetime,
) -> int:
    from_store_id, to_store_id, document = way
    source, destination = await stores.find(db, from_store_id), await stores.find(db, to_store_id)
    if source is None or destination is None:
        missing = from_store_id if source is None else to_store_id
        raise UnknownStore(f"There is no store {missing}", store_id=missing)
    if not destination.active:  # what lies there can still be sold, written off and brought back
        raise StoreClosed(store_id=to_store_id)
    route = await stores.find_route(db, from_store_id, to_store_id) or OWNERS_RULE
    departure = route.departure(now, source.calendar)
    eta_at = route.arrival_at(departure, destination.calendar) if departure else None
    if eta_at is None:
        raise NoWayThere(from_store_id=from_store_id, to_store_id=to_store_id)
    return await store.add(db, from_store_id, to_store_id, document, caller.actor, now, eta_at, pieces)


async def get_transfer(db: Connection, transfer_id: int, *, lock: bool = False) -> Transfer:
    """The transfer, or a refusal."""
    transfer = await store.find(db, transfer_id, lock=lock)
    if transfer is None:
        raise UnknownTransfer(f"There is no transfer {transfer_id}", transfer_id=transfer_id)
    return transfer


async def receive(
    db: Connection, caller: Caller, transfer_id: int, pieces: dict[int, int] | None, now: datetime
) -> tuple[Transfer, list[Movement]]:
    """Put pieces that came onto the shelf: those named (product → pieces), or all that are on the way."""
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.to_store_id)
    on_the_way = {line.product_id: line.on_the_way for line in transfer.lines if line.on_the_way}
    if transfer.status != "in_transit":
        raise TransferClosed(transfer_id=transfer_id, transfer_status=transfer.status)
    received = on_the_way if pieces is None else pieces
    for product_id, asked in received.items():
        if asked > on_the_way.get(product_id, 0):
            raise MoreThanShipped(product_id=product_id, asked=asked, on_the_way=on_the_way.get(product_id, 0))
    await store.book(db, transfer_id, received, {}, now)
    moved = await post_lines(
        db,
        [
            Line(
                product_id=product_id,
                store_id=transfer.to_store_id,
                movement_type="transfer",
                delta=asked,
                actor=caller.actor,
                related_document=transfer.related_document,
                transfer_id=transfer_id,
            )
            for product_id, asked in received.items()
        ],
    )
    return await get_transfer(db, transfer_id), moved


async def reverse(
    db: Connection, caller: Caller, movement_id: int, reason: str | None, now: datetime | None = None
) -> Movement:
    """Undo any movement by its opposite, once. A shipment that is on the way is called back to its store."""
    line = await opposite_of(db, caller, movement_id, reason)
    if line.transfer_id is not None:
        await _call_back(db, line, now or datetime.now(UTC))
    reversal = await post_reversal(db, line)
    await marks.undo(db, movement_id, reversal)
    return reversal


async def _call_back(db: Connection, line: Line, now: datetime) -> None:
    assert line.transfer_id is not None
    if line.delta < 0:
        raise NotReversible("A receipt is undone by sending the pieces back", movement_id=line.reverses_id)
    transfer = await get_transfer(db, line.transfer_id, lock=True)
    on_the_way = next((sent.on_the_way for sent in transfer.lines if sent.product_id == line.product_id), 0)
    if line.delta > on_the_way:
        raise MoreThanShipped(
            product_id=line.product_id, asked=line.delta, on_the_way=on_the_way, transfer_id=transfer.id
        )
    await store.book(db, transfer.id, {}, {line.product_id: line.delta}, now)
