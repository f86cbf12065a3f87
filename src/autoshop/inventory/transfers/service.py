"""Verbs: ask for, ship, receive, tell what differed, drop, recall.

Pieces on the way lie on nobody's shelf, but the transfer holds them. Its row is locked first, places after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import (
    Line,
    Movement,
    UnknownProduct,
    UnknownStore,
)
from autoshop.inventory.movements.service import post_lines
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import OWNERS_RULE, Store
from autoshop.inventory.transfers import store
from autoshop.inventory.transfers.model import (
    CLOSED,
    Found,
    MoreThanRequested,
    MoreThanShipped,
    NothingRequested,
    NotShippedYet,
    NoWayThere,
    ShippedAlready,
    StoreClosed,
    Transfer,
    TransferClosed,
    UnknownTransfer,
)
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.etag import changed_meanwhile


async def _ends(db: Connection, from_store_id: int, to_store_id: int) -> tuple[Store, Store]:
    source, destination = await stores.find(db, from_store_id), await stores.find(db, to_store_id)
    if source is None or destination is None:
        missing = from_store_id if source is None else to_store_id
        raise UnknownStore(f"There is no store {missing}", store_id=missing)
    if not destination.active:  # what lies there can still be sold, written off and brought back
        raise StoreClosed(store_id=to_store_id)
    return source, destination


async def eta_at_of(db: Connection, from_store_id: int, to_store_id: int, now: datetime) -> datetime:
    """When what leaves now is on the other shelf."""
    source, destination = await _ends(db, from_store_id, to_store_id)
    route = await stores.find_route(db, from_store_id, to_store_id) or OWNERS_RULE
    departure = route.departure(now, source.calendar)
    eta_at = route.arrival_at(departure, destination.calendar) if departure else None
    if eta_at is None:
        raise NoWayThere(from_store_id=from_store_id, to_store_id=to_store_id)
    return eta_at


async def get_transfer(db: Connection, transfer_id: int, *, lock: bool = False) -> Transfer:
    """The transfer, or a refusal."""
    transfer = await store.find(db, transfer_id, lock=lock)
    if transfer is None:
        raise UnknownTransfer(f"There is no transfer {transfer_id}", transfer_id=transfer_id)
    return transfer


async def request(
    db: Connection,
    caller: Caller,
    from_store_id: int,
    to_store_id: int,
    pieces: Mapping[int, int],
    related_document: str | None,
    note: str | None,
    wanted_by: date | None,
    now: datetime,
) -> Transfer:
    """Ask for pieces (product → pieces). The sending store may ask as well as the receiving one."""
    if from_store_id == to_store_id:
        reason = "a transfer must go to another store"
        raise Invalid(f"to_store_id: {reason}", errors=[wrong("to_store_id", reason)])
    caller.must_act_for_one_of(from_store_id, to_store_id)
    await _ends(db, from_store_id, to_store_id)
    _must_not_be_past(wanted_by, now)
    transfer_id = await store.add(db, from_store_id, to_store_id, related_document, note, wanted_by, caller.actor)
    await _ask_for(db, transfer_id, to_store_id, pieces)
    await store.tell(db, transfer_id, "requested", caller.actor, pieces)
    return await get_transfer(db, transfer_id)


async def _ask_for(db: Connection, transfer_id: int, to_store_id: int, pieces: Mapping[int, int]) -> None:
    known = await store.request(db, transfer_id, to_store_id, pieces)
    for product_id in sorted(pieces.keys() - set(known)):
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)


def _must_not_be_past(wanted_by: date | None, now: datetime) -> None:
    if wanted_by is not None and wanted_by < now.date():
        reason = "must not lie in the past"
        raise Invalid(f"wanted_by: {reason}", errors=[wrong("wanted_by", reason)])


async def change(
    db: Connection,
    caller: Caller,
    transfer_id: int,
    version: int,
    changes: Mapping[str, object],
    pieces: Mapping[int, int] | None,
    now: datetime,
) -> Transfer:
    """Ask for something else, as long as nothing has left. `pieces` replaces all that was asked for."""
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for_one_of(transfer.from_store_id, transfer.to_store_id)
    if transfer.version != version:
        current = {
            "note": transfer.note,
            "wanted_by": transfer.wanted_by,
            "lines": [{"product_id": one, "quantity": count} for one, count in transfer.wanted.items()],
        }
        asked = {**changes, **({} if pieces is None else {"lines": _as_lines(pieces)})}
        raise changed_meanwhile("transfer", transfer.version, asked, current)
    _must_be_open(transfer)
    if transfer.shipped_at is not None:
        raise ShippedAlready(transfer_id=transfer_id)
    wanted_by = changes.get("wanted_by", transfer.wanted_by)
    assert wanted_by is None or isinstance(wanted_by, date)
    if "wanted_by" in changes:
        _must_not_be_past(wanted_by, now)
    note = changes.get("note", transfer.note)
    await store.change(db, transfer_id, None if note is None else str(note), wanted_by)
    if pieces is not None:
        gone = dict.fromkeys((line.product_id for line in transfer.lines), 0)
        await _ask_for(db, transfer_id, transfer.to_store_id, {**gone, **pieces})
    await store.tell(db, transfer_id, "changed", caller.actor, transfer.wanted if pieces is None else pieces)
    return await get_transfer(db, transfer_id)


def _as_lines(pieces: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"product_id": product_id, "quantity": count} for product_id, count in pieces.items()]


def _must_be_open(transfer: Transfer) -> None:
    if transfer.status in CLOSED:
        raise TransferClosed(transfer_id=transfer.id, transfer_status=transfer.status)


async def ship(
    db: Connection,
    caller: Caller,
    transfer_id: int,
    pieces: Mapping[int, int] | None,
    now: datetime,
    *,
    close_rest: bool = False,
    beyond_requested: bool = False,
) -> tuple[Transfer, list[Movement]]:
    """Send pieces on their way: those named (product → pieces), or all that are still wanted.

    What is wanted and not sent stays wanted, unless `close_rest` drops it. More than is wanted, or something else,
    leaves only with `beyond_requested`.
    """
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.from_store_id)
    _must_be_open(transfer)
    wanted = transfer.wanted
    sent = wanted if pieces is None else pieces
    if not sent:
        raise NothingRequested(transfer_id=transfer_id)
    beyond = {one: count for one, count in sent.items() if count > wanted.get(one, 0)}
    if beyond and not beyond_requested:
        product_id, asked = next(iter(beyond.items()))
        raise MoreThanRequested(product_id=product_id, asked=asked, wanted=wanted.get(product_id, 0))
    strangers = beyond.keys() - {line.product_id for line in transfer.lines}
    if strangers:
        await _ask_for(db, transfer_id, transfer.to_store_id, dict.fromkeys(sorted(strangers), 0))
    eta_at = await eta_at_of(db, transfer.from_store_id, transfer.to_store_id, now)
    rest = {one: count - sent.get(one, 0) for one, count in wanted.items() if count > sent.get(one, 0)}
    transfer = await store.book(
        db, transfer, {"shipped": sent, "dropped": rest if close_rest else {}}, shipped_at=now, eta_at=eta_at
    )
    await store.tell(db, transfer_id, "shipped", caller.actor, sent)
    moved = await post_lines(db, [_line(transfer, caller, one, -count) for one, count in sent.items()])
    return await get_transfer(db, transfer_id), moved


def _line(transfer: Transfer, caller: Caller, product_id: int, delta: int) -> Line:
    """Pieces that leave the sender's shelf, or come back to it (recall) or to the receiver's."""
    return Line(
        product_id=product_id,
        store_id=transfer.from_store_id if delta < 0 else transfer.to_store_id,
        movement_type="transfer",
        delta=delta,
        actor=caller.actor,
        related_document=transfer.related_document,
        transfer_id=transfer.id,
    )


async def receive(
    db: Connection, caller: Caller, transfer_id: int, pieces: Mapping[int, int] | None
) -> tuple[Transfer, list[Movement]]:
    """Put pieces that came onto the shelf: those named (product → pieces), or all that are on the way."""
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.to_store_id)
    received = _must_be_on_the_way(transfer, pieces)
    await store.book(db, transfer, {"received": received})
    await store.tell(db, transfer_id, "received", caller.actor, received)
    moved = await post_lines(db, [_line(transfer, caller, one, count) for one, count in received.items()])
    return await get_transfer(db, transfer_id), moved


def _must_be_on_the_way(transfer: Transfer, pieces: Mapping[int, int] | None) -> Mapping[int, int]:
    """The pieces, or all that are on the way; refused where more is meant than that."""
    _must_be_open(transfer)
    on_the_way = transfer.on_the_way
    if not on_the_way:
        raise NotShippedYet(transfer_id=transfer.id)
    meant = on_the_way if pieces is None else pieces
    for product_id, asked in meant.items():
        if asked > on_the_way.get(product_id, 0):
            raise MoreThanShipped(product_id=product_id, asked=asked, on_the_way=on_the_way.get(product_id, 0))
    return meant


async def differ(
    db: Connection, caller: Caller, transfer_id: int, found: Sequence[Found]
) -> tuple[Transfer, list[Movement]]:
    """Tell what did not come as it was sent.

    What was lost or came damaged is received and written off at once: so the ledger shows the loss, with its reason.
    What came though nobody sent it (surplus, wrong item) is put on the shelf by an adjustment; the sender hears of it.
    """
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.to_store_id)
    if transfer.shipped_at is None:
        raise NotShippedYet(transfer_id=transfer_id)
    gone = {reason: _summed(found, reason) for reason in ("lost", "damaged")}
    if any(gone.values()):
        _must_be_on_the_way(transfer, _added(*gone.values()))
        transfer = await store.book(db, transfer, gone)
    await store.add_differences(db, transfer_id, caller.actor, found)
    await store.tell(db, transfer_id, "differed", caller.actor, _added(*[{f.product_id: f.quantity} for f in found]))
    lines: list[Line] = []
    for one in found:
        told = one.reason if one.note is None else f"{one.reason}: {one.note}"
        place = one.product_id, transfer.to_store_id
        here = Line(*place, "adjustment", one.quantity, caller.actor, transfer.document, told)
        if one.reason in gone:
            written_off = replace(here, movement_type="writeoff", delta=-one.quantity)
            lines += [_line(transfer, caller, one.product_id, one.quantity), written_off]
        else:
            lines.append(here)
    moved = await post_lines(db, lines)
    return await get_transfer(db, transfer_id), moved


def _summed(found: Sequence[Found], reason: str) -> dict[int, int]:
    return _added(*[{one.product_id: one.quantity} for one in found if one.reason == reason])


def _added(*counts: Mapping[int, int]) -> dict[int, int]:
    total: dict[int, int] = {}
    for pieces in counts:
        for product_id, count in pieces.items():
            total[product_id] = total.get(product_id, 0) + count
    return total


async def cancel(db: Connection, caller: Caller, transfer_id: int) -> Transfer:
    """Drop what is still wanted; what is on the way is recalled or received."""
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for_one_of(transfer.from_store_id, transfer.to_store_id)
    _must_be_open(transfer)
    if not transfer.wanted:
        raise NothingRequested(transfer_id=transfer_id)
    await store.book(db, transfer, {"dropped": transfer.wanted})
    await store.tell(db, transfer_id, "cancelled", caller.actor, transfer.wanted)
    return await get_transfer(db, transfer_id)


async def recall(
    db: Connection, caller: Caller, transfer_id: int, pieces: Mapping[int, int] | None
) -> tuple[Transfer, list[Movement]]:
    """Bring pieces that are on the way back to the sender's shelf: those named, or all of them."""
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.from_store_id)
    returned = _must_be_on_the_way(transfer, pieces)
    await store.book(db, transfer, {"returned": returned})
    await store.tell(db, transfer_id, "recalled", caller.actor, returned)
    lines = [
        replace(_line(transfer, caller, one, count), store_id=transfer.from_store_id)
        for one, count in returned.items()
    ]  # fmt: skip
    moved = await post_lines(db, lines)
    return await get_transfer(db, transfer_id), moved


async def tell_overdue(db: Connection, actor: str, now: datetime) -> int:
    """Tell, once each, of transfers that should have come by now; returns how many there were."""
    late = await store.newly_overdue(db, now)
    for transfer_id in late:
        transfer = await get_transfer(db, transfer_id)
        await store.tell(db, transfer_id, "overdue", actor, transfer.on_the_way)
    return len(late)
