"""Verbs: ask for, change, ship, receive, drop, recall. What did not come as sent is told in differences.py.

Pieces on the way lie on nobody's shelf, but the transfer holds them. Its row is locked first, places after it.
"""

from collections.abc import Iterable, Mapping
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
from autoshop.inventory.movements.store import open_places, places
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import OWNERS_RULE, Store
from autoshop.inventory.transfers import store
from autoshop.inventory.transfers.model import (
    CLOSED,
    MoreThanRequested,
    MoreThanShipped,
    NothingRequested,
    NotShippedYet,
    NoWayThere,
    OrderDecides,
    ShippedAlready,
    StoreClosed,
    Transfer,
    TransferClosed,
    TransferLine,
    UnknownTransfer,
)
from autoshop.inventory.transfers.orders import service as orders
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
    eta_at = route.next_arrival(now, source.calendar, destination.calendar)
    if eta_at is None:
        raise NoWayThere(from_store_id=from_store_id, to_store_id=to_store_id)
    return eta_at


async def get_transfer(db: Connection, transfer_id: int, *, lock: bool = False) -> Transfer:
    """The transfer, or a refusal."""
    transfer = await store.find(db, transfer_id, lock=lock)
    if transfer is None:
        raise UnknownTransfer(f"There is no transfer {transfer_id}", transfer_id=transfer_id)
    return transfer


async def free_at_sender(db: Connection, transfer: Transfer) -> dict[int, int]:
    """What the sender could ship of each line now, besides what is held for this or others."""
    wanted = [(line.product_id, transfer.from_store_id) for line in transfer.lines]
    return {product_id: place.available for (product_id, _), place in (await places(db, wanted)).items()}


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
    *,
    hold_until: datetime | None = None,
) -> Transfer:
    """Ask for pieces (product → pieces). The sending store may ask as well as the receiving one.

    With `hold_until` they are held at the sender until then, for who acts for it; the shipment takes them out of that.
    """
    if from_store_id == to_store_id:
        reason = "a transfer must go to another store"
        raise Invalid(f"to_store_id: {reason}", errors=[wrong("to_store_id", reason)])
    caller.must_act_for_one_of(from_store_id, to_store_id)
    await _ends(db, from_store_id, to_store_id)
    _must_not_be_past(wanted_by, now)
    if hold_until is not None:
        reservations.must_be_ahead(hold_until, now, "hold_until")
    transfer_id = await store.add(db, from_store_id, to_store_id, related_document, note, wanted_by, caller.actor)
    await _ask_for(db, transfer_id, to_store_id, pieces)
    if hold_until is not None:
        await _hold(db, caller, await get_transfer(db, transfer_id), hold_until, now)
    await store.tell(db, transfer_id, "requested", caller.actor, pieces)
    return await get_transfer(db, transfer_id)


async def _hold(db: Connection, caller: Caller, transfer: Transfer, until: datetime, now: datetime) -> None:
    """Hold at the sender what is wanted."""
    wanted = list(_at(transfer, transfer.wanted).items())
    held = await reservations.reserve(db, caller, wanted, f"transfer {transfer.id}", transfer.document, until, now)
    await store.hold(db, transfer.id, held.id)


def _at(transfer: Transfer, pieces: Mapping[int, int]) -> dict[tuple[int, int], int]:
    """Pieces by product → by place of the sender."""
    return {(product_id, transfer.from_store_id): count for product_id, count in pieces.items()}


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
    if pieces is not None and transfer.allocation_id is not None:
        raise OrderDecides(transfer_id=transfer_id, allocation_id=transfer.allocation_id)
    wanted_by = changes.get("wanted_by", transfer.wanted_by)
    assert wanted_by is None or isinstance(wanted_by, date)
    if "wanted_by" in changes:
        _must_not_be_past(wanted_by, now)
    note = changes.get("note", transfer.note)
    await store.change(db, transfer_id, None if note is None else str(note), wanted_by)
    before = _told(transfer)
    if pieces is not None:
        transfer = await _ask_for_others(db, caller, transfer, pieces, now)
    await store.tell(
        db, transfer_id, "changed", caller.actor, transfer.wanted, before=before,
        after={**before, "note": note, "wanted_by": wanted_by, "lines": transfer.wanted},
    )  # fmt: skip
    return await get_transfer(db, transfer_id)


def _told(transfer: Transfer) -> dict[str, object]:
    """What a change may change."""
    return {"note": transfer.note, "wanted_by": transfer.wanted_by, "lines": transfer.wanted}


async def _ask_for_others(
    db: Connection, caller: Caller, transfer: Transfer, pieces: Mapping[int, int], now: datetime
) -> Transfer:
    """Other lines in the place of those that were asked for; what held those holds these."""
    gone = dict.fromkeys((line.product_id for line in transfer.lines), 0)
    await _ask_for(db, transfer.id, transfer.to_store_id, {**gone, **pieces})
    changed = await get_transfer(db, transfer.id)
    if transfer.reservation_id is None:
        return changed
    held = await reservations.get_reservation(db, transfer.reservation_id)
    if held.status == "live":
        caller.must_act_for(transfer.from_store_id)
        await _lock(db, _at(transfer, {**transfer.wanted, **changed.wanted}))
        await reservations.take_out(db, held.id, {}, _at(transfer, transfer.wanted))
        await _hold(db, caller, changed, held.expires_at, now)
    return await get_transfer(db, transfer.id)


