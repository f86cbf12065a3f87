"""Verbs: reserve, extend, release, fulfil; and let go of what has lapsed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import Line, Movement
from autoshop.inventory.movements.service import post_lines, refusal_of
from autoshop.inventory.reservations import store
from autoshop.inventory.reservations.model import (
    MOST_DAYS,
    NotHeld,
    Place,
    Reservation,
    ReservationEnded,
    UnknownReservation,
)
from autoshop.kit.db import Connection, transaction_on
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.etag import changed_meanwhile

PLACES_AT_A_TIME = 500


def summed(lines: Sequence[tuple[Place, int]]) -> dict[Place, int]:
    """Pieces per place, in key order."""
    pieces: dict[Place, int] = {}
    for place, count in sorted(lines):
        pieces[place] = pieces.get(place, 0) + count
    return pieces


async def reserve(
    db: Connection,
    caller: Caller,
    lines: Sequence[tuple[Place, int]],
    holder: str,
    related_document: str | None,
    until: datetime,
    now: datetime,
) -> Reservation:
    """Hold pieces for somebody: all lines, or a refusal that names every line that stood in the way."""
    caller.must_act_for(*sorted({store_id for (_, store_id), _ in lines}))
    _must_be_ahead(until, now)
    wanted = summed(lines)
    await store.let_go_of_lapsed(db, list(wanted))
    held = await store.hold(db, wanted)
    if len(held) < len(wanted):
        asked = [Line(*place, "sale", -pieces, caller.actor) for place, pieces in lines]
        raise await refusal_of(db, asked, [number for number, line in enumerate(asked) if line.place not in held])
    reservation_id = await store.add(db, wanted, holder, related_document, caller.actor, until)
    await store.tell(db, reservation_id, "reserved")
    return await get_reservation(db, reservation_id)


async def get_reservation(db: Connection, reservation_id: int) -> Reservation:
    """The reservation, or a refusal."""
    found = await store.find(db, reservation_id)
    if found is None:
        raise UnknownReservation(f"There is no reservation {reservation_id}", reservation_id=reservation_id)
    return found


async def extend(
    db: Connection, caller: Caller, reservation_id: int, version: int, until: datetime, now: datetime
) -> Reservation:
    """Hold on until another moment, later or sooner; what has lapsed stays lapsed."""
    reservation = await _living(db, caller, reservation_id)
    _must_be_ahead(until, now)
    is_held, is_same = await store.extend(db, reservation_id, version, until)
    if not is_held:
        raise await _ended(db, reservation_id)
    if not is_same:
        current = {"expires_at": reservation.expires_at.isoformat()}
        raise changed_meanwhile("reservation", reservation.version, {"expires_at": until.isoformat()}, current)
    await store.tell(db, reservation_id, "extended")
    return await get_reservation(db, reservation_id)


async def release(
    db: Connection, caller: Caller, reservation_id: int, lines: Sequence[tuple[Place, int]] | None
) -> Reservation:
    """Give back what is held: the lines named, or all of it."""
    reservation = await _living(db, caller, reservation_id)
    wanted = _held(reservation) if lines is None else summed(lines)
    released = await _take(db, reservation, wanted, fulfilled=False)
    if lines is not None:
        for place, pieces in wanted.items():
            if released.get(place, 0) < pieces:
                raise _not_held(place, pieces, released.get(place, 0))
    await store.close(db, [reservation_id], "released")
    return await get_reservation(db, reservation_id)


async def fulfil(
    db: Connection,
    caller: Caller,
    reservation_id: int,
    lines: Sequence[tuple[Place, int]] | None,
    related_document: str | None,
) -> tuple[Reservation, list[Movement]]:
    """Sell to the holder: the lines named, or all that is held.

    His own hold does not stand in his way: of a place where more is wanted than is held, the rest comes from what is
    free. What he does not take stays held.
    """
    reservation = await _living(db, caller, reservation_id)
    wanted = _held(reservation) if lines is None else summed(lines)
    taken = await _take(db, reservation, wanted, fulfilled=True)
    sold = taken if lines is None else wanted
    document = related_document or reservation.related_document or f"reservation {reservation_id}"
    sales = [Line(*place, "sale", -pieces, caller.actor, document) for place, pieces in sold.items()]
    movements = await post_lines(db, sales)
    await store.close(db, [reservation_id], "fulfilled")
    return await get_reservation(db, reservation_id), movements


async def let_go_of_all_lapsed(db: Connection) -> int:
    """Free what lapsed holds still hold, wherever it is; at how many places. Nobody waits for this: see `stock`.

    Opens its transactions itself, one for every few hundred places.
    """
    count = 0
    while True:
        async with transaction_on(db):
            places = await store.lapsed_places(db, PLACES_AT_A_TIME)
            await store.let_go_of_lapsed(db, places)
        count += len(places)
        if len(places) < PLACES_AT_A_TIME:
            return count


async def _living(db: Connection, caller: Caller, reservation_id: int) -> Reservation:
    reservation = await get_reservation(db, reservation_id)
    caller.must_act_for(*sorted({line.store_id for line in reservation.lines}))
    if reservation.status != "live":
        raise ReservationEnded(reservation_id=reservation_id, reservation_status=reservation.status)
    return reservation


async def _take(
    db: Connection, reservation: Reservation, wanted: Mapping[Place, int], *, fulfilled: bool
) -> dict[Place, int]:
    held = _held(reservation)
    for place, pieces in wanted.items():
        if place not in held:
            raise _not_held(place, pieces, 0)
    taken = await store.take(db, reservation.id, wanted, fulfilled=fulfilled)
    if not taken:  # somebody else, or time, was faster
        raise await _ended(db, reservation.id)
    return taken


async def _ended(db: Connection, reservation_id: int) -> ReservationEnded:
    now = await get_reservation(db, reservation_id)
    status = "expired" if now.status == "live" else now.status
    return ReservationEnded(reservation_id=reservation_id, reservation_status=status)


def _held(reservation: Reservation) -> dict[Place, int]:
    return {line.place: line.held for line in reservation.lines if line.held}


def _not_held(place: Place, asked: int, held: int) -> NotHeld:
    return NotHeld(product_id=place[0], store_id=place[1], asked=asked, held=held)


def _must_be_ahead(until: datetime, now: datetime) -> None:
    if not now < until <= now + timedelta(days=MOST_DAYS):
        reason = f"must lie ahead, within {MOST_DAYS} days"
        raise Invalid(f"expires_at: {reason}", errors=[wrong("expires_at", reason)])