async def _lock(db: Connection, wanted: Iterable[tuple[int, int]]) -> None:
    """All places that are locked one after another below, at once and in key order; those that are missing are made."""
    wanted = sorted(wanted)
    await open_places(db, wanted)
    await lock_places(db, wanted)


async def lock_both_ends(db: Connection, transfer: Transfer, pieces: Iterable[int]) -> None:
    """The places between which the hold of an order goes along with its pieces."""
    ends = transfer.from_store_id, transfer.to_store_id
    await _lock(db, [(product_id, store_id) for product_id in pieces for store_id in ends])


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
    leaves only with `beyond_requested`; never with the pieces of an order.
    """
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.from_store_id)
    _must_be_open(transfer)
    wanted = transfer.wanted
    sent = wanted if pieces is None else pieces
    if not sent:
        raise NothingRequested(transfer_id=transfer_id)
    beyond = {one: count for one, count in sent.items() if count > wanted.get(one, 0)}
    if beyond and transfer.allocation_id is not None:
        raise OrderDecides(transfer_id=transfer_id, allocation_id=transfer.allocation_id)
    if beyond and not beyond_requested:
        product_id, asked = next(iter(beyond.items()))
        raise MoreThanRequested(product_id=product_id, asked=asked, wanted=wanted.get(product_id, 0))
    strangers = beyond.keys() - {line.product_id for line in transfer.lines}
    if strangers:
        await _ask_for(db, transfer_id, transfer.to_store_id, dict.fromkeys(sorted(strangers), 0))
        unasked = [TransferLine(product_id, 0, 0, 0, 0, 0, 0, 0) for product_id in sorted(strangers)]
        transfer = replace(transfer, lines=(*transfer.lines, *unasked))
    eta_at = await eta_at_of(db, transfer.from_store_id, transfer.to_store_id, now)
    rest = {one: count - sent.get(one, 0) for one, count in wanted.items() if count > sent.get(one, 0)}
    transfer = await store.book(
        db, transfer, {"shipped": sent, "dropped": rest if close_rest else {}}, shipped_at=now, eta_at=eta_at
    )
    await store.tell(db, transfer_id, "shipped", caller.actor, sent, eta_at=eta_at)
    if transfer.allocation_id is not None:
        await lock_both_ends(db, transfer, sent)
        await orders.leave(db, transfer, sent)
    elif transfer.reservation_id is not None:
        given_up = _at(transfer, rest) if close_rest else {}
        await reservations.take_out(db, transfer.reservation_id, _at(transfer, sent), given_up)
    moved = await post_lines(db, [line_of(transfer, caller, one, -count) for one, count in sent.items()])
    return await get_transfer(db, transfer_id), moved


def line_of(transfer: Transfer, caller: Caller, product_id: int, delta: int) -> Line:
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
    received = must_be_on_the_way(transfer, pieces)
    await store.book(db, transfer, {"received": received})
    await store.tell(db, transfer_id, "received", caller.actor, received)
    moved = await post_lines(db, [line_of(transfer, caller, one, count) for one, count in received.items()])
    await orders.come(db, transfer, received)
    return await get_transfer(db, transfer_id), moved


def must_be_on_the_way(transfer: Transfer, pieces: Mapping[int, int] | None) -> Mapping[int, int]:
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


async def cancel(db: Connection, caller: Caller, transfer_id: int) -> Transfer:
    """Drop what is still wanted; what is on the way is recalled or received.

    The pieces of an order stay held for it where they lie: only they are not brought.
    """
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for_one_of(transfer.from_store_id, transfer.to_store_id)
    _must_be_open(transfer)
    if not transfer.wanted:
        raise NothingRequested(transfer_id=transfer_id)
    await store.book(db, transfer, {"dropped": transfer.wanted})
    if transfer.reservation_id is not None and transfer.allocation_id is None:
        await reservations.take_out(db, transfer.reservation_id, {}, _at(transfer, transfer.wanted))
    await store.tell(db, transfer_id, "cancelled", caller.actor, transfer.wanted)
    return await get_transfer(db, transfer_id)


async def recall(
    db: Connection, caller: Caller, transfer_id: int, pieces: Mapping[int, int] | None
) -> tuple[Transfer, list[Movement]]:
    """Bring pieces that are on the way back to the sender's shelf: those named, or all of them."""
    transfer = await get_transfer(db, transfer_id, lock=True)
    caller.must_act_for(transfer.from_store_id)
    returned = must_be_on_the_way(transfer, pieces)
    await store.book(db, transfer, {"returned": returned})
    await store.tell(db, transfer_id, "recalled", caller.actor, returned)
    lines = [
        replace(line_of(transfer, caller, one, count), store_id=transfer.from_store_id)
        for one, count in returned.items()
    ]  # fmt: skip
    if transfer.allocation_id is not None:
        await lock_both_ends(db, transfer, returned)
    moved = await post_lines(db, lines)
    await orders.come_back(db, transfer, returned)
    return await get_transfer(db, transfer_id), moved


async def tell_overdue(db: Connection, actor: str, now: datetime) -> int:
    """Tell, once each, of transfers that should have come by now; returns how many there were."""
    late = await store.newly_overdue(db, now)
    for transfer_id in late:
        transfer = await get_transfer(db, transfer_id)
        await store.tell(db, transfer_id, "overdue", actor, transfer.on_the_way)
    return len(late)
